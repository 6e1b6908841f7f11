"""The last checkpoint that this machine saw: who rewrites a ledger cannot rewrite what its readers remember."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import NamedTemporaryFile

from nbdeploy.errors import ClockError, LogError
from nbdeploy.trust.ledger import checkpoints
from nbdeploy.trust.ledger.checkpoints import SKEW, Checkpoint

_NEXT = "do not deploy; compare the checkpoints that are kept beside the last one seen"

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LastSeen:
    """The file with the newest checkpoint that held here.

    Read it before the ledger, and hold the ledger to it afterwards: what others log in between is then no rollback.

    Parameters
    ----------
    file
        What contradicts it is kept beside it: both notes, as they were signed.
    public
        The ledger's key as the policy names it, or as it lies here. Without it, a machine that remembers nothing has
        nothing to go by.
    """

    file: Path
    public: str | None

    def read(self) -> Checkpoint | None:
        """Return what is remembered, None for nothing.

        Raises
        ------
        LogError
            It was changed.
        """
        try:
            note = self.file.read_text("utf-8")
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError):
            raise LogError(f"the last seen checkpoint {self.file} cannot be read") from None
        return checkpoints.read(note, self.public)

    def hold(
        self, earlier: Checkpoint | None, now: Checkpoint, consistent: Callable[[Checkpoint], bool], clock: datetime
    ) -> None:
        """Hold a checkpoint to the one seen before, and remember it.

        Parameters
        ----------
        earlier
            What `read` gave before `now` was asked for.
        consistent
            Whether the earlier tree is shown to be a prefix of this one.
        clock
            This machine's time.

        Raises
        ------
        LogError
            The log is older than, or a fork of, the one seen here; or nothing is remembered, and nobody named its key.
        ClockError
            This machine's clock is behind the checkpoint that it saw before.
        """
        if earlier is None:
            self._first(now)
        else:
            self._compare(earlier, now, consistent, clock)
        if earlier is None or earlier.note != now.note:
            self.write(now)

    def gone(self, earlier: Checkpoint | None) -> None:
        """Refuse a ledger without any checkpoint where one was seen."""
        if earlier is not None and earlier.size:
            self._keep(earlier, "an empty ledger")
            raise LogError(f"the ledger has 0 entries, and {earlier.size} were seen here before", next=_NEXT)

    def check_head(self, earlier: Checkpoint | None, size: int, root: bytes) -> None:
        """Refuse to write on a tree that is older than the one seen here, or another of the same size."""
        if earlier is not None and (size < earlier.size or (size == earlier.size and root != earlier.root)):
            raise LogError(f"the ledger is not the one of {earlier.size} entries that was seen here before", next=_NEXT)

    def write(self, now: Checkpoint) -> None:
        """Replace the file whole. Of two readers at once the older tree may win, which the next one mends."""
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            with NamedTemporaryFile(
                "w", encoding="utf-8", dir=self.file.parent, prefix=f".{self.file.name}.", delete=False
            ) as stream:
                stream.write(now.note)
                stream.flush()
                os.fsync(stream.fileno())
            Path(stream.name).replace(self.file)
        except OSError as error:
            raise LogError(f"the last seen checkpoint {self.file} cannot be written ({error.strerror})") from None

    def _first(self, now: Checkpoint) -> None:
        if not now.size:
            return
        if self.public is None:
            raise LogError(
                f"this machine remembers no checkpoint of the ledger ({now.size} entries), and nobody named its key",
                next="let the policy name the ledger's key, or put the remembered checkpoint back",
            )
        _log.warning(
            "This machine sees the ledger for the first time (entries: %d, root: %s…). It is signed by the key that "
            "the policy names; compare with somebody who knows it: nbdeploy ledger show",
            now.size,
            now.root.hex()[:16],
        )

    def _compare(
        self, earlier: Checkpoint, now: Checkpoint, consistent: Callable[[Checkpoint], bool], clock: datetime
    ) -> None:
        if earlier.time is not None and clock < earlier.time - SKEW:
            raise ClockError(
                f"this machine's clock says {clock:%Y-%m-%d %H:%M} UTC, and it saw a checkpoint of "
                f"{earlier.time:%Y-%m-%d %H:%M} UTC before",
                next="set the clock",
            )
        if now.size < earlier.size:
            fact = f"the ledger has {now.size} entries, and {earlier.size} were seen here before"
        elif not consistent(earlier):
            fact = f"the ledger's first {earlier.size} entries are not the ones seen here before"
        elif earlier.time is not None and (now.time is None or now.time < earlier.time):
            fact = (
                f"the ledger's checkpoint is older than the one of {earlier.time:%Y-%m-%d %H:%M} UTC seen here before"
            )
        else:
            return
        self._keep(earlier, now.note)
        raise LogError(fact, next=_NEXT)

    def _keep(self, earlier: Checkpoint, now: str) -> None:
        """Store both notes once; together they show which key signed two histories."""
        evidence = self.file.with_name(f"{self.file.name}.fork-{earlier.size}")
        with contextlib.suppress(FileExistsError), evidence.open("x", encoding="utf-8") as stream:
            stream.write(f"{earlier.note}\n{now}")
