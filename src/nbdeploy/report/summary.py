"""The first page of a card: the verdict in words and the three things that a reader must know."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from nbdeploy.documents.card import Block, Card, CardSection
from nbdeploy.documents.evidence import Evidence
from nbdeploy.documents.finding import SEVERITY, Finding, Verdict
from nbdeploy.documents.measurement import Pair
from nbdeploy.documents.record import group_label
from nbdeploy.report import inert, wording


@dataclass(frozen=True)
class Point:
    """One thing that a reader must know, and the findings that its numbers are of."""

    title: str
    text: str
    findings: tuple[str, ...] = ()


def summary(evidence: Evidence) -> CardSection:
    """Return the summary: verdict in words, three points, every gate with its finding."""
    gated = ordered(evidence.gated())
    blocks = [Block(kind="text", text=in_words(evidence))]
    blocks += [
        Block(kind="note", title=point.title, text=point.text, findings=point.findings)
        for point in list(points(evidence))[:3]
    ]
    blocks.append(Block(kind="findings", title="Every gate", findings=tuple(finding.id for finding in gated)))
    return CardSection(id="summary", title="Summary", lead=purpose(evidence), blocks=tuple(blocks))


def purpose(evidence: Evidence) -> str:
    """Return what the model is for, in the objective's own words."""
    goal = evidence.objective.content.goal
    stated = goal.ai or goal.business or goal.intended_use
    return stated or "The objective does not say what this model is for."


def ordered(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Return the gated findings, worst verdict first, otherwise in the order of the run."""
    return tuple(sorted(findings, key=lambda finding: -SEVERITY.index(finding.verdict or "pass")))


def in_words(evidence: Evidence | Card) -> str:
    """Return the verdict as one or two sentences."""
    gates = evidence.verdict.gates
    if not gates:
        return "No gate was declared, so nothing was judged."
    counts = Counter(gates.values())
    parts = [_state(verdict, counts[verdict]) for verdict in reversed(SEVERITY) if counts[verdict]]
    opening = f"Of {wording.counted(len(gates), 'gate')}, {wording.listed(parts)}."
    return f"{opening} {_CONCLUSIONS[evidence.verdict.overall]}"


def _state(verdict: Verdict, n: int) -> str:
    one = n == 1
    return {
        "fail": f"{n} {'fails' if one else 'fail'}",
        "not_evaluated": f"{n} {'was' if one else 'were'} not evaluated",
        "inconclusive": f"{n} {'is' if one else 'are'} inconclusive",
        "pass": f"{n} {'passes' if one else 'pass'}",
    }[verdict]


_CONCLUSIONS: dict[Verdict, str] = {
    "pass": "Everything that was promised holds, with the certainty that was asked for.",
    "inconclusive": "Nothing that was promised is shown to be broken, but not all of it is shown to hold.",
    "not_evaluated": "A promise without evidence is not a pass: somebody has to decide whether to go on without it.",
    "fail": "What was promised does not hold.",
}


def points(evidence: Evidence) -> Iterator[Point]:
    """Yield what a reader must know, most important first."""
    gated = evidence.gated()
    yield from _draft(evidence)
    yield from _failed([finding for finding in gated if finding.verdict == "fail"])
    yield from _deceptive(evidence)
    yield from _unseen_model(evidence)
    yield from _missing([finding for finding in gated if finding.verdict == "not_evaluated"])
    yield from _undecided([finding for finding in gated if finding.verdict == "inconclusive"])
    yield from _edited(evidence)
    yield from _attempts(evidence)
    yield from _lineage(evidence)
    yield from _small_groups(evidence)
    yield from _largest_gap(evidence)
    yield from _headline(evidence)
    yield from _scope(evidence)
    yield _basis(evidence)


def _draft(evidence: Evidence) -> Iterator[Point]:
    if evidence.run.draft:
        yield Point("This is a draft", "It was run fast, on samples, and can never be the ground for a deployment.")


def _failed(failed: list[Finding]) -> Iterator[Point]:
    for finding in failed[:2]:
        text = f"Measured {wording.value(finding)}{_between(finding)}; the gate asks {wording.condition(finding)}."
        if finding.pair is not None:
            text += f" It is decided by {pair(finding.pair)}."
        yield Point(f"{wording.name(finding)} fails", text, (finding.id,))
    if len(failed) > 2:
        rest = [wording.name(finding) for finding in failed[2:]]
        title = f"{len(rest)} more {'gate fails' if len(rest) == 1 else 'gates fail'}"
        yield Point(title, f"{wording.listed(rest)}.", tuple(finding.id for finding in failed[2:]))


def _between(finding: Finding) -> str:
    known = wording.interval(finding)
    return f" ({wording.level(finding)} interval {known})" if known and finding.level else ""


def pair(compared: Pair) -> str:
    """Return the two groups that decide a disparity."""
    text = f"{group_label(compared.first)} against {group_label(compared.second)}"
    return f"{text}, in {compared.metric.replace('_', ' ')}" if compared.metric else text


def _missing(missing: list[Finding]) -> Iterator[Point]:
    if not missing:
        return
    reasons = Counter(finding.reason or "no reason was recorded" for finding in missing)
    cause, _ = reasons.most_common(1)[0]
    names = [wording.name(finding) for finding in missing]
    shown = wording.listed(names) if len(names) <= 4 else f"{', '.join(names[:3])} and {len(names) - 3} more"
    others = f" and {wording.counted(len(reasons) - 1, 'other reason')}" if len(reasons) > 1 else ""
    yield Point(
        f"{wording.counted(len(missing), 'gate')} {'was' if len(missing) == 1 else 'were'} not evaluated",
        f"{shown}. Why: {cause.rstrip('.')}{others}.",
        tuple(finding.id for finding in missing),
    )


def _undecided(undecided: list[Finding]) -> Iterator[Point]:
    if not undecided:
        return
    names = [wording.name(finding) for finding in undecided]
    shown = wording.listed(names) if len(names) <= 4 else f"{', '.join(names[:3])} and {len(names) - 3} more"
    known = [finding.rows_needed for finding in undecided if finding.rows_needed is not None]
    needed = (
        f" About {_rounded(max(known)):,} rows like these would decide {'it' if len(known) == 1 else 'them'}."
        if known
        else ""
    )
    yield Point(
        f"{wording.counted(len(undecided), 'gate')} cannot be decided with this data",
        f"{shown}: the interval reaches to both sides of the bound.{needed}",
        tuple(finding.id for finding in undecided),
    )


def _rounded(rows: int) -> int:
    """Return rows to two leading digits: an extrapolation knows no more."""
    return int(float(f"{rows:.1e}"))


def _edited(evidence: Evidence) -> Iterator[Point]:
    edited = [notebook.name for notebook in evidence.subject.notebooks if notebook.edited]
    if edited:
        are = "is an edited copy" if len(edited) == 1 else "are edited copies"
        yield Point(
            "A validation notebook was changed",
            f"{wording.listed(edited)} {are} of what policy lists; read it before you rely on its numbers.",
        )


def _attempts(evidence: Evidence) -> Iterator[Point]:
    attempt = evidence.run.attempt
    if attempt is None or attempt < 2:
        return
    changes = [f"{earlier.attempt}: {change}" for earlier in evidence.attempts for change in earlier.changes]
    told = (
        f" The objective changed after attempt {'; after attempt '.join(changes)}."
        if changes
        else " The objective did not change in between."
    )
    same = {earlier.data_digest for earlier in evidence.attempts} & {data.digest for data in evidence.subject.data}
    where = " on data that was used before" if same else ""
    yield Point(
        f"This is attempt {attempt}{where}",
        f"Each further look at the same rows makes a lucky result likelier; intervals do not correct for that.{told}",
    )


def _deceptive(evidence: Evidence) -> Iterator[Point]:
    hidden = inert.deceptive_texts(evidence)
    if hidden:
        text = (
            f"{wording.counted(hidden, 'name or text', 'names or texts')} with hidden characters or lookalike letters. "
        )
        yield Point("A name here may not be what it seems", text + "See the caveats, and compare fingerprints.")


def _unseen_model(evidence: Evidence) -> Iterator[Point]:
    if evidence.subject.model is None:
        text = (
            "Only a file of its predictions was given. Nothing says which model made them, and none can be "
            "deployed from this."
        )
        yield Point("The model itself was not seen", text)


def _lineage(evidence: Evidence) -> Iterator[Point]:
    if evidence.subject.model is not None and not any(data.role == "train" for data in evidence.subject.data):
        text = "No training data was given, so overlap between training and evaluated rows could not be ruled out."
        yield Point("What the model was trained on is unknown", text)


def _small_groups(evidence: Evidence) -> Iterator[Point]:
    small = tuple(
        dict.fromkeys(
            group_label(group.group)
            for finding in evidence.findings
            if finding.section == "fairness" and finding.metric == "count"
            for group in finding.by_group
            if group.excluded or group.n < evidence.objective.content.min_group_size
        )
    )
    if small:
        shown = wording.listed(list(small)) if len(small) <= 4 else f"{', '.join(small[:3])} and {len(small) - 3} more"
        yield Point(
            f"{wording.counted(len(small), 'group')} too small to compare",
            (
                f"{shown} {'has' if len(small) == 1 else 'have'} fewer than "
                f"{evidence.objective.content.min_group_size} rows: shown, but left out of every comparison."
            ),
        )


def _largest_gap(evidence: Evidence) -> Iterator[Point]:
    gaps = [f for f in evidence.findings if f.metric == "demographic_parity_ratio" and f.value is not None]
    if gaps:
        worst = min(gaps, key=lambda finding: finding.value or 0)
        between = (
            f", between {group_label(worst.pair.first)} and {group_label(worst.pair.second)}" if worst.pair else ""
        )
        yield Point(
            "The widest gap between groups",
            (
                f"The lowest rate of the favourable outcome is {wording.value(worst)} times the "
                f"highest{between} (1 would be equal)."
            ),
            (worst.id,),
        )


def _headline(evidence: Evidence) -> Iterator[Point]:
    for metric in ("recall", "roc_auc", "accuracy", "r2"):
        finding = evidence.finding(f"performance.{metric}")
        if finding is not None and finding.value is not None:
            text = f"{wording.explanation('performance', metric)} Measured {wording.value(finding)}{_between(finding)}."
            yield Point(f"{wording.name(finding)}: {wording.value(finding)}", text, (finding.id,))
            return


def _scope(evidence: Evidence) -> Iterator[Point]:
    excluded = evidence.objective.content.goal.out_of_scope
    if excluded:
        yield Point("What it must not be used for", f"{'; '.join(excluded)}.")


def _basis(evidence: Evidence) -> Point:
    judged = [data for data in evidence.subject.data if data.role in ("evaluation", "predictions")]
    rows = sum(data.rows for data in judged)
    names = wording.listed([data.name for data in judged]) or "data that was not recorded"
    text = f"From {names}. What is said here holds for data like these rows, and for no other."
    return Point(f"It rests on {wording.counted(rows, 'row')}", text)
