"""The verb *validate*: evidence is made, told in a card, and recorded where there is a project."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbdeploy.documents.progress import Watcher, unwatched
from nbdeploy.errors import InterruptedRunError
from nbdeploy.flow.validation.asked import Asked
from nbdeploy.validate.notebooks.warm import kernel_parent
from nbdeploy.validate.subject.mlmodel import needs_mlflow

if TYPE_CHECKING:
    from nbdeploy.declare import NamedObjective
    from nbdeploy.flow.validation.validated import Validated


def validate(
    objective: str | Path | NamedObjective,
    *,
    model: Any = None,
    data: Any = None,
    train: Any = None,
    reference: Any = None,
    predictions: Any = None,
    out: Path | None = None,
    sections: Sequence[str] = (),
    jobs: int | None = None,
    seed: int = 0,
    draft: bool = False,
    extras: Sequence[str] = (),
    fresh: bool = False,
    environment: str = "auto",
    previous: str | None = None,
    strict: bool = False,
    sealed: Path | None = None,
    watch: Watcher = unwatched,
) -> Validated:
    """Run the validation notebooks and write evidence and a model card.

    Inside a project a run of a declared objective is recorded: numbered, signed by this workstation, logged in the
    ledger and in MLflow. A draft never is; neither is a run outside of a project.

    Parameters
    ----------
    objective
        The name of a declared objective, a YAML file, or one that was read.
    model
        ``models:/NAME/3``, ``runs:/ID/model``, the folder of an MLflow model, or a fitted scikit-learn estimator.
    data, train, reference, predictions
        A path (CSV, CSV.gz, Parquet, a folder or glob of Parquet) or a DataFrame. `predictions` stands for a model that
        lives elsewhere: it takes the place of `model` and `data`.
    out
        A folder for the files, beside the project's own; outside of a project ``NAME-validation`` unless given.
    sections
        Only these; gates of the others are then not evaluated.
    extras
        Costly extras of `EXTRAS` that else run only when a gate asks for them.
    environment
        Where the model runs: ``auto``, ``here`` or the path of an interpreter; see `environment_for`.
    previous
        The version of the registered model to compare with, or ``none``; unless given, the one that this would replace.
    fresh
        Run every notebook. Else, inside of a project, one that ran to its end before on the very same inputs gives what
        it gave then; the evidence tells when that was.
    strict
        Raise GateFailedError, after everything is stored, when a gate failed.
    sealed
        Write the signed validation into this file instead of the ledger, for a runner that cannot reach it. The ledger
        numbers the attempt when it is submitted.

    Raises
    ------
    ObjectiveError, DataError, ModelError, OptionError, FloorError, RegistryError
        No evidence could be made; the sentence says why. Nothing half written stays behind.
    InterruptedRunError
        Ctrl-C.
    """
    asked = Asked(
        objective=objective,
        model=model,
        data=data,
        train=train,
        reference=reference,
        predictions=predictions,
        out=out,
        sections=sections,
        jobs=jobs,
        seed=seed,
        draft=draft,
        extras=extras,
        environment=environment,
        previous=previous,
        fresh=fresh,
        strict=strict,
        sealed=sealed,
    )
    try:
        with kernel_parent(with_model=model is not None, with_mlflow=_needs_mlflow(model)) as parent:
            # The parent imports for seconds, and so does what carries a run out: one beside the other.
            from nbdeploy.flow.validation.carrying_out import carry_out

            return carry_out(asked, parent, watch)
    except KeyboardInterrupt:
        # Notebooks under way say more: this came before them, or before what they gave was recorded.
        raise InterruptedRunError("the run was interrupted; nothing of it is recorded") from None


def _needs_mlflow(model: Any) -> bool:
    """Whether loading the model will take MLflow, as far as can be told before it is resolved."""
    if not isinstance(model, (str, Path)):
        return False  # an estimator in memory is stored as a pickle
    return not Path(model).is_dir() or needs_mlflow(Path(model))
