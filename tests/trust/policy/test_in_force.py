"""Which policy is in force: cases P1, P2 and K2 of the attack list, and the ways that are right."""

from __future__ import annotations

import json
import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.trust.roots import NOW, Machine, pinned, root, signed, text, write

from nbdeploy.errors import PolicyError
from nbdeploy.trust.policy.file import read_policy
from nbdeploy.trust.policy.signing import Offered, envelope_file, sign_policy, stable_bytes

BOTH = pinned("one", "two", threshold=2)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


# The ways that are right ---------------------------------------------------------------------------------------------


def test_the_next_version_follows_when_enough_roots_signed_it(machine: Machine):
    first = machine.begin()
    machine.offer(text(2), ("two", "three"), first)
    found = machine.trust()
    assert (found.policy.version, found.first, found.warnings) == (2, False, ())
    assert (machine.folder / "seen" / "1.toml").read_bytes() == first
    assert {file.name for file in (machine.folder / "seen").iterdir()} == {
        "1.toml",
        "1.toml.sig.json",
        "2.toml",
        "2.toml.sig.json",
        "last.json",
    }


def test_roots_can_be_replaced_by_the_old_and_the_new_ones(machine: Machine):
    first = machine.begin()
    new = text(2, ("two", "four", "five"))
    machine.offer(new, ("one", "two", "four"), first)
    assert machine.trust().policy.version == 2
    third = text(3, ("two", "four", "five"))
    machine.offer(third, ("one", "two"), new)
    with pytest.raises(PolicyError, match="signed by 1 of the roots of policy 2"):
        machine.trust()
    machine.offer(third, ("four", "five"), new)
    assert machine.trust().policy.version == 3


def test_a_machine_that_slept_walks_the_versions_between(machine: Machine):
    first = machine.begin()
    second, third, fourth = text(2), text(3, top="expires = 2026-01-01"), text(4)
    machine.publish(second, previous=first)
    machine.publish(third, previous=second)
    machine.offer(fourth, previous=third)
    assert machine.trust().policy.version == 4
    assert (machine.folder / "seen" / "3.toml").read_bytes() == third


def test_a_pin_of_old_roots_leads_to_the_new_ones(machine: Machine):
    first, second = text(1), text(2, ("four", "five"))
    machine.publish(first)
    machine.offer(second, ("one", "two", "four", "five"), first)
    third = text(3, ("four", "five"))
    machine.publish(second, ("one", "two", "four", "five"), first)
    machine.offer(third, ("four", "five"), second)
    assert machine.trust(BOTH).policy.version == 3


def test_an_unsigned_policy_is_believed_where_it_lies_and_may_begin_to_be_signed(machine: Machine):
    machine.offer(text(1, ()), ())
    assert machine.trust().policy.version == 1
    machine.offer(text(1, (), top='preset = "solo"'), ())
    assert machine.trust().policy.preset == "solo"
    machine.offer(text(2), ("one", "two"))
    assert machine.trust().policy.roots is not None
    machine.offer(text(3, ()), ())
    with pytest.raises(PolicyError, match="signing cannot be dropped"):
        machine.trust()


def test_one_signature_more_stands_beside_the_others_once(machine: Machine):
    data = text(1)
    envelope = signed(data, ("one", "two", "one"))
    assert envelope is not None
    assert len(json.loads(envelope)["signatures"]) == 2
    other = text(1, top='preset = "team"')
    with pytest.raises(PolicyError, match="about other bytes"):
        sign_policy(Offered(read_policy(other), other, envelope), None, root("three"))


# P1: what is refused --------------------------------------------------------------------------------------------------


def _few(machine: Machine, first: bytes) -> None:
    machine.offer(text(2), ("one",), first)


def _same_root_twice(machine: Machine, first: bytes) -> None:
    data = text(2)
    envelope = json.loads(signed(data, ("one",), first) or b"")
    envelope["signatures"] *= 2
    write(machine.file, data, json.dumps(envelope).encode())


def _strangers(machine: Machine, first: bytes) -> None:
    machine.offer(text(2, ("four", "five")), ("four", "five"), first)


def _not_by_new(machine: Machine, first: bytes) -> None:
    machine.offer(text(2, ("four", "five")), ("one", "two"), first)


def _unsigned(machine: Machine, first: bytes) -> None:
    machine.offer(text(2), (), first)


def _older(machine: Machine, first: bytes) -> None:
    second = text(2)
    machine.offer(second, previous=first)
    machine.trust()
    machine.offer(first)


def _other_of_the_version(machine: Machine, first: bytes) -> None:
    del first
    machine.offer(text(1, top='preset = "solo"'))


def _expired(machine: Machine, first: bytes) -> None:
    machine.offer(text(2, top="expires = 2026-11-20"), previous=first)


def _gap(machine: Machine, first: bytes) -> None:
    machine.offer(text(3), previous=first)


def _wrong_between(machine: Machine, first: bytes) -> None:
    second = text(2)
    machine.publish(second, ("one",), first)
    machine.offer(text(3), previous=second)


def _misnamed_between(machine: Machine, first: bytes) -> None:
    machine.offer(text(3), previous=first)
    write(machine.folder / "policies" / "2.toml", text(4), signed(text(4), ("one", "two"), first))


def _fork(machine: Machine, first: bytes) -> None:
    del first
    machine.offer(text(2), previous=text(1, top='preset = "solo"'))


def _changed_after(machine: Machine, first: bytes) -> None:
    write(machine.file, text(2, top='preset = "solo"'), signed(text(2), ("one", "two"), first))


def _threshold_down(machine: Machine, first: bytes) -> None:
    machine.offer(text(2, threshold=1), ("one",), first)


def _no_roots(machine: Machine, first: bytes) -> None:
    machine.offer(text(2, ()), ("one", "two"), first)


def _junk(machine: Machine, first: bytes) -> None:
    machine.offer(text(2), previous=first)
    envelope_file(machine.file).write_bytes(b"{}")


def _link(machine: Machine, first: bytes) -> None:
    machine.offer(text(2), previous=first)
    real = machine.file.rename(machine.folder / "real.toml")
    machine.file.symlink_to(real)


REFUSED = [
    ("P1 too few roots", _few, "signed by 1 of the roots of policy 1, and 2 must sign"),
    ("P1 one root twice", _same_root_twice, "signed by 1 of the roots"),
    ("P1 other roots", _strangers, "signed by 0 of the roots of policy 1"),
    ("P1 new roots did not sign", _not_by_new, "signed by 0 of the roots that it names itself"),
    ("P1 unsigned", _unsigned, "signed by 0 of the roots"),
    ("P1 threshold lowered by one", _threshold_down, "signed by 1 of the roots of policy 1, and 2"),
    ("P1 roots dropped", _no_roots, "signing cannot be dropped"),
    ("P1 older version", _older, "policy 1 is older than policy 2"),
    ("P1 another one of the version", _other_of_the_version, "another policy 1"),
    ("P1 expired", _expired, "expired on 2026-11-20"),
    ("P1 gap", _gap, "policy 2 is missing"),
    ("P1 a version between signed by too few", _wrong_between, "policy 2 is signed by 1"),
    ("P1 a version between is another one", _misnamed_between, "is of policy 4"),
    ("P1 follows another", _fork, "to follow another policy 1"),
    ("P1 changed after it was signed", _changed_after, "another policy than this file"),
    ("P1 signatures are junk", _junk, "cannot be read"),
    ("K2 the policy is a link", _link, "is a link"),
]


@pytest.mark.parametrize(("offer", "says"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_what_does_not_follow_is_refused_and_not_remembered(machine: Machine, offer, says: str):
    first = machine.begin()
    offer(machine, first)
    before = (machine.folder / "seen" / "last.json").read_bytes()
    with pytest.raises(PolicyError, match=says) as refused:
        machine.trust()
    assert refused.value.code == "E-POLICY"
    assert "\n" not in str(refused.value)
    assert (machine.folder / "seen" / "last.json").read_bytes() == before


def test_p1_a_policy_ends_with_its_last_day(machine: Machine):
    machine.offer(text(1, top="expires = 2026-11-21"))
    assert machine.trust(BOTH, now=NOW).policy.version == 1
    with pytest.raises(PolicyError, match="expired on 2026-11-21"):
        machine.trust(BOTH, now=datetime(2026, 11, 22, tzinfo=UTC))


# P2: nothing is remembered --------------------------------------------------------------------------------------------


def test_p2_after_the_memory_is_lost_only_a_pinned_root_starts_with_a_warning(machine: Machine):
    machine.begin()
    shutil.rmtree(machine.folder / "seen")
    with pytest.raises(PolicyError, match="nothing here says whose signatures count"):
        machine.trust()
    found = machine.trust(BOTH)
    assert found.first
    assert "no policy was seen here before" in found.warnings[0]
    assert not machine.trust(BOTH).first


@pytest.mark.parametrize(
    ("names", "by", "says"),
    [
        (("one", "two", "three"), ("one",), "signed by 1 of the roots that are pinned here, and 2"),
        (("one", "four"), ("one", "four"), "signed by 1 of the roots that are pinned here"),
        ((), ("one", "two"), "names no roots, and roots are pinned here"),
    ],
    ids=["P2 too few of the pinned", "P2 others beside the pinned", "P2 a policy without roots"],
)
def test_a_first_start_is_held_to_the_pinned_roots(machine: Machine, names, by, says: str):
    machine.offer(text(1, names), by)
    with pytest.raises(PolicyError, match=says):
        machine.trust(BOTH)
    assert machine.seen.last() is None


@pytest.mark.parametrize(
    "spoil",
    [
        lambda seen: (seen / "last.json").write_text("{"),
        lambda seen: (seen / "last.json").write_text('{"file": "../policy.toml", "digest": "x"}'),
        lambda seen: (seen / "1.toml").unlink(),
        lambda seen: (seen / "1.toml").write_bytes(text(1, ("four",), 1)),
    ],
    ids=["P2 junk", "P2 another file", "P2 the policy is gone", "P2 the policy was changed"],
)
def test_a_memory_that_was_touched_is_not_believed(machine: Machine, spoil):
    machine.begin()
    spoil(machine.folder / "seen")
    with pytest.raises(PolicyError, match="last"):
        machine.trust(BOTH)


# K2: files ------------------------------------------------------------------------------------------------------------


def test_k2_a_folder_or_a_pipe_in_the_place_of_a_policy_is_one_sentence(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe")
    for file in (tmp_path, tmp_path / "pipe", tmp_path / "missing"):
        with pytest.raises(PolicyError, match="cannot be read"):
            stable_bytes(file)


def test_two_root_keys_of_one_person_are_one_person():
    keys = "".join(f'{{public = "{root(name).public}"}}, ' for name in ("one", "two"))
    with pytest.raises(PolicyError, match="two of the keys belong to 'Rita'"):
        read_policy(text(1) + f'[[people]]\nname = "Rita"\nkeys = [{keys}]\n'.encode())


@pytest.mark.parametrize(
    ("roots", "says"),
    [
        ("keys = []", "at least 1"),
        ('keys = ["{0}", "{0}"]', "stands twice"),
        ('keys = ["{0}"]\nthreshold = 2', "2 signatures are asked for, and there are 1 keys"),
        ('keys = ["{0}"]\nthreshold = 0', "greater than or equal to 1"),
        ('kyes = ["{0}"]', "did you mean 'keys'"),
    ],
)
def test_roots_that_cannot_be_are_refused(roots: str, says: str):
    with pytest.raises(PolicyError, match=says):
        read_policy(f"[roots]\n{roots.format(root('one').public)}".encode())


def test_k2_a_policy_that_changes_while_it_is_read_is_read_again_and_then_refused(machine: Machine, monkeypatch):
    """The one place where a race can be shown: the file is written to between the two looks at its times."""
    machine.offer(text(1, ()), ())
    real, times = os.read, []

    def reading(handle: int, count: int) -> bytes:
        data = real(handle, count)
        if len(times) < changes:
            times.append(None)
            machine.file.write_bytes(text(1, (), top="#" * 7 * len(times)))
        return data

    monkeypatch.setattr(os, "read", reading)
    changes = 1
    assert b"#######" in stable_bytes(machine.file)
    times.clear()
    changes = 2
    with pytest.raises(PolicyError, match="changes while it is read"):
        stable_bytes(machine.file)
