"""Admission: one request, one download, every rule in its order. Whatever cannot be shown is refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from nbdeploy.admission.approved import check_approved
from nbdeploy.admission.files import check_files
from nbdeploy.admission.linkage import check_documents
from nbdeploy.admission.private_copy import Fetch, download, private_folder
from nbdeploy.approve.chain import Chain
from nbdeploy.approve.record import read_chain
from nbdeploy.approve.rules import check_request, environment_of
from nbdeploy.approve.standing import standing
from nbdeploy.documents.objective import Objective
from nbdeploy.documents.request import Request
from nbdeploy.errors import FloorError, ModeError
from nbdeploy.trust.floor import floor_breaches
from nbdeploy.trust.ledger.log import Log
from nbdeploy.trust.policy.document import Policy
from nbdeploy.trust.scan import Scan, scan_model

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
    with private_folder(into):
        folder = download(request, fetch, into)
        validation = check_request(chain, request, policy)
        evidence = check_documents(request, validation, documents(request))
        _check_floor(policy, evidence.objective.content, request)
        found = standing(chain, request_id, policy, now, starting=starting)
        check_approved(found, policy)
        check_files(scanner(folder), found, policy)
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
    check_approved(found, policy)
    check_files(scan, found, policy)


def _current(chain: Chain, ledger: Log, policy: Policy, now: datetime) -> Chain:
    """Return the caller's chain if it tells exactly these verified entries, else the chain that they give.

    A revocation may have been logged after the caller looked.
    """
    entries = ledger.verify()
    told = {logged.index: logged.digest for logged in chain.statements()}
    told |= {entry.index: entry.digest for entry, _ in chain.ignored}
    if chain.ledger == ledger.public and told == {entry.index: entry.digest for entry in entries}:
        return chain
    return read_chain(entries, policy, now, ledger=ledger.public)


def _check_policy(request: Request, policy: Policy) -> None:
    environment_of(policy, request)
    mode = policy.mode(request.model)
    if mode != "enforce":
        raise ModeError(
            f"the policy says {mode} for the model {request.model}, so nbdeploy serves nothing of it",
            next=f'set "{request.model}" = "enforce" under [models] in the policy',
        )


def _check_floor(policy: Policy, objective: Objective, request: Request) -> None:
    """Refuse what was validated under an objective that asks less than the deployer's policy.

    A request may ask for another rollout than the objective, and is held to the floor by that one.
    """
    breaches = floor_breaches(policy, objective.model_copy(update={"rollout": request.rollout}))
    if breaches:
        raise FloorError(f"the objective {objective.name} asks less: {breaches[0]}")
