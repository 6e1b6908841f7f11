"""Charts of counts: right and wrong decisions, scores, errors and times, the columns that moved most."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from nbdeploy.documents.finding import Finding
from nbdeploy.report.charts import text
from nbdeploy.report.charts.canvas import Axis, Canvas, frame, half, numbers, short

LEVELS = 11
"""Levels of a column that are drawn at most; the rarest are added up."""


def score_histogram(finding: Finding) -> Markup:
    """Draw how many rows of each truth got which probability: truly positive above the line, truly negative below."""
    histogram = finding.data["histogram"]
    edges, negative, positive = (numbers(histogram[key]) for key in ("edges", "negative", "positive"))
    top = max(*negative, *positive, 1)
    # Rows below the line are rows too: nothing is counted in negative numbers.
    plot = frame("Scores by truth", "Score", "Rows", (edges[0], edges[-1]), (-top, top), mirrored=True)
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
    left = 40 + min(max(text.width(name) for name in classes), 90)
    canvas = Canvas(left + side * len(classes), 52 + side * len(classes), "Confusion table")
    canvas.text((left + side * len(classes) / 2, 14), "The model says", "c-name", anchor="middle")
    canvas.vertical_text((13, 44 + side * len(classes) / 2), "The truth")
    for row, truth in enumerate(classes):
        total = sum(counts[row]) or 1
        canvas.text((left - 8, 44 + side * (row + 0.5) + 4), truth, "c-text", anchor="end", room=left - 30)
        canvas.text((left + side * (row + 0.5), 36), truth, "c-text", anchor="middle", room=side)
        for column, said in enumerate(classes):
            x, y, share = left + side * column, 44 + side * row, counts[row][column] / total
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
                    (x + side / 2, y + side / 2 + 20), f"{share:.0%}".replace("%", "\u00a0%"), "c-of", anchor="middle"
                )
    return canvas.svg()


def shapes(finding: Finding) -> Markup:
    """Draw the columns that moved most: outlined is the reference, filled is what was evaluated."""
    parts = []
    for column in finding.data["shapes"][:4]:
        if column.get("levels"):
            parts.append(_levels(column))
            continue
        evaluated, reference = numbers(column["evaluation"]), numbers(column["reference"])
        top = max(*evaluated, *reference, 1e-9)
        edges = numbers(column["edges"])
        plot = frame(
            f"Distribution of {column['column']}",
            str(column["column"]),
            "Share of rows",
            (0, len(evaluated)),
            (0, top),
            height=220,
            x_labels=_edges(edges),
        )
        for index, (now, then) in enumerate(zip(evaluated, reference, strict=True)):
            x, width = plot.x(index) + 1, plot.x(index + 1) - plot.x(index) - 2
            where = f"{short(edges[index])} to {short(edges[index + 1])}"
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


def _levels(column: dict[str, Any]) -> Markup:
    """Draw the shares of levels under each other, the commonest first: an axis has no room for their names."""
    names = [str(level) for level in column["levels"]]
    shares = list(zip(numbers(column["evaluation"]), numbers(column["reference"]), names, strict=True))
    ranked = sorted(shares, key=lambda one: -max(one[:2]))
    if len(ranked) > LEVELS:
        rest = ranked[LEVELS - 1 :]
        others = (sum(now for now, *_ in rest), sum(then for _, then, _ in rest), f"{len(rest)} others")
        ranked = [*ranked[: LEVELS - 1], others]
    left = max(min(max(text.width(name) for *_, name in ranked) + 6, 150), 44)
    bottom = 26 + 17 * len(ranked)
    canvas = Canvas(340, max(bottom + 44, 220), f"Distribution of {column['column']}")
    axis = Axis(0, max(*(share for one in ranked for share in one[:2]), 1e-9), left + 8, 328)
    canvas.text((4, 15), str(column["column"]), "c-name")
    for tick in axis.ticks(4):
        canvas.line((axis(tick), 24), (axis(tick), bottom), "c-grid")
        canvas.text((axis(tick), bottom + 16), short(tick), "c-tick", anchor="middle")
    canvas.text(((left + 340) / 2, bottom + 36), "Share of rows", "c-name", anchor="middle")
    for index, (now, then, name) in enumerate(ranked):
        y = 26 + 17 * index
        canvas.text((left, y + 11), name, "c-text", anchor="end", room=left)
        tip = f"{name}: now {now:.1%}, reference {then:.1%}"
        canvas.rect(axis(0), y + 1, axis(now) - axis(0), 13, "c-bar", tip=tip)
        canvas.rect(axis(0), y + 1, axis(then) - axis(0), 13, "c-outline")
    return canvas.svg()


def _edges(edges: list[float]) -> list[tuple[float, str]]:
    """Return labels for about five edges: bins hold equal shares of the reference, so edges are not evenly apart."""
    every = -(-(len(edges) - 1) // 5) or 1
    named = [(float(index), short(float(f"{edge:.4g}"))) for index, edge in enumerate(edges) if index % every == 0]
    apart = 274 * every / max(len(edges) - 1, 1)
    # Two long numbers side by side would run into each other: then every second one tells enough.
    return named if all(2 * half(said) < apart for _, said in named) else named[::2]
