"""From a model's folder, or an estimator, into MLflow: as a logged model, and as a version of a name."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbdeploy.documents.evidence import Digest
from nbdeploy.errors import ModelError
from nbdeploy.registry import fetching, listing, model_folder
from nbdeploy.registry.tags import DIGEST, LOGGED_MODEL, tag

if TYPE_CHECKING:
    from mlflow import MlflowClient

_CONTENT = tag("content")
"""What an estimator that was stored from memory holds, whenever that was."""


def save_estimator(client: MlflowClient, experiment: str, estimator: Any, sample_frame: Any, name: str) -> str:
    """Store a fitted scikit-learn estimator and return the id of its logged model.

    One that is stored already is not stored again: it would be another model to whoever compares bytes, and a run that
    was interrupted would not go on.
    """
    from mlflow.models import Model

    with tempfile.TemporaryDirectory() as scratch:
        folder, model = Path(scratch) / "model", Model()
        model_folder.save(estimator, sample_frame, folder, model)
        content = model_folder.content_digest(folder)
        known = _stored_already(client, experiment, name, content, Path(scratch) / "known")
        if known is not None:
            return known
        logged = client.create_logged_model(experiment, name=name, tags={_CONTENT: content})
        model.artifact_path = logged.artifact_location
        model.model_uuid = model.model_id = logged.model_id
        model.save(str(folder / model_folder.DESCRIPTION))
        try:
            client.log_model_artifacts(logged.model_id, str(folder))
        except BaseException:  # nothing half written stays behind, after Ctrl-C neither
            client.delete_logged_model(logged.model_id)
            raise
        client.finalize_logged_model(logged.model_id, "READY")
        return str(logged.model_id)


def _stored_already(client: MlflowClient, experiment: str, name: str, content: Digest, scratch: Path) -> str | None:
    """Return the id of the logged model that holds this, or None. A tag only finds it: its files are looked at."""
    for found in client.search_logged_models([experiment], f"name = '{name}' AND tags.`{_CONTENT}` = '{content}'"):
        if found.status == "READY":
            try:
                uri = f"models:/{found.model_id}"
                folder = fetching.download(client, uri, scratch / found.model_id, client.tracking_uri)
            except ModelError:  # its files are gone
                continue
            if model_folder.content_digest(folder) == content:
                return str(found.model_id)
    return None


def add_version(
    client: MlflowClient,
    experiment: str,
    name: str,
    folder: Path,
    digest: Digest,
    *,
    run_id: str | None,
    tags: Mapping[str, str],
) -> str:
    """Store a model's folder as the next version of a name, which is made if need be; return the version."""
    if name not in listing.models(client):
        client.create_registered_model(name)
    # Without a run, MLflow's SQL store would ask its process-wide default server for the logged model.
    run_id = run_id or _registration_run(client, experiment, name)
    logged = client.create_logged_model(experiment, name=name, source_run_id=run_id, tags={tag(DIGEST): digest})
    client.log_model_artifacts(logged.model_id, str(folder))
    client.finalize_logged_model(logged.model_id, "READY")
    version = client.create_model_version(
        name,
        source=logged.artifact_location,
        run_id=run_id,
        model_id=logged.model_id,
        tags={tag(key): value for key, value in tags.items()}
        | {tag(DIGEST): digest, tag(LOGGED_MODEL): logged.model_id},
    )
    return str(version.version)


def _registration_run(client: MlflowClient, experiment: str, name: str) -> str:
    run = client.create_run(experiment, run_name=f"register {name}", tags={tag("kind"): "registration"})
    client.set_terminated(run.info.run_id, "FINISHED")
    return str(run.info.run_id)
