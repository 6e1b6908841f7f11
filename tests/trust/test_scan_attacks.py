"""Models made to hurt, of every kind that a loader would take: each row's id begins with its case."""

from __future__ import annotations

import gzip
import io
import json
import lzma
import os
import pickle
import struct
import tarfile
import zipfile
from pathlib import Path

import joblib
import lightgbm
import lz4.frame
import numpy as np
import pandas as pd
import pytest
import xgboost
from sklearn.linear_model import LogisticRegression

from nbdeploy.errors import FormatError, PathError, ScanError, SizeError
from nbdeploy.trust.scan import scan_model
from nbdeploy.trust.scan.waivers import check_never, gates, told


class System:
    """Pickles to a call of os.system."""

    def __reduce__(self):
        return os.system, ("false",)


SYSTEM = pickle.dumps(System())
REFUSED = ("refused", "posix.system")


def array(descr: str, *, order: str = "'fortran_order': False, ") -> bytes:
    """Return an array file with any header before a pickle that calls os.system."""
    header = f"{{{order}{descr}, 'shape': (1,), }}".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + SYSTEM


def zipped(**members: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data in members.items():
            archive.writestr(name.replace("__", "/").replace("_dot_", "."), data)
    return stream.getvalue()


def tarred() -> bytes:
    """Return a tar archive whose first bytes are a pickle that calls os.system: the name of its member."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        archive.addfile(tarfile.TarInfo("cos\nsystem\n(S'false'\ntR."), io.BytesIO())
    return stream.getvalue()


def arrays_in_arrays() -> bytes:
    """Return a file of joblib's in which bytes of an inner array are run.

    joblib gives an array of objects to the standard library, which takes the place of an inner array for opcodes.
    """
    inner = np.zeros(len(SYSTEM) + 64, dtype=np.uint8)
    stream = io.BytesIO()
    joblib.dump(inner, stream)
    data = stream.getvalue()
    start = data.index(b"\0" * (len(SYSTEM) + 64))
    hidden = data[:start].rstrip(b"\xff")[:-1] + b"0" + SYSTEM[2:]
    outer = io.BytesIO()
    joblib.dump(np.array([None], dtype=object), outer)
    begin = outer.getvalue().rindex(b"\x80")
    return outer.getvalue()[:begin] + hidden


def onnx(location: str, *, value_first: bool = False) -> bytes:
    """Return a model file of one tensor whose weights lie elsewhere, written by hand in protobuf's form."""

    def message(field: int, inside: bytes) -> bytes:
        return bytes([field << 3 | 2, len(inside)]) + inside

    parts = [message(1, b"location"), message(2, location.encode())]
    return message(7, message(5, message(13, b"".join(parts[::-1] if value_first else parts))))


MLMODEL = "flavors: {python_function: {loader_module: mlflow.sklearn, model_path: %s}, sklearn: {pickled_model: %s}}"

ATTACKS = [
    ("R1 an array of objects, quoted otherwise", {"a.npy": array("\"descr\": '|O'")}, REFUSED),
    ("R1 an array of objects, escaped", {"a.npy": array(r"'descr': '|\x4f'")}, REFUSED),
    ("R1 an array of objects, spelled out", {"a.npy": array("'descr': 'object'")}, REFUSED),
    (
        "R1 an array of objects in a structure",
        {"a.npy": array("'descr': [('a', '<f8'), ('b', [('c', '|O')])]")},
        REFUSED,
    ),
    ("R1 an array of objects in a structure with a shape", {"a.npy": array("'descr': [('a', '|O', (2,))]")}, REFUSED),
    ("R1 a header that is no literal", {"a.npy": array("'descr': open('x')")}, ("broken", "")),
    ("R1 an array of objects in an npz", {"a.npz": zipped(weights_dot_npy=array("'descr': '|O'"))}, REFUSED),
    ("R1 an inner array of joblib's", {"m.joblib": arrays_in_arrays()}, REFUSED),
    ("R1 a checkpoint of torch's", {"m.pt": zipped(m__data_dot_pkl=SYSTEM)}, REFUSED),
    ("R1 a pickled frame", {"f.pkl": pickle.dumps(pd.DataFrame({"a": [System()]}))}, REFUSED),
    ("R1 beside the model, in artifacts", {"artifacts/encoder.pkl": SYSTEM}, REFUSED),
    ("R1 a name of Python 2", {"m.pkl": b"ccStringIO\nopen\n(S'x'\ntR."}, ("refused", "cStringIO.open")),
    ("R1 another name of Python 2", {"m.pkl": b"curllib2\nurlopen\n(S'x'\ntR."}, ("refused", "urllib2.urlopen")),
    (
        "R1 the module os for carried code",
        {"m.pkl": b"ccloudpickle.cloudpickle\nsubimport\n(S'os'\ntR."},
        ("refused", "os.*"),
    ),
    ("R2 damage after the call", {"notes.txt": b"cos\nsystem\n(S'false'\ntRc! !\n?\n."}, ("refused", "os.system")),
    ("R2 a pickle called a program", {"m.bin": b"MZ\x01cos\nsystem\n(S'false'\ntR."}, ("refused", "os.system")),
    ("R2 a pickle called Python", {"m.py": SYSTEM}, REFUSED),
    ("R2 a pickle that is a tar archive", {"m.tar": tarred()}, ("refused", "os.system")),
    (
        "R2 a model of any name that MLmodel names",
        {"MLmodel": (MLMODEL % ("m", "m")).encode(), "m": b"cos\nsystem\n."},
        ("refused", "os.system"),
    ),
    ("R2 packed with LZ4", {"m.joblib": lz4.frame.compress(SYSTEM)}, REFUSED),
    (
        "R2 packed with LZMA of an odd size",
        {
            "m.joblib": lzma.compress(
                SYSTEM, lzma.FORMAT_ALONE, filters=[{"id": lzma.FILTER_LZMA1, "dict_size": 0x12F00}]
            )
        },
        REFUSED,
    ),
    ("R2 an archive behind other bytes", {"model.skops": b"\0" * 64 + zipped(schema_dot_json=b"{}")}, ("broken", "")),
    (
        "R5 a loader that reads names of code",
        {"MLmodel": b"flavors: {python_function: {loader_module: mlflow.keras}}"},
        ("loader", "mlflow.keras"),
    ),
    (
        "R5 a class that MLflow imports",
        {"MLmodel": b"flavors: {xgboost: {model_class: evil.Model, data: m}}"},
        ("unknown", "evil.Model"),
    ),
    (
        "R5 a class that MLflow imports, of os",
        {"MLmodel": b"flavors: {xgboost: {model_class: os.system}}"},
        ("refused", "os.system"),
    ),
    ("R5 a layer of Keras", {"m.keras": zipped(config_dot_json=b'{"class_name": "Lambda"}')}, ("closed", "")),
    ("R5 layers in HDF5", {"m.h5": b"\x89HDF\r\n\x1a\n" + b"\0" * 99}, ("closed", "")),
    ("R5 layers in HDF5 behind other bytes", {"m.bin": b"\0" * 512 + b"\x89HDF\r\n\x1a\n"}, ("closed", "")),
    ("R5 a graph of TensorFlow", {"saved_model.pb": b"\x08\x01"}, ("closed", "")),
    (
        "R5 a package from a repository",
        {"conda.yaml": b"dependencies: [{pip: ['-e git+https://example.org/x']}]"},
        ("source", "-e git+https://example.org/x"),
    ),
    ("R5 a foreign channel", {"conda.yaml": b"channels: [https://example.org/c]"}, ("source", "https://example.org/c")),
    (
        "R5 a package of conda's, of any version",
        {"conda.yaml": b"dependencies: [python=3.11, scipy]"},
        ("source", "scipy"),
    ),
    (
        "R5 a Python environment with an index",
        {"python_env.yaml": b"dependencies: ['-r requirements.txt', '--index-url https://x.org']"},
        ("source", "--index-url https://x.org"),
    ),
    (
        "R5 an environment of another name",
        {"MLmodel": b"flavors: {python_function: {env: {conda: c.yml}}}", "c.yml": b"dependencies: [{pip: [numpy]}]"},
        ("source", "numpy"),
    ),
    ("R5 any version of one number", {"requirements.txt": b"numpy==2.*"}, ("source", "numpy==2.*")),
    (
        "R5 an index on a continued line",
        {"requirements.txt": b"numpy==2.4.6 \\\n  --extra-index-url https://x.org"},
        ("source", "--extra-index-url https://x.org"),
    ),
    (
        "R6 the operator of a skops file",
        {
            "m.skops": zipped(
                schema_dot_json=json.dumps({"content": [{"__class__": "system", "__module__": "posix"}]}).encode()
            )
        },
        REFUSED,
    ),
    ("Z1 a model outside of its folder", {"MLmodel": (MLMODEL % ("../../m", "m")).encode()}, ("path", "../../m")),
    ("Z1 a model at an absolute path", {"MLmodel": (MLMODEL % ("m", "/srv/m.pkl")).encode()}, ("path", "/srv/m.pkl")),
    ("Z1 weights of ONNX outside", {"m.onnx": onnx("../../etc/shadow")}, ("path", "../../etc/shadow")),
    (
        "Z1 weights of ONNX outside, in another order",
        {"m.onnx": onnx("/etc/shadow", value_first=True)},
        ("path", "/etc/shadow"),
    ),
    (
        "Z1 ONNX under another name",
        {"MLmodel": b"flavors: {onnx: {data: m.bin}}", "m.bin": onnx("../x")},
        ("path", "../x"),
    ),
    ("Z1 ONNX that cannot be followed", {"m.onnx": b"\x3a\xff\xff\xff"}, ("broken", "")),
    (
        "Z1 a bomb of one file",
        {"m.joblib": lzma.compress(b"\x80\x05\x8e" + (200 << 20).to_bytes(8, "little") + b"\0" * (200 << 20))},
        ("limit", ""),
    ),
    ("Z1 a value without end", {"m.pkl": b"\x80\x05\x8e" + b"\xff" * 8}, ("broken", "")),
    ("Z1 an array without end", {"m.npy": b"\x93NUMPY\x02\x00" + b"\xff" * 8}, ("limit", "")),
    ("Z1 a month that no year has", {"MLmodel": b"a: 2026-13-01"}, ("broken", "")),
    ("Z1 a list as a key", {"MLmodel": b"? [a]\n: b"}, ("broken", "")),
    (
        "Z1 a tag of Python's in an environment",
        {"conda.yaml": b"a: !!python/name:os.system x"},
        ("yaml", "tag:yaml.org,2002:python/name:os.system"),
    ),
]


def made(folder: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


@pytest.mark.parametrize(("files", "expected"), [row[1:] for row in ATTACKS], ids=[row[0] for row in ATTACKS])
def test_what_hides_is_found_and_named(tmp_path, files, expected):
    found = scan_model(made(tmp_path, files)).findings
    assert expected in {(one.rule, one.subject) for one in found}, [one.sentence for one in found]


def test_the_inner_array_would_have_been_run(tmp_path, monkeypatch):
    """Case R1: the attack is one, and no invention of the test."""
    called = []
    monkeypatch.setattr("posix.system", called.append)
    file = tmp_path / "m.joblib"
    file.write_bytes(arrays_in_arrays())
    with pytest.raises(Exception):  # noqa: B017, PT011 - what joblib makes of the rest is its own matter
        joblib.load(file)
    assert called == ["false"]


# R3: what is clean ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def boosted(tmp_path_factory):
    """Folders of native and pickled boosters, and of other files that hold numbers only."""
    frame = pd.DataFrame({"age": np.arange(40.0)})
    label = (frame["age"] > 20).astype(int)
    xgb = xgboost.XGBClassifier(n_estimators=2, n_jobs=1).fit(frame, label)
    lgb = lightgbm.LGBMClassifier(n_estimators=2, verbose=-1, n_jobs=1).fit(frame, label)
    root = tmp_path_factory.mktemp("boosted")
    for name in ("m.json", "m.ubj"):
        xgb.save_model(root / name)
    lgb.booster_.save_model(root / "m.lgb")
    joblib.dump(xgb, root / "xgb.joblib", compress=("lz4", 3))
    joblib.dump(lgb, root / "lgb.joblib", compress=("xz", 3))
    (root / "lgb.pkl").write_bytes(pickle.dumps(lgb))
    np.savez(root / "a.npz", a=np.zeros(3), b=np.array(["x"]), c=np.zeros(2, dtype=[("f", "<f8"), ("d", "<M8[ns]")]))
    (root / "weights.onnx").write_bytes(onnx("weights.onnx.data"))
    return root


def test_boosters_and_plain_arrays_pass_without_a_waiver(boosted):
    """Case R3."""
    assert [one.sentence for one in scan_model(boosted).findings] == []


def test_a_large_array_is_stepped_over_and_not_held(tmp_path):
    """Case B11: what is held is small, whatever the size of the file."""
    import tracemalloc

    model = LogisticRegression()
    model.coef_ = np.zeros((4, 4_000_000))
    (tmp_path / "m.pkl").write_bytes(pickle.dumps(model, protocol=5))
    tracemalloc.start()
    assert scan_model(tmp_path).findings == ()
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 8 << 20


# What a waiver can name -----------------------------------------------------------------------------------------------

NEVER = [
    ("R1 a name that reaches the system", {"m.pkl": SYSTEM}, ScanError, "m.pkl: posix.system"),
    ("R2 bytes behind the end", {"m.pkl": pickle.dumps([1]) + b"x"}, ScanError, "bytes follow"),
    ("Z1 a path", {"MLmodel": (MLMODEL % ("../m", "m")).encode()}, PathError, "../m"),
    ("Z1 a bomb", {"m.skops": zipped(x=gzip.compress(b""))[:-22] + b"PK\x05\x06"}, ScanError, "cannot be read"),
    ("Z1 a tag", {"MLmodel": b"a: !!python/name:os.system x"}, FormatError, "MLmodel"),
    ("Z1 no text", {"MLmodel": b"a: ["}, FormatError, "MLmodel"),
    (
        "Z1 too much to read",
        {"m.pkl": b"\x80\x02" + b"".join(b"cmine\nT%d\n0" % n for n in range(101)) + b"N."},
        SizeError,
        "101 things",
    ),
]


@pytest.mark.parametrize(("files", "error", "told"), [row[1:] for row in NEVER], ids=[row[0] for row in NEVER])
def test_what_no_waiver_lets_through_is_refused_in_one_sentence(tmp_path, files, error, told):
    with pytest.raises(error, match=told) as refused:
        check_never(scan_model(made(tmp_path, files)).findings)
    assert "\n" not in str(refused.value)


def test_code_that_torch_saved_in_its_older_protocol_is_one_gate_as_well(tmp_path):
    """Case R4: there the built-in `type` has the name that it had in Python 2."""
    import cloudpickle

    class Ours(LogisticRegression):
        def predict(self, rows):
            return rows

    scan = scan_model(made(tmp_path, {"model.pth": zipped(m__data_dot_pkl=cloudpickle.dumps(Ours(), protocol=2))}))
    assert "__builtin__.type" in scan.unknown_names
    (gate,) = gates(scan.findings)
    assert gate.startswith("scan:carried:")
    assert "type" in gate.removeprefix("scan:carried:").split(",")


def test_what_a_person_may_accept_has_an_exact_name(tmp_path):
    """Case R4: names that are on no list; R5: what the texts ask for."""
    import cloudpickle

    class Ours(LogisticRegression):
        def predict(self, rows):
            return np.zeros(len(rows))

    files = {
        "m.pkl": cloudpickle.dumps(Ours()),
        "code/steps.py": b"",
        "n.pkl": b"cmine\nStep\n(tR.",
        "requirements.txt": b"numpy>=2",
    }
    scan = scan_model(made(tmp_path, files))
    check_never(scan.findings)
    carried, *others = gates(scan.findings)
    assert carried.startswith("scan:carried:")
    assert {"_make_function", "_make_skeleton_class"} < set(carried.removeprefix("scan:carried:").split(","))
    assert others == [
        "scan:code:code/steps.py",
        "scan:source:numpy%3E%3D2",
        "scan:unknown:mine.Step",
        "scan:unknown:numpy.%2A",
    ]
    assert told("scan:unknown:mine.Step", gates(scan.findings)["scan:unknown:mine.Step"]) == (
        "scan:unknown:mine.Step (n.pkl: it is on no list; a person must look at it)"
    )


def test_two_long_names_that_begin_alike_are_two_gates(tmp_path):
    long = b"T" * 5000
    files = {"m.pkl": b"\x80\x02cmine\n" + long + b"a\n0cmine\n" + long + b"b\n."}
    assert len(gates(scan_model(made(tmp_path, files)).findings)) == 2


def test_a_gate_is_plain_text_whatever_the_name(tmp_path):
    """Case H3: what is shown to a signer cannot turn around, break a line or end a shell's word."""
    name = "A\u202eevil='x y\n".encode()
    files = {"m.pkl": b"\x80\x04\x8c\x04mine\x8c" + bytes([len(name)]) + name + b"\x93."}
    (gate,) = gates(scan_model(made(tmp_path, files)).findings)
    assert gate.isascii()
    assert not set(gate) & set(" '\"=\n$`")
