"""nbdeploy against a guarded MLflow server with accounts: who somebody is says their key, whatever MLflow is told."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.plugins.server import PASSWORD, Server

from nbdeploy import flow
from nbdeploy.cli import main
from nbdeploy.cli.demo import study as patients
from nbdeploy.errors import AccountError, AliasError, RoleError, SelfApprovalError
from nbdeploy.registry import Registry

pytestmark = pytest.mark.slow
PASSPHRASE = b"a passphrase of Vera's"
NAME = "churn-risk"
OBJECTIVE = f"""
name: {NAME}
task: binary
target: progressed
favourable: 0
sensitive: [sex]
goal: {{owner: Clinical analytics, intended_use: Ordering of appointments}}
gates:
  performance: {{roc_auc: ">= 0.60"}}
rollout: {{strategy: rolling, bake_minutes: 0}}
"""
CI = """
[environments.production]
runner = ["ci"]

[[services]]
name = "ci"
roles = ["runner"]
keys = [{public = "%s"}]
"""


class Office:
    """The project of a team whose MLflow asks for accounts, and a runner's checkout of it."""

    def __init__(self, root: Path, keys: Path, server: Server, patch: pytest.MonkeyPatch) -> None:
        self.server, self.patch = server, patch
        patch.setenv("NBDEPLOY_KEYS", str(keys))
        patch.setenv("MLFLOW_TRACKING_PASSWORD", PASSWORD)
        self.root, self.runner = root / "office", root / "runner"
        flow.init(self.root, preset="team", person="Ana Author")
        self.stand_in(self.root)
        self.vera, public = flow.create_key("Vera Validator", passphrase=PASSPHRASE)
        flow.add_person("Vera Validator", roles=["validator"], public=public)
        self.ci, public = flow.create_key("ci")
        with (self.root / "policy.toml").open("a") as policy:
            policy.write(CI % public)
        self._settings(self.root, "")
        flow.declare(OBJECTIVE.encode())
        self._check_out()

    def _settings(self, root: Path, more: str) -> None:
        text = f'[project]\nname = "office"\n[mlflow]\ntracking_uri = "{self.server.url}"\n{more}'
        (root / "nbdeploy.toml").write_text(text)

    def _check_out(self) -> None:
        """Give the runner its own folder, with its own key where a person has theirs."""
        keys = self.runner / ".nbdeploy" / "keys"
        keys.mkdir(parents=True)
        for file, origin in (("workstation", self.ci), ("ledger", self.root / ".nbdeploy/keys/ledger.pem")):
            (keys / f"{file}.pem").touch(mode=0o600)
            (keys / f"{file}.pem").write_bytes(origin.read_bytes())
        (self.runner / "policy.toml").write_bytes((self.root / "policy.toml").read_bytes())
        (self.runner / "objectives").symlink_to(self.root / "objectives")
        self._settings(self.runner, f'[ledger]\nurl = "sqlite:///{self.root}/.nbdeploy/ledger.db"\n')

    def stand_in(self, folder: Path) -> None:
        self.patch.chdir(folder)

    def log_in(self, account: str, password: str = PASSWORD) -> None:
        self.patch.setenv("MLFLOW_TRACKING_USERNAME", account)
        self.patch.setenv("MLFLOW_TRACKING_PASSWORD", password)

    def cli(self, *arguments: str) -> subprocess.Popen[str]:
        """Start the command line as a CI job would, in the folder and with the account of now."""
        return subprocess.Popen(
            [sys.executable, "-m", "nbdeploy.cli", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
            env=dict(os.environ),
        )

    def decide(self, request: str, decision: str, **options: object) -> flow.Decided:
        options = {"key": self.vera, "passphrase": lambda: PASSPHRASE, "unattended": True} | options
        return flow.sign_off(request, decision=decision, **options)


@pytest.fixture(scope="module")
def office(accounts, tmp_path_factory) -> Iterator[Office]:
    with pytest.MonkeyPatch.context() as patch:
        office = Office(tmp_path_factory.mktemp("team"), tmp_path_factory.mktemp("keys"), accounts, patch)
        yield office
        office.stand_in(office.root)
        flow.down(missing_ok=True)


@pytest.fixture(scope="module")
def validated(office) -> flow.Validated:
    """What the runner validated, with MLflow's account of the author; its run folder is handed on as CI jobs do."""
    office.stand_in(office.runner)
    office.log_in("author")
    study = patients.load_study()
    model = patients.second_candidate(study)
    done = flow.validate(NAME, model=model, data=study.evaluation, sections=("performance",))
    shutil.copytree(office.runner / ".nbdeploy/runs", office.root / ".nbdeploy/runs", dirs_exist_ok=True)
    return done


@pytest.fixture(scope="module")
def requested(office, validated) -> flow.Requested:
    """What the author asked for from their own workstation."""
    office.stand_in(office.root)
    office.log_in("author")
    return flow.deploy(NAME)


@pytest.fixture
def outside(office, requested) -> Office:
    """The office, as who stands in it and is logged in as the author."""
    office.stand_in(office.root)
    office.log_in("author")
    return office


def test_a_runner_validates_and_never_asks(office, validated):
    office.stand_in(office.runner)
    office.log_in("author")
    assert (validated.overall, validated.evidence.run.by) == ("pass", "ci")
    with pytest.raises(RoleError, match="the service ci may validate and not ask: a person answers for a request"):
        flow.deploy(NAME)


def test_the_guard_does_not_hold_up_who_asks(outside, requested):
    assert requested.request.requester == "Ana Author"
    (note,) = requested.notes
    assert note == "MLflow is guarded: its tags and aliases follow once the controller has seen the ledger."
    registry = Registry(outside.server.url)
    assert registry.versions(NAME) == ("1",)
    assert registry.aliases(NAME) == {}


def test_aliases_moved_by_hand_are_refused_with_rule_and_next_command(outside):
    with pytest.raises(AliasError) as refused:
        Registry(outside.server.url).mirror(NAME, "1", aliases=["champion"])
    assert str(refused.value) == (
        f"E-ALIAS the alias champion of {NAME} cannot be set: aliases, stages and our tags of an enforced model follow "
        "signed approvals, and the controller sets them. Next: nbdeploy deploy NAME, and have the request signed"
    )


@pytest.mark.parametrize("account", ["validator", "controller", "admin"])
@pytest.mark.parametrize(
    ("key", "error"),
    [("workstation", SelfApprovalError), ("ci", RoleError)],
    ids=["A2 the author's key", "A5 ci's key"],
)
def test_another_account_in_mlflow_makes_nobody_another_person(outside, requested, key, error, account):
    """The client lies: it logs in as somebody else, and says in MLflow's tags that somebody else did it."""
    outside.log_in(account)
    run = Registry(outside.server.url)
    found = run.evidence_run(requested.request.digests.evidence)
    run.client.set_tag(found, "mlflow.user", "Vera Validator")
    run.client.set_tag(found, "nbdeploy.by", "Vera Validator")
    file = outside.ci if key == "ci" else outside.root / ".nbdeploy/keys/workstation.pem"
    with pytest.raises(error):
        outside.decide(requested.request.id, "approval", key=file)
    assert flow.pending(requested.request.id).state == "requested"


def test_wrong_password_is_one_sentence_with_the_next_step(outside, capsys):
    outside.log_in("author", "not the password")
    with pytest.raises(SystemExit) as ended:
        main(["status", "--all"])
    assert ended.value.code == 2
    sentence = (
        f"nbdeploy: E-ACCOUNT cannot list the models, because MLflow at {outside.server.url} takes no such account and "
        "password (author). Next: set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD as MLflow knows you\n"
    )
    assert capsys.readouterr() == ("", sentence)


def test_no_account_at_all_is_one_sentence(outside, monkeypatch):
    outside.patch.delenv("MLFLOW_TRACKING_USERNAME")
    outside.patch.delenv("MLFLOW_TRACKING_PASSWORD")
    with pytest.raises(
        AccountError, match=r"MLflow at http://127.0.0.1:\d+ asks for an account\. Next: set MLFLOW_TRACK"
    ):
        Registry(outside.server.url).models()


def test_missing_permission_is_one_sentence(outside):
    experiment = Registry(outside.server.url).experiment
    for kind, name in (("experiment", experiment), ("registered_model", NAME)):
        denied = {"username": "reader", "resource_type": kind, "resource_id": name, "permission": "DENY"}
        where = outside.server.url + "/api/3.0/mlflow/users/permissions/grant"
        assert httpx.post(where, json=denied, auth=("admin", PASSWORD)).status_code == 200
    outside.log_in("reader")
    with pytest.raises(AccountError) as refused:
        flow.deploy(NAME)
    assert "because the account reader has no permission for it in MLflow at" in str(refused.value)
    assert "Next: ask whoever looks after MLflow for EDIT" in str(refused.value)


def test_a_job_waits_for_the_decision_and_the_controller_shows_it(outside, requested):
    """The validator signs elsewhere; the controller has its own account, and is the only one who sets aliases."""
    request = requested.request.id
    outside.log_in("controller")
    service = flow.up().url
    outside.log_in("author")  # whoever MLflow thinks the validator is
    job = outside.cli("wait", request, "--timeout", "240")
    assert outside.decide(request, "approval").state == "approved"
    out, error = job.communicate(timeout=240)
    assert (job.returncode, error) == (0, ""), out
    live = flow.status(NAME, settle=120)
    assert [line.live for line in live.lines] == [f"live {NAME}/1 at 100 %"], (live, service)
    registry = Registry(outside.server.url)
    wait_until(lambda: registry.aliases(NAME) == {"candidate": "1", "champion": "1"})
    tags = {"request": request, "environment": "production", "standing": "live", "traffic_weight": "100"}
    wait_until(lambda: registry.display(NAME).tags["1"] == tags)
    with pytest.raises(AliasError):
        registry.drop_alias(NAME, "champion")
    assert live.alerts == ()

    # Whoever reaches the database itself goes past the guard: it is seen, told, and deploys nothing.
    with sqlite3.connect(outside.server.folder / "mlflow.db") as database:
        database.execute("UPDATE registered_model_aliases SET alias = 'previous' WHERE alias = 'champion'")
    wait_until(lambda: len(flow.status(NAME).alerts) == 2)
    text = flow.status(NAME).show().text()
    assert f"{NAME}: the alias champion of {NAME} was removed without an approval; nothing was deployed" in text
    assert f"{NAME}: the alias previous of {NAME} was moved to version 1 without an approval" in text
    assert "was removed without an approval" in (outside.root / ".nbdeploy/service.log").read_text()

    # A job whose request is rejected ends with 1.
    second = flow.deploy(NAME).request.id
    job = outside.cli("wait", second, "--timeout", "240")
    outside.decide(second, "rejection", reason="not in this quarter")
    out, error = job.communicate(timeout=240)
    assert (job.returncode, error) == (1, ""), out
    assert "rejected" in out


def wait_until(condition, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.2)
