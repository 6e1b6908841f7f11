"""What a scan tells."""

from __future__ import annotations

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
    "yaml",
]

REVIEWED: tuple[Rule, ...] = ("unknown", "code", "closed", "loader", "source", "empty")
"""What a person may accept by name. Nothing else of these rules is ever needed by a model."""


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
        MLflow's; ``source`` a requirement from elsewhere, or of any version; ``yaml`` a tag that no MLmodel has.
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
        """The finding in one line."""
        return f"{self.path}: {f'{self.subject}: ' if self.subject else ''}{self.says}"
