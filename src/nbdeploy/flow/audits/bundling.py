"""The verbs *audit export* and *audit verify BUNDLE*: one version's chain as a zip, and whether such a zip holds."""

from __future__ import annotations

import shlex
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nbdeploy.audit import layout
from nbdeploy.audit.assembling import Files, Sources, assemble
from nbdeploy.audit.opening import opened
from nbdeploy.audit.packing import pack
from nbdeploy.audit.recompute import Recomputed, recompute
from nbdeploy.audit.verify import Verdict, verify
from nbdeploy.documents.request import Request
from nbdeploy.errors import DigestError, PolicyError, ProjectError
from nbdeploy.flow.policies.kept import kept_policy
from nbdeploy.flow.project import Project
from nbdeploy.flow.show import Result, Shown, Table
from nbdeploy.trust.digests import bytes_digest, manifest
from nbdeploy.trust.policy.file import read_policy
from nbdeploy.trust.policy.signing import stable_bytes

_HEADERS = ("entry", "at (UTC)", "who", "did", "envelope")


@dataclass(frozen=True)
class BundleExported(Result):
    """A bundle that was written."""

    subject: str
    file: Path
    requests: tuple[str, ...]
    envelopes: int
    entries: int
    absent: Mapping[str, str]

    def show(self) -> Shown:
        size = self.file.stat().st_size
        return Shown(
            title=f"Audit bundle of {self.subject}: {self.file} ({size / 1e6:.1f} MB)",
            lines=[
                f"{self.envelopes} of {self.entries} ledger entries, about {', '.join(self.requests)}.",
                "Anybody can check it: RECIPE.txt in it says how, with sha256sum, jq and openssl alone.",
            ],
            notes=[f"Not in it: {name} ({why})" for name, why in self.absent.items()],
            next=[f"nbdeploy audit verify {shlex.quote(str(self.file))}"],
        )

    def facts(self) -> dict[str, Any]:
        return {"subject": self.subject, "file": str(self.file), "requests": list(self.requests)}


@dataclass(frozen=True)
class BundleVerified(Result):
    """What verifying a bundle found."""

    file: Path
    verdict: Verdict
    recomputed: Recomputed | None = field(default=None)

    @property
    def problems(self) -> tuple[str, ...]:
        """Why it does not hold; empty when it does."""
        return (*self.verdict.problems, *(self.recomputed.problems if self.recomputed else ()))

    @property
    def exit_code(self) -> int:
        """0 when the bundle holds, else 1."""
        return 1 if self.problems else 0

    def show(self) -> Shown:
        verdict = self.verdict
        lines = [f"Problem: {problem}" for problem in self.problems]
        lines += [f"{one.id}: {line}" for one in verdict.requests for line in one.lines]
        if not self.problems:
            lines.append(
                f"{len(verdict.logbook.entries)} statements are entries of the ledger of {verdict.logbook.public}, and "
                "signed by those whom the policy names; evidence, card and objective are the ones that were signed."
            )
        lines += self.recomputed.lines if self.recomputed else ()
        word = "does NOT hold" if self.problems else "holds"
        return Shown(
            title=f"The bundle of {verdict.index.subject} {word}",
            lines=lines,
            tables=[
                Table(_HEADERS, [event.cells for event in one.events], code=("envelope",))
                for one in verdict.requests
                if one.events
            ],
            notes=verdict.notes,
        )

    def facts(self) -> dict[str, Any]:
        return {
            "subject": self.verdict.index.subject,
            "problems": list(self.problems),
            "notes": list(self.verdict.notes),
            "events": [
                vars(event) | {"at": event.at.isoformat()} for one in self.verdict.requests for event in one.events
            ],
        }


def verify_bundle(file: Path, *, again: bool = False, policies: Sequence[Path] = ()) -> BundleVerified:
    """Check an audit bundle. Needs no project and no network.

    Parameters
    ----------
    again
        Calculate the group metrics again from the tallies in the evidence.
    policies
        The auditor's own copies of the policies that were in force; those of the bundle unless given.

    Raises
    ------
    BundleError
        It is no bundle.
    ProjectError
        The auditor's policy cannot be read: that says nothing about the bundle.
    """
    try:
        own = [read_policy(stable_bytes(one)) for one in policies]
    except PolicyError as error:
        raise ProjectError(error.fact, next=error.next) from None
    with opened(file) as bundle:
        verdict = verify(bundle, datetime.now(UTC), own)
        return BundleVerified(file, verdict, recompute(bundle, verdict) if again else None)


def export_bundle(
    subject: str, *, out: Path | None = None, with_model: bool = False, whole_ledger: bool = False
) -> BundleExported:
    """Write the audit bundle of a version (``model/3``) or of one request. The same ledger gives the same bytes.

    Parameters
    ----------
    out
        The file, or the folder to write it to; the current folder unless given.
    with_model
        Put the model's files in, not only their names and digests.
    whole_ledger
        Put every entry of the ledger in, so that an auditor sees that none was left out.

    Raises
    ------
    ProjectError
        There is no such version or request, or the file cannot be written.
    DigestError
        The documents that were signed are nowhere to be found.
    LogError
        The ledger does not hold.
    """
    project = Project.require()
    entries = project.ledger.verify()
    target = _target(subject, out)
    with tempfile.TemporaryDirectory() as scratch:
        sources = Sources(
            entries=entries,
            checkpoint=project.ledger.checkpoint(),
            public=project.ledger.public or "",
            level=project.ledger.level,
            documents=lambda request: dict(_documents(project, request)),
            policy=lambda digest: kept_policy(project, digest),
            templates=project.card_templates,
            model=lambda request: _model(project, request, Path(scratch), with_model=with_model),
        )
        index, files = assemble(subject, sources, whole=whole_ledger)
        _write(files, target)
    return BundleExported(subject, target, index.requests, index.envelopes, index.entries, index.absent)


def _target(subject: str, out: Path | None) -> Path:
    if out is not None and not out.is_dir():
        return out
    return (out or Path.cwd()) / f"audit-{subject.replace('/', '-')}.zip"


def _write(files: Mapping[str, bytes | Path], target: Path) -> None:
    try:
        with tempfile.NamedTemporaryFile(dir=target.absolute().parent, prefix=".audit-", delete=False) as stream:
            try:
                pack(files, stream)
            except BaseException:
                Path(stream.name).unlink()
                raise
        Path(stream.name).chmod(0o644)
        Path(stream.name).replace(target)
    except OSError as error:
        raise ProjectError(f"the bundle cannot be written to {target} ({error.strerror})") from None


def _documents(project: Project, request: Request) -> Iterator[tuple[str, bytes]]:
    """Yield the signed documents, and what lies beside them here: other pages, executed notebooks."""
    for folder in sorted(project.settings.runs.glob(f"{request.objective}/[0-9]*")):
        evidence = folder / "evidence.json"
        if evidence.is_file() and bytes_digest(evidence.read_bytes()) == request.digests.evidence:
            for file in sorted(path for path in folder.rglob("*") if path.is_file()):
                yield file.relative_to(folder).as_posix(), file.read_bytes()
            return
    run = project.registry.evidence_run(request.digests.evidence)
    if run is None:
        raise DigestError(f"neither this project nor MLflow has the evidence of {request.id}")
    yield from project.registry.documents(run).items()


def _model(project: Project, request: Request, scratch: Path, *, with_model: bool) -> Files:
    """Return the manifest of the model as the registry has it, and perhaps the files."""
    folder = project.registry.fetch(request.model, request.version, scratch)
    listed = manifest(folder)
    files: Files = {layout.MANIFEST: listed}
    if with_model:
        names = [line.partition("  ")[2] for line in listed.decode().splitlines()]
        files |= {layout.MODEL + name: folder / name for name in names}
    return files
