"""Does the model load where nothing else is loaded?"""

from __future__ import annotations

from nbdeploy.validate.checks.operations.probed import NEEDS_MODEL, probed
from nbdeploy.validate.checks.shown import Shown, measured
from nbdeploy.validate.context import Context


def clean_process(context: Context) -> Shown:
    """Record whether a new process loads the model and gets an answer."""
    report = probed(context)
    if report is None:
        context.not_available(NEEDS_MODEL, "loads_in_clean_process")
        return Shown(text=f"Not measured: {NEEDS_MODEL}.")
    error = report["error"]
    found = context.record(
        "loads_in_clean_process",
        0 if error else 1,
        method="one load and one prediction in a new process; seconds of its processor time",
        data={name: report.get(name) for name in ("seconds", "import_seconds", "first_call_seconds", "error")},
        note=error,
    )
    text = (
        error
        or f"Loading took {report['seconds']:.1f} s of processor time, "
        f"the first answer {report['first_call_seconds']:.2f} s more."
    )
    return Shown(table=measured([found]), text=text)
