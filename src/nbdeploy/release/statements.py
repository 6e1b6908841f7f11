"""What the controller signs about its own acts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from nbdeploy.approve.chain import Chain
from nbdeploy.approve.standing import standing
from nbdeploy.documents.release import Release
from nbdeploy.documents.statements import DeploymentPredicate
from nbdeploy.trust.envelopes import sign
from nbdeploy.trust.keys import Signer
from nbdeploy.trust.policy.document import Policy

Action = Literal["started", "promoted", "completed", "rolled_back", "refused", "withdrawn", "held"]


@dataclass(frozen=True)
class Act:
    """What was done with a release, and the share of traffic (percent) that it has after it."""

    action: Action
    weight: float
    reason: str
    at: datetime


def statement(release: Release, act: Act, chain: Chain, policy: Policy, signer: Signer) -> bytes:
    """Return a signed deployment statement about a release, naming the request and the approvals that it rests on."""
    predicate = DeploymentPredicate(
        request=release.request,
        model=release.model,
        version=release.version,
        endpoint=release.endpoint,
        environment=release.environment,
        action=act.action,
        weight=act.weight,
        reason=act.reason,
        at=act.at,
    )
    subjects = {"model": release.digest, "request": chain.request(release.request).digest}
    if release.environment in policy.environments:
        approvals = standing(chain, release.request, policy, act.at).approvals
        subjects |= {f"approval-{number}": logged.digest for number, logged in enumerate(approvals, start=1)}
    return sign(predicate, subjects, signer)
