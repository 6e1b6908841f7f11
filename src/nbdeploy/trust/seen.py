"""The last checkpoint that this machine saw: who rewrites a ledger cannot rewrite what its readers remember."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path
from tempfile import NamedTemporaryFile

from nbdeploy.errors import LogError
from nbdeploy.trust import checkpoints
from nbdeploy.trust.merkle import Edge, tree_root


def check_growth(file: Path, edge: Edge, public: str | None) -> None:
    """Refuse to write on a tree that is older than the one seen here, or another of the same size. Takes no leaves.

    Raises
    ------
    LogError
    """
    known = _read(file, public)
    if known is None:
        return
    _, size, root = known
    if edge.size < size or (edge.size == size and edge.root() != root):
        raise LogError(f"the ledger is not the one of {size} entries that was seen here before", next=_NEXT)


def check_seen(file: Path, leaves: Sequence[bytes], note: str, public: str | None) -> None:
    """Hold a verified tree to the last one seen, and remember it.

    Parameters
    ----------
    file
        Where the checkpoint is remembered. What contradicts it is kept beside it: both notes, as they were signed.
    leaves
        All leaf hashes, so that the old tree is recalculated rather than proved.
    note
        The signed checkpoint of these leaves; empty for an empty ledger.

    Raises
    ------
    LogError
        The log is older than, or a fork of, the one seen here; or the remembered checkpoint was changed.
    """
    known = _read(file, public)
    if known is not None:
        earlier, size, root = known
        if len(leaves) < size:
            _keep(file, earlier, note, size)
            raise LogError(f"the ledger has {len(leaves)} entries, and {size} were seen here before", next=_NEXT)
        if tree_root(leaves[:size]) != root:
            _keep(file, earlier, note, size)
            raise LogError(f"the ledger's first {size} entries are not the ones seen here before", next=_NEXT)
        if len(leaves) == size:
            return
    if leaves:
        _write(file, note)


_NEXT = "do not deploy; compare the checkpoints that are kept beside the last one seen"


def _read(file: Path, public: str | None) -> tuple[str, int, bytes] | None:
    try:
        note = file.read_text("utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError):
        raise LogError(f"the last seen checkpoint {file} cannot be read") from None
    return (note, *checkpoints.read(note, public))


def _keep(file: Path, earlier: str, now: str, size: int) -> None:
    """Store both notes once; together they show which key signed two histories."""
    evidence = file.with_name(f"{file.name}.fork-{size}")
    with contextlib.suppress(FileExistsError), evidence.open("x", encoding="utf-8") as stream:
        stream.write(f"{earlier}\n{now or 'an empty ledger'}")


def _write(file: Path, note: str) -> None:
    """Replace the file whole. Of two readers at once the older tree may win, which the next one mends."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile("w", encoding="utf-8", dir=file.parent, prefix=f".{file.name}.", delete=False) as stream:
        stream.write(note)
        stream.flush()
        os.fsync(stream.fileno())
    Path(stream.name).replace(file)
