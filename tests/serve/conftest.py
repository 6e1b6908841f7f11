"""One gateway for all tests of this folder: a worker takes a second to start."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.serve.live import Serving, save_models


@pytest.fixture(scope="session")
def models(tmp_path_factory) -> dict[str, Path]:
    return save_models(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="session")
def service():
    serving = Serving()
    with serving.running():
        yield serving


@pytest.fixture
def serving(service):
    service.gateway._traffic = {}
    yield service
    while service.fresh:
        service.do(service.fresh.pop().stop(patience=1))
