"""Charts of lengths: importance, drift, histograms, the confusion table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from nbdeploy.documents.finding import Finding
from nbdeploy.report.charts.canvas import Axis, Canvas, frame, numbers, short

WIDTH, LEFT, RIGHT, STEP = 880, 230, 116, 24
MOST = 20


def _bars(
    title: str,
    rows: Sequence[tuple[str, float, str]],
    intervals: Sequence[tuple[float, float] | None] = (),
    *,
    marks: Sequence[tuple[float, str]] = (),
    toned: Sequence[bool] = (),
) -> Markup:
    """Draw horizontal bars, their values written beside them; `toned` rows stand out."""
    shown = list(rows[:MOST])
    if not shown:
        raise ValueError("nothing to draw")
    ends = [v for pair in intervals[:MOST] if pair for v in pair] + [mark for mark, _ in marks]
    values = [value for _, value, _ in shown]
    low, high = min(0.0, *values, *ends), max(*values, *ends, 1e-9)
    canvas = Canvas(WIDTH, STEP * len(shown) + (26 if marks else 10), title)
    axis = Axis(low, high, LEFT + 8, WIDTH - RIGHT)
    for index, (name, value, text) in enumerate(shown):
        y = 4 + STEP * index
        canvas.text((LEFT, y + 14), name, "c-text", anchor="end", limit=30)
        start, end = sorted((axis(0), axis(value)))
        tone = " stands-out" if index < len(toned) and toned[index] else ""
        canvas.rect(start, y + 3, end - start, STEP - 9, f"c-bar{tone}", tip=f"{name}: {text}")
        pair = intervals[index] if index < len(intervals) else None
        if pair:
            canvas.line((axis(pair[0]), y + 10), (axis(pair[1]), y + 10), "c-whisker on-bar")
        canvas.text((WIDTH - RIGHT + 14, y + 14), text, "c-number", limit=20)
    bottom = 4 + STEP * len(shown)
    canvas.line((axis(0), 2), (axis(0), bottom), "c-axis")
    for mark, said in marks:
        canvas.line((axis(mark), 2), (axis(mark), bottom), "c-bound")
        canvas.text((axis(mark), bottom + 15), said, "c-tick", anchor="middle")
    return canvas.svg()


def _pairs(values: Sequence[Any]) -> list[tuple[float, float] | None]:
    found: list[tuple[float, float] | None] = []
    for value in values:
        low_high = numbers(value) if value else None
        found.append((low_high[0], low_high[1]) if low_high else None)
    return found


def importance(finding: Finding) -> Markup:
    """Draw how much worse the model gets without each feature."""
    features = finding.data["features"]
    rows = [(str(f["feature"]), float(f["mean"]), f"{float(f['mean']):.3f}".replace("-", "−")) for f in features]
    both = [[f["low"], f["high"]] if f.get("low") is not None and f.get("high") is not None else None for f in features]
    return _bars("Importance of features", rows, _pairs(both))


def shap(finding: Finding) -> Markup:
    """Draw the mean absolute SHAP value of each feature."""
    features = finding.data["features"]
    return _bars(
        "Mean SHAP contribution",
        [(str(f["feature"]), float(f["mean_abs"]), f"{float(f['mean_abs']):.3g}") for f in features],
    )


def drift(finding: Finding) -> Markup:
    """Draw the shift of each column, with the usual 0.2 mark."""
    columns = [c for c in finding.data["columns"] if c.get("psi") is not None]
    rows = [
        (str(c["column"]), float(c["psi"]), f"{float(c['psi']):.3f}{' drifted' if c.get('drifted') else ''}")
        for c in columns
    ]
    return _bars(
        "Shift of each column",
        rows,
        marks=[(0.2, "0.2, usually called large")],
        toned=[bool(c.get("drifted")) for c in columns],
    )


def missing(finding: Finding) -> Markup:
    """Draw the share of empty cells of each column that has any."""
    columns = [c for c in finding.data["columns"] if c["missing"]]
    return _bars(
        "Missing values",
        [
            (
                str(c["column"]),
                int(c["missing"]) / int(c["n"]),
                f"{int(c['missing']) / int(c['n']):.1%}".replace("%", "\u00a0%"),
            )
            for c in columns
        ],
    )


def column_flips(finding: Finding) -> Markup:
    """Draw how many decisions change when one column alone is moved or missing."""
    columns = finding.data["columns"]
    key = "rate" if "rate" in columns[0] else "shift"
    ranked = sorted(columns, key=lambda c: -float(c[key]))
    texts = [
        f"{float(c[key]):.1%}".replace("%", "\u00a0%") if key == "rate" else short(round(float(c[key]), 4))
        for c in ranked
    ]
    return _bars(
        "Change by column",
        [(str(c["column"]), float(c[key]), t) for c, t in zip(ranked, texts, strict=True)],
        _pairs([c.get("interval") for c in ranked]),
    )


def score_histogram(finding: Finding) -> Markup:
    """Draw how many rows of each truth got which probability: truly positive above the line, truly negative below."""
    histogram = finding.data["histogram"]
    edges, negative, positive = (numbers(histogram[key]) for key in ("edges", "negative", "positive"))
    top = max(*negative, *positive, 1)
    plot = frame("Scores by truth", "Score", "Rows", (edges[0], edges[-1]), (-top, top))
    for index in range(len(negative)):
        x, width = plot.x(edges[index]), plot.x(edges[index + 1]) - plot.x(edges[index]) - 1
        span = f"{short(edges[index])} to {short(edges[index + 1])}"
        plot.canvas.rect(
            x,
            plot.y(positive[index]),
            width,
            plot.y(0) - plot.y(positive[index]),
            "c-bar",
            tip=f"{span}: {positive[index]:,.0f} truly positive",
        )
        plot.canvas.rect(
            x,
            plot.y(0),
            width,
            plot.y(-negative[index]) - plot.y(0),
            "c-bar other",
            tip=f"{span}: {negative[index]:,.0f} truly negative",
        )
    plot.canvas.text((plot.x(edges[0]) + 4, plot.y(top) + 12), "truly positive ↑", "c-tick")
    plot.canvas.text((plot.x(edges[-1]) - 4, plot.y(-top) - 5), "truly negative ↓", "c-tick", anchor="end")
    return plot.canvas.svg()


def histogram(finding: Finding) -> Markup:
    """Draw counts over equal or unequal bins: errors, or latencies."""
    recorded = finding.data["histogram"]
    edges, counts = numbers(recorded["edges"]), numbers(recorded["counts"])
    name = "Milliseconds" if finding.section == "operations" else "Prediction minus truth"
    unit = "Calls" if finding.section == "operations" else "Rows"
    plot = frame(f"{name}: histogram", name, unit, (edges[0], edges[-1]), (0, max(*counts, 1)), height=240)
    for index, count in enumerate(counts):
        x, width = plot.x(edges[index]), plot.x(edges[index + 1]) - plot.x(edges[index]) - 1
        plot.canvas.rect(
            x,
            plot.y(count),
            width,
            plot.y(0) - plot.y(count),
            "c-bar",
            tip=f"{short(edges[index])} to {short(edges[index + 1])}: {count:,.0f}",
        )
    return plot.canvas.svg()


def confusion(finding: Finding) -> Markup:
    """Draw truth against decision; the shade is the share of the row."""
    recorded = finding.data["confusion"]
    classes = [str(name) for name in recorded["classes"]][:12]
    counts = [numbers(row)[: len(classes)] for row in recorded["counts"][: len(classes)]]
    side = 92 if len(classes) < 4 else 300 / len(classes)
    canvas = Canvas(104 + side * len(classes), 52 + side * len(classes), "Confusion table")
    canvas.text((104 + side * len(classes) / 2, 14), "The model says", "c-name", anchor="middle")
    canvas.vertical_text((13, 44 + side * len(classes) / 2), "The truth")
    for row, truth in enumerate(classes):
        total = sum(counts[row]) or 1
        canvas.text((96, 44 + side * (row + 0.5) + 4), truth, "c-text", anchor="end", limit=10)
        canvas.text((104 + side * (row + 0.5), 36), truth, "c-text", anchor="middle", limit=10)
        for column, said in enumerate(classes):
            x, y, share = 104 + side * column, 44 + side * row, counts[row][column] / total
            kind = "c-cell right" if row == column else "c-cell wrong"
            canvas.rect(
                x + 1,
                y + 1,
                side - 2,
                side - 2,
                kind,
                tip=f"truth {truth}, model says {said}",
                opacity=0.12 + 0.5 * share,
            )
            canvas.text((x + side / 2, y + side / 2 + 2), f"{counts[row][column]:,.0f}", "c-count", anchor="middle")
            if side > 50:
                canvas.text(
                    (x + side / 2, y + side / 2 + 20), f"{share:.0%}".replace("%", "\u00a0%"), "c-tick", anchor="middle"
                )
    return canvas.svg()


def shapes(finding: Finding) -> Markup:
    """Draw the columns that moved most: outlined is the reference, filled is what was evaluated."""
    parts = []
    for column in finding.data["shapes"][:4]:
        evaluated, reference = numbers(column["evaluation"]), numbers(column["reference"])
        top = max(*evaluated, *reference, 1e-9)
        plot = frame(
            f"Distribution of {column['column']}",
            str(column["column"]),
            "Share of rows",
            (0, len(evaluated)),
            (0, top),
            height=220,
        )
        labels = [str(level) for level in column.get("levels") or []]
        edges = numbers(column["edges"]) if column.get("edges") else []
        for index, (now, then) in enumerate(zip(evaluated, reference, strict=True)):
            x, width = plot.x(index) + 1, plot.x(index + 1) - plot.x(index) - 2
            where = labels[index] if labels else f"{short(edges[index])} to {short(edges[index + 1])}"
            plot.canvas.rect(
                x,
                plot.y(now),
                width,
                plot.y(0) - plot.y(now),
                "c-bar",
                tip=f"{where}: now {now:.1%}, reference {then:.1%}",
            )
            plot.canvas.rect(x, plot.y(then), width, plot.y(0) - plot.y(then), "c-outline")
        parts.append(plot.canvas.svg())
    return Markup('<div class="many">{}</div>').format(Markup("").join(parts))
