"""The terms that a card uses, each in one line for a reader who knows no statistics."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.resources import files

from nbdeploy.documents.card import CardSection
from nbdeploy.documents.evidence import Evidence
from nbdeploy.report import wording
from nbdeploy.report.sections.facts import facts

LEAD = "What the terms on this card mean, without statistics. Each measure is also explained where it first stands."


def glossary(evidence: Evidence, sections: Sequence[CardSection]) -> CardSection | None:
    """Return a section with the terms that the other sections use; none where they use none."""
    text = "\n".join(_words(evidence, sections))
    used = [(name, says) for name, pattern, says in _terms() if pattern.search(text)]
    return CardSection(id="glossary", title="Terms", lead=LEAD, blocks=(facts(*used),)) if used else None


@cache
def _terms() -> tuple[tuple[str, re.Pattern[str], str], ...]:
    table = tomllib.loads((files("nbdeploy.report.sections") / "glossary.toml").read_text("utf-8"))
    return tuple((one["name"], re.compile(one["used"], re.IGNORECASE), one["says"]) for one in table["term"])


def _words(evidence: Evidence, sections: Sequence[CardSection]) -> Iterator[str]:
    """Yield the card's texts, and the measures and methods of its findings; names given by strangers are left out."""
    for section in sections:
        yield section.lead
        for block in section.blocks:
            yield from (block.title, block.text)
            for _, value in block.rows:
                yield value
    for finding in evidence.findings:
        yield wording.label(finding.section, finding.metric)
        yield wording.explanation(finding.section, finding.metric)
        yield finding.method or ""
