"""The controller is killed while it takes a model in, and two are started at once: all is as it should be then."""

from __future__ import annotations

import time

import pytest
from tests.registry.store import empty_store
from tests.release.project import RealProject

from nbdeploy.trust.digests import model_digest

pytestmark = pytest.mark.slow


@pytest.fixture
def project(tmp_path, tmp_path_factory, models):
    project = RealProject(tmp_path / "a project", models, empty_store(tmp_path_factory))
    yield project
    for process in project.processes:
        process.kill()
        process.wait()


def test_a_controller_killed_between_download_verification_and_start_resumes_and_says_everything_once(project):
    process = project.start()
    request = project.deploy("old", "1")
    place = project.state / "models" / request.id
    moments = {
        "downloaded": (place / "download").exists,
        "verified": (place / "model").exists,
    }
    for reached in moments.values():
        end = time.monotonic() + 60
        while not reached():
            assert time.monotonic() < end, project.log()
        process.kill()
        process.wait()
        process = project.start()
    project.wait_for("live")
    project.wait_until(lambda: len(project.chain().deployments.get(request.id, ())) == 2)
    said = project.chain().deployments[request.id]
    assert [logged.predicate.action for logged in said] == ["started", "completed"]
    assert model_digest(place / "model") == request.digests.model
    assert sorted(path.name for path in place.iterdir()) == ["evidence.json", "model"]
    assert "Traceback" not in project.log()


def test_a10_of_two_deployers_that_start_at_once_one_works_and_one_statement_is_made(project):
    request = project.deploy("old", "1")
    first = project.begin()
    second = project.begin()
    project.wait_for("live")
    project.wait_until(lambda: None in (first.poll(), second.poll()) and {first.poll(), second.poll()} != {None})
    assert {first.poll(), second.poll()} == {None, 2}
    project.wait_until(lambda: len(project.chain().deployments.get(request.id, ())) == 2)
    said = [logged.predicate.action for logged in project.chain().deployments[request.id]]
    assert said == ["started", "completed"]
    assert "another controller works on this ledger" in project.log()
