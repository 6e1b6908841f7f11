"""By which gates a signed waiver lets findings through, and what no waiver ever lets through."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from urllib.parse import quote

from nbdeploy.errors import FormatError, NbdeployError, PathError, ScanError, SizeError
from nbdeploy.trust.scan.finding import ScanFinding, plain

PREFIX = "scan:"
MOST = 100
"""Gates that a person could still look at one by one."""

_CODE = ("cloudpickle.cloudpickle.", "cloudpickle.cloudpickle_fast.")
_ALSO = ("builtins.type", "__builtin__.type")  # the second in the older protocol that torch.save writes
_REFUSALS: dict[str, type[NbdeployError]] = {"limit": SizeError, "path": PathError, "yaml": FormatError}
_TEXTS = ("MLmodel", ".yaml", ".yml")


def gates(findings: Iterable[ScanFinding]) -> Mapping[str, tuple[ScanFinding, ...]]:
    """Return gate → findings, for everything that a signed waiver may let through.

    A gate is ``scan:RULE:WHAT``; letters that a shell or a ``GATE=REASON`` would trip over are percent-encoded. What
    cloudpickle looks up in order to build a function or class from code is one gate that names all of it, for nobody
    could accept a part. An approval is of exact bytes, so one name is one gate, in whichever of the files it stands.
    """
    waivable = [one for one in findings if not one.unsafe]
    built = [one for one in waivable if _builds(one)]
    carried = any(one.subject.startswith(_CODE) for one in built)
    found: dict[str, list[ScanFinding]] = {}
    for one in waivable:
        if carried and one in built:
            continue
        found.setdefault(_gate(one), []).append(one)
    if carried:
        names = sorted({one.subject.rpartition(".")[2] for one in built})
        found[f"{PREFIX}carried:{quote(','.join(names), safe=',')}"] = built
    return {gate: tuple(found[gate]) for gate in sorted(found)}


def _builds(one: ScanFinding) -> bool:
    return one.rule == "unknown" and (one.subject.startswith(_CODE) or one.subject in _ALSO)


def _gate(one: ScanFinding) -> str:
    named = one.rule in ("unknown", "loader", "source", "vulnerable")
    what = one.subject if named else f"{one.path}:{one.subject}".rstrip(":")
    return f"{PREFIX}{one.rule}:{quote(plain(what), safe='/:.,+_-~@')}"


def check_never(findings: Iterable[ScanFinding]) -> None:
    """Refuse a model with a finding that no waiver lets through, or with more of the others than anybody reads.

    Raises
    ------
    ScanError, SizeError, PathError, FormatError
        By the rule of the first such finding, which the sentence tells with the names it is about.
    """
    findings = tuple(findings)
    unsafe = sorted((one for one in findings if one.unsafe), key=lambda one: (one.rule, one.path, one.subject))
    if unsafe:
        first = unsafe[0]
        more = f"; and {len(unsafe) - 1} more like it" if len(unsafe) > 1 else ""
        raise _refusal(first)(f"{first.sentence}{more}", next="log the model again without it, and validate that")
    found = gates(findings)
    if len(found) > MOST:
        raise SizeError(f"the model's files do {len(found)} things that somebody would have to sign for one by one")


def _refusal(one: ScanFinding) -> type[NbdeployError]:
    if one.rule == "broken" and one.path.endswith(_TEXTS):
        return FormatError
    return _REFUSALS.get(one.rule, ScanError)


def told(gate: str, findings: Iterable[ScanFinding]) -> str:
    """Return a gate with the files that it is about and what they do."""
    findings = tuple(findings)
    files = ", ".join(dict.fromkeys(plain(one.path) for one in findings))
    carried = gate.startswith(f"{PREFIX}carried:")
    says = ["it builds functions or classes from code that it carries"] if carried else [one.says for one in findings]
    return f"{gate} ({files}: {'; '.join(dict.fromkeys(says))})"
