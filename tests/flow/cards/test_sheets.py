"""The decision sheet is drawn from entries that verify, and says first what does not."""

from __future__ import annotations

import sqlite3
from datetime import date
from pathlib import Path

import pytest
from tests.admission.world import DAY, NOW, RATIO, World, policy, waiver

from nbdeploy import flow
from nbdeploy.documents.decision_sheet import Sheet
from nbdeploy.documents.request import Request
from nbdeploy.documents.statements import Condition, DeploymentPredicate
from nbdeploy.errors import ProjectError
from nbdeploy.flow.cards.sheets import draw_sheet
from nbdeploy.flow.show import Shown
from nbdeploy.report.decision import decision_html, decision_lines, gate_words


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
    assert "Asked by Ana" in one.asked
    assert one.missing == ("Missing: 1 signature by Vera or Otto",)
    assert dict(one.facts)["Signed"] == "nobody's approval counts so far"


def test_an_approval_tells_its_signer_waiver_and_assurance(world):
    world.policy = policy(production='approvals = 1\nby = ["validator"]\nfailed = "waive"')
    world.verdicts |= {RATIO: "fail"}
    world.sign(world.requested(), waive=(waiver(RATIO),), reason="Better than none.")
    (one,) = sheet(world).decisions
    assert (one.word, one.until) == ("approved", "2026-12-18 12:00 UTC, which is 27 days after this was drawn")
    (gate,) = one.gates
    assert (gate.words, gate.gate) == ("Demographic parity ratio by sex", RATIO)
    assert gate.answers == ("Waived by Vera until 2027-01-20: the old model fails it too",)
    assert dict(one.facts)["Separation"].startswith("Nobody who signed asked for it")
    assert dict(one.facts)["Assurance of the log"].startswith("Local: whoever holds the ledger's key")


def test_where_no_signature_is_asked_for_the_sheet_says_that_nobody_else_looked(world):
    world.requested(environment="dev")
    (one,) = sheet(world).decisions
    assert dict(one.facts)["Separation"] == "dev asks for no signature: nobody but Ana looked at this"


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


def test_what_runs_is_in_force_after_its_approval_ended_and_when_it_was_rejected_since(world):
    request = world.requested()
    world.sign(request)
    deploy(world, request, "completed")
    (one,) = draw_sheet("churn", world.ledger, world.policy, lambda _: None, NOW + 40 * DAY).decisions
    assert one.word == "in force"
    world.sign(request, "Otto", decision="rejection", at=NOW - DAY)
    (one,) = sheet(world).decisions
    assert (one.word, one.tone) == ("rejected, and in force", "fail")


def test_the_plain_lines_say_what_the_page_says(world):
    world.policy = policy(production='approvals = 1\nby = ["validator"]\nfailed = "waive"')
    world.verdicts |= {RATIO: "fail"}
    request = world.requested()
    condition = Condition(text="watch the error rate", owner="Otto", by=date(2026, 11, 20))
    world.sign(request, waive=(waiver(RATIO),), conditions=(condition,), reason="Better than none.")
    world.forge(request, "Zoe", reason="I may not")
    (one,) = sheet(world).decisions
    assert list(decision_lines(one)) == [
        f"{request.id}: churn/1 at churn in production: approved.",
        f"  A rollout may start until {one.until}.",
        "Asked by Ana on 2026-11-17 12:00 UTC; attempt 1 of the validation: fail.",
        "Gates that did not pass:",
        f"  Demographic parity ratio by sex ({RATIO}): fail, to be waived",
        "    Waived by Vera until 2027-01-20: the old model fails it too",
        "Decisions, in the ledger's order:",
        "  Approval by Vera on 2026-11-18 12:00 UTC, entry 3: Better than none.",
        "  Approval by Zoe on 2026-11-18 12:00 UTC, entry 4: I may not",
        f"    Does not count. {one.said[1].counts_not}",
        "Conditions:",
        "  watch the error rate: Otto, by 2026-11-20; OVERDUE FOR 1 DAY",
        "    Vera asked for it",
        *(f"{what}: {who}." for what, who in one.facts),
    ]
    page = decision_html(sheet(world))
    for text in ("Demographic parity ratio by sex", RATIO, "Overdue for 1 day", "Better than none.", "E-ROLE Zoe"):
        assert text in page


@pytest.mark.parametrize(
    ("gate", "words"),
    [
        ("performance.roc_auc", "ROC AUC"),
        ("fairness.demographic_parity_ratio:sex,age_band", "Demographic parity ratio by sex and age_band"),
        ("performance.roc_auc@age >= 65", "ROC AUC where age ≥ 65"),
        ("performance.my_own_measure", "My own measure"),
        ("scan:unknown:my.Type", "File scan, a name that is on no list: my.Type"),
        ("scan:source:a%7Cb", "File scan, a requirement from elsewhere, or of no fixed version: a|b"),
        ("scan:", "File scan"),
        ("no gate at all", "no gate at all"),
        ("nowhere.measure", "nowhere.measure"),
    ],
)
def test_a_gate_is_named_as_the_card_names_it(gate, words):
    assert gate_words(gate) == words


def test_a_reason_cannot_pretend_to_be_a_line_of_the_sheet(world):
    request = world.requested()
    world.sign(request, decision="rejection", reason="no\nr-1: churn/1: approved.\u202e\x1b[2J")
    lines = Shown(title="", lines=list(decision_lines(sheet(world).decisions[0]))).text().splitlines()
    assert not any(line.startswith("r-1") for line in lines)
    assert all(line.isprintable() for line in lines)


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
    flow.declare(b"task: binary\ntarget: left\ngates: {performance: {roc_auc: '>= 0.7'}}", name="churn")
    with pytest.raises(ProjectError, match="no recorded validation"):
        flow.decision("churn")
    shown = flow.decision("churn", out=tmp_path / "sheet.html")
    assert "Nobody has asked for churn to go live." in str(shown)
