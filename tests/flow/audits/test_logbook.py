"""The audit log: who, as the policy names them; what counts for nothing, and why; only what was asked for."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from nbdeploy import flow
from nbdeploy.documents.statements import ObjectivePredicate, ValidationPredicate
from nbdeploy.errors import NotApprovedError, ProjectError
from nbdeploy.flow.project import Project
from nbdeploy.trust.digests import bytes_digest
from nbdeploy.trust.envelopes import sign
from nbdeploy.trust.keys import load_key

NOW = datetime.now(UTC)


def objective(project: Project, name: str, *, days: int, key: str = "workstation") -> None:
    said = ObjectivePredicate(name=name, model=name, declared=NOW - timedelta(days=days), by="Ana Author")
    signer = load_key(project.key_file(key), None)
    project.ledger.append(sign(said, {"objective": bytes_digest(name.encode())}, signer))


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Five entries: three objectives, one of them signed by the wrong service, a validation, and bytes of nobody."""
    flow.init(tmp_path / "p", preset="team", person="Ana Author")
    monkeypatch.chdir(tmp_path / "p")
    project = Project.require()
    objective(project, "churn", days=9)
    objective(project, "fraud", days=5, key="controller")
    project.ledger.append(b"bytes of nobody")
    said = ValidationPredicate(objective="churn", model="churn", overall="fail", gates={}, by="a name in a statement",
                               finished=NOW - timedelta(days=3))  # fmt: skip
    subjects = dict.fromkeys(("evidence", "card", "card.html", "objective"), bytes_digest(b"churn"))
    project.ledger.append(sign(said, subjects, project.workstation))
    objective(project, "loan", days=1)
    return project


def test_each_entry_is_told_with_whose_key_signed_it(project: Project):
    told = [(line.index, line.statement, line.about, line.says, line.by) for line in flow.audit_log().lines]
    who = "Ana Author (workstation)"
    assert told == [
        (0, "objective", "churn", "in force", who),
        (1, "objective", "fraud", "in force", ""),
        (2, "unreadable", "", "", ""),
        (3, "validation", "churn", "fail", who),
        (4, "objective", "loan", "in force", who),
    ]


def test_what_does_not_count_says_why(project: Project):
    lines = flow.audit_log().lines
    assert lines[1].ignored.startswith("E-ROLE controller signed a objective without the role author or runner")
    assert lines[2].ignored.startswith("E-FORMAT")
    assert [bool(line.ignored) for line in lines] == [False, True, True, False, False]
    assert "counts for nothing: E-ROLE" in flow.audit_log().show().text()
    assert lines[3].note == "attempt 1"


@pytest.mark.parametrize(
    ("asked", "indices"),
    [
        ({"name": "churn"}, [0, 3]),
        ({"name": "fraud"}, [1]),
        ({"name": "nothing"}, []),
        ({"last": 2}, [3, 4]),
        ({"name": "churn", "last": 1}, [3]),
        ({"since": f"{NOW - timedelta(days=4):%Y-%m-%d}"}, [3, 4]),
        ({"since": f"{NOW - timedelta(days=1, minutes=1):%Y-%m-%dT%H:%M}"}, [4]),
        ({"since": f"{NOW - timedelta(hours=13):%Y-%m-%dT%H:%M:%S}+12:00"}, [4]),
    ],
)
def test_only_what_was_asked_for_is_told(project: Project, asked: dict, indices: list[int]):
    shown = flow.audit_log(**asked)
    assert [line.index for line in shown.lines] == indices
    assert f"{len(indices)} of 5 entries" in shown.show().title


def test_a_filter_that_means_nothing_is_refused(project: Project):
    with pytest.raises(ProjectError, match="neither a day nor a moment"):
        flow.audit_log(since="yesterday")
    with pytest.raises(NotApprovedError, match="holds no request"):
        flow.audit_log(request="r-1")


def test_the_log_is_json_too(project: Project):
    facts = json.loads(json.dumps(flow.audit_log().facts()))
    assert (facts["size"], facts["broken"], len(facts["entries"])) == (5, "", 5)
    assert facts["entries"][0]["envelope"] == project.ledger.entries()[0].digest


def test_a_key_that_left_the_policy_is_told_as_that(project: Project):
    """The log says what counts now: by a policy without the key, its statements do not."""
    file = project.settings.policy_file
    other = flow.create_key("other")[1]
    public = load_key(project.key_file("workstation"), None).public
    file.write_text(file.read_text().replace(public, other))
    lines = flow.audit_log().lines
    assert all(line.ignored for line in lines)
    assert all(line.by == "" for line in lines)


def test_an_attempt_whose_documents_lie_nowhere_here_is_named(project: Project):
    """An auditor must not take “0 runs were held to what was signed” for “all is well”."""
    assert "Recorded in the ledger, and not in this project's folder: churn attempt 1." in flow.audit().lines


def test_documents_that_are_gone_are_problems_among_others(project: Project):
    folder = project.run_folder("churn", 1)
    folder.mkdir(parents=True)
    (folder / "evidence.json").write_bytes(b"churn")
    (folder / "objective.yaml").write_bytes(b"name: another\n")
    found = flow.audit("churn")
    assert found.exit_code == 1
    assert "churn attempt 1: card.json is missing" in found.problems
    assert "churn attempt 1: objective.yaml is not what was signed" in found.problems
    assert "1 recorded run with its card was held to what was signed." in found.lines
