"""What the words of a user stand for: an objective's name or file, a model's address, an estimator in memory."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from nbdeploy.declare import NamedObjective, read_objective
from nbdeploy.documents.evidence import ModelSubject
from nbdeploy.documents.progress import Progress, Watcher
from nbdeploy.errors import ModelError, ObjectiveError
from nbdeploy.flow.declaring import own_measures
from nbdeploy.flow.project import Project
from nbdeploy.registry import Registry
from nbdeploy.trust.digests import model_digest
from nbdeploy.trust.scan import scan_model
from nbdeploy.trust.scan.waivers import check_never
from nbdeploy.validate.order import Inputs
from nbdeploy.validate.subject.columns_read import IN_MEMORY, columns_read


def resolve_objective(given: str | Path | NamedObjective, project: Project | None) -> tuple[NamedObjective, bool]:
    """Return the objective, and whether it is the one declared in the project."""
    if isinstance(given, NamedObjective):
        named = given
    else:
        text = str(given)
        is_file = isinstance(given, Path) or text.endswith((".yaml", ".yml")) or os.sep in text
        if not is_file:
            if project is not None:
                return project.objective(text), True
            raise ObjectiveError(
                f"{text!r} names a declared objective, and there is no project here",
                next="make one with: nbdeploy init, or give the objective's YAML file",
            )
        try:
            source = Path(given).read_bytes()
        except OSError as error:
            raise ObjectiveError(f"the objective {text} cannot be read ({error.strerror})") from None
        named = read_objective(source, origin=Path(given).name, own=own_measures(project) if project else None)
    file = project.objective_file(named.content.name) if project is not None else None
    return named, file is not None and file.is_file() and file.read_bytes() == named.source


def resolve_model(  # noqa: PLR0917 - one call, above
    given: Any, named: NamedObjective, inputs: Inputs, project: Project | None, scratch: Path, watch: Watcher
) -> tuple[ModelSubject | None, Path | None]:
    """Return the model as the evidence names it, and the folder with its bytes."""
    if given is None:
        return None, None
    watch(Progress(stage="validate", part="model", state="running"))
    registry = project.registry if project is not None else None
    if not isinstance(given, (str, Path)):
        given = _stored(given, named, inputs, registry)
    elif (
        registry is None and str(given).startswith(("models:/", "runs:/")) and not os.environ.get("MLFLOW_TRACKING_URI")
    ):
        raise ModelError(
            f"{given} is an address in MLflow, and no server is named here", next="set MLFLOW_TRACKING_URI"
        )
    registry = registry or Registry(os.environ.get("MLFLOW_TRACKING_URI", ""), None)
    folder, facts = registry.resolve(given, scratch)
    # What reaches for the system is not loaded to see what it does: least of all where a key lies that signs.
    check_never(scan_model(folder).findings)
    watch(Progress(stage="validate", part="model", state="done"))
    return ModelSubject(digest=model_digest(folder), **facts), folder


def _stored(estimator: Any, named: NamedObjective, inputs: Inputs, registry: Registry | None) -> str:
    """Store an estimator that so far lives in memory only, and return its address."""
    if registry is None:
        raise ModelError("a model in memory is stored in a project's MLflow", next="make a project with: nbdeploy init")
    what = type(estimator).__name__
    if isinstance(estimator, type):
        raise ModelError(
            f"the model is the class {estimator.__name__}, not one that was fitted",
            next=f"give what {estimator.__name__}().fit(…) returns",
        )
    if not hasattr(estimator, "predict"):
        raise ModelError(
            f"the model is of the type {what!r}, which has no predict method",
            next="give a fitted estimator, an address or a folder",
        )
    frame = inputs.evaluated.head(50).to_pandas()
    names = getattr(estimator, "feature_names_in_", None)
    given = None if names is None else [str(name) for name in names]
    inputs.evaluated.require(given or (), "the model was trained on it")
    width = int(getattr(estimator, "n_features_in_", None) or 0)
    features = list(columns_read(list(frame.columns), named.content, given, width, IN_MEMORY))
    return registry.save_estimator(estimator, frame[features], named.content.governed_model)
