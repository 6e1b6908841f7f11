"""What MLflow should show of a model: what the ledger says of its versions, and what the journal says is live."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from nbdeploy.approve.chain import Chain
from nbdeploy.approve.standing import standing
from nbdeploy.documents.display import Display, Mark
from nbdeploy.documents.release import Release
from nbdeploy.documents.request import Request
from nbdeploy.errors import Refusal
from nbdeploy.release.addresses import strictest
from nbdeploy.release.journal import Journaled
from nbdeploy.trust.policy.document import Policy


@dataclass(frozen=True)
class Wanted:
    """What should be shown.

    Attributes
    ----------
    said
        Other values of a mark that the ledger says too, of another request or before a rollout began. Whoever asked or
        signed may have shown them; they are brought up to date, and are no alarm.
    """

    display: Display
    said: Mapping[Mark, frozenset[str]]


def wanted(model: str, chain: Chain, releases: Sequence[Journaled], policy: Policy, now: datetime) -> Wanted:
    """Return what should be shown of a model. Of several requests for one version the newest is."""
    journaled = {found.release.request: found.release for found in releases}
    requests = [request for request in chain.requests.values() if request.model == model]
    tags: dict[str, dict[str, str]] = {}
    said: dict[Mark, set[str]] = {}
    for request in requests:
        release = journaled.get(request.id)
        stands = _standing(chain, request, policy, now)
        tags[request.version] = _tags(request, release, stands)
        for shown in (_tags(request, None, stands), tags[request.version]):
            for key, value in shown.items():
                said.setdefault((request.version, key), set()).add(value)
    aliases = {"candidate": requests[-1].version} if requests else {}
    aliases |= live_aliases(model, releases, strictest(policy))
    said["", "candidate"] = {request.version for request in requests}
    return Wanted(Display(aliases=aliases, tags=tags), {mark: frozenset(values) for mark, values in said.items()})


def live_aliases(model: str, releases: Sequence[Journaled], environment: str | None) -> dict[str, str]:
    """Return alias → version as the journal has it: what is live in the strictest environment, and what was before."""
    here = [found for found in releases if found.release.model == model and found.release.environment == environment]
    live = next((found for found in reversed(here) if found.release.state == "live"), None)
    if live is None:
        return {}
    before = next((found for found in here if found.release.request == live.previous), None)
    return {"champion": live.release.version} | ({"previous": before.release.version} if before else {})


def _tags(request: Request, release: Release | None, stands: str) -> dict[str, str]:
    return {
        "request": request.id,
        "environment": request.environment,
        "standing": release.state if release else stands,
        "traffic_weight": f"{release.weight:g}" if release else "0",
    }


def _standing(chain: Chain, request: Request, policy: Policy, now: datetime) -> str:
    try:
        return standing(chain, request.id, policy, now).state
    except Refusal:  # the policy does not know its environment any more: nothing can come of it
        return "requested"
