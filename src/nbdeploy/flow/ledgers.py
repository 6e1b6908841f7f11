"""The verbs *ledger show* and *ledger serve*: what the ledger is, and the service that keeps it for a team."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nbdeploy.errors import ServiceError
from nbdeploy.flow.project import Project
from nbdeploy.flow.show import Result, Shown
from nbdeploy.trust.ledger import checkpoints
from nbdeploy.trust.ledger.checkpoints import Checkpoint
from nbdeploy.trust.ledger.log import Level

LOOPBACK = ("127.0.0.1", "::1", "localhost")
_STOP_SECONDS = 10
"""How long the end of the service waits for who is being answered: a caller may never end its request."""
_LEVELS: dict[Level, str] = {
    "local": "local: whoever holds the ledger's key could rewrite the log",
    "team": "team: a service holds the key, and every reader remembers what it was shown",
}


@dataclass(frozen=True)
class LedgerShown(Result):
    """What the ledger is, after every entry was held to its signed checkpoint."""

    url: str
    public: str | None
    level: Level
    size: int
    checkpoint: Checkpoint | None

    def show(self) -> Shown:
        signed = self.checkpoint
        time = f"{signed.time:%Y-%m-%d %H:%M:%S} UTC" if signed and signed.time else "no time"
        lines = [
            f"At {self.url}",
            f"Key: {self.public or 'nobody named one, so who signed was not checked'}",
            f"Assurance: {_LEVELS[self.level]}.",
        ]
        if signed is not None:
            lines += [f"Root: {signed.root.hex()}", f"Signed: {time}"]
        return Shown(
            title=f"The ledger holds: {self.size} entr{'y' if self.size == 1 else 'ies'}, all in the signed tree",
            lines=lines,
            next=["nbdeploy ledger show --checkpoint   # the signed note", "nbdeploy audit log"],
        )

    def facts(self) -> dict[str, Any]:
        signed = self.checkpoint
        return {
            "url": self.url,
            "key": self.public,
            "assurance": self.level,
            "size": self.size,
            "root": signed.root.hex() if signed else None,
            "signed": signed.time.isoformat() if signed and signed.time else None,
            "checkpoint": signed.note if signed else "",
        }


def show_ledger() -> LedgerShown:
    """Verify the ledger and return its size, root, checkpoint, key and assurance level.

    Raises
    ------
    LogError, ClockError, ServiceError
        It does not hold, or cannot be reached.
    """
    project = Project.require()
    ledger = project.ledger
    entries = ledger.verify()
    note = ledger.checkpoint()
    signed = checkpoints.read(note, ledger.public) if note else None
    return LedgerShown(_shown_url(ledger.url), ledger.public, ledger.level, len(entries), signed)


def _shown_url(url: str) -> str:
    """Return an address without the password that a database's may carry."""
    from sqlalchemy.engine import make_url

    return url if url.startswith("http") else make_url(url).render_as_string(hide_password=True)


def serve_ledger(
    *,
    host: str = "127.0.0.1",
    port: int = 8090,
    policy_file: Path | None = None,
    certificate: Path | None = None,
    certificate_key: Path | None = None,
) -> int:
    """Run the ledger service in this terminal until Ctrl-C or SIGTERM; return its exit code.

    Parameters
    ----------
    host
        Anything but this machine's own address takes a certificate.
    policy_file
        The service's own copy: whose envelopes it takes. The project's unless given.
    certificate, certificate_key
        PEM files.

    Raises
    ------
    ServiceError
        The ledger of this project is kept elsewhere, the port is in use, or it would answer unencrypted.
    KeyFileError
        The ledger's key is not on this machine.
    """
    from nbdeploy.release.authority import Authority, memory_of
    from nbdeploy.trust.keys import load_key
    from nbdeploy.trust.ledger.opening import ledger_token
    from nbdeploy.trust.ledger.service import LedgerService
    from nbdeploy.trust.ledger.store import Ledger

    project = Project.require()
    settings = project.settings
    if settings.ledger_is_remote:
        raise ServiceError(
            f"the ledger of this project is kept at {settings.ledger_url}",
            next="serve it where its key and its database are",
        )
    _check_transport(host, certificate, certificate_key)
    key = load_key(project.key_file("ledger"), None)
    ledger = Ledger(settings.ledger_url, key, public=project.policy.ledger, seen=settings.state / "service.seen")
    authority = Authority(ledger, policy_file or settings.policy_file, lambda: datetime.now(UTC), memory_of(settings))
    authority.read_policy()
    service = LedgerService(ledger, authority.read_policy, token=ledger_token(settings))
    ledger.verify()
    _run(service, host, port, certificate, certificate_key)
    return 0


def _check_transport(host: str, certificate: Path | None, certificate_key: Path | None) -> None:
    if (certificate is None) != (certificate_key is None):
        raise ServiceError("a certificate and its key go together", next="give --tls-cert and --tls-key")
    if host not in LOOPBACK and certificate is None:
        raise ServiceError(
            f"at {host} others could read and change what is said", next="give --tls-cert and --tls-key, or serve here"
        )
    for file in (certificate, certificate_key):
        if file is not None and not file.is_file():
            raise ServiceError(f"there is no file {file}")


def _run(service: Any, host: str, port: int, certificate: Path | None, certificate_key: Path | None) -> None:
    import uvicorn

    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio only switches Nagle's delay off for sockets that name their protocol.
    with socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
            listener.listen(1024)
            config = uvicorn.Config(
                service.app,
                log_level="warning",
                access_log=False,
                lifespan="off",
                ssl_certfile=certificate,
                ssl_keyfile=certificate_key,
                timeout_graceful_shutdown=_STOP_SECONDS,
            )
            config.load()
        except OSError as error:  # of the socket, or of the certificate
            raise ServiceError(f"the ledger cannot be served at {host}:{port} ({error.strerror or error})") from None
        scheme = "http" if certificate is None else "https"
        where = f"[{host}]" if ":" in host else host
        print(f"The ledger is served at {scheme}://{where}:{listener.getsockname()[1]}", flush=True)
        uvicorn.Server(config).run(sockets=[listener])
