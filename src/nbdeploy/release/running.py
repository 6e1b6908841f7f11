"""Whether a service runs for a project, and where it listens: the file that it leaves."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from urllib.parse import urlsplit

from nbdeploy.documents.record import Record
from nbdeploy.release.living import began, lives

STATE = "service.json"


class Serving(Record):
    """A running service, as ``service.json`` tells it."""

    pid: int
    began: str
    url: str
    started: datetime


def service_process(path: Path) -> Serving | None:
    """Return the service that wrote this ``service.json`` if its process lives, whether it answers or not."""
    try:
        found = Serving.model_validate_json(path.read_bytes())
    except (OSError, ValueError):
        return None
    return found if lives(found.pid, found.began) else None


def service_state(path: Path) -> Serving | None:
    """Return the service that wrote this ``service.json`` if it runs and answers, else None."""
    found = service_process(path)
    return found if found is not None and _answers(found) else None


def announcer(file: Path, url: str, say: Callable[[str], None]) -> Callable[[], None]:
    """Return what tells that requests are answered: ``service.json``, whole or not at all, and a sentence."""

    def announce() -> None:
        content = Serving(pid=os.getpid(), began=began(os.getpid()), url=url, started=datetime.now(UTC))
        written = file.with_suffix(".new")
        written.write_text(content.model_dump_json() + "\n", "utf-8")
        written.replace(file)
        say(f"nbdeploy serves at {url}")

    return announce


def _answers(found: Serving) -> bool:
    connection = HTTPConnection(urlsplit(found.url).netloc, timeout=5)
    try:
        connection.request("GET", "/ping")
        return connection.getresponse().status == HTTPStatus.OK
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
