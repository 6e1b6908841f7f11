"""Reading an objective: every mistake becomes one sentence that names the key and the nearest right one."""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from nbdeploy.declare import strict_yaml
from nbdeploy.declare.complaints import sentence
from nbdeploy.documents import catalog
from nbdeploy.documents.gate import Gate
from nbdeploy.documents.objective import Objective
from nbdeploy.documents.sections import SECTIONS
from nbdeploy.errors import ObjectiveError, closest
from nbdeploy.trust.digests import bytes_digest


@dataclass(frozen=True)
class NamedObjective:
    """An objective with the exact bytes that say so; `digest` is of those bytes."""

    content: Objective
    source: bytes

    @property
    def digest(self) -> str:
        """``sha256:…`` of `source`."""
        return bytes_digest(self.source)


def read_objective(
    source: bytes,
    *,
    name: str | None = None,
    origin: str = "the objective",
    own: Mapping[str, Sequence[str]] | None = None,
) -> NamedObjective:
    """Read the YAML text of an objective.

    Parameters
    ----------
    source
        UTF-8 YAML.
    name
        The name given beside the text, as in ``%%objective NAME``. It is written into the text when it is not there.
    origin
        How messages call the text: a file's name, or ``the cell``.
    own
        Measures of the project's own notebooks, by section, that gates may name beside the known ones.

    Raises
    ------
    ObjectiveError
        With one sentence: an unknown key or measure (the closest is named), a wrong value, a contradiction.
    """
    content = strict_yaml.load(source, origin)
    if name is not None and "name" not in content:
        source, content = _with_name(name, source, content, origin)
    if name is not None and content["name"] != name:
        raise ObjectiveError(f"{origin} is named {content['name']!r} inside and {name!r} outside", next="use one name")
    try:
        objective = Objective.model_validate(content)
    except ValidationError as error:
        raise ObjectiveError(f"{origin}: {sentence(error)}", next="mend it and declare again") from None
    _check_measures(objective, own or {}, origin)
    return NamedObjective(objective, source)


def _with_name(name: str, source: bytes, content: dict[str, Any], origin: str) -> tuple[bytes, dict[str, Any]]:
    """Return the text with a name in it: what is kept must say by itself what was declared."""
    named = {"name": name, **content}
    written = f"name: {name}\n".encode() + source.removeprefix(codecs.BOM_UTF8)
    try:
        holds = strict_yaml.load(written, origin) == named
    except ObjectiveError:  # a mapping in braces, or a document that begins with ---
        holds = False
    if not holds:
        raise ObjectiveError(
            f"{origin}: the name {name!r} cannot be written above it", next=f"write `name: {name}` in it"
        )
    return written, named


def _check_measures(objective: Objective, own: Mapping[str, Sequence[str]], origin: str) -> None:
    for section, name, gate in objective.each_gate():
        known = catalog.measure(section, name)
        label = f"{origin}: gates.{section}.{name}"
        if known is None:
            if name in own.get(section, ()):
                continue
            elsewhere = [other for other in SECTIONS if other != section and catalog.measure(other, name)]
            names = (*catalog.names(section, objective), *own.get(section, ()))
            if elsewhere:
                raise ObjectiveError(
                    f"{label} is no measure of this section; it belongs to {elsewhere[0]}",
                    next=f"write it under {elsewhere[0]}",
                )
            raise ObjectiveError(
                f"{label} is not a known measure{_nearest(name, names)}",
                next=f"see them with: nbdeploy declare --measures {section}",
            )
        if objective.task not in known.tasks:
            raise ObjectiveError(f"{label} is for {' or '.join(known.tasks)} tasks, and this task is {objective.task}")
        if section == "fairness" and not objective.sensitive:
            raise ObjectiveError(
                f"{label} compares groups, and no sensitive features are declared", next="add sensitive: [FEATURE]"
            )
        _check_group(objective, gate, label)
        if name == "forbidden_in_top" and not (gate.features and gate.n):
            raise ObjectiveError(f"{label} needs features and n, such as {{features: [sex], n: 3}}")
    for name in objective.rollout.guardrails:
        if name not in catalog.GUARDRAILS:
            raise ObjectiveError(
                f"{origin}: rollout.guardrails.{name} is not known{closest(name, catalog.GUARDRAILS)} "
                f"(known: {', '.join(catalog.GUARDRAILS)})"
            )
    _check_outcomes(objective, origin)


def _nearest(name: str, names: Sequence[str]) -> str:
    """Return a hint: what ``rmse`` are the first letters of, else what is written alike."""
    initials = {"".join(word[:1] for word in one.split("_")): one for one in reversed(names)}
    return closest(initials.get(name.casefold(), name), names)


def _check_group(objective: Objective, gate: Gate, label: str) -> None:
    for feature in gate.group or ():
        if feature not in objective.sensitive:
            raise ObjectiveError(
                f"{label}.group names {feature!r}, which is not a sensitive feature"
                f"{closest(feature, objective.sensitive)}",
                next=f"use one of: {', '.join(objective.sensitive) or 'none are declared'}",
            )


def _check_outcomes(objective: Objective, origin: str) -> None:
    if objective.task == "regression":
        for key in ("positive", "threshold"):
            if getattr(objective, key) is not None:
                raise ObjectiveError(f"{origin}: {key} belongs to classification, and this task is regression")
    for key in ("positive", "favourable", "target"):
        if isinstance(getattr(objective, key), str) and re.search(r"[\x00-\x1f]", getattr(objective, key)):
            raise ObjectiveError(f"{origin}: {key} holds a control character")
