"""Policies as they were: what was asked for and decided under one is checked by it years later."""

from __future__ import annotations

from pathlib import Path

from nbdeploy.flow.declaring import write_whole
from nbdeploy.flow.project import Project
from nbdeploy.trust.digests import bytes_digest


def keep_policy(project: Project) -> None:
    """Keep the project's policy as it is now, under its digest."""
    data = project.settings.policy_file.read_bytes()
    file = _file(project, bytes_digest(data))
    if not file.is_file():
        write_whole(file, data)


def kept_policy(project: Project, digest: str) -> bytes | None:
    """Return the policy with this digest: the present one or one that was kept; None where it is neither."""
    for file in (project.settings.policy_file, _file(project, digest)):
        if file.is_file() and bytes_digest(data := file.read_bytes()) == digest:
            return data
    return None


def _file(project: Project, digest: str) -> Path:
    return project.settings.state / "policies" / f"{digest.removeprefix('sha256:')}.toml"
