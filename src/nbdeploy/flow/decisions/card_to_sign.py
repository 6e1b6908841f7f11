"""The card that a signature is about: found on this machine or fetched, and held to the digests that were signed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from nbdeploy.approve.chain import Chain
from nbdeploy.documents.request import Request
from nbdeploy.errors import DigestError, LinkError
from nbdeploy.flow.declaring import write_whole
from nbdeploy.flow.project import Project
from nbdeploy.trust.digests import bytes_digest, file_digest

_DATA, _PAGE = "card.json", "card.html"


def card_to_sign(project: Project, chain: Chain, request: Request) -> Path:
    """Return the page of exactly the card that a request is about.

    It lies in the run folder where the validation ran on this machine, else it is fetched from the registry.

    Raises
    ------
    LinkError
        The card on this machine is another one than the request's: whoever read it has read something else.
    DigestError
        The registry does not hold the card that was signed.
    RegistryError
        It cannot be reached.
    """
    validation = chain.validations.get(request.validation)
    if validation is None:
        raise LinkError(f"{request.id} names a validation that the ledger does not hold")
    digests = {_DATA: request.digests.card, _PAGE: validation.subjects[_PAGE]}
    folder = project.run_folder(request.objective, chain.attempts[request.validation])
    if any((folder / file).is_file() for file in digests):
        _check(folder, digests, request)
        return folder / _PAGE
    fetched = project.settings.state / "cards" / request.digests.card.removeprefix("sha256:")[:16]
    if not (fetched / _PAGE).is_file():
        _fetch(project, request, digests, fetched)
    _check(fetched, digests, request)
    return fetched / _PAGE


def _check(folder: Path, digests: Mapping[str, str], request: Request) -> None:
    for file, digest in digests.items():
        if not (folder / file).is_file() or file_digest(folder / file) != digest:
            raise LinkError(
                f"{folder / file} is not the card that {request.id} was asked with",
                next=f"move {folder} away; the signed card is then fetched from the registry: nbdeploy signoff "
                f"{request.id}",
            )


def _fetch(project: Project, request: Request, digests: Mapping[str, str], into: Path) -> None:
    run = project.registry.evidence_run(request.digests.evidence)
    documents = {} if run is None else project.registry.documents(run)
    for file, digest in digests.items():
        if file not in documents:
            raise DigestError(f"the registry holds no {file} for {request.id}", next=f"ask {request.requester} for it")
        if bytes_digest(documents[file]) != digest:
            raise DigestError(f"{file} in the registry is not the one that was signed for {request.id}")
    into.mkdir(parents=True, exist_ok=True)
    for file in digests:
        write_whole(into / file, documents[file])
