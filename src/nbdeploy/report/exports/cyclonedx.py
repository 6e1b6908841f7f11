"""A card as a CycloneDX 1.6 bill of materials with a ``modelCard`` (https://cyclonedx.org/docs/1.6/json/).

Written by hand: the document is small, and a library would decide the order of its keys and its dates. What CycloneDX
has no field for stands in ``properties`` under ``nbdeploy:``.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from nbdeploy.documents.card import Card
from nbdeploy.documents.evidence import DataSubject, Digest
from nbdeploy.documents.finding import Finding
from nbdeploy.documents.record import Interval, group_label
from nbdeploy.report import reasons, wording
from nbdeploy.report.exports.values import group_told, number
from nbdeploy.report.inert import visible
from nbdeploy.report.sections.history import attempt

_TASKS = {
    "binary": "binary classification",
    "multiclass": "multiclass classification",
    "regression": "regression",
}


_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
_PINNED = re.compile(rf"({_NAME.pattern})==([A-Za-z0-9.!+_-]+)")
"""Names as PEP 508 has them, and one version; purls are made of nothing else."""


def cyclonedx(card: Card) -> str:
    """Return a card as CycloneDX 1.6 JSON. The serial number follows from the evidence, the date is the card's."""
    libraries = list(_libraries(card))
    bom = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, f'urn:nbdeploy:evidence:{card.evidence}')}",
        "version": 1,
        "metadata": {
            "timestamp": card.created.isoformat(),
            "tools": {"components": [{"type": "application", "name": "nbdeploy", "version": card.run.nbdeploy}]},
        },
        "components": [_model(card), *_data(card), *libraries],
        "dependencies": [{"ref": "model", "dependsOn": [one["bom-ref"] for one in libraries]}],
    }
    return json.dumps(bom, ensure_ascii=False, indent=2) + "\n"


def _model(card: Card) -> dict[str, Any]:
    model = card.subject.model
    component: dict[str, Any] = {
        "type": "machine-learning-model",
        "bom-ref": "model",
        "name": visible((model.name if model else None) or card.objective.content.governed_model),
        "description": visible(card.sections[0].lead),
    }
    if model is not None:
        component["version"] = visible(model.version or "")
        component["hashes"] = [_hash(model.digest)]
    if not component.get("version"):
        component.pop("version", None)
    component["externalReferences"] = [
        {"type": "evidence", "url": "evidence.json", "hashes": [_hash(card.evidence)]},
        {"type": "other", "url": "objective.yaml", "hashes": [_hash(card.objective.digest)]},
    ]
    component["modelCard"] = {
        "modelParameters": _parameters(card),
        "quantitativeAnalysis": {"performanceMetrics": list(_metrics(card))},
        "considerations": _considerations(card),
        "properties": list(_properties(card)),
    }
    return component


def _hash(digest: Digest) -> dict[str, str]:
    return {"alg": "SHA-256", "content": digest.removeprefix("sha256:")}


def _property(name: str, value: str) -> dict[str, str]:
    return {"name": f"nbdeploy:{visible(name)}", "value": visible(value)}


def _parameters(card: Card) -> dict[str, Any]:
    objective = card.objective.content
    parameters: dict[str, Any] = {
        "task": _TASKS[objective.task],
        "datasets": [{"ref": f"data-{place}"} for place, _ in enumerate(card.subject.data, 1)],
    }
    model = card.subject.model
    if model is None:
        return parameters
    for side, columns in (("inputs", model.inputs), ("outputs", model.outputs)):
        if columns:
            parameters[side] = [{"format": visible(f"{name}: {kind}")} for name, kind in columns.items()]
    algorithm = model.description.get("algorithm")
    if isinstance(algorithm, str):
        parameters["modelArchitecture"] = visible(algorithm)
    return parameters


def _libraries(card: Card) -> Iterator[dict[str, Any]]:
    """Yield the packages that the model asks for; with a version where one is pinned, else with what is asked."""
    model = card.subject.model
    for place, asked in enumerate(model.requirements if model else (), 1):
        told = {"type": "library", "bom-ref": f"library-{place}"}
        pinned = _PINNED.fullmatch(asked)
        if pinned:
            name, version = pinned.groups()
            address = f"pkg:pypi/{re.sub(r'[-_.]+', '-', name).lower()}@{quote(version, safe='')}"
            yield told | {"name": name, "version": version, "purl": address}
        else:
            named = _NAME.match(asked)
            yield told | {"name": visible(named[0] if named else asked), "properties": [_property("asked", asked)]}


def _data(card: Card) -> Iterator[dict[str, Any]]:
    """Yield the datasets, to which the model's parameters refer."""
    sensitive = card.objective.content.sensitive
    for place, data in enumerate(card.subject.data, 1):
        yield {
            "type": "data",
            "bom-ref": f"data-{place}",
            "name": visible(data.name),
            "hashes": [_hash(data.digest)],
            "data": [_dataset(data, sensitive)],
        }


def _dataset(data: DataSubject, sensitive: tuple[str, ...]) -> dict[str, Any]:
    described: dict[str, Any] = {
        "type": "dataset",
        "name": visible(data.name),
        "description": f"{data.role} data, {wording.counted(data.rows, 'row')}",
        "contents": {
            "properties": [
                _property("role", data.role),
                _property("rows", str(data.rows)),
                _property("digest", data.digest),
            ]
        },
    }
    held = [visible(feature) for feature in sensitive if feature in data.columns]
    return described | ({"sensitiveData": held} if held else {})


def _metrics(card: Card) -> Iterator[dict[str, Any]]:
    """Yield every value; CycloneDX takes numbers as text and has no field for what is undefined."""
    for finding in card.findings:
        # Where a gate judged the groups one by one, the finding's own value is that of a group, which is yielded below.
        whole = wording.of_all_rows(finding)
        if whole.value is not None:
            yield _metric(finding, finding.slice or "", whole.value, whole.interval)
        for row in finding.by_group:
            if row.value is not None:
                yield _metric(finding, group_label(row.group), row.value, row.interval)


def _metric(finding: Finding, part: str, value: float, interval: Interval | None) -> dict[str, Any]:
    told: dict[str, Any] = {"type": visible(finding.id), "value": number(value)}
    if part:
        told["slice"] = visible(part)
    if interval is not None:
        told["confidenceInterval"] = {"lowerBound": number(interval[0]), "upperBound": number(interval[1])}
    return told


def _considerations(card: Card) -> dict[str, Any]:
    goal = card.objective.content.goal
    sections = {section.id: section for section in card.sections}
    limits = [f"Not for: {use}" for use in goal.out_of_scope]
    limits += [block.text for block in sections["caveats"].blocks if block.text] if "caveats" in sections else []
    ethics = [row for block in sections["ethics"].blocks for row in block.rows] if "ethics" in sections else []
    told = {
        "users": [visible(user) for user in goal.users],
        "useCases": [visible(use) for use in (goal.intended_use, goal.ai, goal.business) if use],
        "technicalLimitations": [visible(limit) for limit in limits],
        "ethicalConsiderations": [{"name": visible(f"{name}: {text}")} for name, text in ethics],
        "fairnessAssessments": [_fairness(finding) for finding in card.findings if _assessed(finding)],
    }
    return {name: entries for name, entries in told.items() if entries}


def _assessed(finding: Finding) -> bool:
    return finding.section == "fairness" and (finding.pair is not None or finding.verdict is not None)


def _fairness(finding: Finding) -> dict[str, str]:
    """Return a disparity: between whom, how large, what was asked, what to do."""
    if finding.pair is not None:
        groups = f"{group_label(finding.pair.first)} against {group_label(finding.pair.second)}"
    else:
        groups = group_told(finding) or wording.subject(finding) or "not told apart"
    told = {"groupAtRisk": visible(groups), "harms": visible(f"{wording.name(finding)}: {_outcome(finding)}")}
    advice = reasons.advice(finding)
    return told | ({"mitigationStrategy": visible(advice)} if advice else {})


def _outcome(finding: Finding) -> str:
    measured = wording.value(finding) if finding.value is not None else "undefined"
    interval = wording.interval(finding)
    told = f"{measured} ({interval})" if interval else measured
    if finding.verdict is None:
        return f"{told}; no gate was declared"
    return f"{told}, must be {wording.condition(finding)}: {wording.VERDICTS[finding.verdict].lower()}"


def _properties(card: Card) -> Iterator[dict[str, str]]:
    yield _property("verdict", card.verdict.overall)
    for finding in card.findings:
        if finding.verdict is not None:
            yield _property(f"gate:{finding.id}", _outcome(finding))
    for finding in card.findings:
        if finding.value is None:
            yield _property(f"undefined:{finding.id}", reasons.reason(finding) or "no reason was recorded")
    yield _property("objective", f"{card.objective.name} {card.objective.digest}")
    yield _property("evidence", card.evidence)
    yield _property("run", f"{card.run.id}, {attempt(card.run)}")
    if card.subject.model is not None:
        yield _property("digest-of-model", "SHA-256 of the manifest of the model's folder; how to check: card.html")
    for name, version in sorted(card.subject.environment.items()):
        yield _property(f"environment:{name}", version)
