"""`Registry`: one MLflow store. Models go in and come out as folders, runs as the documents of nbdeploy."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from nbdeploy.documents.display import Display
from nbdeploy.documents.evidence import Digest, Evidence
from nbdeploy.documents.release import Release
from nbdeploy.errors import ModelError, RegistryError
from nbdeploy.registry import fetching, listing, model_folder, release_run, storing, validation_run
from nbdeploy.registry.connection import Connection
from nbdeploy.registry.tags import ALIASES, DIGEST, tag
from nbdeploy.trust.digests import model_digest


class Registry(Connection):
    """An MLflow tracking server with its model registry, and what nbdeploy does there."""

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
        if not fetching.is_remote(text):
            folder = model_folder.local(text)
            return folder, model_folder.facts(folder, uri=folder.as_uri())
        with self.border(f"fetch {text}"):
            name, version = fetching.named(self.client, text)
            origin = f"models:/{name}/{version}" if name else text
            folder = fetching.download(self.client, origin, into, self.tracking_uri)
            facts = model_folder.facts(folder, uri=origin) | {"name": name, "version": version}
            run_id = facts["run_id"]
            return folder, facts | (fetching.training(self.client, run_id) if run_id else {})

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
        with self.border(f"store {name}"):
            return f"models:/{storing.save_estimator(self.client, self.experiment, estimator, sample_frame, name)}"

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
        with self.border(f"register {name}"):
            return storing.add_version(
                self.client, self.experiment, name, model_folder, digest, run_id=run_id, tags=tags or {}
            )

    def version_of(self, name: str, digest: Digest) -> str | None:
        """Return the latest version whose bytes have this digest, or None."""
        with self.border(f"list the versions of {name}"):
            found = listing.versions(self.client, name)
        for version in found:
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
        with self.border(f"fetch {name}/{version}"):
            return fetching.download(self.client, f"models:/{name}/{version}", into, self.tracking_uri)

    # What is registered -----------------------------------------------------------------------------------------------

    def models(self) -> tuple[str, ...]:
        """Return the names of all registered models."""
        with self.border("list the models"):
            return listing.models(self.client)

    def versions(self, name: str) -> tuple[str, ...]:
        """Return the versions of a model, the latest first; empty when it is not registered."""
        with self.border(f"list the versions of {name}"):
            return tuple(str(version.version) for version in listing.versions(self.client, name))

    def alias(self, name: str, alias: str) -> str | None:
        """Return the version that an alias points to, or None."""
        return self.aliases(name).get(alias)

    def aliases(self, name: str) -> dict[str, str]:
        """Return alias → version of a model; empty when it is not registered."""
        with self.border(f"read the aliases of {name}"):
            return listing.aliases(self.client, name)

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
        with self.border(f"mirror the standing of {name}/{version}"):
            for key, value in (tags or {}).items():
                self.client.set_model_version_tag(name, version, tag(key), value)
            for alias in aliases:
                self.client.set_registered_model_alias(name, alias, version)

    def display(self, name: str) -> Display | None:
        """Return what is shown of a model: its aliases and our tags; None when none of that name is registered."""
        with self.border(f"read what is shown of {name}"):
            return listing.display(self.client, name)

    def named_with(self, request: str) -> str | None:
        """Return the registered model with a version that is tagged with this request, or None."""
        with self.border(f"look for {request}"):
            return listing.named_with(self.client, request)

    def drop_tag(self, name: str, version: str, key: str) -> None:
        """Remove a tag of ours from a version."""
        with self.border(f"remove the tag {tag(key)} of {name}/{version}"):
            self.client.delete_model_version_tag(name, version, tag(key))

    def drop_alias(self, name: str, alias: str) -> None:
        """Remove an alias that stands for nothing any more."""
        with self.border(f"remove the alias {alias} of {name}"):
            self.client.delete_registered_model_alias(name, alias)

    # Runs -------------------------------------------------------------------------------------------------------------

    def log_validation(self, evidence: Evidence, folder: Path) -> str:
        """Log a validation as a run: parameters, metrics tied to the evaluation data, all files of the run folder.

        Returns
        -------
        str
            The run's id.
        """
        with self.border("log the validation"):
            return validation_run.log(self.client, self.experiment, evidence, folder)

    def evidence_run(self, evidence: Digest) -> str | None:
        """Return the run that holds the evidence with this digest, or None."""
        with self.border("find the evidence"):
            return validation_run.find(self.client, self.experiment, evidence)

    def documents(self, run_id: str) -> dict[str, bytes]:
        """Return the stored bytes of a validation run's documents: objective, evidence and card, by file name."""
        with self.border("read the documents"), tempfile.TemporaryDirectory() as scratch:
            return validation_run.documents(self.client, run_id, Path(scratch))

    def log_release(self, release: Release, number: int) -> str:
        """Add one of a release's steps, counted from 0, to its run: the traffic weight (percent) is a metric history.

        Returns
        -------
        str
            The run's id, the same for every step of a request.
        """
        with self.border("log the release"):
            return release_run.log(self.client, self.experiment, release, number)
