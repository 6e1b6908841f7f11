"""How answers are spread over classes, as rows of text."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from nbdeploy.report import figures, wording

Row = tuple[str, str]
_RATE = figures.Scale(percent=True)


def _classes(data: dict[str, Any]) -> Iterator[Row]:
    for one in data["classes"]:
        parts = [f"{wording.label('performance', name)} {_told(one[name])}" for name in ("recall", "precision")]
        yield f"{one['class']} ({wording.counted(int(one['n']), 'row')})", ", ".join(parts)


def _against_the_rest(data: dict[str, Any]) -> Iterator[Row]:
    for one in data["classes"]:
        parts = [
            f"{wording.label('performance', name)} {_number(one[name])}" for name in ("roc_auc", "average_precision")
        ]
        yield f"{one['class']} ({wording.counted(int(one['n']), 'row')})", ", ".join(parts)


def _number(one: dict[str, Any]) -> str:
    if one["value"] is None:
        return "undefined"
    span = figures.span(tuple(one["interval"]), figures.Scale()) if one.get("interval") else ""
    return f"{figures.number(float(one['value']))}{f' ({span})' if span else ''}"


def _told(one: dict[str, Any]) -> str:
    if one["value"] is None:
        return "undefined (0/0)"
    span = figures.span(tuple(one["interval"]), _RATE) if one.get("interval") else ""
    return f"{figures.number(float(one['value']), _RATE)}{f' ({span})' if span else ''}"


TABLES: dict[str, tuple[str, Callable[[dict[str, Any]], Iterator[Row]], bool]] = {
    "f1_macro": ("Class by class, the least found first", _classes, False),
    "roc_auc_ovr": ("Each class against the rest, the worst ranked first", _against_the_rest, False),
}
