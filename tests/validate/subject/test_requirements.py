"""What a model asks for, from files that anybody may have written."""

from __future__ import annotations

import pytest

from nbdeploy.errors import ModelError
from nbdeploy.validate.subject.requirements import asked_by

PICKLED = "flavors: {sklearn: {sklearn_version: 1.2.0, pickled_model: model.pkl, serialization_format: pickle}}\n"


@pytest.fixture
def asked(tmp_path):
    """Read a folder of these files."""

    def read(**files):
        for name, text in files.items():
            path = tmp_path / name.replace("__", ".")
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return asked_by(tmp_path)

    return read


def texts(found):
    return sorted(map(str, found.packages))


def test_comments_markers_and_continuations_are_read_as_pip_does(asked):
    found = asked(
        requirements__txt="# all\nscikit-learn==1.2.0 # this\nnumpy \\\n  >=1.2\ntorch; sys_platform == 'mars'\n"
    )
    assert texts(found) == ["numpy>=1.2", "scikit-learn==1.2.0", 'torch; sys_platform == "mars"']
    assert found.others == ()


@pytest.mark.parametrize(
    "line",
    [
        "--extra-index-url https://example.org",
        "-r other.txt",
        "./folder",
        "evil @ https://example.org/evil.tar.gz",
        "git+https://example.org/evil.git",
        "numpy==1.2 --hash=sha256:00",
        "${HOME}/evil",
    ],
)
def test_what_is_no_package_of_an_index_is_kept_apart(asked, line):
    found = asked(requirements__txt=f"scikit-learn==1.2.0\n{line}\n")
    assert texts(found) == ["scikit-learn==1.2.0"]
    assert found.others == (line,)


def test_an_environment_of_conda_counts_where_there_are_no_requirements(asked):
    text = "dependencies:\n- python=3.8\n- conda-forge::lightgbm=4.1.0\n- pip\n- pip: [scikit-learn==1.2.0]\n"
    assert texts(asked(conda__yaml=text)) == ["lightgbm==4.1.0", "scikit-learn==1.2.0"]


@pytest.mark.parametrize(
    ("requirements", "expected"),
    [
        ("pandas", ["pandas", "scikit-learn==1.2.0"]),
        ("Scikit_Learn>=1", ["scikit-learn==1.2.0"]),
        ("scikit-learn==1.4.0", ["scikit-learn==1.4.0"]),
    ],
)
def test_a_flavour_tells_its_version_where_no_pin_does(asked, requirements, expected):
    assert texts(asked(requirements__txt=requirements, MLmodel=PICKLED)) == expected


def test_a_flavours_version_is_a_version_or_nothing(asked):
    text = "flavors: {sklearn: {sklearn_version: '1.2 --index-url=https://example.org'}}\n"
    assert texts(asked(requirements__txt="pandas", MLmodel=text)) == ["pandas", "scikit-learn"]


def test_the_python_matters_where_there_is_a_pickle(asked):
    assert asked(python_env__yaml="python: 3.8.18\n").python is None
    assert asked(model__pkl=b"").python == "3.8"


def test_condas_python_counts_too(asked):
    assert asked(model__pkl=b"", conda__yaml="dependencies: [python=3.10.4]\n").python == "3.10"


@pytest.mark.parametrize("told", ["3", "../../evil", "[1]", ""])
def test_a_python_that_is_no_version_is_none(asked, told):
    assert asked(model__pkl=b"", python_env__yaml=f"python: {told}\n").python is None


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"requirements__txt": b"\xff\xfe"}, r"requirements.txt is no text"),
        ({"python_env__yaml": "python: [", "model__pkl": b""}, r"python_env.yaml is no YAML"),
        ({"conda__yaml": "[" * 20_000}, r"conda.yaml is no YAML"),
    ],
)
def test_files_that_nobody_can_read_are_one_sentence(asked, files, says):
    with pytest.raises(ModelError, match=says):
        asked(**files)
