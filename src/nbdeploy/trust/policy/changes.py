"""The ways in which one thing of a policy becomes looser or stricter."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["loosened", "tightened", "changed"]


@dataclass(frozen=True)
class Change:
    """One change; `where` is what it is about: ``person Vera``, ``production``, ``floor``."""

    kind: Kind
    where: str
    text: str


def graded(where: str, what: str, old: str, new: str, grades: Sequence[str]) -> Iterator[Change]:
    """Tell a word out of `grades`, which go from the mildest to the strictest."""
    if old != new:
        yield Change(
            "tightened" if grades.index(new) > grades.index(old) else "loosened", where, f"{what}: {new}, before {old}"
        )


def fewer_is_stricter(where: str, what: str, old: Any, new: Any) -> Iterator[Change]:
    """Tell a number or a day; None is no limit."""
    if old != new:
        stricter = old is None or (new is not None and new < old)
        said = [("no limit" if value is None else f"{value}") for value in (new, old)]
        yield Change("tightened" if stricter else "loosened", where, f"{what}: {said[0]}, before {said[1]}")


def fewer_of(
    where: str, what: str, old: Sequence[str], new: Sequence[str], *, empty: str = "nobody"
) -> Iterator[Change]:
    """Tell names of which fewer are stricter; with another word for `empty`, none named means anybody."""
    if set(old) == set(new):
        return
    anyone = empty != "nobody"
    fewer = (set(new) < set(old) and not (anyone and not new)) or (anyone and not old)
    more = (set(old) < set(new) and not (anyone and not old)) or (anyone and not new)
    kind: Kind = "tightened" if fewer else "loosened" if more else "changed"
    yield Change(kind, where, f"{', '.join(new) or empty} {what}, before {', '.join(old) or empty}")


def limit(where: str, what: str, old: Any, new: Any, stricter: Callable[[Any, Any], bool] | None) -> Iterator[Change]:
    """Tell a limit that may be missing; a pinned value (no `stricter`) that became another one is only a change."""
    if old == new:
        return
    kind: Kind
    if old is None or new is None:
        kind = "tightened" if old is None else "loosened"
    elif stricter is None:
        kind = "changed"
    else:
        kind = "tightened" if stricter(new, old) else "loosened"
    yield Change(kind, where, f"{what}: {'any' if new is None else new}, before {'any' if old is None else old}")


def patterns(
    where: str, before: Mapping[str, str], after: Mapping[str, str], grades: Sequence[str], default: str
) -> Iterator[Change]:
    """Tell a table by patterns of names, of which the first that fits decides."""
    for pattern in dict.fromkeys([*before, *after]):
        old, new = before.get(pattern, default), after.get(pattern, default)
        if (pattern in before) != (pattern in after) or old != new:
            kind: Kind = "tightened" if grades.index(new) > grades.index(old) else "loosened"
            yield Change("changed" if old == new else kind, where, f"{pattern}: {new}, before {old}")
    both = [pattern for pattern in before if pattern in after]
    if both != [pattern for pattern in after if pattern in before]:
        yield Change("changed", where, "stand in another order, and the first that fits decides")
