"""Are a request's documents the signed ones, does the card tell its evidence, and is the model the approved one?"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from nbdeploy import __version__
from nbdeploy.admission.linkage import check_documents
from nbdeploy.approve.chain import Chain
from nbdeploy.audit import layout
from nbdeploy.audit.files import digests
from nbdeploy.audit.opening import Bundle
from nbdeploy.documents.evidence import Evidence
from nbdeploy.documents.request import Request
from nbdeploy.documents.run_files import RUN_FILES
from nbdeploy.errors import CardError, Refusal
from nbdeploy.report.write import verify_card
from nbdeploy.trust.digests import bytes_digest


def paper_problems(bundle: Bundle, chain: Chain, request: Request) -> Iterator[str]:
    """Yield what does not belong together."""
    folder = bundle.within(layout.documents(request.digests.evidence))
    validation = chain.validations.get(request.validation)
    if validation is None:
        return  # which is a problem of the chain
    held = {name: bundle.read(folder[name]) for name in RUN_FILES if name in folder}
    try:
        evidence = check_documents(request, validation, held)
    except Refusal as error:
        yield f"{request.id}: {error}"
        return
    if "card.html" not in held:
        yield f"{request.id}: card.html is missing"
    yield from _card(bundle, request, evidence, held)
    yield from _notebooks(bundle, request, evidence, folder)
    yield from _model(bundle, request)


def drawn_elsewhere(bundle: Bundle, request: Request) -> Iterator[str]:
    """Yield that the card's pages were not made again, where another version of nbdeploy made them."""
    try:
        evidence = Evidence.from_bytes(bundle.read(f"{layout.documents(request.digests.evidence)}evidence.json"))
    except Refusal:
        return  # which is a problem of the papers
    if evidence.run.nbdeploy != __version__:
        yield (
            f"nbdeploy {evidence.run.nbdeploy} made its card, and this is {__version__}: the pages were not made "
            "again. card.html is the one that was signed, card.md and junit.xml are not signed."
        )


def notebooks(evidence: Evidence) -> frozenset[str]:
    """Return the digests of the executed notebooks that the evidence names."""
    return frozenset(run.executed_digest for run in evidence.subject.notebooks if run.executed_digest)


def _card(bundle: Bundle, request: Request, evidence: Evidence, held: dict[str, bytes]) -> Iterator[str]:
    """Make the pages again, which only the version that made them does to the byte; each is signed besides."""
    if evidence.run.nbdeploy != __version__:
        return
    with tempfile.TemporaryDirectory() as scratch:
        run, own = Path(scratch) / "run", Path(scratch) / "card"
        for name, data in held.items():
            _write(run / name, data)
        for name, place in bundle.within(layout.TEMPLATES).items():
            _write(own / name, bundle.read(place))
        try:
            problems = verify_card(run, own if own.is_dir() else None)
        except CardError as error:
            problems = (error.fact,)
    yield from (f"{request.id}: {problem}" for problem in problems)


def _write(file: Path, data: bytes) -> None:
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(data)


def _notebooks(bundle: Bundle, request: Request, evidence: Evidence, folder: dict[str, str]) -> Iterator[str]:
    named = notebooks(evidence)
    for name, place in folder.items():
        if name not in RUN_FILES and bytes_digest(bundle.read(place)) not in named:
            yield f"{request.id}: {name} is no notebook that the evidence names"


def _model(bundle: Bundle, request: Request) -> Iterator[str]:
    files = bundle.within(layout.MODEL)
    if layout.MANIFEST not in bundle:
        if files:
            yield f"{layout.MANIFEST} is missing"
        return
    found = bundle.digest(layout.MANIFEST)
    if found != request.digests.model:
        yield f"{layout.MANIFEST} is of another model ({found[:19]}…) than was approved ({request.digests.model[:19]}…)"
        return
    if not files:
        return
    listed = digests(bundle, layout.MANIFEST) or {}
    if listed.keys() != files.keys():
        yield "the files of the model are not those that its manifest names"
    for name in sorted(listed.keys() & files.keys()):
        if bundle.digest(files[name]) != listed[name]:
            yield f"{layout.MODEL}{name} is not the file that was approved"
