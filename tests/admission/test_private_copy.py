"""What is admitted is a private copy: nobody else can change it, and a refusal leaves nothing of it."""

from __future__ import annotations

import stat
import threading
from pathlib import Path

import pytest
from tests.admission.test_admit import Door, flip
from tests.admission.world import World

from nbdeploy.documents.request import Request
from nbdeploy.errors import DigestError, NotApprovedError, PathError, RegistryError
from nbdeploy.trust.digests import model_digest


@pytest.fixture
def door(tmp_path: Path) -> Door:
    return Door(World(tmp_path), tmp_path / "admitted")


def test_what_was_swapped_after_the_download_does_not_matter(door: Door):
    """Case B8: only the private copy is ever loaded."""
    request = door.world.requested()
    door.world.sign(request)
    admitted = door.admit(request)
    flip(door.world)
    assert model_digest(admitted.folder) == request.digests.model


def test_a_model_that_stays_where_others_can_change_it_is_refused(door: Door):
    """Case B8: a fetch that only points at a shared folder."""
    request = door.world.requested()
    door.world.sign(request)
    with pytest.raises(PathError, match="private folder"):
        door.admit(request, fetch=lambda *_: door.world.stored)

    def link(_: Request, into: Path) -> Path:
        (into / "model").symlink_to(door.world.stored)
        return into / "model"

    with pytest.raises(PathError, match="private folder"):
        door.admit(request, fetch=link)
    assert door.world.stored.is_dir()


def test_b3_what_no_digest_covers_is_not_in_the_private_copy(door: Door):
    request = door.world.requested()
    door.world.sign(request)
    (door.world.stored / "registered_model_meta").write_text("model_name: !!python/name:os.system x")
    admitted = door.admit(request)
    assert not (admitted.folder / "registered_model_meta").exists()


def test_b8_bytes_that_are_swapped_all_the_while_are_refused_or_the_right_ones(door: Door):
    """Somebody writes good and bad bytes into the store as fast as they can; only good ones are ever admitted."""
    request = door.world.requested()
    door.world.sign(request)
    file = door.world.stored / "data" / "model.skops"
    good, stop = file.read_bytes(), threading.Event()

    def swap() -> None:
        while not stop.is_set():
            file.write_bytes(b"W" + good[1:])
            file.write_bytes(good)

    thread = threading.Thread(target=swap)
    thread.start()
    outcomes = set()
    try:
        for number in range(60):
            into = door.into.with_name(f"admitted-{number}")
            try:
                admitted = door.admit(request, into=into)
            except DigestError:
                outcomes.add("refused")
                assert not into.exists()
            else:
                outcomes.add("admitted")
                assert (admitted.folder / "data" / "model.skops").read_bytes() == good
    finally:
        stop.set()
        thread.join()
    assert outcomes <= {"refused", "admitted"}
    assert outcomes


def test_b8_a_folder_that_others_could_write_to_is_closed_before_the_download(door: Door):
    """In a shared temporary folder, whoever made the place first could have kept it open."""
    request = door.world.requested()
    door.world.sign(request)
    door.into.mkdir(mode=0o777)
    door.into.chmod(0o777)
    seen = []

    def fetch(asked_: Request, into: Path) -> Path:
        seen.append(into.stat().st_mode & 0o777)
        return door.fetch(asked_, into)

    door.admit(request, fetch=fetch)
    assert seen == [0o700]


def test_a_folder_that_holds_something_is_never_admitted_into(door: Door):
    request = door.world.requested()
    door.world.sign(request)
    door.into.mkdir()
    (door.into / "planted.py").write_text("")
    with pytest.raises(PathError):
        door.admit(request)
    assert (door.into / "planted.py").exists()
    assert door.fetched == []


def test_a_link_is_never_admitted_into(door: Door):
    request = door.world.requested()
    door.world.sign(request)
    elsewhere = door.world.root / "elsewhere"
    elsewhere.mkdir()
    door.into.symlink_to(elsewhere)
    with pytest.raises(PathError):
        door.admit(request)


def test_an_empty_folder_is_closed_to_others_and_emptied_on_a_refusal(door: Door):
    request = door.world.requested()
    door.into.mkdir(mode=0o755)
    with pytest.raises(NotApprovedError):
        door.admit(request)
    assert list(door.into.iterdir()) == []
    door.world.sign(request)
    door.admit(request)
    assert stat.S_IMODE(door.into.stat().st_mode) == 0o700


def test_a_download_that_breaks_off_leaves_nothing(door: Door):
    request = door.world.requested()
    door.world.sign(request)

    def half(asked: Request, into: Path) -> Path:
        door.fetch(asked, into)
        raise RegistryError("the registry went away")

    with pytest.raises(RegistryError):
        door.admit(request, fetch=half)
    assert not door.into.exists()
