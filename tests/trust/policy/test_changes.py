"""Comparing, looking over and changing policies."""

from __future__ import annotations

import base64
from datetime import UTC, date, datetime

import pytest

from nbdeploy.errors import PolicyError
from nbdeploy.trust.policy import edit as policy_edit
from nbdeploy.trust.policy.diff import changes
from nbdeploy.trust.policy.edit import edited
from nbdeploy.trust.policy.file import read_policy
from nbdeploy.trust.policy.lint import problems

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def public(number: int) -> str:
    return "ed25519:" + base64.b64encode(bytes([number]) * 32).decode()


V, W, S, R = map(public, (7, 8, 9, 10))
BASE = f"""# Kept by the risk function.
preset = "team"
version = 3

[[people]]
name = "Author"                # writes models
roles = ["author"]

[[people]]
name = "Validator"
roles = ["validator"]
keys = [{{public = "{V}", from = 2026-01-01, until = 2027-12-31}}]

[[people]]
name = "Risk"
roles = ["risk"]
keys = [{{public = "{R}"}}]

[[services]]
name = "ci"
roles = ["runner"]
person = "Author"
keys = [{{public = "{S}"}}]

[environments.production]
approvals = 1
expires_days = 30
runner = ["ci"]

[floor]
sensitive = ["sex"]
min_level = 0.9
max_min_group_size = 50
gates.performance.roc_auc = ">= 0.75"

[models]
"churn" = "enforce"
"""

DIFFS = [
    ("approvals = 1", "approvals = 2", "tightened", "production", "2 by validator, before 1 by validator"),
    ("expires_days = 30", "expires_days = 60", "loosened", "production", "days of an approval: 60, before 30"),
    ("expires_days = 30", 'failed = "block"', "tightened", "production", "a failed gate: block, before waive"),
    ("expires_days = 30", 'by = ["validator", "risk"]', "loosened", "production", "1 by validator or risk, before"),
    ("expires_days = 30", 'by = ["risk"]', "changed", "production", "1 by risk, before 1 by validator"),
    ("expires_days = 30", 'also = [{by = ["risk"]}]', "tightened", "production", "1 by validator and 1 by risk"),
    ("expires_days = 30", 'older_policy = "accept"', "loosened", "production", "older policy: accept, before refuse"),
    ("expires_days = 30", 'on_expiry = "withdraw"', "tightened", "production", "expired: withdraw, before warn"),
    ("expires_days = 30", 'on_revoke = "alarm"', "loosened", "production", "revocation: alarm, before rollback"),
    ("expires_days = 30", "waiver_days = 7", "tightened", "production", "days of a waiver: 7, before 90"),
    ("expires_days = 30", "tiers.high.approvals = 3", "tightened", "production, high risk", "3 by validator"),
    ('runner = ["ci"]', "", "loosened", "production", "any runner may run the validation, before ci"),
    ('roles = ["author"]', 'roles = ["author", "validator"]', "loosened", "person Author", "is validator now"),
    ('roles = ["risk"]', "roles = []", "tightened", "person Risk", "is no longer risk"),
    (f'keys = [{{public = "{R}"}}]', "", "tightened", "person Risk", "is gone, also for what it signed before"),
    ("until = 2027-12-31", "until = 2028-12-31", "loosened", "person Validator", "until 2028-12-31; before"),
    (
        "until = 2027-12-31",
        "revoked = 2026-11-01T00:00:00Z, until = 2027-12-31",
        "tightened",
        "person Validator",
        "revoked",
    ),
    ('person = "Author"', "", "changed", "service ci", "works for nobody, before for Author"),
    ('sensitive = ["sex"]', "", "loosened", "floor", "no longer: every objective looks at sex"),
    ("min_level = 0.9", "min_level = 0.8", "loosened", "floor", "lowest level: 0.8, before 0.9"),
    ("max_min_group_size = 50", "max_min_group_size = 30", "tightened", "floor", "30, before 50"),
    ('">= 0.75"', '">= 0.70"', "loosened", "floor", "performance.roc_auc: >= 0.7, before >= 0.75"),
    ('gates.performance.roc_auc = ">= 0.75"', "", "loosened", "floor", "none, before >= 0.75"),
    (
        'gates.performance.roc_auc = ">= 0.75"',
        'gates.performance.roc_auc = ">= 0.75"\ngates.data.leakage = "== 0"',
        "tightened",
        "floor",
        "data.leakage",
    ),
    (
        "min_level = 0.9",
        "min_level = 0.9\nmax_level = 0.99",
        "tightened",
        "floor",
        "highest level: 0.99, before no limit",
    ),
    ("min_level = 0.9", "min_level = 0.9\ncontrol = []", "tightened", "floor", "no factor, before any factor"),
    ("min_level = 0.9", "min_level = 0.9\nfavourable = 0", "tightened", "floor", "favourable: 0, before any"),
    (
        "min_level = 0.9",
        "min_level = 0.9\nrollout.min_bake_minutes = 9",
        "tightened",
        "floor",
        "minutes of each step: 9",
    ),
    (
        "min_level = 0.9",
        "min_level = 0.9\ncontract.age.nullable = false",
        "tightened",
        "floor",
        "column age: nullable False",
    ),
    ("[models]", '[floors."credit-*"]\ndecide = "interval"\n[models]', "tightened", "floor of credit-*", "decide"),
    ('"churn" = "enforce"', '"churn" = "observe"', "loosened", "models", "churn: observe, before enforce"),
    ("[models]", '[tiers]\n"churn" = "high"\n[models]', "tightened", "risk tiers", "churn: high, before low"),
    ("version = 3", 'version = 4\non_alias = "restore"', "tightened", "aliases", "restore, before report"),
    (
        "version = 3",
        "version = 4\nexpires = 2027-01-01",
        "tightened",
        "policy",
        "last day: 2027-01-01, before no limit",
    ),
    ("version = 3", "version = 4\nledger.max_age_hours = 24", "tightened", "ledger", "24"),
    ("version = 3", f'version = 4\nroots.keys = ["{W}"]', "tightened", "roots", "named"),
]


@pytest.mark.parametrize(("old", "new", "kind", "where", "says"), DIFFS, ids=[f"{row[3]}: {row[4]}" for row in DIFFS])
def test_what_changed_is_told_as_looser_or_stricter(old: str, new: str, kind: str, where: str, says: str):
    assert old in BASE
    before, after = read_policy(BASE.encode()), read_policy(BASE.replace(old, new, 1).encode())
    found = changes(before, after)
    assert [(change.kind, change.where) for change in found if says in change.text] == [(kind, where)], found
    opposite = {"loosened": "tightened", "tightened": "loosened", "changed": "changed"}
    assert opposite[kind] in {change.kind for change in changes(after, before)}


def test_a_policy_compared_with_itself_has_not_changed():
    assert changes(read_policy(BASE.encode()), read_policy(BASE.encode())) == ()


LINTS = [
    ("", "", "", ""),
    ("approvals = 1", "approvals = 2", "error", "asks for 2 by validator; only Validator has these roles"),
    ('roles = ["validator"]', 'roles = ["author", "validator"]', "error", "what Validator makes cannot be approved"),
    ('roles = ["validator"]', 'roles = ["validater"]', "warning", "did you mean 'validator'"),
    ("until = 2027-12-31", "until = 2026-10-01", "error", "production: nothing can be approved"),
    ("until = 2027-12-31", "until = 2026-10-01", "warning", "no key of this person counts any more"),
    ("until = 2027-12-31", "until = 2026-12-01", "warning", "the last key counts until 2026-12-01"),
    ("until = 2027-12-31", "revoked = 2026-01-02T00:00:00Z", "warning", "no key of this person counts any more"),
    (f'keys = [{{public = "{S}"}}]', "", "warning", "ci: the service has no key"),
    (f'keys = [{{public = "{R}"}}]', "", "warning", "Risk: the person has no key"),
    ('runner = ["ci"]', 'runner = ["cii"]', "error", "is no service of this policy; did you mean 'ci'"),
    ('roles = ["runner"]', "roles = []", "error", "has not the role runner"),
    ('roles = ["risk"]', "roles = []", "warning", "production: nobody has the role 'risk'"),
    ('"churn" = "enforce"', '"churn" = "warn"', "warning", "nothing is enforced"),
    ('"churn" = "enforce"', '"*" = "enforce"\n"churn" = "observe"', "warning", "'churn' never decides"),
    ("version = 3", "version = 3\nexpires = 2026-11-01", "error", "the policy expired on 2026-11-01"),
    ("version = 3", "version = 3\nexpires = 2026-12-01", "warning", "the policy expires on 2026-12-01"),
    ("version = 3", f'version = 3\nroots.keys = ["{W}"]', "warning", "one lost key would end all changes"),
    ("expires_days = 30", "tiers.high.approvals = 2", "error", "production (models of high risk): nothing can be"),
]


@pytest.mark.parametrize(("old", "new", "kind", "says"), LINTS, ids=[row[3] or "nothing" for row in LINTS])
def test_what_a_policy_promises_and_nobody_can_do_is_told(old: str, new: str, kind: str, says: str):
    assert old in BASE
    found = problems(read_policy(BASE.replace(old, new, 1).encode()), NOW)
    if not says:
        assert found == ()
        return
    assert kind in {problem.kind for problem in found if says in problem.text}, found


# Changing -------------------------------------------------------------------------------------------------------------


def test_a_change_keeps_comments_and_order_and_counts_the_version():
    data = edited(BASE.encode(), [policy_edit.add_person("Second", ["validator"], W)], version=4)
    text = data.decode()
    assert text.startswith("# Kept by the risk function.")
    assert "# writes models" in text
    assert text.index("Second") < text.index("[[services]]")
    policy = read_policy(data)
    assert (policy.version, policy.people[-1].name, policy.people[-1].keys[0].public) == (4, "Second", W)
    assert [(change.kind, change.text) for change in changes(read_policy(BASE.encode()), policy)] == [
        ("loosened", "new, as validator")
    ]


def test_a_rotated_key_overlaps_today_and_the_old_file_counts_for_what_it_signed():
    policy = read_policy(edited(BASE.encode(), [policy_edit.rotate_key(V, W, date(2026, 11, 21))]))
    for at in (datetime(2026, 3, 1, tzinfo=UTC), NOW):
        assert policy.who(V, at).name == "Validator"
    assert policy.who(W, NOW).name == "Validator"
    keys = policy.people[1].keys
    assert (keys[0].until, keys[1].from_) == (date(2026, 11, 21), date(2026, 11, 21))


@pytest.mark.parametrize("compromised", [True, False])
def test_a_key_is_given_up_with_the_length_of_the_ledger(compromised: bool):
    edit = policy_edit.give_up_key(V, NOW, 12, compromised=compromised)
    key = read_policy(edited(BASE.encode(), [edit])).people[1].keys[0]
    assert (key.ended, key.entries) == (NOW, 12)
    assert (key.compromised_since is not None) == compromised


def test_people_roles_and_keys_come_and_go():
    policy = read_policy(
        edited(
            BASE.encode(),
            [
                policy_edit.add_role("Author", "auditor"),
                policy_edit.remove_role("Risk", "risk"),
                policy_edit.add_key("Author", W),
                policy_edit.remove("ci"),
                policy_edit.add_role("Validator", "validator"),
            ],
        ).replace(b'runner = ["ci"]', b"")
    )
    assert policy.people[0].roles == ("author", "auditor")
    assert policy.people[0].keys[0].public == W
    assert policy.people[1].roles == ("validator",)
    assert policy.people[2].roles == ()
    assert policy.services == ()


@pytest.mark.parametrize(
    ("edit", "says"),
    [
        (policy_edit.add_person("Risk", [], None), "already names Risk"),
        (policy_edit.remove("Rsk"), "did you mean 'Risk'"),
        (policy_edit.remove_role("Risk", "rsk"), "did you mean 'risk'"),
        (policy_edit.rotate_key(W, V, date(2026, 1, 1)), "nobody with the key"),
    ],
)
def test_a_change_of_what_is_not_there_is_refused(edit: policy_edit.Edit, says: str):
    with pytest.raises(PolicyError, match=says):
        edited(BASE.encode(), [edit])


def test_a_version_and_people_are_added_where_none_were():
    data = edited(
        b'preset = "team"\n[models]\n"*" = "enforce"\n', [policy_edit.add_person("First", ["author"], None)], version=2
    )
    policy = read_policy(data)
    assert (policy.version, policy.people[0].name, policy.models) == (2, "First", {"*": "enforce"})


def test_keys_written_as_tables_of_their_own_grow_as_such():
    text = f'[[people]]\nname = "One"\n[[people.keys]]\npublic = "{V}"\n'
    policy = read_policy(edited(text.encode(), [policy_edit.rotate_key(V, W, date(2026, 1, 1))]))
    assert [key.public for key in policy.people[0].keys] == [V, W]
