"""Charts of counts: right and wrong decisions, scores, errors and times, the columns that moved most."""

from __future__ import annotations

from markupsafe import Markup

from nbdeploy.documents.finding import Finding
from nbdeploy.report.charts import text
from nbdeploy.report.charts.canvas import Canvas, frame, half, levels, numbers, short


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
                    (x + side / 2, y + side / 2 + 20), f"{share:.0%}".replace("%", "\u00a0%"), "c-tick", anchor="middle"
                )
    return canvas.svg()


def shapes(finding: Finding) -> Markup:
    """Draw the columns that moved most: outlined is the reference, filled is what was evaluated."""
    parts = []
    for column in finding.data["shapes"][:4]:
        evaluated, reference = numbers(column["evaluation"]), numbers(column["reference"])
        top = max(*evaluated, *reference, 1e-9)
        labels = [str(level) for level in column.get("levels") or []]
        edges = numbers(column["edges"]) if column.get("edges") else []
        plot = frame(
            f"Distribution of {column['column']}",
            str(column["column"]),
            "Share of rows",
            (0, len(evaluated)),
            (0, top),
            height=220,
            x_labels=levels(labels, 0.5) if labels else _edges(edges),
        )
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


def _edges(edges: list[float]) -> list[tuple[float, str]]:
    """Return labels for about five edges: bins hold equal shares of the reference, so edges are not evenly apart."""
    every = -(-(len(edges) - 1) // 5) or 1
    named = [(float(index), short(float(f"{edge:.4g}"))) for index, edge in enumerate(edges) if index % every == 0]
    apart = 274 * every / max(len(edges) - 1, 1)
    # Two long numbers side by side would run into each other: then every second one tells enough.
    return named if all(2 * half(said) < apart for _, said in named) else named[::2]
