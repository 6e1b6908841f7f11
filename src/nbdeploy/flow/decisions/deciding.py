"""The verb *sign off*: a person decides, with a key that never enters a notebook."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from datetime import time as day_time
from pathlib import Path
from typing import Any

from nbdeploy.approve.signoff import decide
from nbdeploy.approve.standing import standing
from nbdeploy.documents.request import Request
from nbdeploy.documents.statements import Condition, DecisionPredicate, Waiver
from nbdeploy.errors import closest
from nbdeploy.flow.decisions.card_to_sign import card_to_sign
from nbdeploy.flow.keys import check_personal, open_key
from nbdeploy.flow.mirroring import show_standing
from nbdeploy.flow.policies.kept import keep_policy
from nbdeploy.flow.project import Project
from nbdeploy.flow.show import Result, Shown
from nbdeploy.trust.envelopes import sign


@dataclass(frozen=True)
class Decided(Result):
    """A signed decision, logged."""

    request: Request
    decision: str
    by: str
    index: int
    state: str
    missing: int
    notes: tuple[str, ...] = ()

    def show(self) -> Shown:
        left = f" {self.missing} more signature{'s' * (self.missing > 1)} needed." if self.missing else ""
        return Shown(
            title=f"{self.decision.capitalize()} of {self.request.id} by {self.by}",
            lines=[f"Signed and logged as ledger entry {self.index}. {self.request.subject} is {self.state}.{left}"],
            notes=self.notes,
            next=["nbdeploy status"],
        )

    def facts(self) -> dict[str, Any]:
        return {"request": self.request.id, "decision": self.decision, "state": self.state, "entry": self.index}


def sign_off(
    request: str,
    *,
    decision: str,
    key: Path | str,
    passphrase: Callable[[], bytes],
    reason: str = "",
    acknowledge: Sequence[str] = (),
    waive: Sequence[tuple[str, str, date]] = (),
    conditions: Sequence[tuple[str, str, date]] = (),
    unattended: bool = False,
) -> Decided:
    """Sign a decision on a request and log it.

    Parameters
    ----------
    decision
        ``approval``, ``rejection``, ``return`` or ``question``.
    key
        The signer's key file, or its name in their key folder.
    passphrase
        Called at the moment of signing, and only for a key that has one.
    acknowledge
        Ids of undecided gates that the signer has seen, one by one.
    waive
        (gate, reason, last day) for gates that may pass for a while although they failed, and for findings of the file
        scan. The approval ends with the first of them.
    conditions
        (text, owner, date) of what must follow.
    unattended
        True when no person sat at the terminal; the statement says so for ever.

    Raises
    ------
    KeyFileError
        The key cannot be opened, or has no passphrase.
    SelfApprovalError, RoleError, AcknowledgeError, ExpiredError, RevokedError, LinkError
        By the rule that forbids it; the last also when the card on this machine is not the request's. Nothing was
        signed then.
    """
    project = Project.require()
    signer = open_key(Path(key), passphrase)
    chain, now = project.verified_chain(), datetime.now(UTC)
    predicate, subjects = decide(
        chain,
        request,
        project.policy,
        signer.public,
        decision,
        reason=reason,
        acknowledge=tuple(acknowledge),
        waive=tuple(Waiver(gate=gate, reason=why, expires=_end_of(day)) for gate, why, day in waive),
        conditions=tuple(Condition(text=text, owner=owner, by=by) for text, owner, by in conditions),
        now=now,
        unattended=unattended,
    )
    asked = chain.request(request).predicate.request
    if decision == "approval":
        card_to_sign(project, chain, asked)  # refuses when the page on this machine is another one
    check_personal(Path(key))
    keep_policy(project)
    entry = project.ledger.append(sign(predicate, subjects, signer))
    found = standing(project.chain(), request, project.policy, datetime.now(UTC))
    return Decided(
        request=asked,
        decision=predicate.decision,
        by=predicate.by,
        index=entry.index,
        state=found.state,
        missing=found.missing,
        notes=(*_unknown_owners(project, predicate), *show_standing(project, asked, found.state)),
    )


def _unknown_owners(project: Project, predicate: DecisionPredicate) -> tuple[str, ...]:
    known = [person.name for person in project.policy.people]
    return tuple(
        f"{owner} owns a condition, and the policy names nobody so{closest(owner, known)}"
        for owner in dict.fromkeys(condition.owner for condition in predicate.conditions)
        if owner not in known
    )


def _end_of(day: date) -> datetime:
    """Return the last moment of a day: dates of a statement include their last day, as those of keys do."""
    return datetime.combine(day, day_time.max, UTC)
