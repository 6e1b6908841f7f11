"""How a proposed policy comes into force: the signatures of the roots, and the step from the policy before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbdeploy.errors import PolicyError
from nbdeploy.flow.declaring import write_whole
from nbdeploy.flow.keys import check_personal, open_key
from nbdeploy.flow.policies.looking import PolicyShown
from nbdeploy.flow.project import Project
from nbdeploy.flow.show import Result, Shown
from nbdeploy.trust.policy.document import Policy
from nbdeploy.trust.policy.in_force import check_step, published
from nbdeploy.trust.policy.signing import Offered, check_signed, envelope_file, read_offered, sign_policy, signers_of


@dataclass(frozen=True)
class PolicySigned(Result):
    """One signature more on a policy."""

    file: Path
    policy: Policy
    signed: int
    problem: str

    def show(self) -> Shown:
        roots = self.policy.roots
        needed = roots.threshold if roots else 0
        return Shown(
            title=f"Signed: version {self.policy.version} of the policy, by {self.signed} of {needed} roots that must",
            lines=[f"Not in force yet: {self.problem}."] if self.problem else ["Enough roots signed it."],
            next=sign_step(self.policy) if self.problem else [self._complete],
        )

    @property
    def _complete(self) -> str:
        if ".next." in self.file.name:
            return "nbdeploy policy adopt"
        return "tell whoever deploys the public keys of the roots: root = […] under [policy] in their nbdeploy.toml"

    def facts(self) -> dict[str, Any]:
        return {"file": str(self.file), "version": self.policy.version, "signed": self.signed}


def next_file(policy_file: Path) -> Path:
    """Return where the proposal for a policy file lies."""
    return policy_file.with_name(f"{policy_file.stem}.next{policy_file.suffix}")


def sign_step(policy: Policy) -> list[str]:
    """Return the command by which a root signs; none where a policy names no roots."""
    return ["nbdeploy policy sign --key FILE   # each root, on their own machine"] if policy.roots else []


def sign_policy_file(file: Path | None, *, key: Path, passphrase: Callable[[], bytes]) -> PolicySigned:
    """Add a root's signature to a policy: the proposal if there is one, unless a file is named.

    Raises
    ------
    PolicyError
        The policy names no roots, or the key is a root neither of it nor of the policy before.
    """
    path = file or _proposal_or_policy()
    offered = read_offered(path)
    before = _before(path, offered)
    if offered.policy.roots is None:
        raise PolicyError(
            f"{path.name} names no roots, so that nobody signs it", next="name them: [roots] keys, threshold"
        )
    signer = open_key(key, passphrase)
    earlier = before.policy.roots if before else None
    known = (*offered.policy.roots.keys, *(earlier.keys if earlier else ()))
    if signer.public not in known:
        raise PolicyError(f"the key {signer.public[:24]}… is no root of this policy, nor of the one before")
    check_personal(key)
    envelope = sign_policy(offered, before.policy.digest if before else None, signer)
    signed = Offered(offered.policy, offered.data, envelope)
    write_whole(envelope_file(path), envelope)
    _, signers = signers_of(signed, offered.policy.roots.keys)
    return PolicySigned(path, offered.policy, len(signers), _problem(before, signed))


def adopt() -> PolicyShown:
    """Put the proposal in force in this project: the policy before is published beside it, for who must follow later.

    Raises
    ------
    PolicyError
        There is no proposal, or too few roots signed it.
    """
    file = Project.require().settings.policy_file
    path = next_file(file)
    if not path.is_file():
        raise PolicyError(f"there is no proposal {path.name}", next="nbdeploy policy propose")
    before, offered = read_offered(file), read_offered(path)
    check_step(before, offered)
    _publish(file, before)
    envelope_file(file).unlink(missing_ok=True)
    if offered.envelope is not None:
        write_whole(envelope_file(file), offered.envelope)
    write_whole(file, offered.data)
    for done in (path, envelope_file(path)):
        done.unlink(missing_ok=True)
    note = f"Version {offered.policy.version} is this project's policy now. A deployer goes by its own copy."
    return PolicyShown(file, offered, note)


def _publish(file: Path, before: Offered) -> None:
    kept = published(file) / f"{before.policy.version}.toml"
    kept.parent.mkdir(exist_ok=True)
    write_whole(kept, before.data)
    if before.envelope is not None:
        write_whole(envelope_file(kept), before.envelope)


def _proposal_or_policy() -> Path:
    file = Project.require().settings.policy_file
    return next_file(file) if next_file(file).is_file() else file


def _before(path: Path, offered: Offered) -> Offered | None:
    """Return the policy that an offered one follows: the one that it is to replace, or the published one."""
    for place in (
        path.with_name(path.name.replace(".next.", ".")),
        published(path) / f"{offered.policy.version - 1}.toml",
    ):
        if place != path and place.is_file():
            found = read_offered(place)
            if found.policy.version == offered.policy.version - 1:
                return found
    return None


def _problem(before: Offered | None, offered: Offered) -> str:
    """Return why an offered policy is not in force yet; empty where it is complete."""
    try:
        if before is not None:
            check_step(before, offered)
        elif offered.policy.roots is not None:
            check_signed(offered, offered.policy.roots, "that it names itself")
    except PolicyError as refusal:
        return refusal.fact
    return ""
