"""The golden vectors of our formats, made from fixed test keys: ``python -m tests.vectors.made`` writes them anew.

A vector that changes is a format that changes: say why in the commit, and in the changelog.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from nbdeploy.documents.objective import Rollout
from nbdeploy.documents.request import DigestSet, Request
from nbdeploy.documents.statements import (
    Condition,
    DecisionPredicate,
    DeploymentPredicate,
    ObjectivePredicate,
    Predicate,
    RequestPredicate,
    RevocationPredicate,
    ValidationPredicate,
    Waiver,
)
from nbdeploy.stats.tally import ClassTally
from nbdeploy.trust.digests import bytes_digest, manifest
from nbdeploy.trust.envelopes import sign
from nbdeploy.trust.keys import Signer
from nbdeploy.trust.ledger import checkpoints
from nbdeploy.trust.ledger.merkle import Tree, leaf_hash

HERE = Path(__file__).parent
T = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
DAY = timedelta(days=1)
DOCUMENTS = ("model", "card", "evidence", "objective", "policy")


def fixed_key(name: str) -> Signer:
    """A key that everybody can make: SHA-256 of its name is the seed. It proves nothing anywhere."""
    seed = hashlib.sha256(f"nbdeploy TEST key: {name}".encode()).digest()
    return Signer(Ed25519PrivateKey.from_private_bytes(seed))


KEYS = {name: fixed_key(name) for name in ("author", "runner", "validator", "deployer", "ledger")}


def vectors() -> dict[str, bytes]:
    """Return every vector by file name."""
    made: dict[str, bytes] = {"keys.tsv": "".join(f"{name}\t{one.public}\n" for name, one in KEYS.items()).encode()}
    listed = manifest(HERE / "model")
    made["model.manifest"], made["model.digest"] = listed, f"{bytes_digest(listed)}\n".encode()
    made["policy.toml"] = policy()
    made["policy.digest"] = f"{bytes_digest(made['policy.toml'])}\n".encode()
    made |= {f"envelopes/{number}-{name}.json": data for number, (name, data) in enumerate(envelopes(made))}
    made |= dict(tree(made))
    made["tally.json"] = (json.dumps(tally().to_table().model_dump(mode="json"), indent=1) + "\n").encode()
    return made


def policy() -> bytes:
    """A policy that names the test keys."""
    people = {"author": ["author"], "validator": ["validator"]}
    services = {"runner": ["runner"], "deployer": ["deployer"], "ledger": ["ledger"]}
    text = "# TEST KEYS: anybody has their private halves.\nversion = 1\n"
    for table, holders in (("people", people), ("services", services)):
        for name, roles in holders.items():
            text += f'\n[[{table}]]\nname = "{name}"\nroles = {json.dumps(roles)}\n'
            text += f'keys = [{{public = "{KEYS[name].public}"}}]\n'
    return f'{text}\n[environments.production]\napprovals = 1\nby = ["validator"]\n'.encode()


def envelopes(made: dict[str, bytes]) -> Iterator[tuple[str, bytes]]:
    """Yield one statement of each kind, each resting on the ones before."""
    digests = {name: bytes_digest(name.encode()) for name in ("card", "evidence", "objective", "card.html")}
    digests["model"] = made["model.digest"].decode().strip()

    subjects = {
        "objective": ("objective",),
        "validation": ("model", "evidence", "card", "card.html", "objective"),
        "request": DOCUMENTS,
        "decision": DOCUMENTS,
        "deployment": ("model",),
        "revocation": ("model",),
    }

    def signed(predicate: Predicate, by: str, **more: str) -> bytes:
        return sign(predicate, {name: digests[name] for name in subjects[predicate.kind]} | more, KEYS[by])

    yield "objective", signed(ObjectivePredicate(name="churn", model="churn", declared=T, by="author"), "author")
    gates = {"performance.roc_auc": "pass", "fairness.demographic_parity_ratio:sex": "inconclusive"}
    said = ValidationPredicate(
        objective="churn", model="churn", attempt=1, overall="inconclusive", gates=gates, by="runner", finished=T + DAY
    )
    validation = signed(said, "runner")
    yield "validation", validation
    digests["policy"] = made["policy.digest"].decode().strip()
    request = Request(
        id="r-00000001",
        ledger=KEYS["ledger"].public,
        objective="churn",
        model="churn",
        version="1",
        endpoint="churn",
        environment="production",
        rollout=Rollout(),
        digests=DigestSet(**{name: digests[name] for name in DOCUMENTS}),
        validation=bytes_digest(validation),
        requester="author",
        requested=T + 2 * DAY,
        undecided=("fairness.demographic_parity_ratio:sex",),
    )
    envelope = signed(RequestPredicate(request=request), "author", validation=bytes_digest(validation))
    yield "request", envelope
    about = {"request": request.id, "model": "churn", "version": "1"}
    days = {"signed": T + 3 * DAY, "not_before": T + 3 * DAY, "expires": T + 33 * DAY}
    bound = {"request": bytes_digest(envelope)}
    for decision in ("question", "return", "rejection", "approval"):
        answer = (
            {"reason": "Which rows are these? äöü"}
            if decision != "approval"
            else {
                "acknowledged": ("fairness.demographic_parity_ratio:sex",),
                "waived": (Waiver(gate="scan:unknown:my.Step", reason="looked at", expires=T + 20 * DAY),),
                "conditions": (Condition(text="More rows", owner="author", by=(T + 9 * DAY).date()),),
            }
        )
        said = DecisionPredicate(**about, environment="production", decision=decision, by="validator", **answer, **days)
        data = signed(said, "validator", **bound)
        yield decision, data
    bound["approval-1"] = bytes_digest(data)
    act = DeploymentPredicate(
        **about, endpoint="churn", environment="production", action="started", weight=10.0, at=T + 4 * DAY
    )
    yield "deployment", signed(act, "deployer", **bound)
    yield (
        "revocation",
        signed(RevocationPredicate(**about, by="validator", reason="drift", at=T + 5 * DAY), "validator", **bound),
    )


def tree(made: dict[str, bytes]) -> Iterator[tuple[str, bytes]]:
    """Yield the checkpoint over the envelopes, and every proof of every smaller tree."""
    grown = Tree(leaf_hash(data) for name, data in made.items() if name.startswith("envelopes/"))
    yield "checkpoint", checkpoints.write(len(grown), grown.root(), KEYS["ledger"], T + 6 * DAY).encode()
    roots, inclusion, consistency = "", "", ""
    for size in range(1, len(grown) + 1):
        roots += f"{size}\t{grown.root(size).hex()}\n"
        for index in range(size):
            inclusion += f"{index}\t{size}\t{_hashes(grown.inclusion(index, size))}\n"
        for first in range(1, size):
            consistency += f"{first}\t{size}\t{_hashes(grown.consistency(first, size))}\n"
    yield "roots.tsv", roots.encode()
    yield "inclusion.tsv", inclusion.encode()
    yield "consistency.tsv", consistency.encode()


def _hashes(path: tuple[bytes, ...]) -> str:
    return " ".join(node.hex() for node in path)


def tally() -> ClassTally:
    """Counts of two groups."""
    return ClassTally(("sex",), (("F",), ("M",)), (0, 1), np.array([[[90, 10], [8, 92]], [[91, 9], [11, 0]]]))


if __name__ == "__main__":
    for name, data in vectors().items():
        (HERE / name).parent.mkdir(exist_ok=True)
        (HERE / name).write_bytes(data)
