"""What is registered: models, their versions and aliases."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from nbdeploy.registry import model_folder

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion


def models(client: MlflowClient) -> tuple[str, ...]:
    """Return the names of all registered models, sorted."""
    names: list[str] = []
    page = None
    while True:
        found = client.search_registered_models(page_token=page)
        names += [model.name for model in found]
        page = found.token
        if not page:
            return tuple(sorted(names))


def versions(client: MlflowClient, name: str) -> Sequence[ModelVersion]:
    """Return the versions of a model, the latest first; empty when it is not registered."""
    quoted = name.replace("'", "''")
    found = client.search_model_versions(f"name='{quoted}'")
    return sorted(found, key=lambda version: int(version.version), reverse=True)


def aliases(client: MlflowClient, name: str) -> dict[str, str]:
    """Return alias → version of a model; empty when it is not registered."""
    from mlflow.exceptions import MlflowException

    try:
        found = client.get_registered_model(name)
    except MlflowException as error:
        if error.error_code not in model_folder.ABSENT:
            raise
        return {}
    return {alias: str(version) for alias, version in found.aliases.items()}
