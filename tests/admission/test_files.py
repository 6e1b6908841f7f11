"""Admission and the file scan: what nobody may let through never runs, what a person may needs a waiver by its name."""

from __future__ import annotations

import os
import pickle
import shutil
import tracemalloc
from pathlib import Path

import pytest
from tests.admission.test_admit import Door
from tests.admission.world import DAY, NOW, World, policy, waiver

from nbdeploy.documents.request import Request
from nbdeploy.errors import (
    AcknowledgeError,
    FormatError,
    PathError,
    Refusal,
    RevokedError,
    ScanError,
    SizeError,
)
from nbdeploy.trust.digests import model_digest
from nbdeploy.trust.scan import scan_model
from nbdeploy.trust.scan.waivers import gates

WAIVE = 'approvals = 1\nby = ["validator"]\nwaive_by = ["validator"]'


class System:
    def __reduce__(self):
        return os.system, ("false",)


SYSTEM = pickle.dumps(System())
OURS = b"\x80\x02cmine\nStep\n)\x81."
ROW = "flavors: {sklearn: {pickled_model: %s}}"
BOMB = b"a0: &a0 [x]\n" + b"".join(
    b"a%d: &a%d [%s]\n" % (n, n, b",".join([b"*a%d" % (n - 1)] * 10)) for n in range(1, 7)
)


@pytest.fixture
def door(tmp_path: Path) -> Door:
    return Door(World(tmp_path, policy=policy(production=WAIVE)), tmp_path / "admitted")


def asked(world: World, files: dict[str, bytes], **changes) -> Request:
    """Store a model, validate it and ask for it, with the scan's gates as the author's machine finds them."""
    for name, data in files.items():
        (world.stored / name).parent.mkdir(parents=True, exist_ok=True)
        (world.stored / name).write_bytes(data)
    return world.requested(**({"scan": tuple(gates(scan_model(world.stored).findings))} | changes))


NEVER = [
    ("R1 a call of the system", {"model.pkl": SYSTEM}, ScanError, "posix.system"),
    ("R1 beside the model", {"artifacts/x.bin": SYSTEM}, ScanError, "posix.system"),
    ("R2 a pickle behind a pickle", {"model.pkl": pickle.dumps([1]) + SYSTEM}, ScanError, "bytes follow"),
    ("R2 without its end", {"model.pkl": SYSTEM[:-1]}, ScanError, "cannot be followed"),
    ("R5 no loader outside of the folder", {"MLmodel": (ROW % "../x").encode()}, PathError, "leads out"),
    (
        "R6 a type that skops is told to trust",
        {"MLmodel": b"flavors: {sklearn: {skops_trusted_types: [os.system]}}"},
        ScanError,
        "os.system",
    ),
    ("Z1 aliases that explode", {"MLmodel": BOMB}, SizeError, "aliases"),
    ("Z1 a tag of Python's", {"MLmodel": b"a: !!python/object/apply:os.system [x]"}, FormatError, "tag"),
]


@pytest.mark.parametrize(("files", "error", "told"), [row[1:] for row in NEVER], ids=[row[0] for row in NEVER])
def test_what_no_waiver_lets_through_is_refused_whatever_was_signed(door: Door, files, error: type[Refusal], told):
    request = asked(door.world, files, scan=())
    door.world.sign(request)
    with pytest.raises(error, match=told) as refused:
        door.admit(request)
    assert "\n" not in str(refused.value)
    assert not door.into.exists()


def test_r4_a_class_of_ones_own_needs_a_waiver_that_names_it(door: Door):
    request = asked(door.world, {"model.pkl": OURS})
    assert request.scan == ("scan:unknown:mine.Step",)
    door.world.forge(request, "Vera")
    with pytest.raises(AcknowledgeError, match=r"scan:unknown:mine\.Step"):
        door.admit(request)
    door.world.sign(request, "Otto", waive=[waiver("scan:unknown:mine.Step")])
    assert model_digest(door.admit(request).folder) == request.digests.model


def test_r4_a_request_that_hides_what_its_files_do_is_not_believed(door: Door):
    request = asked(door.world, {"model.pkl": OURS}, scan=())
    door.world.sign(request)
    with pytest.raises(ScanError, match=r"scan:unknown:mine\.Step \(model\.pkl.*ask again"):
        door.admit(request)


def test_r4_a_waiver_of_another_name_lets_nothing_through(door: Door):
    request = asked(door.world, {"model.pkl": OURS}, scan=("scan:unknown:mine.Other",))
    door.world.sign(request, waive=[waiver("scan:unknown:mine.Other")])
    with pytest.raises(ScanError, match=r"mine\.Step"):
        door.admit(request)


def test_r4_a_waiver_ends(door: Door):
    request = asked(door.world, {"model.pkl": OURS})
    door.world.sign(request, waive=[waiver("scan:unknown:mine.Step", expires=NOW - DAY)])
    with pytest.raises(Refusal, match="E-EXPIRED"):
        door.admit(request)


def test_r4_without_signatures_code_runs_only_where_the_policy_says_so(door: Door):
    door.world.policy = policy('[environments.free]\napprovals = 0\nscan = "allow"')
    request = asked(door.world, {"model.pkl": OURS}, environment="dev", scan=())
    with pytest.raises(ScanError, match="no approval waives for dev"):
        door.admit(request)
    free = door.world.ask(door.world.validate(), environment="free")
    assert door.admit(free).approvals == ()


def test_r4_an_environment_may_take_no_code_at_all(door: Door):
    door.world.policy = policy(production=f'{WAIVE}\nscan = "block"')
    request = asked(door.world, {"model.pkl": OURS}, scan=())
    door.world.sign(request)
    with pytest.raises(ScanError, match="nobody may waive in production"):
        door.admit(request)


@pytest.mark.parametrize("name", ["code/steps.py", "conda.yaml", "requirements.txt"], ids="R5 {}".format)
def test_what_a_model_brings_or_asks_for_is_signed_for_by_name(door: Door, name):
    request = asked(door.world, {name: b"dependencies: [numpy]" if name.endswith("yaml") else b"numpy"})
    (gate,) = request.scan
    door.world.sign(request, waive=[waiver(gate)])
    assert door.admit(request).request == request


def test_the_scan_comes_last_and_nothing_is_scanned_that_is_not_approved(door: Door):
    """The order of DESIGN section 6: an attacker without an approval costs no more than a download."""
    request = asked(door.world, {"model.pkl": SYSTEM}, scan=())
    door.world.sign(request)
    door.world.revoke(request)

    def never(_: Path):
        raise AssertionError("it was scanned")

    with pytest.raises(RevokedError):
        door.admit(request, scanner=never)


# B11: size ------------------------------------------------------------------------------------------------------------


def test_b11_memory_does_not_grow_with_the_model(door: Door):
    import numpy as np
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression()
    model.coef_ = np.zeros((8, 1_000_000))
    files = {"model.pkl": pickle.dumps(model), **{f"parts/{n // 500}/{n}.bin": b"x" for n in range(2_000)}}
    request = asked(door.world, files)
    assert request.scan == ()
    door.world.sign(request)
    tracemalloc.start()
    door.admit(request, fetch=lambda _, into: Path(shutil.copytree(door.world.stored, into / "model")))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 24 << 20  # the model has 64 MB, and 2,000 files
