"""What a registry shows of a model, and should show: aliases, and our tags of its versions."""

from __future__ import annotations

from collections.abc import Mapping

from nbdeploy.documents.record import Record

Mark = tuple[str, str]
"""One thing that is shown: ("", alias), or (version, tag)."""


class Display(Record):
    """Aliases (alias → version) and, for every version that exists, our tags by their short names."""

    aliases: Mapping[str, str] = {}
    tags: Mapping[str, Mapping[str, str]] = {}

    def marks(self) -> dict[Mark, str]:
        """Return everything that is shown, one by one."""
        shown = {("", alias): version for alias, version in self.aliases.items()}
        for version, tags in self.tags.items():
            shown |= {(version, key): value for key, value in tags.items()}
        return shown
