"""Damaged envelopes against the parser, in one thread. Prints how many, how fast and what became of them.

``--seconds`` (15 unless told otherwise) limits it. Coverage guides the damage where atheris is installed (``pip install
atheris``: not a dependency, because it has wheels for few machines); else it is random, from ``--seed``. Every input is
tried as an envelope, and as a payload that somebody with a key signed. Anything but a right reading or a refusal ends
the run with its bytes.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import shutil
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from tempfile import mkdtemp

sys.path.insert(0, str(Path(__file__).parents[2]))


def attempt(found: Counter[str]) -> Callable[[bytes], None]:
    """Return what is asked of each input; its outcomes are counted in `found`."""
    from tests.trust.hostile import outcome, payload_of, seeds, signed

    known = [payload_of(seed) for seed in seeds()]

    def ask(data: bytes) -> None:
        for name, tried, signed_payloads in (("envelope", data, known), ("payload", signed(data), [])):
            try:
                found[f"{name}: {outcome(tried, known=signed_payloads)}"] += 1
            except BaseException:
                print(f"broken by {name} {data!r}", flush=True)
                raise

    return ask


def at_random(seconds: float, seed: int) -> None:
    """Damage without looking at what the parser does."""
    from tests.trust.hostile import mutated, payload_of, seeds

    found: Counter[str] = Counter()
    ask = attempt(found)
    start, tries = time.monotonic(), 0
    for data in mutated([*seeds(), *map(payload_of, seeds())], seed=seed):
        ask(data)
        tries += 1
        if time.monotonic() - start > seconds:
            break
    told(found, tries, time.monotonic() - start, f"at random, seed {seed}")


def by_coverage(seconds: float, seed: int) -> None:
    """Let atheris look which damage reaches new lines of the parser."""
    import atheris

    with atheris.instrument_imports(include=["nbdeploy.documents", "nbdeploy.trust", "json", "securesystemslib"]):
        from tests.trust.hostile import payload_of, seeds
    found: Counter[str] = Counter()
    ask = attempt(found)
    start, tries = time.monotonic(), 0

    def count(data: bytes) -> None:
        nonlocal tries
        tries += 1
        ask(data)
        if time.monotonic() - start > seconds:
            told(found, tries, time.monotonic() - start, "guided by coverage")
            sys.stdout.flush()
            shutil.rmtree(corpus)
            os._exit(0)  # libFuzzer takes every other way out for a crash

    corpus = mkdtemp()
    for number, data in enumerate([*seeds(), *map(payload_of, seeds())]):
        (Path(corpus) / str(number)).write_bytes(data)
    atheris.Setup([sys.argv[0], f"-seed={seed}", "-max_len=8192", "-verbosity=0", corpus], count)
    atheris.Fuzz()


def told(found: Counter[str], tries: int, seconds: float, how: str) -> None:
    """Print the run."""
    print(f"{tries:,} inputs in {seconds:.0f} s ({tries / seconds:,.0f} a second, one thread), {how}; nothing crashed")
    for name, count in sorted(found.items()):
        print(f"  {name:26} {count:9,}")


def main() -> None:
    """Run for as long as asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    run = by_coverage if importlib.util.find_spec("atheris") else at_random
    run(asked.seconds, asked.seed)


if __name__ == "__main__":
    main()
