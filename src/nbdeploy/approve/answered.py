"""What became of a request after it was decided, and how much its decisions vouch for."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC

from nbdeploy.approve.chain import Chain
from nbdeploy.approve.rules import environment_of
from nbdeploy.approve.sheet import ASSURANCE
from nbdeploy.approve.standing import Standing
from nbdeploy.trust.policy import Policy

_ENDED = ("rolled_back", "withdrawn")


def word(chain: Chain, found: Standing) -> str:
    """Return where a request stands now: its standing, or that it is in force, was superseded or taken back."""
    if found.state != "approved":
        return {"requested": "waiting for a signature", "not_yet": "not yet valid"}.get(found.state, found.state)
    request = found.request
    done = _completed(chain, request.id)
    if done is None:
        last = [logged.predicate.action for logged in chain.deployments.get(request.id, ())][-1:]
        return last[0].replace("_", " ") if last and last[0] in _ENDED else "approved"
    place = (request.endpoint, request.environment)
    rivals = [one.id for one in chain.requests.values() if (one.endpoint, one.environment) == place]
    later = [_completed(chain, rival) for rival in rivals if rival != request.id]
    return "superseded" if any(one is not None and one > done for one in later) else "in force"


def _completed(chain: Chain, request_id: str) -> int | None:
    """Return the ledger entry by which a rollout was completed, None where it was not, or was taken back since."""
    done = None
    for logged in chain.deployments.get(request_id, ()):
        if logged.predicate.action == "completed":
            done = logged.index
        elif logged.predicate.action in _ENDED:
            done = None
    return done


def deployed(chain: Chain, request_id: str) -> Iterator[str]:
    """Yield what the controller did for a request, in order."""
    for logged in chain.deployments.get(request_id, ()):
        said = logged.predicate
        weight = f" at {said.weight:g} % of the traffic" if said.weight is not None else ""
        reason = f": {said.reason}" if said.reason else ""
        at = f"{said.at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
        yield f"{said.action.replace('_', ' ').capitalize()}{weight} on {at}{reason}"


def assurance(chain: Chain, found: Standing, policy: Policy) -> Iterator[str]:
    """Yield, in words, how strong is what was checked."""
    rule = environment_of(policy, found.request)
    asked = chain.asked[found.request.id]
    if not rule.approvals:
        yield f"{found.request.environment} asks for no signature: nobody but {asked.person} looked at this"
    elif found.approvals:
        names = ", ".join(logged.person for logged in found.approvals)
        keys = "keys" if len(found.approvals) > 1 else "a key"
        yield f"Signed by {names} with {keys} of their own; {asked.person} asked, and did not sign"
    else:
        yield "Nobody's approval counts so far"
    if any(logged.predicate.unattended for logged in found.approvals):
        yield "An approval was signed unattended: nobody sat at the terminal"
    yield f"The log is {ASSURANCE}"
