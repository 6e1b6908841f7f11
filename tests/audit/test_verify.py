"""What a bundle proves, and that nothing in it can be changed unnoticed: our verdict and the shell's are the same."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tests.admission.world import key, policy, policy_text
from tests.audit.kept import Kept, recomputed, shell, unpacked, verified

from nbdeploy.audit.recipe import recipe, script
from nbdeploy.trust.policy_file import read_policy
from nbdeploy.trust.policy_signing import Offered, sign_policy


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
