"""A project: the folder a team works in, with its ledger, registry, policy and the keys of this workstation."""

from __future__ import annotations

import getpass
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from nbdeploy.approve.chain import Chain
from nbdeploy.approve.record import read_chain
from nbdeploy.declare import NamedObjective, read_objective
from nbdeploy.documents.evidence import Evidence
from nbdeploy.errors import NbdeployError, ObjectiveError, PolicyError, ProjectError, closest
from nbdeploy.registry import Registry
from nbdeploy.settings import Settings, find_settings, require_settings
from nbdeploy.trust.keys import Signer, load_key
from nbdeploy.trust.ledger.log import Log
from nbdeploy.trust.ledger.opening import open_ledger
from nbdeploy.trust.policy.document import Policy
from nbdeploy.trust.policy.file import read_policy

DRAFT = "draft"


@dataclass(frozen=True)
class RecordedRun:
    """A run folder with the evidence read from it."""

    folder: Path
    evidence: Evidence

    @property
    def label(self) -> str:
        """``attempt 3`` or ``draft``. A run that was sealed elsewhere has its number from the ledger, as its folder."""
        return "draft" if self.evidence.run.draft else f"attempt {self.evidence.run.attempt or int(self.folder.name)}"


class Project:
    """What the verbs share. Everything is opened when it is first needed."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @classmethod
    def require(cls, start: Path | None = None) -> Project:
        """Return the project that `start` lies in; ProjectError outside of any."""
        return cls(require_settings(start))

    @classmethod
    def find(cls, start: Path | None = None) -> Project | None:
        """Return the project that `start` lies in, or None."""
        settings = find_settings(start)
        return cls(settings) if settings else None

    # Trust ------------------------------------------------------------------------------------------------------------

    @cached_property
    def policy(self) -> Policy:
        """The project's copy of the policy; the deployer has its own."""
        file = self.settings.policy_file
        if not file.is_file():
            raise PolicyError(f"there is no {file.name} in {self.settings.root}", next="make one with: nbdeploy init")
        return read_policy(file.read_bytes())

    @property
    def card_templates(self) -> Path:
        """Where the project's own card templates lie, if it has any."""
        return self.settings.root / "templates" / "card"

    def key_file(self, name: str) -> Path:
        """Return where a service's key of this project lies."""
        return self.settings.state / "keys" / f"{name}.pem"

    @cached_property
    def workstation(self) -> Signer:
        """The key that signs what this person's notebook does: objectives, validations, requests; never approvals."""
        return load_key(self.key_file("workstation"), None)

    @cached_property
    def ledger(self) -> Log:
        """The ledger: a database, opened with its key when this machine holds it, or the service of a team."""
        rules = self.policy.ledger_rules
        return open_ledger(self.settings, public=self.policy.ledger, max_age_hours=rules.max_age_hours)

    def chain(self) -> Chain:
        """Read the ledger as it stands now, each statement verified; that none is missing, `verified_chain` shows."""
        return read_chain(self.ledger.entries(), self.policy, ledger=self.ledger.public)

    def verified_chain(self) -> Chain:
        """Read the ledger, every entry held to the signed tree: a person signs on what holds only.

        Raises
        ------
        LogError
            It does not hold, or is not the one that was seen here before.
        """
        return read_chain(self.ledger.verify(), self.policy, ledger=self.ledger.public)

    @property
    def person(self) -> str:
        """Who works here, as the policy knows the workstation's key; the name of the account if it does not."""
        try:
            principal = self.policy.who(self.workstation.public, datetime.now(UTC))
        except NbdeployError:
            return getpass.getuser()
        return principal.person or principal.name

    # Registry ---------------------------------------------------------------------------------------------------------

    @cached_property
    def registry(self) -> Registry:
        """MLflow, as the settings name it."""
        return Registry(self.settings.tracking_uri, self.settings.state / "mlartifacts")

    # Objectives and runs ----------------------------------------------------------------------------------------------

    def declared(self) -> tuple[str, ...]:
        """Return the names of the objectives that are declared here."""
        return tuple(sorted(file.stem for file in self.settings.objectives.glob("*.yaml")))

    def objective_file(self, name: str) -> Path:
        """Return where the objective of this name is kept."""
        return self.settings.objectives / f"{name}.yaml"

    def objective(self, name: str) -> NamedObjective:
        """Return a declared objective.

        Raises
        ------
        ObjectiveError
            Nothing of that name is declared (the closest name is given), or its file cannot be read.
        """
        file = self.objective_file(name)
        if not file.is_file():
            raise self._unknown(name)
        return read_objective(file.read_bytes(), name=name, origin=f"{file.name}")

    def require_name(self, name: str) -> None:
        """Refuse a name that no objective has and no statement in the ledger: nothing true could be told of it.

        Raises
        ------
        ObjectiveError
            The closest name is given.
        """
        if not self.objective_file(name).is_file() and not self.chain().objectives_named(name):
            raise self._unknown(name)

    def _unknown(self, name: str) -> ObjectiveError:
        known = self.declared()
        return ObjectiveError(
            f"no objective {name!r} is declared here{closest(name, known)}",
            next=f"declared are: {', '.join(known)}" if known else "declare one with: nbdeploy declare FILE",
        )

    def run_folder(self, name: str, attempt: int | None) -> Path:
        """Return the folder of one attempt, or of the draft."""
        return self.settings.runs / name / (f"{attempt:04d}" if attempt else DRAFT)

    def run(self, name: str, attempt: int | None = None, *, draft: bool = False) -> RecordedRun:
        """Return a run: the latest recorded one unless an attempt or the draft is asked for.

        Raises
        ------
        ProjectError
            There is none.
        """
        folder = self.settings.runs / name
        recorded = sorted(path for path in folder.glob("[0-9]*") if (path / "evidence.json").is_file())
        if draft:
            chosen = folder / DRAFT
        elif attempt is not None:
            chosen = self.run_folder(name, attempt)
        else:
            chosen = recorded[-1] if recorded else folder / "none"
        if not (chosen / "evidence.json").is_file():
            if not folder.is_dir():
                self.require_name(name)
            if attempt is not None and recorded:
                raise ProjectError(
                    f"there is no attempt {attempt} of {name!r} here",
                    next=f"attempts there are: {', '.join(str(int(path.name)) for path in recorded)}",
                )
            what = "draft" if draft else (f"attempt {attempt}" if attempt else "recorded validation")
            raise ProjectError(
                f"there is no {what} of {name!r}", next=f"make one with: nbdeploy validate {name} --model … --data …"
            )
        return RecordedRun(chosen, Evidence.from_bytes((chosen / "evidence.json").read_bytes()))
