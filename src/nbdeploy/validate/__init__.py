"""Stage *validate*: what was measured, on which bytes, and how sure we are.

The names are loaded when they are first used, because each of them brings Arrow and the statistics along.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nbdeploy.validate.context import Context as Context
    from nbdeploy.validate.context import validation_context as validation_context
    from nbdeploy.validate.data.inputs import Dataset as Dataset
    from nbdeploy.validate.data.inputs import read_dataset as read_dataset
    from nbdeploy.validate.order import Inputs as Inputs
    from nbdeploy.validate.order import Order as Order
    from nbdeploy.validate.run import ValidationRun as ValidationRun
    from nbdeploy.validate.run import run_validation as run_validation

_WHERE = {
    "Context": "context",
    "validation_context": "context",
    "Dataset": "data.inputs",
    "read_dataset": "data.inputs",
    "Inputs": "order",
    "Order": "order",
    "ValidationRun": "run",
    "run_validation": "run",
}
__all__ = list(_WHERE)


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_WHERE[name]}"), name)
