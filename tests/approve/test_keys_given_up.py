"""Keys that were revoked or stolen, and clocks that are wrong: cases A7 and A8, through the whole chain.

Times are proved by the ledger: a statement is no older than any statement that was logged before it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from tests.admission.world import DAY, NOW, World, key, policy

from nbdeploy.approve.chain import Chain
from nbdeploy.approve.record import read_chain
from nbdeploy.errors import PolicyError, RevokedError
from nbdeploy.trust.policy.document import Policy
from nbdeploy.trust.policy.file import read_policy

HOUR = timedelta(hours=1)
SIGNED = NOW - 3 * DAY


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def given_up(said: str) -> Policy:
    """The world's policy, with something said about Vera's first key."""
    first = f'{{public = "{key("Vera").public}"}}'
    text = _text(policy())
    assert first in text
    return read_policy(text.replace(first, f'{{public = "{key("Vera").public}", {said}}}').encode())


def _text(found: Policy) -> str:
    """The policy as a file: what `tests.admission.world.policy` reads is not kept, so that it is written again."""
    lines = ["version = 2"]
    for table, entries in (("people", found.people), ("services", found.services)):
        for entry in entries:
            keys = ", ".join(f'{{public = "{one.public}"}}' for one in entry.keys)
            lines += [f"[[{table}]]", f'name = "{entry.name}"', f"roles = {list(entry.roles)}", f"keys = [{keys}]"]
            person = getattr(entry, "person", None)
            lines += [f'person = "{person}"'] if person else []
    lines += ["[environments.production]", "approvals = 1", 'by = ["validator"]', "[models]", '"churn" = "enforce"']
    return "\n".join(lines)


def moment(at: datetime) -> str:
    return at.isoformat()


def decisions(world: World, rules: Policy, request: str, now: datetime = NOW) -> tuple[Chain, list[str]]:
    chain = read_chain(world.ledger.entries(), rules, now, ledger=world.ledger.public)
    return chain, [logged.person for logged in chain.decisions.get(request, ())]


A7 = [
    ("A7 revoked after signing", f"revoked = {moment(SIGNED + HOUR)}", True),
    ("A7 revoked before signing", f"revoked = {moment(SIGNED - HOUR)}", False),
    ("A7 revoked at that very moment", f"revoked = {moment(SIGNED)}", False),
    ("A7 revoked, the moment in another zone", "revoked = 2026-11-18T14:30:00+02:00", True),
    ("A7 compromised after signing", f"compromised_since = {moment(SIGNED + HOUR)}", True),
    ("A7 compromised before signing", f"compromised_since = {moment(SIGNED - HOUR)}", False),
    (
        "A7 compromised between, revoked later",
        f"revoked = {moment(SIGNED + HOUR)}, compromised_since = {moment(SIGNED - HOUR)}",
        False,
    ),
    ("A7 given up after this entry", f"revoked = {moment(SIGNED + HOUR)}, entries = 4", True),
    ("A7 given up before this entry", f"revoked = {moment(SIGNED + HOUR)}, entries = 3", False),
]


@pytest.mark.parametrize(("said", "counts"), [row[1:] for row in A7], ids=[row[0] for row in A7])
def test_what_a_key_signed_counts_by_when_it_was_given_up(world: World, said: str, counts: bool):
    request = world.requested()
    world.sign(request)
    chain, found = decisions(world, given_up(said), request.id)
    assert found == (["Vera"] if counts else [])
    assert [reason.split()[0] for _, reason in chain.ignored] == ([] if counts else ["E-REVOKED"])


def test_a7_a_stolen_key_cannot_be_dated_back_past_what_is_logged(world: World):
    """It says that it signed before it was revoked, and stands in the ledger after what was said later."""
    request = world.requested()
    world.sign(request, "Otto", at=NOW - DAY, decision="question")
    world.forge(request, "Vera", signed=NOW - 3 * DAY, not_before=NOW - 3 * DAY)
    chain, found = decisions(world, given_up(f"revoked = {moment(NOW - 2 * DAY)}"), request.id)
    assert found == ["Otto"]
    assert chain.ignored[0][1].startswith("E-REVOKED")


def test_a7_in_a_quiet_ledger_the_count_of_entries_stops_what_is_dated_back(world: World):
    """Nothing was logged between, so that time proves nothing: the length of the ledger at that moment does."""
    request = world.requested()
    size = world.ledger.size
    world.forge(request, "Vera", signed=NOW - 3 * DAY, not_before=NOW - 3 * DAY)
    revoked = f"revoked = {moment(NOW - 2 * DAY)}"
    assert decisions(world, given_up(revoked), request.id)[1] == ["Vera"]
    chain, found = decisions(world, given_up(f"{revoked}, entries = {size}"), request.id)
    assert found == []
    assert chain.ignored[0][1].startswith("E-REVOKED")


def test_a7_the_other_key_of_the_person_goes_on(world: World):
    request = world.requested()
    world.forge(request, "Vera", sign_as="Vera second")
    assert decisions(world, given_up(f"compromised_since = {moment(NOW - 30 * DAY)}"), request.id)[1] == ["Vera"]


def test_a7_nothing_is_signed_with_a_key_that_was_given_up(world: World):
    request = world.requested()
    world.policy = given_up(f"revoked = {moment(SIGNED - HOUR)}")
    with pytest.raises(RevokedError, match="the key of Vera was revoked"):
        world.sign(request)


@pytest.mark.parametrize("when", ["2026-11-18T12:00:00", "2026-11-18", '"yesterday"'])
def test_a_moment_without_its_zone_is_no_moment(when: str):
    with pytest.raises(PolicyError, match="revoked"):
        given_up(f"revoked = {when}")


def test_a_count_of_entries_alone_says_nothing():
    with pytest.raises(PolicyError, match="entries belongs to a key"):
        given_up("entries = 3")


A8 = [
    ("A8 signer two days ahead", NOW + 2 * DAY, NOW, [], "E-CLOCK"),
    ("A8 signer two days ahead, and they passed", NOW + 2 * DAY, NOW + 2 * DAY, ["Vera"], ""),
    ("A8 signer two days behind", NOW - 5 * DAY, NOW, ["Vera"], ""),
    ("A8 reader behind what is logged", NOW - 3 * DAY, NOW - 20 * DAY, [], "E-CLOCK"),
]


@pytest.mark.parametrize(("signed", "now", "counts", "code"), [row[1:] for row in A8], ids=[row[0] for row in A8])
def test_clocks_that_are_wrong(world: World, signed: datetime, now: datetime, counts: list[str], code: str):
    request = world.requested()
    world.forge(request, "Vera", signed=signed, not_before=signed)
    chain, found = decisions(world, policy(), request.id, now)
    assert found == counts
    if code:
        assert chain.ignored[-1][1].startswith(code)


def test_a8_a_signer_two_days_behind_is_held_to_the_proved_time(world: World):
    """The key ended between what the signer says and what the ledger proves: the later one counts."""
    request = world.requested()
    world.forge(request, "Vera", signed=NOW - 6 * DAY, not_before=NOW - 6 * DAY)
    # The request that was logged before it is of NOW - 4 days.
    assert decisions(world, given_up(f"revoked = {moment(NOW - 5 * DAY)}"), request.id)[1] == []
