"""One world for the tests of a bundle that holds: making it takes longer than reading it."""

from __future__ import annotations

import pytest
from tests.audit.kept import Kept


@pytest.fixture(scope="session")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    world = Kept(tmp_path_factory.mktemp("kept"))
    world.deployed()
    return world


@pytest.fixture(scope="session")
def bundle(kept: Kept) -> bytes:
    return kept.bundle()
