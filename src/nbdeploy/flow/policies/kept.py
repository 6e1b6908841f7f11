"""Policies as they were: what was asked for and decided under one is checked by it years later."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from nbdeploy.flow.declaring import write_whole
from nbdeploy.flow.project import Project
from nbdeploy.trust.digests import bytes_digest
from nbdeploy.trust.policy.in_force import published
from nbdeploy.trust.policy.signing import envelope_file


def keep_policy(project: Project) -> None:
    """Keep the project's policy as it is now, with its signatures, under its digest."""
    source = project.settings.policy_file
    kept = _folder(project) / f"{bytes_digest(source.read_bytes()).removeprefix('sha256:')}.toml"
    for one, copy in ((source, kept), (envelope_file(source), envelope_file(kept))):
        if one.is_file() and not copy.is_file():
            write_whole(copy, one.read_bytes())


def kept_policy(project: Project, digest: str) -> tuple[bytes, bytes | None] | None:
    """Return the policy with this digest and its signatures, wherever it was kept; None where it was not."""
    found = None
    for file in _files(project):
        if file.is_file() and bytes_digest(data := file.read_bytes()) == digest:
            signed = envelope_file(file)
            found = (data, signed.read_bytes() if signed.is_file() else None)
            if found[1] is not None:
                break
    return found


def _files(project: Project) -> Iterator[Path]:
    """Yield where a policy may lie: the present one, kept ones, published ones, those that the deployer went by."""
    policy = project.settings.policy_file
    yield policy
    for folder in (_folder(project), published(policy), project.settings.state / "controller.policies"):
        yield from sorted(folder.glob("*.toml"))


def _folder(project: Project) -> Path:
    return project.settings.state / "policies"
