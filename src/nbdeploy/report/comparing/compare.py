"""Two cards compared: one record that HTML, Markdown and a terminal tell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from nbdeploy.documents.card import Card
from nbdeploy.documents.finding import Finding
from nbdeploy.report import wording
from nbdeploy.report.comparing import numbers, rules
from nbdeploy.report.comparing.numbers import Change
from nbdeploy.report.comparing.rules import Told

FIRST_SCREEN = 3


@dataclass(frozen=True)
class Comparison:
    """What changed from `before` to `after`. `points` are the differences that matter most, the worst first."""

    before: Card
    after: Card
    points: tuple[Told, ...]
    verdicts: tuple[Told, ...]
    promises: tuple[Told, ...]
    groups: tuple[Told, ...]
    numbers: tuple[Change, ...]
    removed: tuple[Finding, ...]
    added: tuple[Finding, ...]
    made_of: tuple[Told, ...]
    cautions: tuple[str, ...]

    @property
    def listed(self) -> tuple[Change, ...]:
        """The numbers that a table shows: of groups, which may be hundreds, those alone that really changed."""
        return tuple(
            change
            for change in self.numbers
            if change.outcome != "same" and not (change.group and change.outcome in ("chance", "unknown"))
        )

    @property
    def method(self) -> str:
        """How most differences of the table were told from chance; the others say how themselves."""
        known = Counter(change.method for change in self.listed)
        return known.most_common(1)[0][0] if known else ""

    @property
    def folded(self) -> tuple[Change, ...]:
        """The other numbers."""
        shown = {id(change) for change in self.listed}
        return tuple(change for change in self.numbers if id(change) not in shown)

    @property
    def titles(self) -> tuple[str, str]:
        """How the two cards are named."""
        return label(self.before), label(self.after)


def label(card: Card) -> str:
    """Return ``churn, attempt 3`` or ``churn, draft``."""
    run = f"attempt {card.run.attempt}" if card.run.attempt else "draft"
    return f"{card.objective.name}, {run}"


def compare(before: Card, after: Card) -> Comparison:
    """Return what changed from one card to another, and which of it is more than chance."""
    found = numbers.changes(before, after)
    verdicts = tuple(rules.verdicts(before, after))
    promises = tuple(rules.promises(before.objective.content, after.objective.content))
    groups = tuple(rules.groups(before, after))
    removed, added = numbers.missing(before, after), numbers.missing(after, before)
    cautions = tuple(_cautions(before, after, found))
    worse = tuple(_of(verdicts, "worse"))
    ranked = [
        *(("changed", text) for text in _other_question(before, after)),
        *worse[:1],
        # What was taken away can hide what became worse, so it is told before further verdicts.
        *_of(promises, "loosened"),
        *_of(groups, "dropped"),
        *worse[1:],
        *(("worse", _sentence(change)) for change in numbers.really(found, "worse")),
        *(("dropped", f"{wording.name(finding)} is no longer told") for finding in removed),
        *_of(verdicts, "better"),
        *_of(promises, "tightened"),
        *(("better", _sentence(change)) for change in numbers.really(found, "better")),
        *_of(groups, "new"),
    ]
    return Comparison(
        before=before,
        after=after,
        points=tuple(ranked[:FIRST_SCREEN]),
        verdicts=verdicts,
        promises=promises,
        groups=groups,
        numbers=found,
        removed=removed,
        added=added,
        made_of=tuple(rules.made_of(before, after)),
        cautions=cautions,
    )


def _of(told: tuple[Told, ...], kind: str) -> Iterator[Told]:
    return (one for one in told if one[0] == kind)


def _sentence(change: Change) -> str:
    was, now = wording.value(change.before), wording.value(change.after)
    return f"{change.name} went from {was} to {now}: more than chance does"


def _other_question(before: Card, after: Card) -> Iterator[str]:
    old, new = before.objective.content, after.objective.content
    if old.task != new.task:
        yield f"The cards are of different tasks: {old.task} before, {new.task} now"
    if old.name != new.name:
        yield f"The cards are of different objectives: {old.name} before, {new.name} now"
    elif old.target != new.target or old.positive != new.positive:
        yield "The cards are of different answers: the target or what counts as positive is another one"


def _cautions(before: Card, after: Card, found: tuple[Change, ...]) -> Iterator[str]:
    tested = sum(change.interval is not None for change in found)
    if tested:
        yield (
            f"{wording.counted(tested, 'number')} with intervals were compared one by one, each at its own level: the "
            "more there are, the likelier that one of them differs by chance."
        )
    if numbers.same_rows(before, after):
        yield (
            "Both cards were measured on the same rows. Where the later run paired the two versions row by row, that "
            "decides; elsewhere the intervals are compared as if they were independent, which is as a rule too careful "
            "and is not exact."
        )
    else:
        yield "The cards were measured on different rows, so a change can be the data's as well as the model's."
