"""The controller: brings what runs to what the ledger says may run, one journaled step at a time."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from nbdeploy.approve.record import Chain, read_chain
from nbdeploy.approve.standing import standing
from nbdeploy.documents.release import Release, ReleaseState
from nbdeploy.documents.request import Request
from nbdeploy.errors import ModelError, NbdeployError, PolicyError, Refusal, RegistryError, ServiceError
from nbdeploy.release import addresses
from nbdeploy.release.commands import carry_out
from nbdeploy.release.intake import Intake
from nbdeploy.release.journal import ACTIVE, Journal, Journaled
from nbdeploy.release.mirror import Mirror
from nbdeploy.release.plan import plan
from nbdeploy.release.statements import Act, Action, statement
from nbdeploy.release.step import next_step
from nbdeploy.release.targets import Target
from nbdeploy.trust.digests import bytes_digest
from nbdeploy.trust.keys import Signer
from nbdeploy.trust.ledger import Ledger
from nbdeploy.trust.policy import Policy, read_policy

_log = logging.getLogger(__name__)
RETRY = timedelta(seconds=5)
"""After the registry could not be reached, a release waits this long."""


@dataclass
class Controller:
    """Reconciles approvals in the ledger with what a target runs.

    Parameters
    ----------
    policy_file
        The deployer's own copy. It is read again when its bytes change; unreadable, nothing new is started.
    signer
        The controller's key: signs what was deployed.
    """

    ledger: Ledger
    policy_file: Path
    journal: Journal
    intake: Intake
    target: Target
    mirror: Mirror
    signer: Signer
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    _policy: tuple[str, Policy] | None = field(default=None, init=False)
    _chain: tuple[tuple[int, str, int], Chain] | None = field(default=None, init=False)
    _directed: dict[str, tuple[list[tuple[str, float]], str]] = field(default_factory=dict, init=False)
    _retry: dict[str, datetime] = field(default_factory=dict, init=False)

    # Reading ----------------------------------------------------------------------------------------------------------

    def policy(self) -> Policy:
        """Return the policy in force; PolicyError when none could be read yet."""
        if self._policy is None:
            self.read_policy()
        assert self._policy is not None  # noqa: S101 - for the type checker: read_policy() has set it
        return self._policy[1]

    def read_policy(self) -> None:
        """Read the policy again if its file changed.

        Raises
        ------
        PolicyError
            It cannot be read. The one before stays in force for what runs.
        """
        try:
            data = self.policy_file.read_bytes()
        except OSError as error:
            raise PolicyError(f"the policy {self.policy_file} cannot be read ({error.strerror})") from None
        digest = bytes_digest(data)
        if self._policy is None or self._policy[0] != digest:
            self._policy = (digest, read_policy(data))

    def chain(self) -> Chain:
        """Return the verified ledger; read again when it grew, the policy changed, or a minute passed.

        Time alone can change it: a statement of a moment that had not come counts when it has.
        """
        policy = self.policy()
        assert self._policy is not None  # noqa: S101 - for the type checker: policy() has just set it
        now = self.clock()
        state = (self.ledger.size, self._policy[0], int(now.timestamp() // 60))
        if self._chain is None or self._chain[0] != state:
            self._chain = (state, read_chain(self.ledger.entries(), policy, now))
        return self._chain[1]

    def address(self, request: Request) -> str:
        """Return where the gateway will serve a request; see `addresses.address`."""
        return addresses.address(self.policy(), request.endpoint, request.environment)

    # Reconciling ------------------------------------------------------------------------------------------------------

    def resume(self) -> None:
        """Start again what the journal says is live or on its way. Called once, before the first `reconcile`."""
        for journaled in self.journal.releases():
            if journaled.release.state in ("verifying", "starting"):  # nothing of it had traffic: it begins anew
                self.journal.write(journaled.stepped("waiting", 0, "the controller was restarted", self.clock()))
        for place in self._places():
            self.redirect(place)

    def reconcile(self) -> None:
        """Make every step that is due. What goes wrong with one release stops no other one.

        With a policy that cannot be read, or a ledger that cannot be written, what runs is still watched and rolled
        back; nothing new begins.
        """
        sound = self._guarded("policy", self.read_policy) and self._guarded("ledger", self._log_statements)
        chain = self.chain()
        for command in self.journal.commands():
            carry_out(self, command)
        for journaled in self.journal.releases():
            self._guarded(journaled.release.request, partial(self._proceed, chain, journaled))
        if sound:
            self._take_in(chain)
            for place in self._places():
                self._guarded(place, partial(self._begin_at, chain, place))
        for place in self._places():
            self.redirect(place)
        self._guarded("ledger", self._log_statements)
        self.mirror.show(self.journal, self.journal.releases(), self.policy())

    def _places(self) -> list[str]:
        return sorted({journaled.address for journaled in self.journal.releases()})

    def _guarded(self, about: str, act: Callable[[], None]) -> bool:
        try:
            act()
        except (NbdeployError, OSError, SQLAlchemyError) as error:
            self.journal.alert(about, str(error))
            _log.warning("%s: %s", about, error)
            return False
        return True

    def _log_statements(self) -> None:
        for number, envelope in self.journal.unlogged():
            self.ledger.append(envelope)
            self.journal.logged(number)

    def at(self, place: str) -> list[Journaled]:
        """Return the releases of one address, oldest first."""
        return [found for found in self.journal.releases() if found.address == place]

    def live(self, place: str) -> Journaled | None:
        """Return the release that is live at an address."""
        return next((found for found in reversed(self.at(place)) if found.release.state == "live"), None)

    # New releases -----------------------------------------------------------------------------------------------------

    def _take_in(self, chain: Chain) -> None:
        """Write down every request that is approved now and has no release yet."""
        policy, now = self.policy(), self.clock()
        known = {journaled.release.request for journaled in self.journal.releases()}
        for request in chain.requests.values():
            if request.id in known or request.id in chain.deployments or policy.mode(request.model) != "enforce":
                continue
            if (
                request.environment not in policy.environments
                or standing(chain, request.id, policy, now).state != "approved"
            ):
                continue
            place = self.address(request)
            older = [found for found in self.at(place) if found.release.state == "waiting"]
            fresh = Journaled(_release(request), place).stepped(
                "waiting", 0, f"approved for {request.environment}", now
            )
            reason = f"{request.id} was approved before this one had begun"
            self.journal.write(*(found.stepped("superseded", 0, reason, now) for found in older), fresh)

    def _begin_at(self, chain: Chain, place: str) -> None:
        found = self.at(place)
        waiting = [journaled for journaled in found if journaled.release.state == "waiting"]
        if not waiting or any(journaled.release.state in ACTIVE for journaled in found):
            return
        request = chain.request(waiting[-1].release.request).predicate.request
        if self._retry.get(request.id, self.clock()) <= self.clock():
            self._begin(chain, waiting[-1], request)

    def _begin(self, chain: Chain, journaled: Journaled, request: Request) -> None:
        """Verify a release, start it and give it its first share of the traffic."""
        journaled = self._write(journaled.stepped("verifying", 0, "the bytes are fetched and verified", self.clock()))
        try:
            steps = plan(request.rollout, first=self.live(journaled.address) is None)
            self.intake.admit(request, chain=chain, policy=self.policy(), now=self.clock())
            journaled = self._write(journaled.stepped("starting", 0, "verified; the worker is started", self.clock()))
            self._start(request)
        except RegistryError as error:  # nobody said no: it is tried again
            self._retry[request.id] = self.clock() + RETRY
            self._write(journaled.stepped("waiting", 0, error.sentence, self.clock()))
            raise
        except (Refusal, ModelError, ServiceError) as error:
            self._end(journaled, "refused", "refused", str(error))
            self.intake.forget(request.id)
            return
        self._first_share(journaled, steps.weights)

    def _first_share(self, journaled: Journaled, weights: Sequence[float]) -> None:
        before = self.live(journaled.address)
        reason = f"started with {weights[0]:g} % of the traffic"
        release = journaled.release.model_copy(update={"previous": before.release.subject if before else None})
        begun = replace(journaled, release=release, previous=before.release.request if before else None)
        begun = self._write(begun.stepped("rolling", weights[0], reason, self.clock()), ("started", weights[0], reason))
        self.redirect(begun.address)
        if weights[0] >= weights[-1]:
            self.finish(begun, reason)

    def _start(self, request: Request) -> None:
        folder, objective = self.intake.opened(request)
        self.target.start(request.id, folder=folder, version=request.subject, objective=objective)

    # Releases on their way --------------------------------------------------------------------------------------------

    def _proceed(self, chain: Chain, journaled: Journaled) -> None:
        release = journaled.release
        watched = release.state in ("rolling", "held") or (release.state == "live" and not journaled.baked)
        if release.state in ("live", "rolling", "held") and chain.revocations.get(release.request):
            self.withdraw(journaled, "its approval was revoked")
        elif watched:
            self._watch(journaled)

    def _watch(self, journaled: Journaled) -> None:
        release = journaled.release
        # Only after a crash between the last step and saying that it is live.
        if release.state != "live" and release.weight >= 100:
            self.finish(journaled, release.steps[-1].reason)
            return
        steps = plan(release.rollout, first=release.previous is None)
        decision = next_step(steps, release, self.target.observations(journaled.address), self.clock())
        if decision.act == "roll_back":
            self.roll_back(journaled, decision.reason)
        elif journaled.paused:
            return
        elif decision.act == "promote":
            self.promote(journaled, decision.weight, decision.reason)
        elif decision.act == "complete":
            self._bake_over(journaled, decision.reason)
        elif decision.act == "hold" and release.state != "held":
            held = journaled.stepped("held", release.weight, decision.reason, self.clock())
            self._write(held, ("held", release.weight, decision.reason))

    def promote(self, journaled: Journaled, weight: float, reason: str) -> None:
        """Give a release a larger share; at the last one it is live."""
        moved = journaled.stepped("rolling", weight, reason, self.clock(), paused=False)
        self._write(moved, ("promoted", weight, reason))
        self.redirect(journaled.address)
        if weight >= 100:
            self.finish(moved, reason)

    def finish(self, journaled: Journaled, reason: str) -> None:
        """Note that a release has all traffic, and that the one before has none; that one stays warm for the bake."""
        now = self.clock()
        done = journaled.stepped("live", 100, reason, now, paused=False)
        others = [found for found in self.at(journaled.address) if found.release.state == "live"]
        old = [found.stepped("superseded", 0, f"{done.release.subject} has its traffic", now) for found in others]
        self.journal.write(*old, done, statements=(self._signed(done, "completed", 100, reason),))
        self.redirect(journaled.address)

    def _bake_over(self, journaled: Journaled, reason: str) -> None:
        self._write(journaled.stepped("live", 100, reason, self.clock(), baked=True))
        for found in self.at(journaled.address):
            if found.release.request != journaled.release.request and found.release.state not in ACTIVE:
                self.target.stop(found.release.request)

    # Backwards --------------------------------------------------------------------------------------------------------

    def roll_back(self, journaled: Journaled, reason: str) -> str:
        """Take a release's traffic away and give it to the last valid one before it; say what holds now."""
        return self._step_down(journaled, "rolled_back", reason)

    def withdraw(self, journaled: Journaled, reason: str) -> str:
        """Roll back a release whose approval does not hold any more."""
        return self._step_down(journaled, "withdrawn", reason)

    def _step_down(self, journaled: Journaled, state: ReleaseState, reason: str) -> str:
        now = self.clock()
        stable = self._stable(journaled)
        down = journaled.stepped(state, 0, reason, now, paused=False)
        written = [down]
        signed = [self._signed(down, "withdrawn" if state == "withdrawn" else "rolled_back", 0, reason)]
        if stable is not None and stable.release.state != "live":
            why = f"{journaled.release.subject} was {state.replace('_', ' ')}"
            stable = stable.stepped("live", 100, why, now, baked=True)
            written.append(stable)
            signed.append(self._signed(stable, "promoted", 100, why))
        self.journal.write(*written, statements=tuple(signed))
        self.redirect(journaled.address)
        self.target.stop(journaled.release.request)
        if stable is None:
            return f"{journaled.release.subject} is down and no valid version is left: the endpoint answers 503"
        return f"{stable.release.subject} has all traffic again"

    def _stable(self, journaled: Journaled) -> Journaled | None:
        """Return the last release before this one that is not revoked and runs, started again if need be."""
        previous = journaled.previous
        while previous is not None:
            found = self.journal.release(previous)
            if found is None:
                return None
            sound = found.release.state in ("live", "superseded") and not self.chain().revocations.get(previous)
            if sound and self._runs(previous):
                return found
            previous = found.previous
        return None

    def pause(self, journaled: Journaled, reason: str) -> None:
        """Keep a rollout at its share until a human resumes it; a violated guardrail still rolls it back."""
        held = journaled.stepped("held", journaled.release.weight, reason, self.clock(), paused=True)
        self._write(held, ("held", held.release.weight, reason))

    def resume_rollout(self, journaled: Journaled, reason: str) -> None:
        """Let a paused rollout go on."""
        self._write(journaled.stepped("rolling", journaled.release.weight, reason, self.clock(), paused=False))

    # Writing ----------------------------------------------------------------------------------------------------------

    def redirect(self, place: str) -> None:
        """Make the target's traffic what the journal says, starting workers that should run and do not."""
        found = self.at(place)
        moving = next((journaled for journaled in found if journaled.release.state in ("rolling", "held")), None)
        stable = self.live(place)
        share = moving.release.weight if moving else 0
        wanted = [(stable, 100 - share), (moving, share)]
        weights = [
            (j.release.request, weight) for j, weight in wanted if j is not None and self._runs(j.release.request)
        ]
        last = found[-1].release
        reason = "" if weights else f"{last.subject} is {last.state.replace('_', ' ')} ({last.steps[-1].reason})"
        if self._directed.get(place) != (weights, reason):
            self.target.direct(
                place, endpoint=last.endpoint, environment=last.environment, weights=weights, reason=reason
            )
            self._directed[place] = (weights, reason)

    def _runs(self, request: str) -> bool:
        return self.target.running(request) or self._guarded(request, partial(self._start_again, request))

    def _start_again(self, request: str) -> None:
        self._start(self.chain().request(request).predicate.request)

    def _write(self, journaled: Journaled, said: tuple[Action, float, str] | None = None) -> Journaled:
        signed = () if said is None else (self._signed(journaled, *said),)
        self.journal.write(journaled, statements=signed)
        return journaled

    def _end(self, journaled: Journaled, state: ReleaseState, action: Action, reason: str) -> None:
        self._write(journaled.stepped(state, 0, reason, self.clock()), (action, 0, reason))
        self.redirect(journaled.address)

    def _signed(self, journaled: Journaled, action: Action, weight: float, reason: str) -> bytes:
        act = Act(action, weight, reason, self.clock())
        return statement(journaled.release, act, self.chain(), self.policy(), self.signer)


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
