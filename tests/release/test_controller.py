"""The controller from approval to traffic and back, with real statements, workers and requests."""

from __future__ import annotations

import shutil

import pytest
from tests.release.scene import CANARY, policy_text

from nbdeploy.documents.objective import Rollout


def test_an_approved_request_goes_live_and_an_unapproved_one_does_not(scene):
    request = scene.request("old", "1")
    scene.controller.reconcile()
    assert scene.states() == []
    assert scene.ask()[0][0] == 404
    scene.approve(request)
    scene.controller.reconcile()
    assert scene.ask() == [(200, "churn/1")]
    assert scene.actions(request) == ["started", "completed"]
    (started, _) = scene.chain().deployments[request.id]
    assert started.subjects["approval-1"] == scene.chain().decisions[request.id][0].digest


def test_dev_needs_no_signature_and_has_an_address_of_its_own(scene):
    scene.request("old", "1", environment="dev")
    scene.controller.reconcile()
    assert scene.ask(address="dev/churn") == [(200, "churn/1")]
    assert scene.ask()[0][0] == 404
    assert scene.shelf.pointing == {"candidate": "1"}


def test_a_changed_model_byte_is_refused_and_changes_no_traffic(scene):
    scene.deploy("old", "1")
    request = scene.request("young", "2")
    scene.approve(request)
    with (scene.stored("2") / "model.pkl").open("ab") as stream:
        stream.write(b"!")
    scene.controller.reconcile()
    assert scene.release(request).state == "refused"
    assert "E-DIGEST" in scene.release(request).steps[-1].reason
    assert scene.actions(request) == ["refused"]
    assert scene.ask(3) == [(200, "churn/1")] * 3
    assert not (scene.root / "admitted" / request.id).exists()


def test_a_swapped_card_is_refused(scene):
    request = scene.request("old", "1")
    scene.approve(request)
    scene.documents[request.digests.evidence]["card.json"] += b" "
    scene.controller.reconcile()
    assert scene.release(request).state == "refused"
    assert scene.ask()[0][0] == 503


def test_a_model_that_does_not_load_is_refused_and_changes_no_traffic(scene, tmp_path):
    scene.deploy("old", "1")
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "MLmodel").write_text((scene.models["old"] / "MLmodel").read_text())
    scene.models = scene.models | {"broken": broken}
    request = scene.deploy("broken", "2")
    assert scene.release(request).state == "refused"
    assert "does not load" in scene.release(request).steps[-1].reason
    assert scene.ask(3) == [(200, "churn/1")] * 3


def test_a_strategy_that_is_not_there_yet_is_refused_in_a_sentence(scene):
    request = scene.deploy("old", "1", rollout=Rollout(strategy="shadow"))
    assert scene.release(request).state == "refused"
    assert "not available yet" in scene.release(request).steps[-1].reason


def test_a_canary_goes_to_all_traffic_when_enough_of_it_went_well(scene):
    scene.deploy("old", "1")
    request = scene.deploy("young", "2", rollout=CANARY)
    assert scene.states() == [("churn/1", "live", 100), ("churn/2", "rolling", 10)]
    arms = scene.target.observations("churn").arms
    assert [(arm.version, arm.weight) for arm in arms] == [("churn/1", 90), ("churn/2", 10)]
    served = scene.target._served[request.id]
    for _ in range(800):
        served.counts.answered(5.0, 1)  # as 800 answers would; each over HTTP takes 10 ms
    scene.later(seconds=59)
    assert scene.release(request).weight == 10
    scene.later(seconds=2)
    assert scene.states() == [("churn/1", "superseded", 0), ("churn/2", "live", 100)]
    assert scene.ask(5) == [(200, "churn/2")] * 5
    assert scene.actions(request) == ["started", "promoted", "completed"]
    assert scene.target.running(scene.journal.release(request.id).previous)  # warm until the bake ends
    scene.later(minutes=2)
    assert not scene.target.running(scene.journal.release(request.id).previous)


def test_a_canary_without_enough_traffic_is_held_for_a_human(scene):
    scene.deploy("old", "1")
    request = scene.deploy("young", "2", rollout=CANARY)
    scene.later(minutes=2)
    assert scene.release(request).state == "held"
    assert "too few requests to tell" in scene.release(request).steps[-1].reason
    scene.later(minutes=2)
    assert scene.actions(request) == ["started", "held"]
    done, answer = scene.command("promote")
    assert (done, answer) == (True, "churn/2 has 100 % of the traffic")
    assert scene.release(request).state == "live"


def test_a_canary_that_fails_is_rolled_back_and_nobody_is_left_without_an_answer(scene):
    scene.deploy("old", "1")
    request = scene.deploy("temperamental", "2", rollout=Rollout(steps=(50, 100), bake_minutes=30))
    statuses = [status for status, _ in scene.ask(60, row={"age": 14.0})]  # churn/2 raises at this age
    assert set(statuses) == {200, 500}
    scene.later(seconds=1)
    assert scene.release(request).state == "rolled_back"
    assert "error rate" in scene.release(request).steps[-1].reason
    assert scene.actions(request) == ["started", "rolled_back"]
    assert scene.ask(5, row={"age": 14.0}) == [(200, "churn/1")] * 5
    assert not scene.target.running(request.id)


def test_rollback_is_one_command(scene):
    first = scene.deploy("old", "1")
    second = scene.deploy("young", "2")
    scene.later(seconds=1)
    assert scene.ask() == [(200, "churn/2")]
    assert scene.command("rollback", reason="complaints") == (True, "churn/1 has all traffic again")
    assert scene.ask(3) == [(200, "churn/1")] * 3
    assert scene.states() == [("churn/1", "live", 100), ("churn/2", "rolled_back", 0)]
    assert scene.actions(second)[-1] == "rolled_back"
    assert scene.actions(first)[-1] == "promoted"
    assert "rollback by Ana: complaints" in scene.release(second).steps[-1].reason


def test_after_the_bake_it_is_said_that_nothing_watches_any_more(scene):
    request = scene.deploy("old", "1")
    scene.later(seconds=1)
    assert scene.release(request).steps[-1].reason.endswith("no guardrail watches it any more")


def test_rollback_after_the_bake_admits_the_previous_version_again(scene):
    first, second = scene.deploy("old", "1"), scene.deploy("young", "2")
    scene.later(minutes=1)
    assert not scene.target.running(first.id)
    shutil.rmtree(scene.root / "admitted" / first.id)  # even its copy is gone: it is fetched and verified anew
    assert scene.command("rollback") == (True, "churn/1 has all traffic again")
    assert scene.ask(3) == [(200, "churn/1")] * 3
    assert (scene.actions(first)[-1], scene.actions(second)[-1]) == ("promoted", "rolled_back")


def test_rollback_after_the_bake_to_a_version_whose_approval_ended_says_so_and_changes_nothing(scene):
    first, second = scene.deploy("old", "1"), scene.deploy("young", "2")
    scene.later(days=31)
    done, answer = scene.command("rollback")
    assert not done
    assert answer.startswith(
        "churn/2 keeps its traffic, because no version before it may take over (churn/1: E-EXPIRED"
    )
    assert f"nbdeploy signoff {first.id}" in answer
    assert "\n" not in answer
    assert scene.ask(3) == [(200, "churn/2")] * 3
    assert scene.actions(second) == ["started", "completed"]
    scene.approve(first)
    assert scene.command("rollback") == (True, "churn/1 has all traffic again")


def test_a_withdrawn_version_goes_even_if_nothing_may_take_over(scene):
    scene.deploy("old", "1")
    second = scene.deploy("young", "2")
    scene.later(days=31)
    scene.revoke(second)
    scene.controller.reconcile()
    assert scene.release(second).state == "withdrawn"
    status, sentence = scene.ask()[0]
    assert status == 503
    assert sentence == "nothing is live at churn: churn/2 is withdrawn (Vera revoked it: drift)"


def test_rollback_of_the_first_release_answers_503_with_the_reason(scene):
    scene.deploy("old", "1")
    done, answer = scene.command("rollback")
    assert done
    assert "answers 503" in answer
    status, sentence = scene.ask()[0]
    assert status == 503
    assert "churn/1 is rolled back (rollback by Ana)" in sentence
    done, answer = scene.command("rollback")
    assert not done
    assert "nothing is live at churn" in answer


def test_pause_keeps_a_canary_where_it_is_until_it_is_resumed(scene):
    scene.deploy("old", "1")
    request = scene.deploy("young", "2", rollout=Rollout(steps=(10, 100), bake_minutes=0, guardrails={}))
    paused = scene.deploy("old", "3", rollout=Rollout(steps=(10, 100), bake_minutes=5, guardrails={}))
    assert scene.command("pause")[0]
    scene.later(minutes=10)
    assert (scene.release(paused).state, scene.release(paused).weight) == ("held", 10)
    assert scene.command("resume")[0]
    scene.later(seconds=1)
    assert scene.release(paused).state == "live"
    assert scene.release(request).state == "superseded"
    done, answer = scene.command("abort")
    assert not done
    assert "churn/3 is live; there is no rollout to abort" in answer


def test_abort_gives_the_traffic_back(scene):
    scene.deploy("old", "1")
    request = scene.deploy("young", "2", rollout=CANARY)
    assert scene.command("abort") == (True, "churn/1 has all traffic again")
    assert scene.release(request).state == "rolled_back"
    assert scene.ask(3) == [(200, "churn/1")] * 3


def test_a_command_about_nothing_is_answered(scene):
    done, answer = scene.command("pause")
    assert not done
    assert "nothing was ever deployed at churn" in answer


def test_a_revoked_approval_takes_its_version_away(scene):
    scene.deploy("old", "1")
    second = scene.deploy("young", "2")
    scene.revoke(second)
    scene.controller.reconcile()
    assert scene.states() == [("churn/1", "live", 100), ("churn/2", "withdrawn", 0)]
    assert scene.ask(3) == [(200, "churn/1")] * 3
    assert scene.actions(second)[-1] == "withdrawn"


def test_rollback_goes_past_a_revoked_version(scene):
    scene.deploy("old", "1")
    second = scene.deploy("young", "2")
    scene.deploy("old", "3")
    scene.revoke(second)
    assert scene.command("rollback") == (True, "churn/1 has all traffic again")


def test_a_killed_controller_resumes_in_the_middle_of_a_rollout(scene):
    scene.deploy("old", "1")
    request = scene.deploy("young", "2", rollout=CANARY)
    scene.target.stop_all()  # what a crash leaves of the workers
    scene.start()
    assert {version for _, version in scene.ask(40)} == {"churn/1", "churn/2"}
    scene.controller.reconcile()
    assert scene.states() == [("churn/1", "live", 100), ("churn/2", "rolling", 10)]
    assert scene.actions(request) == ["started"]


def test_a_controller_killed_between_journal_and_ledger_says_everything_once(scene, monkeypatch):
    request = scene.request("old", "1")
    scene.approve(request)
    with monkeypatch.context() as patch:
        patch.setattr(scene.controller.book, "log_statements", lambda: None)  # the moment of death: written, not logged
        scene.controller.reconcile()
    assert scene.actions(request) == []
    scene.target.stop_all()
    scene.start()
    scene.controller.reconcile()
    scene.controller.reconcile()
    assert scene.actions(request) == ["started", "completed"]


def test_a_controller_killed_after_the_last_step_finishes_the_release(scene, monkeypatch):
    first = scene.deploy("old", "1")
    with monkeypatch.context() as patch:
        patch.setattr(scene.controller.moves, "finish", lambda *_: None)  # the moment of death
        second = scene.deploy("young", "2")
    scene.target.stop_all()
    scene.start()
    scene.controller.reconcile()
    assert scene.states() == [("churn/1", "superseded", 0), ("churn/2", "live", 100)]
    assert scene.ask(3) == [(200, "churn/2")] * 3
    assert scene.actions(second) == ["started", "completed"]
    assert scene.actions(first) == ["started", "completed"]


def test_of_two_waiting_requests_the_later_one_is_deployed(scene):
    first, second = scene.request("old", "1"), scene.request("young", "2")
    scene.approve(first)
    scene.approve(second)
    scene.controller.reconcile()
    assert scene.states() == [("churn/1", "superseded", 0), ("churn/2", "live", 100)]
    assert scene.actions(first) == []


def test_a_request_waits_while_another_version_is_rolled_out(scene):
    scene.deploy("old", "1")
    second = scene.deploy("young", "2", rollout=CANARY)
    third = scene.deploy("old", "3")
    assert (scene.release(second).state, scene.release(third).state) == ("rolling", "waiting")
    scene.command("promote")
    scene.controller.reconcile()
    assert scene.release(third).state == "live"


def test_an_unreadable_policy_starts_nothing_and_stops_nothing(scene):
    scene.deploy("old", "1")
    request = scene.request("young", "2")
    scene.approve(request)
    scene.policy_file.write_text("version = ")
    scene.controller.reconcile()
    assert scene.journal.release(request.id) is None
    assert scene.ask() == [(200, "churn/1")]
    assert any("E-POLICY" in alert.text for alert in scene.journal.alerts())
    scene.policy_file.write_text(policy_text(version=2))
    scene.approve(request)  # A11: the first approval was under another policy
    scene.controller.reconcile()
    assert scene.release(request).state == "live"


def test_a_model_that_the_policy_only_observes_is_left_alone(scene):
    scene.policy_file.write_text(policy_text().replace('"enforce"', '"observe"'))
    scene.deploy("old", "1")
    assert scene.states() == []


def test_an_approval_that_expired_while_waiting_starts_nothing(scene):
    request = scene.request("old", "1")
    scene.approve(request)
    scene.later(days=31)
    assert scene.states() == []


def test_aliases_follow_what_is_live_and_one_moved_by_hand_raises_an_alert(scene):
    scene.deploy("old", "1")
    scene.deploy("young", "2")
    assert scene.shelf.pointing == {"champion": "2", "previous": "1", "candidate": "2"}
    assert scene.shelf.tags["2"]["standing"] == "live"
    assert scene.shelf.weights[-1][1:] == (100, "live")
    scene.shelf.pointing["champion"] = "7"
    scene.controller.reconcile()
    assert scene.ask() == [(200, "churn/2")]
    assert scene.shelf.pointing["champion"] == "7"
    (alert,) = scene.journal.alerts()
    assert "moved to version 7 without an approval; nothing was deployed" in alert.text
    scene.command("rollback")
    assert scene.shelf.pointing == {"champion": "1", "candidate": "2"}


def test_a_registry_that_is_down_holds_up_no_traffic(scene):
    scene.shelf.down = True
    scene.deploy("old", "1")
    assert scene.ask() == [(200, "churn/1")]
    scene.shelf.down = False
    scene.controller.reconcile()
    assert scene.shelf.pointing == {"champion": "1", "candidate": "1"}


@pytest.mark.parametrize("weight", [5, 50])
def test_the_first_release_is_never_shared_with_nobody(scene, weight):
    request = scene.deploy("old", "1", rollout=Rollout(steps=(weight, 100), bake_minutes=30))
    assert scene.release(request).weight == 100
    assert scene.ask(3) == [(200, "churn/1")] * 3
