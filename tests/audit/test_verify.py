"""What a bundle proves, and that nothing in it can be changed unnoticed: our verdict and the shell's are the same."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tests.admission.world import DAY, NOW, key, policy, policy_text
from tests.audit.kept import Kept, evidence_with_tallies, packed, recomputed, shell, unpacked, verified

from nbdeploy.audit import layout
from nbdeploy.audit.recipe import recipe, script
from nbdeploy.audit.recompute import Recomputed, recompute_evidence
from nbdeploy.documents.evidence import Evidence
from nbdeploy.documents.statements import ObjectivePredicate
from nbdeploy.trust.digests import bytes_digest, model_digest
from nbdeploy.trust.policy.file import read_policy
from nbdeploy.trust.policy.signing import Offered, sign_policy


def test_a_bundle_of_an_honest_version_holds_for_us_and_for_the_shell(bundle: bytes, tmp_path: Path):
    verdict = verified(bundle, tmp_path)
    assert not verdict.problems
    told = [event.did for event in verdict.requests[0].events]
    assert [words.split()[0] for words in told] == [
        "declared",
        "validated",
        "asked",
        "approval",
        "started",
        "completed",
    ]
    run = shell(bundle, tmp_path)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "This bundle holds." in run.stdout
    assert "started in production; 1 had to approve, and did: Vera" in run.stdout
    assert run.stderr == ""


def test_the_same_ledger_gives_the_same_bytes(kept: Kept, bundle: bytes):
    assert kept.bundle() == bundle


def test_what_else_lies_beside_the_card_stays_out_of_the_bundle(kept: Kept, bundle: bytes, tmp_path: Path):
    """`card decision` draws its sheet there, people keep a PDF there, and file browsers leave files of their own."""
    signed = dict(kept.documents)
    kept.documents |= {"decision.html": b"<p>as of today</p>", "card.pdf": b"%PDF", "notebooks/.DS_Store": b"\0"}
    try:
        assert kept.bundle() == bundle
    finally:
        kept.documents = signed


def test_whose_policy_it_was_is_said_loudly(kept: Kept, bundle: bytes, tmp_path: Path):
    assert any("POLICY COMES FROM THE BUNDLE" in note for note in verified(bundle, tmp_path).notes)
    assert not any("POLICY COMES" in note for note in verified(bundle, tmp_path, kept.policy).notes)


def test_the_auditors_own_policy_decides_over_the_bundles(kept: Kept, bundle: bytes, tmp_path: Path):
    strangers = policy(people={"Vera": ("author",)}, ledger=kept.ledger.public)
    assert any("none of yours" in problem for problem in verified(bundle, tmp_path, strangers).problems)
    assert not verified(bundle, tmp_path, strangers, kept.policy).problems
    ours, theirs = tmp_path / "ours.toml", tmp_path / "theirs.toml"
    ours.write_bytes(kept.text)
    theirs.write_bytes(policy_text(people={"Vera": ("author",)}, ledger=kept.ledger.public))
    assert shell(bundle, tmp_path, str(theirs)).returncode == 1
    assert shell(bundle, tmp_path, str(theirs), str(ours)).returncode == 0


def test_numbers_are_calculated_again_from_the_tallies(bundle: bytes, tmp_path: Path):
    found = recomputed(bundle, tmp_path)
    assert not found.problems
    assert found.agreed >= 8
    assert "performance.roc_auc" in found.untold


def test_intervals_of_another_version_are_no_accusation(bundle: bytes):
    """Methods get better; the numbers themselves are held to the counts, whoever calculated them."""
    files = unpacked(bundle)
    evidence = Evidence.from_bytes(next(data for name, data in files.items() if name.endswith("evidence.json")))
    findings = [
        one.model_copy(update={"interval": (0.1, 0.2)}) if one.recomputed and one.interval else one
        for one in evidence.findings
    ]
    for version, accused in ((evidence.run.nbdeploy, 1), ("0.0.9", 0)):
        changed = {"findings": tuple(findings), "run": evidence.run.model_copy(update={"nbdeploy": version})}
        result = Recomputed()
        recompute_evidence(evidence.model_copy(update=changed), result)
        told = [problem for problem in result.problems if "the interval of" in problem]
        assert len(told) == accused
        assert any("nbdeploy 0.0.9 calculated them" in line for line in result.lines) is not bool(accused)


def test_a_card_of_another_version_is_not_drawn_again_and_that_is_said(tmp_path: Path):
    world = Kept(tmp_path)
    evidence = evidence_with_tallies(model_digest(world.stored), world.verdicts)
    older = evidence.model_copy(update={"run": evidence.run.model_copy(update={"nbdeploy": "0.0.9"})})
    world.declare()
    world.ask(world.validate(evidence=older))
    bundle = packed(unpacked(world.bundle()) | {f"{folder_of(world)}card.md": b"drawn otherwise in those days\n"})
    verdict = verified(bundle, tmp_path)
    assert not verdict.problems
    assert any("nbdeploy 0.0.9 made its card" in line for line in verdict.requests[0].lines)


def folder_of(world: Kept) -> str:
    return layout.documents(world.digests()["evidence"])


def test_the_recipe_shows_the_lines_of_the_script(bundle: bytes):
    lines = {line[4:] for line in recipe().decode().splitlines() if line.startswith("    ")}
    code = [line for line in script().decode().splitlines() if line and not line.startswith("#:")]
    assert [line for line in code if line not in lines] == []
    assert unpacked(bundle)["RECIPE.txt"] == recipe()


def test_a_policy_that_names_roots_must_be_signed_by_them(tmp_path: Path):
    roots = [key("root"), key("second root")]
    named = ", ".join(f'"{one.public}"' for one in roots)
    text = policy_text(f"[roots]\nkeys = [{named}]\nthreshold = 2", ledger=key("ledger").public)
    offered = Offered(read_policy(text), text, None)
    once = sign_policy(offered, None, roots[0])
    twice = sign_policy(replace(offered, envelope=once), None, roots[1])
    for envelope, holds in ((None, False), (once, False), (twice, True)):
        folder = tmp_path / str(len(envelope or b""))
        folder.mkdir()
        world = Kept(folder, text=text, envelope=envelope)
        world.deployed()
        bundle = world.bundle()
        assert (not verified(bundle, folder).problems) is holds
        run = shell(bundle, folder)
        assert (run.returncode == 0) is holds, run.stdout + run.stderr
        assert (": started in production;" in run.stdout) is holds
        assert run.stderr == ""


def test_a_policy_that_nobody_kept_is_the_auditors_to_give(kept: Kept, tmp_path: Path):
    bundle = replace_forgotten(kept)
    ours = tmp_path / "ours.toml"
    ours.write_bytes(kept.text)
    assert any("policy that was in force" in problem for problem in verified(bundle, tmp_path).problems)
    assert any("is not kept here" in note for note in verified(bundle, tmp_path).notes)
    assert shell(bundle, tmp_path).returncode == 1
    assert not verified(bundle, tmp_path, kept.policy).problems
    assert shell(bundle, tmp_path, str(ours)).returncode == 0


def replace_forgotten(world: Kept) -> bytes:
    world.forgotten = True
    try:
        return world.bundle()
    finally:
        world.forgotten = False


def test_a_version_that_was_asked_for_twice_is_told_twice(tmp_path: Path):
    world = Kept(tmp_path)
    first = world.deployed()
    second = world.ask(world.entry("validation"), environment="dev")
    world.deploy(second)
    bundle = world.bundle()
    verdict = verified(bundle, tmp_path)
    assert not verdict.problems
    assert [one.id for one in verdict.requests] == [first.id, second.id]
    run = shell(bundle, tmp_path)
    assert run.returncode == 0, run.stdout
    assert f"{second.id}: started in dev; 0 had to approve" in run.stdout
    assert len(unpacked(world.bundle(subject=first.id))) < len(unpacked(bundle))


def test_what_else_the_ledger_holds_is_left_out_and_said_so_unless_all_is_asked_for(tmp_path: Path):
    world = Kept(tmp_path)
    world.deployed()
    other = ObjectivePredicate(name="other", model="other", declared=NOW - 5 * DAY, by="bench")
    world.log(other, {"objective": bytes_digest(b"other")}, "bench")
    part, whole = world.bundle(), world.bundle(whole=True)
    assert any("1 of the ledger's 7 entries" in note for note in verified(part, tmp_path).notes)
    assert not any("entries are not in" in note for note in verified(whole, tmp_path).notes)
    assert not verified(whole, tmp_path).problems
    assert "entries of the ledger that are not in this bundle: 1" in shell(part, tmp_path).stdout
    (tmp_path / "whole").mkdir()
    assert shell(whole, tmp_path / "whole").returncode == 0
