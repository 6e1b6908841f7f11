"""What a change of version or of threshold is worth: gains over the version before, cost at every threshold."""

from __future__ import annotations

from markupsafe import Markup

from nbdeploy.documents.finding import Finding
from nbdeploy.report import figures, wording
from nbdeploy.report.charts.canvas import frame, numbers, short
from nbdeploy.report.charts.forest import Line, Plan, plot
from nbdeploy.report.charts.ranges import reach


def gains(finding: Finding) -> Markup:
    """Draw what every metric gained over the version before, with the line of no gain."""
    known = [one for one in finding.data["gains"] if one["gain"] is not None]
    lines = [
        Line(
            wording.label("performance", str(one["metric"])),
            float(one["gain"]),
            None if one["interval"] is None else (float(one["interval"][0]), float(one["interval"][1])),
            "is-none",
            f"{signed(float(one['gain']))}  {one['words']}",
        )
        for one in known
    ]
    ends = [value for line in lines for value in (line.value, *(line.interval or ()))]
    return plot(Plan("Gains over the version before", reach([0.0, *ends]), figures.Scale(), 0.0), lines)


def signed(value: float) -> str:
    """Write a gain with its sign."""
    return f"{'+' if value > 0 else ''}{figures.number(value)}"


def cost_curve(finding: Finding) -> Markup:
    """Draw what decisions cost at every threshold, those that may be the cheapest shaded."""
    data = finding.data
    curve, unit = data["curve"], str(data.get("unit") or "")
    threshold = numbers(curve["threshold"])
    paid = [numbers(curve[name]) for name in ("cost", "lower", "upper")]
    size, word = _round_number(max(abs(value) for side in paid for value in side))
    cost, lower, upper = ([value / size for value in side] for side in paid)
    low, high = min(lower), max(upper)
    if 0 < low < high / 2:
        low = 0.0  # where nought is not far, lengths should tell amounts
    axes = (threshold[0], threshold[-1]), (low, high)
    said = " ".join(part for part in (word, unit) if part)
    name = f"Cost of 1,000 decisions{f', {said}' if said else ''}"
    drawn = frame("Cost by threshold", "Threshold", name, *axes, height=320)
    if finding.interval is not None and None not in finding.interval:
        first, last = (float(end or 0) for end in finding.interval)
        drawn.canvas.rect(
            drawn.x(first),
            drawn.y(high),
            max(drawn.x(last) - drawn.x(first), 2),
            drawn.y(low) - drawn.y(high),
            "c-allowed",
        )
    drawn.band(list(zip(threshold, lower, strict=True)), list(zip(threshold, upper, strict=True)))
    drawn.curve(list(zip(threshold, cost, strict=True)), "c-line")
    at = data.get("at")
    if at is not None and threshold[0] <= float(at) <= threshold[-1]:
        drawn.canvas.line((drawn.x(float(at)), drawn.y(low)), (drawn.x(float(at)), drawn.y(high)), "c-overall")
        drawn.canvas.text((drawn.x(float(at)) + 4, drawn.y(high) + 12), "in force", "c-tick")
    if finding.value is not None:
        where = drawn.at(float(finding.value), float(data["cost"]) / size)
        drawn.canvas.circle(where, 5, "c-mark", f"cheapest: threshold {short(round(float(finding.value), 4))}")
    return drawn.canvas.svg()


def _round_number(most: float) -> tuple[float, str]:
    """Return what amounts are divided by, so that ticks stay short, and its name."""
    known = ((1e9, 1e9, "billion"), (1e6, 1e6, "million"), (1e5, 1e3, "thousand"))
    return next(((size, word) for least, size, word in known if most >= least), (1.0, ""))
