"""Opening the ledger that the settings name: a database here, or the service of a team."""

from __future__ import annotations

import os
import stat
from datetime import timedelta
from pathlib import Path

from nbdeploy.errors import LogError, SettingsError
from nbdeploy.settings import Settings
from nbdeploy.trust.keys import load_key
from nbdeploy.trust.ledger.log import Log


def open_ledger(
    settings: Settings,
    *,
    public: str | None,
    max_age_hours: float | None = None,
    seen: str = "ledger.seen",
) -> Log:
    """Open the project's ledger: with its key if this machine holds it and the ledger is a database.

    Parameters
    ----------
    public
        The ledger's key as the policy names it.
    max_age_hours
        How old a checkpoint may be, as the policy says.
    seen
        The file in the project's state folder that remembers the last checkpoint, for a database. A service's is
        remembered in a folder of its own.

    Raises
    ------
    LogError
        It cannot be opened, or it is a service and the policy names no key.
    SettingsError, KeyFileError
    """
    url = settings.ledger_url
    max_age = None if max_age_hours is None else timedelta(hours=max_age_hours)
    if settings.ledger_is_remote:
        from nbdeploy.trust.ledger.remote import RemoteLedger

        if public is None:
            raise LogError(
                f"the policy names no key of a ledger, so that nothing that {url} says could be believed",
                next="name it in the policy: a service with the role ledger",
            )
        folder = settings.state / "team" / seen.removesuffix(".seen")
        return RemoteLedger(url, public=public, folder=folder, max_age=max_age, token=ledger_token(settings))
    from nbdeploy.trust.ledger.store import Ledger

    file = settings.state / "keys" / "ledger.pem"
    key = load_key(file, None) if file.is_file() else None
    return Ledger(url, key, public=public, seen=settings.state / seen, max_age=max_age)


def ledger_token(settings: Settings) -> str | None:
    """Return the token that the ledger service asks for, from the file that the settings name; None without one.

    Raises
    ------
    SettingsError
        It cannot be read, others can read it, or it holds no token.
    """
    if settings.ledger.token_file is None:
        return None
    file = settings.root / Path(settings.ledger.token_file).expanduser()
    try:
        with file.open("rb") as stream:
            mode, data = os.fstat(stream.fileno()).st_mode, stream.read(4096)
    except OSError as error:
        raise SettingsError(f"the ledger's token {file} cannot be read ({error.strerror})") from None
    if stat.S_IMODE(mode) & 0o077:
        raise SettingsError(f"others can read the ledger's token {file}", next=f"chmod 600 {file}")
    token = data.decode("ascii", "replace").strip()
    if not token.isprintable() or not token.isascii() or not token or " " in token:
        raise SettingsError(f"{file} holds no token", next="write one line of letters and digits into it")
    return token
