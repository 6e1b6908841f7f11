"""What somebody could change in a bundle, with all digests made anew: each row is refused by us and by the shell."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.admission.world import DAY, NOW, key, policy_text
from tests.audit.kept import Kept, envelope, packed, recomputed, shell, unpacked, verified

from nbdeploy.audit import layout
from nbdeploy.errors import BundleError
from nbdeploy.trust.digests import bytes_digest
from nbdeploy.trust.keys import Signer
from nbdeploy.trust.ledger import checkpoints
from nbdeploy.trust.ledger.merkle import Tree, leaf_hash

Files = dict[str, bytes]
Change = Callable[[Files], None]


def of_documents(files: Files, name: str) -> str:
    return next(one for one in files if one.startswith("documents/") and one.endswith(f"/{name}"))


def flip(name: str) -> Change:
    def change(files: Files) -> None:
        data = bytearray(files[name])
        data[len(data) // 2] ^= 1
        files[name] = bytes(data)

    return change


def flip_document(name: str) -> Change:
    return lambda files: flip(of_documents(files, name))(files)


def flip_envelope(kind: str) -> Change:
    return lambda files: flip(envelope(files, kind))(files)


def swapped_envelopes(files: Files) -> None:
    one, other = envelope(files, "request"), envelope(files, "validation")
    files[one], files[other] = files[other], files[one]


def dropped(kind: str) -> Change:
    def change(files: Files) -> None:
        name = envelope(files, kind)
        del files[name]
        del files[f"ledger/proofs/{name[10:16]}"]

    return change


def signature_of_another(files: Files) -> None:
    """An approval with the signature of a validator who never saw it: their key signs something else."""
    one, other = envelope(files, "approval"), envelope(files, "validation")
    approval, validation = json.loads(files[one]), json.loads(files[other])
    approval["signatures"] = validation["signatures"]
    files[one] = json.dumps(approval).encode()


def approval_by_a_strangers_key(files: Files) -> None:
    """The whole chain made anew by somebody with a ledger of their own, who cannot sign for the validator."""
    name = envelope(files, "approval")
    content = json.loads(files[name])
    payload = base64.b64decode(content["payload"]).replace(b'"reason": ""', b'"reason": "fine"')
    content["payload"] = base64.b64encode(payload).decode()
    files[name] = json.dumps(content).encode()
    relogged(files, key("ledger"))


def relogged(files: Files, signer: Signer) -> None:
    """Make a tree of what is there and sign it."""
    names = sorted(name for name in files if name.startswith("envelopes/"))
    tree = Tree(leaf_hash(files[name]) for name in names)
    for index, _ in enumerate(names):
        files[layout.proof(index)] = "".join(f"{node.hex()}\n" for node in tree.inclusion(index)).encode()
    files[layout.CHECKPOINT] = checkpoints.write(len(tree), tree.root(), signer).encode()


def another_ledger(files: Files) -> None:
    """The same entries in a tree that somebody else signed, whom the bundle then names."""
    stranger = Signer(Ed25519PrivateKey.generate())
    relogged(files, stranger)
    files[layout.PUBLIC] = f"{stranger.public}\n".encode()


def checkpoint_of_another_tree(files: Files) -> None:
    tree = Tree(leaf_hash(data) for data in (b"one", b"two", b"three"))
    files[layout.CHECKPOINT] = checkpoints.write(3, tree.root(), key("ledger")).encode()


def order_changed(files: Files) -> None:
    """The approval before the request, in a tree that the ledger's own key signed."""
    one, other = envelope(files, "request"), envelope(files, "approval")
    files[f"envelopes/{other[10:16]}-request.json"] = files.pop(one)
    files[f"envelopes/{one[10:16]}-approval.json"] = files.pop(other)


def policy_with_another_approver(files: Files) -> None:
    name = next(one for one in files if one.startswith("policy/") and one.count("/") == 1)
    files[name] = files[name].replace(b'name = "Vera"', b'name = "Nobody"')


def policy_under_its_new_digest(files: Files) -> None:
    name = next(one for one in files if one.startswith("policy/") and one.count("/") == 1)
    data = files.pop(name).replace(b"approvals = 1", b"approvals = 0")
    files[layout.policy(bytes_digest(data))] = data


def policy_missing(files: Files) -> None:
    del files[next(one for one in files if one.startswith("policy/"))]


def better_number(files: Files) -> None:
    """Evidence and card tell a better number, and agree; only no signature is over it."""
    for name in ("evidence.json", "card.json"):
        place = of_documents(files, name)
        files[place] = files[place].replace(b'"value": 0.9,', b'"value": 0.99,')
    card = json.loads(files[of_documents(files, "card.json")])
    card["evidence"] = bytes_digest(files[of_documents(files, "evidence.json")])
    files[of_documents(files, "card.json")] = json.dumps(card).encode()


def another_notebook(files: Files) -> None:
    files[of_documents(files, "notebooks/fairness.ipynb")] = b'{"cells": [1]}'


def another_model(files: Files) -> None:
    files["model/files/data/model.skops"] = b"other weights"


def another_model_with_its_manifest(files: Files) -> None:
    another_model(files)
    digest = bytes_digest(files["model/files/data/model.skops"]).removeprefix("sha256:")
    lines = files[layout.MANIFEST].decode().splitlines()
    files[layout.MANIFEST] = f"{lines[0]}\n{digest}  data/model.skops\n".encode()


def added_model_file(files: Files) -> None:
    files["model/files/hook.py"] = b"import os\n"


def renamed_statement(files: Files) -> None:
    name = envelope(files, "approval")
    files[name.replace("approval", "rejection")] = files.pop(name)


def short_proof(files: Files) -> None:
    name = layout.proof(0)
    files[name] = files[name][:65]


ROWS: dict[str, Change] = {
    "L1 a byte of an objective's envelope": flip_envelope("objective"),
    "L1 a byte of a validation's envelope": flip_envelope("validation"),
    "L1 a byte of a request's envelope": flip_envelope("request"),
    "L1 a byte of an approval's envelope": flip_envelope("approval"),
    "L1 a byte of a deployment's envelope": flip_envelope("deployment"),
    "L1 two envelopes swapped": swapped_envelopes,
    "L1 order of entries changed": order_changed,
    "L2 checkpoint of another tree": checkpoint_of_another_tree,
    "L2 a whole ledger of somebody else": another_ledger,
    "L4 a proof cut short": short_proof,
    "A9 the approval removed": dropped("approval"),
    "A1 the request removed": dropped("request"),
    "A1 the validation removed": dropped("validation"),
    "A1 the objective removed": dropped("objective"),
    "A2 an approval with another's signature": signature_of_another,
    "D1 an approval whose text was changed, logged anew by the ledger's key": approval_by_a_strangers_key,
    "D2 an approval told as a rejection": renamed_statement,
    "P1 a policy that names another approver": policy_with_another_approver,
    "P1 a laxer policy under its own digest": policy_under_its_new_digest,
    "P1 no policy": policy_missing,
    "C1 a byte of the card's page": flip_document("card.html"),
    "C1 a byte of card.json": flip_document("card.json"),
    "C1 a byte of the objective": flip_document("objective.yaml"),
    "C2 a better number, with all digests made anew": better_number,
    "N11 another executed notebook": another_notebook,
    "B1 a model's file changed": another_model,
    "B2 another model with its manifest": another_model_with_its_manifest,
    "B2 a file added to the model": added_model_file,
}


@pytest.mark.parametrize("change", ROWS.values(), ids=ROWS)
def test_what_is_changed_is_refused_by_us_and_by_the_shell(bundle: bytes, tmp_path: Path, change: Change):
    files = unpacked(bundle)
    change(files)
    changed = packed(files)
    ours, theirs = verified(changed, tmp_path).problems, shell(changed, tmp_path)
    assert ours
    assert theirs.returncode == 1, theirs.stdout
    assert "does NOT hold" in theirs.stdout
    assert theirs.stderr == ""


def test_a_file_that_the_list_does_not_name_is_refused_by_both(bundle: bytes, tmp_path: Path):
    changed = packed(unpacked(bundle) | {"decisions/note.txt": b"all is well"}, resummed=False)
    assert any("note.txt" in problem for problem in verified(changed, tmp_path).problems)
    assert shell(changed, tmp_path).returncode == 1


def test_a_decision_sheet_that_says_something_else_is_refused(bundle: bytes, tmp_path: Path):
    """Nobody signed the sheets. The shell says that it does not read them."""
    files = unpacked(bundle)
    name = next(one for one in files if one.endswith(".txt") and one.startswith("decisions/"))
    files[name] = files[name].replace(b"Vera", b"Otto")
    changed = packed(files)
    assert any(name in problem for problem in verified(changed, tmp_path).problems)
    run = shell(changed, tmp_path)
    assert run.returncode == 0
    assert "Not proved" in run.stdout
    assert "decisions/*.txt" in run.stdout


# What real chains can hold that should not have been deployed ---------------------------------------------------------


def by_own_author(world: Kept) -> None:
    request = world.requested()
    world.forge(request, "Ana")
    world.deploy(request)


def by_nobody(world: Kept) -> None:
    world.deploy(world.requested())


def by_wrong_role(world: Kept) -> None:
    request = world.requested()
    world.forge(request, "Zoe")
    world.deploy(request)


def after_rejection(world: Kept) -> None:
    request = world.requested()
    world.sign(request)
    world.sign(request, "Otto", decision="rejection")
    world.deploy(request)


def after_revocation(world: Kept) -> None:
    request = world.requested()
    world.sign(request)
    world.revoke(request)
    world.deploy(request, at=NOW - DAY / 2)


def after_expiry(world: Kept) -> None:
    request = world.requested()
    world.forge(request, "Vera", expires=NOW - 2.5 * DAY)
    world.deploy(request)


def before_the_approval_was_logged(world: Kept) -> None:
    request = world.requested()
    world.deploy(request)
    world.sign(request)


def of_another_model(world: Kept) -> None:
    request = world.requested()
    world.sign(request)
    world.deploy(request, model="sha256:" + "0" * 64)


def on_without_a_start(world: Kept) -> None:
    request = world.requested()
    world.sign(request)
    world.deploy(request, "completed")


CHAINS: dict[str, Callable[[Kept], None]] = {
    "A2 approved by who asked": by_own_author,
    "A9 approved by nobody": by_nobody,
    "A5 approved without the role": by_wrong_role,
    "A9 rejected before it started": after_rejection,
    "A7 revoked before it started": after_revocation,
    "A6 approval out of its days": after_expiry,
    "A9 approved after it had started": before_the_approval_was_logged,
    "A1 deployed another model": of_another_model,
    "A9 completed without a start": on_without_a_start,
}


@pytest.mark.parametrize("happen", CHAINS.values(), ids=CHAINS)
def test_a_deployment_that_should_not_have_been_is_found_by_us_and_by_the_shell(
    tmp_path: Path, happen: Callable[[Kept], None]
):
    world = Kept(tmp_path)
    happen(world)
    bundle = world.bundle()
    assert verified(bundle, tmp_path).problems
    run = shell(bundle, tmp_path)
    assert run.returncode == 1, run.stdout
    assert run.stderr == ""


@pytest.mark.parametrize(
    ("production", "signers", "holds"),
    [
        ('approvals = 2\nby = ["validator"]', ["Vera"], False),
        ('approvals = 2\nby = ["validator"]', ["Vera", "Otto"], True),
        ('approvals = 1\nby = ["validator"]\nalso = [{by = ["risk"]}]', ["Vera", "Otto"], False),
        ('approvals = 1\nby = ["validator"]\nalso = [{by = ["risk"]}]', ["Vera", "Rita"], True),
        ('approvals = 1\nby = ["validator"]\ntiers.medium.approvals = 2', ["Vera"], False),
        ('approvals = 1\nby = ["validator"]\ntiers.high.approvals = 2', ["Vera"], True),
    ],
)
def test_as_many_must_have_signed_as_the_policy_asks_for_us_and_for_the_shell(
    tmp_path: Path, production: str, signers: list[str], holds: bool
):
    world = Kept(tmp_path, text=policy_text(production=production, ledger=key("ledger").public))
    request = world.requested()
    for signer in signers:
        world.sign(request, signer)
    world.deploy(request)
    bundle = world.bundle()
    assert (not verified(bundle, tmp_path).problems) is holds
    run = shell(bundle, tmp_path)
    assert (run.returncode == 0) is holds, run.stdout + run.stderr


def test_a_later_revocation_is_told_and_breaks_nothing(tmp_path: Path):
    world = Kept(tmp_path)
    world.revoke(world.deployed())
    bundle = world.bundle()
    verdict = verified(bundle, tmp_path)
    assert not verdict.problems
    assert any("revoked by Vera" in line for line in verdict.requests[0].lines)
    assert "revoked by Vera" in shell(bundle, tmp_path).stdout


def test_a_pass_that_its_own_numbers_do_not_give_is_found_by_recomputing(bundle: bytes, tmp_path: Path):
    files = unpacked(bundle)
    place = of_documents(files, "evidence.json")
    evidence = json.loads(files[place])
    evidence["tallies"][1]["cells"][0]["n"] += 500
    evidence["tallies"][1]["rows"] += 500
    files[place] = json.dumps(evidence).encode()
    assert any("demographic_parity_ratio" in problem for problem in recomputed(packed(files), tmp_path).problems)


# Any byte -------------------------------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=timedelta(seconds=10), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_flipped_byte_of_any_file_is_found(bundle: bytes, tmp_path: Path, data: st.DataObject):
    files = unpacked(bundle)
    name = data.draw(st.sampled_from(sorted(files)))
    at, bit = data.draw(st.integers(0, len(files[name]) - 1)), data.draw(st.integers(0, 7))
    changed = bytearray(files[name])
    changed[at] ^= 1 << bit
    flipped = packed(files | {name: bytes(changed)}, resummed=False)
    assert told_problems(flipped, tmp_path)


def told_problems(bundle: bytes, folder: Path) -> tuple[str, ...]:
    """What is wrong; a bundle whose index is no longer one is refused by one sentence."""
    try:
        return verified(bundle, folder).problems
    except BundleError as error:
        return (str(error),)


@pytest.mark.parametrize("part", ["bundle.json", "SHA256SUMS", "decisions/", "ledger/public", "ledger/checkpoint"])
def test_a_flipped_byte_is_found_by_the_shell_too(bundle: bytes, tmp_path: Path, part: str):
    files = unpacked(bundle)
    name = next(one for one in sorted(files) if one.startswith(part))
    flip(name)(files)
    assert shell(packed(files, resummed=False), tmp_path).returncode == 1
