"""The verbs *release* and *roll back*: a human steers what the controller does."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from nbdeploy.errors import ServiceError, closest
from nbdeploy.flow.project import Project
from nbdeploy.flow.service.serving import service_url, silent_service
from nbdeploy.flow.show import Result, Shown
from nbdeploy.release.journal import Journal, Verb

_ANSWER_SECONDS = 30.0


@dataclass(frozen=True)
class Steered(Result):
    """A command was carried out by the controller."""

    action: str
    endpoint: str
    outcome: str

    def show(self) -> Shown:
        return Shown(title=f"{self.action} {self.endpoint}", lines=[self.outcome], next=["nbdeploy status"])

    def facts(self) -> dict[str, Any]:
        return {"action": self.action, "endpoint": self.endpoint, "outcome": self.outcome}


def release(name: str, action: str, *, reason: str = "") -> Steered:
    """Steer the rollout of an objective by hand: promote, pause, resume or abort.

    Raises
    ------
    ServiceError
        No service is running to carry it out, it did not answer in time, or it refused; the sentence says why.
    """
    actions: tuple[Verb, ...] = ("promote", "pause", "resume", "abort")
    for known in actions:
        if known == action:
            return _ask(name, known, reason)
    raise ServiceError(
        f"{action!r} is no way to steer a release{closest(action, actions)}", next=f"one of: {', '.join(actions)}"
    )


def rollback(name: str, *, reason: str = "asked for by hand") -> Steered:
    """Send all traffic of an objective's endpoint back to the previous version, at once.

    Raises
    ------
    ServiceError
        As for `release`; among others when there is no previous version.
    """
    return _ask(name, "rollback", reason)


def _ask(name: str, verb: Verb, reason: str) -> Steered:
    project = Project.require()
    endpoint = project.objective(name).content.served_at
    if service_url(project) is None:
        silent = silent_service(project)
        if silent is not None:
            raise ServiceError(f"{silent}, so nothing can be steered", next="nbdeploy down, then nbdeploy up")
        raise ServiceError(
            "no service of this project is running, so nothing can be steered", next="start it with: nbdeploy up"
        )
    journal = Journal(project.settings.journal_url)
    number = journal.ask(endpoint, verb, by=project.person, reason=reason)
    deadline = time.monotonic() + _ANSWER_SECONDS
    while time.monotonic() < deadline:
        command = journal.command(number)
        if command.done is not None:
            if not command.done:
                raise ServiceError(command.answer)
            return Steered(verb, endpoint, command.answer)
        time.sleep(0.02)
    raise ServiceError(f"the controller did not answer {verb} within {_ANSWER_SECONDS:g} s", next="nbdeploy status")
