"""Appending to the ledger against bare inserts with the same durability, and verifying 100,000 entries.

::

    python tests/benchmarks/ledger.py
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from nbdeploy.trust.digests import bytes_digest
from nbdeploy.trust.keys import Signer
from nbdeploy.trust.ledger import checkpoints
from nbdeploy.trust.ledger.merkle import Edge, Tree, leaf_hash, verify_consistency
from nbdeploy.trust.ledger.remote import RemoteLedger
from nbdeploy.trust.ledger.service import LedgerService
from nbdeploy.trust.ledger.store import Ledger
from nbdeploy.trust.policy.document import Policy

APPENDS = int(os.environ.get("NBDEPLOY_BENCH_APPENDS", "300"))
ENTRIES = int(os.environ.get("NBDEPLOY_BENCH_ENTRIES", "100000"))
SIZE = 2000  # bytes of an envelope, as ours are
REPEATS = 3


def envelope(number: int) -> bytes:
    return f"{number} ".encode() + b"e" * SIZE


def seconds(act: Callable[[], object]) -> float:
    begun = time.perf_counter()
    act()
    return time.perf_counter() - begun


def bare(folder: Path) -> None:
    """What any log in SQLite does: open, take the writer's place, insert a row, wait for the disk."""
    file = folder / "bare.db"
    for number in range(APPENDS):
        with closing(sqlite3.connect(file, isolation_level=None)) as database:
            database.execute("PRAGMA journal_mode=WAL")
            database.execute("PRAGMA synchronous=FULL")
            database.execute("CREATE TABLE IF NOT EXISTS rows (number INTEGER PRIMARY KEY, envelope BLOB)")
            database.execute("BEGIN IMMEDIATE")
            database.execute("INSERT INTO rows VALUES (?, ?)", (number, envelope(number)))
            database.execute("COMMIT")


def appends(folder: Path, *, seen: bool) -> None:
    key = Signer(Ed25519PrivateKey.from_private_bytes(bytes(32)))
    ledger = Ledger(f"sqlite:///{folder}/ledger.db", key, seen=folder / "seen" if seen else None)
    for number in range(APPENDS):
        ledger.append(envelope(number))


def fill(file: Path, key: Signer) -> Ledger:
    """Write a long ledger at once, as that many appends would leave it."""
    ledger = Ledger(f"sqlite:///{file}", key)
    edge = Edge()
    with closing(sqlite3.connect(file)) as database, database:
        for number in range(ENTRIES - 1):
            data = envelope(number)
            row = (number, bytes_digest(data), data)
            database.execute('INSERT INTO ledger_entries ("index", digest, envelope) VALUES (?, ?, ?)', row)
            edge = edge.append(leaf_hash(data))
        state = (0, edge.size, b"".join(edge.roots), checkpoints.write(edge.size, edge.root(), key))
        database.execute("INSERT INTO ledger_head (id, size, edge, checkpoint) VALUES (?, ?, ?, ?)", state)
    ledger.append(envelope(ENTRIES - 1))
    return ledger


def afar(kept: Ledger, folder: Path) -> None:
    """Read the same ledger through its service: all of it the first time, from the verified cache afterwards."""
    from tests.trust.answering import answering

    with answering(LedgerService(kept, Policy).app) as url:
        for what in ("first time", "from the cache"):
            reader = RemoteLedger(url, public=kept.public or "", folder=folder / "reader")
            print(f"read through the service, {what:15}{seconds(reader.verify):7.2f} s")
        print(f"once more in the same process     {seconds(reader.verify):8.3f} s")


def main() -> None:
    rows = []
    for _ in range(REPEATS):
        with TemporaryDirectory() as one, TemporaryDirectory() as two, TemporaryDirectory() as three:
            rows.append((
                seconds(lambda: bare(Path(one))),
                seconds(lambda: appends(Path(two), seen=False)),
                seconds(lambda: appends(Path(three), seen=True)),
            ))  # fmt: skip
    insert, append, remembered = (median(column) / APPENDS for column in zip(*rows, strict=True))
    print(f"bare insert, same durability      {1000 * insert:8.2f} ms  {1 / insert:8.0f} a second")
    print(f"append                            {1000 * append:8.2f} ms  {append / insert:8.2f} × a bare insert")
    print(f"append, checkpoint remembered     {1000 * remembered:8.2f} ms  {remembered / insert:8.2f} × a bare insert")
    with TemporaryDirectory() as folder:
        ledger = fill(Path(folder) / "ledger.db", Signer(Ed25519PrivateKey.generate()))
        verify = median([seconds(ledger.verify) for _ in range(REPEATS)])
        hashing = median([seconds(lambda: [hashlib.sha256(envelope(n)).digest() for n in range(ENTRIES)])
                          for _ in range(REPEATS)])  # fmt: skip
        print(
            f"verify {ENTRIES:,} entries            {verify:8.2f} s   {verify / hashing:8.2f} × sha256 over them once"
        )
        ledger.inclusion(0)
        tree = Tree(leaf_hash(entry.envelope) for entry in ledger.entries())
        proof = seconds(lambda: [ledger.inclusion(n * (ENTRIES // 100)) for n in range(100)]) / 100
        print(f"an inclusion proof among them     {1000 * proof:8.2f} ms")
        first = ENTRIES // 3
        held = verify_consistency(first, tree.root(first), ENTRIES, ledger.root(), ledger.consistency(first))
        print(f"a consistency proof among them holds: {held}")
        afar(ledger, Path(folder))


if __name__ == "__main__":
    main()
