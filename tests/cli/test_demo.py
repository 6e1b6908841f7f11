"""The demo, as a person at a terminal sees it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pexpect
import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def test_a_validator_who_says_no_leaves_nothing_live(tmp_path: Path):
    child = pexpect.spawn(
        sys.executable,
        ["-m", "nbdeploy.cli", "demo", "--folder", str(tmp_path / "a demo")],
        timeout=240,
        encoding="utf-8",
        dimensions=(50, 200),
        env=os.environ | {"TERM": "dumb"},
    )
    try:
        child.expect("Refused, as it should be. E-GATE")
        child.expect(r"Her passphrase in this demo is: (\S+)")
        passphrase = re.sub(r"\x1b\[[0-9;]*m", "", child.match[1])
        child.expect("Acknowledge it")
        child.sendline("n")
        child.expect("Passphrase")
        child.sendline(passphrase)
        child.expect("Returned to the author. Nothing is live")
        child.expect(pexpect.EOF)
    finally:
        child.close(force=True)
    assert child.exitstatus == 0
    log = subprocess.run(
        [sys.executable, "-m", "nbdeploy.cli", "audit", "log"],
        cwd=tmp_path / "a demo", capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "return" in log.stdout
    assert "unattended" not in log.stdout


def test_a_folder_of_somebody_else_is_never_removed(tmp_path: Path):
    (tmp_path / "thesis.txt").write_text("mine")
    done = subprocess.run(
        [sys.executable, "-m", "nbdeploy.cli", "demo", "--yes", "--folder", str(tmp_path)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "no earlier demo" in done.stderr
    assert (tmp_path / "thesis.txt").read_text() == "mine"
