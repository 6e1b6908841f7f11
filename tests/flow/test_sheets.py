"""The decision sheet is drawn from entries that verify, and says first what does not."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from tests.admission.world import DAY, NOW, RATIO, World, policy, waiver

from nbdeploy import flow
from nbdeploy.documents.request import Request
from nbdeploy.documents.statements import DeploymentPredicate
from nbdeploy.errors import ProjectError
from nbdeploy.flow.sheets import draw_sheet
from nbdeploy.report.decision import Sheet, decision_html


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def sheet(world: World) -> Sheet:
    return draw_sheet("churn", world.ledger, world.policy, lambda attempt: f"../{attempt:04d}/card.html", NOW)


def deploy(world: World, request: Request, action: str) -> None:
    said = DeploymentPredicate(
        request=request.id,
        model="churn",
        version="1",
        endpoint="churn",
        environment="production",
        action=action,
        at=NOW - DAY,
        reason=f"{action} {world.ledger.size}",
    )
    world.log(said, {"model": request.digests.model, "request": world.chain().asked[request.id].digest}, "deployer")


def test_a_waiting_request_names_who_asked_and_who_may_sign(world):
    world.requested()
    (one,) = sheet(world).decisions
    assert (one.word, one.attempt, one.card) == ("waiting for a signature", 1, "../0001/card.html")
    assert "asked by Ana" in one.lines[0]
    assert "Missing: 1 signature by Vera or Otto." in one.lines
    assert one.assurance[0] == "Nobody's approval counts so far"


def test_an_approval_tells_its_signer_waiver_and_assurance(world):
    world.policy = policy(production='approvals = 1\nby = ["validator"]\nfailed = "waive"')
    world.verdicts |= {RATIO: "fail"}
    world.sign(world.requested(), waive=(waiver(RATIO),), reason="Better than none.")
    (one,) = sheet(world).decisions
    assert (one.word, one.until) == ("approved", "2026-12-18 12:00 UTC")
    assert f"waived: {RATIO}, until 2027-01-20: the old model fails it too" in one.lines
    assert one.assurance[0] == "Signed by Vera with a key of their own; Ana asked, and did not sign"


def test_where_no_signature_is_asked_for_the_sheet_says_that_nobody_else_looked(world):
    world.requested(environment="dev")
    (one,) = sheet(world).decisions
    assert one.assurance[0] == "dev asks for no signature: nobody but Ana looked at this"


def test_what_is_in_force_is_superseded_by_a_later_rollout_and_not_by_one_taken_back(world):
    first = world.requested()
    world.sign(first)
    deploy(world, first, "completed")
    assert [one.word for one in sheet(world).decisions] == ["in force"]
    second = world.ask(world.validate(attempt=2))
    world.sign(second)
    deploy(world, second, "completed")
    assert [one.word for one in sheet(world).decisions] == ["in force", "superseded"]
    deploy(world, second, "rolled_back")
    assert [one.word for one in sheet(world).decisions] == ["rolled back", "in force"]


def test_rejected_and_revoked_are_told(world):
    request = world.requested()
    world.sign(request)
    world.revoke(request)
    (one,) = sheet(world).decisions
    assert (one.word, one.tone) == ("revoked", "fail")


def test_a_ledger_that_does_not_hold_is_said_first_and_nothing_else(world):
    world.sign(world.requested())
    with sqlite3.connect(world.root / "ledger.db") as database:
        (table,) = (
            name
            for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            if "entr" in name
        )
        database.execute(f'UPDATE {table} SET envelope = ? WHERE "index" = 2', (b"{}",))  # noqa: S608 - a table of ours
    drawn = sheet(world)
    page = decision_html(drawn)
    assert drawn.broken
    assert drawn.decisions == ()
    assert page.index("The ledger does not hold") < page.index(drawn.broken[:20])
    assert "Vera" not in page


def test_an_entry_that_does_not_count_stands_in_the_red(world):
    request = world.requested()
    world.forge(request, "Vera", sign_as="Otto")
    drawn = sheet(world)
    assert len(drawn.ignored) == 1
    assert "Otto" in drawn.ignored[0]


def test_a_foreign_text_stays_text_and_the_same_sheet_has_the_same_bytes(world):
    world.sign(world.requested(), decision="rejection", reason="<script>alert(1)</script>\nStanding: approved.")
    page = decision_html(sheet(world))
    assert "<script" not in page
    assert page == decision_html(sheet(world))


def test_a_sheet_needs_a_recorded_run(tmp_path, monkeypatch):
    flow.init(tmp_path, preset="solo", name=None, person="Ana")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ProjectError, match="no recorded validation"):
        flow.decision("churn")
    shown = flow.decision("churn", out=tmp_path / "sheet.html")
    assert "Nobody has asked for churn to go live." in str(shown)
