"""Writers of one ledger as processes that are killed at random and started again until all is logged.

Each has a list of envelopes. What it was told is logged it notes in a file of its own, one line at a time, so that
afterwards every acknowledged entry can be looked for.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from nbdeploy.trust.keys import Signer
from nbdeploy.trust.ledger.log import Entry
from nbdeploy.trust.ledger.merkle import Tree, leaf_hash, verify_consistency, verify_inclusion
from nbdeploy.trust.ledger.store import Ledger

# Writers are forked from a process that has imported all: a start would take longer than what is to be tested.
STARTER = """
import os, signal, sys
from importlib.util import find_spec
from pathlib import Path
from nbdeploy.trust.keys import load_key
from nbdeploy.trust.ledger.store import Ledger
if find_spec("psycopg"):
    import psycopg, sqlalchemy.dialects.postgresql

def write(url, key, name, count, told):
    known = Path(told).read_text().splitlines() if Path(told).exists() else []
    ledger = Ledger(url, load_key(Path(key), None), seen=Path(told + ".seen"))
    out = os.open(told, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    for n in range(len(known), int(count)):
        entry = ledger.append(f"writer {name} {n}".encode())
        os.write(out, f"{entry.index} writer {name} {n}\\n".encode())  # one call: who is killed leaves no half line

signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them
for line in sys.stdin:
    child = os.fork()
    if child == 0:
        try:
            write(*line.rstrip("\\n").split("\\t"))
        except BaseException as error:
            Path(line.rstrip("\\n").split("\\t")[4] + ".failed").write_text(repr(error))
        os._exit(0)
    print(child, flush=True)
"""


def store(key: Signer, file: Path) -> Path:
    """Write a key where writers find it."""
    file.touch(mode=0o600)
    file.write_bytes(key.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return file


@dataclass
class Outcome:
    """What came of it: how often a writer was killed, and what was acknowledged by index."""

    kills: int
    told: dict[int, str]
    seconds: float


def run_killed(
    url: str,
    key: Path,
    folder: Path,
    *,
    writers: int,
    each: int,
    kills: int,
    longest: float = 0.1,
    killed_one: Callable[[], object] = lambda: None,
) -> Outcome:
    """Let writers log `each` entries, kill one of them every now and then, and start it again.

    At most `longest` seconds lie between two kills; `killed_one` is called after each.
    """
    chance = random.Random(0)  # noqa: S311 - when to kill is no secret
    files = [folder / f"told-{n}" for n in range(writers)]
    begun, killed = time.monotonic(), 0
    with subprocess.Popen(
        [sys.executable, "-c", STARTER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as starter:

        def start(n: int) -> int:
            starter.stdin.write("\t".join((url, str(key), str(n), str(each), str(files[n]))) + "\n")
            starter.stdin.flush()
            return int(starter.stdout.readline())

        running = {n: start(n) for n in range(writers)}
        while running:
            time.sleep(chance.uniform(0.005, longest))
            running = {n: pid for n, pid in running.items() if _alive(pid)}
            if running and killed < kills and any(file.exists() for file in files):
                n = chance.choice(list(running))
                os.kill(running[n], signal.SIGKILL)
                while _alive(running[n]):
                    time.sleep(0.001)
                killed += 1
                killed_one()
                running[n] = start(n)
        starter.stdin.close()
    for file in files:
        failed = Path(f"{file}.failed")
        assert not failed.exists(), failed.read_text()
    told = {}
    for file in files:
        for line in file.read_text().splitlines():
            index, _, text = line.partition(" ")
            assert int(index) not in told, f"entry {index} was acknowledged twice"
            told[int(index)] = text
    return Outcome(killed, told, time.monotonic() - begun)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def check(ledger: Ledger, outcome: Outcome, *, writers: int, each: int) -> list[Entry]:
    """Nothing acknowledged is lost, nothing is there twice, each writer's order is kept, and every proof holds."""
    entries = ledger.verify()
    texts = [entry.envelope.decode() for entry in entries]
    assert sorted(texts) == sorted(f"writer {w} {n}" for w in range(writers) for n in range(each))
    assert len(outcome.told) == writers * each
    for index, text in outcome.told.items():
        assert texts[index] == text
    for w in range(writers):
        mine = [text for text in texts if text.startswith(f"writer {w} ")]
        assert mine == [f"writer {w} {n}" for n in range(each)]
    root, size = ledger.root(), len(entries)
    tree = Tree(leaf_hash(entry.envelope) for entry in entries)
    for entry in entries[:: max(1, size // 100)]:
        leaf = leaf_hash(entry.envelope)
        assert verify_inclusion(leaf, entry.index, size, ledger.inclusion(entry.index), root)
        first = entry.index + 1
        assert verify_consistency(first, tree.root(first), size, root, ledger.consistency(first))
    return entries
