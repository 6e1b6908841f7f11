"""Names of the tags and aliases that nbdeploy writes. They inform; nothing is ever decided by them."""

from __future__ import annotations

ALIASES = ("candidate", "champion", "previous")
DIGEST = "digest"
EVIDENCE = "evidence"
LOGGED_MODEL = "logged_model"  # MLflow's SQL store takes a version's model_id and forgets it
REQUEST = "request"


def tag(key: str) -> str:
    """Return the full name of a tag: ``nbdeploy.digest``."""
    return f"nbdeploy.{key}"
