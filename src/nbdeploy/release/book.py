"""The book that the controller keeps: every step of a release is journaled with the signed statement about it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from nbdeploy.errors import NbdeployError
from nbdeploy.release.authority import Authority
from nbdeploy.release.journal import Journal, Journaled
from nbdeploy.release.statements import Act, Action, statement
from nbdeploy.trust.keys import Signer
from nbdeploy.trust.ledger.log import Log

_log = logging.getLogger(__name__)


@dataclass
class Book:
    """Reads the journal, and writes journal and ledger.

    Parameters
    ----------
    signer
        The controller's key.
    """

    journal: Journal
    ledger: Log
    authority: Authority
    signer: Signer
    clock: Callable[[], datetime]
    _found: dict[str, str] = field(default_factory=dict, init=False)

    # Reading ----------------------------------------------------------------------------------------------------------

    def places(self) -> list[str]:
        """Return every address that something was deployed to."""
        return self.journal.addresses()

    def at(self, place: str) -> list[Journaled]:
        """Return the releases of one address, oldest first."""
        return self.journal.releases(place)

    def live(self, place: str) -> Journaled | None:
        """Return the release that is live at an address."""
        return next((found for found in reversed(self.at(place)) if found.release.state == "live"), None)

    # Writing ----------------------------------------------------------------------------------------------------------

    def write(self, journaled: Journaled, action: Action | None = None) -> Journaled:
        """Write a release's latest step, with a statement if it says an action, and return the release."""
        self.write_all([journaled], [] if action is None else [(journaled, action)])
        return journaled

    def write_all(self, releases: Sequence[Journaled], said: Sequence[tuple[Journaled, Action]]) -> None:
        """Write steps of several releases and a statement about each that is named with an action, all or nothing."""
        self.journal.write(*releases, statements=tuple(self._signed(*act) for act in said))

    def _signed(self, journaled: Journaled, action: Action) -> bytes:
        last = journaled.release.steps[-1]
        act = Act(action, last.weight, last.reason, self.clock())
        return statement(journaled.release, act, self.authority.chain(), self.authority.policy(), self.signer)

    def log_statements(self) -> None:
        """Move what was signed into the ledger, which takes the same envelope only once."""
        for number, envelope in self.journal.unlogged():
            self.ledger.append(envelope)
            self.journal.logged(number)

    def attempt(self, about: str, act: Callable[[], object]) -> bool:
        """Do something and return whether it went well; an error becomes an alert, and stops nothing else."""
        return not self.complaint(about, act)

    def complaint(self, about: str, act: Callable[[], object]) -> str:
        """Do something as `attempt` does, and return what went wrong; empty if nothing did."""
        problem = ""
        try:
            act()
        except (NbdeployError, OSError) as error:
            problem = str(error)
        if self._found.get(about) != problem:  # tried several times a second, and told once
            if problem:
                _log.warning("%s: %s", about, problem)
                self.journal.alert(about, problem, trouble=True)
            else:
                self.journal.over(about)
            self._found[about] = problem
        return problem
