"""Moves of a release that has traffic: forwards, backwards, or not at all for a while."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from nbdeploy.errors import ServiceError
from nbdeploy.release.book import Book
from nbdeploy.release.fallback import Fallback
from nbdeploy.release.journal import ACTIVE, Journaled
from nbdeploy.release.routes import Routes


@dataclass
class Moves:
    """Each move is journaled and signed first, and then told to the target."""

    book: Book
    routes: Routes
    fallback: Fallback

    # Forwards ---------------------------------------------------------------------------------------------------------

    def promote(self, journaled: Journaled, weight: float, reason: str) -> None:
        """Give a release a larger share; at the last one it is live."""
        moved = journaled.stepped("rolling", weight, reason, self.book.clock(), paused=False)
        self.book.write(moved, "promoted")
        self.routes.redirect(journaled.address)
        if weight >= 100:
            self.finish(moved, reason)

    def finish(self, journaled: Journaled, reason: str) -> None:
        """Note that a release has all traffic, and that the one before has none; that one stays warm for the bake."""
        now = self.book.clock()
        done = journaled.stepped("live", 100, reason, now, paused=False)
        others = [found for found in self.book.at(journaled.address) if found.release.state == "live"]
        old = [found.stepped("superseded", 0, f"{done.release.subject} has its traffic", now) for found in others]
        self.book.write_all([*old, done], [(done, "completed")])
        self.routes.redirect(journaled.address)

    def bake_over(self, journaled: Journaled, reason: str) -> None:
        """Note that nothing is watched any more, and stop what was kept warm."""
        told = f"{reason}; the bake is over, and no guardrail watches it any more"
        self.book.write(journaled.stepped("live", 100, told, self.book.clock(), baked=True))
        for found in self.book.at(journaled.address):
            if found.release.request != journaled.release.request and found.release.state not in ACTIVE:
                self.routes.target.stop(found.release.request)

    # Backwards --------------------------------------------------------------------------------------------------------

    def roll_back(self, journaled: Journaled, reason: str) -> str:
        """Take a release's traffic away and give it to the last valid one before it; say what holds now."""
        return self._step_down(journaled, "rolled_back", reason)

    def withdraw(self, journaled: Journaled, reason: str) -> str:
        """Roll back a release whose approval does not hold any more."""
        return self._step_down(journaled, "withdrawn", reason)

    def give_back(self, journaled: Journaled, reason: str) -> str:
        """Roll back because a human asks for it.

        Raises
        ------
        ServiceError
            No version before it may run again; then this one stays, for nothing is known against it but the wish.
        """
        stable, why = self.fallback.find(journaled)
        if stable is None and why:
            raise ServiceError(
                f"{journaled.release.subject} keeps its traffic, because no version before it may take over ({why})"
            )
        return self._step_down(journaled, "rolled_back", reason)

    def _step_down(self, journaled: Journaled, state: Literal["rolled_back", "withdrawn"], reason: str) -> str:
        now = self.book.clock()
        stable, why = self.fallback.find(journaled)
        down = journaled.stepped(state, 0, reason, now, paused=False)
        if stable is None or stable.release.state == "live":
            self.book.write(down, state)
        else:
            because = f"{journaled.release.subject} was {state.replace('_', ' ')}"
            stable = stable.stepped("live", 100, because, now, baked=True)
            self.book.write_all([down, stable], [(down, state), (stable, "promoted")])
        self.routes.redirect(journaled.address)
        self.routes.target.stop(journaled.release.request)
        if stable is None:
            left = f" ({why})" if why else ""
            return f"{journaled.release.subject} is down and no valid version is left{left}: the endpoint answers 503"
        return f"{stable.release.subject} has all traffic again"

    # Not at all -------------------------------------------------------------------------------------------------------

    def pause(self, journaled: Journaled, reason: str) -> None:
        """Keep a rollout at its share until a human resumes it; a violated guardrail still rolls it back."""
        now = self.book.clock()
        self.book.write(journaled.stepped("held", journaled.release.weight, reason, now, paused=True), "held")

    def hold(self, journaled: Journaled, reason: str) -> None:
        """Keep a rollout at its share until traffic or a human decides."""
        self.book.write(journaled.stepped("held", journaled.release.weight, reason, self.book.clock()), "held")

    def resume(self, journaled: Journaled, reason: str) -> None:
        """Let a paused rollout go on."""
        now = self.book.clock()
        self.book.write(journaled.stepped("rolling", journaled.release.weight, reason, now, paused=False))
