"""JUnit XML for CI: one test case a gate.

``fail`` is a failure. ``inconclusive`` and ``not_evaluated`` are skipped, with the verdict first in the message: a CI
page then shows them neither green nor red, which is what they are; exit code 3 of ``validate`` still stops the run.
"""

from __future__ import annotations

import re
from itertools import groupby

from markupsafe import Markup

from nbdeploy.documents.card import Card
from nbdeploy.documents.evidence import Evidence
from nbdeploy.documents.finding import Finding
from nbdeploy.documents.sections import SECTIONS
from nbdeploy.report import wording
from nbdeploy.report.inert import visible

_NOT_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(evidence: Evidence | Card) -> str:
    """Return the gates of some evidence, or of its card, as JUnit XML; both give the same."""
    judged = (finding for finding in evidence.findings if finding.verdict is not None)
    gated = sorted(judged, key=lambda finding: SECTIONS.index(finding.section))
    suites = Markup("").join(
        _suite(evidence, section, list(found)) for section, found in groupby(gated, lambda f: f.section)
    )
    return Markup('<?xml version="1.0" encoding="UTF-8"?>\n<testsuites {}>\n{}</testsuites>\n').format(
        _attributes(name=f"nbdeploy {evidence.objective.name}", **_counts(list(gated))), suites
    )


def _suite(evidence: Evidence | Card, section: str, findings: list[Finding]) -> Markup:
    cases = Markup("").join(_case(evidence, finding) for finding in findings)
    started = evidence.run.started.replace(tzinfo=None).isoformat(timespec="seconds")
    about = _attributes(name=section, timestamp=started, hostname=evidence.run.host, **_counts(findings))
    return Markup("<testsuite {}>\n{}</testsuite>\n").format(about, cases)


def _counts(findings: list[Finding]) -> dict[str, str]:
    failed = sum(finding.verdict == "fail" for finding in findings)
    skipped = sum(finding.verdict in ("inconclusive", "not_evaluated") for finding in findings)
    return {"tests": str(len(findings)), "failures": str(failed), "errors": "0", "skipped": str(skipped)}


def _case(evidence: Evidence | Card, finding: Finding) -> Markup:
    about = {"classname": f"{evidence.objective.name}.{finding.section}", "name": finding.id}
    if finding.seconds is not None:
        about["time"] = f"{finding.seconds:.3f}"
    opening = _attributes(**about)
    if finding.verdict == "pass":
        return Markup("<testcase {}/>\n").format(opening)
    message = _attributes(message=_message(finding))
    if finding.verdict == "fail":
        told = _text(f"{finding.reason} {finding.advice}".strip())
        return Markup("<testcase {}><failure {}>{}</failure></testcase>\n").format(opening, message, told)
    return Markup("<testcase {}><skipped {}/></testcase>\n").format(opening, message)


def _message(finding: Finding) -> str:
    """Return the verdict, what was measured, what was asked and what to do, as one line."""
    word = wording.VERDICTS[finding.verdict or "not_evaluated"].lower()
    measured = wording.value(finding)
    if wording.interval(finding):
        measured += f" ({wording.interval(finding)})"
    asked = f"must be {wording.condition(finding)}" if finding.gate else "gate unknown"
    told = " ".join(part for part in (finding.reason, finding.advice) if part)
    return f"{word}: {wording.name(finding)} is {measured}, {asked}. {told}".strip()


def _attributes(**values: str) -> Markup:
    return Markup(" ").join(Markup('{}="{}"').format(name, _text(value)) for name, value in values.items())


def _text(value: str) -> str:
    """Return text that XML can hold: control characters are written out, as on the card."""
    return _NOT_XML.sub("", visible(value)).replace("\u00a0", " ")
