"""A model given in memory is stored with what it needs elsewhere: packages, their versions, and the user's own code."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from importlib import import_module
from importlib.metadata import packages_distributions, version

import cloudpickle
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from nbdeploy.errors import ModelError
from nbdeploy.registry import needed


def asked(estimator) -> dict[str, str]:
    return dict(one.split("==") for one in needed.requirements(needed.modules(estimator)))


@pytest.fixture
def own(tmp_path, monkeypatch):
    """Make a module beside the notebook, and import it."""
    names = []

    def made(name: str, text: str):
        (tmp_path / f"{name}.py").write_text(text)
        monkeypatch.syspath_prepend(tmp_path)
        names.append(name)
        return import_module(name)

    yield made
    for name in names:
        sys.modules.pop(name, None)


def test_a_plain_pipeline_asks_for_what_computes_its_answers():
    assert asked(make_pipeline(StandardScaler(), LogisticRegression())) == {
        name: version(name) for name in ("scikit-learn", "numpy", "scipy", "pandas", "cloudpickle")
    }


def test_boosters_inside_a_pipeline_are_asked_for_by_the_package_that_is_installed(frame):
    from xgboost import XGBClassifier

    model = make_pipeline(StandardScaler(), XGBClassifier(n_estimators=1, max_depth=1)).fit(frame, [0, 0, 0, 1, 1, 1])
    (package,) = packages_distributions()["xgboost"]  # `xgboost`, or `xgboost-cpu`
    assert asked(model)[package] == version(package)


def test_what_a_function_imports_when_it_is_called_is_asked_for():
    def cut(rows):
        import shapely_that_is_absent  # noqa: F401 - not installed: nothing can be said of it
        from yaml import safe_load

        return safe_load(str(rows))

    cut.__module__ = "__main__"  # as in a notebook: it is stored whole
    cut.__qualname__ = "cut"
    names = needed.modules(FunctionTransformer(cut))
    assert {"yaml", "shapely_that_is_absent"} <= names
    assert dict(one.split("==") for one in needed.requirements(names))["PyYAML"] == version("pyyaml")


def test_a_module_beside_the_notebook_goes_along_with_what_it_imports(own, tmp_path):
    text = (
        "import numpy as np\nimport yaml\n\n\ndef twice(rows):\n    return 2 * np.asarray(rows)\n\n\n"
        "def read(rows):\n    return yaml.safe_load('[1]') + list(twice(rows))\n"
    )
    module = own("own_steps_beside", text)
    estimator = FunctionTransformer(module.read)
    with needed.carried(estimator) as names:
        stored = cloudpickle.dumps(estimator)
    assert "PyYAML" in dict(one.split("==") for one in needed.requirements(names))
    assert module.__name__ not in cloudpickle.list_registry_pickle_by_value()
    (tmp_path / "model.pkl").write_bytes(stored)
    reads = "import pickle, sys; print(list(map(int, pickle.load(open(sys.argv[1], 'rb')).transform([4]))))"
    told = subprocess.run(
        [sys.executable, "-I", "-c", reads, str(tmp_path / "model.pkl")], capture_output=True, text=True, check=True
    )
    assert json.loads(told.stdout) == [1, 8]


def test_a_stored_model_loads_where_the_users_module_is_not(own, registry, frame, tmp_path):
    module = own("own_scaling_beside", "def half(rows):\n    return rows / 2\n")
    model = make_pipeline(FunctionTransformer(module.half), LogisticRegression()).fit(frame, [0, 0, 0, 1, 1, 1])
    folder, _ = registry.resolve(registry.save_estimator(model, frame, "churn"), tmp_path / "got")
    del sys.modules[module.__name__]
    sys.path.remove(str(tmp_path))
    loaded = pickle.loads((folder / "model.pkl").read_bytes())  # noqa: S301 - it was made above
    assert np.array_equal(loaded.predict(frame), model.predict(frame))
    lines = (folder / "requirements.txt").read_text().split()
    assert {f"{name}=={version(name)}" for name in ("mlflow", "scikit-learn", "scipy")} <= set(lines)


def test_a_compiled_module_of_no_package_is_refused_by_name(own, monkeypatch):
    module = own("compiled_beside", "class Half:\n    pass\n")
    monkeypatch.setattr(module, "__file__", "/somewhere/compiled_beside.so")
    with pytest.raises(ModelError, match="compiled_beside"):
        asked(module.Half())
