"""What the controller goes by: the deployer's policy as it is now, and the ledger as that policy reads it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from nbdeploy.approve.chain import Chain
from nbdeploy.approve.record import read_chain
from nbdeploy.documents.request import Request
from nbdeploy.errors import PolicyError
from nbdeploy.release import addresses
from nbdeploy.trust.digests import bytes_digest
from nbdeploy.trust.log import Log
from nbdeploy.trust.policy import Policy
from nbdeploy.trust.policy_file import read_policy


def policy_bytes(file: Path) -> bytes:
    """Return a policy file as it is now.

    Raises
    ------
    PolicyError
        It cannot be read.
    """
    try:
        return file.read_bytes()
    except OSError as error:
        raise PolicyError(f"the policy {file} cannot be read ({error.strerror})") from None


class Authority:
    """Reads policy and ledger again when they changed, and remembers what it read.

    Parameters
    ----------
    policy_file
        The deployer's own copy.
    """

    def __init__(self, ledger: Log, policy_file: Path, clock: Callable[[], datetime]) -> None:
        self._ledger = ledger
        self._policy_file = policy_file
        self._clock = clock
        self._policy: Policy | None = None
        self._chain: tuple[tuple[int, str, int], Chain] | None = None

    def read_policy(self) -> Policy:
        """Return the policy as its file is now, and put it in force.

        Raises
        ------
        PolicyError, LogError
            It cannot be read, or names another ledger. The one before stays in force for what runs.
        """
        data = policy_bytes(self._policy_file)
        if self._policy is None or self._policy.digest != bytes_digest(data):
            policy = read_policy(data)
            policy.check_ledger(self._ledger.public)
            self._policy = policy
        return self._policy

    def policy(self) -> Policy:
        """Return the policy in force; an error as of `read_policy` when none could be read yet."""
        return self._policy or self.read_policy()

    def chain(self) -> Chain:
        """Return the verified ledger; read again when it grew, the policy changed, or a minute passed.

        Time alone can change it: a statement of a moment that had not come counts when it has.
        """
        policy, now = self.policy(), self._clock()
        state = (self._ledger.size, policy.digest, int(now.timestamp() // 60))
        if self._chain is None or self._chain[0] != state:
            self._chain = (state, read_chain(self._ledger.entries(), policy, now, ledger=self._ledger.public))
        return self._chain[1]

    def address(self, request: Request) -> str:
        """Return where the gateway will serve a request; see `addresses.address`."""
        return addresses.address(self.policy(), request.endpoint, request.environment)
