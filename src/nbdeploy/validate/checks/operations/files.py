"""What would the model's files do when they are loaded? Found by reading them; nothing is loaded for it."""

from __future__ import annotations

from collections import Counter

from nbdeploy.trust.scan import ScanFinding, scan_model
from nbdeploy.validate.checks.operations.probed import NEEDS_MODEL
from nbdeploy.validate.checks.shown import Shown, Table, measured
from nbdeploy.validate.context import Context

_MOST = 40
"""Findings that are told one by one."""


def file_scan(context: Context) -> Shown:
    """Record how many files reach for what no model needs, and how many names a person must look at."""
    if context.model_folder is None:
        context.not_available(NEEDS_MODEL, "unsafe_files", "unknown_globals")
        return Shown(text=f"Not measured: {NEEDS_MODEL}.")
    scan = scan_model(context.model_folder)
    ordered = sorted(scan.findings, key=lambda one: (not one.unsafe, one.rule, one.path, one.subject))
    findings = [_told(one) for one in ordered]
    rules = Counter(one.rule for one in scan.findings)
    found = [
        context.record(
            "unsafe_files",
            len(scan.unsafe_files),
            n=scan.files,
            method="every file by its bytes; opcodes of pickles followed, names held to a list; nothing loaded",
            data={"findings": findings[:_MOST], "total": len(findings), "files": scan.files, "rules": dict(rules)},
        ),
        context.record(
            "unknown_globals",
            len(scan.unknown_names),
            n=scan.files,
            method="names in pickles that are not on the list of what clean models need",
            data={"names": list(scan.unknown_names[:_MOST])},
        ),
    ]
    if not findings:
        return Shown(table=measured(found), text=f"{scan.files} files, and none of them does more than hold a model.")
    heads = ("Verdict", "File", "What it does")
    rows = tuple((one["weight"], one["path"], one["says"]) for one in findings[:_MOST])
    more = len(findings) - len(rows)
    return Shown(table=Table(heads, rows), text=f"{more} more findings." if more else "")


def _told(one: ScanFinding) -> dict[str, str]:
    says = f"{one.subject}: {one.says}" if one.subject else one.says
    return {"path": one.path, "rule": one.rule, "says": says, "weight": "unsafe" if one.unsafe else "to look at"}
