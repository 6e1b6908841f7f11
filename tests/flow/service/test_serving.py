"""The service as a project starts it."""

from __future__ import annotations

from pathlib import Path

import pytest

from nbdeploy import flow
from nbdeploy.errors import ServiceError


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
