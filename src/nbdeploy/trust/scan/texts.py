"""Reading a YAML text that somebody else wrote: looked through event by event first, so that nothing can explode."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from nbdeploy.trust.scan.finding import ScanFinding

MOST_NODES = 100_000
"""Of a YAML text once its aliases are written out. A text of 300 bytes can hold millions."""
MOST_BYTES = 10 * 1024**2


def read_yaml(path: Path, name: str) -> tuple[Any, tuple[ScanFinding, ...]]:
    """Return what a text holds and why it must not be given to a YAML loader; None with a reason."""
    found = tuple(_findings(path, name))
    if found:
        return None, found
    try:
        return yaml.safe_load(path.read_bytes()), ()
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        # Events are in order and values are not: a date of month 13, or a list as a key.
        return None, (ScanFinding(name, "broken", f"it is no YAML ({type(error).__name__})"),)


def _findings(path: Path, name: str) -> Iterator[ScanFinding]:
    if path.stat().st_size > MOST_BYTES:
        yield ScanFinding(name, "limit", f"it has more than {MOST_BYTES:,} bytes")
        return
    sizes: dict[str | None, int] = {}
    open_: list[tuple[str | None, int]] = []
    nodes = 0
    try:
        for event in yaml.parse(path.read_bytes(), Loader=yaml.SafeLoader):
            tag = getattr(event, "tag", None)
            if tag is not None and (not tag.startswith("tag:yaml.org,2002:") or "python" in tag):
                yield ScanFinding(name, "yaml", "a tag asks for more than plain values", tag)
                return
            nodes += sizes.get(event.anchor, 0) if isinstance(event, yaml.AliasEvent) else _one(event)
            if isinstance(event, yaml.CollectionStartEvent):
                open_.append((event.anchor, nodes - 1))
            elif isinstance(event, yaml.CollectionEndEvent):
                anchor, before = open_.pop()
                sizes[anchor] = nodes - before
            if nodes > MOST_NODES:
                yield ScanFinding(name, "limit", f"its aliases stand for more than {MOST_NODES:,} entries")
                return
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        yield ScanFinding(name, "broken", f"it is no YAML ({type(error).__name__})")


def _one(event: yaml.Event) -> int:
    return isinstance(event, (yaml.ScalarEvent, yaml.CollectionStartEvent))
