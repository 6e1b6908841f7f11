"""The decision sheet: what a ledger says about an objective, apart from the frozen card. It is drawn, never stored."""

from __future__ import annotations

from datetime import date
from typing import Literal

from nbdeploy.documents.record import Record

Tone = Literal["pass", "fail", "inconclusive", "not_evaluated"]
"""The colour of a verdict that stands beside a word, and never instead of it."""


class GateTold(Record):
    """A gate that did not pass, or a finding of the file scan.

    Attributes
    ----------
    words
        The gate as the card names it.
    found, asked
        What was found, and what the environment asks for, in words.
    answers
        Who acknowledged or waived it, until when and why.
    is_open
        Whether somebody still has to.
    """

    gate: str
    words: str
    found: str
    asked: str
    answers: tuple[str, ...] = ()
    is_open: bool = False


class DecisionSaid(Record):
    """One signed decision. `counts_not` says why it counts for nothing, or by what it was replaced."""

    decision: str
    by: str
    at: str
    entry: int
    reason: str = ""
    notes: tuple[str, ...] = ()
    counts_not: str = ""


class ConditionTold(Record):
    """What an approval that holds asks for, with who does it by when, and what is known of that."""

    text: str
    owner: str
    by: date
    asked_by: str
    state: str
    overdue: bool = False
    owner_known: bool = True


class DecisionTold(Record):
    """One request with everything that was said and done about it, in words.

    Attributes
    ----------
    word, tone
        Where it stands now.
    until
        When a rollout may start at the latest, with the days that are left.
    attempt, card
        Of the validation; the address of its card, where it is at hand.
    facts
        (what, who or which): who asked, declared, ran and signed; policy; assurance.
    missing
        What would have to happen before it stands.
    problems
        Why the request itself cannot stand.
    """

    request: str
    subject: str
    endpoint: str
    environment: str
    word: str
    tone: Tone
    asked: str
    until: str = ""
    attempt: int | None = None
    verdict: str = ""
    card: str | None = None
    gates: tuple[GateTold, ...] = ()
    said: tuple[DecisionSaid, ...] = ()
    conditions: tuple[ConditionTold, ...] = ()
    revoked: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    deployed: tuple[str, ...] = ()


class Sheet(Record):
    """All decisions on one objective, newest first. With `broken`, why the ledger does not hold, there are none.

    `size` and `root` are of the ledger's signed tree.
    """

    name: str
    drawn: str
    size: int = 0
    root: str = ""
    decisions: tuple[DecisionTold, ...] = ()
    ignored: tuple[str, ...] = ()
    broken: str = ""
