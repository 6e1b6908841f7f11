"""One process with the controller's loop and the gateway.

``python -m nbdeploy.release.service --project DIR --policy FILE --port N`` runs it.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path

from starlette.routing import BaseRoute

from nbdeploy.documents.request import Request
from nbdeploy.errors import NbdeployError, RegistryError, ServiceError
from nbdeploy.release.authority import memory_of
from nbdeploy.release.controller import Controller
from nbdeploy.release.intake import Bytes, Intake
from nbdeploy.release.journal import Journal
from nbdeploy.release.listening import Server, listening
from nbdeploy.release.mirror import Mirror
from nbdeploy.release.rounds import leased, reconcile_until
from nbdeploy.release.running import STATE, announcer
from nbdeploy.release.targets.local import LocalTarget
from nbdeploy.serve.gateway import Gateway
from nbdeploy.settings import FILE, Settings, read_settings
from nbdeploy.trust.keys import load_key
from nbdeploy.trust.ledger.opening import ledger_token, open_ledger
from nbdeploy.trust.ledger.service import LedgerService
from nbdeploy.trust.ledger.store import Ledger
from nbdeploy.trust.policy.signing import read_offered

_LAST_ROUND_SECONDS = 15.0
"""How long the end of the service waits for what the controller is at."""

_log = logging.getLogger(__name__)


def run_service(settings: Settings, policy_file: Path, *, port: int = 8080, say: Callable[[str], None] = print) -> int:
    """Run controller and gateway on the loopback address until SIGTERM or SIGINT; return the exit code.

    Parameters
    ----------
    port
        0 takes any free one; ``service.json`` in the project's state folder tells which.

    Raises
    ------
    ServiceError
        The settings name a target that is not there, the port is in use, or another controller works on this ledger.
    PolicyError, KeyFileError
        The deployer's policy or a key cannot be read.
    """
    if settings.serve.target != "local":
        raise ServiceError(
            f"{FILE} names the target {settings.serve.target!r}, and only 'local' is available yet",
            next='set target = "local" under [serve]',
        )
    keys = settings.state / "keys"
    policy = read_offered(policy_file).policy
    if not settings.ledger_is_remote:
        load_key(keys / "ledger.pem", None)  # without it nothing that is done here could be logged
    limit = policy.ledger_rules.max_age_hours
    ledger = open_ledger(settings, public=policy.ledger, max_age_hours=limit, seen="controller.seen")
    signer = load_key(keys / "controller.pem", None)
    journal = Journal(settings.journal_url)
    token = ledger_token(settings)
    with listening(port) as listener, leased(journal):
        source, mirror = _registry(settings, journal)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"

        def controller(target: LocalTarget) -> Controller:
            intake = Intake(settings.state / "models", ledger, source, settings.advisories)
            recheck = timedelta(minutes=settings.serve.recheck_minutes)
            memory = memory_of(settings)
            made = Controller(
                ledger, policy_file, journal, intake, target, mirror, signer, recheck=recheck, memory=memory
            )
            made.authority.read_policy()
            made.routes.expect()
            return made

        def also(made: Controller) -> Sequence[BaseRoute]:
            # Whoever holds the ledger's key is its service: others of the team submit to it and read from it.
            return (
                LedgerService(ledger, made.authority.policy, token=token).routes if isinstance(ledger, Ledger) else ()
            )

        announce = announcer(settings.state / STATE, url, say)
        asyncio.run(_serve(controller, also, listener, settings.state, announce))
    return 0


def _registry(settings: Settings, journal: Journal) -> tuple[Bytes, Mirror]:
    """Return where bytes come from and where the standing is shown: the project's MLflow.

    It is opened in the background at once: that takes seconds, which the first approval should not wait for.
    """
    from nbdeploy.registry import Registry
    from nbdeploy.registry.introduction import named_secret

    registry = Registry(settings.tracking_uri, settings.state / "mlartifacts", secret=named_secret())

    def open_it() -> None:
        try:
            registry.models()
        except RegistryError as error:
            journal.alert("registry", str(error), trouble=True)

    threading.Thread(target=open_it, name="registry", daemon=True).start()

    def documents(request: Request) -> dict[str, bytes]:
        run = registry.evidence_run(request.digests.evidence)
        return {} if run is None else registry.documents(run)

    def fetch(request: Request, into: Path) -> Path:
        return registry.fetch(request.model, request.version, into)

    return Bytes(fetch, documents), Mirror(registry)


async def _serve(
    make: Callable[[LocalTarget], Controller],
    also: Callable[[Controller], Sequence[BaseRoute]],
    listener: socket.socket,
    state: Path,
    announce: Callable[[], None],
) -> None:
    loop = asyncio.get_running_loop()
    gateway = Gateway()
    target = LocalTarget(gateway, loop, state / "logs")
    controller = make(target)
    gateway.app.router.routes.extend(also(controller))
    server = Server(gateway, announce)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup asks
            loop.add_signal_handler(number, server.stop)
    stop = threading.Event()
    work = threading.Thread(target=reconcile_until, args=(controller, stop), name="controller", daemon=True)
    work.start()
    try:
        await server.serve(sockets=[listener])
    finally:
        stop.set()
        (state / STATE).unlink(missing_ok=True)
        # The controller's thread may be waiting for this loop, so the loop goes on while it ends.
        await asyncio.to_thread(work.join, _LAST_ROUND_SECONDS)
        await asyncio.to_thread(target.stop_all)
        if work.is_alive():
            # It waits for a download or a database. A step that is not journaled begins anew at the next start.
            _log.warning("the controller was busy still, and was not waited for; the next one begins that step anew")
            os._exit(0)


def main(arguments: list[str] | None = None) -> int:
    """Run the service from the command line; an error is one sentence on standard error."""
    parser = argparse.ArgumentParser(prog="nbdeploy.release.service")
    parser.add_argument("--project", type=Path, required=True, help="folder of the project")
    parser.add_argument("--policy", type=Path, required=True, help="the deployer's own copy of the policy")
    parser.add_argument("--port", type=int, default=8080)
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(message)s")
    try:
        return run_service(read_settings(given.project / FILE), given.policy, port=given.port, say=_say)
    except NbdeployError as error:
        print(error, file=sys.stderr)
        return error.exit_code


def _say(sentence: str) -> None:
    print(sentence, flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
