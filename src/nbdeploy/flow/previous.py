"""Which registered version a model is compared with: the one that it would replace."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from nbdeploy.documents.evidence import ModelSubject
from nbdeploy.errors import ModelError, NbdeployError, Refusal, RegistryError
from nbdeploy.registry import Registry
from nbdeploy.trust.digests import model_digest
from nbdeploy.validate.order import Previous
from nbdeploy.validate.own_environment import environment_for

if TYPE_CHECKING:
    from nbdeploy.flow.project import Project

CHAMPION = "champion"
"""The alias that MLflow's users give to the version in force; the controller keeps it for enforced models."""

_TRIED = 5
"""Versions that are fetched at most: each may be large."""


@dataclass(frozen=True)
class _Candidate:
    """A version, and the digest that the ledger knows it by, if it does."""

    version: str
    digest: str | None = None


def previous_model(
    project: Project | None, model: str, subject: ModelSubject, into: Path, environments: Path
) -> tuple[Previous | None, tuple[str, ...]]:
    """Return the version to compare a model with, and what the card shall say about the search.

    It is the version in force (live in the strictest environment by the journal, else the alias ``champion``), else the
    newest approved, else the newest registered one. The last two are older than the model where that is a registered
    version itself. It never has the model's own bytes.

    Parameters
    ----------
    project
        Outside of one, the registry is the server that ``MLFLOW_TRACKING_URI`` names, if any.
    model
        The registered model that the objective governs.
    into
        A folder for the download.
    environments
        Folder of environments that were made for models.

    Returns
    -------
    previous, warnings
        A registry that does not answer is a warning: a model can be validated without a comparison.
    """
    registry = project.registry if project is not None else Registry(os.environ.get("MLFLOW_TRACKING_URI", ""))
    if not _may_hold_models(registry.tracking_uri):
        return None, ()
    warnings: list[str] = []
    tried: set[str] = set()
    try:
        for candidate in _candidates(project, registry, model, subject):
            if candidate.version in tried or len(tried) == _TRIED:
                continue
            tried.add(candidate.version)
            found = _fetched(registry, model, candidate, subject, into, warnings)
            found = found and _at_home(found, environments, warnings)
            if found is not None:
                return found, tuple(warnings)
    except RegistryError as error:
        warnings.append(f"Not compared with an earlier version: {error.fact}.")
    return None, tuple(warnings)


def _at_home(found: Previous, environments: Path, warnings: list[str]) -> Previous | None:
    """Return the version with the interpreter that it needs; None where that cannot be had."""
    try:
        return replace(found, python=environment_for(found.folder, "auto", environments).python)
    except ModelError as error:
        warnings.append(f"Not compared with {found.name}: {error.fact}.")
        return None


def _may_hold_models(uri: str) -> bool:
    """Whether there is a store to look into; opening one that is not there yet would create it."""
    return Path(uri.removeprefix("sqlite:///")).is_file() if uri.startswith("sqlite:///") else bool(uri)


def _candidates(project: Project | None, registry: Registry, model: str, subject: ModelSubject) -> Iterator[_Candidate]:
    known = registry.versions(model)
    if not known:
        return
    own = subject.version if subject.name == model else None
    older = [version for version in known if own is None or int(version) < int(own)]
    if project is not None:
        yield from _live(project, model)
    champion = registry.alias(model, CHAMPION)
    if champion is not None and champion != own:
        yield _Candidate(champion)
    if project is not None:
        yield from (one for one in _approved(project, model) if one.version in older)
    yield from (_Candidate(version) for version in older)


def _live(project: Project, model: str) -> Iterator[_Candidate]:
    """Yield what serves users in the strictest environment, the latest release first."""
    from nbdeploy.release.addresses import strictest
    from nbdeploy.release.journal import Journal

    environment = strictest(project.policy)
    for journaled in reversed(Journal(project.settings.ledger_url).releases()):
        release = journaled.release
        if (release.model, release.environment, release.state) == (model, environment, "live"):
            yield _Candidate(release.version, release.digest)


def _approved(project: Project, model: str) -> Iterator[_Candidate]:
    """Yield what has a standing approval, the newest version first."""
    from nbdeploy.approve.standing import standing

    chain, now = project.chain(), datetime.now(UTC)
    for request in sorted(chain.requests.values(), key=lambda one: int(one.version), reverse=True):
        try:
            approved = request.model == model and standing(chain, request.id, project.policy, now).state == "approved"
        except NbdeployError:  # an environment that the policy does not name any more
            continue
        if approved:
            yield _Candidate(request.version, request.digests.model)


def _fetched(  # noqa: PLR0917 - one call, above
    registry: Registry, model: str, candidate: _Candidate, subject: ModelSubject, into: Path, warnings: list[str]
) -> Previous | None:
    name = f"{model}/{candidate.version}"
    try:
        folder = registry.fetch(model, candidate.version, into / candidate.version)
        digest = model_digest(folder)
    except (ModelError, Refusal) as error:  # gone, or a folder that has no digest
        warnings.append(f"Not compared with {name}: {error.fact}.")
        return None
    if digest == subject.digest:
        return None
    if candidate.digest is not None and digest != candidate.digest:
        warnings.append(f"Not compared with {name}: its bytes in MLflow are not those that were approved.")
        return None
    return Previous(name, folder)
