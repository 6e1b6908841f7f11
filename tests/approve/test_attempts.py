"""The ledger numbers attempts: nobody can tell one number twice, or keep it to themselves."""

from __future__ import annotations

import pytest
from tests.admission.world import World

TOLD = [
    ("as they were made", (1, 2, 3), (1, 2, 3)),
    ("the same number again and again", (1, 1, 1), (1, 2, 3)),
    ("sealed by a runner that knew none", (None, None), (1, 2)),
    ("sealed after two that were numbered", (1, 2, None), (1, 2, 3)),
    ("a folder was left over, so that a number was skipped", (1, 3, 4), (1, 3, 4)),
    ("an earlier one sealed and submitted late", (1, None, 2), (1, 2, 3)),
    ("less than nothing", (-5, 0, 1), (1, 2, 3)),
]


@pytest.mark.parametrize(("told", "found"), [case[1:] for case in TOLD], ids=[case[0] for case in TOLD])
def test_attempts_count_up_in_the_ledgers_order(world: World, told: tuple[int | None, ...], found: tuple[int, ...]):
    world.declare()
    entries = [world.validate(attempt=number, data=f"sha256:{n}") for n, number in enumerate(told)]
    chain = world.chain()
    assert tuple(chain.attempts[entry.digest] for entry in entries) == found


def test_objectives_are_numbered_apart(world: World):
    first, other, second = (world.validate(objective=name, attempt=None, data=name * n)
                            for n, name in ((1, "churn"), (1, "fraud"), (2, "churn")))  # fmt: skip
    attempts = world.chain().attempts
    assert [attempts[entry.digest] for entry in (first, other, second)] == [1, 1, 2]


def test_a_validation_that_does_not_count_has_no_number(world: World):
    refused, counted = world.validate(by="Vera"), world.validate()
    chain = world.chain()
    assert refused.digest not in chain.attempts
    assert chain.attempts[counted.digest] == 1


def test_a_second_ledger_entry_of_one_statement_is_no_second_attempt(world: World):
    """Case A4's neighbour: packed again, the same act stays one."""
    entry = world.validate()
    world.ledger.append(entry.envelope.replace(b'{"payload"', b'{ "payload"', 1))
    assert list(world.chain().attempts.values()) == [1]
