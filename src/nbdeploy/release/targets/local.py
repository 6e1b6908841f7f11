"""The default target: worker processes on this machine, behind the gateway of this process."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any

from nbdeploy.documents.objective import Objective
from nbdeploy.documents.release import Observations
from nbdeploy.serve.gateway import Gateway
from nbdeploy.serve.schema import read_schema
from nbdeploy.serve.traffic import ServedVersion, Traffic
from nbdeploy.serve.workers import Worker


class LocalTarget:
    """Drives the gateway from the controller's thread.

    Parameters
    ----------
    loop
        The event loop that the gateway runs in; it must be running, in another thread.
    logs
        Folder for what the models print.
    """

    def __init__(self, gateway: Gateway, loop: asyncio.AbstractEventLoop, logs: Path) -> None:
        self._gateway = gateway
        self._loop = loop
        self._logs = logs
        self._served: dict[str, ServedVersion] = {}

    def start(self, request: str, *, folder: Path, version: str, objective: Objective) -> None:
        """Start a worker and wait until its model is loaded; ModelError if it does not load."""
        if request in self._served:
            return
        worker = Worker(folder, version, objective, self._logs / f"{request}.log")
        schema = read_schema(folder, objective.contract)
        self._do(worker.start())
        self._served[request] = ServedVersion(version, worker, schema)

    def running(self, request: str) -> bool:
        """Whether there is a worker for this release."""
        return request in self._served

    def direct(
        self, address: str, *, endpoint: str, environment: str, weights: Sequence[tuple[str, float]], reason: str
    ) -> None:
        """Share the endpoint's traffic out; releases without a worker here get none."""
        arms = tuple((self._served[request], weight) for request, weight in weights if request in self._served)
        self._gateway.direct(address, Traffic(endpoint, environment, arms, reason))

    def stop(self, request: str) -> None:
        """Stop the worker after its last answer."""
        served = self._served.pop(request, None)
        if served is not None:
            self._do(served.worker.stop())

    def stop_all(self) -> None:
        """Stop every worker."""
        for request in list(self._served):
            self.stop(request)

    def observations(self, address: str) -> Observations:
        """What each version at this address answered since it was started."""
        return self._gateway.observations(address)

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result()
