"""The service as a project starts it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from nbdeploy import flow
from nbdeploy.errors import ServiceError
from nbdeploy.release.running import STATE, service_process, service_state


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    flow.init(tmp_path / "p", preset="solo", person="Ana Author")
    monkeypatch.chdir(tmp_path / "p")
    return tmp_path / "p"


def test_a_target_that_is_not_there_is_refused_by_name(project: Path):
    settings = project / "nbdeploy.toml"
    settings.write_text(settings.read_text() + '\n[serve]\ntarget = "ray"\n')
    with pytest.raises(ServiceError, match="names the target 'ray'"):
        flow.up()


def test_nothing_to_stop_is_one_sentence(project: Path):
    with pytest.raises(ServiceError, match="nbdeploy up"):
        flow.down()
    assert flow.down(missing_ok=True).url is None


def test_steering_needs_a_running_service(project: Path):
    flow.declare(b"name: churn\ntask: binary\ntarget: left\ngates: {performance: {roc_auc: '>= 0.6'}}\n")
    with pytest.raises(ServiceError, match="nbdeploy up"):
        flow.rollback("churn")


@pytest.mark.slow
def test_a_service_in_a_terminal_ends_with_its_command_and_one_that_hangs_is_told_of(project: Path):
    """SIGTERM reaches the command alone when a supervisor or a container's runtime sends it."""
    flow.declare(b"name: churn\ntask: binary\ntarget: left\ngates: {performance: {roc_auc: '>= 0.6'}}\n")
    state = project / ".nbdeploy" / STATE
    command = subprocess.Popen([sys.executable, "-m", "nbdeploy.cli", "up", "--port", "0"])
    try:
        while service_state(state) is None:
            assert command.poll() is None
            time.sleep(0.1)
        serving = service_process(state)
        os.kill(serving.pid, signal.SIGSTOP)
        told = rf"process {serving.pid}\) does not answer at {serving.url}"
        for verb in (flow.up, lambda: flow.rollback("churn")):
            with pytest.raises(ServiceError, match=told) as refused:
                verb()
            assert refused.value.next == "nbdeploy down, then nbdeploy up"
        os.kill(serving.pid, signal.SIGCONT)
        command.terminate()
        assert command.wait(60) == 0
        assert service_process(state) is None
        assert not state.exists()
    finally:
        command.kill()
        command.wait()
