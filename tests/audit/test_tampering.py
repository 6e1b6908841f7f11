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
from tests.admission.world import DAY, NOW, RATIO, ROC, key, policy_text, waiver
from tests.audit.kept import Kept, envelope, packed, recomputed, shell, unpacked, verified

from nbdeploy.audit import layout
from nbdeploy.errors import BundleError
from nbdeploy.trust.digests import bytes_digest
from nbdeploy.trust.keys import Signer
from nbdeploy.trust.ledger import checkpoints
from nbdeploy.trust.ledger.merkle import Tree, leaf_hash
from nbdeploy.trust.policy.file import read_policy

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


def proof_of_another_form(files: Files) -> None:
    files[layout.proof(0)] += b" "


def checkpoint_with_more_below(files: Files) -> None:
    files[layout.CHECKPOINT] += "— witness AAAA\n".encode()


def invented_sheet(files: Files) -> None:
    """A decision sheet among the true ones, about a request that nobody made."""
    files["decisions/r-0badc0de.html"] = b"<p>Approved by Vera</p>"


def file_without_a_place(files: Files) -> None:
    files["READ ME FIRST.html"] = b"<p>All is well</p>"


def page_beside_the_card(files: Files) -> None:
    files[of_documents(files, "card.html").replace("card.html", "summary.html")] = b"<p>All is well</p>"


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
    "L2 a checkpoint with a line that is no signature": checkpoint_with_more_below,
    "L4 a proof cut short": short_proof,
    "L4 a proof with a letter more": proof_of_another_form,
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
    "C1 a decision sheet of no request": invented_sheet,
    "C1 a page beside the card": page_beside_the_card,
    "C1 a file that a bundle has no place for": file_without_a_place,
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


@pytest.mark.parametrize("name", ["verify.sh", "RECIPE.txt"])
def test_a_recipe_that_somebody_rewrote_is_refused(bundle: bytes, tmp_path: Path, name: str):
    """It would say that everything holds, to whoever runs it."""
    changed = packed(unpacked(bundle) | {name: b"echo This bundle holds.\n"})
    assert any(f"{name} is not that of nbdeploy" in problem for problem in verified(changed, tmp_path).problems)


def test_another_version_of_nbdeploy_accuses_nobody_of_its_own_pages(bundle: bytes, tmp_path: Path):
    """Years later pages are drawn otherwise. What is not checked by that is said."""
    files = unpacked(bundle)
    for name in ("bundle.json", "RECIPE.txt", *(one for one in files if one.startswith("decisions/"))):
        files[name] = files[name].replace(b'"nbdeploy": "', b'"nbdeploy": "0.') if name == "bundle.json" else b"other\n"
    verdict = verified(packed(files), tmp_path)
    assert not verdict.problems
    assert any("sheets were not made again" in note for note in verdict.notes)


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


def sent_again_after_a_rejection(world: Kept) -> None:
    """The same signature in another spelling: it would be the latest word of its signer."""
    request = world.requested()
    approval = world.sign(request)
    world.sign(request, decision="rejection")
    world.ledger.append(json.dumps(json.loads(approval.envelope), indent=1).encode())
    world.deploy(request)


def kept_back_until_after_a_rejection(world: Kept) -> None:
    request = world.requested()
    world.sign(request, decision="rejection")
    world.forge(request, "Vera", signed=NOW - 3.5 * DAY)
    world.deploy(request)


def for_another_environment(world: Kept) -> None:
    request = world.requested()
    world.forge(request, "Vera", environment="dev")
    world.deploy(request)


def one_person_in_two_places(world: Kept) -> None:
    """Rita holds both roles that must sign, and who only waives fills no place."""
    rules = 'approvals = 1\nby = ["validator"]\nalso = [{by = ["risk"]}]\nfailed = "waive"\nwaive_by = ["auditor"]'
    world.text = policy_text(production=rules, people={"Rita": ("risk", "validator")}, ledger=key("ledger").public)
    world.policy = read_policy(world.text)
    world.verdicts = {ROC: "fail", RATIO: "pass"}
    request = world.requested()
    world.forge(request, "Zoe", waived=(waiver(ROC),))
    world.forge(request, "Rita")
    world.deploy(request)


def of_a_lower_tier_than_promised(world: Kept) -> None:
    rules = 'approvals = 1\nby = ["validator"]\ntiers.medium.approvals = 2'
    world.text = policy_text(production=rules, ledger=key("ledger").public)
    world.policy = read_policy(world.text)
    request = world.requested(risk_tier="low")
    world.forge(request, "Vera")
    world.deploy(request)


def with_a_waiver_that_is_too_long(world: Kept) -> None:
    rules = 'approvals = 1\nby = ["validator"]\nfailed = "waive"\nwaiver_days = 10'
    world.text = policy_text(production=rules, ledger=key("ledger").public)
    world.policy = read_policy(world.text)
    world.verdicts = {ROC: "fail", RATIO: "pass"}
    request = world.requested()
    world.forge(request, "Vera", waived=(waiver(ROC),))
    world.deploy(request)


def dated_back_to_days_of_the_key(world: Kept) -> None:
    """What is logged after a statement of a later day was made no earlier, whatever it says."""
    world.text = policy_text(until={"Vera": (NOW - 4 * DAY).date()}, ledger=key("ledger").public)
    world.policy = read_policy(world.text)
    request = world.requested()
    world.sign(request, "Otto", decision="question")
    world.forge(request, "Vera", signed=NOW - 4 * DAY, not_before=NOW - 4 * DAY)
    world.deploy(request)


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
    "A4 an approval sent again after a rejection": sent_again_after_a_rejection,
    "A9 an approval kept back until after a rejection": kept_back_until_after_a_rejection,
    "A1 approved for another environment": for_another_environment,
    "A3 one person in two places": one_person_in_two_places,
    "A5 asked for at a lower risk tier than the objective's": of_a_lower_tier_than_promised,
    "A6 a waiver longer than the policy allows": with_a_waiver_that_is_too_long,
    "A6 an approval dated back to the days of its key": dated_back_to_days_of_the_key,
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


def test_who_signed_rightly_is_not_undone_by_others_who_did_not(tmp_path: Path):
    """A rejection without a role, an approval that leaves a gate open: they count for nothing, for us and the shell."""
    world = Kept(tmp_path, verdicts={ROC: "pass", RATIO: "inconclusive"})
    request = world.requested()
    world.sign(request, acknowledge=(RATIO,))
    world.forge(request, "Otto")
    world.forge(request, "Rita", decision="rejection", reason="no")
    world.deploy(request)
    bundle = world.bundle()
    assert not verified(bundle, tmp_path).problems
    run = shell(bundle, tmp_path)
    assert run.returncode == 0, run.stdout
    assert run.stdout.count("does not count") == 2


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
