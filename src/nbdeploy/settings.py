"""``nbdeploy.toml``: where things of a project are. It grants no right to anybody."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from nbdeploy.documents.record import Record
from nbdeploy.errors import ProjectError, SettingsError, closest

FILE = "nbdeploy.toml"


class ProjectSettings(Record):
    """``[project]``: folders are relative to the file."""

    name: str
    objectives: str = "objectives"
    validation: str = "validation"
    crosswalks: str = "crosswalks"


class MlflowSettings(Record):
    """``[mlflow]``."""

    tracking_uri: str = "sqlite:///.nbdeploy/mlflow.db"


class LedgerSettings(Record):
    """``[ledger]``: a SQLAlchemy URL, or the https address of a team's ledger service and the file with its token."""

    url: str = "sqlite:///.nbdeploy/ledger.db"
    token_file: str | None = None


class PolicySettings(Record):
    """``[policy]``: the data scientists' copy. A deployer uses its own.

    `root` are the public keys that put a policy in force, as their owners told them, and `threshold` is how many of
    them must have signed it. A machine that has seen no policy before begins from them.
    """

    file: str = "policy.toml"
    root: tuple[str, ...] = ()
    threshold: int = Field(default=1, ge=1)


class ServeSettings(Record):
    """``[serve]``. Every `recheck_minutes` what runs is held to the rules of that moment."""

    target: str = "local"
    recheck_minutes: float = Field(default=10, gt=0)


class ScanSettings(Record):
    """``[scan]``: a file, or a folder of files, with advisories about packages; relative to the file."""

    advisories: str | None = None


class Settings(Record):
    """A project's settings and the folder that they belong to."""

    root: Path
    project: ProjectSettings
    mlflow: MlflowSettings = MlflowSettings()
    ledger: LedgerSettings = LedgerSettings()
    policy: PolicySettings = PolicySettings()
    serve: ServeSettings = ServeSettings()
    scan: ScanSettings = ScanSettings()

    @property
    def state(self) -> Path:
        """The folder for everything that nbdeploy writes by itself."""
        return self.root / ".nbdeploy"

    @property
    def objectives(self) -> Path:
        """The folder of the objectives."""
        return self.root / self.project.objectives

    @property
    def runs(self) -> Path:
        """The folder of recorded runs and drafts."""
        return self.state / "runs"

    @property
    def environments(self) -> Path:
        """Environments that were made for models."""
        return self.state / "environments"

    @property
    def kept(self) -> Path:
        """The folder of notebooks' results that a later run on the same inputs need not make again."""
        return self.state / "kept"

    @property
    def policy_file(self) -> Path:
        """The project's copy of the policy."""
        return self.root / self.policy.file

    @property
    def advisories(self) -> Path | None:
        """Where advisories about packages lie, if the project has any."""
        return None if self.scan.advisories is None else self.root / self.scan.advisories

    @property
    def tracking_uri(self) -> str:
        """MLflow's address, a relative SQLite path made absolute."""
        return self._absolute(self.mlflow.tracking_uri)

    @property
    def ledger_url(self) -> str:
        """The ledger's address, a relative SQLite path made absolute."""
        return self._absolute(self.ledger.url)

    @property
    def ledger_is_remote(self) -> bool:
        """Whether the ledger is behind a service, and not a database of this machine."""
        return self.ledger.url.startswith(("http://", "https://"))

    @property
    def journal_url(self) -> str:
        """The address of the controller's journal: in the ledger's database, or in one of its own."""
        return self._absolute("sqlite:///.nbdeploy/journal.db") if self.ledger_is_remote else self.ledger_url

    def _absolute(self, url: str) -> str:
        prefix = "sqlite:///"
        if url.startswith(prefix) and not url.startswith(prefix + "/"):
            return f"{prefix}{self.root / url.removeprefix(prefix)}"
        return url


def read_settings(file: Path) -> Settings:
    """Read a settings file.

    Raises
    ------
    SettingsError
        Not TOML, an unknown key (the closest known one is named) or a wrong value.
    """
    try:
        content: dict[str, Any] = tomllib.loads(file.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file} is not TOML ({error})", next="mend that line and run the command again") from None
    except OSError as error:
        raise SettingsError(f"{file} cannot be read ({error.strerror})") from None
    try:
        return Settings.model_validate(content | {"root": file.resolve().parent})
    except ValidationError as error:
        raise SettingsError(f"{file}: {_complaint(error)}", next="mend it and run the command again") from None


def _complaint(error: ValidationError) -> str:
    first = error.errors()[0]
    where = [str(part) for part in first["loc"]]
    if first["type"] != "extra_forbidden":
        return f"wrong value for {'.'.join(where)!r}: {first['msg']}"
    table = Settings.model_fields.get(where[0])
    inside = getattr(table.annotation, "model_fields", {}) if table is not None else {}
    known = [name for name in (inside if len(where) > 1 else Settings.model_fields) if name != "root"]
    return f"unknown key {'.'.join(where)!r}{closest(where[-1], known)}"


def find_settings(start: Path | None = None) -> Settings | None:
    """Return the settings of the project that `start` (the current folder) lies in, or None outside of any project.

    ``NBDEPLOY_PROJECT`` names the folder where that is not possible.
    """
    named = os.environ.get("NBDEPLOY_PROJECT")
    if named:
        file = Path(named) / FILE
        if not file.is_file():
            raise ProjectError(
                f"NBDEPLOY_PROJECT names {named}, which holds no {FILE}", next="unset it or run nbdeploy init there"
            )
        return read_settings(file)
    here = (start or Path.cwd()).resolve()
    for folder in (here, *here.parents):
        if (folder / FILE).is_file():
            return read_settings(folder / FILE)
    return None


def require_settings(start: Path | None = None) -> Settings:
    """Return the settings of this project.

    Raises
    ------
    ProjectError
        There is none.
    """
    settings = find_settings(start)
    if settings is None:
        raise ProjectError(f"no {FILE} here or in a folder above", next="make a project with: nbdeploy init")
    return settings
