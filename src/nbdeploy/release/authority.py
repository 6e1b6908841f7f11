"""What the controller goes by: the deployer's policy as it is now, and the ledger as that policy reads it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from pydantic import ValidationError

from nbdeploy.approve.chain import Chain
from nbdeploy.approve.record import read_chain
from nbdeploy.documents.request import Request
from nbdeploy.errors import LogError, SettingsError
from nbdeploy.release import addresses
from nbdeploy.settings import FILE, Settings
from nbdeploy.trust.digests import bytes_digest
from nbdeploy.trust.ledger import checkpoints
from nbdeploy.trust.ledger.log import Log
from nbdeploy.trust.policy.document import Policy
from nbdeploy.trust.policy.holders import Roots
from nbdeploy.trust.policy.in_force import check_expiry, trusted_policy
from nbdeploy.trust.policy.seen import SeenPolicies
from nbdeploy.trust.policy.signing import stable_bytes

FRESH = timedelta(hours=24)
"""How old a ledger's checkpoint may be on a first start, where the policy does not say."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Memory:
    """What a deployer holds policies to.

    Attributes
    ----------
    folder
        Where it remembers the policies that it went by; None for one that remembers nothing.
    pinned
        The roots that it begins from.
    """

    folder: Path | None = None
    pinned: Roots | None = None


def memory_of(settings: Settings) -> Memory:
    """Return the memory of a project's deployer.

    Raises
    ------
    SettingsError
        The pinned roots are no keys, or too few for their threshold.
    """
    said = settings.policy
    try:
        pinned = Roots(keys=said.root, threshold=said.threshold) if said.root else None
    except ValidationError as error:
        message = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise SettingsError(f"{FILE}: root under [policy]: {message}") from None
    return Memory(settings.state / "controller.policies", pinned)


class Authority:
    """Reads policy and ledger again when they changed, and remembers what it read.

    Parameters
    ----------
    policy_file
        The deployer's own copy.
    memory
        What a policy must follow from.
    """

    def __init__(
        self, ledger: Log, policy_file: Path, clock: Callable[[], datetime], memory: Memory | None = None
    ) -> None:
        self._ledger = ledger
        self._policy_file = policy_file
        self._clock = clock
        self._memory = memory or Memory()
        self._policy: Policy | None = None
        self._chain: tuple[tuple[int, str, int], Chain] | None = None

    def read_policy(self) -> Policy:
        """Return the policy as its file is now, and put it in force.

        Raises
        ------
        PolicyError, LogError
            It cannot be read, does not follow from the one before, expired, or names another ledger. The one before
            stays in force for what runs.
        """
        offered = stable_bytes(self._policy_file)
        if self._policy is None or self._policy.digest != bytes_digest(offered):
            seen = SeenPolicies(self._memory.folder)
            found = trusted_policy(
                self._policy_file, seen, self._memory.pinned, self._clock(), at_first=self._check_first
            )
            found.policy.check_ledger(self._ledger.public)
            for warning in found.warnings:
                _log.warning("%s", warning)
            self._policy = found.policy
        check_expiry(self._policy, self._clock())
        return self._policy

    def _check_first(self, policy: Policy) -> None:
        """Ask for a fresh checkpoint of a team's ledger: nothing else would show that both are of last year."""
        if self._ledger.level != "team":
            return
        note = self._ledger.checkpoint()
        time = checkpoints.read(note, self._ledger.public).time if note else None
        hours = policy.ledger_rules.max_age_hours
        if time is None or self._clock() - time > (timedelta(hours=hours) if hours else FRESH):
            when = f"of {time:%Y-%m-%d %H:%M} UTC" if time else "without a time"
            raise LogError(
                f"no policy was seen here before, and the ledger's checkpoint is {when}",
                next="ask whoever keeps the ledger for a fresh checkpoint, and start again",
            )

    def policy(self) -> Policy:
        """Return the policy in force; an error as of `read_policy` when none could be read yet."""
        return self._policy or self.read_policy()

    def chain(self) -> Chain:
        """Return the ledger's statements, each verified; read again when it grew, policy changed, or a minute passed.

        That none is missing is seen when something is admitted, and whenever `Hold` looks. Time alone can change it: a
        statement of a moment that had not come counts when it has.
        """
        policy, now = self.policy(), self._clock()
        state = (self._ledger.size, policy.digest, int(now.timestamp() // 60))
        if self._chain is None or self._chain[0] != state:
            self._chain = (state, read_chain(self._ledger.entries(), policy, now, ledger=self._ledger.public))
        return self._chain[1]

    def address(self, request: Request) -> str:
        """Return where the gateway will serve a request; see `addresses.address`."""
        return addresses.address(self.policy(), request.endpoint, request.environment)
