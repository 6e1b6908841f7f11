"""A card's values as CSV after RFC 4180: one line a finding, then one for each of its groups.

A spreadsheet runs a cell that begins with one of ``= + - @``, a tab or a carriage return as a formula. Such text gets
an apostrophe in front (OWASP ASVS 5.0, 1.2.10); numbers stay numbers.
"""

from __future__ import annotations

import csv
import io

from nbdeploy.documents.card import Card
from nbdeploy.documents.finding import Finding
from nbdeploy.documents.measurement import GroupValue
from nbdeploy.documents.record import group_label
from nbdeploy.report import reasons, wording
from nbdeploy.report.exports.values import group_told, number
from nbdeploy.report.inert import visible

COLUMNS = (
    "finding", "section", "measure", "part", "group", "value", "interval_low", "interval_high", "level", "method",
    "rows", "denominator", "compared", "verdict", "must_be", "reason",
)  # fmt: skip
LONGEST = 32_000
"""Characters in a cell; spreadsheets hold 32,767."""
_DANGEROUS = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r", "\n", "\0")


def spreadsheet(card: Card) -> str:
    """Return every value of a card as CSV, lines ended by CR LF."""
    made = io.StringIO(newline="")
    writer = csv.writer(made, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for finding in card.findings:
        writer.writerow(_whole(finding))
        whole = wording.of_all_rows(finding)
        if whole is not finding:  # a gate judged the groups one by one, and the line above is of the deciding one
            writer.writerow(_whole(whole.model_copy(update={"data": {}, "verdict": None, "gate": None, "reason": ""})))
        writer.writerows(_group(finding, row) for row in finding.by_group)
    return made.getvalue()


def cell(text: str) -> str:
    """Return foreign text that no spreadsheet takes for a formula, hidden characters written out."""
    # Spaces in front do not help: some programs drop them before they look.
    dangerous = text.startswith(("\t", "\r", "\n", "\0")) or text.lstrip().startswith(_DANGEROUS)
    shown = visible(text, LONGEST)
    return f"'{shown}" if dangerous else shown


def _named(finding: Finding) -> tuple[str, ...]:
    return tuple(
        cell(text)
        for text in (
            finding.id,
            finding.section,
            wording.label(finding.section, finding.metric),
            wording.subject(finding),
        )
    )


def _whole(finding: Finding) -> tuple[str, ...]:
    low, high = finding.interval or (None, None)
    return (
        *_named(finding),
        cell(group_told(finding)),
        number(finding.value),
        number(low),
        number(high),
        number(finding.level),
        cell(finding.method or ""),
        number(finding.n),
        number(finding.denominator),
        "",
        finding.verdict or "",
        cell(wording.condition(finding)),
        cell(reasons.reason(finding)),
    )


def _group(finding: Finding, row: GroupValue) -> tuple[str, ...]:
    low, high = row.interval or (None, None)
    return (
        *_named(finding),
        cell(group_label(row.group)),
        number(row.value),
        number(low),
        number(high),
        number(finding.level) if row.interval else "",
        cell(finding.method or "") if row.interval else "",
        number(row.n),
        number(row.denominator),
        "no: too few rows" if row.excluded else "yes",
        "",
        "",
        "" if row.value is not None else "undefined in this group",
    )
