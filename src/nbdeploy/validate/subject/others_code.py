"""Code that is not ours: kept quiet while it runs, and what it raises told in a line."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quietly() -> Iterator[None]:
    """Keep a foreign library's warnings and log lines to itself."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            # Deprecations inside MLflow and the flavours are not the reader's business; what matters raises.
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def told_error(error: BaseException) -> str:
    """Say what went wrong: a process elsewhere has already named the kind of error."""
    from nbdeploy.validate.subject.remote import ElsewhereError

    return _short(error) if isinstance(error, ElsewhereError) else f"{type(error).__name__}: {_short(error)}"


def _short(error: BaseException) -> str:
    text = str(error).strip()
    # MLflow shows the rows first and says what is wrong with them after this word.
    lines = (text.rpartition(" Error: ")[2] if " Error: " in text else text).splitlines()
    return lines[0][:200].rstrip(". ") if lines else "no message"
