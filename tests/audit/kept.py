"""A small world with everything that a bundle holds: a card made of its evidence, a policy file, a deployment."""

from __future__ import annotations

import io
import json
import subprocess
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import numpy as np
from tests.admission.world import DAY, NOW, RATIO, ROC, World, evidence_of, key, policy_text

from nbdeploy import __version__, templates
from nbdeploy.audit import layout
from nbdeploy.audit.assembling import Sources, assemble
from nbdeploy.audit.opening import opened
from nbdeploy.audit.packing import pack, sums
from nbdeploy.audit.recompute import recompute
from nbdeploy.audit.verify import Verdict, verify
from nbdeploy.documents.evidence import NotebookRun
from nbdeploy.documents.finding import Finding, GroupValue
from nbdeploy.documents.gate import GateCondition
from nbdeploy.documents.request import Request
from nbdeploy.documents.statements import DeploymentPredicate
from nbdeploy.report.write import write_card
from nbdeploy.stats.disparity import group_disparity
from nbdeploy.stats.metrics import values
from nbdeploy.stats.tally import ClassTally
from nbdeploy.trust.digests import bytes_digest, manifest, model_digest
from nbdeploy.trust.envelopes import peek
from nbdeploy.trust.ledger.log import Entry
from nbdeploy.trust.policy.document import Policy
from nbdeploy.trust.policy.file import read_policy

NOTEBOOK = b'{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}\n'
COUNTS = {"F": [[900, 110], [90, 900]], "M": [[910, 100], [95, 895]]}
SUBJECT = "churn/1"
STARTED = NOW - 2 * DAY


@dataclass
class Kept(World):
    """A version that was validated, asked for, approved and deployed, with all its papers."""

    text: bytes = field(default_factory=lambda: policy_text(ledger=key("ledger").public))

    envelope: bytes | None = None
    forgotten: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        self.policy = read_policy(self.text)

    def digests(self) -> dict[str, str]:
        return super().digests() | {"policy": self.policy.digest}

    def validate(self, **options) -> Entry:
        evidence = options.pop("evidence", None) or evidence_with_tallies(model_digest(self.stored), self.verdicts)
        folder = self.root / "run"
        folder.mkdir(exist_ok=True)
        write_card(evidence.to_bytes(), folder)
        self.documents = {file.name: file.read_bytes() for file in folder.iterdir()}
        self.documents["notebooks/fairness.ipynb"] = NOTEBOOK
        kept = {name: self.documents[name] for name in ("card.json", "card.html")}
        return super().validate(evidence=evidence, documents=kept, **options)

    def deploy(
        self, request: Request, action: str = "started", *, at: datetime = NOW - 2 * DAY, **subjects: str
    ) -> Entry:
        chain = self.chain()
        said = DeploymentPredicate(
            request=request.id,
            model=request.model,
            version=request.version,
            endpoint=request.endpoint,
            environment=request.environment,
            action=action,
            at=at,
        )
        approvals = [one for one in chain.decisions.get(request.id, ()) if one.predicate.decision == "approval"]
        bound = {"model": request.digests.model, "request": chain.asked[request.id].digest}
        bound |= {f"approval-{number}": one.digest for number, one in enumerate(approvals, start=1)}
        return self.log(said, bound | subjects, "deployer")

    def deployed(self, **options) -> Request:
        """The ordinary way, to the end."""
        request = self.requested()
        self.sign(request, **options)
        self.deploy(request)
        self.deploy(request, "completed")
        return request

    def entry(self, kind: str) -> Entry:
        """The first entry of a kind."""
        return next(entry for entry in self.ledger.entries() if peek(entry.envelope).kind == kind)

    def bundle(self, *, whole: bool = False, with_model: bool = True, subject: str = SUBJECT) -> bytes:
        files = {layout.MANIFEST: manifest(self.stored)}
        if with_model:
            paths = [path for path in self.stored.rglob("*") if path.is_file()]
            files |= {layout.MODEL + path.relative_to(self.stored).as_posix(): path for path in paths}
        sources = Sources(
            entries=self.ledger.verify(),
            checkpoint=self.ledger.checkpoint(),
            public=self.ledger.public or "",
            level="local",
            documents=lambda _: self.documents,
            policy=lambda digest: (
                None if self.forgotten or digest != self.policy.digest else (self.text, self.envelope)
            ),
            templates=self.root / "none",
            model=lambda _: files,
        )
        target = io.BytesIO()
        pack(assemble(subject, sources, whole=whole)[1], target)
        return target.getvalue()


def evidence_with_tallies(model: str, verdicts: Mapping[str, str]):
    """Evidence whose numbers follow from its counts."""
    tally = ClassTally(("sex",), (("F",), ("M",)), (0, 1), np.array(list(COUNTS.values())))
    ratio = group_disparity(tally, "demographic_parity_ratio", level=0.95, min_size=30, positive=1, favourable=1)
    rates = values(tally, "selection_rate")
    whole = tally.select(())
    findings = (
        Finding(
            id=ROC,
            section="performance",
            metric="roc_auc",
            value=0.9,
            interval=(0.88, 0.92),
            gate=GateCondition(op=">=", bound=0.7),
            verdict=verdicts[ROC],
        ),
        Finding(
            id=RATIO,
            section="fairness",
            metric="demographic_parity_ratio",
            features=("sex",),
            value=ratio.value,
            interval=ratio.interval,
            level=0.95,
            gate=GateCondition(op=">=", bound=0.8),
            verdict=verdicts[RATIO],
            recomputed=True,
            data={"compared": "selection_rate"},
            by_group=tuple(
                GroupValue(group={"sex": sex}, n=2000, denominator=2000, value=float(rate))
                for sex, rate in zip("FM", rates, strict=True)
            ),
        ),
        Finding(
            id="performance.accuracy",
            section="performance",
            metric="accuracy",
            value=float(values(whole, "accuracy")[0]),
            recomputed=True,
        ),
    )
    evidence = evidence_of(model, verdicts, findings=findings, tallies=(whole.to_table(), tally.to_table()))
    notebook = NotebookRun(
        section="fairness",
        name="fairness",
        source_digest=bytes_digest(b"source"),
        executed_digest=bytes_digest(NOTEBOOK),
        status="completed",
    )
    return evidence.model_copy(
        update={
            "subject": evidence.subject.model_copy(update={"notebooks": (notebook,)}),
            "run": evidence.run.model_copy(update={"nbdeploy": __version__}),
        }
    )


# A bundle as files, to be changed -----------------------------------------------------------------------------------


def unpacked(bundle: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(files: Mapping[str, bytes], *, resummed: bool = True) -> bytes:
    """Make a zip of files, with the digests of what they are now: whoever tampers can do that too."""
    every = dict(files)
    if resummed:
        del every[layout.SUMS]
        every[layout.SUMS] = sums(every)
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name in sorted(every):
            archive.writestr(name, every[name])
    return target.getvalue()


def verified(bundle: bytes, folder: Path, *own: Policy) -> Verdict:
    file = folder / "bundle.zip"
    file.write_bytes(bundle)
    with opened(file) as one:
        return verify(one, NOW, own)


def recomputed(bundle: bytes, folder: Path):
    file = folder / "bundle.zip"
    file.write_bytes(bundle)
    with opened(file) as one:
        return recompute(one, verify(one, NOW))


def shell(bundle: bytes, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Unpack a bundle and run our own copy of the recipe's lines on it: an auditor trusts none from a bundle."""
    place = folder / "unpacked"
    for name, data in unpacked(bundle).items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_bytes(data)
    script = templates.path("audit", "verify.sh")
    return subprocess.run(
        ["/bin/sh", script, place, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin:/bin"},  # where no nbdeploy is
    )


def envelope(files: Mapping[str, bytes], kind: str) -> str:
    """The name of the first envelope of a kind."""
    return next(name for name in sorted(files) if name.startswith("envelopes/") and name.endswith(f"-{kind}.json"))


def rewritten(data: bytes, **changes) -> bytes:
    return json.dumps(json.loads(data) | changes).encode()
