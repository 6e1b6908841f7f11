"""The entry points ``mlflow.app``: ``mlflow server --app-name nbdeploy-guard``, and ``nbdeploy-guard-auth``.

The second stands on basic-auth: MLflow asks for the password first, so that nobody without one learns of our rules.
"""

from __future__ import annotations

import logging
import os
from typing import Any

from nbdeploy.errors import NbdeployError
from nbdeploy.plugins.guard import ACCOUNT, Guard, install
from nbdeploy.registry.introduction import SECRET_FILE, named_secret

_log = logging.getLogger("mlflow.server.nbdeploy")  # below MLflow's own, which has a clock and a handler


def create_app() -> Any:
    """Return MLflow's application with the guard in its registry store."""
    from mlflow.environment_variables import _MLFLOW_SGI_NAME  # MLflow's own basic-auth decides by it too
    from mlflow.server import app

    _put_guard(accounts=False)
    if _MLFLOW_SGI_NAME.get() != "uvicorn":
        return app
    from mlflow.server.fastapi_app import create_fastapi_app

    return create_fastapi_app(app)


def create_auth_app() -> Any:
    """Return MLflow's basic-auth application with the guard in its registry store."""
    from mlflow.server import auth

    made = auth.create_app()
    _put_guard(accounts=True)
    return made


def _put_guard(*, accounts: bool) -> None:
    from mlflow.server import handlers

    guard = Guard(accounts=accounts)
    install(guard, type(handlers._get_model_registry_store()))  # noqa: SLF001 - MLflow offers no public way to it
    # A worker that dies is started again for ever, so what is wrong is told and every guarded act is refused.
    try:
        guard.policy()
        if named_secret() is None and not (accounts and os.environ.get(ACCOUNT)):
            _log.error("no controller is known: name its secret with %s or its account with %s", SECRET_FILE, ACCOUNT)
    except NbdeployError as error:
        _log.error("every guarded act will be refused: %s", error)
