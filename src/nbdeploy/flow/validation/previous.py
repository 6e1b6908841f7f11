"""Which registered version a model is compared with: the one that it would replace, or the one that is named."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from nbdeploy.documents.evidence import ModelSubject
from nbdeploy.errors import LogError, ModelError, NbdeployError, Refusal, RegistryError, ServiceError
from nbdeploy.registry import Registry
from nbdeploy.trust.digests import model_digest
from nbdeploy.trust.scan import scan_model
from nbdeploy.trust.scan.waivers import check_never
from nbdeploy.validate.order import Previous
from nbdeploy.validate.subject.own_environment import environment_for

if TYPE_CHECKING:
    from nbdeploy.flow.project import Project

CHAMPION = "champion"
"""The alias that MLflow's users give to the version in force; the controller keeps it for enforced models."""

NO_VERSION = "none"
"""Named in place of a version by those who want no comparison."""

_TRIED = 5
"""Versions that are fetched at most: each may be large."""


@dataclass(frozen=True)
class _Candidate:
    """A version, and the digest that the ledger knows it by, if it does."""

    version: str
    digest: str | None = None


class _OwnBytesError(ModelError):
    """A version that is the model itself."""


def previous_model(  # noqa: PLR0917 - what is compared, then where things lie
    project: Project | None,
    model: str,
    subject: ModelSubject,
    into: Path,
    environments: Path,
    wanted: str | None = None,
) -> tuple[Previous | None, tuple[str, ...]]:
    """Return the version to compare a model with, and what the card shall say about the search.

    Unless it is named, it is the version in force (live in the strictest environment by the journal, else the alias
    ``champion``), else the newest approved, else the newest registered one. The last two are older than the model where
    that is a registered version itself. It never has the model's own bytes.

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
    wanted
        A version of the model, or `NO_VERSION`. The card tells that it was named: who chooses what a model is compared
        with can choose the weakest.

    Returns
    -------
    previous, warnings
        A registry that does not answer is a warning: a model can be validated without a comparison.

    Raises
    ------
    ModelError, RegistryError, Refusal
        The version that was named is not there, has the model's own bytes or not those that were approved, or cannot
        run here.
    """
    if wanted == NO_VERSION:
        return None, ("Not compared with an earlier version, because whoever ran this asked for none.",)
    registry = project.registry if project is not None else Registry(os.environ.get("MLFLOW_TRACKING_URI", ""))
    if not _may_hold_models(registry.tracking_uri):
        if wanted is not None:
            raise ModelError(
                f"there is no registry here, so no version {wanted!r} of {model} to compare with",
                next="set MLFLOW_TRACKING_URI, or work in a project",
            )
        return None, ()
    if wanted is not None:
        found = _named(project, registry, model, subject, into, environments, wanted)
        return found, (f"Compared with {found.name}, because whoever ran this named it.",)
    return _chosen(project, registry, model, subject, into, environments)


def _chosen(  # noqa: PLR0917 - one call, above
    project: Project | None, registry: Registry, model: str, subject: ModelSubject, into: Path, environments: Path
) -> tuple[Previous | None, tuple[str, ...]]:
    """Return the first version that can be compared, and why those before it cannot."""
    warnings: list[str] = []
    tried: set[str] = set()
    try:
        for candidate in _candidates(project, registry, model, subject):
            if candidate.version in tried or len(tried) == _TRIED:
                continue
            tried.add(candidate.version)
            try:
                return _ready(registry, model, candidate, subject, into, environments), tuple(warnings)
            except _OwnBytesError:
                continue
            except (ModelError, Refusal) as error:  # gone, a folder that has no digest, an environment nobody can make
                warnings.append(f"Not compared with {model}/{candidate.version}: {error.fact}.")
    except (RegistryError, LogError, ServiceError) as error:
        warnings.append(f"Not compared with an earlier version: {error.fact}.")
    return None, tuple(warnings)


def _named(  # noqa: PLR0917 - one call, above
    project: Project | None,
    registry: Registry,
    model: str,
    subject: ModelSubject,
    into: Path,
    environments: Path,
    wanted: str,
) -> Previous:
    """Return the version that was named, held to the digest that the ledger knows it by."""
    known = registry.versions(model)
    if wanted not in known:
        # A number that is near is no likelier meant than another, so all that there are stand there.
        there = f"it has {', '.join(known[:12])}" if known else "it has none"
        raise ModelError(
            f"{model} has no version {wanted!r} to compare with; {there}",
            next=f"--previous VERSION, or --previous {NO_VERSION}",
        )
    signed = [] if project is None else [*_live(project, model), *_approved(project, model)]
    candidate = next((one for one in signed if one.version == wanted), _Candidate(wanted))
    return _ready(registry, model, candidate, subject, into, environments)


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
    for journaled in reversed(Journal(project.settings.journal_url).releases()):
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


def _ready(  # noqa: PLR0917 - one version, and where its things lie
    registry: Registry, model: str, candidate: _Candidate, subject: ModelSubject, into: Path, environments: Path
) -> Previous:
    """Return a version with its files and the interpreter that it needs."""
    name = f"{model}/{candidate.version}"
    folder = registry.fetch(model, candidate.version, into / candidate.version)
    check_never(scan_model(folder).findings)
    digest = model_digest(folder)
    if digest == subject.digest:
        raise _OwnBytesError(
            f"{name} has the very bytes of the model that is validated, so there is nothing to compare",
            next=f"--previous with another version, or --previous {NO_VERSION}",
        )
    if candidate.digest is not None and digest != candidate.digest:
        raise ModelError(f"the bytes of {name} in MLflow are not those that were approved")
    return Previous(name, folder, environment_for(folder, "auto", environments).python)
