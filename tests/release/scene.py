"""A small project around one controller: statements are really signed, bytes really fetched, traffic really served."""

from __future__ import annotations

import secrets
import shutil
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.release.kept import KeptTarget, KeptWorkers
from tests.serve.live import Serving

from nbdeploy.approve.chain import Chain
from nbdeploy.approve.record import read_chain
from nbdeploy.approve.signoff import decide
from nbdeploy.documents.card import Card
from nbdeploy.documents.display import Display
from nbdeploy.documents.evidence import Evidence, ModelSubject, ObjectiveRef, Run, Subject, VerdictSummary
from nbdeploy.documents.finding import Finding
from nbdeploy.documents.gate import GateCondition
from nbdeploy.documents.objective import Objective, Rollout
from nbdeploy.documents.release import Release
from nbdeploy.documents.request import DigestSet, Request
from nbdeploy.documents.statements import (
    ObjectivePredicate,
    Predicate,
    RequestPredicate,
    RevocationPredicate,
    ValidationPredicate,
    Waiver,
)
from nbdeploy.errors import RegistryError
from nbdeploy.release.controller import Controller
from nbdeploy.release.intake import Bytes, Intake
from nbdeploy.release.journal import Journal
from nbdeploy.release.mirror import Mirror
from nbdeploy.trust.digests import bytes_digest, model_digest
from nbdeploy.trust.envelopes import sign
from nbdeploy.trust.keys import Signer
from nbdeploy.trust.ledger.store import Ledger
from nbdeploy.trust.policy.file import read_policy
from nbdeploy.trust.scan import scan_model
from nbdeploy.trust.scan.waivers import gates

ROW = {"age": 64.0, "ward": "b"}
AT_ONCE = Rollout(strategy="rolling", bake_minutes=0)
CANARY = Rollout(strategy="canary", steps=(10, 100), bake_minutes=1)


class Shelf:
    """What the controller sees of a registry, in memory: MLflow's own is used where the service is tested."""

    def __init__(self) -> None:
        self.pointing: dict[str, str] = {}
        self.tags: dict[str, dict[str, str]] = {"1": {}, "2": {}, "3": {}, "4": {}, "7": {}}
        self.weights: list[tuple[str, float, str]] = []
        self.name = "churn"
        self.down = False

    def _reached(self) -> None:
        if self.down:
            raise RegistryError("no MLflow server answers")

    def mirror(self, _, version, *, tags=None, aliases=()):
        self._reached()
        self.tags[version].update(tags or {})
        self.pointing |= dict.fromkeys(aliases, version)

    def display(self, name):
        self._reached()
        if name != self.name:
            return None
        return Display(aliases=dict(self.pointing), tags={version: dict(tags) for version, tags in self.tags.items()})

    def named_with(self, request):
        return self.name if any(tags.get("request") == request for tags in self.tags.values()) else None

    def drop_alias(self, _, alias):
        self._reached()
        del self.pointing[alias]

    def drop_tag(self, _, version, key):
        self._reached()
        del self.tags[version][key]

    def log_release(self, release, number):
        self._reached()
        step = release.steps[number]
        self.weights.append((release.version, step.weight, step.state))
        return "run"


GATE = "performance.roc_auc"
OBJECTIVE = Objective.model_validate(
    {"name": "churn", "task": "binary", "target": "left", "gates": {"performance": {"roc_auc": ">= 0.7"}}}
)
TEXT = b"name: churn\n"


@cache
def key(name: str) -> Signer:
    return Signer(Ed25519PrivateKey.generate())


def policy_text(version: int = 1) -> str:
    """Return the deployer's policy: Ana writes, Vera signs."""
    lines = [f"version = {version}"]
    for name, role in (("Ana", "author"), ("Vera", "validator")):
        lines += [
            "[[people]]",
            f'name = "{name}"',
            f'roles = ["{role}"]',
            f'keys = [{{public = "{key(name).public}"}}]',
        ]
    for name, role in (("bench", "runner"), ("deployer", "deployer")):
        lines += ["[[services]]", f'name = "{name}"', f'roles = ["{role}"]', 'person = "Ana"']
        lines += [f'keys = [{{public = "{key(name).public}"}}]']
    lines += [
        "[environments.dev]",
        "approvals = 0",
        'scan = "allow"',
        "[environments.production]",
        "approvals = 1",
        'by = ["validator"]',
    ]
    return "\n".join([*lines, "[models]", '"churn" = "enforce"'])


def evidence_of(model: str, now: datetime) -> Evidence:
    finding = Finding(
        id=GATE,
        section="performance",
        metric="roc_auc",
        value=0.8,
        gate=GateCondition(op=">=", bound=0.7),
        verdict="pass",
    )
    return Evidence(
        objective=ObjectiveRef(name="churn", digest=bytes_digest(TEXT), content=OBJECTIVE),
        subject=Subject(model=ModelSubject(uri="models:/churn/1", digest=model), data=()),
        run=Run(id="1", attempt=1, draft=False, started=now, finished=now, by="Ana", host="h", seed=0, nbdeploy="0"),
        findings=(finding,),
        verdict=VerdictSummary(overall="pass", gates={GATE: "pass"}),
    )


def documents_of(evidence: Evidence) -> dict[str, bytes]:
    data = evidence.to_bytes()
    card = Card(
        title="churn",
        created=evidence.run.finished,
        evidence=bytes_digest(data),
        objective=evidence.objective,
        subject=evidence.subject,
        run=evidence.run,
        verdict=evidence.verdict,
        findings=evidence.findings,
        sections=(),
    )
    return {"evidence.json": data, "card.json": card.to_bytes(), "card.html": b"<p>churn</p>", "objective.yaml": TEXT}


class People:
    """Who declares, validates, asks and signs, with real keys on a real ledger."""

    def __init__(self, ledger: Ledger, models: dict[str, Path]) -> None:
        self.ledger, self.models = ledger, models
        self.documents: dict[str, dict[str, bytes]] = {}
        self.evidence: dict[str, Evidence] = {}
        self.now = datetime.now(UTC)
        declared = ObjectivePredicate(name="churn", model="churn", declared=self.now, by="Ana")
        self.log_statement(declared, {"objective": bytes_digest(TEXT)}, "bench")

    def log_statement(self, predicate: Predicate, subjects: dict[str, str], by: str) -> str:
        return self.ledger.append(sign(predicate, subjects, key(by))).digest

    def chain(self) -> Chain:
        return read_chain(
            self.ledger.entries(), read_policy(self.policy_text().encode()), self.now, ledger=self.ledger.public
        )

    def policy_text(self) -> str:
        """Return the policy that people go by."""
        return policy_text()

    def folder(self, model: str, _: str) -> Path:
        """Return where the model of a version lies."""
        return self.models[model]

    def request(
        self, model: str, version: str, *, rollout: Rollout = AT_ONCE, environment: str = "production"
    ) -> Request:
        """Validate a model as this version and ask for it."""
        digest = model_digest(self.folder(model, version))
        evidence = evidence_of(digest, self.now)
        documents = documents_of(evidence)
        digests = {
            "model": digest,
            "card": bytes_digest(documents["card.json"]),
            "evidence": bytes_digest(documents["evidence.json"]),
            "objective": bytes_digest(TEXT),
        }
        self.documents[digests["evidence"]] = documents
        self.evidence[digests["evidence"]] = evidence
        said = ValidationPredicate(
            objective="churn",
            model="churn",
            attempt=1,
            overall="pass",
            gates=evidence.verdict.gates,
            by="Ana",
            finished=self.now,
        )
        validation = self.log_statement(said, digests | {"card.html": bytes_digest(documents["card.html"])}, "bench")
        digests["policy"] = bytes_digest(self.policy_text().encode())
        request = Request(
            id=f"r-{secrets.token_hex(4)}",
            ledger=self.ledger.public,
            objective="churn",
            model="churn",
            version=version,
            endpoint="churn",
            environment=environment,
            rollout=rollout,
            digests=DigestSet(**digests),
            validation=validation,
            requester="Ana",
            requested=self.now,
            scan=tuple(gates(scan_model(self.folder(model, version)).findings)),
        )
        self.log_statement(RequestPredicate(request=request), digests | {"validation": validation}, "Ana")
        return request

    def approve(self, request: Request) -> None:
        policy = read_policy(self.policy_text().encode())
        waived = [
            Waiver(gate=gate, reason="a class of ours", expires=self.now + timedelta(days=400)) for gate in request.scan
        ]
        signer = key("Vera").public
        predicate, subjects = decide(self.chain(), request.id, policy, signer, "approval", now=self.now, waive=waived)
        self.log_statement(predicate, dict(subjects), "Vera")

    def revoke(self, request: Request) -> None:
        predicate = RevocationPredicate(
            request=request.id, model="churn", version=request.version, by="Vera", reason="drift", at=self.now
        )
        subjects = {"model": request.digests.model, "request": self.chain().asked[request.id].digest}
        self.log_statement(predicate, subjects, "Vera")


class Scene(People):
    """People sign, `controller` acts, `ask` is a caller. Time stands still unless `later` moves it."""

    def __init__(self, root: Path, models: dict[str, Path], serving: Serving, kept: KeptWorkers) -> None:
        self.policy_file = root / "policy.toml"
        super().__init__(Ledger(f"sqlite:///{root}/ledger.db", key("ledger")), models)
        self.root, self.serving, self.kept = root, serving, kept
        self.policy_file.write_text(policy_text())
        self.shelf = Shelf()
        self.start()

    def policy_text(self) -> str:
        return self.policy_file.read_text() if self.policy_file.exists() else policy_text()

    def start(self) -> None:
        """Start a controller on what the project's folder holds; a second call is a restart after a crash."""
        self.target = KeptTarget(self.serving.gateway, self.serving.loop, self.root / "logs", self.kept)
        source = Bytes(self.fetch, lambda request: self.documents.get(request.digests.evidence, {}))
        self.journal = Journal(self.ledger.url)
        self.controller = Controller(
            self.ledger,
            self.policy_file,
            self.journal,
            Intake(self.root / "admitted", self.ledger, source),
            self.target,
            Mirror(self.shelf, every=0),
            key("deployer"),
            clock=lambda: self.now,
        )
        self.controller.resume()

    def stored(self, version: str) -> Path:
        return self.root / "registry" / version

    def folder(self, model: str, version: str) -> Path:
        if not self.stored(version).exists():
            shutil.copytree(self.models[model], self.stored(version))
        return self.stored(version)

    def fetch(self, request: Request, into: Path) -> Path:
        return Path(shutil.copytree(self.stored(request.version), into / "model"))

    def deploy(self, model: str, version: str, **changes: Any) -> Request:
        """Ask, approve and reconcile."""
        request = self.request(model, version, **changes)
        self.approve(request)
        self.controller.reconcile()
        return request

    def later(self, **passed: float) -> None:
        self.now += timedelta(**passed)
        self.controller.reconcile()

    def release(self, request: Request) -> Release:
        found = self.journal.release(request.id)
        assert found is not None
        return found.release

    def states(self) -> list[tuple[str, str, float]]:
        return [(j.release.subject, j.release.state, j.release.weight) for j in self.journal.releases()]

    def actions(self, request: Request) -> list[str]:
        """Return what the ledger says was done with a request."""
        return [logged.predicate.action for logged in self.chain().deployments.get(request.id, [])]

    def ask(self, times: int = 1, address: str = "churn", row: dict[str, Any] | None = None) -> list[tuple[int, str]]:
        """Send requests and return (status, version) of each answer."""
        path, content = f"/endpoints/{address}/invocations", {"dataframe_records": [row or ROW]}
        answers = [self.serving.client.post(path, json=content) for _ in range(times)]
        return [(answer.status_code, answer.json().get("version", answer.json().get("message"))) for answer in answers]

    def command(self, verb: str, **options: Any) -> tuple[bool | None, str]:
        number = self.journal.ask("churn", verb, by="Ana", **options)
        self.controller.reconcile()
        command = self.journal.command(number)
        return command.done, command.answer
