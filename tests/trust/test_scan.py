"""Real models and real attacks: what their files would do is found, and none of it happens."""

from __future__ import annotations

import bz2
import codecs
import functools
import gzip
import importlib
import io
import lzma
import operator
import os
import pickle
import pkgutil
import subprocess
import warnings
import zipfile
import zlib
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.svm import SVC

from nbdeploy.trust.scan import scan_model
from nbdeploy.trust.scan.stream import LimitError, Stream
from nbdeploy.trust.scan.texts import MOST_NODES

CLEAN = {
    "logistic": make_pipeline(StandardScaler(), LogisticRegression()),
    "forest": RandomForestClassifier(5),
    "boosting": GradientBoostingClassifier(n_estimators=3),
    "histogram": HistGradientBoostingClassifier(max_iter=3),
    "svc": SVC(),
    "calibration": CalibratedClassifierCV(LogisticRegression()),
    "columns": Pipeline(
        [
            ("prepare", ColumnTransformer([("town", OneHotEncoder(), ["town"])], remainder="passthrough")),
            ("model", SVC()),
        ]
    ),
    "logarithm": make_pipeline(FunctionTransformer(np.log1p), LogisticRegression()),
}


class Reduced:
    """Pickles to a call."""

    def __init__(self, callable_, *arguments):
        self.call = callable_, arguments

    def __reduce__(self):
        return self.call


CHAIN = Reduced(functools.reduce, operator.add, [Reduced(os.system, "false"), 1])
ATTACKS = {
    "system": Reduced(os.system, "false"),
    "eval": Reduced(eval, "1"),
    "process": Reduced(subprocess.Popen, "false"),
    "resolve_name": Reduced(pkgutil.resolve_name, "os:system"),
    "import_module": Reduced(importlib.import_module, "os"),
    "joblib": Reduced(joblib.load, "other.joblib"),
    "numpy": Reduced(np.load, "other.npy"),
    "chain": CHAIN,
    "attribute": Reduced(getattr, Reduced(importlib.import_module, "os"), "system"),
    "open": Reduced(open, "never", "w"),
    "codecs": Reduced(codecs.open, "never"),
}


@pytest.fixture
def folder(tmp_path):
    """Return a maker of a model folder with one file."""

    def make(data: bytes, name: str = "model.pkl", **others: str) -> Path:
        made = tmp_path / "model"
        made.mkdir(exist_ok=True)
        (made / name).write_bytes(data)
        for other, text in others.items():
            (made / other.replace("__", ".")).write_text(text)
        return made

    return make


def rules(folder: Path) -> set[tuple[str, str]]:
    return {(one.rule, one.subject) for one in scan_model(folder).findings}


def unsafe(folder: Path) -> bool:
    return bool(scan_model(folder).unsafe_files)


@pytest.fixture(scope="module")
def fitted():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"age": rng.uniform(1, 9, 60), "town": rng.choice(["a", "b"], 60)})
    label = (frame["age"] > 5).astype(int)
    return {name: model.fit(frame if name == "columns" else frame[["age"]], label) for name, model in CLEAN.items()}


# R3 -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CLEAN)
@pytest.mark.parametrize(
    "form", ["pickle", "protocol 2", "cloudpickle", "joblib", "joblib zlib", "joblib gzip", "skops"]
)
def test_a_clean_model_passes_without_a_waiver(folder, fitted, name, form):
    model = fitted[name]
    if form == "skops":
        from skops.io import dumps

        data = dumps(model)
    elif form == "cloudpickle":
        import cloudpickle

        data = cloudpickle.dumps(model)
    elif form.startswith("joblib"):
        stream = io.BytesIO()
        joblib.dump(model, stream, compress=(form.split()[1], 3) if " " in form else 0)
        data = stream.getvalue()
    else:
        data = pickle.dumps(model, protocol=2 if form == "protocol 2" else 5)
    found = scan_model(folder(data))
    assert found.findings == ()
    assert found.files == 1


@pytest.mark.parametrize("kind", [np.number, np.integer, np.floating])
def test_columns_that_are_chosen_by_their_type_pass_without_a_waiver(folder, kind):
    chosen = make_column_selector(dtype_include=kind)
    prepared = ColumnTransformer([("scaled", StandardScaler(), chosen)]).fit(pd.DataFrame({"age": [1.0, 2.0]}))
    assert scan_model(folder(pickle.dumps(prepared))).findings == ()


def test_a_model_as_mlflow_saves_it_passes(tmp_path, fitted):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MLflow's own hints on saving
        import mlflow

        for form in ("cloudpickle", "skops"):
            mlflow.sklearn.save_model(
                fitted["logistic"], tmp_path / form, serialization_format=form,
                pip_requirements=[f"scikit-learn=={sklearn.__version__}"],
                **({"skops_trusted_types": []} if form == "skops" else {}),
            )  # fmt: skip
    for form in ("cloudpickle", "skops"):
        assert [one for one in scan_model(tmp_path / form).findings if one.path != "conda.yaml"] == []


# R1, R2 ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ATTACKS)
@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_a_pickle_that_reaches_for_the_system_is_refused(folder, name, protocol):
    """R1."""
    assert unsafe(folder(pickle.dumps({"model": ATTACKS[name]}, protocol=protocol)))


SYSTEM = pickle.dumps(ATTACKS["system"])
HIDDEN = {
    "second pickle": pickle.dumps([1]) + SYSTEM,
    "second after padding": pickle.dumps([1]) + b"\0" * 8 + SYSTEM,
    "truncated": SYSTEM[:-1],
    "gzip": gzip.compress(SYSTEM),
    "bz2": bz2.compress(SYSTEM),
    "xz": lzma.compress(SYSTEM),
    "lzma": lzma.compress(SYSTEM, lzma.FORMAT_ALONE),
    "zlib": zlib.compress(SYSTEM),
    "name from the memo": b"\x80\x04\x8c\x02os\x94\x8c\x06system\x940h\x00h\x01\x93\x8c\x05false\x85R.",
    "computed name": b"\x80\x04\x8c\x02os\x8c\x08builtins\x8c\x03str\x93\x8c\x06system\x85R\x93\x8c\x05false\x85R.",
    "extension": b"\x80\x02\x82\x01.",
    "instance": b"(S'false'\nios\nsystem\n.",
    "dotted": b"\x80\x04\x8c\x0dsklearn.utils\x8c\x09os.system\x93\x8c\x05false\x85R.",
    "ufunc by name": b"\x80\x04\x8c\x0bnumpy._core\x8c\x12_ufunc_reconstruct\x93\x8c\x02os\x8c\x06system\x86R.",
}


@pytest.mark.parametrize("name", HIDDEN)
@pytest.mark.parametrize("file", ["model.pkl", "notes.txt"], ids=["plain", "renamed"])
def test_hiding_it_does_not_help(folder, name, file):
    """R2: a second pickle, a missing end, packed, renamed, names that stand nowhere in a row."""
    assert unsafe(folder(HIDDEN[name], file))


def test_opcodes_in_the_place_of_an_array_are_read_as_both_loaders_would(folder):
    """joblib steps over an array's bytes, and pickle would run them."""
    stream = io.BytesIO()
    joblib.dump(np.zeros(len(SYSTEM), dtype=np.uint8), stream)
    data = stream.getvalue()
    start = data.index(b"\0" * len(SYSTEM))
    padded = data[:start].rstrip(b"\xff")
    # No padding: the byte that counts it is now an opcode that takes nothing, and the payload follows.
    hidden = padded[:-1] + SYSTEM[:2] + SYSTEM[2:] + data[start + len(SYSTEM) :]
    assert ("refused", "posix.system") in rules(folder(hidden, "model.joblib"))


def test_a_model_without_any_object_is_no_model(folder):
    """R2: zero globals."""
    mlmodel = "flavors:\n  sklearn:\n    pickled_model: model.pkl\n"
    assert rules(folder(pickle.dumps({"a": 1}), MLmodel=mlmodel)) == {("empty", "")}
    assert rules(folder(pickle.dumps({"a": 1}), MLmodel="flavors: {}\n")) == set()


def test_an_array_of_objects_is_a_pickle(folder):
    stream = io.BytesIO()
    np.save(stream, np.array([Reduced(os.system, "false"), 1], dtype=object), allow_pickle=True)
    assert unsafe(folder(stream.getvalue(), "weights.npy"))
    packed = io.BytesIO()
    np.savez(packed, weights=np.array([Reduced(os.system, "false")], dtype=object))
    assert unsafe(folder(packed.getvalue(), "weights.npz"))
    plain = io.BytesIO()
    np.savez(plain, weights=np.zeros(3))
    assert not scan_model(folder(plain.getvalue(), "weights.npz")).findings[1:]


@pytest.mark.parametrize(
    "text", ["channels:\n- conda-forge\n", "a = 1\n(b)\n", "cos and sin\nof x\n", "", "{}", "(dp0\n."]
)
def test_texts_are_not_taken_for_pickles(folder, text):
    assert rules(folder(text.encode(), "notes.txt")) == set()


# R4, R5, R6 -----------------------------------------------------------------------------------------------------------


def test_code_inside_a_cloudpickle_needs_a_person_who_names_it(folder, fitted):
    """R4."""
    import cloudpickle

    model = make_pipeline(FunctionTransformer(lambda rows: rows + 1), LogisticRegression())
    found = scan_model(folder(cloudpickle.dumps(model)))
    assert found.unsafe_files == ()
    assert "cloudpickle.cloudpickle._make_function" in found.unknown_names

    class Custom(LogisticRegression):
        pass

    found = scan_model(folder(cloudpickle.dumps(Custom())))
    assert found.unsafe_files == ()
    assert "cloudpickle.cloudpickle._make_skeleton_class" in found.unknown_names


@pytest.mark.parametrize(
    ("name", "text", "rule"),
    [
        ("MLmodel", "flavors: {python_function: {loader_module: my_loader}}", ("loader", "my_loader")),
        ("MLmodel", "flavors: {python_function: {loader_module: mlflow.sklearn, code: code}}", ("code", "code")),
        ("requirements.txt", "--extra-index-url https://me:pw@example.org/simple", ("source", "--extra-index-url https://…@example.org/simple")),
        ("requirements.txt", "evil @ https://example.org/evil.whl", ("source", "evil @ https://example.org/evil.whl")),
        ("requirements.txt", "scikit-learn", ("source", "scikit-learn")),
        ("requirements.txt", "scikit-learn==1.9.0  # as trained", None),
        ("conda.yaml", "dependencies: [python=3.11, {pip: ['numpy>=2']}]", ("source", "numpy>=2")),
        ("code/model.py", "import os", ("code", "")),
    ],
)  # fmt: skip
def test_what_the_texts_ask_for_is_a_matter_of_review(tmp_path, name, text, rule):
    """R5."""
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text(text)
    assert rules(tmp_path) == ({rule} if rule else set())
    assert not unsafe(tmp_path)


def test_a_skops_file_is_judged_by_our_list_and_not_by_its_own(folder):
    """R6."""
    schema = '{"__class__": "system", "__module__": "os", "__loader__": "FunctionNode", "content": {}}'
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("schema.json", schema)
    mlmodel = "flavors: {sklearn: {skops_trusted_types: [os.system, my.Type]}}"
    found = rules(folder(stream.getvalue(), "model.skops", MLmodel=mlmodel))
    assert found == {("refused", "os.system"), ("unknown", "my.Type")}


# Z1 -------------------------------------------------------------------------------------------------------------------


def bomb() -> str:
    """Less than 400 bytes that stand for more entries than are looked through."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 8)}]" for n in range(1, 7)]
    text = "\n".join(lines)
    assert len(text) < 400
    assert MOST_NODES < 8**7
    return text


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (bomb(), "limit"),
        ("a: !!python/object/apply:os.system [x]", "yaml"),
        ("a: !mine x", "yaml"),
        ("a: [", "broken"),
        ("a: &b [*b]", None),
    ],
)  # fmt: skip
def test_texts_that_explode_or_build_objects_are_refused_before_they_are_read(tmp_path, text, rule):
    """Z1."""
    (tmp_path / "MLmodel").write_text(text)
    found = {one.rule for one in scan_model(tmp_path).findings}
    assert found == ({rule} if rule else set())


def archive(**members: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in members.items():
            made.writestr(name.replace("__", "/"), data)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (archive(zeros=b"\0" * 50_000_000), "limit"),
        (archive(**{"..__x": b"1"}), "path"),
        (archive(inner=archive(inner=archive(inner=b"1"))), "limit"),
        (archive(inner=archive(data=SYSTEM)), "refused"),
        (b"PK\x03\x04 and nothing", "broken"),
    ],
    ids=["bomb", "outside", "nested", "pickle inside", "broken"],
)
def test_archives_are_looked_through_and_never_unpacked(folder, data, rule):
    """Z1."""
    found = scan_model(folder(data, "model.skops"))
    assert rule in {one.rule for one in found.findings}
    assert found.unsafe_files == ("model.skops",)


def test_a_finding_is_a_sentence(folder):
    (found,) = scan_model(folder(SYSTEM)).findings
    assert found.sentence == "model.pkl: posix.system: it reaches what no model needs"


def test_no_more_is_unpacked_than_the_limit():
    stream = Stream(gzip.GzipFile(fileobj=io.BytesIO(gzip.compress(b"x" * 1_000_000))), 1_000)
    assert stream.read(1_000) == b"x" * 1_000
    assert stream.tell() == 1_000
    with pytest.raises(LimitError, match="more than 1,000 bytes"):
        stream.read(10**9)
