"""Which policy is in force here: the one that follows, step by step, from the last one seen.

As The Update Framework does for its root of trust (TUF specification 1.0.34, section 5.3): version N+1 is signed by
enough roots of version N and of itself, so that who takes over a file, or one key, takes over nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path

from nbdeploy.errors import PolicyError
from nbdeploy.trust.policy.document import Policy
from nbdeploy.trust.policy.holders import Roots
from nbdeploy.trust.policy.seen import SeenPolicies
from nbdeploy.trust.policy.signing import Offered, check_signed, is_refused, read_offered


@dataclass(frozen=True)
class Trusted:
    """A policy in force.

    Attributes
    ----------
    first
        It was trusted because of roots that were pinned, for nothing was seen here before: whoever goes by it should
        ask for a ledger checkpoint that is fresh.
    warnings
        What the reader should know.
    """

    policy: Policy
    first: bool = False
    warnings: tuple[str, ...] = ()


def published(file: Path) -> Path:
    """Return the folder beside a policy file in which the versions before it are published."""
    return file.parent / "policies"


def trusted_policy(
    file: Path,
    seen: SeenPolicies,
    pinned: Roots | None,
    now: datetime,
    *,
    at_first: Callable[[Policy], None] | None = None,
) -> Trusted:
    """Return the policy of a file if it follows from what was seen here, and remember it.

    Parameters
    ----------
    seen
        What this machine has seen before.
    pinned
        The roots that whoever set this machine up was told by another way. They are what a first start goes by.
    at_first
        Asked before a policy is believed on a first start from pinned roots; it raises where more must be known.

    Raises
    ------
    PolicyError
        Too few roots signed it, a version is missing between, it is older than the one seen, it expired, or nothing
        says whom to believe.
    """
    offered = read_offered(file)
    last = seen.last()
    begins = last is None or (pinned is not None and last.policy.roots is None)
    steps = _first(offered, file, pinned) if last is None or begins else _following(last, offered, file)
    for before, after in pairwise(steps):
        check_step(before, after)
    check_expiry(offered.policy, now)
    first = begins and pinned is not None
    if first and at_first is not None:
        at_first(offered.policy)
    for step in steps:
        seen.remember(step)
    return Trusted(offered.policy, first, (_FIRST.format(name=offered.name),) if first else ())


_FIRST = (
    "no policy was seen here before: {name} is believed because of the roots that are pinned, and whoever showed an "
    "older one would not be noticed. Compare the ledger's checkpoint with another machine's"
)


def check_step(before: Offered, after: Offered) -> None:
    """Refuse a policy that does not follow from the one before.

    Raises
    ------
    PolicyError
    """
    if before.policy.roots is None:
        # A policy that nobody signs is trusted because of where its file lies, and so is what replaces it.
        if after.policy.roots is not None:
            check_signed(after, after.policy.roots, "that it names itself")
        return
    if after.policy.version != before.policy.version + 1:
        raise PolicyError(f"{after.name} does not follow {before.name}: a version between is missing")
    if after.policy.roots is None:
        raise PolicyError(f"{after.name} names no roots, and {before.name} does: signing cannot be dropped")
    said = check_signed(after, before.policy.roots, f"of {before.name}")
    check_signed(after, after.policy.roots, "that it names itself")
    if said.previous != before.policy.digest:
        raise PolicyError(f"{after.name} was signed to follow another {before.name} than the one known here")


def check_expiry(policy: Policy, now: datetime) -> None:
    """Refuse a policy after its last day.

    Raises
    ------
    PolicyError
    """
    if policy.expires is not None and now.date() > policy.expires:
        raise PolicyError(
            f"policy {policy.version} expired on {policy.expires}, and starts nothing any more",
            next="have the roots sign its next version: nbdeploy policy propose",
        )


def _first(offered: Offered, file: Path, pinned: Roots | None) -> Sequence[Offered]:
    """Return the way from what the pinned roots signed to the policy that is offered."""
    if pinned is None:
        if offered.policy.roots is not None:
            raise PolicyError(
                f"{offered.name} is signed, and nothing here says whose signatures count",
                next='pin the roots, as their owners tell them: root = ["ed25519:…"] under [policy] in nbdeploy.toml',
            )
        return [offered]
    if offered.policy.roots is None:
        raise PolicyError(f"{offered.name} names no roots, and roots are pinned here", next="put the signed one back")
    steps = [offered]
    while is_refused(steps[0], pinned):
        before = _published(file, steps[0].policy.version - 1)
        if before is None:
            break
        steps.insert(0, before)
    check_signed(steps[0], pinned, "that are pinned here")
    if steps[0].policy.roots is not None:
        check_signed(steps[0], steps[0].policy.roots, "that it names itself")
    return steps


def _following(last: Offered, offered: Offered, file: Path) -> Sequence[Offered]:
    """Return the way from the last policy seen to the one that is offered, without what lies beside any further."""
    if offered.policy.digest == last.policy.digest:
        return [last]
    if last.policy.roots is None:
        return [last, offered]
    if offered.policy.version < last.policy.version:
        raise PolicyError(f"{offered.name} is older than {last.name}, which was in force here")
    if offered.policy.version == last.policy.version:
        raise PolicyError(f"this is another {offered.name} than the one that was in force here")
    return [last, *_between(file, last.policy.version, offered.policy.version), offered]


def _between(file: Path, after: int, before: int) -> Iterator[Offered]:
    for version in range(after + 1, before):
        step = _published(file, version)
        if step is None:
            raise PolicyError(
                f"policy {version} is missing between policy {after}, which was in force here, and policy {before}",
                next=f"put it and its signatures into {published(file)}",
            )
        yield step


def _published(file: Path, version: int) -> Offered | None:
    """Return a version from the folder beside the policy file, None where it is not there."""
    found = published(file) / f"{version}.toml"
    if not found.is_file():
        return None
    step = read_offered(found)
    if step.policy.version != version:
        raise PolicyError(f"{found} is of {step.name}")
    return step
