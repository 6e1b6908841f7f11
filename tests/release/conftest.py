"""A project with signed statements, real model folders and a gateway that the controller drives."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.release.kept import KeptWorkers
from tests.release.scene import Scene
from tests.serve.live import Serving, save_plain_models


@pytest.fixture(scope="session")
def models(tmp_path_factory) -> dict[str, Path]:
    return save_plain_models(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="session")
def serving_process():
    serving = Serving()
    with serving.running():
        yield serving


@pytest.fixture(scope="session")
def kept_workers(serving_process):
    kept = KeptWorkers()
    yield kept
    for worker in kept.idle.values():
        serving_process.do(worker.stop(patience=1))


@pytest.fixture
def scene(tmp_path, models, serving_process, kept_workers):
    serving_process.gateway._traffic = {}
    scene = Scene(tmp_path, models, serving_process, kept_workers)
    yield scene
    scene.target.stop_all()
