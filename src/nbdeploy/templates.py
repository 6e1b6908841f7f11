"""One loader for the files that users copy and change: validation notebooks, card templates, policy presets.

They live in ``templates/`` at the root of the repository and inside the wheel as ``nbdeploy/_templates``. An editable
installation sees only the first, a wheel only the second.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path


@cache
def root() -> Path:
    """Return the folder that holds the templates."""
    package = Path(__file__).resolve().parent
    for candidate in (package / "_templates", package.parent.parent / "templates"):
        if (candidate / "validation").is_dir():
            return candidate
    raise FileNotFoundError("the templates of nbdeploy are not installed; install it again")


def path(*parts: str) -> Path:
    """Return the path of one template, for instance ``path("policy", "team.toml")``."""
    return root().joinpath(*parts)
