"""What two cards promise and whom they look at: gates, how they are decided, groups, and what was measured on what."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from nbdeploy.documents.card import Card
from nbdeploy.documents.finding import SEVERITY
from nbdeploy.documents.objective import Objective
from nbdeploy.documents.record import group_label
from nbdeploy.report import figures, wording
from nbdeploy.trust.floor_gates import at_least

_NAMED = 12
"""So many groups are named in a sentence."""

Told = tuple[str, str]
"""``loosened``, ``tightened``, ``dropped``, ``new``, ``worse``, ``better`` or ``changed``, and the sentence."""


def promises(before: Objective, after: Objective) -> Iterator[Told]:
    """Yield what was loosened or tightened, by the same rule that a policy's floor is held with."""
    for section in dict.fromkeys([*before.gates, *after.gates]):
        old, new = before.gates.get(section, {}), after.gates.get(section, {})
        for name in dict.fromkeys([*old, *new]):
            asked = partial(wording.asked, how=figures.scale(section, name))
            what = f"{wording.section_name(section)}, {wording.lowered(wording.label(section, name))}"
            if name not in new:
                yield "loosened", f"{what}: the gate is gone (it was {asked(old[name])})"
            elif name not in old:
                yield "tightened", f"{what}: a gate is new ({asked(new[name])})"
            elif old[name] != new[name]:
                kind = "tightened" if at_least(section, new[name], old[name]) else "loosened"
                mixed = kind == "loosened" and not at_least(section, old[name], new[name])
                turned = "changed so that it allows what it did not" if mixed else kind
                yield kind, f"{what}: {turned}, from {asked(old[name])} to {asked(new[name])}"
    yield from _judging(before, after)


def _judging(before: Objective, after: Objective) -> Iterator[Told]:
    gone = [name for name in before.sensitive if name not in after.sensitive]
    added = [name for name in after.sensitive if name not in before.sensitive]
    if gone:
        yield "loosened", f"No longer looked at for fairness: {wording.listed(gone)}"
    if added:
        yield "tightened", f"Newly looked at for fairness: {wording.listed(added)}"
    if before.decide != after.decide:
        kind = "loosened" if after.decide == "point" else "tightened"
        yield kind, f"Gates are decided by the {after.decide}, before by the {before.decide}"
    if before.level != after.level:
        kind = "loosened" if after.level < before.level else "tightened"
        yield kind, f"The level of the intervals went from {before.level:g} to {after.level:g}"
    if before.min_group_size != after.min_group_size:
        kind = "loosened" if after.min_group_size > before.min_group_size else "tightened"
        yield (
            kind,
            f"The smallest group that is judged went from {before.min_group_size} rows to {after.min_group_size}",
        )


def groups(before: Card, after: Card) -> Iterator[Told]:
    """Yield the groups that one card judges and the other does not."""
    old, new = _groups(before), _groups(after)
    both = [label for label in old if label in new]
    for kind, labels, what in (
        ("dropped", [label for label in old if label not in new], "no longer there"),
        ("dropped", [label for label in both if new[label] and not old[label]], "now too small to be judged"),
        ("new", [label for label in new if label not in old and not new[label]], "newly judged"),
        ("new", [label for label in new if label not in old and new[label]], "new, and too small to be judged"),
        ("new", [label for label in both if old[label] and not new[label]], "now large enough to be judged"),
    ):
        if labels:
            more = f" and {len(labels) - _NAMED} more" if len(labels) > _NAMED else ""
            yield kind, f"{wording.counted(len(labels), 'group')} {what}: {'; '.join(labels[:_NAMED])}{more}"


def _groups(card: Card) -> dict[str, bool]:
    """Return every group with whether it is excluded everywhere."""
    found: dict[str, bool] = {}
    for finding in card.findings:
        if finding.section == "fairness":
            for value in finding.by_group:
                label = group_label(value.group)
                found[label] = value.excluded and found.get(label, True)
    return found


def verdicts(before: Card, after: Card) -> Iterator[Told]:
    """Yield every verdict that is another one now, the overall one first."""
    old, new = before.verdict, after.verdict
    pairs = [("The verdict on the whole", old.overall, new.overall)]
    for name, verdict in old.gates.items():
        finding = after.finding(name) or before.finding(name)
        if name in new.gates and finding is not None:
            pairs.append((wording.name(finding), verdict, new.gates[name]))
    # What fails now is told before what is merely open, the whole before its parts.
    for what, was, now in [pairs[0], *sorted(pairs[1:], key=lambda pair: -SEVERITY.index(pair[2]))]:
        if was != now:
            kind = "worse" if SEVERITY.index(now) > SEVERITY.index(was) else "better"
            yield kind, f"{what} went from {wording.VERDICTS[was].lower()} to {wording.VERDICTS[now].lower()}"


def made_of(before: Card, after: Card) -> Iterator[Told]:
    """Yield what was measured on what: model, data, notebooks, environment and objective, by their digests."""
    for what, old, new in _parts(before, after):
        yield ("changed", f"{what}: changed") if old != new else ("same", f"{what}: the same")


def _parts(before: Card, after: Card) -> Iterator[tuple[str, object, object]]:
    models = [card.subject.model.digest if card.subject.model else None for card in (before, after)]
    yield "Model", models[0], models[1]
    for role in ("evaluation", "predictions", "train", "reference"):
        data = [sorted(d.digest for d in card.subject.data if d.role == role) for card in (before, after)]
        if data[0] or data[1]:
            yield f"{role.capitalize()} data", data[0], data[1]
    code = [{n.name: n.source_digest for n in card.subject.notebooks} for card in (before, after)]
    both = code[0].keys() & code[1].keys()
    old, new = ({name: one[name] for name in both} for one in code)
    yield "Code of the notebooks that both runs have", old, new
    for one, other, when in ((code[0], code[1], "before"), (code[1], code[0], "now")):
        lone = sorted(one.keys() - other.keys())
        if lone:
            yield f"Notebooks that ran only {when} ({wording.listed(lone)})", lone, None
    yield "Environment", before.subject.environment, after.subject.environment
    yield "Objective", before.objective.digest, after.objective.digest
