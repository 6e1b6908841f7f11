"""The policy: what is written is what counts, and nothing is guessed."""

from __future__ import annotations

import base64
from datetime import UTC, date, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from nbdeploy.errors import ExpiredError, LogError, PolicyError, RoleError
from nbdeploy.trust.digests import bytes_digest
from nbdeploy.trust.keys import Signer
from nbdeploy.trust.policy.document import Policy
from nbdeploy.trust.policy.file import read_policy

ANA, OLD, VERA, CI, LOG = (Signer(Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32)).public for n in range(5))
WHOLE = f"""
preset = "team"
version = 3

[[people]]
name = "Ana Author"
roles = ["author"]
keys = [
  {{public = "{ANA}", from = 2026-01-01, until = 2027-12-31}},
  {{public = "{OLD}", until = 2025-12-31}},
]

[[people]]
name = "Vera Validator"
roles = ["validator"]
keys = [{{public = "{VERA}", from = 2026-01-01}}]

[[services]]
name = "ci"
roles = ["runner"]
person = "Ana Author"
keys = [{{public = "{CI}"}}]

[environments.production]
approvals = 1
by = ["validator"]
expires_days = 7
runner = ["ci"]
inconclusive = "acknowledge"
failed = "waive"
waive_by = ["validator"]
notebooks = ["sha256:{"1" * 64}"]

[floor]
sensitive = ["sex"]
max_min_group_size = 50
decide = "interval"
gates.fairness.demographic_parity_ratio = ">= 0.80"

[models]
"progression-*" = "enforce"
"prog*" = "warn"
"""


def whole(old: str = "", new: str = "") -> Policy:
    assert old in WHOLE
    return read_policy(WHOLE.replace(old, new, 1).encode() if old else WHOLE.encode())


def at(year: int, month: int = 6, day: int = 1) -> datetime:
    return datetime(year, month, day, 12, tzinfo=UTC)


def test_every_key_of_the_example_is_read():
    policy = whole()
    rule = policy.environments["production"]
    assert (rule.expires_days, rule.runner, rule.failed, rule.waive_by) == (7, ("ci",), "waive", ("validator",))
    assert policy.trusted_notebooks == (f"sha256:{'1' * 64}",)
    assert policy.floor.max_min_group_size == 50
    assert str(policy.floor.gates["fairness"]["demographic_parity_ratio"]) == ">= 0.8"
    assert policy.people[0].keys[0].until == date(2027, 12, 31)
    assert policy.digest == bytes_digest(WHOLE.encode())


def test_what_is_not_said_comes_from_the_preset():
    policy = whole()
    assert policy.environments["dev"].approvals == 0
    assert policy.environments["staging"].approvals == 1
    assert policy.environments["production"].not_evaluated == "acknowledge"


@pytest.mark.parametrize("preset", ["solo", "team", "regulated"])
def test_each_preset_is_a_policy_with_a_free_dev_and_a_guarded_production(preset: str):
    policy = read_policy(f'preset = "{preset}"'.encode())
    assert policy.environments["dev"].approvals == 0
    assert policy.environments["production"].needed == (2 if preset == "regulated" else 1)
    assert policy.mode("anything") == "observe"


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("version = 3", "versoin = 3", "unknown key 'versoin'; did you mean 'version'?"),
        ("approvals = 1", "aprovals = 1", "did you mean 'approvals'?"),
        ("sensitive = ", "sensitiv = ", "did you mean 'sensitive'?"),
        ("from = 2026", "form = 2026", "did you mean 'from'?"),
        ('roles = ["validator"]', 'role = ["validator"]', "did you mean 'roles'?"),
        ('person = "Ana Author"', 'persn = "Ana Author"', "did you mean 'person'?"),
        ("[floor]", "[flor]", "did you mean 'floor'?"),
        ('"team"', '"tame"', "did you mean 'team'?"),
        ("approvals = 1", "approvals = -1", "greater than or equal to 0"),
        ("expires_days = 7", "expires_days = 0", "greater than or equal to 1"),
        ('"waive"', '"wave"', "'waive' or 'block'"),
        ('"enforce"', '"force"', "'enforce'"),
        ('">= 0.80"', '"0.80"', "not a condition"),
        ("gates.fairness", "gates.fairnes", "'fairness'"),
        ("version = 3", "version = ", "is not TOML"),
        ('person = "Ana Author"', 'person = "Bob"', "'Bob', who is not among the people"),
        ('"Vera Validator"', '"ana  AUTHOR"', "stands twice"),
        ('"Vera Validator"', '"Ａna Author"', "stands twice"),
        (VERA, ANA, "one key belongs to 'Ana Author' and to 'Vera Validator'"),
        (VERA, "ed25519:" + base64.b64encode(bytes(32)).decode(), "small order"),
        (VERA, "ed25519:AAAA", "is not a public key"),
    ],
)
def test_a_mistake_is_one_sentence(old: str, new: str, says: str):
    with pytest.raises(PolicyError) as refused:
        whole(old, new)
    assert says in str(refused.value)
    assert "\n" not in refused.value.fact


@pytest.mark.parametrize("data", [b"\xff", b"preset = [1]", b"[" * 100_000, b"preset = 'team'\npeople = 3"])
def test_junk_is_one_sentence(data: bytes):
    with pytest.raises(PolicyError):
        read_policy(data)


def test_a_key_belongs_to_somebody_on_its_days_only():
    policy = whole()
    ana = policy.who(ANA, at(2026))
    assert (ana.name, ana.person, ana.roles, ana.is_service) == ("Ana Author", "Ana Author", ("author",), False)
    assert policy.who(OLD, at(2025)).name == "Ana Author"
    assert policy.who(ANA, datetime(2027, 12, 31, 23, 59, tzinfo=UTC)).name == "Ana Author"
    for public, when in ((ANA, at(2025)), (ANA, at(2028)), (OLD, at(2026))):
        with pytest.raises(ExpiredError):
            policy.who(public, when)
    with pytest.raises(RoleError):
        policy.who(Signer(Ed25519PrivateKey.generate()).public, at(2026))


def test_a_service_stands_for_the_person_it_works_for():
    ci = whole().who(CI, at(2026))
    assert (ci.name, ci.person, ci.is_service) == ("ci", "Ana Author", True)


def test_one_key_may_have_two_spans():
    policy = whole(f'{{public = "{OLD}", until = 2025-12-31}}', f'{{public = "{ANA}", until = 2024-12-31}}')
    assert policy.who(ANA, at(2024)).name == "Ana Author"
    assert policy.who(ANA, at(2026)).name == "Ana Author"
    with pytest.raises(ExpiredError):
        policy.who(ANA, at(2025))


def test_people_with_a_role_hold_it_and_a_key():
    assert whole().people_with(["validator"]) == ("Vera Validator",)
    assert whole().people_with(["validator"], exclude={"Vera Validator"}) == ()
    assert whole(f'keys = [{{public = "{VERA}", from = 2026-01-01}}]', "").people_with(["validator"]) == ()


def test_the_first_pattern_that_fits_a_model_decides_and_observe_is_the_default():
    policy = whole()
    assert policy.mode("progression-risk") == "enforce"
    assert policy.mode("progress") == "warn"
    assert policy.mode("Progression-risk") == "observe"


def test_notebooks_written_below_an_environment_belong_to_it():
    """As in the normative example: in TOML a key stands in the table above it."""
    policy = read_policy(f'[environments.production]\nnotebooks = ["sha256:{"2" * 64}"]'.encode())
    assert policy.environments["production"].notebooks == policy.trusted_notebooks


NAMED = f'[[services]]\nname = "ledger"\nroles = ["ledger"]\nkeys = [{{public = "{LOG}"}}]\n'


def test_a_policy_may_name_the_one_ledger_that_it_is_about():
    whole().check_ledger(LOG)
    named = read_policy(NAMED.encode())
    assert named.ledger == LOG
    named.check_ledger(LOG)
    for other in (CI, None):
        with pytest.raises(LogError, match="not the ledger that the policy names"):
            named.check_ledger(other)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("[[services]]", "[[people]]", "is for a service that has no other one"),
        ('["ledger"]', '["ledger", "runner"]', "is for a service that has no other one"),
        ("}}]", f'}}, {{public = "{CI}"}}]', "exactly one key"),
        (f'{{public = "{LOG}"}}', "", "exactly one key"),
        ("}]", ", until = 2027-01-01}]", "carry no time"),
    ],
)
def test_which_ledger_is_meant_is_never_left_open(old: str, new: str, says: str):
    old = old.replace("}}", "}")
    assert old in NAMED
    with pytest.raises(PolicyError, match=says):
        read_policy(NAMED.replace(old, new, 1).encode())
