"""The decision sheet of one request: who asked, who signed, under which conditions, and what holds now.

Names are those that the policy gives to the keys that signed; what a statement says about itself is not repeated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from nbdeploy.approve.answered import deployed, parties, tone, word
from nbdeploy.approve.chain import Chain
from nbdeploy.approve.conditions import conditions
from nbdeploy.approve.gates import needs, waivers_roles
from nbdeploy.approve.rules import environment_of
from nbdeploy.approve.signers import counts
from nbdeploy.approve.standing import Decision, Standing, standing
from nbdeploy.documents.decision_sheet import DecisionSaid, DecisionTold, GateTold
from nbdeploy.errors import AcknowledgeError
from nbdeploy.trust.policy.document import Policy

ASKED = {"acknowledge": "to be acknowledged", "waive": "to be waived", "block": "which this environment never takes"}


def told(
    chain: Chain, request_id: str, policy: Policy, now: datetime, *, level: str, words: Callable[[str], str]
) -> DecisionTold:
    """Return what the ledger says about a request.

    Parameters
    ----------
    level
        How far the ledger itself can be relied on: local or team.
    words
        Names a gate as the card does.

    Raises
    ------
    NotApprovedError
        There is no such request.
    PolicyError
        The policy does not know the request's environment.
    """
    found = standing(chain, request_id, policy, now)
    request = found.request
    validation = chain.validations.get(request.validation)
    said = validation.predicate if validation else None
    stands = word(chain, found)
    return DecisionTold(
        request=request.id,
        subject=request.subject,
        endpoint=request.endpoint,
        environment=request.environment,
        word=stands,
        tone=tone(stands),
        asked=f"Asked by {chain.asked[request.id].person} on {when(request.requested)}",
        until=_until(found, now) if found.state == "approved" else "",
        attempt=chain.attempts.get(request.validation),
        verdict=said.overall.replace("_", " ") if said else "",
        gates=tuple(_gates(chain, found, policy, words)),
        said=tuple(_said(chain, found, policy, words)),
        conditions=() if found.state == "revoked" else tuple(conditions(found, policy, now)),
        revoked=tuple(
            f"Revoked by {logged.person} on {when(logged.predicate.at)}: {logged.predicate.reason}"
            for logged in chain.revocations.get(request_id, ())
        ),
        missing=tuple(missing(chain, found, policy)),
        problems=tuple(str(refusal) for refusal in found.own if not isinstance(refusal, AcknowledgeError)),
        facts=tuple(parties(chain, found, policy, level)),
        deployed=tuple(deployed(chain, request_id)),
    )


def when(moment: datetime) -> str:
    """Return a moment as sheets write it."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _until(found: Standing, now: datetime) -> str:
    if found.until is None:
        return ""
    days = (found.until - now).days
    left = f"{days} day{'s' * (days != 1)}" if days else "less than a day"
    return f"{when(found.until)}, which is {left} after this was drawn"


def _gates(chain: Chain, found: Standing, policy: Policy, words: Callable[[str], str]) -> Iterator[GateTold]:
    request = found.request
    validation = chain.validations.get(request.validation)
    if validation is None:
        return
    verdicts = validation.predicate.gates
    for gate, need in needs(environment_of(policy, request), request, validation.predicate).items():
        answers = tuple(_answers(found, gate))
        yield GateTold(
            gate=gate,
            words=words(gate),
            found=verdicts[gate].replace("_", " ") if gate in verdicts else "found in the model's files",
            asked=ASKED[need],
            answers=answers,
            is_open=gate in found.unwaived or (need == "acknowledge" and not answers),
        )


def _answers(found: Standing, gate: str) -> Iterator[str]:
    for logged in found.approvals:
        said = logged.predicate
        if gate in said.acknowledged:
            yield f"Acknowledged by {logged.person}"
        for waiver in said.waived:
            if waiver.gate == gate:
                yield f"Waived by {logged.person} until {waiver.expires:%Y-%m-%d}: {waiver.reason}"


def _said(chain: Chain, found: Standing, policy: Policy, words: Callable[[str], str]) -> Iterator[DecisionSaid]:
    decisions = chain.decisions.get(found.request.id, ())
    rule = environment_of(policy, found.request)
    last = {logged.person: logged.index for logged in decisions if not _refused_for_good(found, logged)}
    for logged in decisions:
        said = logged.predicate
        refused = found.uncounted.get(logged.index)
        counts_not = str(refused) if refused else ""
        signs = bool(refused) or said.decision != "approval" or counts(rule, logged.principal.roles)
        if not refused and last[logged.person] != logged.index:
            counts_not = f"Replaced by what {logged.person} said in entry {last[logged.person]}"
        yield DecisionSaid(
            decision=said.decision.capitalize(),
            by=logged.person,
            at=when(said.signed),
            entry=logged.index,
            reason=said.reason,
            notes=tuple(_notes(logged, policy, words, counts_not=counts_not, signs=signs)),
            counts_not=counts_not,
        )


def _refused_for_good(found: Standing, logged: Decision) -> bool:
    """Whether a decision never came to count; one that expired replaced its person's earlier ones all the same."""
    return logged.index in found.uncounted and found.uncounted[logged.index].code != "E-EXPIRED"


def _notes(
    logged: Decision, policy: Policy, words: Callable[[str], str], *, counts_not: str, signs: bool
) -> Iterator[str]:
    said = logged.predicate
    if said.unattended:
        yield "Signed unattended: nobody sat at the terminal"
    if not signs:
        yield "It only waives: the role gives no signature here"
    if logged.subjects["policy"] != policy.digest:
        version = f"version {said.policy_version}, " if said.policy_version is not None else ""
        yield f"Decided under another policy than today's ({version}{logged.subjects['policy'][:19]}…)"
    if not counts_not:
        return  # what holds is told with its gates and conditions
    for gate in said.acknowledged:
        yield f"Acknowledged {words(gate)}"
    for waiver in said.waived:
        yield f"Waived {words(waiver.gate)} until {waiver.expires:%Y-%m-%d}: {waiver.reason}"
    for condition in said.conditions:
        yield f"Asked for: {condition.text} ({condition.owner}, by {condition.by})"


def missing(chain: Chain, found: Standing, policy: Policy) -> Iterator[str]:
    """Yield what a request still waits for: waivers by role, and signatures by the names that could give them."""
    if found.state not in ("requested", "questioned", "returned", "expired", "not_yet"):
        return
    rule = environment_of(policy, found.request)
    needed = needs(rule, found.request, chain.validations[found.request.validation].predicate) if found.unwaived else {}
    blocked = [gate for gate in found.unwaived if needed[gate] == "block"]
    if blocked:
        yield f"It will never stand: {found.request.environment} takes no model with {', '.join(blocked)}"
        return
    if found.unwaived:
        may = " or ".join(sorted(waivers_roles(rule)))
        yield f"Missing: a waiver of {', '.join(found.unwaived)}, by somebody with the role {may}"
    if found.missing:
        role = " or ".join(dict.fromkeys(role for group in found.lacking for role in group.by))
        by = " or ".join(found.approvers) or f"somebody with the role {role}, and the policy names nobody else"
        asked = ", ".join(str(group) for group in rule.groups)
        in_all = f"; in all it takes {asked}, each another person" if len(rule.groups) > 1 else ""
        yield f"Missing: {found.missing} signature{'s' * (found.missing > 1)} by {by}{in_all}"
