"""Showing in MLflow what the ledger says. Who decided has decided, whether or not the registry can be reached.

The controller shows all of it anyway. Before it has looked, and where none runs, who asked or signed shows their part.
"""

from __future__ import annotations

from nbdeploy.documents.request import Request
from nbdeploy.errors import AliasError, RegistryError
from nbdeploy.flow.project import Project


def show_request(project: Project, request: Request) -> tuple[str, ...]:
    """Point @candidate to what was asked for, and tag it; return notes as of `show_standing`."""
    tags = {"request": request.id, "environment": request.environment, "standing": "requested"}
    return _show(project, request, tags, ("candidate",))


def show_standing(project: Project, request: Request, standing: str) -> tuple[str, ...]:
    """Set a version's tag; return a note where that was not possible, because what is logged stays logged."""
    return _show(project, request, {"standing": standing}, ())


def _show(project: Project, request: Request, tags: dict[str, str], aliases: tuple[str, ...]) -> tuple[str, ...]:
    if project.policy.mode(request.model) != "enforce":
        return ()
    try:
        project.registry.mirror(request.model, request.version, tags=tags, aliases=aliases)
    except AliasError:
        return ("MLflow is guarded: its tags and aliases follow once the controller has seen the ledger.",)
    except RegistryError as error:
        return (f"The registry does not show it yet: {error}",)
    return ()
