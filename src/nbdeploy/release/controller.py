"""The controller: brings what runs to what the ledger says may run, one journaled step at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from nbdeploy.release.authority import Authority, Memory
from nbdeploy.release.beginnings import Beginnings
from nbdeploy.release.book import Book
from nbdeploy.release.commands import carry_out
from nbdeploy.release.fallback import Fallback
from nbdeploy.release.hold import Hold
from nbdeploy.release.intake import Intake
from nbdeploy.release.journal import Journal, Journaled
from nbdeploy.release.mirror import Mirror
from nbdeploy.release.moves import Moves
from nbdeploy.release.plan import plan
from nbdeploy.release.routes import Routes
from nbdeploy.release.step import next_step
from nbdeploy.release.targets import Target
from nbdeploy.trust.keys import Signer
from nbdeploy.trust.ledger.log import Log


@dataclass
class Controller:
    """Reconciles approvals in the ledger with what a target runs.

    Parameters
    ----------
    policy_file
        The deployer's own copy. It is read again when its bytes change; unreadable, nothing new is started.
    signer
        The controller's key: signs what was deployed.
    recheck
        Time between two looks at whether what runs may run still.
    memory
        The policies and pinned roots that a new policy must follow from.
    """

    ledger: Log
    policy_file: Path
    journal: Journal
    intake: Intake
    target: Target
    mirror: Mirror
    signer: Signer
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    recheck: timedelta = timedelta(minutes=10)
    memory: Memory = field(default_factory=Memory)
    authority: Authority = field(init=False)
    book: Book = field(init=False)
    routes: Routes = field(init=False)
    moves: Moves = field(init=False)
    hold: Hold = field(init=False)
    beginnings: Beginnings = field(init=False)

    def __post_init__(self) -> None:
        self.authority = Authority(self.ledger, self.policy_file, self.clock, self.memory)
        self.book = Book(self.journal, self.ledger, self.authority, self.signer, self.clock)
        self.routes = Routes(self.book, self.intake, self.target)
        self.moves = Moves(self.book, self.routes, Fallback(self.book, self.intake, self.routes))
        self.hold = Hold(self.book, self.intake, self.moves, self.recheck)
        self.beginnings = Beginnings(self.book, self.intake, self.routes, self.moves)

    def resume(self) -> None:
        """Start again what the journal says is live or on its way. Called once, before the first `reconcile`."""
        for journaled in self.journal.releases():
            if journaled.release.state in ("verifying", "starting"):  # nothing of it had traffic: it begins anew
                self.book.write(journaled.stepped("waiting", 0, "the controller was restarted", self.clock()))
        # What may not run any more is not started again.
        self.book.attempt("policy", lambda: self.hold.look(self.authority.chain()))
        for place in self.book.places():
            self.routes.redirect(place)

    def reconcile(self) -> None:
        """Make every step that is due. What goes wrong with one release stops no other one.

        With a policy that cannot be read, or a ledger that cannot be written, what runs is still watched and rolled
        back; nothing new begins.
        """
        book = self.book
        sound = book.attempt("policy", self.authority.read_policy) and book.attempt("ledger", book.log_statements)
        chain = self.authority.chain()
        for command in self.journal.commands():
            carry_out(command, book, self.moves)
        self.hold.look(chain)
        for journaled in self.journal.releases():
            book.attempt(f"the rollout of {journaled.release.request}", partial(self._proceed, journaled))
        if sound:
            self.beginnings.take_in(chain)
            for place in book.places():
                book.attempt(place, partial(self.beginnings.begin_at, chain, place))
        for place in book.places():
            self.routes.redirect(place)
        book.attempt("ledger", book.log_statements)
        self.mirror.show(self.journal, self.journal.releases(), self.authority, self.clock())

    def _proceed(self, journaled: Journaled) -> None:
        release = journaled.release
        if release.state in ("rolling", "held") or (release.state == "live" and not journaled.baked):
            self._watch(journaled)

    def _watch(self, journaled: Journaled) -> None:
        release = journaled.release
        # Only after a crash between the last step and saying that it is live.
        if release.state != "live" and release.weight >= 100:
            self.moves.finish(journaled, release.steps[-1].reason)
            return
        steps = plan(release.rollout, first=release.previous is None)
        decision = next_step(steps, release, self.target.observations(journaled.address), self.clock())
        if decision.act == "roll_back":
            self.moves.roll_back(journaled, decision.reason)
        elif journaled.paused:
            return
        elif decision.act == "promote":
            self.moves.promote(journaled, decision.weight, decision.reason)
        elif decision.act == "complete":
            self.moves.bake_over(journaled, decision.reason)
        elif decision.act == "hold" and release.state != "held":
            self.moves.hold(journaled, decision.reason)
