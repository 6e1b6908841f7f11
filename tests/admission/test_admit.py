"""Admission refuses by the rule that is broken, and leaves nothing behind. Cases of the attack list stand in the ids."""

from __future__ import annotations

import shutil
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from nbdeploy.admission.admit import Admitted, admit
from nbdeploy.documents.request import Request
from nbdeploy.trust.digests import model_digest
from tests.approve.world import DAY, NOW, World


@dataclass
class Door:
    """What stands before the deployer: the world, and how often it was asked for bytes."""

    world: World
    into: Path
    fetched: list[str] = field(default_factory=list)

    def fetch(self, request: Request, into: Path) -> Path:
        self.fetched.append(request.subject)
        return Path(shutil.copytree(self.world.stored, into / "model"))

    def admit(self, request: Request, **changes) -> Admitted:
        options = {
            "chain": self.world.chain(),
            "ledger": self.world.ledger,
            "policy": self.world.policy,
            "fetch": self.fetch,
            "documents": lambda _: self.world.documents,
            "into": self.into,
            "now": NOW,
        }
        return admit(request.id, **(options | changes))


@pytest.fixture
def door(tmp_path: Path) -> Door:
    return Door(World(tmp_path), tmp_path / "admitted")


def test_an_approved_request_is_admitted_with_its_own_private_copy(door: Door):
    request = door.world.requested()
    approval = door.world.sign(request)
    admitted = door.admit(request)
    assert admitted.request == request
    assert admitted.approvals == (approval.digest,)
    assert admitted.until == NOW + 27 * DAY
    assert model_digest(admitted.folder) == request.digests.model
    assert admitted.folder.is_relative_to(door.into)
    assert stat.S_IMODE(door.into.stat().st_mode) == 0o700
    assert door.fetched == ["churn/1"]
