"""The attack cases that belong to approving, one row each; an id begins with its case.

What is forged is signed with real keys and logged without asking any rule: whoever holds a key can do that.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from tests.admission.world import DAY, NOW, RATIO, ROC, World, key, policy, waiver

from nbdeploy.approve.standing import standing
from nbdeploy.documents.request import Request
from nbdeploy.errors import PolicyError, Refusal
from nbdeploy.trust.envelopes import sign

ONE, TWO = 'approvals = 1\nby = ["validator"]', 'approvals = 2\nby = ["validator"]'
ALSO = f'{ONE}\nalso = [{{by = ["risk"]}}]'
TIERS = f'{ONE}\ntiers.high = {{approvals = 2, also = [{{by = ["risk"]}}]}}'
ZERO = "sha256:" + "0" * 64
HOUR = timedelta(hours=1)


def found(world: World, request: Request, *, starting: bool = True):
    return standing(world.chain(), request.id, world.policy, NOW, starting=starting)


def codes(world: World, request: Request) -> list[str]:
    """The codes of all that was logged and does not count, or stands in the request's way."""
    judged = [refusal.code for refusal in found(world, request).refusals]
    return [reason.split(" ")[0] for _, reason in world.chain().ignored] + judged


def given_up(**changes: object) -> Callable[[World], None]:
    """Put a policy in force in which Vera's first key carries these words."""

    def act(world: World) -> None:
        words = ", ".join(f"{name} = {value}" for name, value in changes.items())
        text = policy_text().replace(
            f'{{public = "{key("Vera").public}"}}', f'{{public = "{key("Vera").public}", {words}}}'
        )
        world.policy = read(text)

    return act


def policy_text() -> str:
    lines = ["version = 2"]
    for name, roles in (("Ana", ["author"]), ("Vera", ["validator"]), ("Otto", ["validator"])):
        lines += ["[[people]]", f'name = "{name}"', f"roles = {roles}", f'keys = [{{public = "{key(name).public}"}}]']
    for name, roles, person in (("bench", ["author", "runner"], "Ana"), ("ci", ["runner"], "")):
        lines += ["[[services]]", f'name = "{name}"', f"roles = {roles}"]
        lines += [f'keys = [{{public = "{key(name).public}"}}]', *([f'person = "{person}"'] if person else [])]
    return "\n".join(
        [*lines, "[environments.production]", ONE, 'older_policy = "accept"', "[models]", '"churn" = "enforce"']
    )


def read(text: str):
    from nbdeploy.trust.policy.file import read_policy

    return read_policy(text.encode())


def stamp(moment) -> str:
    return moment.isoformat()


def twice_in_one_envelope(world: World, request: Request) -> None:
    """One envelope, the same signature under the real key id and none, and a garbled third one."""
    entry = world.forge(request, "Vera")
    envelope = json.loads(entry.envelope)
    (one,) = envelope["signatures"]
    raw = bytearray(base64.b64decode(one["sig"]))
    raw[5] ^= 1
    garbled = one | {"sig": base64.b64encode(raw).decode()}
    envelope["signatures"] = [one, one | {"keyid": ""}, garbled]
    world.ledger.append(json.dumps(envelope).encode())


def another_request(world: World, request: Request) -> None:
    """A real approval of the same version by another request, logged a second time under this one's id."""
    other = world.ask(world.validate(attempt=2), version=request.version)
    world.forge(request, "Vera", subjects={"request": world.chain().asked[other.id].digest})


CASES = [
    # id, policy of production, what is logged, state, codes in log order
    ("A1 replayed on another version", ONE, lambda w, r: w.forge(r, "Vera", version="2"), "requested", ["E-LINK"]),
    (
        "A1 replayed in another environment",
        ONE,
        lambda w, r: w.forge(r, "Vera", environment="dev"),
        "requested",
        ["E-LINK"],
    ),
    ("A1 replayed on another request", ONE, another_request, "requested", ["E-LINK"]),
    ("A2 requester", ONE, lambda w, r: w.forge(r, "Ana"), "requested", ["E-SELF"]),
    ("A2 requester's other key", ONE, lambda w, r: w.forge(r, "Ana", sign_as="Ana second"), "requested", ["E-SELF"]),
    ("A2 requester through a service", ONE, lambda w, r: w.forge(r, "bench"), "requested", ["E-ROLE"]),
    ("A2 the service that ran it", ONE, lambda w, r: w.forge(r, "ci"), "requested", ["E-ROLE"]),
    ("A2 in the name of another", ONE, lambda w, r: w.forge(r, "Vera", sign_as="Ana"), "requested", ["E-LINK"]),
    (
        "A3 one person, two keys, threshold 2",
        TWO,
        lambda w, r: [w.forge(r, "Vera"), w.forge(r, "Vera", sign_as="Vera second", reason="again")],
        "requested",
        [],
    ),
    ("A4 one signature three times in one envelope", TWO, twice_in_one_envelope, "requested", ["E-LINK"]),
    ("A5 no role for the environment", ONE, lambda w, r: w.forge(r, "Zoe"), "requested", ["E-ROLE"]),
    ("A5 a role of another group only", ALSO, lambda w, r: [w.forge(r, "Vera"), w.forge(r, "Otto")], "requested", []),
    ("A5 one of each role", ALSO, lambda w, r: [w.forge(r, "Vera"), w.forge(r, "Rita")], "approved", []),
    (
        "A5 risk tier asks for more than two validators",
        TIERS,
        lambda w, r: [w.forge(r, "Vera"), w.forge(r, "Otto")],
        "requested",
        [],
    ),
    (
        "A5 risk tier has its three",
        TIERS,
        lambda w, r: [w.forge(r, name) for name in ("Rita", "Vera", "Otto")],
        "approved",
        [],
    ),
    ("A6 expired", ONE, lambda w, r: w.forge(r, "Vera", expires=NOW - HOUR), "expired", ["E-EXPIRED"]),
    (
        "A6 longer than the environment's days",
        f"{ONE}\nexpires_days = 2",
        lambda w, r: w.forge(r, "Vera", expires=NOW + 900 * DAY),
        "expired",
        ["E-EXPIRED"],
    ),
    (
        "A6 not before a day to come",
        ONE,
        lambda w, r: w.forge(r, "Vera", not_before=NOW + DAY),
        "not_yet",
        ["E-EXPIRED"],
    ),
    (
        "A8 signer's clock two days ahead",
        ONE,
        lambda w, r: w.forge(r, "Vera", signed=NOW + 2 * DAY),
        "requested",
        ["E-CLOCK"],
    ),
    (
        "A8 signer's clock two days behind its request",
        ONE,
        lambda w, r: w.forge(r, "Vera", signed=r.requested - 2 * DAY),
        "requested",
        ["E-CLOCK"],
    ),
    (
        "A8 signer's clock some minutes behind its request",
        ONE,
        lambda w, r: w.forge(r, "Vera", signed=r.requested - timedelta(minutes=5)),
        "approved",
        [],
    ),
    ("A9 rejection only", ONE, lambda w, r: w.forge(r, "Vera", decision="rejection"), "rejected", []),
    (
        "A9 rejected, then approved by the same",
        ONE,
        lambda w, r: [w.forge(r, "Vera", decision="rejection"), w.forge(r, "Vera")],
        "approved",
        [],
    ),
    (
        "A9 one approves and one rejects",
        ONE,
        lambda w, r: [w.forge(r, "Vera"), w.forge(r, "Otto", decision="rejection")],
        "rejected",
        [],
    ),
    (
        "A9 an approval kept back until after the rejection",
        ONE,
        lambda w, r: [w.forge(r, "Vera", decision="rejection"), w.forge(r, "Vera", signed=NOW - 3.5 * DAY)],
        "rejected",
        ["E-NOAPPROVAL"],
    ),
    (
        "A9 rejection by who may only waive blocks too",
        f'{ONE}\nfailed = "waive"\nwaive_by = ["risk"]',
        lambda w, r: [w.forge(r, "Vera"), w.forge(r, "Rita", decision="rejection")],
        "rejected",
        [],
    ),
    (
        "A11 under another policy",
        ONE,
        lambda w, r: w.forge(r, "Vera", subjects={"policy": ZERO}),
        "requested",
        ["E-POLICY"],
    ),
    (
        "A11 under another policy, which is accepted",
        f'{ONE}\nolder_policy = "accept"',
        lambda w, r: w.forge(r, "Vera", subjects={"policy": ZERO}),
        "approved",
        [],
    ),
    (
        "A12 another card than the request's",
        ONE,
        lambda w, r: w.forge(r, "Vera", subjects={"card": ZERO}),
        "requested",
        ["E-LINK"],
    ),
    ("A13 revoked after it was approved", ONE, lambda w, r: [w.forge(r, "Vera"), w.revoke(r)], "revoked", []),
    ("A13 approved again after it was revoked", ONE, lambda w, r: [w.revoke(r), w.forge(r, "Vera")], "revoked", []),
    ("B10 same bytes, other model name", ONE, lambda w, r: w.forge(r, "Vera", model="fraud"), "requested", ["E-LINK"]),
]  # fmt: skip - one case, one row


@pytest.mark.parametrize(
    ("production", "act", "state", "expected"), [row[1:] for row in CASES], ids=[row[0] for row in CASES]
)
def test_what_is_logged_counts_only_as_the_case_says(
    world: World, production: str, act, state: str, expected: list[str]
):
    world.policy = policy(production=production)
    request = world.requested(risk_tier="high")
    act(world, request)
    assert (found(world, request).state, codes(world, request)) == (state, expected)


def test_a11_what_runs_is_not_stopped_by_a_new_text_of_the_policy(world: World):
    request = world.requested()
    world.sign(request)
    world.policy = policy("# another text")
    assert found(world, request, starting=False).state == "approved"
    (refusal,) = found(world, request).refusals
    assert isinstance(refusal, PolicyError)
    assert "sign again under it" in refusal.next
    world.sign(request, at=NOW - DAY)
    assert found(world, request).state == "approved"


KEYS = [
    ("A6 the key's days ended before it was logged", {"until": (NOW - 10 * DAY).date()}, "requested", ["E-EXPIRED"]),
    ("A7 revoked after signing", {"revoked": stamp(NOW - DAY)}, "approved", []),
    ("A7 revoked before signing", {"revoked": stamp(NOW - 3.5 * DAY)}, "requested", ["E-REVOKED"]),
    (
        "A7 compromised before signing, revoked after",
        {"revoked": stamp(NOW - DAY), "compromised_since": stamp(NOW - 3.5 * DAY)},
        "requested",
        ["E-REVOKED"],
    ),
    ("A7 compromised after signing", {"compromised_since": stamp(NOW - DAY)}, "approved", []),
    (
        "A7 revoked after signing, and logged before the ledger had so many entries",
        {"revoked": stamp(NOW - DAY), "entries": 4},
        "approved",
        [],
    ),
    (
        "A7 dated before it was revoked, and logged after",
        {"revoked": stamp(NOW - DAY), "entries": 3},
        "requested",
        ["E-REVOKED"],
    ),
]  # fmt: skip - one case, one row


@pytest.mark.parametrize(("words", "state", "expected"), [row[1:] for row in KEYS], ids=[row[0] for row in KEYS])
def test_a_key_counts_at_the_time_that_the_ledger_proves(world: World, words, state: str, expected: list[str]):
    request = world.requested()
    world.forge(request, "Vera")  # entry 3, of three days ago
    given_up(**words)(world)
    assert (found(world, request).state, codes(world, request)) == (state, expected)


def test_a7_a_later_statement_proves_that_an_earlier_date_is_invented(world: World):
    request = world.requested()
    world.forge(request, "Otto", decision="question", signed=NOW - DAY)
    world.forge(request, "Vera", signed=NOW - 3 * DAY)
    given_up(revoked=stamp(NOW - 2 * DAY))(world)
    assert codes(world, request) == ["E-REVOKED"]


TWICE = [
    ("A3 one key of two people", lambda text: text.replace(key("Otto").public, key("Vera").public)),
    ("A3 one person under two names", lambda text: text.replace('name = "Otto"', 'name = "VERA"')),
]


@pytest.mark.parametrize("change", [row[1] for row in TWICE], ids=[row[0] for row in TWICE])
def test_a_policy_cannot_make_one_signature_two(change):
    read(policy_text())
    with pytest.raises(PolicyError):
        read(change(policy_text()))


def test_a3_one_key_listed_twice_for_one_person_is_one_person(world: World):
    public = f'{{public = "{key("Vera").public}"}}'
    world.policy = read(policy_text().replace(public, f"{public}, {public}").replace(ONE, TWO))
    request = world.requested()
    world.forge(request, "Vera")
    world.forge(request, "Vera", reason="and once more")
    assert (found(world, request).state, found(world, request).missing) == ("requested", 1)


def test_a3_one_person_with_two_roles_fills_one_place(world: World):
    world.policy = policy(production=ALSO, people={"Vera": ("validator", "risk")})
    request = world.requested()
    world.forge(request, "Vera")
    judged = found(world, request)
    assert (judged.state, judged.missing, judged.approvers) == ("requested", 1, ("Otto", "Rita"))
    world.forge(request, "Otto")  # takes the validator's place, so that Vera has the other one
    assert found(world, request).state == "approved"


def test_a4_two_people_on_one_envelope_are_the_one_whom_it_names(world: World):
    world.policy = policy(production=TWO)
    request = world.requested()
    entry = world.forge(request, "Vera")
    envelope = json.loads(entry.envelope)
    chain = world.chain()
    said = chain.decisions[request.id][0]
    second = json.loads(sign(said.predicate, dict(said.subjects), key("Otto")))
    envelope["signatures"] += second["signatures"]
    world.ledger.append(json.dumps(envelope).encode())
    assert found(world, request).missing == 1


def test_a10_decisions_at_once_have_one_order_and_every_reader_sees_it(world: World):
    from concurrent.futures import ThreadPoolExecutor

    from nbdeploy.trust.ledger.store import Ledger

    world.policy = policy(production=TWO)
    request = world.requested()
    said = [("Vera", "approval"), ("Otto", "approval"), ("Vera", "rejection"), ("Otto", "question")] * 3
    signed = []
    for number, (name, decision) in enumerate(said):
        predicate, subjects = forged(world, request, name, decision, at=NOW - 3 * DAY + number * HOUR)
        signed.append(sign(predicate, subjects, key(name)))
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda one: Ledger(world.ledger.url, key("ledger")).append(one), signed))
    chain = world.chain()
    assert chain.ignored == []
    logged = chain.decisions[request.id]
    assert [one.index for one in logged] == list(range(3, 3 + len(said)))
    assert len({standing(world.chain(), request.id, world.policy, NOW).state for _ in range(3)}) == 1


def forged(world: World, request: Request, by: str, decision: str, *, at):
    from nbdeploy.documents.statements import DecisionPredicate

    bound = request.digests.model_dump() | {"request": world.chain().asked[request.id].digest}
    predicate = DecisionPredicate(
        request=request.id,
        model=request.model,
        version=request.version,
        environment=request.environment,
        decision=decision,
        by=by,
        signed=at,
        not_before=at,
        expires=at + 30 * DAY,
    )
    return predicate, bound | {"policy": world.policy.digest}


WAIVERS = [
    ("without a reason", {"reason": " "}, "E-ACKNOWLEDGE"),
    ("that ended before it was signed", {"expires": NOW - 4 * DAY}, "E-ACKNOWLEDGE"),
    ("longer than the environment's days", {"expires": NOW + 8 * DAY}, "E-ACKNOWLEDGE"),
    ("of a gate that nobody declared", {"gate": RATIO.replace("ratio", "ration")}, "E-ACKNOWLEDGE"),
    ("of a gate that passed", {"gate": ROC}, "E-ACKNOWLEDGE"),
    ("of a finding that the request does not name", {"gate": "scan:unknown:other.Type"}, "E-ACKNOWLEDGE"),
]
WAIVING = f'{ONE}\nfailed = "waive"\nwaive_by = ["risk"]\nwaiver_days = 10'


@pytest.mark.parametrize(("changes", "code"), [row[1:] for row in WAIVERS], ids=[row[0] for row in WAIVERS])
def test_a_waiver_that_breaks_a_rule_is_refused_when_signed_and_counts_for_nothing_when_logged(
    world: World, changes, code
):
    world.policy = policy(production=WAIVING)
    world.verdicts[RATIO] = "fail"
    request = world.requested(scan=("scan:unknown:my.Type",))
    good = [waiver(RATIO, expires=NOW + 5 * DAY), waiver("scan:unknown:my.Type", expires=NOW + 5 * DAY)]
    bad = good[0].model_copy(update=changes)
    with pytest.raises(Refusal) as refused:
        world.sign(request, "Rita", waive=(bad, good[1]))
    assert refused.value.code == code
    world.forge(request, "Rita", waived=(bad, good[1]))
    world.forge(request, "Vera")
    assert found(world, request).state == "requested"
    assert code in codes(world, request)
    world.sign(request, "Rita", waive=good)
    assert found(world, request).state == "approved"
    assert found(world, request).until == NOW + 5 * DAY


def test_a_waiver_by_another_role_counts_for_nothing(world: World):
    world.policy = policy(production=WAIVING)
    world.verdicts[RATIO] = "fail"
    request = world.requested()
    world.forge(request, "Vera", waived=(waiver(RATIO, expires=NOW + DAY),))
    assert codes(world, request) == ["E-ACKNOWLEDGE", "E-ROLE"]


def test_who_only_waives_gives_no_signature_and_who_signs_needs_not_waive(world: World):
    world.policy = policy(production=WAIVING)
    world.verdicts[RATIO] = "fail"
    request = world.requested()
    with pytest.raises(Refusal, match="somebody with the role risk signs first"):
        world.sign(request, "Vera")
    with pytest.raises(Refusal, match="counts from the role validator only"):
        world.sign(request, "Rita")
    world.sign(request, "Rita", waive=(waiver(RATIO, expires=NOW + DAY),))
    assert (found(world, request).state, found(world, request).missing) == ("requested", 1)
    world.sign(request, "Vera")
    assert found(world, request).state == "approved"
    world.sign(request, "Rita", decision="question", at=NOW - 2 * DAY, reason="is it still needed?")
    assert found(world, request).state == "questioned"


@pytest.mark.parametrize(
    ("rule", "waived", "state"),
    [
        ("waive", False, "requested"),
        ("waive", True, "approved"),
        ("block", True, "requested"),
        ("allow", False, "approved"),
    ],
)
def test_a_finding_of_the_file_scan_goes_through_as_policy_says(world: World, rule: str, waived: bool, state: str):
    world.policy = policy(production=f'{ONE}\nscan = "{rule}"')
    request = world.requested(scan=("scan:unknown:my.Type",))
    world.forge(request, "Vera", waived=(waiver("scan:unknown:my.Type"),) if waived else ())
    assert found(world, request).state == state


def test_without_signatures_a_finding_of_the_file_scan_waits_for_its_waiver(world: World):
    request = world.requested(environment="dev", scan=("scan:unknown:my.Type",))
    assert found(world, request).state == "requested"
    world.sign(request, "Vera", waive=(waiver("scan:unknown:my.Type"),))
    assert found(world, request).state == "approved"


@pytest.mark.parametrize(
    ("acknowledged", "says"),
    [
        ((ROC,), "it passed"),
        ((RATIO,), "takes a waiver here"),
        (("performance.roc_auk",), "did you mean"),
    ],
)
def test_only_what_needs_it_is_acknowledged(world: World, acknowledged: tuple[str, ...], says: str):
    world.policy = policy(production=WAIVING.replace("risk", "validator"))
    world.verdicts[RATIO] = "fail"
    with pytest.raises(Refusal, match=says) as refused:
        world.sign(world.requested(), acknowledge=acknowledged, waive=(waiver(RATIO, expires=NOW + DAY),))
    assert refused.value.code == "E-ACKNOWLEDGE"
