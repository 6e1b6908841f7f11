"""MLflow shows what the ledger says: tags, aliases and the traffic of each release. Nothing is decided by it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from nbdeploy.errors import RegistryError
from nbdeploy.release.addresses import strictest
from nbdeploy.release.journal import Journal, Journaled
from nbdeploy.trust.policy import Policy

ALIASES = ("champion", "previous")


class Showcase(Protocol):
    """What is asked of a registry: `nbdeploy.registry.Registry` gives it."""

    def mirror(
        self, name: str, version: str, *, tags: Mapping[str, str] | None = None, aliases: Sequence[str] = ()
    ) -> None:
        """Set tags of a version, and point aliases to it."""

    def aliases(self, name: str) -> dict[str, str]:
        """Return alias → version."""

    def drop_alias(self, name: str, alias: str) -> None:
        """Remove an alias."""

    def log_release(
        self, *, request: str, model: str, version: str, endpoint: str, weight: float, step: int, state: str
    ) -> str:
        """Add a step to the release's run."""


@dataclass
class Mirror:
    """Keeps a registry's tags and aliases as they should be, for enforced models only.

    Parameters
    ----------
    every
        Seconds between two looks at the aliases, which anybody with access to MLflow can move.
    """

    registry: Showcase
    every: float = 5
    _shown: dict[str, int] = field(default_factory=dict, init=False)
    _looked: float = field(default=-1e9, init=False)
    _aliases: dict[str, dict[str, str]] = field(default_factory=dict, init=False)

    def show(self, journal: Journal, releases: list[Journaled], policy: Policy) -> None:
        """Show new steps at once and look after the aliases from time to time.

        An unreachable registry raises an alert and is tried again; it holds up no release.
        """
        due = time.monotonic() - self._looked >= self.every
        fresh = [found for found in releases if self._shown.get(found.release.request) != len(found.release.steps)]
        if not fresh and not due:
            return
        self._looked = time.monotonic()
        try:
            for journaled in fresh:
                self._show_steps(journaled)
            for model in sorted({found.release.model for found in releases}):
                if policy.mode(model) == "enforce":
                    self._show_aliases(journal, model, releases, strictest(policy))
        except RegistryError as error:
            journal.alert("registry", str(error))

    def _show_steps(self, journaled: Journaled) -> None:
        release = journaled.release
        had_traffic = any(step.weight for step in release.steps)
        for number in range(self._shown.get(release.request, 0), len(release.steps)):
            step = release.steps[number]
            if had_traffic and step.state not in ("waiting", "verifying", "starting"):
                self.registry.log_release(
                    request=release.request,
                    model=release.model,
                    version=release.version,
                    endpoint=release.endpoint,
                    weight=step.weight,
                    step=number,
                    state=step.state,
                )
        tags = {"standing": release.state, "traffic_weight": f"{release.weight:g}", "environment": release.environment}
        self.registry.mirror(release.model, release.version, tags=tags)
        self._shown[release.request] = len(release.steps)

    def _show_aliases(self, journal: Journal, model: str, releases: list[Journaled], environment: str | None) -> None:
        wanted = wanted_aliases(model, releases, environment)
        found = self.registry.aliases(model)
        mine = self._aliases.get(model)
        for alias in ALIASES:
            if found.get(alias) == wanted.get(alias):
                continue
            if mine is not None and mine.get(alias) == wanted.get(alias):
                journal.alert(
                    model,
                    f"the alias {alias} of {model} was moved to version {found.get(alias, '(none)')} without an "
                    "approval; nothing was deployed, and the alias was set back",
                )
            if alias in wanted:
                self.registry.mirror(model, wanted[alias], aliases=[alias])
            elif alias in found:
                self.registry.drop_alias(model, alias)
        self._aliases[model] = wanted


def wanted_aliases(model: str, releases: list[Journaled], environment: str | None) -> dict[str, str]:
    """Return alias → version as the journal has it: what is live in the strictest environment, and what was before."""
    here = [found for found in releases if found.release.model == model and found.release.environment == environment]
    live = next((found for found in reversed(here) if found.release.state == "live"), None)
    if live is None:
        return {}
    before = next((found for found in here if found.release.request == live.previous), None)
    return {"champion": live.release.version} | ({"previous": before.release.version} if before else {})
