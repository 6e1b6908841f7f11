"""P2 at the deployer: where no policy was seen before, a team's ledger must show a checkpoint of today."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from tests.trust.roots import NOW, Machine, pinned, root, text

from nbdeploy.errors import LogError, PolicyError, SettingsError
from nbdeploy.release.authority import Authority, Memory, memory_of
from nbdeploy.settings import FILE, read_settings
from nbdeploy.trust.ledger.store import Ledger


class TeamLedger(Ledger):
    """A ledger that somebody else keeps, read here without a network between."""

    level = "team"


def start(folder: Path, ledger: Ledger, top: str = "") -> Authority:
    machine = Machine(folder)
    machine.offer(text(1, top=top))
    memory = Memory(folder / "seen", pinned("one", "two", threshold=2))
    return Authority(ledger, machine.file, lambda: NOW, memory)


@pytest.mark.parametrize(
    ("hours", "top", "fresh"),
    [
        (1, "", True),
        (25, "", False),
        (25, "ledger.max_age_hours = 48", True),
        (3, "ledger.max_age_hours = 2", False),
    ],
    ids=["P2 of today", "P2 of yesterday", "P2 as old as the policy allows", "P2 older than the policy allows"],
)
def test_a_first_start_asks_for_a_fresh_checkpoint(tmp_path: Path, hours: int, top: str, fresh: bool):
    ledger = TeamLedger(f"sqlite:///{tmp_path}/l.db", root("log"), clock=lambda: NOW - timedelta(hours=hours))
    ledger.append(b"{}")
    authority = start(tmp_path, ledger, top)
    if fresh:
        assert authority.read_policy().version == 1
        return
    for _ in range(2):  # being asked twice does not make it old acquaintance
        with pytest.raises(LogError, match="the ledger's checkpoint is of 2026-11-2"):
            authority.read_policy()
    assert not (tmp_path / "seen").exists()


def test_a_policy_in_force_ends_with_its_last_day(tmp_path: Path):
    now = [NOW]
    machine = Machine(tmp_path)
    machine.offer(text(1, (), top="expires = 2026-11-21"), ())
    ledger = Ledger(f"sqlite:///{tmp_path}/l.db", root("log"))
    authority = Authority(ledger, machine.file, lambda: now[0], Memory(tmp_path / "seen"))
    assert authority.read_policy().version == 1
    now[0] += timedelta(days=1)
    with pytest.raises(PolicyError, match="expired on 2026-11-21"):
        authority.read_policy()
    assert authority.policy().version == 1  # what runs is watched by it still


def test_pinned_roots_that_are_no_keys_are_one_sentence(tmp_path: Path):
    (tmp_path / FILE).write_text('[project]\nname = "p"\n[policy]\nroot = ["ed25519:AAAA"]\n')
    with pytest.raises(SettingsError, match="is not a public key"):
        memory_of(read_settings(tmp_path / FILE))
