"""Charts with two axes: how a model ranks, how honest its probabilities are, how it answers to change."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from markupsafe import Markup

from nbdeploy.documents.finding import Finding
from nbdeploy.report.charts.canvas import Frame, Point, frame, numbers, short
from nbdeploy.report.charts.labels import label_lines

Data = dict[str, Any]

_SMALL = 260  # pixels of height where there is a chart for each class


def _points(x: object, y: object) -> list[Point]:
    return list(zip(numbers(x), numbers(y), strict=True))


def _known(x: object, y: object) -> list[Point]:
    """Pair two lists, leaving out points where one is undefined."""
    if not isinstance(x, list) or not isinstance(y, list):
        raise TypeError("a curve is two lists")
    pairs = [(a, b) for a, b in zip(x, y, strict=True) if a is not None and b is not None]
    return _points([a for a, _ in pairs], [b for _, b in pairs])


def _marked(plot: Frame, at: Point, text: str) -> None:
    x, y = plot.at(*at)
    plot.canvas.circle((x, y), 5, "c-mark", text)
    right = x > plot.x.end - 120
    plot.canvas.text((x - 9 if right else x + 9, y + 16), text, "c-text", anchor="end" if right else "start")


def roc(finding: Finding) -> Markup:
    """Draw the ROC curve with the operating point."""
    curve, at = finding.data["curve"], finding.data.get("at")
    plot = frame("ROC curve", "False alarms (false positive rate)", "Found (true positive rate)")
    plot.curve([(0, 0), (1, 1)], "c-guess")
    points = _points(curve["false_positive_rate"], curve["true_positive_rate"])
    plot.band([(0, 0), (1, 1)], points, "c-area")
    plot.curve(points, "c-line")
    if at and at.get("false_positive_rate") is not None and at.get("true_positive_rate") is not None:
        where = (float(at["false_positive_rate"]), float(at["true_positive_rate"]))
        _marked(plot, where, f"threshold {short(float(at['threshold']))}")
    return plot.canvas.svg()


def precision_recall(finding: Finding) -> Markup:
    """Draw precision against recall, with the share of positives as what guessing gives."""
    curve, base = finding.data["curve"], finding.data.get("base_rate")
    plot = frame("Precision and recall", "Found (recall)", "Right when it says positive (precision)")
    if base is not None:
        plot.curve([(0, float(base)), (1, float(base))], "c-guess")
        plot.canvas.text((plot.x(0) + 4, plot.y(float(base)) + 15), "guessing", "c-tick")
    plot.curve(_known(curve["recall"], curve["precision"]), "c-line")
    return plot.canvas.svg()


def roc_by_class(finding: Finding) -> Markup:
    """Draw the ROC curve of each class against the rest, under each other where there are many."""
    drawn = []
    for one in finding.data["classes"]:
        if one.get("curve"):
            plot = frame(f"ROC curve of {one['class']}", f"{one['class']}: false alarms", "Found", height=_SMALL)
            plot.curve([(0, 0), (1, 1)], "c-guess")
            points = _points(one["curve"]["false_positive_rate"], one["curve"]["true_positive_rate"])
            plot.band([(0, 0), (1, 1)], points, "c-area")
            plot.curve(points, "c-line")
            drawn.append(plot.canvas.svg())
    return _many(drawn)


def reliability(finding: Finding) -> Markup:
    """Draw what happened against what was promised, by bins of the probability, with intervals."""
    plot = frame("Reliability", "Probability given", "Share that happened")
    return _reliability(plot, finding.data["bins"])


def reliability_by_class(finding: Finding) -> Markup:
    """Draw the reliability of the likeliest class, for each class the rows where it is that."""
    drawn = []
    for one in finding.data["by_class"]:
        axis = f"Probability of {one['class']}"
        drawn.append(
            _reliability(frame(f"Reliability of {one['class']}", axis, "Share right", height=_SMALL), one["bins"])
        )
    return _many(drawn)


def _many(drawn: list[Markup]) -> Markup:
    return Markup('<div class="many">{}</div>').format(Markup("").join(drawn)) if drawn else Markup("")


def _reliability(plot: Frame, found: list[Data]) -> Markup:
    plot.curve([(0, 0), (1, 1)], "c-guess")
    bins = [b for b in found if b.get("rate") is not None and b.get("mean_score") is not None]
    most = max((int(b["n"]) for b in bins), default=1)
    for one in bins:
        x, y = plot.at(float(one["mean_score"]), float(one["rate"]))
        if one.get("interval"):
            low, high = numbers(one["interval"])
            plot.canvas.line((x, plot.y(low)), (x, plot.y(high)), "c-whisker is-none")
        said = f"{int(one['n']):,} rows: promised {float(one['mean_score']):.1%}, happened {float(one['rate']):.1%}"
        plot.canvas.circle((x, y), 3 + 4 * (int(one["n"]) / most) ** 0.5, "c-dot is-none", said)
    return plot.canvas.svg()


def thresholds(finding: Finding) -> Markup:
    """Draw what another threshold would give."""
    curve, at = finding.data["curve"], finding.data.get("at")
    plot = frame("Choice of threshold", "Threshold", "Share", height=320)
    for low, high in (finding.data.get("bands") or {}).values():
        lower, upper = _known(curve["threshold"], low), _known(curve["threshold"], high)
        if lower:
            plot.band(lower, upper)
    lines = {key: sorted(_known(curve["threshold"], curve[key])) for key in ("precision", "recall", "selection_rate")}
    for points, cls in zip(lines.values(), ("c-line", "c-line two", "c-line three"), strict=True):
        plot.curve(points, cls)
    taken = []
    if at is not None:
        plot.canvas.line((plot.x(float(at)), plot.y(0)), (plot.x(float(at)), plot.y(1)), "c-overall")
        plot.canvas.text((plot.x(float(at)) + 4, plot.y(1) + 10), "in force", "c-tick")
        taken.append((plot.x(float(at)) + 26, plot.y(1) + 6))
    named = zip(("precision", "recall", "called positive"), ("one", "two", "three"), lines.values(), strict=True)
    label_lines(plot, [(name, f"c-tick {cls}", points) for name, cls, points in named], taken)
    return plot.canvas.svg()


def strengths(finding: Finding) -> Markup:
    """Draw how answers change as inputs are moved further."""
    steps = finding.data["strengths"]
    key = "rate" if "rate" in steps[0] else "shift"
    points = _points([s["strength"] for s in steps], [s[key] for s in steps])
    highs = [float(s["interval"][1]) for s in steps if s.get("interval")]
    top = max([*(y for _, y in points), *highs]) or 0.1
    share = "Share of decisions that change" if key == "rate" else "Mean change of the prediction"
    plot = frame(
        "Answers under noise",
        "Size of the change, in spreads of the input",
        share,
        (0, max(x for x, _ in points)),
        (0, top),
        percent=key == "rate",
    )
    banded = [s for s in steps if s.get("interval")]
    plot.band(
        _points([s["strength"] for s in banded], [s["interval"][0] for s in banded]),
        _points([s["strength"] for s in banded], [s["interval"][1] for s in banded]),
    )
    plot.curve(points, "c-line")
    for step, (x, y) in zip(steps, points, strict=True):
        plot.canvas.circle(
            plot.at(x, y),
            3.5,
            "c-dot is-none",
            f"{short(float(step['strength']))}: {y:.1%}" if key == "rate" else short(y),
        )
    return plot.canvas.svg()


def mean_predicted(finding: Finding) -> Markup:
    """Draw the mean truth against the mean prediction, by tenths of the prediction."""
    bins = finding.data["bins"]
    points = _points([b["mean_predicted"] for b in bins], [b["mean_truth"] for b in bins])
    ends = [v for b in bins if b.get("interval") for v in numbers(b["interval"])]
    low, high = min([*(v for p in points for v in p), *ends]), max([*(v for p in points for v in p), *ends])
    plot = frame("Prediction and truth", "Mean prediction", "Mean truth", (low, high), (low, high))
    plot.curve([(low, low), (high, high)], "c-guess")
    for one, (x, y) in zip(bins, points, strict=True):
        if one.get("interval"):
            lower, upper = numbers(one["interval"])
            plot.canvas.line(plot.at(x, lower), plot.at(x, upper), "c-whisker is-none")
        plot.canvas.circle(plot.at(x, y), 4.5, "c-dot is-none", f"{int(one['n']):,} rows")
    return plot.canvas.svg()


def distances(finding: Finding) -> Markup:
    """Draw how far evaluated and training rows lie from other training rows, and the limit of the familiar."""
    recorded = finding.data["histogram"]
    edges, limit = numbers(recorded["edges"]), float(recorded["limit"])
    middles = [(low + high) / 2 for low, high in pairwise(edges)]
    here, usual = _points(middles, recorded["evaluation"]), _points(middles, recorded["training"])
    top = max(y for _, y in (*here, *usual))
    plot = frame("Distance to training rows", "Distance", "Share of rows", (edges[0], edges[-1]), (0, top), height=240)
    plot.curve(usual, "c-faint")
    plot.curve(here, "c-line strong")
    plot.canvas.line(plot.at(limit, 0), plot.at(limit, top), "c-bound")
    return plot.canvas.svg()


def residuals(finding: Finding) -> Markup:
    """Draw the errors along the prediction: their median, their middle half and their middle nine tenths."""
    parts = finding.data["residuals"]
    along = [part["mean_predicted"] for part in parts]
    sides = {name: [part[name] for part in parts] for name in ("q05", "q25", "q50", "q75", "q95")}
    every = [value for side in sides.values() for value in numbers(side)]
    reach = (min([0.0, *every]), max([0.0, *every]))
    plot = frame("Errors along the prediction", "Prediction", "Prediction − truth", (along[0], along[-1]), reach)
    plot.curve([(along[0], 0), (along[-1], 0)], "c-guess")
    for low, high in (("q05", "q95"), ("q25", "q75")):
        plot.band(_points(along, sides[low]), _points(along, sides[high]))
    plot.curve(_points(along, sides["q50"]), "c-line")
    for part, point in zip(parts, _points(along, sides["q50"]), strict=True):
        plot.canvas.circle(plot.at(*point), 3.5, "c-dot is-none", f"{int(part['n']):,} rows")
    return plot.canvas.svg()
