"""Showing in MLflow what the ledger says. Who decided has decided, whether or not the registry can be reached."""

from __future__ import annotations

from nbdeploy.documents.request import Request
from nbdeploy.errors import RegistryError
from nbdeploy.flow.project import Project


def show_standing(project: Project, request: Request, standing: str) -> tuple[str, ...]:
    """Set a version's tag; return a note where that was not possible, because what is logged stays logged."""
    try:
        project.registry.mirror(request.model, request.version, tags={"standing": standing})
    except RegistryError as error:
        return (f"The registry does not show it yet: {error}",)
    return ()
