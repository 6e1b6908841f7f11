"""The fallback: which version takes the traffic when one steps down."""

from __future__ import annotations

from dataclasses import dataclass

from nbdeploy.errors import NbdeployError, RevokedError
from nbdeploy.release.book import Book
from nbdeploy.release.intake import Intake
from nbdeploy.release.journal import Journaled
from nbdeploy.release.routes import Routes


@dataclass
class Fallback:
    """Looks for the last version before one that may still run."""

    book: Book
    intake: Intake
    routes: Routes

    def find(self, journaled: Journaled) -> tuple[Journaled | None, str]:
        """Return the last release before this one that runs or may run again, or None and why none may.

        One that is kept warm takes over as it is, unless it was revoked. One that was stopped after the bake is
        admitted again first, under the policy and the approvals of now.
        """
        refused: list[str] = []
        previous = journaled.previous
        while previous is not None:
            found = self.book.journal.release(previous)
            if found is None:
                break
            if found.release.state in ("live", "superseded"):
                try:
                    self._ready(found)
                except NbdeployError as error:
                    refused.append(f"{found.release.subject}: {error}")
                else:
                    return found, ""
            previous = found.previous
        return None, "; ".join(refused)

    def _ready(self, found: Journaled) -> None:
        authority, request_id = self.book.authority, found.release.request
        chain = authority.chain()
        if chain.revocations.get(request_id):
            raise RevokedError(f"{request_id} was revoked")
        if self.routes.target.running(request_id):
            return
        if found.release.state != "live":
            request = chain.request(request_id).predicate.request
            self.intake.admit_again(request, chain=chain, policy=authority.policy(), now=self.book.clock())
        self.routes.start(request_id)
