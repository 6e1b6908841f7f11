"""What is no bundle is told as that, before a byte of it counts: exit code 2, one sentence, no traceback."""

from __future__ import annotations

import io
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.audit.kept import unpacked

from nbdeploy.audit.opening import opened
from nbdeploy.cli import main
from nbdeploy.errors import BundleError


def zipped(*entries: tuple[str | zipfile.ZipInfo, bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries:
            archive.writestr(name, data)
    return target.getvalue()


def link() -> zipfile.ZipInfo:
    info = zipfile.ZipInfo("policy/link")
    info.create_system = 3
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


def twice() -> bytes:
    with pytest.warns(UserWarning, match="Duplicate name"):
        return zipped(("bundle.json", b"{}"), ("RECIPE.txt", b"a"), ("RECIPE.txt", b"b"))


def with_wrong_checksum() -> bytes:
    data = zipped(("bundle.json", b'{"schema": "nbdeploy.bundle/1"}' * 40))
    at = data.index(b"bundle.json") + len("bundle.json") + 3
    return data[:at] + bytes([data[at] ^ 0x55]) + data[at + 1 :]


def hidden() -> bytes:
    """A zip in a zip: the directory at the end names the second one's files, whoever reads from the front finds two."""
    return zipped(("bundle.json", b"{}"), ("verify.sh", b"echo it holds")) + zipped(INDEX)


def hidden_between() -> bytes:
    data = zipped(INDEX)
    entry = data[: data.index(b"PK\1\2")]
    end = len(data) - 22
    start = int.from_bytes(data[end + 16 : end + 20], "little") + len(entry)
    directory = data[data.index(b"PK\1\2") : end]
    return entry + entry + directory + data[end : end + 16] + start.to_bytes(4, "little") + data[end + 20 :]


INDEX = ("bundle.json", b"{}")
ROWS: dict[str, Callable[[], bytes]] = {
    "no zip": lambda: b"Dear auditor,\n",
    "empty": lambda: b"",
    "a zip of something else": lambda: zipped(("letter.txt", b"hello")),
    "an index that is none": lambda: zipped(INDEX),
    "Z1 a name that leads out": lambda: zipped(INDEX, ("../x", b"")),
    "Z1 an absolute name": lambda: zipped(INDEX, ("/etc/x", b"")),
    "Z1 a name that leads out on Windows": lambda: zipped(INDEX, ("a\\..\\x", b"")),
    "Z1 a hidden separator": lambda: zipped(INDEX, ("..%2fx", b"")),
    "Z1 a folder as an entry": lambda: zipped(INDEX, ("policy/", b"")),
    "B6 two names that are one": lambda: zipped(INDEX, ("RECIPE.txt", b""), ("recipe.TXT", b"")),
    "Z1 one name twice": twice,
    "B4 a link": lambda: zipped(INDEX, (link(), b"/etc/passwd")),
    "Z1 more than deflate can do": lambda: zipped(("bundle.json", b"\0" * (1 << 27))),
    "Z1 bytes that do not unpack": with_wrong_checksum,
    "Z1 another zip before it": hidden,
    "Z1 an entry that the directory does not name": hidden_between,
    "Z1 bytes behind its end": lambda: zipped(INDEX) + b"more",
    "Z1 a comment": lambda: zipped(INDEX)[:-2] + b"\x05\0hello",
}


@pytest.mark.parametrize("made", ROWS.values(), ids=ROWS)
def test_what_is_no_bundle_exits_with_two_and_one_sentence(
    tmp_path: Path, made: Callable[[], bytes], capsys: pytest.CaptureFixture[str]
):
    file = tmp_path / "given.zip"
    file.write_bytes(made())
    with pytest.raises(SystemExit) as left:
        main(["audit", "verify", str(file)])
    assert left.value.code == 2
    told = capsys.readouterr().err
    assert told.startswith("nbdeploy: E-BUNDLE ")
    assert told.count("\n") == 1


def test_a_missing_file_is_told(tmp_path: Path):
    with pytest.raises(BundleError, match=r"none\.zip is no bundle \(No such file or directory\)"):
        opened(tmp_path / "none.zip").__enter__()


def test_an_unpacked_bundle_is_not_taken_for_the_name_of_an_objective(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "bundle.json").write_text("{}")
    with pytest.raises(SystemExit) as left:
        main(["audit", "verify", str(tmp_path)])
    assert left.value.code == 2
    assert f"sh {tmp_path}/verify.sh {tmp_path}" in capsys.readouterr().err


def test_a_policy_that_cannot_be_read_says_nothing_about_the_bundle(
    bundle: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "bundle.zip").write_bytes(bundle)
    with pytest.raises(SystemExit) as left:
        main(["audit", "verify", str(tmp_path / "bundle.zip"), "--policy", str(tmp_path / "none.toml")])
    assert left.value.code == 2  # 1 would say that it does not hold
    assert "none.toml cannot be read" in capsys.readouterr().err


def test_a_bundle_is_verified_from_anywhere_and_exits_with_zero(
    bundle: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bundle.zip").write_bytes(bundle)
    with pytest.raises(SystemExit) as left:
        main(["audit", "verify", "bundle.zip", "--recompute"])
    told = capsys.readouterr().out
    assert left.value.code == 0
    assert "The bundle of churn/1 holds" in told
    assert "THE POLICY COMES FROM THE BUNDLE ITSELF" in told
    assert "calculated again from the tallies and are the same" in told


def test_a_bundle_that_does_not_hold_exits_with_one(bundle: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    files = unpacked(bundle)
    files["ledger/public"] = files["ledger/public"][:-6] + b"AAAA=\n"
    target = tmp_path / "changed.zip"
    with zipfile.ZipFile(target, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    with pytest.raises(SystemExit) as left:
        main(["audit", "verify", str(target)])
    assert left.value.code == 1
    assert "does NOT hold" in capsys.readouterr().out
