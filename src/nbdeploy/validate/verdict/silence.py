"""Why a section or a measure has no evidence, in words for its findings."""

from __future__ import annotations

from collections.abc import Sequence

from nbdeploy.documents import catalog
from nbdeploy.documents.objective import Objective
from nbdeploy.documents.sections import SECTIONS, Section
from nbdeploy.validate.notebooks.execute import Executed
from nbdeploy.validate.notebooks.notebook import NEED_MODEL
from nbdeploy.validate.verdict.asked import asked
from nbdeploy.validate.verdict.findings import Silent

NEEDS_MODEL = Silent("needs the model; only its predictions were given", "validate with --model and --data")

CHANGED = Silent(
    "the shared predictions, data or model were changed while the notebooks ran, so nothing measured on them counts",
    "find the notebook that writes into its workspace, and run again",
)


def silences(
    objective: Objective,
    sections: Sequence[Section],
    executed: Sequence[Executed],
    *,
    has_model: bool,
    changed: bool,
) -> dict[str, Silent]:
    """Return, by section or by a measure's id, what was not evaluated and why.

    Parameters
    ----------
    sections
        Those that were asked for.
    changed
        Whether shared tables had another digest after the notebooks than before.
    """
    again = f"nbdeploy validate {objective.name}"
    found: dict[str, Silent] = {}
    for section in SECTIONS:
        broken = [each.run for each in executed if each.run.section == section and each.run.status == "failed"]
        main = next((run for run in broken if run.name == f"{section}.ipynb"), None)
        if section not in sections:
            found[section] = Silent(
                "the section was not run", f"{again} without --section, or with --section {section}"
            )
        elif section in NEED_MODEL and not has_model:
            found[section] = NEEDS_MODEL
        elif changed:
            found[section] = CHANGED
        elif main is not None:
            found[section] = Silent(
                f"{main.name} gave no evidence: {main.reason}", f"open notebooks/{main.name}, mend it, then: {again}"
            )
        elif broken:
            found |= _of_broken(objective, section, executed, broken[0].name, broken[0].reason)
    return found


def _of_broken(
    objective: Objective, section: Section, executed: Sequence[Executed], name: str, reason: str
) -> dict[str, Silent]:
    """Blame a broken notebook of the project for measures that only such a notebook could have recorded."""
    recorded = {measurement.id for each in executed for measurement in each.measurements}
    why = Silent(f"{name} gave no evidence: {reason}", f"mend {name} in the validation folder")
    return {
        one.id: why
        for one in asked(objective)
        if one.section == section and one.id not in recorded and catalog.measure(section, one.metric) is None
    }
