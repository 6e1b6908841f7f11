"""Advisories are read from files only, compared as versions are, and a damaged file is one sentence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nbdeploy.errors import AdvisoryError
from nbdeploy.trust.scan import Advisories, scan_model
from nbdeploy.trust.scan.waivers import gates

OSV = {
    "id": "PYSEC-2026-1",
    "affected": [
        {
            "package": {"ecosystem": "PyPI", "name": "Scikit_Learn"},
            "ranges": [
                {"type": "GIT", "repo": "r", "events": [{"introduced": "0"}, {"fixed": "abc"}]},
                {
                    "type": "ECOSYSTEM",
                    "events": [{"introduced": "0"}, {"fixed": "1.5.0"}, {"introduced": "1.6rc1"}, {"fixed": "1.6.1"}],
                },
            ],
        },
        {"package": {"ecosystem": "npm", "name": "scikit-learn"}, "versions": ["9.9"]},
    ],
}
AUDIT = {
    "dependencies": [
        {
            "name": "scikit-learn",
            "version": "1.4.0",
            "vulns": [{"id": "GHSA-1", "fix_versions": ["1.4.2"], "aliases": [], "description": "x"}],
        },
        {"name": "local", "skip_reason": "not on PyPI"},
    ],
    "fixes": [],
}
YAML = """
id: PYSEC-2026-2
affected:
- package: {ecosystem: PyPI, name: scikit-learn}
  ranges:
  - type: ECOSYSTEM
    events: [{introduced: '0'}, {last_affected: 1.4.0}]
"""


def written(folder: Path, name: str, content: object) -> Path:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    return file


def model(folder: Path, version: str) -> Path:
    folder.mkdir()
    (folder / "requirements.txt").write_text(f"scikit.learn=={version}\nnumpy==2.4.6\n")
    return folder


@pytest.mark.parametrize(
    ("version", "affected"),
    [
        ("1.4.9", True),
        ("1.5.0", False),
        ("1.5.10", False),
        ("1.6rc1", True),
        ("1.6.0", True),
        ("1.6.1", False),
        ("1.10", False),
        ("9.9", False),
        ("1!1.0", False),
    ],
)
def test_versions_are_compared_as_versions(tmp_path, version, affected):
    advisories = Advisories.read(written(tmp_path, "one.json", OSV))
    found = scan_model(model(tmp_path / "m", version), advisories=advisories).findings
    assert [one.rule for one in found if one.rule == "vulnerable"] == ["vulnerable"] * affected


@pytest.mark.parametrize(
    ("file", "content", "name", "fixed"),
    [
        ("osv.json", OSV, "PYSEC-2026-1", "fixed in 1.5.0 or 1.6.1"),
        ("osv.json", [OSV], "PYSEC-2026-1", "fixed in 1.5.0 or 1.6.1"),
        ("osv.json", {"vulns": [OSV]}, "PYSEC-2026-1", "fixed in 1.5.0 or 1.6.1"),
        ("audit.json", AUDIT, "GHSA-1", "fixed in 1.4.2"),
        ("vulns/scikit-learn/PYSEC.yaml", YAML, "PYSEC-2026-2", "no fixed version is known"),
    ],
    ids=["osv", "osv list", "osv query", "pip-audit", "advisory-db"],
)
def test_the_finding_names_package_version_advisory_and_fix(tmp_path, file, content, name, fixed):
    where = tmp_path / "advisories"
    written(where, file, content)
    scan = scan_model(model(tmp_path / "m", "1.4.0"), advisories=Advisories.read(where))
    (found,) = scan.findings
    assert found.sentence == f"requirements.txt: scikit-learn 1.4.0 {name}: it has a known weakness; {fixed}"
    assert list(gates(scan.findings)) == [f"scan:vulnerable:scikit-learn%201.4.0%20{name}"]


def test_what_was_withdrawn_does_not_count(tmp_path):
    advisories = Advisories.read(written(tmp_path, "one.json", OSV | {"withdrawn": "2026-01-01T00:00:00Z"}))
    assert scan_model(model(tmp_path / "m", "1.4.0"), advisories=advisories).findings == ()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.json", "{"),
        ("a.json", "[1]"),
        ("a.json", "null"),
        ("a.json", {"id": "X", "affected": [{}]}),
        ("a.json", {"id": "X", "affected": [{"package": {"ecosystem": "PyPI", "name": 3}}]}),
        ("a.json", {"dependencies": [{"name": "x", "vulns": [{"id": "X"}]}]}),
        ("a.yaml", "a: ["),
        ("a.yaml", YAML.replace("1.4.0", "1.4")),
        ("a.yaml", "a: !!python/object/apply:os.system [x]"),
        ("a.json", "[" * 100_000),
    ],
)
def test_a_damaged_file_is_one_sentence_that_names_it(tmp_path, name, content):
    file = written(tmp_path, name, content)
    with pytest.raises(AdvisoryError) as refused:
        Advisories.read(tmp_path)
    assert str(file) in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_file_that_is_not_there_and_a_folder_without_any_are_said(tmp_path):
    with pytest.raises(AdvisoryError, match="no advisories at"):
        Advisories.read(tmp_path / "none")
    with pytest.raises(AdvisoryError, match="holds no advisory"):
        Advisories.read(tmp_path)
