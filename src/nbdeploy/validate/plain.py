"""The plain papermill route: a validation notebook by itself, without a run. Advisory, never evidence."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import yaml
from pydantic import ValidationError

from nbdeploy.documents.measurement import Measurement
from nbdeploy.documents.objective import Objective
from nbdeploy.documents.sections import Section
from nbdeploy.errors import GateFailedError, NotebookError, ObjectiveError
from nbdeploy.validate.data.inputs import read_dataset
from nbdeploy.validate.order import Inputs
from nbdeploy.validate.prepare import prepare
from nbdeploy.validate.verdict.findings import find
from nbdeploy.validate.verdict.tallies import Tallies
from nbdeploy.validate.workspace import Workspace


def plain_workspace(
    folder: Path,
    *,
    objective: str | None,
    model: str | None,
    data: str | None,
    predictions: str | None,
    train: str | None,
    reference: str | None,
    seed: int,
) -> Workspace:
    """Make a workspace from the parameters of one notebook.

    Raises
    ------
    NotebookError
        No objective was given.
    """
    if not objective:
        raise NotebookError(
            "the notebook has neither a workspace nor an objective",
            next="papermill NOTEBOOK OUT -p objective FILE.yaml -p predictions FILE.csv, or nbdeploy validate",
        )
    inputs = Inputs(
        evaluation=read_dataset(data, "evaluation") if data else None,
        predictions=read_dataset(predictions, "predictions") if predictions else None,
        train=read_dataset(train, "train") if train else None,
        reference=read_dataset(reference, "reference") if reference else None,
    )
    return prepare(folder, _objective(Path(objective)), inputs, model_folder=Path(model) if model else None, seed=seed)


def _objective(file: Path) -> Objective:
    try:
        return Objective.model_validate(yaml.safe_load(file.read_text("utf-8")))
    except OSError as error:
        raise ObjectiveError(f"{file} cannot be read ({error.strerror})") from None
    except (yaml.YAMLError, UnicodeDecodeError):
        raise ObjectiveError(f"{file} is not YAML", next=f"see: nbdeploy declare {file} --check") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ObjectiveError(f"{file}: {where}: {first['msg']}", next=f"see: nbdeploy declare {file} --check") from None


def conclude(
    section: Section, objective: Objective, recorded: Sequence[Measurement], tallies: Tallies, seed: int
) -> None:
    """Print how the gates of one section stand; raise at a failed one.

    Raises
    ------
    GateFailedError
        Names the failed gates.
    """
    found = find(objective, {section: recorded}, tallies, sections=(section,), seed=seed)
    findings = [finding for finding in found if finding.gate]
    if not findings:
        print(f"No gate is declared for {section}.")
        return
    width = max(len(finding.id) for finding in findings)
    for finding in findings:
        print(f"{finding.id:{width}}  {finding.verdict:13}  {finding.reason}")
    failed = [finding for finding in findings if finding.verdict == "fail"]
    if failed:
        ids = [finding.id for finding in failed]
        raise GateFailedError(f"{', '.join(ids)} failed", next=failed[0].advice, gates=ids)
