"""Cases B1–B6 of the attack list: what a model folder may hold, and that its digest is what a shell computes."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nbdeploy.errors import DigestError, PathError
from nbdeploy.trust.digests import bytes_digest, file_digest, manifest, model_digest
from nbdeploy.trust.names import check_distinct, check_name

SHELL = """find . -type f ! -path ./registered_model_meta -printf '%P\\0' |
    LC_ALL=C sort -z | xargs -0 sha256sum -- | sha256sum"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    model = tmp_path / "model"
    for name, content in {
        "MLmodel": b"flavors: {}\n",
        "model.skops": bytes(range(256)) * 5000,
        "-rf": b"a name like an option",
        "a.b/c": b"",
        "a/b c": b"x",
        "a/ü": b"y",
        "code/registered_model_meta": b"in a subfolder it counts",
        ".git/config": b"so does this",
    }.items():
        file = model / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    return model


def test_digest_equals_what_the_documented_shell_line_prints(folder: Path):
    (folder / "registered_model_meta").write_text("written by MLflow on download")
    printed = subprocess.run(["bash", "-c", SHELL], cwd=folder, capture_output=True, text=True, check=True).stdout
    assert model_digest(folder) == "sha256:" + printed.split()[0]


HOSTILE = (
    "-n", "--", "--help", "a b", " a", "*", "?", "[a]", "$(id)", "`id`", "$HOME", "'", '"', "a'b\"c", "~", "#x", "!x",
    "&&", "a;b", "|", ">x", "<x", "(x)", "{a,b}", "%P", "%s%n", "100%", "=x", "\u00fc", "\u65e5\u672c", "\U0001f40d",
    "Z", "a", "_", "a.b/c", "a.b/-", "a-b/c", "ab/c", "--x/--y", ".hidden/.x", "x" * 255, "sub/registered_model_meta",
    "registered_model_meta2",
)  # fmt: skip


def test_digest_equals_the_shell_line_for_every_name_that_a_shell_could_stumble_over(tmp_path: Path):
    for number, name in enumerate(HOSTILE):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"%d" % number)
    printed = subprocess.run(["bash", "-c", SHELL], cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert model_digest(tmp_path) == "sha256:" + printed.split()[0]
    assert len(manifest(tmp_path).splitlines()) == len(HOSTILE)


_LETTERS = st.characters(codec="utf-8", exclude_categories=("Cc", "Cf", "Cs", "Zl", "Zp"), exclude_characters="/")


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.text(_LETTERS, min_size=1, max_size=12), st.binary(max_size=9), min_size=1, max_size=8))
def test_digest_equals_the_shell_line_or_the_name_is_refused(tmp_path_factory, files: dict[str, bytes]):
    model = tmp_path_factory.mktemp("m")
    for name, data in files.items():
        if name not in (".", "..") and len(name.encode()) <= 255:
            (model / name).write_bytes(data)
    try:
        found = model_digest(model)
    except PathError:
        return
    printed = subprocess.run(["bash", "-c", SHELL], cwd=model, capture_output=True, text=True, check=True).stdout
    assert found == "sha256:" + printed.split()[0]


def test_manifest_is_sorted_by_the_bytes_of_the_path(folder: Path):
    names = [line.split(b"  ", 1)[1] for line in manifest(folder).splitlines()]
    assert names == sorted(names)
    assert b"a.b/c" in names
    assert names.index(b"a.b/c") < names.index(b"a/b c")


def _flip(folder: Path) -> None:
    data = bytearray((folder / "model.skops").read_bytes())
    data[1000] ^= 1
    (folder / "model.skops").write_bytes(data)


def _swap(folder: Path) -> None:
    first, second = folder / "MLmodel", folder / "model.skops"
    one, two = first.read_bytes(), second.read_bytes()
    first.write_bytes(two)
    second.write_bytes(one)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(_flip, id="B1 one byte flipped"),
        pytest.param(lambda f: (f / "new").write_bytes(b""), id="B2 file added"),
        pytest.param(lambda f: (f / "MLmodel").unlink(), id="B2 file removed"),
        pytest.param(lambda f: (f / "MLmodel").rename(f / "mlmodel.txt"), id="B2 file renamed"),
        pytest.param(_swap, id="B2 contents swapped"),
        pytest.param(lambda f: (f / ".git" / "hook").write_bytes(b""), id="B3 file under .git"),
        pytest.param(lambda f: (f / "a" / "registered_model_meta").write_bytes(b""), id="B3 second meta file"),
    ],
)
def test_any_change_of_the_folder_changes_its_digest(folder: Path, change):
    before = model_digest(folder)
    change(folder)
    assert model_digest(folder) != before


def test_only_the_root_file_that_mlflow_writes_on_download_is_left_out(folder: Path):
    before = model_digest(folder)
    (folder / "registered_model_meta").write_text("x")
    assert model_digest(folder) == before


def _socket(folder: Path) -> None:
    here = Path.cwd()
    os.chdir(folder)  # the path of a Unix socket is limited to about 100 bytes
    try:
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind("s")
    finally:
        os.chdir(here)


@pytest.mark.parametrize(
    "plant",
    [
        pytest.param(lambda f: (f / "l").symlink_to("MLmodel"), id="B4 link inside"),
        pytest.param(lambda f: (f / "l").symlink_to("/etc/hostname"), id="B4 link out of the tree"),
        pytest.param(lambda f: (f / "l").symlink_to("nowhere"), id="B4 dangling link"),
        pytest.param(lambda f: (f / "l").symlink_to("a", target_is_directory=True), id="B4 link to a folder"),
        pytest.param(lambda f: (f / "registered_model_meta").symlink_to("MLmodel"), id="B4 link at the excluded name"),
        pytest.param(lambda f: os.mkfifo(f / "p"), id="B4 pipe"),
        pytest.param(_socket, id="B4 socket"),
        pytest.param(lambda f: (f / "e").mkdir(), id="B4 empty folder"),
        pytest.param(lambda f: (f / "a\nb").write_bytes(b""), id="B5 newline"),
        pytest.param(lambda f: (f / "a\\b").write_bytes(b""), id="B5 backslash"),
        pytest.param(lambda f: (f / "-").write_bytes(b""), id="B5 the standard input of sha256sum"),
        pytest.param(lambda f: (f / "..%2fx").write_bytes(b""), id="B5 percent-encoded way out"),
        pytest.param(lambda f: (f / "CON").write_bytes(b""), id="B5 device name"),
        pytest.param(lambda f: (f / "x.").write_bytes(b""), id="B5 trailing dot"),
        pytest.param(lambda f: Path(os.fsdecode(os.fsencode(f) + b"/\xff")).write_bytes(b""), id="B5 not UTF-8"),
        pytest.param(lambda f: (f / "MLMODEL").write_bytes(b""), id="B6 same but for case"),
        pytest.param(lambda f: (f / "a" / "u\u0308").write_bytes(b""), id="B6 same in NFC"),
    ],
)
def test_what_has_no_plain_name_or_is_no_regular_file_is_refused(folder: Path, plant):
    plant(folder)
    with pytest.raises(PathError) as refused:
        model_digest(folder)
    assert "\n" not in str(refused.value)


def test_a_hard_link_is_a_file_like_any_other(folder: Path):
    copied = folder / "copy"
    copied.write_bytes((folder / "MLmodel").read_bytes())
    expected = model_digest(folder)
    copied.unlink()
    os.link(folder / "MLmodel", copied)
    assert model_digest(folder) == expected


@pytest.mark.parametrize(
    "name",
    [
        "../x",
        "/etc/passwd",
        "a//b",
        "./a",
        "..%2f",
        "%2e%2e",
        "%252e%252e",
        "a%252fb",
        "a%00b",
        "-",
        "a:b",
        "CON .txt",
        "conin$",
        "a\\b",
        "a\x00b",
        "a\nb",
        "CON",
        "con.txt",
        "LPT1",
        "a.",
        "a ",
        "C:x",
        "\u202egnp.exe",
        "a\u200bb",
        "",
    ],
)
def test_a_bad_artifact_name_is_refused_before_anything_is_written(name: str):
    with pytest.raises(PathError):
        check_name(name)


@pytest.mark.parametrize("name", ["x" * 300, "ä" * 128])
def test_a_name_over_255_bytes_is_refused(name: str):
    with pytest.raises(PathError):
        check_name(name)


@pytest.mark.parametrize("name", ["MLmodel", "data/model.pkl", "100%", "a b", "console", "ü", ".hidden", "x" * 255])
def test_an_ordinary_name_is_accepted(name: str):
    check_name(name)


@pytest.mark.parametrize(
    ("first", "second"), [("A/x", "a/y"), ("straße", "STRASSE"), ("\u00fc", "u\u0308"), ("ﬁ", "FI"), ("K", "\u212a")]
)
def test_two_spellings_of_one_name_are_refused(first: str, second: str):
    with pytest.raises(PathError):
        check_distinct([first, second])


def test_a_folder_without_a_file_has_no_digest(tmp_path: Path):
    with pytest.raises(PathError):
        model_digest(tmp_path)
    with pytest.raises(PathError):
        model_digest(tmp_path / "nowhere")


def test_a_file_that_cannot_be_read_is_one_sentence(tmp_path: Path):
    with pytest.raises(DigestError):
        file_digest(tmp_path / "nowhere")


def test_digest_of_bytes_is_the_published_one_of_abc():
    # FIPS 180-4's example.
    assert bytes_digest(b"abc") == "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


@given(st.dictionaries(st.text("abcdefgh._-", min_size=1, max_size=6), st.binary(max_size=40), min_size=1, max_size=6))
def test_same_files_give_the_same_digest_in_any_order_of_creation(tmp_path_factory, files: dict[str, bytes]):
    usable = {
        name: data for name, data in files.items() if name[-1] != "." and name not in ("-", "registered_model_meta")
    }
    if not usable:
        return
    first, second = (tmp_path_factory.mktemp("m") for _ in range(2))
    for name, data in usable.items():
        (first / name).write_bytes(data)
    for name, data in reversed(usable.items()):
        (second / name).write_bytes(data)
    assert model_digest(first) == model_digest(second)
    shutil.rmtree(first)
    shutil.rmtree(second)


def test_a_large_and_a_many_file_model_take_little_memory(tmp_path: Path):
    """Case B11, small: the digest reads blocks and never a whole file."""
    with (tmp_path / "weights").open("wb") as stream:
        stream.truncate(64 * 1024 * 1024)
    for number in range(1000):
        (tmp_path / f"part {number}").touch()
    tracemalloc.start()
    try:
        model_digest(tmp_path)
        assert tracemalloc.get_traced_memory()[1] < 16 * 1024 * 1024
    finally:
        tracemalloc.stop()


def test_folders_nested_too_deeply_are_one_sentence(tmp_path: Path):
    here = tmp_path
    for _ in range(600):
        here /= "d"
    here.mkdir(parents=True)
    (here / "file").touch()
    with pytest.raises(PathError, match="longer than 1024"):
        model_digest(tmp_path)
