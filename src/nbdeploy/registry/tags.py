"""Names of the tags and aliases that nbdeploy writes. They inform; nothing is ever decided by them."""

from __future__ import annotations

PREFIX = "nbdeploy."
ALIASES = ("candidate", "champion", "previous")
DIGEST = "digest"
EVIDENCE = "evidence"
LOGGED_MODEL = "logged_model"  # MLflow's SQL store takes a version's model_id and forgets it
REQUEST = "request"

DESCRIBING = (DIGEST, EVIDENCE, LOGGED_MODEL, "objective", "verdict")
"""What its author says of a version when it is registered: hints for finding things, each held to its bytes."""


def tag(key: str) -> str:
    """Return the full name of a tag: ``nbdeploy.digest``."""
    return PREFIX + key


def is_standing(full: str) -> bool:
    """Whether a tag reads as an approval of ours: all under our prefix, but what describes a version.

    Compared without case, because people read ``NbDeploy.Standing`` as ours too.
    """
    folded = full.strip().casefold()
    return folded.startswith(PREFIX) and folded.removeprefix(PREFIX) not in DESCRIBING
