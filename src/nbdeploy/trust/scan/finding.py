"""What a scan tells."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal

Rule = Literal[
    "refused",
    "unknown",
    "computed",
    "trailing",
    "broken",
    "empty",
    "limit",
    "path",
    "closed",
    "unreadable",
    "code",
    "loader",
    "source",
    "vulnerable",
    "yaml",
]

REVIEWED: tuple[Rule, ...] = ("unknown", "code", "closed", "loader", "source", "vulnerable", "empty")
"""What a person may accept by name. Nothing else of these rules is ever needed by a model."""

_LONGEST = 200


def plain(text: str) -> str:
    """Return a foreign text in printable ASCII, and short: a longer one keeps its beginning and its digest."""
    escaped = text.encode("unicode_escape").decode("ascii")
    if len(escaped) <= _LONGEST:
        return escaped
    return (
        f"{escaped[: _LONGEST - 40]}...sha256:{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:24]}"
    )


@dataclass(frozen=True)
class ScanFinding:
    """One reason not to load a model without looking.

    Attributes
    ----------
    path
        The file, relative to the model's folder; ``!`` goes into an archive.
    rule
        ``refused`` a name that runs commands or code; ``unknown`` a name on no list; ``computed`` a name that is made
        while loading; ``trailing`` bytes behind a pickle's end; ``broken`` it cannot be followed to its end; ``empty``
        a pickle without any object; ``limit`` more than is looked through; ``path`` a member outside of its archive;
        ``closed`` a form that is not looked into; ``unreadable``; ``code``; ``loader`` another loader than one of
        MLflow's, or one whose files are not looked into; ``source`` a requirement from elsewhere, or of any version;
        ``vulnerable`` a package that an advisory warns of; ``yaml`` a tag that no MLmodel has.
    says
        In words, without a full stop.
    subject
        The name that is looked up or asked for, where it is about one.
    """

    path: str
    rule: Rule
    says: str
    subject: str = ""

    @property
    def unsafe(self) -> bool:
        """Whether it is refused outright; otherwise a person may waive it, naming it."""
        return self.rule not in REVIEWED

    @property
    def sentence(self) -> str:
        """The finding in one line, foreign names escaped."""
        return f"{plain(self.path)}: {f'{plain(self.subject)}: ' if self.subject else ''}{self.says}"
