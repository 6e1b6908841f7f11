"""What a bundle proves, and that nothing in it can be changed unnoticed: our verdict and the shell's are the same."""

from __future__ import annotations

from pathlib import Path

from tests.admission.world import policy
from tests.audit.kept import Kept, recomputed, shell, unpacked, verified

from nbdeploy.audit.recipe import recipe, script


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
    assert any("Vera" in problem for problem in verified(bundle, tmp_path, strangers).problems)


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
