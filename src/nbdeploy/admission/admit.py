"""Admission: one request, one download, every rule in its order. Whatever cannot be shown is refused."""

from __future__ import annotations

import shutil
import stat
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from nbdeploy.admission.files import check_files
from nbdeploy.admission.linkage import check_documents
from nbdeploy.approve.chain import Chain, Logged
from nbdeploy.approve.record import read_chain
from nbdeploy.approve.rules import check_request, environment_of
from nbdeploy.approve.standing import Standing, standing
from nbdeploy.documents.objective import Objective
from nbdeploy.documents.request import Request
from nbdeploy.errors import (
    DigestError,
    ExpiredError,
    FloorError,
    ModeError,
    NotApprovedError,
    PathError,
    Refusal,
    RevokedError,
    ThresholdError,
)
from nbdeploy.trust.digests import UNCOVERED, model_digest
from nbdeploy.trust.floor import floor_breaches
from nbdeploy.trust.ledger.log import Log
from nbdeploy.trust.policy.document import Policy
from nbdeploy.trust.scan import Scan, scan_model

Fetch = Callable[[Request, Path], Path]
Documents = Callable[[Request], Mapping[str, bytes]]
Scanner = Callable[[Path], Scan]


@dataclass(frozen=True)
class Admitted:
    """A model that may run.

    Attributes
    ----------
    folder
        The private copy that was verified. Load this one and no other.
    approvals
        Digests of the approval envelopes that count.
    until
        When the first of them expires; None where no approval is needed.
    """

    folder: Path
    request: Request
    approvals: tuple[str, ...]
    until: datetime | None


def admit(
    request_id: str,
    *,
    chain: Chain,
    ledger: Log,
    policy: Policy,
    fetch: Fetch,
    documents: Documents,
    into: Path,
    now: datetime,
    scanner: Scanner = scan_model,
    starting: bool = True,
) -> Admitted:
    """Decide whether a request may start a rollout, on bytes that nobody else can change any more.

    Parameters
    ----------
    chain
        The ledger's statements as they were read under `policy`. What was logged since is read here.
    policy
        The deployer's own copy.
    fetch
        Downloads the request's version into the folder it is given and returns the model's folder in there.
        Called once.
    documents
        Returns the stored bytes of ``evidence.json``, ``card.json`` and ``objective.yaml``, and of ``card.html`` if it
        is there.
    into
        A folder that does not exist or is empty. Only its owner can read it afterwards; a refusal empties it.
    scanner
        Looks through the files, if not as `scan_model` does by itself: with the advisories that a deployer goes by.
    starting
        Whether this starts a rollout, rather than what ran before: see `standing`.

    Raises
    ------
    LogError, NotApprovedError, PolicyError, ModeError, PathError, DigestError, LinkError, RoleError, FormatError,
    FloorError, AcknowledgeError, SelfApprovalError, ThresholdError, ExpiredError, RevokedError, ScanError, SizeError
        By the first rule that says no.
    """
    chain = _current(chain, ledger, policy, now)
    request = chain.request(request_id).predicate.request
    _check_policy(request, policy)
    made = _private(into)
    try:
        folder = _download(request, fetch, into)
        validation = check_request(chain, request, policy)
        evidence = check_documents(request, validation, documents(request))
        _check_floor(policy, evidence.objective.content, request)
        found = standing(chain, request_id, policy, now, starting=starting)
        _check_standing(found, policy)
        check_files(scanner(folder), found, policy)
    except BaseException:
        _empty(into, made=made)
        raise
    return Admitted(folder, request, tuple(approval.digest for approval in found.approvals), found.until)


def check_again(
    request_id: str,
    objective: Objective,
    scan: Scan,
    *,
    chain: Chain,
    ledger: Log,
    policy: Policy,
    now: datetime,
) -> None:
    """Decide whether a copy that was admitted before, and is whole, may be started again.

    Parameters
    ----------
    objective
        The one that the copy's evidence tells.
    scan
        What the copy's files would do.

    Raises
    ------
    Refusal
        As `admit`, by the first rule that says no.
    """
    chain = _current(chain, ledger, policy, now)
    request = chain.request(request_id).predicate.request
    _check_policy(request, policy)
    check_request(chain, request, policy)
    _check_floor(policy, objective, request)
    found = standing(chain, request_id, policy, now)
    _check_standing(found, policy)
    check_files(scan, found, policy)


def _current(chain: Chain, ledger: Log, policy: Policy, now: datetime) -> Chain:
    """Return the caller's chain if it tells exactly these verified entries, else the chain that they give.

    A revocation may have been logged after the caller looked.
    """
    entries = ledger.verify()
    told = {logged.index: logged.digest for logged in _told(chain)}
    told |= {entry.index: entry.digest for entry, _ in chain.ignored}
    if chain.ledger == ledger.public and told == {entry.index: entry.digest for entry in entries}:
        return chain
    return read_chain(entries, policy, now, ledger=ledger.public)


def _told(chain: Chain) -> Iterable[Logged]:  # type: ignore[type-arg]  # statements of every kind
    yield from chain.objectives
    yield from chain.validations.values()
    yield from chain.asked.values()
    for kind in (chain.decisions, chain.deployments, chain.revocations):
        for logged in kind.values():
            yield from logged


def _check_policy(request: Request, policy: Policy) -> None:
    environment_of(policy, request)
    mode = policy.mode(request.model)
    if mode != "enforce":
        raise ModeError(
            f"the policy says {mode} for the model {request.model}, so nbdeploy serves nothing of it",
            next=f'set "{request.model}" = "enforce" under [models] in the policy',
        )


def _private(into: Path) -> bool:
    """Make the folder that only its owner can read; return whether it is new."""
    try:
        into.mkdir(parents=True, mode=0o700)
    except FileExistsError:
        about = into.lstat()
        if not stat.S_ISDIR(about.st_mode) or any(into.iterdir()):
            raise PathError(f"{into} is not an empty folder, and a model is admitted into one only") from None
        into.chmod(0o700)
        return False
    return True


def _download(request: Request, fetch: Fetch, into: Path) -> Path:
    """Fetch once, and hold the bytes that arrived to the digest that was signed for."""
    folder = fetch(request, into).resolve()
    if not folder.is_relative_to(into.resolve()):
        raise PathError(f"{request.subject} was not copied into the private folder, where nobody else could change it")
    found = model_digest(folder)
    if found != request.digests.model:
        raise DigestError(
            f"{request.id} is for {request.digests.model[:19]}…, and {request.subject} is {found[:19]}… there now",
            next=f"validate what is there now, and ask again: nbdeploy deploy {request.objective}",
        )
    # No digest covers what MLflow writes there while it downloads, so nothing of it stays.
    (folder / UNCOVERED).unlink(missing_ok=True)
    return folder


def _check_floor(policy: Policy, objective: Objective, request: Request) -> None:
    """Refuse what was validated under an objective that asks less than the deployer's policy.

    A request may ask for another rollout than the objective, and is held to the floor by that one.
    """
    breaches = floor_breaches(policy, objective.model_copy(update={"rollout": request.rollout}))
    if breaches:
        raise FloorError(f"the objective {objective.name} asks less: {breaches[0]}")


def _check_standing(found: Standing, policy: Policy) -> None:
    """Refuse a request that is not approved, by the rule that stands in its way."""
    request = found.request
    next_command = f"nbdeploy signoff {request.id}"
    if found.state == "revoked":
        raise RevokedError(f"{request.id} was revoked", next=f"ask again: nbdeploy deploy {request.objective}")
    if found.state == "approved":
        return
    if found.state not in ("rejected", "returned", "questioned"):
        raise _reason(found) or _too_few(found, environment_of(policy, request).needed, next_command)
    raise NotApprovedError(f"{request.id} was {found.state}", next=next_command)


def _reason(found: Standing) -> Refusal | None:
    """Return why the request or its latest decision does not count; an approval out of its days comes first."""
    timed = [refusal for refusal in found.refusals if isinstance(refusal, ExpiredError)]
    if found.state in ("expired", "not_yet") and timed:
        return timed[-1]
    return found.refusals[-1] if found.refusals else None


def _too_few(found: Standing, needed: int, next_command: str) -> Refusal:
    may = " or ".join(found.approvers) or "nobody that the policy names"
    if found.approvals:
        return ThresholdError(
            f"{needed - found.missing} of {needed} people signed {found.request.id}, missing: {may}", next=next_command
        )
    return NotApprovedError(f"{found.request.id} waits for the signature of {may}", next=next_command)


def _empty(into: Path, *, made: bool) -> None:
    """Remove what was downloaded, and the folder if it was made here."""
    if made:
        shutil.rmtree(into)
        return
    for path in into.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
