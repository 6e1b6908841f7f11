"""An address becomes a folder: ``models:/NAME/VERSION``, ``models:/NAME@ALIAS``, ``models:/m-ID``, ``runs:/…``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbdeploy.errors import ModelError, PathError, SizeError, closest
from nbdeploy.registry import listing, model_folder
from nbdeploy.trust.names import check_distinct, check_name, shown

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import FileInfo
    from mlflow.store.artifact.artifact_repo import ArtifactRepository


_MOST_FILES = 200_000
"""Of one model. A store that lists without end is not followed."""


def is_remote(address: str) -> bool:
    """Whether an address leads into MLflow, and not to a folder."""
    return address.startswith(("models:/", "runs:/"))


def named(client: MlflowClient, uri: str) -> tuple[str | None, str | None]:
    """Return name and version of a registry address, an alias looked up; (None, None) for another one.

    Raises
    ------
    ModelError
        No such model, version or alias; the closest is named.
    """
    rest = uri.removeprefix("models:/").strip("/")
    if uri.startswith("runs:/") or ("/" not in rest and "@" not in rest):
        return None, None
    if "@" in rest:
        name, alias = rest.rsplit("@", 1)
        version = listing.aliases(client, name).get(alias)
        if version is None:
            _must_exist(client, name)
            raise ModelError(f"the model {name!r} has no alias {alias!r}", next=f"give a version: models:/{name}/1")
        return name, version
    name, version = rest.rsplit("/", 1)
    _must_exist(client, name)
    known = [str(found.version) for found in listing.versions(client, name)]
    if version not in known:
        raise ModelError(f"the model {name!r} has no version {version!r}", next=f"it has: {', '.join(known)}")
    return name, version


def _must_exist(client: MlflowClient, name: str) -> None:
    known = listing.models(client)
    if name not in known:
        raise ModelError(
            f"no model {name!r} is registered{closest(name, known)}", next="register it, or give its folder"
        )


def download(client: MlflowClient, uri: str, into: Path, tracking_uri: str) -> Path:
    """Download a model into a folder, and return where it lies in there. Its bytes are not verified.

    Raises
    ------
    ModelError
        There is none, or it is not an MLflow model.
    PathError
        The store lists a file of a name that no model may have; then nothing was written.
    """
    from mlflow.artifacts import download_artifacts
    from mlflow.exceptions import MlflowException

    into.mkdir(parents=True, exist_ok=True)
    try:
        where = _where(client, uri)
        _check_names(where, tracking_uri)
        path = download_artifacts(
            artifact_uri=where, dst_path=str(into), tracking_uri=tracking_uri, registry_uri=tracking_uri
        )
    except (MlflowException, FileNotFoundError) as error:
        if isinstance(error, MlflowException) and error.error_code not in model_folder.ABSENT:
            raise
        raise ModelError(f"{uri} cannot be fetched from MLflow ({error})", next="check the address") from None
    return model_folder.local(path)


def _check_names(where: str, tracking_uri: str) -> None:
    """Refuse names that a store lists before any file is written under them."""
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    repository = get_artifact_repository(where, tracking_uri=tracking_uri, registry_uri=tracking_uri)
    files: list[str] = []
    folders: list[str | None] = [None]
    while folders:
        for found in _listed(repository, folders.pop()):
            check_name(found.path)
            _check_plain(repository, found.path)
            if len(files) + len(folders) >= _MOST_FILES:
                raise SizeError(f"the store lists more than {_MOST_FILES:,} files for {where}")
            if found.is_dir:
                folders.append(found.path)
            else:
                files.append(found.path)
    check_distinct(files)


def _check_plain(repository: ArtifactRepository, name: str) -> None:
    """Refuse a link in a store that is a folder: the copy would be a file, and nobody would see where it came from."""
    folder = getattr(getattr(repository, "repo", repository), "artifact_dir", None)
    if folder is not None and (Path(folder) / name).is_symlink():
        raise PathError(f"{shown(name)} is a symbolic link in the store", next="put the file itself there")


def _listed(repository: ArtifactRepository, folder: str | None) -> list[FileInfo]:
    from mlflow.exceptions import MlflowException

    try:
        return list(repository.list_artifacts(folder))
    except MlflowException as error:
        if error.message != "Invalid path":  # what MLflow says of names that lead out of the folder, without naming one
            raise
        raise PathError("the store lists a file whose name leads out of the model's folder") from None


def _where(client: MlflowClient, uri: str) -> str:
    """Return where the artifacts lie. MLflow itself would ask its process-wide registry instead of this one."""
    if not uri.startswith("models:/"):
        return uri
    rest = uri.removeprefix("models:/").strip("/")
    if "/" in rest:
        name, version = rest.rsplit("/", 1)
        return _where(client, str(client.get_model_version_download_uri(name, version)))
    return str(client.get_logged_model(rest).artifact_location)


def training(client: MlflowClient, run_id: str) -> dict[str, Any]:
    """Return what the training run tells; nothing when the run is gone."""
    from mlflow.exceptions import MlflowException

    try:
        run = client.get_run(run_id)
    except MlflowException as error:
        if error.error_code not in model_folder.ABSENT:
            raise
        return {}
    return {
        "logged_by": run.data.tags.get("mlflow.user"),
        "commit": run.data.tags.get("mlflow.source.git.commit"),
        "description": {"training_parameters": dict(run.data.params)} if run.data.params else {},
    }
