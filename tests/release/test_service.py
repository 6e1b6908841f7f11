"""The service as its users run it: a process of its own, MLflow's real registry, real HTTP, real signals."""

from __future__ import annotations

import signal
import socket
import threading
from typing import Self

import httpx
import pytest
from tests.registry.store import empty_store
from tests.release.project import RealProject
from tests.release.scene import key

from nbdeploy.documents.objective import Rollout
from nbdeploy.release.running import service_state
from nbdeploy.trust.ledger.remote import RemoteLedger

pytestmark = pytest.mark.slow
ROW = {"dataframe_records": [{"age": 64.0}]}


class Callers:
    """Two callers that never tire."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.answers: list[tuple[int, str | None]] = []
        self.unanswered = 0
        self.stop = threading.Event()
        self.threads = [threading.Thread(target=self.call) for _ in range(2)]

    def __enter__(self) -> Self:
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_) -> None:
        self.stop.set()
        for thread in self.threads:
            thread.join()

    def call(self) -> None:
        with httpx.Client(timeout=60) as client:
            while not self.stop.wait(0.05):
                try:
                    answer = client.post(self.address, json=ROW)
                except httpx.TransportError:
                    self.unanswered += 1
                else:
                    self.answers.append((answer.status_code, answer.json().get("version")))


@pytest.fixture
def project(tmp_path, tmp_path_factory, models):
    project = RealProject(tmp_path / "a project", models, empty_store(tmp_path_factory))
    yield project
    for process in project.processes:
        process.kill()
        process.wait()


def test_an_approval_goes_live_survives_a_crash_and_ends_in_order(project):
    process = project.start()
    address = project.url() + "/endpoints/churn/invocations"
    assert httpx.post(address, json=ROW).status_code == 404

    project.deploy("old", "1")
    project.wait_for("live")
    answer = httpx.post(address, json=ROW).json()
    assert (answer["predictions"], answer["version"]) == ([1], "churn/1")
    project.wait_until(lambda: project.registry.aliases("churn") == {"candidate": "1", "champion": "1"})
    afar = RemoteLedger(project.url(), public=key("ledger").public, folder=project.root / "colleague")
    project.wait_until(lambda: len(afar.verify()) > 4)  # what was asked and approved, and what the controller signed

    process.kill()
    process.wait()
    assert service_state(project.state / "service.json") is None
    again = project.start()
    address = project.url() + "/endpoints/churn/invocations"
    project.wait_until(lambda: httpx.post(address, json=ROW).status_code == 200)

    again.send_signal(signal.SIGTERM)
    assert again.wait(60) == 0
    assert not (project.state / "service.json").exists()
    assert all("sees the ledger for the first time" in line for line in project.log().splitlines())


def test_a_killed_controller_resumes_its_canary_and_ctrl_c_ends_it_while_requests_come(project):
    """Whoever asks is answered 200 or 503, or finds nobody at the address while no process is there."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = project.start(port)
    project.deploy("old", "1")
    project.wait_for("live")
    canary = project.deploy("young", "2", rollout=Rollout(steps=(50, 100), bake_minutes=60, guardrails={}))
    project.wait_for("rolling")
    with Callers(f"http://127.0.0.1:{port}/endpoints/churn/invocations") as callers:
        both = {(200, "churn/1"), (200, "churn/2")}
        project.wait_until(lambda: both <= set(callers.answers))
        process.kill()
        process.wait()
        project.wait_until(lambda: callers.unanswered > 0)
        before = len(callers.answers)
        again = project.start(port)
        project.wait_until(lambda: both <= set(callers.answers[before:]))
        project.journal.ask("churn", "promote", by="Ana")
        project.wait_until(lambda: callers.answers[-20:] == [(200, "churn/2")] * 20)
        again.send_signal(signal.SIGINT)
        assert again.wait(60) == 0
    assert not (project.state / "service.json").exists()
    assert {status for status, _ in callers.answers} <= {200, 503}
    said = project.chain().deployments[canary.id]
    assert [logged.predicate.action for logged in said] == ["started", "promoted", "completed"]
    assert all("sees the ledger for the first time" in line for line in project.log().splitlines())


def test_a_second_service_and_a_port_in_use_are_one_sentence_each(project):
    project.start()
    second = project.run("--port", "0")
    assert second.returncode == 2
    assert "another controller works on this ledger" in second.stderr
    assert "Traceback" not in second.stderr
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        refused = project.run("--port", str(taken.getsockname()[1]))
    assert refused.returncode == 2
    assert "is in use" in refused.stderr


def test_a_policy_that_cannot_be_read_is_one_sentence(project):
    project.policy.write_text("version = ")
    refused = project.run("--port", "0")
    assert refused.returncode != 0
    assert "E-POLICY" in refused.stderr
    assert "Traceback" not in refused.stderr
