"""How numbers are written: with a unit, apart from the bound that they miss, never as the zero that they are not."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from nbdeploy.documents.catalog import measure
from nbdeploy.documents.record import Interval

NONE = "—"
"""Shown where a quantity is undefined or was not measured."""


@dataclass(frozen=True)
class Scale:
    """How a measure is written: as a percentage, as a plain number, with a unit, or as yes and no."""

    percent: bool = False
    truth: bool = False
    unit: str = ""
    whole: bool = False
    limits: tuple[float, float] = (-math.inf, math.inf)


def scale(section: str, metric: str) -> Scale:
    """Return how the values of a measure are written."""
    known = measure(section, metric)
    if known is None:
        return Scale()
    if known.kind == "rate":
        return Scale(percent=True, limits=(0, 1))
    if metric == "loads_in_clean_process":
        return Scale(truth=True)
    if known.kind == "quantity":
        whole = not known.unit or (known.unit.isalpha() and known.unit not in ("ms", "MB"))
        return Scale(unit=known.unit, whole=whole, limits=(0, math.inf))
    if known.kind == "disparity":
        return Scale(limits=(0, 1) if metric.endswith("_ratio") else (0, math.inf))
    return Scale()


def number(value: float | None, how: Scale = Scale(), *, apart_from: tuple[float, ...] = ()) -> str:
    """Write one number.

    Decimals are added until the text differs from the text of every bound in `apart_from`: 0.7996 must not read as the
    0.80 that it misses.
    """
    if value is None:
        return NONE
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if how.truth and value in (0, 1):
        return "yes" if value else "no"
    if how.unit == "MB" and 0 < abs(value) < 0.1:
        return number(value * 1000, replace(how, unit="kB"), apart_from=tuple(bound * 1000 for bound in apart_from))
    factor = 100 if how.percent else 1
    shown = value * factor
    # Nought itself is written 0: 0.000 would leave open what follows.
    decimals = _decimals(shown, how) if shown else 0
    others = [bound * factor for bound in apart_from if bound != value and shown]
    while decimals < 8 and any(round(shown, decimals) == round(other, decimals) for other in others):
        decimals += 1
    text = f"{shown:,.{decimals}f}" if decimals >= 0 else f"{round(shown, decimals):,.0f}"
    if not shown.is_integer() and float(text.replace(",", "")) == 0:
        text = _tiny(shown)
    text = text.replace("-", "−")
    if how.percent:
        return f"{text}\u00a0%"
    return f"{text}\u00a0{_one(text, how.unit)}" if how.unit else text


def _one(text: str, unit: str) -> str:
    """Return the unit of a number: 1 is of one ``feature``, 0 of ``features``."""
    return unit.removesuffix("s") if text == "1" and unit.isalpha() and unit != "ms" else unit


def _tiny(shown: float) -> str:
    """Write a number next to nothing as ``9 × 10⁻¹⁶``: it must not read as zero."""
    if abs(shown) >= 1e-4:
        return f"{shown:.1g}"
    digit, exponent = f"{shown:.0e}".split("e")
    return f"{digit}\u00a0×\u00a010{str(int(exponent)).translate(str.maketrans('-0123456789', '⁻⁰¹²³⁴⁵⁶⁷⁸⁹'))}"


def _decimals(shown: float, how: Scale) -> int:
    if how.whole and float(shown).is_integer():
        return 0
    if how.unit and abs(shown) >= 10:
        return 2 - math.floor(math.log10(abs(shown)))  # three digits: a second measurement gives no more
    if how.percent:
        return 1
    if abs(shown) >= 1000:
        return 0
    if abs(shown) >= 100:
        return 1
    return 2 if abs(shown) >= 10 or how.unit else 3


def plain(value: float, how: Scale) -> str:
    """Write a declared bound without trailing zeros: ``80 %``, ``0.1``, ``50 ms``."""
    if how.truth and value in (0, 1):
        return "yes" if value else "no"
    shown = value * 100 if how.percent else value
    text = f"{round(shown, 9):,.9f}".rstrip("0").rstrip(".").replace("-", "−")
    if how.percent:
        return f"{text}\u00a0%"
    return f"{text}\u00a0{_one(text, how.unit)}" if how.unit else text


def span(interval: Interval | None, how: Scale, apart_from: tuple[float, ...] = ()) -> str:
    """Return an interval in words: ``64.0 to 77.6 %``; one-sided where a limit does not exist."""
    if interval is None or interval == (None, None):
        return ""
    low, high = interval
    if low is None or low == -math.inf:
        return f"at most {number(high, how, apart_from=apart_from)}"
    if high in (None, math.inf) and low == how.limits[0]:
        return "any value is possible"
    if high is None or high == math.inf:
        return f"at least {number(low, how, apart_from=apart_from)}"
    first, last = (number(end, how, apart_from=apart_from) for end in (low, high))
    return f"{bare(first, last)} to {last}"


def bare(text: str, other: str) -> str:
    """Return a number without the unit that the number after it has too; ``2 × 10⁻⁵`` has no unit to lose."""
    unit = other.rpartition("\u00a0")[2] if "\u00a0" in other else ""
    if not unit or unit.startswith("10"):
        return text
    alone, _, ours = text.rpartition("\u00a0")
    return alone if ours.removesuffix("s") == unit.removesuffix("s") else text


def p_value(p: float) -> str:
    """Write how likely chance alone gives as much, unbroken: ``p = 0.238``; below 0.001 no digit tells more."""
    return "p\u00a0<\u00a00.001" if p < 0.001 else f"p\u00a0=\u00a0{p:.3f}"
