"""Our code makes the golden vectors byte for byte, and a shell that shares none of it reads them alike."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from tests.vectors.made import HERE, KEYS, tally, vectors

from nbdeploy.documents.evidence import TallyTable
from nbdeploy.stats.tally import ClassTally
from nbdeploy.trust.envelopes import open_envelope
from nbdeploy.trust.ledger import checkpoints
from nbdeploy.trust.policy.file import read_policy

MADE = vectors()
SHELL = {"PATH": "/usr/bin:/bin"}


@pytest.mark.parametrize("name", MADE)
def test_what_is_made_now_is_the_vector(name: str):
    assert MADE[name] == (HERE / name).read_bytes(), f"{name} changed: python -m tests.vectors.made, and say why"


def test_no_vector_is_left_over():
    stored = {path.relative_to(HERE).as_posix() for path in HERE.rglob("*") if path.is_file()}
    others = {"made.py", "README.md", "verify.sh"}
    assert {name for name in stored if not name.startswith(("model/", "__pycache__/"))} - others == set(MADE)


def test_vectors_are_read_back():
    publics = [one.public for one in KEYS.values()]
    kinds = [open_envelope((HERE / name).read_bytes(), publics).kind for name in MADE if name.startswith("envelopes/")]
    assert set(kinds) == {"objective", "validation", "request", "decision", "deployment", "revocation"}
    assert checkpoints.read((HERE / "checkpoint").read_text(), KEYS["ledger"].public).size == len(kinds)
    assert read_policy((HERE / "policy.toml").read_bytes()).ledger == KEYS["ledger"].public
    assert TallyTable.model_validate_json((HERE / "tally.json").read_bytes()) == tally().to_table()
    assert ClassTally.from_bytes(tally().to_bytes()) == tally()


def test_the_shell_reads_the_vectors_alike():
    run = subprocess.run(["/bin/sh", HERE / "verify.sh"], capture_output=True, text=True, check=False, env=SHELL)
    assert run.returncode == 0, run.stdout + run.stderr
    assert run.stderr == ""


@pytest.mark.parametrize(
    "name", ["model/MLmodel", "policy.toml", "tally.json", "envelopes/6-approval.json", "roots.tsv"]
)
def test_the_shell_finds_a_changed_vector(tmp_path: Path, name: str):
    shutil.copytree(HERE, tmp_path / "vectors")
    file = tmp_path / "vectors" / name
    data = bytearray(file.read_bytes())
    place = data.index(b"9") if name == "tally.json" else len(data) // 2
    data[place] = ord("8") if name == "tally.json" else data[place] ^ 1
    file.write_bytes(data)
    script = tmp_path / "vectors" / "verify.sh"
    assert subprocess.run(["/bin/sh", script], capture_output=True, check=False, env=SHELL).returncode != 0
