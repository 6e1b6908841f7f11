"""An MLflow model as a folder on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from nbdeploy.documents.evidence import Digest
from nbdeploy.errors import ModelError
from nbdeploy.trust.digests import bytes_digest, file_digest

if TYPE_CHECKING:
    from mlflow.models import Model

DESCRIPTION = "MLmodel"
_OF_ONE_COPY = ("artifact_path", "model_id", "model_uuid", "run_id", "utc_time_created")
ABSENT = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE", "NOT_FOUND")
"""MLflow's codes for “there is no such thing”."""


def local(path: str) -> Path:
    """Return the folder of an MLflow model.

    Raises
    ------
    ModelError
        It is not there, or is not the folder of an MLflow model.
    """
    folder = Path(unquote(urlsplit(path).path) if path.startswith("file:") else path).expanduser()
    if not folder.exists():
        raise ModelError(f"there is no model at {path}", next="give a folder, models:/NAME/VERSION or runs:/RUN/PATH")
    if not (folder / DESCRIPTION).is_file():
        raise ModelError(
            f"{path} is not the folder of an MLflow model: it holds no {DESCRIPTION} file",
            next="log the model with MLflow",
        )
    return folder.resolve()


def facts(folder: Path, *, uri: str) -> dict[str, Any]:
    """Return what the folder itself tells: the fields of `ModelSubject` except `digest`."""
    import yaml

    try:
        content = yaml.safe_load((folder / DESCRIPTION).read_text("utf-8"))
        flavors = [name for name in content["flavors"] if name != "python_function"]
    except (yaml.YAMLError, UnicodeDecodeError, TypeError, KeyError) as error:
        raise ModelError(
            f"the {DESCRIPTION} file of {uri} cannot be read ({type(error).__name__})", next="log the model again"
        ) from None
    return {
        "uri": uri,
        "name": None,
        "version": None,
        "flavor": flavors[0] if flavors else "python_function",
        "size_bytes": sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()),
        "run_id": content.get("run_id"),
        "logged_by": None,
        "commit": None,
        "description": {},
    }


def content_digest(folder: Path) -> Digest:
    """Return the digest of what a model is: its files, and its description without the names of this one copy."""
    import json

    import yaml

    content = yaml.safe_load((folder / DESCRIPTION).read_text("utf-8"))
    described = json.dumps({key: value for key, value in content.items() if key not in _OF_ONE_COPY}, sort_keys=True)
    files = sorted(file for file in folder.rglob("*") if file.is_file() and file != folder / DESCRIPTION)
    lines = [f"{file_digest(file)}  {file.relative_to(folder).as_posix()}" for file in files]
    return bytes_digest("\n".join([described, *lines]).encode())


def save(estimator: Any, sample_frame: Any, folder: Path, model: Model) -> None:
    """Write a fitted scikit-learn estimator as an MLflow model, with what it needs.

    Signature and requirements are given, not inferred: inference loads the model in another process and takes seconds.
    Modules that no package holds, such as a file beside the notebook, go into the pickle.
    The format is cloudpickle: skops loads no code, but every process that loads it first imports all of scikit-learn,
    which takes longer than everything else a worker does. Bytes are verified before they are loaded, either way.

    Raises
    ------
    ModelError
        It is not fitted, does not answer these rows, or holds what cannot be stored.
    """
    from mlflow import sklearn as flavour
    from mlflow.models import infer_signature

    from nbdeploy.registry import needed

    answers = _answers(estimator, sample_frame)
    with needed.carried(estimator) as modules:
        flavour.save_model(
            estimator,
            str(folder),
            mlflow_model=model,
            serialization_format="cloudpickle",
            signature=infer_signature(sample_frame, answers),
            pip_requirements=needed.requirements(modules),
        )


def _answers(estimator: Any, rows: Any) -> Any:
    from sklearn.exceptions import NotFittedError

    try:
        return estimator.predict(rows)
    except NotFittedError:
        raise ModelError(
            f"the model {type(estimator).__name__} is not fitted", next="fit it on the training data, then validate it"
        ) from None
    except Exception as error:  # noqa: BLE001 - anything may be inside a model's code; one boundary turns it into one sentence
        said = (str(error).strip() or "no message").splitlines()[0][:200].rstrip(". ")
        columns = ", ".join(map(str, rows.columns[:8])) + (" …" if len(rows.columns) > 8 else "")
        raise ModelError(
            f"the model {type(estimator).__name__} does not answer the first {len(rows)} rows of the data "
            f"({type(error).__name__}: {said})",
            next=f"see it with: .predict on those rows; its inputs are {columns}",
        ) from None
