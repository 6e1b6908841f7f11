"""A target whose processes outlive a test: the next one that starts the same bytes takes them over.

Everything else is as in `LocalTarget`, which the tests of the service use as it is: a worker takes a second to start.
"""

from __future__ import annotations

from nbdeploy.release.targets.local import LocalTarget
from nbdeploy.serve.schema import read_schema
from nbdeploy.serve.traffic import ServedVersion
from nbdeploy.serve.workers import Worker
from nbdeploy.trust.digests import model_digest


class KeptWorkers:
    """Processes that no release uses now, by bytes and version."""

    def __init__(self) -> None:
        self.idle: dict[tuple[str, str], Worker] = {}

    def take(self, key: tuple[str, str]) -> Worker | None:
        worker = self.idle.pop(key, None)
        return worker if worker is not None and worker.state == "ready" else None


class KeptTarget(LocalTarget):
    def __init__(self, gateway, loop, logs, kept: KeptWorkers) -> None:
        super().__init__(gateway, loop, logs)
        self.kept = kept
        self.keys: dict[str, tuple[str, str]] = {}

    def start(self, request, *, folder, version, objective) -> None:
        if request in self._served:
            return
        key = (model_digest(folder), version)
        worker = self.kept.take(key)
        if worker is None:
            super().start(request, folder=folder, version=version, objective=objective)
        else:
            self._served[request] = ServedVersion(version, worker, read_schema(folder, objective.contract))
        self.keys[request] = key

    def stop(self, request) -> None:
        served = self._served.pop(request, None)
        if served is not None:
            self.kept.idle[self.keys[request]] = served.worker
