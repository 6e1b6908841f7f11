"""What became of a request after it was decided, and how much its decisions vouch for."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC

from nbdeploy.approve.chain import Chain
from nbdeploy.approve.rules import environment_of
from nbdeploy.approve.signers import counts
from nbdeploy.approve.standing import Standing
from nbdeploy.documents.decision_sheet import Tone
from nbdeploy.trust.policy.document import Policy

ASSURANCE = {
    "local": "Local: whoever holds the ledger's key could rewrite the log",
    "team": "Team: one service holds the ledger's key and is its only writer; whoever runs that could rewrite the log, "
    "and every machine that remembers an earlier one would notice",
}
_ENDED = ("rolled_back", "withdrawn")
_WORDS = {"requested": "waiting for a signature", "not_yet": "not yet valid"}
_TONES: dict[str, Tone] = {"approved": "pass", "in force": "pass", "rejected": "fail", "revoked": "fail"}


def word(chain: Chain, found: Standing) -> str:
    """Return where a request stands now: its standing, or that it is in force, was superseded or taken back.

    What runs goes on running when its approval ends: that stops new rollouts only.
    """
    request = found.request
    done = _completed(chain, request.id)
    stands = _WORDS.get(found.state, found.state)
    if found.state == "revoked" or (done is None and found.state != "approved"):
        return stands
    if done is None:
        last = [logged.predicate.action for logged in chain.deployments.get(request.id, ())][-1:]
        return last[0].replace("_", " ") if last and last[0] in _ENDED else "approved"
    place = (request.endpoint, request.environment)
    rivals = [one.id for one in chain.requests.values() if (one.endpoint, one.environment) == place]
    later = [_completed(chain, rival) for rival in rivals if rival != request.id]
    now = "superseded" if any(one is not None and one > done for one in later) else "in force"
    return now if found.state in ("approved", "expired") else f"{stands}, and {now}"


def tone(stands: str) -> Tone:
    """Return the colour of a standing's word."""
    first = stands.partition(",")[0]
    return _TONES.get(first, "not_evaluated" if first == "superseded" else "inconclusive")


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


def parties(chain: Chain, found: Standing, policy: Policy, level: str) -> Iterator[tuple[str, str]]:
    """Yield who did what for a request, by which policy, and how strong is what was checked.

    Parameters
    ----------
    level
        Of the ledger: local or team.
    """
    request = found.request
    asked = chain.asked[request.id]
    declared = [one.person for one in chain.objectives if one.subjects["objective"] == request.digests.objective]
    validation = chain.validations.get(request.validation)
    rule = environment_of(policy, request)
    signed = [
        logged.person if counts(rule, logged.principal.roles) else f"{logged.person} (waives only)"
        for logged in found.approvals
    ]
    yield "Asked for it", asked.person
    yield "Declared the objective", ", ".join(dict.fromkeys(declared)) or "nobody, as far as the ledger knows"
    yield (
        "Ran the validation",
        _runner(validation.principal.name, validation.person) if validation else "not in the ledger",
    )
    yield "Signed", ", ".join(signed) or "nobody's approval counts so far"
    yield "Separation", _separation(found, policy, asked.person)
    under = f"; it was asked under another one, {request.digests.policy[:19]}…"
    same = ", under which it was asked"
    told = f"Judged by version {policy.version}, {policy.digest[:19]}…"
    yield "Policy", f"{told}{same if request.digests.policy == policy.digest else under}"
    yield "Assurance of the log", ASSURANCE[level]


def _runner(service: str, person: str) -> str:
    return service if service == person else f"{service}, which works for {person}"


def _separation(found: Standing, policy: Policy, asked: str) -> str:
    rule = environment_of(policy, found.request)
    if not rule.needed and not found.approvals:
        return f"{found.request.environment} asks for no signature: nobody but {asked} looked at this"
    if not found.approvals:
        people = "one person" if rule.needed == 1 else f"{rule.needed} people"
        return f"{people.capitalize()} must sign who did not ask for it, declare its objective or run its validation"
    return "Nobody who signed asked for it, declared its objective or ran its validation, by person and by key"
