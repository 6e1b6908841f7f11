"""Names of files in a model: only those that every machine reads as the same file are taken.

What is refused: ways out of the folder, names that a terminal or another file system shows or stores differently, and
two names that become one where case or Unicode form does not count.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from urllib.parse import unquote

from nbdeploy.errors import PathError

_LONGEST = 255  # bytes of one name on the common file systems
_DEEPEST = 1024  # bytes of a whole path, of which the system allows four times as many for folder and file together

# Names that Windows keeps for devices, whatever their extension and the spaces before it.
_DEVICE = re.compile(r"^(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³]) *(\..*)?$", re.IGNORECASE)

# Control and format characters (among them the ones that turn the direction of reading), halves of surrogate pairs,
# and separators of lines and paragraphs.
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def check_name(relative: str) -> None:
    """Refuse a path, relative to its model folder and written with ``/``, that may not be part of a model.

    Call it before anything is written under that name.

    Raises
    ------
    PathError
    """
    if len(relative.encode("utf-8", "surrogatepass")) > _DEEPEST:
        raise PathError(f"a file's path is longer than {_DEEPEST} bytes", next="log the model with fewer folders")
    for part in relative.split("/"):
        problem = _problem(part)
        if relative == "-":
            problem = "is the standard input to sha256sum, whose answer would be another one"
        if problem:
            raise PathError(
                f"the file name {shown(relative)} {problem}", next="rename the file and log the model again"
            )


def check_distinct(relatives: Iterable[str]) -> None:
    """Refuse paths of which two are one file or folder where case or Unicode form does not count.

    Raises
    ------
    PathError
        Both names are told.
    """
    seen: dict[str, str] = {}
    for relative in relatives:
        parts = relative.split("/")
        for depth in range(1, len(parts) + 1):
            prefix = "/".join(parts[:depth])
            other = seen.setdefault(_folded(prefix), prefix)
            if other != prefix:
                raise PathError(
                    f"{shown(other)} and {shown(prefix)} are one name on some file systems",
                    next="rename one of them and log the model again",
                )


def shown(name: str) -> str:
    """Return a foreign name quoted, escaped and short enough for a sentence."""
    text = ascii(name)
    return text if len(text) <= 120 else text[:117] + "…'"


def _problem(part: str) -> str:  # noqa: PLR0911 - one line a rule reads better than one variable for all of them
    if part in ("", ".", ".."):
        return "leads out of its folder or nowhere"
    # Everything invisible is also not printable, which is asked in a tenth of the time.
    if not part.isprintable() and any(unicodedata.category(letter) in _INVISIBLE for letter in part):
        return "holds a control character"
    if "\\" in part or ":" in part:  # a drive, or a second stream of another file
        return "would be another path on Windows"
    if "%" in part and _hides_path(part):
        return "hides a path behind percent signs"
    if part[-1] in ". ":
        return "ends with a dot or a space, which Windows drops"
    if _DEVICE.match(part):
        return "is a device on Windows"
    if len(part.encode()) > _LONGEST:
        return f"is longer than {_LONGEST} bytes"
    return ""


def _hides_path(part: str) -> bool:
    """Return whether a server that decodes the name, once or more often, would read a path or a control character."""
    while (decoded := unquote(part)) != part:
        if decoded in (".", "..") or "/" in decoded or "\\" in decoded or not decoded.isprintable():
            return True
        part = decoded
    return False


def _folded(path: str) -> str:
    # Folding case can leave a text that is no longer in normal form, hence twice (Unicode 15, section 3.13, D145).
    once = unicodedata.normalize("NFC", unicodedata.normalize("NFD", path).casefold())
    return unicodedata.normalize("NFC", once.casefold())
