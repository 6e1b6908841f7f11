"""nbdeploy against a guarded MLflow server with accounts: who somebody is says their key, whatever MLflow is told."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.plugins.server import PASSWORD, Server

from nbdeploy import flow
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
def requested(office) -> flow.Requested:
    """What the runner validated and asked for, with the author's account in MLflow."""
    office.stand_in(office.runner)
    office.log_in("author")
    study = patients.load_study()
    model = patients.second_candidate(study)
    done = flow.validate(NAME, model=model, data=study.evaluation, sections=("performance",))
    assert done.overall == "pass"
    return flow.deploy(NAME)


@pytest.fixture
def outside(office, requested) -> Office:
    """The office, as who stands in it and is logged in as the author."""
    office.stand_in(office.root)
    office.log_in("author")
    return office


def test_the_guard_does_not_hold_up_who_asks(outside, requested):
    assert requested.request.requester == "ci"
    assert requested.notes == ("MLflow is guarded: its tags and aliases follow once the controller has seen the ledger.",)
    registry = Registry(outside.server.url)
    assert registry.versions(NAME) == ("1",)
    assert registry.aliases(NAME) == {}


def test_aliases_moved_by_hand_are_refused_with_rule_and_next_command(outside, requested):
    with pytest.raises(AliasError) as refused:
        Registry(outside.server.url).mirror(NAME, "1", aliases=["champion"])
    assert str(refused.value) == (
        f"E-ALIAS the alias champion of {NAME} cannot be set: aliases, stages and our tags of an enforced model follow "
        "signed approvals, and the controller sets them. Next: nbdeploy deploy NAME, and have the request signed"
    )
