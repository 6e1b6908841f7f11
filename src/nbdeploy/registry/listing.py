"""What is registered: models, their versions and aliases."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from nbdeploy.documents.display import Display
from nbdeploy.registry import model_folder
from nbdeploy.registry.tags import PREFIX, REQUEST, is_standing, tag

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


def display(client: MlflowClient, name: str) -> Display | None:
    """Return what is shown of a model; None when none of that name is registered."""
    from mlflow.exceptions import MlflowException

    try:
        found = client.get_registered_model(name)
    except MlflowException as error:
        if error.error_code not in model_folder.ABSENT:
            raise
        return None
    tags = {
        str(version.version): {
            key[len(PREFIX) :]: value
            for key, value in version.tags.items()
            if key.startswith(PREFIX) and is_standing(key)
        }
        for version in versions(client, name)
    }
    return Display(aliases={alias: str(version) for alias, version in found.aliases.items()}, tags=tags)


def named_with(client: MlflowClient, request: str) -> str | None:
    """Return the registered model with a version that is tagged with this request, or None."""
    found = client.search_model_versions(f"tags.`{tag(REQUEST)}` = '{request}'", max_results=1)
    return str(found[0].name) if found else None
