"""The verb *revoke*: a request and every approval of it hold no longer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nbdeploy.approve.chain import Chain
from nbdeploy.approve.revoking import revocation
from nbdeploy.approve.rules import environment_of
from nbdeploy.documents.request import Request
from nbdeploy.flow.keys import check_personal, open_key
from nbdeploy.flow.mirroring import show_standing
from nbdeploy.flow.project import Project
from nbdeploy.flow.service.serving import service_url
from nbdeploy.flow.show import Result, Shown
from nbdeploy.release.journal import Journal
from nbdeploy.trust.envelopes import sign

_SERVED = ("live", "rolling", "held")


@dataclass(frozen=True)
class Revoked(Result):
    """A signed revocation, logged. `outcome` says what becomes of the traffic."""

    request: Request
    by: str
    reason: str
    index: int
    approvals: int
    outcome: str
    notes: tuple[str, ...] = ()

    def show(self) -> Shown:
        request = self.request
        signed = f", and {self.approvals} approval{'s' * (self.approvals != 1)} with it" if self.approvals else ""
        return Shown(
            title=f"Revoked: {request.id}, {request.subject} in {request.environment}{signed}",
            lines=[f"Signed by {self.by} and logged as ledger entry {self.index}. {self.outcome}"],
            notes=self.notes,
            next=["nbdeploy status", f"nbdeploy deploy {request.objective}   # to ask again, after mending it"],
        )

    def facts(self) -> dict[str, Any]:
        return {"request": self.request.id, "by": self.by, "entry": self.index, "outcome": self.outcome}


def revoke(
    request: str,
    *,
    reason: str,
    key: Path | str | None = None,
    passphrase: Callable[[], bytes] = lambda: b"",
) -> Revoked:
    """Sign that a request holds no longer, and log it. Nothing starts from it again, and what runs is taken back.

    Parameters
    ----------
    key
        The signer's key file, or its name in their key folder; the workstation's own unless given, with which who asked
        may take back what they asked for.
    passphrase
        Called at the moment of signing, and only for a key that has one.

    Raises
    ------
    RoleError, RevokedError, NotApprovedError, ExpiredError
        By the rule that forbids it. Nothing was signed then.
    """
    project = Project.require()
    signer = open_key(Path(key), passphrase) if key is not None else project.workstation
    chain = project.verified_chain()
    predicate, subjects = revocation(
        chain, request, project.policy, signer.public, reason=reason, now=datetime.now(UTC)
    )
    if key is not None:
        check_personal(Path(key))
    entry = project.ledger.append(sign(predicate, subjects, signer))
    asked = chain.request(request).predicate.request
    person = project.policy.who(signer.public, predicate.at).person
    return Revoked(
        request=asked,
        by=predicate.by if person in (None, predicate.by) else f"{person}, with the key of {predicate.by},",
        reason=reason,
        index=entry.index,
        approvals=sum(name.startswith("approval-") for name in subjects),
        outcome=_outcome(project, chain, asked),
        notes=show_standing(project, asked, "revoked"),
    )


def _outcome(project: Project, chain: Chain, request: Request) -> str:
    """Say what the controller will do with the traffic, as far as the journal on this machine tells."""
    journal = Journal(project.settings.journal_url)
    journaled = journal.release(request.id)
    if journaled is None or journaled.release.state not in _SERVED:
        return "Nothing of it is live, and nothing will start from it."
    known = request.environment in project.policy.environments
    if known and environment_of(project.policy, request).on_revoke == "alarm":
        return (
            f"{request.environment} only raises an alarm: {request.subject} keeps its traffic until somebody acts, "
            f"with nbdeploy rollback {request.objective}."
        )
    when = "at once" if service_url(project) else "when a service runs again (none runs on this machine)"
    previous = journaled.previous
    while previous is not None:
        found = journal.release(previous)
        if found is None:
            break
        if found.release.state in ("live", "superseded") and not chain.revocations.get(previous):
            return (
                f"The traffic of {request.endpoint} in {request.environment} goes back to {found.release.subject} "
                f"({previous}) {when}, if that may still run."
            )
        previous = found.previous
    where = f"{request.endpoint} in {request.environment}"
    return f"No earlier version may take over: {where} answers 503 with the reason {when}."
