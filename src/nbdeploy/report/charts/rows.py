"""Single rows explained: what spoke for and against each answer, by LIME and by SHAP."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from nbdeploy.documents.finding import Finding
from nbdeploy.report.charts.canvas import Axis, Canvas, numbers

MOST = 6
WIDTH, LEFT, STEP = 400, 150, 32


def value(text: object) -> str:
    """Return a recorded value for reading: numbers to four digits or whole, anything else as it is."""
    try:
        number = float(str(text))
    except ValueError:
        return str(text)
    return (f"{number:,.0f}" if 1e4 <= abs(number) < 1e12 else f"{number:.4g}").replace("-", "−")


def headed(number: int, one: dict[str, Any]) -> str:
    """Return what a row is told as: why it is shown, where that was recorded, and its answer."""
    why = f", {one['why']}" if one.get("why") else ""
    return f"Row {number}{why}: the answer is {one['answer']}"


def examples(finding: Finding) -> Markup:
    """Draw each recorded row: two bars a feature, LIME's above SHAP's, each method to its own longest bar."""
    parts = [_row(number, one) for number, one in enumerate(finding.data["examples"][:MOST], 1)]
    return Markup('<div class="many">{}</div>').format(Markup("").join(parts))


def _row(number: int, one: dict[str, Any]) -> Markup:
    lime, shap = _weights(one["lime"]), _weights(one["shap"])
    features = list(dict.fromkeys([*lime, *shap]))[:8]
    canvas = Canvas(WIDTH, 34 + STEP * len(features), f"Row {number} explained")
    canvas.text((4, 16), headed(number, one), "c-name", room=WIDTH - 8)
    axis = Axis(-1, 1, LEFT + 8, WIDTH - 8)
    for index, feature in enumerate(features):
        y = 28 + STEP * index
        named = f"{feature} = {value(one['row'][feature])}" if feature in one["row"] else feature
        canvas.text((LEFT, y + 15), named, "c-text", anchor="end", room=LEFT - 4)
        for weights, top, tone, method in ((lime, y + 2, "c-bar", "LIME"), (shap, y + 12, "c-bar other", "SHAP")):
            if feature in weights:
                most = max(abs(weight) for weight in weights.values()) or 1
                start, end = sorted((axis(0), axis(weights[feature] / most)))
                canvas.rect(start, top, end - start, 8, tone, tip=f"{method}, {feature}: {weights[feature]:.3g}")
    canvas.line((axis(0), 26), (axis(0), 28 + STEP * len(features)), "c-axis")
    return canvas.svg()


def _weights(pairs: list[list[Any]]) -> dict[str, float]:
    """Return weights by feature, the heaviest first."""
    sizes = numbers([weight for _, weight in pairs])
    return dict(sorted(zip((str(name) for name, _ in pairs), sizes, strict=True), key=lambda pair: -abs(pair[1])))
