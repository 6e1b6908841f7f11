"""A project with two people, and the study that ships with scikit-learn."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from nbdeploy import flow
from nbdeploy.cli.demo import study as patients

PASSPHRASE = b"a passphrase of Vera's"
OBJECTIVE = """
name: progression-risk
task: binary
target: progressed
favourable: 0
sensitive: [sex]
goal: {owner: Clinical analytics, intended_use: Ordering of appointments}
gates:
  performance: {roc_auc: ">= 0.70"}
  fairness: {demographic_parity_ratio: ">= 0.80"}
  explainability: {forbidden_in_top: {features: [sex], n: 1}}
rollout: {strategy: canary, steps: [50, 100], bake_minutes: 0, guardrails: {error_rate: "<= 0.10"}}
"""


@dataclass(frozen=True)
class Office:
    """A project folder, the validator's key and the study."""

    root: Path
    key: Path
    study: patients.Study

    def approve(self, request: str, acknowledge: tuple[str, ...]) -> flow.Decided:
        return flow.sign_off(
            request,
            decision="approval",
            key=self.key,
            passphrase=lambda: PASSPHRASE,
            acknowledge=acknowledge,
            unattended=True,
        )


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    root = tmp_path / "a project"  # with a space, as on many a disk
    flow.init(root, preset="team", person="Ana Author")
    monkeypatch.chdir(root)
    key, public = flow.create_key("Vera Validator", passphrase=PASSPHRASE)
    flow.add_person("Vera Validator", roles=["validator"], public=public)
    yield Office(root, key, patients.load_study())
    flow.down(missing_ok=True)
