"""The controller's rounds, one after the other, in the one process that holds the lease."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Iterator

from nbdeploy.errors import NbdeployError, ServiceError
from nbdeploy.release.controller import Controller
from nbdeploy.release.journal import Journal

POLL_SECONDS = 0.25

_log = logging.getLogger(__name__)


@contextlib.contextmanager
def leased(journal: Journal) -> Iterator[None]:
    """Be the only controller until the block ends.

    Raises
    ------
    ServiceError
        Another one works on this journal.
    """
    if not journal.take_lease():
        raise ServiceError("another controller works on this ledger", next="stop it with: nbdeploy down")
    try:
        yield
    finally:
        try:
            journal.leave_lease()
        except ServiceError as error:  # it ends with this process anyway
            _log.warning("%s", error)


def reconcile_until(controller: Controller, stop: threading.Event) -> None:
    """Reconcile until told to stop, while no other controller does. Whatever happens in a round ends no loop."""
    resumed, told = False, ""
    while not stop.is_set():
        try:
            if controller.journal.take_lease():
                if not resumed:
                    controller.resume()
                    resumed = True
                controller.reconcile()
            if told:
                _log.warning("the controller goes on")
            told = ""
        except NbdeployError as error:
            # Not even an alert could be noted: the journal's database is away. It is told once and tried again.
            if told != str(error):
                _log.warning("%s What runs goes on answering, and nothing is decided until this is mended.", error)
            told = str(error)
            stop.wait(1)
        except Exception:  # noqa: BLE001 - a defect, for errors are met inside: it is logged whole, and traffic goes on
            _log.exception("a round of the controller failed")
            stop.wait(5)
        stop.wait(POLL_SECONDS)
