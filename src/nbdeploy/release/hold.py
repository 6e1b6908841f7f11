"""Holding what runs to the rules of now: revocations, keys, days, policy, and the bytes of the private copies."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from nbdeploy.admission.running import Doubt, doubt
from nbdeploy.approve.chain import Chain
from nbdeploy.approve.standing import standing
from nbdeploy.documents.request import Request
from nbdeploy.errors import DigestError
from nbdeploy.release.book import Book
from nbdeploy.release.intake import Intake
from nbdeploy.release.journal import Journaled
from nbdeploy.release.moves import Moves
from nbdeploy.trust.policy.document import Policy

_WARNED = (30, 7, 1)
"""Days before an approval ends."""
_RUNS = ("live", "rolling", "held")


@dataclass
class Hold:
    """Looks at everything that runs: from time to time, and at once when policy or revocations changed.

    From time to time it also holds the ledger's entries to its signed tree. One that does not hold stops nothing that
    runs, and lets nothing begin (`admit`); a human is told.

    Parameters
    ----------
    every
        Time between two looks.
    """

    book: Book
    intake: Intake
    moves: Moves
    every: timedelta = timedelta(minutes=10)
    _looked: datetime | None = field(default=None, init=False)
    _state: tuple[str, int, int] | None = field(default=None, init=False)

    def look(self, chain: Chain) -> None:
        """Take down what may not run any more, and tell a human of what else does not hold."""
        policy, now = self.book.authority.policy(), self.book.clock()
        state = (policy.digest, sum(map(len, chain.revocations.values())), len(chain.ignored))
        # A clock that was put back must not keep the next look waiting until it has caught up.
        due = self._looked is None or not timedelta(0) <= now - self._looked < self.every
        if not due and state == self._state:
            return
        if due:
            self._looked = now
            # Whoever can write to the database could take a revocation out of it while nobody looked.
            self.book.attempt("the ledger's entries", self.book.ledger.verify)
        self._state = state
        for journaled in self.book.journal.releases():
            if journaled.release.state in _RUNS:
                about = journaled.release.subject
                self.book.attempt(about, partial(self._hold, chain, policy, journaled, bytes_too=due))

    def _hold(self, chain: Chain, policy: Policy, journaled: Journaled, *, bytes_too: bool) -> None:
        release, now = journaled.release, self.book.clock()
        found = doubt(chain, release.request, policy, now)
        if found is not None and found.down:
            self.moves.withdraw(journaled, found.reason)
            return
        for warning in _warnings(chain, release.request, policy, now, found):
            self.book.journal.alert(release.subject, warning)
        if bytes_too:
            self._check_copy(chain, policy, journaled)

    def _check_copy(self, chain: Chain, policy: Policy, journaled: Journaled) -> None:
        """Hold the private copy to its digest; a changed one is replaced by bytes that are admitted anew."""
        logged = chain.asked.get(journaled.release.request)
        if logged is None:
            return
        request: Request = logged.predicate.request
        try:
            self.intake.opened(request)
        except DigestError as error:
            self.book.journal.alert(
                journaled.release.subject, f"{error.code} {error.fact}; it is fetched and verified anew"
            )
            self.intake.admit(request, chain=chain, policy=policy, now=self.book.clock(), starting=False)


def _warnings(chain: Chain, request_id: str, policy: Policy, now: datetime, found: Doubt | None) -> Iterator[str]:
    if found is not None:
        yield f"it goes on running, and would not be started now: {found.reason}"
        return
    stands = standing(chain, request_id, policy, now)
    if stands.until is None:
        return
    left = stands.until - now
    began = min(logged.predicate.signed for logged in stands.approvals)
    # An approval of 30 days is not warned of on its first day.
    due = [days for days in _WARNED if left <= timedelta(days=days) < stands.until - began]
    if due:
        left_words = "a day" if min(due) == 1 else f"{min(due)} days"
        yield (
            f"its approval ends on {stands.until:%Y-%m-%d %H:%M} UTC, in less than {left_words}; what runs goes on "
            f"running, and no rollout starts from it then (nbdeploy signoff {request_id})"
        )
