"""What the words of a magic's line mean: options and their values, variables of the notebook and paths."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from IPython.core.error import UsageError

from nbdeploy.errors import closest


def arguments(magic: Any, line: str) -> Any:
    """Parse a magic's line as a shell would; IPython's own splitting keeps the quotes of ``--person "Ana Author"``.

    Raises
    ------
    UsageError
        The line has a word too many, or lacks one, or a value is of the wrong kind.
    """
    try:
        words = shlex.split(line)
    except ValueError as error:
        raise UsageError(f"{error} in: {line.strip()}") from None
    known, strange = magic.parser.parse_known_args(words)
    if strange:
        options = list(magic.parser._option_string_actions)  # noqa: SLF001 - argparse has no public list of its options
        hint = closest(strange[0].partition("=")[0], options) if strange[0].startswith("-") else ""
        raise UsageError(f"unrecognized arguments: {shlex.join(strange)}{hint}")
    return known


def value(option: str, text: str | None, variables: Mapping[str, Any]) -> Any:
    """Return the variable of that name, or the text itself: a path or an address.

    Raises
    ------
    UsageError
        There is neither a variable nor a file of that name, the variable is None, or the text is an expression.
    """
    if text is None:
        return None
    if text.isidentifier() and text in variables:
        if variables[text] is None:
            raise UsageError(f"{option}: the variable {text!r} is None")
        return variables[text]
    if Path(text).exists():
        return text
    if _is_expression(text, variables):
        raise UsageError(f"{option} takes the name of a variable, or a path: give {text} a name first")
    if text.isidentifier():
        own = [name for name in variables if not name.startswith("_")]
        raise UsageError(f"{option}: there is no variable and no file {text!r}{closest(text, own)}")
    return text


def _is_expression(text: str, variables: Mapping[str, Any]) -> bool:
    """Whether a text is what one makes of a variable, such as ``df[:100]``: it would be taken for a path."""
    found = re.match(r"([^\W\d]\w*)([.\[(])(\w*)", text)
    if found is None or found[1] not in variables:
        return False
    return found[2] != "." or hasattr(variables[found[1]], found[3])
