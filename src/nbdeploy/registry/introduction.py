"""How the controller is known to a guarded MLflow server: a secret that both read from a file, sent as a header."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from nbdeploy.errors import KeyFileError

HEADER = "X-Nbdeploy-Controller"
SECRET_FILE = "NBDEPLOY_GUARD_SECRET"  # noqa: S105 - the variable that names the file, not a secret
_SHORTEST = 32

_introduced: ContextVar[str | None] = ContextVar("introduced", default=None)


def read_secret(file: Path) -> str:
    """Return the secret in a file.

    Raises
    ------
    KeyFileError
        It cannot be read, others may read it, or it is too short to be one.
    """
    try:
        with file.open("rb") as stream:
            mode = os.fstat(stream.fileno()).st_mode
            secret = stream.read(4096).decode("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise KeyFileError(
            f"the guard's secret {file} cannot be read ({type(error).__name__})",
            next=f"make one: openssl rand -hex 32 > {file} && chmod 600 {file}",
        ) from None
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise KeyFileError(f"the guard's secret {file} is open to other accounts", next=f"chmod 600 {file}")
    if len(secret) < _SHORTEST or not secret.isprintable():
        raise KeyFileError(
            f"the guard's secret {file} is shorter than {_SHORTEST} characters or holds others than printable ones",
            next=f"make one: openssl rand -hex 32 > {file}",
        )
    return secret


def named_secret() -> str | None:
    """Return the secret of the file that ``NBDEPLOY_GUARD_SECRET`` names; None when it names none.

    Raises
    ------
    KeyFileError
        As of `read_secret`.
    """
    named = os.environ.get(SECRET_FILE)
    return read_secret(Path(named)) if named else None


@contextmanager
def introduced(secret: str | None) -> Iterator[None]:
    """Send the secret with every request to MLflow that is made inside, and with no other one."""
    token = _introduced.set(secret)
    try:
        yield
    finally:
        _introduced.reset(token)


def sent() -> str | None:
    """Return the secret that goes with a request made now."""
    return _introduced.get()
