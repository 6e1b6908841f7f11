"""A runner without the ledger: it seals what it measured, somebody submits it, and from there all goes as ever."""

from __future__ import annotations

import shutil
import warnings
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.admission.world import key
from tests.trust.answering import answering

from nbdeploy import flow
from nbdeploy.documents.statements import ObjectivePredicate, ValidationPredicate
from nbdeploy.errors import (
    DigestError,
    DraftError,
    FormatError,
    ProjectError,
    RoleError,
    ServiceError,
    SignatureError,
)
from nbdeploy.flow.project import Project
from nbdeploy.flow.validation.sealing import sealed_lines
from nbdeploy.trust.digests import bytes_digest
from nbdeploy.trust.envelopes import sign
from nbdeploy.trust.ledger.service import LedgerService

OBJECTIVE = b"""
name: loan
task: binary
target: repaid
positive: 1
gates:
  performance: {roc_auc: ">= 0.6"}
"""
NOWHERE = '\n[ledger]\nurl = "postgresql+psycopg://nobody@127.0.0.1:9/nothing"\n'


class Team:
    """A host that keeps the ledger, an author who reaches it over HTTP, and a runner that reaches nothing."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root = root
        self._monkeypatch = monkeypatch
        flow.init(root / "host", preset="team", person="Ana Author")
        public = flow.create_key("vera", passphrase=b"word")[1]
        self.stand("host")
        flow.add_person("Vera Validator", roles=["validator"], public=public)
        key, named = flow.create_key("ci")
        policy = root / "host" / "policy.toml"
        policy.write_text(f'{policy.read_text()}\n[[services]]\nname = "ci"\nroles = ["runner"]\n'
                          f'keys = [{{public = "{named}"}}]\n')  # fmt: skip
        flow.declare(OBJECTIVE)
        for name, workstation in (("author", root / "host/.nbdeploy/keys/workstation.pem"), ("runner", key)):
            keys = root / name / ".nbdeploy" / "keys"
            shutil.copytree(root / "host", root / name, ignore=shutil.ignore_patterns(".nbdeploy"))
            keys.mkdir(parents=True)
            shutil.copy(workstation, keys / "workstation.pem")
        self.settings("runner", NOWHERE)

    def settings(self, name: str, more: str) -> None:
        file = self.root / name / "nbdeploy.toml"
        file.write_text(file.read_text().partition("\n[ledger]")[0] + more)

    def stand(self, name: str) -> Path:
        self._monkeypatch.chdir(self.root / name)
        return self.root / name


@pytest.fixture
def team(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Team:
    return Team(tmp_path, monkeypatch)


@pytest.fixture
def service(team: Team):
    """The host's ledger, served; the author's settings name it."""
    team.stand("host")
    host = Project.require()
    with answering(LedgerService(host.ledger, lambda: host.policy).app) as url:
        team.settings("author", f'\n[ledger]\nurl = "{url}"\n')
        yield


@pytest.fixture(scope="module")
def applicants() -> pd.DataFrame:
    rng = np.random.default_rng(7)
    quality = rng.normal(size=600)
    return pd.DataFrame({"quality": quality, "repaid": (quality + rng.normal(size=600) > 0).astype(int)})


@pytest.fixture(scope="module")
def model(applicants: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from sklearn.linear_model import LogisticRegression

    frame = applicants[["quality"]]
    folder = tmp_path_factory.mktemp("model") / "loan"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MLflow's own hints on saving
        import mlflow.sklearn
        from mlflow.models import infer_signature

        fitted = LogisticRegression().fit(frame, applicants["repaid"])
        signature = infer_signature(frame, fitted.predict(frame))
        mlflow.sklearn.save_model(fitted, folder, signature=signature, serialization_format="cloudpickle")
    return folder


def seal(team: Team, model: Path, applicants: pd.DataFrame) -> tuple[Path, Path]:
    """Validate where there is no ledger; return what was sealed and the run."""
    home = team.stand("runner")
    file, run = home / "sealed.jsonl", home / "run"
    done = flow.validate("loan", model=model, data=applicants, sections=("performance",), sealed=file, out=run,
                         previous="none")  # fmt: skip
    assert (done.overall, done.recorded, done.evidence.run.attempt) == ("pass", False, None)
    assert any(line.startswith("Sealed without the ledger") for line in done.evidence.warnings)
    assert f"nbdeploy ledger submit {file} --run {run}" in done.show().text()
    return file, run


@pytest.mark.slow
def test_a_runner_without_the_ledger_gets_its_model_approved(team: Team, service, model, applicants):
    """The whole path: sealed, submitted through the service, asked for, signed; numbered by the ledger."""
    sealed, run = seal(team, model, applicants)
    assert not (team.root / "runner" / ".nbdeploy" / "ledger.db").exists()
    team.stand("author")
    tampered = team.root / "tampered"
    for name, told in (("evidence.json", "no envelope signs"), ("card.html", "is not what was signed")):
        shutil.copytree(run, tampered, dirs_exist_ok=True)
        (tampered / name).write_bytes((tampered / name).read_bytes() + b" ")
        with pytest.raises(DigestError, match=told):
            flow.submit([sealed], run=tampered)
    earlier = earlier_attempt()
    done = flow.submit([sealed], run=run)
    assert [(line.kind, line.word) for line in done.lines] == [("validation", "attempt 2")]
    again = flow.submit([sealed], run=run)
    assert (again.lines, again.run) == (done.lines, done.run)
    assert Project.require().chain().attempts[earlier] == 1
    assert done.run == Project.require().run("loan").folder
    assert Project.require().run("loan").label == "attempt 2"
    asked = flow.deploy("loan", to="production")
    ends = (datetime.now(UTC) + timedelta(days=20)).date()
    decided = flow.sign_off(
        asked.request.id,
        decision="approval",
        key="vera",
        passphrase=lambda: b"word",
        waive=[(gate, "our own build", ends) for gate in asked.request.scan],
    )
    assert decided.state == "approved"
    log = flow.audit_log(request=asked.request.id)
    assert [(line.statement, line.by) for line in log.lines] == [
        ("objective", "Ana Author (workstation)"),
        ("validation", "ci"),
        ("request", "Ana Author (workstation)"),
        ("decision", "Vera Validator"),
    ]
    assert not flow.audit("loan").problems


def earlier_attempt() -> str:
    """Log another validation of the objective, as somebody else at the same time."""
    project = Project.require()
    said = ValidationPredicate(objective="loan", model="loan", attempt=1, overall="pass", gates={}, by="Ana Author",
                               finished=datetime.now(UTC))  # fmt: skip
    subjects = dict.fromkeys(("evidence", "card", "card.html", "objective"), bytes_digest(b"other"))
    return project.ledger.append(sign(said, subjects, project.workstation)).digest


def test_only_what_could_be_submitted_is_sealed(team: Team, applicants, tmp_path: Path):
    """Before anything is measured: an objective that nobody declared, and a key that the policy does not name."""
    home = team.stand("runner")
    other = home / "other.yaml"
    other.write_bytes(OBJECTIVE.replace(b"0.6", b"0.7"))
    with pytest.raises(ProjectError, match="only a declared objective"):
        flow.validate(other, predictions=applicants, sealed=home / "sealed")
    with pytest.raises(DraftError):
        flow.validate("loan", predictions=applicants, sealed=home / "sealed", draft=True)
    stranger = home / ".nbdeploy" / "keys" / "workstation.pem"
    stranger.unlink()
    flow.create_key("stranger", file=stranger)
    with pytest.raises(RoleError, match="names nobody with this key"):
        flow.validate("loan", predictions=applicants, sealed=home / "sealed")


def test_of_a_file_with_one_envelope_that_does_not_count_nothing_is_logged(team: Team, tmp_path: Path):
    team.stand("host")
    project = Project.require()
    good = project.ledger.entries()[0].envelope
    said = ObjectivePredicate(name="loan", model="loan", declared=datetime.now(UTC), by="Ana Author")
    stranger = sign(said, {"objective": bytes_digest(b"text")}, key("stranger"))
    for name, data, refused in (
        ("nothing", b"", ProjectError),
        ("no envelope", b"hello", FormatError),
        ("a good one and none", good + b"\n{}\n", FormatError),
        ("a good one and a stranger's", good + b"\n" + stranger, SignatureError),
    ):
        (tmp_path / "file").write_bytes(data)
        with pytest.raises(refused):
            flow.submit([tmp_path / "file"])
        assert project.ledger.size == 1, name
    with pytest.raises(ProjectError, match="cannot be read"):
        flow.submit([tmp_path / "not there"])


def test_an_objective_that_was_declared_before_is_left_out(team: Team, tmp_path: Path):
    team.stand("host")
    good = Project.require().ledger.entries()[0].envelope
    (tmp_path / "sealed").write_bytes(good + b"\n")
    done = flow.submit([tmp_path / "sealed"])
    assert [(line.index, line.word) for line in done.lines] == [(None, "was declared before")]
    assert done.show().title == "0 envelopes in the ledger"


def test_envelopes_stand_one_a_line_or_one_on_many(tmp_path: Path):
    for data, found in ((b'{"a": 1}\n{"b": 2}\n', 2), (b'{\n "a": 1\n}\n', 1), (b'{"a": 1}', 1)):
        (tmp_path / "file").write_bytes(data)
        assert len(sealed_lines(tmp_path / "file")) == found


def test_a_service_that_is_away_is_one_sentence_everywhere(team: Team, tmp_path: Path):
    team.stand("author")
    team.settings("author", '\n[ledger]\nurl = "http://127.0.0.1:9"\n')
    for act in (flow.show_ledger, flow.audit_log, lambda: flow.declare(OBJECTIVE.replace(b"0.6", b"0.65"))):
        with pytest.raises(ServiceError, match="does not answer"):
            act()
