"""Conditions: what approvals that hold ask for. One is met when its approver signs again without it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime

from nbdeploy.approve.standing import Standing
from nbdeploy.documents.decision_sheet import ConditionTold
from nbdeploy.trust.policy.document import Policy


def conditions(found: Standing, policy: Policy, now: datetime) -> Iterator[ConditionTold]:
    """Yield the conditions of the approvals that hold, in log order, each with whether it is due or overdue."""
    people = {person.name for person in policy.people}
    today = now.astimezone(UTC).date()
    for logged in found.approvals:
        for one in logged.predicate.conditions:
            yield ConditionTold(
                text=one.text,
                owner=one.owner,
                by=one.by,
                asked_by=logged.person,
                state=_state(one.by, today),
                overdue=one.by < today,
                owner_known=one.owner in people,
            )


def _state(by: date, today: date) -> str:
    days = (by - today).days
    if days < 0:
        return f"overdue for {-days} day{'s' * (days != -1)}"
    return "due today" if days == 0 else f"due in {days} day{'s' * (days != 1)}"
