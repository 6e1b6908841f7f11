"""A small world to decide in: people with keys, a policy, a model folder, its documents and a ledger."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from nbdeploy.approve.chain import Chain
from nbdeploy.approve.record import read_chain
from nbdeploy.approve.signoff import decide
from nbdeploy.documents.card import Card
from nbdeploy.documents.evidence import Evidence, ModelSubject, ObjectiveRef, Run, Subject, VerdictSummary
from nbdeploy.documents.finding import Finding, worst
from nbdeploy.documents.objective import Objective
from nbdeploy.documents.request import DigestSet, Request
from nbdeploy.documents.statements import (
    DecisionPredicate,
    ObjectivePredicate,
    Predicate,
    RequestPredicate,
    RevocationPredicate,
    ValidationPredicate,
    Waiver,
)
from nbdeploy.trust.digests import bytes_digest, model_digest
from nbdeploy.trust.envelopes import sign
from nbdeploy.trust.keys import Signer
from nbdeploy.trust.ledger.log import Entry
from nbdeploy.trust.ledger.store import Ledger
from nbdeploy.trust.policy.document import Policy
from nbdeploy.trust.policy.file import read_policy

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
DAY = timedelta(days=1)
ROC, RATIO = "performance.roc_auc", "fairness.demographic_parity_ratio:sex"
OBJECTIVE_TEXT = b"name: churn\n"
PEOPLE = {
    "Ana": ("author",),
    "Vera": ("validator",),
    "Otto": ("validator",),
    "Rita": ("risk",),
    "Zoe": ("auditor",),
}
SERVICES = {"bench": (("author", "runner"), "Ana"), "ci": (("runner",), None), "deployer": (("deployer",), None)}


@cache
def key(name: str) -> Signer:
    """The key of this name, the same in every test of a run."""
    return Signer(Ed25519PrivateKey.generate())


def policy_text(
    extra: str = "",
    *,
    production: str = 'approvals = 1\nby = ["validator"]',
    mode: str = "enforce",
    people: Mapping[str, tuple[str, ...]] | None = None,
    until: Mapping[str, date] | None = None,
    ledger: str | None = None,
) -> bytes:
    """The file of a policy of all the people above.

    `people` gives some other roles, `until` ends some people's first key, `ledger` is the public key of the ledger.
    """
    lines = ["version = 2"]
    for name, roles in (PEOPLE | dict(people or {})).items():
        end = f", until = {until[name]}" if until and name in until else ""
        lines += ["[[people]]", f'name = "{name}"', f"roles = {list(roles)}"]
        lines += [f'keys = [{{public = "{key(name).public}"{end}}}, {{public = "{key(name + " second").public}"}}]']
    for name, (roles, person) in SERVICES.items():
        lines += [
            "[[services]]",
            f'name = "{name}"',
            f"roles = {list(roles)}",
            f'keys = [{{public = "{key(name).public}"}}]',
        ]
        lines += [f'person = "{person}"'] if person else []
    if ledger:
        lines += ["[[services]]", 'name = "ledger"', 'roles = ["ledger"]', f'keys = [{{public = "{ledger}"}}]']
    lines += ["[environments.dev]", "approvals = 0", "[environments.production]", production]
    lines += ["[models]", f'"churn" = "{mode}"', extra]
    return "\n".join(lines).encode()


def policy(extra: str = "", **options) -> Policy:
    """A policy of all the people above; see `policy_text`."""
    return read_policy(policy_text(extra, **options))


def objective(**changes) -> Objective:
    content = {
        "name": "churn",
        "task": "binary",
        "target": "left",
        "sensitive": ["sex"],
        "gates": {"performance": {"roc_auc": ">= 0.7"}, "fairness": {"demographic_parity_ratio": ">= 0.8"}},
    }
    return Objective.model_validate(content | changes)


def evidence_of(model: str, verdicts: Mapping[str, str], **changes) -> Evidence:
    findings = tuple(
        Finding(id=id_, section=id_.split(".")[0], metric=id_.split(".")[1].split(":")[0], value=0.8, verdict=verdict)
        for id_, verdict in verdicts.items()
    )
    content = {
        "objective": ObjectiveRef(name="churn", digest=bytes_digest(OBJECTIVE_TEXT), content=objective()),
        "subject": Subject(model=ModelSubject(uri="models:/churn/1", digest=model), data=()),
        "run": Run(
            id="run-1",
            attempt=1,
            draft=False,
            started=NOW - 5 * DAY,
            finished=NOW - 5 * DAY,
            by="ci",
            host="h",
            seed=0,
            nbdeploy="0",
        ),
        "findings": findings,
        "verdict": VerdictSummary(overall=worst(verdicts.values()), gates=dict(verdicts)),
    }
    return Evidence(**(content | changes))


def card_of(evidence: Evidence, digest: str, **changes) -> Card:
    content = {
        "title": "churn",
        "created": evidence.run.finished,
        "evidence": digest,
        "objective": evidence.objective,
        "subject": evidence.subject,
        "run": evidence.run,
        "verdict": evidence.verdict,
        "findings": evidence.findings,
        "sections": (),
    }
    return Card(**(content | changes))


@dataclass
class World:
    """One project. `verdicts` are those of the validation that `validate` records."""

    root: Path
    policy: Policy = field(default_factory=policy)
    verdicts: dict[str, str] = field(default_factory=lambda: {ROC: "pass", RATIO: "pass"})
    documents: dict[str, bytes] = field(default_factory=dict)
    ledger_key: str = "ledger"

    def __post_init__(self) -> None:
        self.ledger = Ledger(f"sqlite:///{self.root}/ledger.db", key(self.ledger_key))
        self.stored = self.root / "registry" / "churn" / "1"
        (self.stored / "data").mkdir(parents=True)
        (self.stored / "MLmodel").write_text("flavors: {}\n")
        (self.stored / "data" / "model.skops").write_bytes(b"weights" * 1000)

    # What is logged ---------------------------------------------------------------------------------------------------

    def log(self, predicate: Predicate, subjects: Mapping[str, str], by: str) -> Entry:
        return self.ledger.append(sign(predicate, subjects, key(by)))

    def declare(self, *, by: str = "bench", after_results: bool = False) -> Entry:
        predicate = ObjectivePredicate(
            name="churn", model="churn", declared=NOW - 6 * DAY, by=by, after_results=after_results
        )
        return self.log(predicate, {"objective": bytes_digest(OBJECTIVE_TEXT)}, by)

    def validate(
        self,
        *,
        by: str = "ci",
        evidence: Evidence | None = None,
        documents: Mapping[str, bytes] | None = None,
        **changes,
    ) -> Entry:
        """Record a validation of the stored model; its documents become those of the registry."""
        evidence = evidence or evidence_of(model_digest(self.stored), self.verdicts)
        data = evidence.to_bytes()
        self.documents |= {
            "evidence.json": data,
            "card.json": card_of(evidence, bytes_digest(data)).to_bytes(),
            "card.html": b"<p>churn</p>",
            "objective.yaml": OBJECTIVE_TEXT,
        } | dict(documents or {})
        said = {
            "objective": "churn",
            "model": "churn",
            "attempt": 1,
            "overall": evidence.verdict.overall,
            "gates": evidence.verdict.gates,
            "by": by,
            "finished": evidence.run.finished,
        }
        subjects = self.digests() | {"card.html": bytes_digest(self.documents["card.html"])}
        del subjects["policy"]
        return self.log(ValidationPredicate(**(said | changes)), subjects, by)

    def digests(self) -> dict[str, str]:
        files = {name: bytes_digest(self.documents[name]) for name in ("evidence.json", "card.json", "objective.yaml")}
        return {
            "model": model_digest(self.stored),
            "card": files["card.json"],
            "evidence": files["evidence.json"],
            "objective": files["objective.yaml"],
            "policy": bytes_digest(b"policy"),
        }

    def ask(self, validation: Entry, *, by: str = "Ana", **changes) -> Request:
        """Log a request; its open gates are those of the validation unless `changes` say otherwise."""
        content = {
            "id": f"r-{self.ledger.size:08x}",
            "ledger": self.ledger.public,
            "objective": "churn",
            "model": "churn",
            "version": "1",
            "endpoint": "churn",
            "environment": "production",
            "rollout": objective().rollout,
            "digests": DigestSet(**self.digests()),
            "validation": validation.digest,
            "requester": by,
            "requested": NOW - 4 * DAY,
            "undecided": tuple(i for i, v in self.verdicts.items() if v in ("inconclusive", "not_evaluated")),
            "failed": tuple(i for i, v in self.verdicts.items() if v == "fail"),
        }
        request = Request(**(content | changes))
        self.log(
            RequestPredicate(request=request), request.digests.model_dump() | {"validation": request.validation}, by
        )
        return request

    def sign(
        self, request: Request, by: str = "Vera", *, at: datetime = NOW - 3 * DAY, decision: str = "approval", **options
    ) -> Entry:
        """Decide as `nbdeploy signoff` does, with every rule."""
        options = {"reason": "" if decision == "approval" else "not yet"} | options
        predicate, subjects = decide(self.chain(), request.id, self.policy, key(by).public, decision, now=at, **options)
        return self.log(predicate, subjects, by)

    def forge(
        self,
        request: Request,
        by: str,
        *,
        subjects: Mapping[str, str] | None = None,
        sign_as: str | None = None,
        **changes,
    ) -> Entry:
        """Log a decision that no rule was asked about, signed with the real key of `by`, or of `sign_as`."""
        content = {
            "request": request.id,
            "model": request.model,
            "version": request.version,
            "environment": request.environment,
            "decision": "approval",
            "by": by,
            "signed": NOW - 3 * DAY,
            "not_before": NOW - 3 * DAY,
            "expires": NOW + 20 * DAY,
        }
        bound = request.digests.model_dump() | {"request": self.chain().asked[request.id].digest}
        bound["policy"] = self.policy.digest
        return self.log(DecisionPredicate(**(content | changes)), bound | dict(subjects or {}), sign_as or by)

    def revoke(self, request: Request, *, by: str = "Vera") -> Entry:
        predicate = RevocationPredicate(
            request=request.id, model=request.model, version=request.version, by=by, reason="drift", at=NOW - DAY
        )
        bound = {"model": request.digests.model, "request": self.chain().asked[request.id].digest}
        return self.log(predicate, bound, by)

    # What is read -----------------------------------------------------------------------------------------------------

    def chain(self) -> Chain:
        return read_chain(self.ledger.entries(), self.policy, NOW, ledger=self.ledger.public)

    def requested(self, **changes) -> Request:
        """Declare, validate and ask, the ordinary way."""
        self.declare()
        return self.ask(self.validate(), **changes)


def waiver(gate: str, reason: str = "the old model fails it too", **options) -> Waiver:
    return Waiver(gate=gate, reason=reason, **({"expires": NOW + 60 * DAY} | options))
