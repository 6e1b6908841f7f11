"""A PostgreSQL server of our own: on a socket in a temporary folder, for as long as a test needs it."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote


def binaries() -> Path | None:
    """Return the folder with ``initdb``: one in the path, or the newest that Debian has; None without any."""
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda file: int(file.parts[-3]))
    return installed[-1].parent if installed else None


def unfit() -> str | None:
    """Return why no server can be started here, or None."""
    if binaries() is None:
        return "PostgreSQL's initdb and postgres are not installed"
    if os.geteuid() == 0 and _other_user() is None:
        return "PostgreSQL does not run as root, and this machine has no user postgres or nobody"
    return None


def _other_user() -> pwd.struct_passwd | None:
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    return None


@contextmanager
def server() -> Iterator[str]:
    """Start a server and yield the SQLAlchemy URL of an empty database; nothing of it is left afterwards."""
    folder = binaries()
    user = _other_user() if os.geteuid() == 0 else None
    # The path of a socket has at most 107 bytes, which pytest's own folders may take already.
    with TemporaryDirectory(prefix="pg") as place:
        options = {"env": {"PATH": os.defpath, "LC_ALL": "C"}, "cwd": place}
        if user is not None:
            os.chown(place, user.pw_uid, user.pw_gid)
            options |= {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}

        def run(program: str, *arguments: str) -> None:
            command = [str(folder / program), *arguments]
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, **options)
            assert done.returncode == 0, done.stdout + done.stderr

        data = f"{place}/data"
        run("initdb", "-D", data, "-U", "ledger", "--auth=trust", "--encoding=UTF8", "--no-sync")
        said = f"-k {place} -c listen_addresses= -c fsync=off"
        # Its output must not stay open, or the command would wait for the server to end.
        run("pg_ctl", "-D", data, "-w", "-l", f"{place}/log", "-o", said, "start")
        try:
            yield f"postgresql+psycopg://ledger@/postgres?host={quote(place, safe='')}"
        finally:
            run("pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")
