"""What runs is held to the rules of now: at a restart, on a timer, and when policy or revocations change."""

from __future__ import annotations

import sqlite3

import pytest
from tests.release.scene import CANARY, key, policy_text


def texts(scene) -> list[str]:
    return [f"{alert.about}: {alert.text}" for alert in scene.journal.alerts()]


def rule(line: str) -> str:
    return policy_text().replace("[environments.production]", f"[environments.production]\n{line}")


# Revocation (A13) -----------------------------------------------------------------------------------------------------


def test_a13_a_revoked_version_gives_way_to_the_last_valid_one(scene):
    scene.deploy("old", "1")
    second = scene.deploy("young", "2")
    scene.revoke(second)
    scene.controller.reconcile()
    assert scene.ask(3) == [(200, "churn/1")] * 3
    assert scene.release(second).steps[-1].reason == "Vera revoked it: drift"
    assert scene.actions(second)[-1] == "withdrawn"


def test_a13_with_no_valid_version_left_the_answer_says_who_and_why_in_the_protocols_form(scene):
    first = scene.deploy("old", "1")
    scene.revoke(first)
    scene.controller.reconcile()
    answer = scene.serving.client.post("/endpoints/churn/invocations", json={"dataframe_records": [{"age": 64.0}]})
    assert answer.status_code == 503
    assert answer.json()["error_code"] == "TEMPORARILY_UNAVAILABLE"
    assert answer.json()["message"] == "nothing is live at churn: churn/1 is withdrawn (Vera revoked it: drift)"


def test_a13_the_version_to_roll_back_to_must_itself_be_valid(scene):
    first, second = scene.deploy("old", "1"), scene.deploy("young", "2")
    scene.revoke(first)
    scene.revoke(second)
    scene.controller.reconcile()
    assert scene.ask()[0][0] == 503
    assert scene.actions(second)[-1] == "withdrawn"


def test_a13_where_the_policy_says_alarm_it_runs_on_and_a_human_is_told_once(scene):
    scene.policy_file.write_text(rule('on_revoke = "alarm"\nolder_policy = "accept"'))
    first = scene.deploy("old", "1")
    scene.revoke(first)
    for _ in range(3):
        scene.later(minutes=11)
    assert scene.ask() == [(200, "churn/1")]
    (alert,) = [text for text in texts(scene) if "revoked" in text]
    assert alert == "churn/1: it goes on running, and would not be started now: Vera revoked it: drift"


def test_a13_what_was_revoked_while_nobody_looked_is_not_started_again(scene):
    first = scene.deploy("old", "1")
    scene.target.stop_all()
    scene.revoke(first)
    scene.start()
    assert not scene.target.running(first.id)
    assert scene.ask()[0][0] == 503


def test_l1_a_revocation_taken_out_of_the_database_is_told_when_what_runs_is_looked_over(scene):
    first = scene.deploy("old", "1")
    scene.target.stop_all()
    scene.revoke(first)
    with sqlite3.connect(scene.ledger.url.removeprefix("sqlite:///")) as database:
        database.execute('DELETE FROM ledger_entries WHERE "index" = (SELECT max("index") FROM ledger_entries)')
    scene.start()
    scene.controller.reconcile()
    assert [text for text in texts(scene) if text.startswith("the ledger's entries: E-LOG the ledger has")]


def test_a_clock_that_was_put_back_does_not_end_the_looks(scene):
    """A machine that starts with a wrong date, and is set right: its copies are looked at as before."""
    request = scene.deploy("old", "1")
    scene.later(minutes=11)
    (scene.root / "admitted" / request.id / "model" / "model.pkl").write_bytes(b"changed")
    scene.later(minutes=-5)
    assert any("it is fetched and verified anew" in text for text in texts(scene))


def test_a13_a_canary_that_is_revoked_loses_its_share(scene):
    scene.deploy("old", "1")
    second = scene.deploy("young", "2", rollout=CANARY)
    scene.revoke(second)
    scene.controller.reconcile()
    assert scene.states() == [("churn/1", "live", 100), ("churn/2", "withdrawn", 0)]


# Keys (A7) ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given_up", "stays"),
    [
        ("compromised_since = 2026-01-01T00:00:00Z", False),
        ("revoked = 2000-01-01T00:00:00Z", False),
        ("until = 2100-01-01", True),
    ],
    ids=["A7 compromised since before", "A7 revoked before signing", "A7 ends later"],
)
def test_a_version_whose_approval_rests_on_a_key_that_was_given_up_goes(scene, given_up, stays):
    first = scene.deploy("old", "1")
    public = key("Vera").public
    text = rule('older_policy = "accept"').replace(f'"{public}"', f'"{public}", {given_up}')
    scene.policy_file.write_text(text)
    scene.controller.reconcile()
    assert (scene.ask()[0][0] == 200) == stays
    assert (scene.release(first).state == "live") == stays
    if not stays:
        assert "E-REVOKED" in scene.release(first).steps[-1].reason


# Days -----------------------------------------------------------------------------------------------------------------


def test_the_end_of_an_approval_stops_nothing_and_is_told_before(scene):
    scene.deploy("old", "1")  # 30 days
    for days in (1, 21, 1.5, 1, 5, 1, 0.1, 1, 1):
        scene.later(days=days)
    assert scene.ask() == [(200, "churn/1")]
    told = [text for text in texts(scene) if "approval ends" in text]
    assert [text.split("in less than ")[1].split(";")[0] for text in told] == ["7 days", "a day"]
    (ended,) = [text for text in texts(scene) if "E-EXPIRED" in text]
    assert ended.startswith("churn/1: it goes on running, and would not be started now:")


def test_an_approval_of_a_year_is_told_of_30_days_before_its_end_too(scene):
    scene.policy_file.write_text(rule("expires_days = 365"))
    scene.deploy("old", "1")
    scene.later(days=334)
    assert [text for text in texts(scene) if "approval ends" in text] == []
    scene.later(days=1, hours=1)
    assert [text for text in texts(scene) if "in less than 30 days" in text]


def test_it_stops_what_runs_where_the_policy_says_so(scene):
    scene.policy_file.write_text(rule('on_expiry = "withdraw"\nolder_policy = "accept"'))
    first = scene.deploy("old", "1")
    scene.later(days=29)
    assert scene.ask()[0][0] == 200
    scene.later(days=2)
    assert scene.release(first).state == "withdrawn"
    status, message = scene.ask()[0]
    assert status == 503
    assert "expired on" in message


# Bytes ----------------------------------------------------------------------------------------------------------------


def flip(folder) -> None:
    file = folder / "model.pkl"
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(bytes(data))


def test_b1_a_private_copy_that_changed_is_found_on_the_timer_and_made_anew(scene):
    first = scene.deploy("old", "1")
    copy = scene.root / "admitted" / first.id / "model"
    flip(copy)
    scene.later(minutes=9)
    assert texts(scene) == []
    scene.later(minutes=2)
    (alert,) = texts(scene)
    assert "E-DIGEST" in alert
    assert scene.ask() == [(200, "churn/1")]
    assert (copy / "model.pkl").read_bytes() == (scene.stored("1") / "model.pkl").read_bytes()


def test_b1_b7_a_copy_and_a_store_that_changed_are_never_loaded_again(scene):
    first = scene.deploy("old", "1")
    flip(scene.root / "admitted" / first.id / "model")
    flip(scene.stored("1"))
    scene.target.stop_all()
    scene.start()
    status, message = scene.ask()[0]
    assert status == 503
    assert message.startswith("nothing is live at churn: churn/1 cannot be started again (E-DIGEST")
    assert not scene.target.running(first.id)
    assert any("E-DIGEST" in text and "is for sha256:" in text for text in texts(scene))


def test_b7_a_store_that_changed_after_admission_does_not_matter(scene):
    scene.deploy("old", "1")
    flip(scene.stored("1"))
    scene.target.stop_all()
    scene.start()
    assert scene.ask() == [(200, "churn/1")]


# Policy ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "newer",
    [
        rule("approvals = 2").replace("approvals = 2\napprovals = 1", "approvals = 2"),
        policy_text().replace('by = ["validator"]', 'by = ["risk"]'),
        policy_text() + '\n[floor]\ngates.performance.roc_auc = ">= 0.99"\n',
        policy_text().replace("[environments.production]", "[environments.elsewhere]"),
        policy_text() + '\n[floor]\nsensitive = ["sex"]\n',
    ],
    ids=["more signatures", "another role", "a higher floor", "no such environment", "a sensitive feature"],
)
def test_a_stricter_policy_starts_nothing_and_stops_nothing_that_runs(scene, newer):
    scene.deploy("old", "1")
    scene.policy_file.write_text(newer)
    scene.later(minutes=11)
    assert scene.ask() == [(200, "churn/1")]


# Files ----------------------------------------------------------------------------------------------------------------


def test_r1_an_evil_version_runs_nowhere_changes_no_traffic_and_the_ledger_says_so(scene, tmp_path):
    scene.deploy("old", "1")
    mark, evil = tmp_path / "it-ran", tmp_path / "evil"
    evil.mkdir()
    (evil / "MLmodel").write_bytes((scene.models["old"] / "MLmodel").read_bytes())
    (evil / "model.pkl").write_bytes(f"cos\nsystem\n(S'touch {mark}'\ntR.".encode())
    scene.models = {**scene.models, "evil": evil}
    request = scene.deploy("evil", "2")
    assert scene.ask(3) == [(200, "churn/1")] * 3
    assert scene.actions(request) == ["refused"]
    (said,) = scene.chain().deployments[request.id]
    assert said.predicate.reason.startswith("E-SCAN model.pkl: os.system: it reaches what no model needs")
    assert not mark.exists()
    assert not (scene.root / "admitted" / request.id).exists()


def test_r5_advisories_that_cannot_be_read_hold_a_release_up_and_are_said(scene):
    advisories = scene.root / "advisories.json"
    scene.controller.intake._advisories = advisories
    advisories.write_text("{")
    request = scene.deploy("old", "1")
    assert scene.release(request).state == "waiting"
    assert any("E-ADVISORY" in text for text in texts(scene))
    for seconds in (1, 6, 1, 6):
        scene.later(seconds=seconds)
    (alert,) = scene.journal.alerts()  # however often it was tried
    assert alert.over is None
    advisories.write_text('{"id": "PYSEC-1", "affected": []}')
    scene.later(seconds=6)
    assert scene.release(request).state == "live"
    (alert,) = scene.journal.alerts()
    assert alert.over is not None
