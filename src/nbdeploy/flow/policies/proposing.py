"""Changing a policy: its next version is written beside the one in force."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nbdeploy.errors import PolicyError
from nbdeploy.flow.declaring import write_whole
from nbdeploy.flow.policies.adopting import next_file, sign_step
from nbdeploy.flow.policies.looking import PolicyShown, change_tables
from nbdeploy.flow.project import Project
from nbdeploy.flow.show import Result, Shown
from nbdeploy.trust.policy import edit as policy_edit
from nbdeploy.trust.policy.changes import Change
from nbdeploy.trust.policy.diff import changes
from nbdeploy.trust.policy.document import Policy
from nbdeploy.trust.policy.edit import Edit, edited
from nbdeploy.trust.policy.file import read_policy
from nbdeploy.trust.policy.lint import Problem, problems
from nbdeploy.trust.policy.signing import Offered, envelope_file, read_offered


@dataclass(frozen=True)
class PolicyProposed(Result):
    """The next version of a policy, written beside the one in force; nothing of it is in force."""

    file: Path
    policy: Policy
    changes: tuple[Change, ...]
    problems: tuple[Problem, ...]

    def show(self) -> Shown:
        looser = sum(change.kind == "loosened" for change in self.changes)
        word = "none of its changes lets more through"
        if looser:
            word = f"{looser} of its changes let{'s' * (looser == 1)} more through"
        elif not self.changes:
            word = "it asks what the one before asks, until you edit that file or name a change (--add, --rotate, …)"
        lines = [f"Version {self.policy.version} stands in {self.file.name}; {word}. It is not in force yet."]
        lines += [f"To mend: {problem.text}." for problem in self.problems if problem.kind == "error"]
        return Shown(
            title=f"Proposed: version {self.policy.version} of the policy",
            lines=lines,
            tables=change_tables(self.changes),
            next=[*sign_step(self.policy), "nbdeploy policy adopt"],
        )

    def facts(self) -> dict[str, Any]:
        said = [{"kind": one.kind, "where": one.where, "text": one.text} for one in self.changes]
        return {"file": str(self.file), "version": self.policy.version, "changes": said}


def propose(
    *,
    add: Sequence[tuple[str, Sequence[str], str | None]] = (),
    remove: Sequence[str] = (),
    add_role: Sequence[tuple[str, str]] = (),
    remove_role: Sequence[tuple[str, str]] = (),
    add_key: Sequence[tuple[str, str]] = (),
    rotate: Sequence[tuple[str, str]] = (),
    revoke: Sequence[str] = (),
    compromised: Sequence[tuple[str, datetime]] = (),
) -> PolicyProposed:
    """Write the next version of the project's policy beside it, with these changes; a proposal that is there goes on.

    Parameters
    ----------
    add
        (person, roles, public key or None).
    rotate
        (old public key, new public key).
    revoke, compromised
        Public keys that count no longer from now, or not since a moment. How long the ledger is now is written down
        too, where this machine can read it, so that nothing can be logged afterwards that looks older.

    Raises
    ------
    PolicyError
        A change names what is not there, or the policy could not be read with it.
    """
    project = Project.require()
    file = project.settings.policy_file
    out = next_file(file)
    now = datetime.now(UTC).replace(microsecond=0)
    entries = project.ledger.size if revoke or compromised else None
    edits: list[Edit] = [
        *(policy_edit.add_person(*one) for one in add),
        *(policy_edit.remove(name) for name in remove),
        *(policy_edit.add_role(*one) for one in add_role),
        *(policy_edit.remove_role(*one) for one in remove_role),
        *(policy_edit.add_key(*one) for one in add_key),
        *(policy_edit.rotate_key(old, new, now.date()) for old, new in rotate),
        *(policy_edit.give_up_key(key, now, entries, compromised=False) for key in revoke),
        *(policy_edit.give_up_key(key, since, entries, compromised=True) for key, since in compromised),
    ]
    before = read_offered(file).policy
    start = out if out.is_file() else file
    data = edited(start.read_bytes(), edits, version=before.version + 1)
    policy = _readable(data)
    write_whole(out, data)
    envelope_file(out).unlink(missing_ok=True)  # whatever was signed there was signed about other bytes
    return PolicyProposed(out, policy, changes(before, policy), problems(policy, now))


def add_person(person: str, *, roles: Sequence[str], public: str) -> PolicyShown:
    """Name a person with a key in the project's policy, as its next version.

    Raises
    ------
    PolicyError
        The name is taken, the policy would not be readable with it, or it is signed: then it is to be proposed.
    """
    file = Project.require().settings.policy_file
    before = read_offered(file)
    if before.policy.roots is not None:
        raise PolicyError("the policy is signed, and changes by a proposal", next="nbdeploy policy propose --add …")
    data = edited(before.data, [policy_edit.add_person(person, roles, public)], version=before.policy.version + 1)
    policy = _readable(data)
    write_whole(file, data)
    note = f"{person} may now act as {' and '.join(roles)} in this project's copy. A deployer goes by its own."
    return PolicyShown(file, Offered(policy, data, None), note)


def _readable(data: bytes) -> Policy:
    """Read a policy as it would be with a change; PolicyError says that the change is wrong, and not what is there."""
    try:
        return read_policy(data)
    except PolicyError as error:
        raise PolicyError(f"with this change {error.fact}", next="change it otherwise; nothing was written") from None
