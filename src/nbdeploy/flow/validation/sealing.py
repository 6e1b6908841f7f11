"""Sealing: what a runner that cannot reach the ledger signs into a file, for somebody else to submit."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from nbdeploy.declare import NamedObjective
from nbdeploy.documents.statements import ObjectivePredicate
from nbdeploy.errors import DraftError, ProjectError
from nbdeploy.flow.declaring import write_whole
from nbdeploy.flow.project import Project
from nbdeploy.trust.envelopes import sign


def check_sealable(project: Project | None, named: NamedObjective, *, declared: bool, draft: bool) -> None:
    """Refuse what nobody could submit, before half an hour of validation.

    Raises
    ------
    ProjectError, DraftError
    """
    if project is None or not declared:
        raise ProjectError(
            f"only a declared objective of a project is sealed, and {named.content.name} is none here",
            next="stand in the project's folder, and name an objective of it",
        )
    if draft:
        raise DraftError(f"the draft of {named.content.name} cannot be sealed", next="leave --draft out")
    project.policy.who(project.workstation.public, datetime.now(UTC))


def seal(project: Project, named: NamedObjective, validation: bytes, file: Path) -> None:
    """Write the signed validation to a file, one envelope a line, its objective before it.

    The objective is only signed by a runner that works for a person: for another one somebody has declared it. Here
    nobody can see whether it was declared before, so it says that it was not; submitting leaves it out if it was.
    """
    lines = [validation]
    principal = project.policy.who(project.workstation.public, datetime.now(UTC))
    if principal.person is not None:
        content = named.content
        predicate = ObjectivePredicate(
            name=content.name,
            model=content.governed_model,
            declared=datetime.now(UTC),
            by=project.person,
            after_results=True,
        )
        lines.insert(0, sign(predicate, {"objective": named.digest}, project.workstation))
    try:
        write_whole(file, b"".join(line + b"\n" for line in lines))
    except OSError as error:
        raise ProjectError(f"{file} cannot be written ({error.strerror})") from None


def sealed_lines(file: Path) -> list[bytes]:
    """Return the envelopes of a file: one a line, or a single one that may take many.

    Raises
    ------
    ProjectError
        It cannot be read, or is empty.
    """
    try:
        data = file.read_bytes()
    except OSError as error:
        raise ProjectError(f"{file} cannot be read ({error.strerror})", next="name the file that was sealed") from None
    lines = [line for line in data.split(b"\n") if line.strip()]
    if not lines:
        raise ProjectError(f"{file} holds no envelope", next="seal one with: nbdeploy validate … --sealed FILE")
    whole = all(line.lstrip().startswith(b"{") and line.rstrip().endswith(b"}") for line in lines)
    return lines if whole else [data]
