"""Prints the ``[allowed]`` part of ``trust/scan/names.toml``: ``python tests/trust/collect_names.py > allowed.toml``.

Names are those of scikit-learn's estimators, of what they hold once they are fitted, of NumPy's universal functions
and of pandas' indexes. Run it with another release of scikit-learn and merge the outcome: names are added, and none is
taken away.
"""

from __future__ import annotations

import inspect
import io
import json
import pickle
import textwrap
import warnings
from collections import defaultdict
from importlib import import_module

import joblib
import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, clone
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.gaussian_process import kernels
from sklearn.linear_model import LogisticRegression
from sklearn.utils import all_estimators
from sklearn.utils._test_common.instance_generator import _construct_instances

from nbdeploy.trust.scan.pickles import follow
from nbdeploy.trust.scan.stream import Stream
from nbdeploy.trust.scan.values import Named

SCORES = ("f_classif", "f_regression", "chi2", "mutual_info_classif", "mutual_info_regression", "r_regression")
INNER = ("sklearn._loss.loss", "sklearn._loss.link", "sklearn._loss._loss", "sklearn.metrics._dist_metrics",
         "sklearn.model_selection._split")  # fmt: skip
BY_HAND = {
    "builtins": ["object", "int", "float", "complex", "bool", "str", "bytes", "bytearray", "list", "tuple", "dict",
                 "set", "frozenset", "slice", "range"],
    "collections": ["OrderedDict", "defaultdict", "deque", "Counter"],
    "copyreg": ["_reconstructor", "__newobj__"],
    "datetime": ["date", "datetime", "time", "timedelta", "timezone"],
    "decimal": ["Decimal"],
    "_codecs": ["encode"],
    "joblib.numpy_pickle": ["NumpyArrayWrapper"],
    "numpy": ["dtype", "ndarray", "matrix", "bool_", "bool",
              "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32",
              "uint64", "float16", "float32", "float64", "str_", "bytes_", "object_", "datetime64", "timedelta64",
              "number", "integer", "floating"],
    "numpy._core.multiarray": ["_reconstruct", "scalar"],
    "numpy._core.numeric": ["_frombuffer"],
    "numpy.ma": ["MaskedArray"],
    "numpy.ma.core": ["_mareconstruct", "MaskedArray"],
    "numpy.random._pickle": ["__randomstate_ctor", "__generator_ctor", "__bit_generator_ctor"],
    "numpy.random._mt19937": ["MT19937"],
    "numpy.random._pcg64": ["PCG64"],
    "numpy.random._generator": ["Generator"],
    "numpy.random.mtrand": ["RandomState"],
    "numpy.random.bit_generator": ["SeedSequence"],
    "pandas": ["DataFrame", "Series", "Index", "CategoricalDtype", "StringDtype"],
    "sklearn.compose._column_transformer": ["make_column_selector"],
    "sklearn.linear_model._sgd_fast": ["Hinge", "SquaredHinge", "Huber", "EpsilonInsensitive", "ModifiedHuber",
                                       "SquaredEpsilonInsensitive", "Log", "SquaredLoss"],
    "sklearn.neighbors._ball_tree": ["BallTree", "BallTree64", "newObj"],
    "sklearn.neighbors._kd_tree": ["KDTree", "KDTree64", "newObj"],
    "sklearn.neural_network._stochastic_optimizers": ["AdamOptimizer", "SGDOptimizer"],
    "sklearn.ensemble._gb_losses": ["BinomialDeviance", "MultinomialDeviance", "ExponentialLoss", "LeastSquaresError",
                                    "LeastAbsoluteError", "HuberLossFunction", "QuantileLossFunction"],
    "sklearn.utils._metadata_requests": ["RequestMethod"],
    "xgboost.sklearn": ["XGBClassifier", "XGBRegressor", "XGBRanker", "XGBRFClassifier", "XGBRFRegressor", "XGBModel"],
    "xgboost.core": ["Booster"],
    "mlflow.models.signature": ["_TypeHints"],
    "mlflow.pyfunc.model": ["PythonModel"],
    "lightgbm.sklearn": ["LGBMClassifier", "LGBMRegressor", "LGBMRanker", "LGBMModel"],
    "lightgbm.basic": ["Booster"],
    "catboost.core": ["CatBoostClassifier", "CatBoostRegressor", "CatBoostRanker", "CatBoost"],
    "scipy.sparse._csr": ["csr_matrix", "csr_array"],
    "scipy.sparse._csc": ["csc_matrix", "csc_array"],
    "scipy.sparse._coo": ["coo_matrix", "coo_array"],
}  # fmt: skip


def looked_up(data: bytes) -> set[Named]:
    found = follow(Stream(io.BytesIO(data), len(data)))
    assert not found.broken, found.broken
    return found.names


def pickled(thing: object) -> set[Named]:
    stream = io.BytesIO()
    joblib.dump(thing, stream)
    return looked_up(pickle.dumps(thing, protocol=5)) | looked_up(stream.getvalue())


def fitted() -> set[Named]:
    """Names in every estimator, fitted on a little data where it can be."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(np.abs(rng.normal(size=(60, 4))), columns=list("abcd"))
    found: set[Named] = set()
    for _, kind in all_estimators():
        found.add(Named(kind.__module__, kind.__name__))
        try:
            instances = list(_construct_instances(kind))
        except Exception:  # noqa: BLE001, S112 - some cannot be made without arguments; their class alone is listed
            continue
        for instance in instances:
            for target in (np.arange(60) % 3, np.arange(60) % 2, rng.normal(size=60)):
                try:
                    model: BaseEstimator = clone(instance).fit(frame, target)
                    found |= pickled(model)
                except Exception:  # noqa: BLE001, S112 - not every estimator takes every target
                    continue
    for model in (LogisticRegression(), RandomForestClassifier(2), GradientBoostingClassifier(n_estimators=2)):
        found |= pickled(model.fit(frame, np.arange(60) % 2))
    return found


def classes(module: str) -> set[Named]:
    held = inspect.getmembers(import_module(module), inspect.isclass)
    return {Named(module, name) for name, kind in held if kind.__module__ in {module, module.rpartition(".")[2]}}


def others() -> set[Named]:
    found = {Named("sklearn.feature_selection._univariate_selection", name) for name in SCORES}
    found |= {Named("numpy", name) for name, value in inspect.getmembers(np) if isinstance(value, np.ufunc)}
    found |= {Named(each.__module__, each.__name__) for each in vars(kernels).values() if inspect.isclass(each)}
    for module in INNER:
        found |= classes(module)
    for module in ("sklearn.metrics._classification", "sklearn.metrics._regression", "sklearn.metrics._ranking"):
        scores = vars(import_module(module))
        found |= {Named(module, name) for name in scores if name.endswith(("_score", "_error", "_loss"))}
    index = [
        pd.Index([1]),
        pd.Index(["a"]),
        pd.RangeIndex(2),
        pd.MultiIndex.from_tuples([(1, 2)]),
        pd.Categorical(["a"]),
    ]
    frames = [pd.DataFrame({"a": ["x"], "b": [1]}), pd.Series([1.0]), pd.to_datetime(["2020-01-01"]), *index]
    for thing in frames:
        found |= pickled(thing)
    return found


def main() -> None:
    warnings.simplefilter("ignore")
    by_module: dict[str, set[str]] = defaultdict(set)
    for named in fitted() | others():
        by_module[named.module.replace("numpy.core", "numpy._core")].add(named.name)
    for module, names in BY_HAND.items():
        by_module[module] |= set(names)
    print("[allowed]")
    for module in sorted(by_module):
        if not module.startswith(("typing", "abc", "inspect", "enum")):
            names = ", ".join(json.dumps(name) for name in sorted(by_module[module]))
            print("\n  ".join(textwrap.wrap(f'"{module}" = [{names}]', 118, break_long_words=False)))


if __name__ == "__main__":
    main()
