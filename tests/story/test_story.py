"""The whole flow as its users walk it, and what happens to those who leave out a stage."""

from __future__ import annotations

import json
import shutil
import subprocess
import zipfile
from pathlib import Path

import httpx
import pytest
from tests.story.conftest import OBJECTIVE, PASSPHRASE, Office

from nbdeploy import flow
from nbdeploy.cli.demo import study as patients
from nbdeploy.cli.demo import traffic
from nbdeploy.errors import (
    AcknowledgeError,
    DigestError,
    DraftError,
    GateFailedError,
    ObjectiveError,
    ProjectError,
    SelfApprovalError,
)

NAME = "progression-risk"
FAST = ("performance", "fairness", "explainability")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def validated(office: Office, model: object, **options: object) -> flow.Validated:
    return flow.validate(
        NAME, model=model, data=office.study.evaluation, train=office.study.train, sections=FAST, **options
    )


def endpoint(service: str) -> str:
    return f"{service}/endpoints/{NAME}/invocations"


def test_from_objective_to_live_answers_and_back(office: Office, tmp_path: Path):
    rows = office.study.evaluation.loc[:, list(patients.FEATURES)]

    # declare: nothing can be validated that was not declared
    with pytest.raises(ObjectiveError):
        validated(office, patients.second_candidate(office.study))
    flow.declare(OBJECTIVE.encode())

    # validate: nothing can be asked for that was not validated, nor on a draft
    with pytest.raises(ProjectError):
        flow.deploy(NAME)
    draft = validated(office, patients.second_candidate(office.study), draft=True)
    assert draft.evidence.run.attempt is None
    with pytest.raises(DraftError):
        flow.deploy(NAME)

    # a failing candidate is refused with what would help
    poor = validated(office, patients.first_candidate(office.study))
    assert (poor.overall, poor.evidence.run.attempt) == ("fail", 1)
    with pytest.raises(GateFailedError) as refusal:
        flow.deploy(NAME)
    assert "performance.roc_auc" in str(refusal.value)

    good = validated(office, patients.second_candidate(office.study))
    assert good.evidence.run.attempt == 2
    assert [earlier.overall for earlier in good.evidence.attempts] == ["fail"]
    assert good.overall == "inconclusive"  # 221 patients do not decide parity
    undecided = good.evidence.finding("fairness.demographic_parity_ratio:sex")
    assert undecided
    assert undecided.rows_needed
    assert undecided.rows_needed > 221

    # register and approve: a request makes nothing live, and its author cannot sign it
    request = flow.deploy(NAME, to="production").request
    service = flow.up().url
    assert httpx.post(endpoint(service), json=traffic.payload(rows[:1])).status_code in (404, 503)
    with pytest.raises(SelfApprovalError):
        flow.sign_off(
            request.id, decision="approval", key=office.root / ".nbdeploy/keys/workstation.pem", passphrase=lambda: b""
        )
    with pytest.raises(AcknowledgeError):
        office.approve(request.id, ())
    assert httpx.post(endpoint(service), json=traffic.payload(rows[:1])).status_code in (404, 503)

    # release and serve
    assert office.approve(request.id, request.undecided).state == "approved"
    live = flow.status(NAME, settle=60)
    assert any(line.environment == "production" and "1" in line.live for line in live.lines)
    answer = traffic.ask(endpoint(service), rows[:1])
    assert answer["version"].endswith("/1")

    # a second version, step by step under real requests, and back
    validated(office, patients.third_candidate(office.study))
    second = flow.deploy(NAME, to="production").request
    assert second.version == "2"
    office.approve(second.id, second.undecided)
    seen: dict[str, int] = {}
    for _ in range(60):
        for version, count in traffic.send(endpoint(service), rows, 100).items():
            seen[version] = seen.get(version, 0) + count
        if flow.settled(NAME) and not flow.held(NAME):  # held: more requests decide it
            break
    assert flow.settled(NAME)
    assert not flow.held(NAME)
    assert all(version.startswith(NAME) for version in seen), f"every request was answered: {seen}"
    assert traffic.ask(endpoint(service), rows[:1])["version"].endswith("/2")
    flow.rollback(NAME)
    assert traffic.ask(endpoint(service), rows[:1])["version"].endswith("/1")

    # audit: the chain holds, for us, in a bundle, and for who has nothing but a shell; one changed byte breaks it
    assert not flow.audit().problems
    bundle = flow.export_bundle(f"{NAME}/1", out=tmp_path).file
    assert not flow.verify_bundle(bundle, again=True).problems
    with zipfile.ZipFile(bundle) as archive:
        archive.extractall(tmp_path / "audit")
    recipe = [tmp_path / "audit" / "verify.sh", tmp_path / "audit", office.root / "policy.toml"]
    run = subprocess.run(
        ["/bin/sh", *recipe], capture_output=True, text=True, check=False, env={"PATH": "/usr/bin:/bin"}
    )
    assert run.returncode == 0, run.stdout + run.stderr
    card = good.folder / "card.html"
    card.write_bytes(card.read_bytes().replace(b"inconclusive", b"satisfactory", 1))
    assert any("card.html" in problem for problem in flow.audit().problems)


def test_changed_evidence_cannot_be_asked_for(office: Office):
    flow.declare(OBJECTIVE.encode())
    run = validated(office, patients.second_candidate(office.study))
    file = run.folder / "evidence.json"
    evidence = json.loads(file.read_bytes())
    evidence["verdict"]["overall"] = "pass"
    file.write_text(json.dumps(evidence))
    with pytest.raises(DigestError):
        flow.deploy(NAME)


def test_a_model_changed_in_the_registry_is_never_served(office: Office):
    flow.declare(OBJECTIVE.encode())
    validated(office, patients.second_candidate(office.study))
    request = flow.deploy(NAME, to="production").request
    office.approve(request.id, request.undecided)
    stored = sorted((office.root / ".nbdeploy" / "mlartifacts").rglob("MLmodel"))
    for file in stored:
        file.write_bytes(file.read_bytes() + b"\n")
    service = flow.up().url
    report = flow.status(NAME, settle=60)
    assert any("E-DIGEST" in line.note for line in report.lines)
    rows = office.study.evaluation.loc[:0, list(patients.FEATURES)]
    assert httpx.post(endpoint(service), json=traffic.payload(rows)).status_code in (404, 503)


def test_what_is_validated_again_stays_one_objective(office: Office):
    flow.declare(OBJECTIVE.encode())
    model = patients.second_candidate(office.study)
    validated(office, model)
    flow.declare(OBJECTIVE.replace(">= 0.70", ">= 0.60").encode())
    with pytest.raises(GateFailedError, match="changed after attempt 1"):
        flow.deploy(NAME)
    again = validated(office, model)
    assert again.evidence.run.attempt == 2
    assert again.evidence.attempts[0].changes or "performance.roc_auc: >= 0.7 → >= 0.6" in str(again.evidence.attempts)


def test_a_deleted_run_leaves_its_attempt_in_the_ledger(office: Office):
    flow.declare(OBJECTIVE.encode())
    model = patients.second_candidate(office.study)
    shutil.rmtree(validated(office, model).folder)
    assert validated(office, model).evidence.run.attempt == 2


def test_the_passphrase_is_nowhere_on_disk(office: Office):
    for file in Path(office.root).rglob("*"):
        if file.is_file():
            assert PASSPHRASE not in file.read_bytes()
