"""The one border to MLflow: its chatter stays out, its errors come in as ours, and it may not make anybody wait."""

from __future__ import annotations

import logging
import os
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from nbdeploy.errors import AccountError, AliasError, NbdeployError, RegistryError
from nbdeploy.registry.introduction import introduced

_SETTINGS = {
    # The defaults (7 retries with a factor of 2, 120 s) make an unreachable server look like a hang of minutes.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_PRINT_MODEL_URLS_ON_CREATION": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",  # a server's runs end with two lines that are not ours
}
_LOGGERS = ("mlflow", "alembic", "urllib3.connectionpool", "git")
_depth = 0
_saved: dict[str, str | None] = {}
_levels: dict[str, int] = {}
_lock = threading.Lock()


@contextmanager
def border(act: str, tracking_uri: str, secret: str | None = None) -> Iterator[None]:
    """Run MLflow calls quietly and convert what they raise.

    The settings hold only inside: a notebook's own use of MLflow keeps its warnings and time-outs.

    Parameters
    ----------
    act
        What is being done, as the error will say it: ``"register churn"``.
    secret
        The controller's, for a server that nbdeploy guards.

    Raises
    ------
    RegistryError
        The server cannot be reached or refused.
    AccountError
        It does not know the caller, or their account may not do this.
    AliasError
        Its guard says no.
    """
    _enter()
    try:
        with warnings.catch_warnings(), introduced(secret):
            warnings.simplefilter("ignore")  # MLflow's hints are for its direct users
            yield
    except NbdeployError:
        raise
    except Exception as error:
        if not _foreign(error):
            raise
        raise _told(error, act, tracking_uri) from error
    finally:
        _leave()


def shown(tracking_uri: str) -> str:
    """Return the address without a password."""
    parts = urlsplit(tracking_uri)
    if parts.password is None:
        return tracking_uri
    return parts._replace(
        netloc=f"{parts.username}:…@{parts.hostname}" + (f":{parts.port}" if parts.port else "")
    ).geturl()


def probe(tracking_uri: str) -> None:
    """Ask an HTTP server whether it is there, so that an absent one costs seconds and one sentence.

    Raises
    ------
    RegistryError
        No answer.
    """
    if not tracking_uri.startswith(("http://", "https://")):
        return
    import httpx

    try:
        httpx.get(tracking_uri.rstrip("/") + "/health", timeout=5, follow_redirects=True)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise RegistryError(
            f"no MLflow server answers at {shown(tracking_uri)} ({_first_line(error)})",
            next="start it, or change [mlflow] tracking_uri in nbdeploy.toml",
        ) from None


def _told(error: Exception, act: str, tracking_uri: str) -> NbdeployError:
    """Return a foreign error as ours: who is not known, who may not, what the guard refused, and all else."""
    from mlflow.exceptions import MlflowException

    where = f"MLflow at {shown(tracking_uri)}"
    code = error.error_code if isinstance(error, MlflowException) else ""
    if code == "UNAUTHENTICATED":
        account = os.environ.get("MLFLOW_TRACKING_USERNAME")
        return AccountError(
            f"cannot {act}, because {where} "
            + (f"takes no such account and password ({account})" if account else "asks for an account"),
            next="set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD as MLflow knows you",
        )
    if code != "PERMISSION_DENIED":
        return RegistryError(
            f"cannot {act} in {where} ({_first_line(error)})",
            next="check [mlflow] tracking_uri in nbdeploy.toml and that the server runs",
        )
    said = _first_line(error, 2000).removeprefix("PERMISSION_DENIED: ")
    if said.startswith(f"{AliasError.code} "):
        fact, _, step = said.removeprefix(f"{AliasError.code} ").partition(". Next: ")
        return AliasError(fact.removesuffix(f": {AliasError.rule}"), next=step)
    account = os.environ.get("MLFLOW_TRACKING_USERNAME", "without a name")
    return AccountError(
        f"cannot {act}, because the account {account} has no permission for it in {where}",
        next="ask whoever looks after MLflow for EDIT on the model and on the experiment nbdeploy",
    )


def _foreign(error: Exception) -> bool:
    from mlflow.exceptions import MlflowException
    from requests import RequestException
    from sqlalchemy.exc import SQLAlchemyError

    return isinstance(error, MlflowException | RequestException | SQLAlchemyError | OSError)


def _first_line(error: Exception, longest: int = 200) -> str:
    text = str(error).strip().splitlines()
    return text[0][:longest] if text else type(error).__name__


def _enter() -> None:
    global _depth  # noqa: PLW0603 - the process has one environment and one set of loggers
    with _lock:
        if _depth == 0:
            os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # read once, at import
            import mlflow  # noqa: F401 - importing it sets its logger's level, which we change next

            for name, value in _SETTINGS.items():
                _saved[name] = os.environ.get(name)
                os.environ.setdefault(name, value)
            for name in _LOGGERS:
                _levels[name] = logging.getLogger(name).level
                logging.getLogger(name).setLevel(logging.ERROR)
        _depth += 1


def _leave() -> None:
    global _depth  # noqa: PLW0603 - see _enter
    with _lock:
        _depth -= 1
        if _depth:
            return
        for name, before in _saved.items():
            if before is None:
                os.environ.pop(name, None)
        for name, level in _levels.items():
            logging.getLogger(name).setLevel(level)
