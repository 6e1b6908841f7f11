"""MLflow shows what the ledger says: tags, aliases and the traffic of each release. Nothing is decided by it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from nbdeploy.approve.chain import Chain
from nbdeploy.errors import AliasError, RegistryError
from nbdeploy.release.alias_guard import AliasGuard, Showcase
from nbdeploy.release.authority import Authority
from nbdeploy.release.displays import Wanted, wanted
from nbdeploy.release.journal import Journal, Journaled
from nbdeploy.trust.policy.document import Policy

_log = logging.getLogger(__name__)


@dataclass
class Mirror:
    """Keeps a registry's tags and aliases as they should be, for enforced models only: others are never touched.

    Parameters
    ----------
    every
        Seconds between two looks at what MLflow shows, which anybody with access to it can move. After a look that took
        long there are more, so that the controller is busy with it for a tenth of its time at most.
    timer
        A clock of seconds that only goes forwards.
    """

    registry: Showcase
    every: float = 5
    timer: Callable[[], float] = time.monotonic
    _logged: dict[str, int] = field(default_factory=dict, init=False)
    _rest: float = field(default=-1e9, init=False)
    _failed: bool | None = field(default=None, init=False)

    def show(self, journal: Journal, releases: list[Journaled], authority: Authority, now: datetime) -> None:
        """Show new steps at once and look after everything from time to time.

        An unreachable registry raises an alert and is tried again; it holds up no release.
        """
        fresh = [found for found in releases if self._logged.get(found.release.request) != len(found.release.steps)]
        begun = self.timer()
        if begun < self._rest and (self._failed or not fresh):
            return
        try:
            self._look(journal, releases, fresh, authority, now)
            if self._failed is not False:
                journal.over("registry")
            self._failed = False
        except (RegistryError, AliasError) as error:
            self._failed = True
            if journal.alert("registry", str(error), trouble=True):
                _log.warning("registry: %s", error)
        took = self.timer() - begun
        self._rest = begun + took + max(self.every, min(10 * took, 60 * self.every))

    def _look(
        self, journal: Journal, releases: list[Journaled], fresh: list[Journaled], authority: Authority, now: datetime
    ) -> None:
        policy, guard = authority.policy(), AliasGuard(self.registry, journal)
        for journaled in fresh:
            self._log_steps(journaled, policy)
        for model in _governed(authority.chain(), releases):
            if policy.mode(model) == "enforce":
                guard.look_after(model, partial(_should, model, authority, releases, now), releases, policy.on_alias)

    def _log_steps(self, journaled: Journaled, policy: Policy) -> None:
        """Add the steps since the last time to the release's run."""
        release = journaled.release
        had_traffic = any(step.weight for step in release.steps)
        for number in range(self._logged.get(release.request, 0), len(release.steps)):
            step = release.steps[number]
            if had_traffic and step.state not in ("waiting", "verifying", "starting"):
                if policy.mode(release.model) != "enforce":
                    break
                self.registry.log_release(release, number)
        self._logged[release.request] = len(release.steps)


def _should(model: str, authority: Authority, releases: list[Journaled], now: datetime) -> Wanted:
    return wanted(model, authority.chain(), releases, authority.policy(), now)


def _governed(chain: Chain, releases: list[Journaled]) -> list[str]:
    """Return the models that the ledger or the journal knows."""
    declared = {entry.predicate.model for entry in chain.objectives}
    return sorted(
        declared | {request.model for request in chain.requests.values()} | {found.release.model for found in releases}
    )
