"""What a change of version gained and what decisions cost, as rows of text."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from nbdeploy.report import figures, wording

Row = tuple[str, str]


_PLAIN = figures.Scale()


def _money(value: Any, unit: Any) -> str:
    amount = float(value)
    text = (
        figures.number(amount, figures.Scale(whole=True))
        if abs(amount) >= 100
        else figures.plain(round(amount, 2), _PLAIN)
    )
    return f"{text}\u00a0{unit}" if unit else text


def _gains(data: dict[str, Any]) -> Iterator[Row]:
    yield "Compared with", str(data["previous"])
    for one in data["gains"]:
        name = wording.label("performance", str(one["metric"]))
        if one["gain"] is None:
            yield name, "undefined"
            continue
        how = figures.scale("performance", str(one["metric"]))
        before, now = (figures.number(float(one[key]), how) for key in ("before", "model"))
        yield name, f"{before} before, {now} now: {one['words']}"
    counted = data.get("discordant")
    if counted:
        yield "Right now, wrong before", wording.counted(int(counted["gained"]), "row")
        lost = wording.counted(int(counted["lost"]), "row")
        yield "Wrong now, right before", f"{lost} (exact McNemar test: {figures.p_value(float(counted['p_value']))})"


def _outcomes(data: dict[str, Any]) -> Iterator[Row]:
    """Tell the parts of the cost, and the business figures that the objective names."""
    for one in data.get("outcomes") or ():
        name = str(one["outcome"]).replace("_", " ").capitalize()
        each, total = _money(one["cost"], data.get("unit")), _money(one["total"], data.get("unit"))
        yield f"{name}s", f"{wording.counted(int(one['n']), 'row')} at {each}: {total} of every 1,000 decisions"
    yield "One decision", f"one {data['per']}"
    for kpi in data.get("kpis") or ():
        figures = [("now", kpi.get("now")), ("to be", kpi.get("target")), ("by", kpi.get("by"))]
        told = [f"{word} {_figure(value)}" for word, value in figures if value is not None]
        yield f"Business figure: {kpi['name']}", ", ".join(told) or "without a figure"


def _figure(value: Any) -> str:
    return figures.plain(float(value), _PLAIN) if isinstance(value, (int, float)) else wording.spoken(str(value))


def _dummy(data: dict[str, Any]) -> Iterator[Row]:
    yield "1,000 decisions of this model", _money(data["model"], data.get("unit"))
    yield f"… of always saying “{data['always']}”", _money(data["baseline"], data.get("unit"))


def _threshold(data: dict[str, Any]) -> Iterator[Row]:
    yield "1,000 decisions at the cheapest threshold", _money(data["cost"], data.get("unit"))
    if data.get("at") is not None:
        yield "Threshold in force", figures.plain(float(data["at"]), _PLAIN)


TABLES: dict[str, tuple[str, Callable[[dict[str, Any]], Iterator[Row]], bool]] = {
    "accuracy_gain_over_previous": ("Against the version before", _gains, False),
    "mean_absolute_error_gain_over_previous": ("Against the version before", _gains, False),
    "expected_cost_per_1000": ("What the decisions cost", _outcomes, False),
    "cost_saving_over_dummy": ("Cost against the cheapest constant answer", _dummy, False),
    "cheapest_threshold": ("The cheapest threshold", _threshold, False),
}
