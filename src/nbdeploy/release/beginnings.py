"""The beginning of a release: from an approved request to its first share of the traffic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from nbdeploy.approve.chain import Chain
from nbdeploy.approve.standing import standing
from nbdeploy.documents.release import Release, ReleaseState
from nbdeploy.documents.request import Request
from nbdeploy.errors import AdvisoryError, ModelError, NbdeployError, Refusal, RegistryError, ServiceError
from nbdeploy.release.book import Book
from nbdeploy.release.intake import Intake
from nbdeploy.release.journal import ACTIVE, Journaled
from nbdeploy.release.moves import Moves
from nbdeploy.release.plan import plan
from nbdeploy.release.routes import Routes

RETRY = timedelta(seconds=5)
"""After the registry or the advisories could not be read, a release waits this long."""


@dataclass
class Beginnings:
    """Takes in what is approved, and begins one release at a time at each address."""

    book: Book
    intake: Intake
    routes: Routes
    moves: Moves
    _retry: dict[str, tuple[datetime, NbdeployError]] = field(default_factory=dict, init=False)

    def take_in(self, chain: Chain) -> None:
        """Write down every request that is approved now and has no release yet."""
        authority, now = self.book.authority, self.book.clock()
        policy = authority.policy()
        known = {journaled.release.request for journaled in self.book.journal.releases()}
        for request in chain.requests.values():
            if request.id in known or request.id in chain.deployments or policy.mode(request.model) != "enforce":
                continue
            if (
                request.environment not in policy.environments
                or standing(chain, request.id, policy, now, starting=True).state != "approved"
            ):
                continue
            place = authority.address(request)
            older = [found for found in self.book.at(place) if found.release.state == "waiting"]
            fresh = Journaled(_release(request), place).stepped(
                "waiting", 0, f"approved for {request.environment}", now
            )
            reason = f"{request.id} was approved before this one had begun"
            self.book.write_all([*(found.stepped("superseded", 0, reason, now) for found in older), fresh], [])

    def begin_at(self, chain: Chain, place: str) -> None:
        """Begin the release that waits at an address, unless another one is on its way there."""
        found = self.book.at(place)
        waiting = [journaled for journaled in found if journaled.release.state == "waiting"]
        if not waiting or any(journaled.release.state in ACTIVE for journaled in found):
            return
        request = chain.request(waiting[-1].release.request).predicate.request
        now = self.book.clock()
        until, error = self._retry.get(request.id, (now, None))
        if error is not None and now < until <= now + RETRY:  # later only after the clock was put back
            raise error
        self._begin(chain, waiting[-1], request)

    def _begin(self, chain: Chain, journaled: Journaled, request: Request) -> None:
        """Verify a release, start it and give it its first share of the traffic."""
        journaled = self._stepped(journaled, "verifying", "the bytes are fetched and verified")
        try:
            weights = plan(request.rollout, first=self.book.live(journaled.address) is None).weights
            self.intake.admit(request, chain=chain, policy=self.book.authority.policy(), now=self.book.clock())
        except (RegistryError, AdvisoryError) as error:  # nobody said no: it is tried again
            self._retry[request.id] = (self.book.clock() + RETRY, error)
            self.book.write(journaled.stepped("waiting", 0, error.sentence, self.book.clock()))
            raise
        except (Refusal, ServiceError) as error:
            self._refuse(journaled, error)
            return
        journaled = self._stepped(journaled, "starting", "verified; the worker is started")
        try:
            self.routes.start(request.id)
        except (Refusal, ModelError, ServiceError) as error:
            self._refuse(journaled, error)
            return
        self._first_share(journaled, weights)

    def _first_share(self, journaled: Journaled, weights: Sequence[float]) -> None:
        before = self.book.live(journaled.address)
        reason = f"started with {weights[0]:g} % of the traffic"
        release = journaled.release.model_copy(update={"previous": before.release.subject if before else None})
        begun = replace(journaled, release=release, previous=before.release.request if before else None)
        begun = self.book.write(begun.stepped("rolling", weights[0], reason, self.book.clock()), "started")
        self.routes.redirect(begun.address)
        if weights[0] >= weights[-1]:
            self.moves.finish(begun, reason)

    def _stepped(self, journaled: Journaled, state: ReleaseState, reason: str) -> Journaled:
        return self.book.write(journaled.stepped(state, 0, reason, self.book.clock()))

    def _refuse(self, journaled: Journaled, error: NbdeployError) -> None:
        self.book.write(journaled.stepped("refused", 0, str(error), self.book.clock()), "refused")
        self.routes.redirect(journaled.address)
        self.intake.forget(journaled.release.request)


def _release(request: Request) -> Release:
    return Release(
        request=request.id,
        objective=request.objective,
        model=request.model,
        version=request.version,
        endpoint=request.endpoint,
        environment=request.environment,
        digest=request.digests.model,
        rollout=request.rollout,
        state="waiting",
    )
