"""A release as an MLflow run: its share of the traffic is a metric history."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbdeploy.registry import validation_run
from nbdeploy.registry.tags import REQUEST, tag

if TYPE_CHECKING:
    from mlflow import MlflowClient


def log(
    client: MlflowClient,
    experiment: str,
    *,
    request: str,
    model: str,
    version: str,
    endpoint: str,
    weight: float,
    step: int,
    state: str,
) -> str:
    """Add one step to the run of a request, which is made with the first; return the run's id."""
    run = validation_run.first(client, experiment, REQUEST, request)
    if run is None:
        run = client.create_run(
            experiment,
            run_name=f"release {model}/{version}",
            tags={
                tag("kind"): "release",
                tag(REQUEST): request,
                tag("model"): f"{model}/{version}",
                tag("endpoint"): endpoint,
            },
        )
    run_id = str(run.info.run_id)
    client.log_metric(run_id, "traffic_weight", weight, step=step)
    client.set_tag(run_id, tag("state"), state)
    if state not in ("rolling", "held"):
        client.set_terminated(run_id, "FINISHED" if state == "live" else "KILLED")
    return run_id
