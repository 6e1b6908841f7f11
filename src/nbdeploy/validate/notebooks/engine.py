"""``papermill --engine nbdeploy``: papermill, with our rule of what a run is.

Papermill calls a notebook a success whose cell ended the kernel with ``sys.exit(0)``, or in which a tag let a cell be
skipped or fail. Under this engine both are errors, raised when the notebook was saved as far as it came. It is for who
runs a validation notebook by itself or in a pipeline of theirs; a governed run has the same rule, and forked kernels.
"""

from __future__ import annotations

from typing import Any

from papermill.engines import NBClientEngine

from nbdeploy.errors import NotebookError
from nbdeploy.validate.notebooks.collect import unfinished_cell


class ValidationEngine(NBClientEngine):  # type: ignore[misc]  # papermill ships no types
    """Executes as papermill does, then looks at every cell."""

    @classmethod
    def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **kwargs: Any) -> Any:
        """Execute a notebook.

        Raises
        ------
        NotebookError
            A code cell was not executed, or carries a tag that lets it be skipped or fail.
        """
        done = super().execute_managed_notebook(nb_man, kernel_name, **kwargs)
        reason = unfinished_cell(nb_man.nb)
        if reason:
            raise NotebookError(reason, next="mend the cell and run the notebook again")
        return done
