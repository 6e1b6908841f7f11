"""papermill as a run uses it: imported without what it never needs, and saving as often as somebody could look."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

NAME = "nbdeploy-run"
"""Under which papermill knows the engine of `engine`."""

_SECONDS = 5.0
"""Between two savings. papermill saves and validates a notebook at the start and the end of every cell."""


@contextmanager
def without_grammars() -> Iterator[None]:
    """Keep jsonschema from building a grammar of internationalised addresses when nbformat imports it.

    JupyterLab brings the library; its import takes two seconds, and the schema of notebooks has no such address.
    """
    name = "rfc3987_syntax"
    hidden = name not in sys.modules
    if hidden:
        sys.modules[name] = None  # type: ignore[assignment]  # Python's own way to say that it cannot be imported
    try:
        yield
    finally:
        if hidden:
            del sys.modules[name]


@cache
def papermill() -> Any:
    """Return papermill, which then knows the run's engine."""
    with without_grammars():
        import papermill as found
        from papermill.engines import NBClientEngine, NotebookExecutionManager, papermill_engines

    class Saving(NotebookExecutionManager):  # type: ignore[misc]  # papermill ships no types
        """Saves now and then; what counts is saved whole when the notebook ends, however it ends."""

        last = 0.0

        def save(self, **kwargs: Any) -> None:
            now = time.monotonic()
            if now - self.last >= _SECONDS:
                self.last = now
                super().save(**kwargs)

        def notebook_complete(self, **kwargs: Any) -> None:
            self.last = 0.0
            super().notebook_complete(**kwargs)

    class RunEngine(NBClientEngine):  # type: ignore[misc]  # papermill ships no types
        """papermill's own engine under that manager."""

        @classmethod
        def execute_notebook(cls, nb: Any, kernel_name: str, output_path: str | None = None, **kwargs: Any) -> Any:
            shown = {
                name: kwargs.pop(name, default) for name, default in (("progress_bar", False), ("log_output", False))
            }
            kwargs.pop("autosave_cell_every", None)
            manager = Saving(nb, output_path=output_path, autosave_cell_every=0, **shown)
            manager.notebook_start()
            try:
                cls.execute_managed_notebook(manager, kernel_name, log_output=False, **kwargs)
            finally:
                manager.cleanup_pbar()
                manager.notebook_complete()
            return manager.nb

    papermill_engines.register(NAME, RunEngine)
    return found
