"""`Registry`: one MLflow store. Models go in and come out as folders, runs as the documents of nbdeploy."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbdeploy.documents.evidence import Digest, Evidence
from nbdeploy.errors import ModelError, RegistryError, closest
from nbdeploy.registry import model_folder, validation_run
from nbdeploy.registry.border import border, probe
from nbdeploy.registry.tags import ALIASES, DIGEST, LOGGED_MODEL, REQUEST, tag
from nbdeploy.trust.digests import model_digest

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

EXPERIMENT = "nbdeploy"


class Registry:
    """An MLflow tracking server with its model registry.

    Parameters
    ----------
    tracking_uri
        ``sqlite:////…/mlflow.db`` or ``https://…``. A SQLite store is created when it is first used.
    artifact_root
        Where artifacts of a SQLite store lie; a server decides for itself.
    """

    def __init__(self, tracking_uri: str, artifact_root: Path | None = None) -> None:
        self.tracking_uri = tracking_uri
        self.artifact_root = artifact_root

    # The store --------------------------------------------------------------------------------------------------------

    @cached_property
    def client(self) -> MlflowClient:
        """MLflow's client, with the store created if it is a SQLite file that does not exist yet."""
        probe(self.tracking_uri)
        if self.tracking_uri.startswith("sqlite:///"):
            Path(self.tracking_uri.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
        with self._border("open the store"):
            from mlflow import MlflowClient

            return MlflowClient(self.tracking_uri, self.tracking_uri)

    @cached_property
    def experiment(self) -> str:
        """The id of the experiment that validations and releases are logged to."""
        with self._border("open the experiment"):
            found = self.client.get_experiment_by_name(EXPERIMENT)
            if found is not None:
                return str(found.experiment_id)
            where = None if self.artifact_root is None else self.artifact_root.resolve().as_uri()
            return str(self.client.create_experiment(EXPERIMENT, artifact_location=where))

    def _border(self, act: str) -> Any:
        return border(act, self.tracking_uri)

    # Models -----------------------------------------------------------------------------------------------------------

    def resolve(self, uri: str | Path, into: Path) -> tuple[Path, dict[str, Any]]:
        """Return a local folder with the model and what is known of it.

        Parameters
        ----------
        uri
            ``models:/NAME/VERSION``, ``models:/NAME@ALIAS``, ``models:/m-ID``, ``runs:/RUN/PATH``, or the folder of an
            MLflow model on this machine, which is then used where it lies.
        into
            A folder that may be created and filled with the download.

        Returns
        -------
        folder, facts
            `facts` has the fields of `ModelSubject` except `digest`.

        Raises
        ------
        ModelError
            There is no such model, or it is not an MLflow model.
        RegistryError
            The server cannot be reached.
        """
        text = str(uri)
        if not text.startswith(("models:/", "runs:/")):
            folder = model_folder.local(text)
            return folder, model_folder.facts(folder, uri=folder.as_uri())
        name, version = self._named(text)
        origin = f"models:/{name}/{version}" if name else text
        folder = self._download(origin, into)
        facts = model_folder.facts(folder, uri=origin) | {"name": name, "version": version}
        run_id = facts["run_id"]
        return folder, facts | (self._training(run_id) if run_id else {})

    def _named(self, uri: str) -> tuple[str | None, str | None]:
        """Return name and version of a registry address, an alias looked up; (None, None) for another one."""
        rest = uri.removeprefix("models:/").strip("/")
        if uri.startswith("runs:/") or ("/" not in rest and "@" not in rest):
            return None, None
        if "@" in rest:
            name, alias = rest.rsplit("@", 1)
            version = self.alias(name, alias)
            if version is None:
                self._must_exist(name)
                raise ModelError(f"the model {name!r} has no alias {alias!r}", next=f"give a version: models:/{name}/1")
            return name, version
        name, version = rest.rsplit("/", 1)
        self._must_exist(name)
        if version not in self.versions(name):
            raise ModelError(
                f"the model {name!r} has no version {version!r}", next=f"it has: {', '.join(self.versions(name))}"
            )
        return name, version

    def _must_exist(self, name: str) -> None:
        known = self.models()
        if name not in known:
            raise ModelError(
                f"no model {name!r} is registered{closest(name, known)}", next="register it, or give its folder"
            )

    def _download(self, uri: str, into: Path) -> Path:
        from mlflow.exceptions import MlflowException

        into.mkdir(parents=True, exist_ok=True)
        with self._border(f"fetch {uri}"):
            from mlflow.artifacts import download_artifacts

            try:
                path = download_artifacts(
                    artifact_uri=self._where(uri),
                    dst_path=str(into),
                    tracking_uri=self.tracking_uri,
                    registry_uri=self.tracking_uri,
                )
            except (MlflowException, FileNotFoundError) as error:
                if isinstance(error, MlflowException) and error.error_code not in model_folder.ABSENT:
                    raise
                raise ModelError(f"{uri} cannot be fetched from MLflow ({error})", next="check the address") from None
        return model_folder.local(path)

    def _where(self, uri: str) -> str:
        """Return where the artifacts lie. MLflow itself would ask its process-wide registry instead of this one."""
        rest = uri.removeprefix("models:/").strip("/")
        if rest == uri:
            return uri
        if "/" in rest:
            name, version = rest.rsplit("/", 1)
            return self._where(str(self.client.get_model_version_download_uri(name, version)))
        return str(self.client.get_logged_model(rest).artifact_location)

    def _training(self, run_id: str) -> dict[str, Any]:
        """Return what the training run tells; nothing when the run is gone."""
        from mlflow.exceptions import MlflowException

        with self._border("read the training run"):
            try:
                run = self.client.get_run(run_id)
            except MlflowException as error:
                if error.error_code not in model_folder.ABSENT:
                    raise
                return {}
        return {
            "logged_by": run.data.tags.get("mlflow.user"),
            "commit": run.data.tags.get("mlflow.source.git.commit"),
            "description": {"training_parameters": dict(run.data.params)} if run.data.params else {},
        }

    def save_estimator(self, estimator: Any, sample_frame: Any, name: str) -> str:
        """Store a fitted scikit-learn estimator as a logged model.

        Parameters
        ----------
        sample_frame
            A few rows of the model's input columns: gives the signature.

        Returns
        -------
        str
            ``models:/m-…``.
        """
        from mlflow.models import Model

        with self._border(f"store {name}"), tempfile.TemporaryDirectory() as scratch:
            logged = self.client.create_logged_model(self.experiment, name=name)
            model = Model(artifact_path=logged.artifact_location, model_uuid=logged.model_id, model_id=logged.model_id)
            folder = Path(scratch) / "model"
            model_folder.save(estimator, sample_frame, folder, model)
            self.client.log_model_artifacts(logged.model_id, str(folder))
            self.client.finalize_logged_model(logged.model_id, "READY")
            return f"models:/{logged.model_id}"

    def register(
        self, name: str, model_folder: Path, *, run_id: str | None = None, tags: Mapping[str, str] | None = None
    ) -> str:
        """Return the version of `name` that holds exactly these bytes; a new one if none does yet.

        The tag only finds a candidate: its bytes are fetched and hashed again, for tags prove nothing.
        """
        digest = model_digest(model_folder)
        existing = self.version_of(name, digest)
        if existing is not None:
            if tags:
                self.mirror(name, existing, tags=tags)
            return existing
        with self._border(f"register {name}"):
            if name not in self.models():
                self.client.create_registered_model(name)
            # Without a run, MLflow's SQL store would ask its process-wide default server for the logged model.
            run_id = run_id or self._registration_run(name)
            logged = self.client.create_logged_model(
                self.experiment, name=name, source_run_id=run_id, tags={tag(DIGEST): digest}
            )
            self.client.log_model_artifacts(logged.model_id, str(model_folder))
            self.client.finalize_logged_model(logged.model_id, "READY")
            version = self.client.create_model_version(
                name,
                source=logged.artifact_location,
                run_id=run_id,
                model_id=logged.model_id,
                tags={tag(key): value for key, value in (tags or {}).items()}
                | {tag(DIGEST): digest, tag(LOGGED_MODEL): logged.model_id},
            )
            return str(version.version)

    def _registration_run(self, name: str) -> str:
        run = self.client.create_run(self.experiment, run_name=f"register {name}", tags={tag("kind"): "registration"})
        self.client.set_terminated(run.info.run_id, "FINISHED")
        return str(run.info.run_id)

    def version_of(self, name: str, digest: Digest) -> str | None:
        """Return the latest version whose bytes have this digest, or None."""
        for version in self._versions(name):
            if version.tags.get(tag(DIGEST)) == digest and self._holds(name, str(version.version), digest):
                return str(version.version)
        return None

    def _holds(self, name: str, version: str, digest: Digest) -> bool:
        with tempfile.TemporaryDirectory() as scratch:
            try:
                return model_digest(self.fetch(name, version, Path(scratch))) == digest
            except ModelError:  # the artifacts are gone
                return False

    def fetch(self, name: str, version: str, into: Path) -> Path:
        """Download one version into `into` and return the model's folder. Nothing is verified here."""
        return self._download(f"models:/{name}/{version}", into)

    # What is registered -----------------------------------------------------------------------------------------------

    def models(self) -> tuple[str, ...]:
        """Return the names of all registered models."""
        with self._border("list the models"):
            names: list[str] = []
            page = None
            while True:
                found = self.client.search_registered_models(page_token=page)
                names += [model.name for model in found]
                page = found.token
                if not page:
                    return tuple(sorted(names))

    def versions(self, name: str) -> tuple[str, ...]:
        """Return the versions of a model, the latest first; empty when it is not registered."""
        return tuple(str(version.version) for version in self._versions(name))

    def _versions(self, name: str) -> Sequence[ModelVersion]:
        with self._border(f"list the versions of {name}"):
            quoted = name.replace("'", "''")
            found = self.client.search_model_versions(f"name='{quoted}'")
            return sorted(found, key=lambda version: int(version.version), reverse=True)

    def alias(self, name: str, alias: str) -> str | None:
        """Return the version that an alias points to, or None."""
        return self.aliases(name).get(alias)

    def aliases(self, name: str) -> dict[str, str]:
        """Return alias → version of a model; empty when it is not registered."""
        from mlflow.exceptions import MlflowException

        with self._border(f"read the aliases of {name}"):
            try:
                found = self.client.get_registered_model(name)
            except MlflowException as error:
                if error.error_code not in model_folder.ABSENT:
                    raise
                return {}
            return {alias: str(version) for alias, version in found.aliases.items()}

    def mirror(
        self,
        name: str,
        version: str,
        *,
        tags: Mapping[str, str] | None = None,
        aliases: Sequence[str] = (),
    ) -> None:
        """Show what the ledger says: tags of a version, and the aliases that point to it now."""
        unknown = set(aliases) - set(ALIASES)
        if unknown:
            raise RegistryError(f"{', '.join(sorted(unknown))}: nbdeploy only moves the aliases {', '.join(ALIASES)}")
        with self._border(f"mirror the standing of {name}/{version}"):
            for key, value in (tags or {}).items():
                self.client.set_model_version_tag(name, version, tag(key), value)
            for alias in aliases:
                self.client.set_registered_model_alias(name, alias, version)

    def drop_alias(self, name: str, alias: str) -> None:
        """Remove an alias that stands for nothing any more."""
        with self._border(f"remove the alias {alias} of {name}"):
            self.client.delete_registered_model_alias(name, alias)

    # Runs -------------------------------------------------------------------------------------------------------------

    def log_validation(self, evidence: Evidence, folder: Path) -> str:
        """Log a validation as a run: parameters, metrics tied to the evaluation data, all files of the run folder.

        Returns
        -------
        str
            The run's id.
        """
        with self._border("log the validation"):
            return validation_run.log(self.client, self.experiment, evidence, folder)

    def evidence_run(self, evidence: Digest) -> str | None:
        """Return the run that holds the evidence with this digest, or None."""
        with self._border("find the evidence"):
            return validation_run.find(self.client, self.experiment, evidence)

    def documents(self, run_id: str) -> dict[str, bytes]:
        """Return the stored bytes of a validation run's documents: objective, evidence and card, by file name."""
        with self._border("read the documents"), tempfile.TemporaryDirectory() as scratch:
            return validation_run.documents(self.client, run_id, Path(scratch))

    def log_release(
        self, *, request: str, model: str, version: str, endpoint: str, weight: float, step: int, state: str
    ) -> str:
        """Add one step to the release's run: the traffic weight (percent) is a metric history.

        Returns
        -------
        str
            The run's id, the same for every step of a request.
        """
        with self._border("log the release"):
            run = validation_run.first(self.client, self.experiment, REQUEST, request)
            if run is None:
                run = self.client.create_run(
                    self.experiment,
                    run_name=f"release {model}/{version}",
                    tags={
                        tag("kind"): "release",
                        tag(REQUEST): request,
                        tag("model"): f"{model}/{version}",
                        tag("endpoint"): endpoint,
                    },
                )
            run_id = str(run.info.run_id)
            self.client.log_metric(run_id, "traffic_weight", weight, step=step)
            self.client.set_tag(run_id, tag("state"), state)
            if state not in ("rolling", "held"):
                self.client.set_terminated(run_id, "FINISHED" if state == "live" else "KILLED")
            return run_id
