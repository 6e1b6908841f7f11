"""A validation as an MLflow run: numbers to compare in MLflow's own pages, documents as exact bytes."""

from __future__ import annotations

import hashlib
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbdeploy.documents.evidence import Digest, Evidence
from nbdeploy.documents.run_files import SIGNED_FILES
from nbdeploy.errors import RegistryError
from nbdeploy.registry.tags import EVIDENCE, LOGGED_MODEL, tag

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

_FOLDER = "nbdeploy"
_METRIC_NAME = re.compile(r"[^\w\-. /]")


def log(client: MlflowClient, experiment: str, evidence: Evidence, folder: Path) -> str:
    """Write the run and return its id."""
    from mlflow.entities import Param, RunTag

    name = evidence.objective.name
    attempt = evidence.run.attempt
    word = f"attempt {attempt}" if attempt else ("draft" if evidence.run.draft else "sealed")
    run_id = str(client.create_run(experiment, run_name=f"{name} {word}").info.run_id)
    model = evidence.subject.model
    stored = "sha256:" + hashlib.sha256((folder / "evidence.json").read_bytes()).hexdigest()
    tags = {
        "kind": "validation",
        "objective": name,
        "verdict": evidence.verdict.overall,
        EVIDENCE: stored,
        "model_digest": model.digest if model else "",
    }
    parameters = {
        "objective": name,
        "seed": evidence.run.seed,
        "attempt": attempt or word,
        "model": model.uri if model else "elsewhere",
    }
    client.log_batch(
        run_id,
        params=[Param(key, str(value)[:500]) for key, value in parameters.items()],
        tags=[RunTag(tag(key), value) for key, value in tags.items()],
    )
    _log_data_and_metrics(client, run_id, evidence, _model_id(client, model.uri if model else ""))
    client.log_artifacts(run_id, str(folder), _FOLDER)
    client.set_terminated(run_id, "FINISHED")
    return run_id


def _log_data_and_metrics(client: MlflowClient, run_id: str, evidence: Evidence, model_id: str | None) -> None:
    from mlflow.entities import Dataset, DatasetInput, InputTag, Metric

    evaluated: dict[str, Any] = {}
    datasets = []
    for data in evidence.subject.data:
        digest = data.digest.removeprefix("sha256:")[:36]  # the column of MLflow's table holds 36 characters
        datasets.append(
            DatasetInput(
                Dataset(name=data.name, digest=digest, source_type="local", source="{}"),
                tags=[InputTag("mlflow.data.context", data.role)],
            )
        )
        if data.role in ("evaluation", "predictions") and not evaluated:
            evaluated = {"dataset_name": data.name, "dataset_digest": digest}
    client.log_inputs(run_id, datasets)
    now = int(time.time() * 1000)
    metrics = [
        Metric(_METRIC_NAME.sub("_", finding.id), finding.value, now, 0, model_id=model_id, run_id=run_id, **evaluated)
        for finding in evidence.findings
        if finding.value is not None
    ]
    for start in range(0, len(metrics), 1000):  # MLflow's limit for one batch
        client.log_batch(run_id, metrics=metrics[start : start + 1000])


def _model_id(client: MlflowClient, uri: str) -> str | None:
    """Return the logged model that was validated, if this store has it."""
    from mlflow.exceptions import MlflowException

    rest = uri.removeprefix("models:/")
    if rest == uri:
        return None
    try:
        if "/" in rest:
            name, version = rest.rsplit("/", 1)
            found = client.get_model_version(name, version)
            return found.model_id or found.tags.get(tag(LOGGED_MODEL))
        return str(client.get_logged_model(rest).model_id)
    except MlflowException:  # validated against another store: the metrics then stand for themselves
        return None


def first(client: MlflowClient, experiment: str, key: str, value: str) -> Run | None:
    """Return the latest run with this tag, or None."""
    found = client.search_runs([experiment], f"tags.`{tag(key)}` = '{value}'", max_results=1)
    return found[0] if found else None


def find(client: MlflowClient, experiment: str, evidence: Digest) -> str | None:
    """Return the run whose stored evidence has this digest."""
    run = first(client, experiment, EVIDENCE, evidence)
    return None if run is None else str(run.info.run_id)


def documents(client: MlflowClient, run_id: str, scratch: Path) -> dict[str, bytes]:
    """Return the stored documents by file name."""
    listed = {item.path for item in client.list_artifacts(run_id, _FOLDER)}
    wanted = [name for name in SIGNED_FILES if f"{_FOLDER}/{name}" in listed]
    if not wanted:
        raise RegistryError(f"the run {run_id} holds no documents of nbdeploy", next="validate again")
    return {
        name: Path(client.download_artifacts(run_id, f"{_FOLDER}/{name}", str(scratch))).read_bytes() for name in wanted
    }
