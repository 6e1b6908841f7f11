"""A release as an MLflow run: its share of the traffic is a metric history."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbdeploy.documents.release import Release
from nbdeploy.registry import validation_run
from nbdeploy.registry.tags import REQUEST, tag

if TYPE_CHECKING:
    from mlflow import MlflowClient


def log(client: MlflowClient, experiment: str, release: Release, number: int) -> str:
    """Add one step to the run of a release, which is made with the first; return the run's id."""
    step = release.steps[number]
    run = validation_run.first(client, experiment, REQUEST, release.request)
    if run is None:
        run = client.create_run(
            experiment,
            run_name=f"release {release.subject}",
            tags={
                tag("kind"): "release",
                tag(REQUEST): release.request,
                tag("model"): release.subject,
                tag("endpoint"): release.endpoint,
            },
        )
    run_id = str(run.info.run_id)
    client.log_metric(run_id, "traffic_weight", step.weight, step=number)
    client.set_tag(run_id, tag("state"), step.state)
    if step.state not in ("rolling", "held"):
        client.set_terminated(run_id, "FINISHED" if step.state == "live" else "KILLED")
    return run_id
