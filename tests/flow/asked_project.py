"""A project with a request that was asked for, and two people who may sign; nothing was validated for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.admission.world import OBJECTIVE_TEXT, card_of, evidence_of, objective

from nbdeploy import flow
from nbdeploy.documents.request import DigestSet, Request
from nbdeploy.documents.statements import ObjectivePredicate, RequestPredicate, ValidationPredicate
from nbdeploy.flow.project import Project
from nbdeploy.trust.digests import bytes_digest
from nbdeploy.trust.envelopes import sign

MODEL = "sha256:" + "a" * 64
PASSPHRASE = b"said at the terminal"
PEOPLE = {"Vera": "validator", "Rita": "risk"}


@dataclass
class Asked:
    """`folder` is the run folder with the card.

    No MLflow server answers unless `tracking_uri` names a store: who decides has decided all the same.
    """

    root: Path
    tracking_uri: str = "http://127.0.0.1:9"
    verdicts: dict[str, str] = field(default_factory=lambda: {"performance.roc_auc": "pass"})

    def __post_init__(self) -> None:
        flow.init(self.root, preset="team", person="Ana")
        with (self.root / "nbdeploy.toml").open("a") as settings:
            settings.write(f'[mlflow]\ntracking_uri = "{self.tracking_uri}"\n')
        for person, role in PEOPLE.items():
            _, public = flow.create_key(person, passphrase=PASSPHRASE)
            flow.add_person(person, roles=[role], public=public)

    @property
    def project(self) -> Project:
        return Project.require(self.root)

    @property
    def folder(self) -> Path:
        return self.project.run_folder("churn", 1)

    def ask(self, number: int = 1) -> Request:
        """Log objective, validation and request as their verbs do, and lay the card where the validation leaves it."""
        project, by = self.project, self.project.workstation
        now = datetime.now(UTC) - timedelta(hours=1)
        evidence = evidence_of(MODEL, self.verdicts)
        page = b"<p>churn</p>"
        data = evidence.to_bytes()
        card = card_of(evidence, bytes_digest(data)).to_bytes()
        self.folder.mkdir(parents=True, exist_ok=True)
        for file, stored in (("evidence.json", data), ("card.json", card), ("card.html", page)):
            (self.folder / file).write_bytes(stored)
        (self.folder / "objective.yaml").write_bytes(OBJECTIVE_TEXT)
        bound = {"evidence": bytes_digest(data), "card": bytes_digest(card), "objective": bytes_digest(OBJECTIVE_TEXT)}
        bound["model"] = MODEL
        declared = ObjectivePredicate(name="churn", model="churn", declared=now, by="workstation")
        project.ledger.append(sign(declared, {"objective": bound["objective"]}, by))
        said = ValidationPredicate(
            objective="churn",
            model="churn",
            attempt=1,
            overall=evidence.verdict.overall,
            gates=evidence.verdict.gates,
            by="workstation",
            finished=now,
        )
        validation = project.ledger.append(sign(said, bound | {"card.html": bytes_digest(page)}, by)).digest
        digests = DigestSet(**bound, policy=project.policy.digest)
        request = Request(
            id=f"r-{number:08x}",
            ledger=project.ledger.public or "",
            objective="churn",
            model="churn",
            version="1",
            endpoint="churn",
            environment="production",
            rollout=objective().rollout,
            digests=digests,
            validation=validation,
            requester="Ana",
            requested=now,
            failed=tuple(gate for gate, verdict in self.verdicts.items() if verdict == "fail"),
        )
        subjects = digests.model_dump() | {"validation": validation}
        project.ledger.append(sign(RequestPredicate(request=request), subjects, by))
        return request

    def sign(self, request: Request, decision: str = "approval", *, by: str = "Vera", **options) -> flow.Decided:
        options = {"reason": "" if decision == "approval" else "not yet"} | options
        return flow.sign_off(request.id, decision=decision, key=by, passphrase=lambda: PASSPHRASE, **options)
