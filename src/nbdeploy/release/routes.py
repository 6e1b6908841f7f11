"""Routes: the target's traffic is made what the journal says, and what should run is started."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from nbdeploy.documents.release import Release
from nbdeploy.release.book import Book
from nbdeploy.release.intake import Intake
from nbdeploy.release.targets import Target

RETRY = timedelta(seconds=30)
"""After a version could not be started again, it waits this long: its bytes are hashed each time."""


@dataclass
class Routes:
    """What the target was told so far, and how to tell it the rest."""

    book: Book
    intake: Intake
    target: Target
    _directed: dict[str, tuple[list[tuple[str, float]], str]] = field(default_factory=dict, init=False)
    _failed: dict[str, tuple[datetime, str]] = field(default_factory=dict, init=False)

    def expect(self) -> None:
        """Tell whoever asks at a known address to wait, and not that there is none: its versions are being started."""
        for place in self.book.places():
            last = self.book.at(place)[-1].release
            reason = "the service has just begun, and loads what was live"
            self.target.direct(place, endpoint=last.endpoint, environment=last.environment, weights=(), reason=reason)

    def redirect(self, place: str) -> None:
        """Make the target's traffic what the journal says, starting workers that should run and do not."""
        found = self.book.at(place)
        moving = next((journaled for journaled in found if journaled.release.state in ("rolling", "held")), None)
        stable = self.book.live(place)
        share = moving.release.weight if moving else 0
        wanted = [(stable, 100 - share), (moving, share)]
        weights = [
            (j.release.request, weight) for j, weight in wanted if j is not None and self.runs(j.release.request)
        ]
        last = max(found, key=lambda journaled: journaled.release.steps[-1].at).release
        reason = "" if weights else self._why(last)
        if self._directed.get(place) != (weights, reason):
            self.target.direct(
                place, endpoint=last.endpoint, environment=last.environment, weights=weights, reason=reason
            )
            self._directed[place] = (weights, reason)

    def _why(self, last: Release) -> str:
        """Return why nobody answers."""
        if last.request in self._failed and last.weight > 0:
            return f"{last.subject} cannot be started again ({self._failed[last.request][1]})"
        return f"{last.subject} is {last.state.replace('_', ' ')} ({last.steps[-1].reason})"

    def runs(self, request: str) -> bool:
        """Whether a version runs, started again from its admitted copy if it did not; an alert says why it cannot."""
        now = self.book.clock()
        if not self.target.running(request):
            until, _ = self._failed.get(request, (now, ""))
            if now < until <= now + RETRY:  # later than that only after the clock was put back
                return False
            problem = self.book.complaint(request, partial(self.start, request))
            if problem:
                self._failed[request] = (now + RETRY, problem)
                return False
        self._failed.pop(request, None)
        return True

    def start(self, request_id: str) -> None:
        """Start what was admitted for a request, held to its digests once more.

        Raises
        ------
        DigestError, ModelError
            The admitted copy was changed or is gone; or it does not load.
        """
        request = self.book.authority.chain().request(request_id).predicate.request
        folder, objective = self.intake.opened(request)
        self.target.start(request.id, folder=folder, version=request.subject, objective=objective)
