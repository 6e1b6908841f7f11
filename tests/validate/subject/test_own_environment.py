"""The environment of a model: made with the real venv and pip, from packages of a few bytes that lie beside it."""

from __future__ import annotations

import platform
import subprocess
import zipfile
from concurrent.futures import ThreadPoolExecutor

import pytest

from nbdeploy.errors import ModelError
from nbdeploy.validate.subject import own_environment
from nbdeploy.validate.subject.own_environment import differences, environment_for

HERE = ".".join(platform.python_version_tuple()[:2])


def wheel(folder, name, version, module):
    """Write a package that holds one empty module."""
    about = f"{name.replace('-', '_')}-{version}.dist-info"
    with zipfile.ZipFile(folder / f"{name.replace('-', '_')}-{version}-py3-none-any.whl", "w") as archive:
        archive.writestr(module, "")
        archive.writestr(f"{about}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        archive.writestr(
            f"{about}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{about}/RECORD", "")


@pytest.fixture
def index(tmp_path, monkeypatch):
    """The only packages that pip can find; pandas is left to the test."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    wheel(folder, "scikit-learn", "0.0.7", "sklearn/__init__.py")
    wheel(folder, "mlflow-skinny", "9.9", "mlflow/pyfunc.py")
    wheel(folder, "pyarrow", "9.9", "pyarrow/__init__.py")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


@pytest.fixture
def old(tmp_path):
    """A model of a scikit-learn that is not here."""
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "requirements.txt").write_text("scikit-learn==0.0.7\n")
    return folder


def test_an_environment_is_made_once_though_two_runs_ask_at_the_same_time(index, old, tmp_path):
    wheel(index, "pandas", "9.9", "pandas/__init__.py")
    cache = tmp_path / "cache"
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(lambda _: environment_for(old, "auto", cache), range(2))
    assert first == second
    (place,) = (one for one in cache.iterdir() if one.is_dir())
    assert first.python == place / "bin" / "python"
    made = (place / "complete").stat().st_mtime_ns
    asked = "from importlib.metadata import version; print(version('scikit-learn'))"
    told = subprocess.run([first.python, "-c", asked], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "0.0.7"
    assert environment_for(old, "auto", cache) == first
    assert (place / "complete").stat().st_mtime_ns == made


def test_one_that_was_not_finished_is_made_anew_and_not_believed(index, old, tmp_path):
    cache = tmp_path / "cache"
    with pytest.raises(ModelError, match=r"could not be made \(ERROR: No matching distribution found for pandas"):
        environment_for(old, "auto", cache)
    assert not list(cache.glob("*/complete"))
    wheel(index, "pandas", "9.9", "pandas/__init__.py")
    assert environment_for(old, "auto", cache).python.is_file()


def test_one_in_which_no_model_can_be_loaded_is_none(index, old, tmp_path):
    wheel(index, "pandas", "9.9", "other/__init__.py")
    with pytest.raises(ModelError, match="No module named 'pandas'"):
        environment_for(old, "auto", tmp_path / "cache")
    assert not list((tmp_path / "cache").glob("*/complete"))


def test_lines_that_are_no_plain_requirement_are_not_followed(old, tmp_path):
    (old / "requirements.txt").write_text("scikit-learn==0.0.7\n--extra-index-url https://example.org\n")
    with pytest.raises(ModelError, match=r"scikit-learn==0.0.7 while .*'--extra-index-url.*which is not followed"):
        environment_for(old, "auto", tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


def test_an_interpreter_that_is_not_there_is_refused(old, tmp_path):
    with pytest.raises(ModelError, match="there is no Python at /nowhere"):
        environment_for(old, "/nowhere", tmp_path)


def test_here_is_kept_where_asked_for(old, tmp_path):
    found = environment_for(old, "here", tmp_path)
    assert found.python is None
    assert found.differences[0].startswith("scikit-learn==0.0.7 while ")


@pytest.fixture
def pickled(tmp_path):
    """A pickle of another Python."""
    folder = tmp_path / "pickled"
    folder.mkdir()
    (folder / "model.pkl").write_bytes(b"")
    (folder / "python_env.yaml").write_text("python: 3.1.4\n")
    return folder


def test_a_pickle_of_another_python_is_refused_where_that_is_not_here(pickled, tmp_path):
    assert differences(pickled) == (f"Python 3.1, which wrote its pickle, while this is {HERE}",)
    with pytest.raises(ModelError, match=r"there is no python3.1 here"):
        environment_for(pickled, "auto", tmp_path / "cache")


def test_a_name_that_only_promises_that_python_is_not_it(pickled, tmp_path, monkeypatch):
    """As a version manager's does, for a version that it knows and does not have at hand."""
    promise = tmp_path / "bin" / "python3.1"
    promise.parent.mkdir()
    promise.write_text("#!/bin/sh\necho 3.99\n")
    promise.chmod(0o755)
    monkeypatch.setenv("PATH", str(promise.parent), prepend=":")
    with pytest.raises(ModelError, match=r"there is no python3.1 here"):
        environment_for(pickled, "auto", tmp_path / "cache")


def test_another_build_of_the_same_package_is_the_same(tmp_path):
    from importlib.metadata import version

    (tmp_path / "requirements.txt").write_text(f"xgboost=={version('xgboost-cpu')}\n")
    assert differences(tmp_path) == ()


@pytest.mark.parametrize(
    ("asked", "here", "same"),
    [
        ("scikit-learn==1.9.0", "1.9.3", True),
        ("scikit-learn==1.8.0", "1.9.0", False),
        ("scikit-learn>=2", "1.9", False),
        ("torch==2.13.0", "2.13.0+cpu", True),
        ("torch==2.13.0+cu121", "2.13.0+cpu", True),
        ("scikit-learn===odd", "1.9", False),
        ("numpy==1.0", "2.4", True),
    ],
)
def test_another_patch_or_another_library_is_no_other_environment(asked, here, same, tmp_path, monkeypatch):
    monkeypatch.setattr(own_environment, "version", lambda _: here)
    (tmp_path / "requirements.txt").write_text(asked)
    assert (differences(tmp_path) == ()) is same
