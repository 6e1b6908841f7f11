"""Looking at policies: who may do what, what to mend, and what changed between two of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nbdeploy.errors import PolicyError
from nbdeploy.flow.policies.words import floor_tables
from nbdeploy.flow.project import Project
from nbdeploy.flow.show import Result, Shown, Table
from nbdeploy.trust.policy.changes import Change
from nbdeploy.trust.policy.diff import changes
from nbdeploy.trust.policy.document import Policy
from nbdeploy.trust.policy.holders import KeyEntry
from nbdeploy.trust.policy.lint import Problem, problems
from nbdeploy.trust.policy.rules import Environment
from nbdeploy.trust.policy.signing import Offered, read_offered, signers_of

_GATES = {
    "acknowledge": "the signer must have seen each",
    "waive": "a signed waiver for each, with a reason",
    "block": "never",
}


@dataclass(frozen=True)
class PolicyShown(Result):
    """A policy in words: who may do what, environment by environment."""

    file: Path
    offered: Offered
    note: str = ""

    @property
    def policy(self) -> Policy:
        """The policy."""
        return self.offered.policy

    def show(self) -> Shown:
        policy = self.policy
        preset = f", preset {policy.preset}" if policy.preset else ""
        return Shown(
            title=f"Policy {self.file.name}{preset}, version {policy.version}",
            lines=[*([self.note] if self.note else []), *_standing(self.offered), *_sentences(policy)],
            tables=[_environments(policy), _people(policy), _services(policy), *floor_tables(policy)],
            next=["nbdeploy policy check"],
        )

    def facts(self) -> dict[str, Any]:
        return self.policy.model_dump(mode="json", by_alias=True)


def _standing(offered: Offered) -> Iterator[str]:
    policy = offered.policy
    if policy.roots is None:
        yield "No roots are named: the policy holds because of where its file lies. Nobody signs it."
    else:
        _, signers = signers_of(offered, policy.roots.keys)
        said = "which is enough" if len(signers) >= policy.roots.threshold else "so that it is not in force"
        asked = f"{policy.roots.threshold} must sign"
        yield f"Signed by {len(signers)} of {len(policy.roots.keys)} roots; {asked}, {said}."
    if policy.expires is not None:
        yield f"In force until {policy.expires}."


def _sentences(policy: Policy) -> Iterator[str]:
    for name, rule in policy.environments.items():
        yield f"{name}: {_asked(policy, rule.for_tier('low'))}"
        for tier in ("medium", "high"):
            stricter = rule.for_tier(tier)
            if tier in rule.tiers and stricter != rule.for_tier("low"):
                yield f"{name}, models of {tier} risk: {_asked(policy, stricter)}"
    for pattern, mode in policy.models.items():
        yield f"Models {pattern}: {_MODES[mode]}"
    if not policy.models:
        yield "No model is named: all are observed, and nothing is asked for."
    for pattern, tier in policy.tiers.items():
        yield f"Models {pattern}: at least {tier} risk, whatever their objectives say."


_MODES = {
    "observe": "looked at, never touched.",
    "warn": "everything is said, nothing is refused.",
    "enforce": "nothing runs without what its environment asks for.",
}


def _asked(policy: Policy, rule: Environment) -> str:
    if not rule.needed:
        return "no signature. What was validated may run."
    groups = " and ".join(
        f"{group.approvals} {'person' if group.approvals == 1 else 'people'} with the role {' or '.join(group.by)}"
        for group in rule.groups
    )
    able = policy.people_with(rule.roles, at=datetime.now(UTC))
    who = f"These can sign: {', '.join(able)}." if able else "Nobody can sign today."
    return (
        f"{groups} must sign; nobody signs for their own work. {who} An approval starts a rollout for "
        f"{rule.expires_days} days."
    )


def _environments(policy: Policy) -> Table:
    headers = ("environment", "signatures", "undecided gates", "not evaluated", "failed gates", "who waives")
    return Table(
        headers,
        [
            (
                name,
                " + ".join(map(str, rule.groups)) or "none",
                _GATES[rule.inconclusive],
                _GATES[rule.not_evaluated],
                _GATES[rule.failed],
                " or ".join(rule.waive_by or rule.by),
            )
            for name, rule in policy.environments.items()
        ],
    )


def _people(policy: Policy) -> Table:
    rows = [(one.name, ", ".join(one.roles) or "none", _keys(one.keys)) for one in policy.people]
    return Table(("person", "roles", "keys"), rows)


def _services(policy: Policy) -> Table:
    rows = [
        (one.name, ", ".join(one.roles) or "none", _keys(one.keys), one.person or "nobody") for one in policy.services
    ]
    return Table(("service", "roles", "keys", "works for"), rows)


def _keys(keys: tuple[KeyEntry, ...]) -> str:
    if not keys:
        return "no key"
    now = datetime.now(UTC)
    good = sum(key.counts(now) for key in keys)
    return f"{good} that counts today" + (f", {len(keys) - good} that does not" if len(keys) > good else "")


@dataclass(frozen=True)
class PolicyChecked(Result):
    """What is to be mended in a policy."""

    file: Path
    problems: tuple[Problem, ...]

    @property
    def exit_code(self) -> int:
        """1 with an error, else 0."""
        return int(any(problem.kind == "error" for problem in self.problems))

    def show(self) -> Shown:
        if not self.problems:
            return Shown(
                title=f"{self.file.name} can be read, and nothing in it stands out", next=["nbdeploy policy show"]
            )
        errors = sum(problem.kind == "error" for problem in self.problems)
        more = len(self.problems) - errors
        said = [f"{errors} to mend"] * bool(errors) + [f"{more} to look at"] * bool(more)
        marks = {"error": "✕ mend", "warning": "≈ look"}
        rows = [(marks[problem.kind], problem.text) for problem in self.problems]
        return Shown(title=f"{self.file.name}: {', '.join(said)}", tables=[Table(("", "what"), rows)])

    def facts(self) -> dict[str, Any]:
        return {"problems": [{"kind": problem.kind, "text": problem.text} for problem in self.problems]}


@dataclass(frozen=True)
class PolicyDiff(Result):
    """What became looser and what stricter."""

    before: str
    after: str
    changes: tuple[Change, ...]

    def show(self) -> Shown:
        count = {kind: sum(change.kind == kind for change in self.changes) for kind in _KINDS}
        said = ", ".join(f"{number} {kind}" for kind, number in count.items() if number) or "the same rules"
        return Shown(title=f"From {self.before} to {self.after}: {said}", tables=change_tables(self.changes))

    def facts(self) -> dict[str, Any]:
        return {"changes": [{"kind": one.kind, "where": one.where, "text": one.text} for one in self.changes]}


_KINDS = {"loosened": "✕ looser", "tightened": "✓ stricter", "changed": "≈ changed"}


def change_tables(found: tuple[Change, ...]) -> list[Table]:
    """Return the changes as a table, what was loosened first."""
    rows = [(_KINDS[change.kind], change.where, change.text) for change in found]
    return [Table(("", "where", "what"), rows)] if rows else []


def _file(given: Path | None) -> Path:
    path = given or Project.require().settings.policy_file
    if not path.is_file():
        raise PolicyError(f"there is no file {path}", next="nbdeploy init makes a project with a policy")
    return path


def show_policy(file: Path | None = None) -> PolicyShown:
    """Read a policy, the project's unless a file is named, and say who may do what.

    Raises
    ------
    PolicyError
        It is not there or cannot be read.
    """
    path = _file(file)
    return PolicyShown(path, read_offered(path))


def check_policy(file: Path | None = None) -> PolicyChecked:
    """Read a policy and say what is to be mended; errors as of `show_policy`."""
    path = _file(file)
    return PolicyChecked(path, problems(read_offered(path).policy, datetime.now(UTC)))


def compare_policies(before: Path, after: Path) -> PolicyDiff:
    """Compare two policies; errors as of `show_policy`."""
    old, new = (read_offered(_file(path)).policy for path in (before, after))
    names = [f"{path.name} (version {policy.version})" for path, policy in ((before, old), (after, new))]
    return PolicyDiff(names[0], names[1], changes(old, new))
