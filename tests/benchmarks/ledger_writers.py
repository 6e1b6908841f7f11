"""The ledger's full trial: 8 writers × 500 entries in PostgreSQL and in SQLite, killed at random and started again.

::

    python tests/benchmarks/ledger_writers.py

Prints how long it took and how often writers were killed, after all was held to what was acknowledged: nothing is lost,
nothing is there twice, the order is one, the proofs are valid.
"""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.trust import postgres
from tests.trust.writers import check, run_killed, store

from nbdeploy.trust.keys import Signer
from nbdeploy.trust.ledger.store import Ledger

WRITERS, EACH, KILLS = 8, 500, 60


def trial(name: str, url: str) -> None:
    key = Signer(Ed25519PrivateKey.generate())
    with TemporaryDirectory() as folder:
        place = Path(folder)
        outcome = run_killed(url, store(key, place / "key.pem"), place, writers=WRITERS, each=EACH, kills=KILLS)
        entries = check(Ledger(url, key), outcome, writers=WRITERS, each=EACH)
    print(
        f"{name:10} {WRITERS} writers × {EACH}: {len(entries)} entries, {outcome.kills} killed, "
        f"{outcome.seconds:.1f} s, {len(entries) / outcome.seconds:.0f} appends/s; none lost, one order, proofs valid"
    )


def main() -> None:
    with TemporaryDirectory() as folder:
        trial("SQLite", f"sqlite:///{folder}/ledger.db")
    reason = postgres.unfit()
    if reason:
        print(f"PostgreSQL skipped: {reason}")
        return
    with postgres.server() as url:
        trial("PostgreSQL", url)


if __name__ == "__main__":
    main()
