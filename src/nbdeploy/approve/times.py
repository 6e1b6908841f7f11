"""When an approval holds: from its first moment to the first of its ends; and what clocks may say."""

from __future__ import annotations

from datetime import datetime, timedelta

from nbdeploy.approve.chain import Logged
from nbdeploy.documents.request import Request
from nbdeploy.documents.statements import DecisionPredicate
from nbdeploy.errors import ClockError, ExpiredError
from nbdeploy.trust.policy.rules import Environment

SKEW = timedelta(minutes=10)
"""How far the clocks of two people may differ."""


def check_clock(request: Request, at: datetime, whose: str) -> None:
    """Refuse a decision of a moment before its request was made: it names the request's bytes, so a clock is wrong.

    Raises
    ------
    ClockError
    """
    if at < request.requested - SKEW:
        raise ClockError(
            f"{whose} is of {at:%Y-%m-%d %H:%M} UTC, and {request.id} was asked for on "
            f"{request.requested:%Y-%m-%d %H:%M} UTC",
            next="set the clock of the machine that signs",
        )


def expires(rule: Environment, decision: DecisionPredicate) -> datetime:
    """Return when an approval ends: by itself, by the environment's days, or with the first of its waivers."""
    ends = [waiver.expires for waiver in decision.waived]
    return min(decision.expires, decision.signed + timedelta(days=rule.expires_days), *ends)


def check_time(rule: Environment, logged: Logged[DecisionPredicate], now: datetime) -> None:
    """Refuse an approval outside of its days.

    Raises
    ------
    ExpiredError
    """
    first, last = logged.predicate.not_before, expires(rule, logged.predicate)
    if now < first:
        raise ExpiredError(f"the approval by {logged.person} holds from {first:%Y-%m-%d %H:%M} UTC, and it is earlier")
    if now >= last:
        raise ExpiredError(
            f"the approval by {logged.person} expired on {last:%Y-%m-%d %H:%M} UTC",
            next=f"nbdeploy signoff {logged.predicate.request}",
        )
