"""What findings about rows hold beyond their number: groups that miss values, twins, suspect labels, unlike rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from nbdeploy.documents.finding import Finding
from nbdeploy.report import figures, wording

Row = tuple[str, str]
_RATE = figures.Scale(percent=True)


def _percent(share: Any) -> str:
    return figures.number(float(share), _RATE)


def _outliers(data: dict[str, Any]) -> Iterator[Row]:
    yield from _beyond(data, "outliers")


def _outside(data: dict[str, Any]) -> Iterator[Row]:
    yield from _beyond(data, "outside")


def _beyond(data: dict[str, Any], key: str) -> Iterator[Row]:
    for one in data["columns"]:
        k, n = int(one[key]), int(one["n"])
        if k:
            low, high = (figures.number(float(one[end])) for end in ("low", "high"))
            yield str(one["column"]), f"{k:,} of {n:,} ({_percent(k / n)}) outside {low} to {high}"


def _shifts(data: dict[str, Any]) -> Iterator[Row]:
    for one in data["columns"]:
        size = f"{one['effect']} {figures.number(float(one['size']))}"
        span = figures.span(tuple(one["interval"]), figures.Scale())
        chance = f"{one['test']} test, {figures.p_value(float(one['p_value']))}"
        drifted = "drifted: " if one["drifted"] else ""
        yield str(one["column"]), f"{drifted}PSI {figures.number(float(one['psi']))}; {size} ({span}); {chance}"
    if data.get("uncounted"):
        yield "Not compared", f"{wording.listed(data['uncounted'])}: almost every row has its own value"


def _slices(data: dict[str, Any]) -> Iterator[Row]:
    rates = "accuracy" in data["slices"][0]
    how, key = (_RATE, "accuracy") if rates else (figures.Scale(), "error")
    for one in data["slices"]:
        span = figures.span(tuple(one["interval"]), how) if one.get("interval") else ""
        told = f"{figures.number(float(one[key]), how)}{f' ({span})' if span else ''}"
        yield wording.spoken(str(one["slice"])), f"{told}, {wording.counted(int(one['n']), 'row')}"
    if data.get("overall") is not None:
        yield "All rows", figures.number(float(data["overall"]), how)
    if data.get("found_on") is not None:
        yield "How found", f"on {int(data['found_on']):,} rows, judged on {int(data['judged_on']):,} others"


def _gaps(data: dict[str, Any]) -> Iterator[Row]:
    for feature in data["features"]:
        for one in sorted(feature["groups"], key=lambda group: -int(group["missing"]) / max(int(group["n"]), 1)):
            small = "; too few rows to compare" if one["excluded"] else ""
            share = _percent(int(one["missing"]) / int(one["n"]))
            rows = wording.counted(int(one["n"]), "row")
            yield f"{feature['feature']} {one['group']}", f"{share} of {rows} miss an input{small}"


def _twins(data: dict[str, Any]) -> Iterator[Row]:
    yield "Near twins", f"{int(data['near']):,} of {wording.counted(int(data['rows']), 'row')}"
    if data.get("sought_among") is not None:
        yield "Sought among", wording.counted(int(data["sought_among"]), "row")
    yield "How near", f"numbers within {float(data['within']):g} spreads of their column, everything else equal"
    if data.get("usual") is not None:
        yield "Training rows with a near twin in training", _percent(data["usual"])


def _suspects(data: dict[str, Any]) -> Iterator[Row]:
    for one in data["kinds"]:
        yield f"Recorded {one['label']}, looks like {one['like']}", wording.counted(int(one["rows"]), "row")
    errors, also = int(data["model_errs"]), int(data["model_errs_on"])
    if errors:
        share = _percent(also / errors)
        yield "The model contradicts the label too", f"on {also:,} of them: {share} of its {errors:,} errors"


def _slips(data: dict[str, Any]) -> Iterator[Row]:
    for one in data["columns"]:
        if one.get("refused") is not None:
            yield f"{one['column']} {one['change']}", f"the contract refuses {_percent(one['refused'])} of such values"


def _unlike(data: dict[str, Any]) -> Iterator[Row]:
    for one in data["columns"]:
        yield str(one["column"]), f"{_percent(one['share'])} of the distance"


def _accuracy(data: dict[str, Any]) -> Iterator[Row]:
    for key, told in (("inside", "Rows like the training data"), ("outside", "Rows unlike it")):
        rows = wording.counted(int(data[f"rows_{key}"]), "row")
        yield told, f"{_percent(data[key])} right, of {rows}"


def _error(data: dict[str, Any]) -> Iterator[Row]:
    for key, told in (("inside", "Rows like the training data"), ("outside", "Rows unlike it")):
        rows = wording.counted(int(data[f"rows_{key}"]), "row")
        yield told, f"mean absolute error {figures.number(float(data[key]))}, of {rows}"


def _members(data: dict[str, Any]) -> Iterator[Row]:
    gained = data["advantage"]
    span = figures.span(tuple(gained["interval"]), figures.Scale())
    yield "What one who guesses by the loss gains", f"{figures.number(float(gained['value']))} ({span}); 0 is nothing"
    rows = f"{int(data['members']):,} training rows and {int(data['others']):,} others"
    yield "Compared", rows
    if data["warns"]:
        yield "Warning", "the model is far surer of its training rows: it gives away who was among them"


def warnings(findings: Iterable[Finding]) -> Iterator[str]:
    """Yield what a reader must be warned of in the findings about rows, whether a gate asks for it or not."""
    for finding in findings:
        if finding.metric == "membership_inference_auc" and finding.data.get("warns"):
            yield (
                "The model gives its training rows away: whoever knows a person's row and outcome can tell better "
                f"than by chance whether the model was trained on it (area {wording.value(finding)}, 0.5 is guessing)."
            )
        told = finding.data.get("telling")
        if finding.metric in ("single_feature_auc", "single_feature_r2") and isinstance(told, list) and told:
            names = wording.listed([str(name) for name in told[:5]])
            yield f"Outcomes are almost fully told by {names} alone: make sure that this is known before the outcome."


TABLES: dict[str, tuple[str, Callable[[dict[str, Any]], Iterator[Row]], bool]] = {
    "outlier_share": ("Outliers by column", _outliers, True),
    "out_of_range_share": ("Outside the range seen before, by column", _outside, True),
    "drifted_columns": ("Size of each shift", _shifts, True),
    "missing_gap": ("Who misses values", _gaps, True),
    "near_duplicate_share": ("Near duplicates", _twins, True),
    "near_leakage": ("Near leakage", _twins, True),
    "suspect_label_share": ("Labels that contradict what rows like them show", _suspects, False),
    "worst_slice_accuracy": ("The weakest parts of the data (accuracy)", _slices, False),
    "worst_slice_error": ("The weakest parts of the data (mean absolute error)", _slices, False),
    "unit_slip_flip_rate": ("Would the contract notice a slip of units?", _slips, True),
    "unit_slip_shift": ("Would the contract notice a slip of units?", _slips, True),
    "ood_share": ("What is strange about rows unlike the training data", _unlike, True),
    "ood_accuracy_drop": ("The model on unlike rows", _accuracy, False),
    "ood_error_increase": ("The model on unlike rows", _error, False),
    "membership_inference_auc": ("Are training rows given away?", _members, False),
}
"""By measure: the title, what tells the rows of the table, and whether it is folded."""
