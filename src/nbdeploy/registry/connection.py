"""Where MLflow is: its client, the experiment of nbdeploy, and the border that every call passes."""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from nbdeploy.registry.border import border, probe

if TYPE_CHECKING:
    from mlflow import MlflowClient

EXPERIMENT = "nbdeploy"


class Connection:
    """The way to one MLflow store; it is opened when it is first needed.

    Parameters
    ----------
    tracking_uri
        ``sqlite:////…/mlflow.db`` or ``https://…``. A SQLite store is created when it is first used.
    artifact_root
        Where artifacts of a SQLite store lie; a server decides for itself.
    secret
        The controller's, which a server that nbdeploy guards knows it by.
    """

    def __init__(self, tracking_uri: str, artifact_root: Path | None = None, *, secret: str | None = None) -> None:
        self.tracking_uri = tracking_uri
        self.artifact_root = artifact_root
        self._secret = secret

    @cached_property
    def client(self) -> MlflowClient:
        """MLflow's client, with the store created if it is a SQLite file that does not exist yet."""
        probe(self.tracking_uri)
        if self.tracking_uri.startswith("sqlite:///"):
            Path(self.tracking_uri.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
        with self.border("open the store"):
            from mlflow import MlflowClient

            return MlflowClient(self.tracking_uri, self.tracking_uri)

    @cached_property
    def experiment(self) -> str:
        """The id of the experiment that validations and releases are logged to."""
        with self.border("open the experiment"):
            found = self.client.get_experiment_by_name(EXPERIMENT)
            if found is not None:
                return str(found.experiment_id)
            where = None if self.artifact_root is None else self.artifact_root.resolve().as_uri()
            return str(self.client.create_experiment(EXPERIMENT, artifact_location=where))

    def border(self, act: str) -> AbstractContextManager[None]:
        """Run MLflow calls quietly, and let what they raise come in as ours; `act` is what the error will say."""
        return border(act, self.tracking_uri, self._secret)
