"""The guard inside an MLflow server: what stands for an approval is changed by the controller, and by nobody else.

It guards the registry *store*, not paths: every way in (REST and AJAX, each spelling of a path, each form of a body,
GraphQL, prompts, a static prefix, MLflow's own code in the server) ends in the same few methods, with the name of the
model as the database will see it. A filter on paths has to parse each request exactly as MLflow will, for ever.
"""

from __future__ import annotations

import functools
import hmac
import inspect
import logging
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import PERMISSION_DENIED
from mlflow.store.model_registry.abstract_store import AbstractStore

from nbdeploy.errors import AliasError, NbdeployError, PolicyError
from nbdeploy.plugins.guarded_acts import GUARDED, Act
from nbdeploy.registry.introduction import HEADER, named_secret
from nbdeploy.trust.digests import bytes_digest
from nbdeploy.trust.policy.document import Policy
from nbdeploy.trust.policy.in_force import check_expiry
from nbdeploy.trust.policy.signing import check_signed, read_offered, stable_bytes

POLICY = "NBDEPLOY_POLICY"
ACCOUNT = "NBDEPLOY_GUARD_ACCOUNT"

_log = logging.getLogger("mlflow.server.nbdeploy")  # below MLflow's own, which has a clock and a handler


class Guard:
    """Decides on guarded acts.

    Parameters
    ----------
    accounts
        Whether basic-auth stands before it: then the account that ``NBDEPLOY_GUARD_ACCOUNT`` names is the controller,
        once MLflow has checked its password.
    """

    def __init__(self, *, accounts: bool) -> None:
        self._accounts = accounts
        self._policy: Policy | None = None

    def policy(self) -> Policy:
        """Return the policy as its file is now.

        Raises
        ------
        PolicyError
            There is none, it cannot be read, it expired, or the roots that it names did not sign it. Nothing is taken
            from an earlier one: somebody may just have written there that a model is enforced.
        """
        named = os.environ.get(POLICY)
        if not named:
            raise PolicyError(f"the guard knows no policy, for {POLICY} names no file")
        file = Path(named)
        if self._policy is None or self._policy.digest != bytes_digest(stable_bytes(file)):
            offered = read_offered(file)
            if offered.policy.roots is not None:
                check_signed(offered, offered.policy.roots, "that it names itself")
            self._policy = offered.policy
        check_expiry(self._policy, datetime.now(UTC))
        return self._policy

    def allow(self, store: AbstractStore, act: Act) -> None:
        """Let a guarded act through, or refuse it.

        Raises
        ------
        MlflowException
            ``PERMISSION_DENIED``, with the rule and what to do instead.
        """
        try:
            policy = self.policy()
            names = {*act.models, *(_stored(store, name) for name in act.models)}
            if all(policy.mode(name) != "enforce" for name in names) or self._is_controller():
                return
            refused: NbdeployError = AliasError(act.told, next="nbdeploy deploy NAME, and have the request signed")
        except NbdeployError as error:
            refused = AliasError(
                f"{act.told} while the guard cannot tell whom it may let ({error.sentence.rstrip('.')})",
                next="whoever runs the MLflow server mends that",
            )
        _log.warning("refused to %s: %s", _caller() or "somebody", refused)
        raise MlflowException(str(refused), error_code=PERMISSION_DENIED)

    def _is_controller(self) -> bool:
        """Whether the request under way is the controller's. Outside of any request nobody is."""
        from flask import has_request_context, request

        if not has_request_context():
            return False
        account = os.environ.get(ACCOUNT)
        if self._accounts and account and _caller() == account:
            return True
        secret = named_secret()
        shown = request.headers.get(HEADER, "")
        return secret is not None and hmac.compare_digest(shown.encode(), secret.encode())


def _caller() -> str | None:
    """Return the account whose password basic-auth has checked in this request."""
    from flask import g, has_request_context

    return getattr(g, "mlflow_authenticated_user", None) if has_request_context() else None


def _stored(store: AbstractStore, name: str) -> str:
    """Return a model's name as the database has it: MySQL finds ``churn`` when it is asked for ``CHURN``."""
    try:
        return str(store.get_registered_model(name).name)
    except MlflowException:  # there is none: the act will fail by itself, or makes one of exactly this name
        return name


def install(guard: Guard, store: type[AbstractStore]) -> None:
    """Put the guard around the guarded methods of a kind of store, for all its instances in this process.

    The classes it inherits from are guarded too, because MLflow may make a plain store beside the server's own.
    """
    for kind in inspect.getmro(store):
        if kind is AbstractStore or not issubclass(kind, AbstractStore):
            continue
        for name in GUARDED:
            method = vars(kind).get(name)
            if method is not None and not hasattr(method, "nbdeploy_guard"):
                setattr(kind, name, _guarded(guard, name, method))
    missing = [name for name in GUARDED if not hasattr(getattr(store, name, None), "nbdeploy_guard")]
    if missing:
        raise MlflowException(f"nbdeploy cannot guard {store.__name__}: it has no {', '.join(missing)} of its own")


def _guarded(guard: Guard, name: str, method: Callable[..., Any]) -> Callable[..., Any]:
    signature, read = inspect.signature(method), GUARDED[name]

    @functools.wraps(method)
    def checked(self: AbstractStore, *args: Any, **kwargs: Any) -> Any:
        act = read(signature.bind(self, *args, **kwargs).arguments)
        if act is not None:
            guard.allow(self, act)
        return method(self, *args, **kwargs)

    checked.nbdeploy_guard = guard  # type: ignore[attr-defined] # the mark by which it is not put on twice
    return checked
