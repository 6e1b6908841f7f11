"""The alias guard: what others move in MLflow deploys nothing, is told to a human, and is put back if policy says so.

It compares what MLflow shows with what the ledger says and with what the controller last showed itself, as the journal
remembers it: a move is also seen when it was made while no controller ran. It asks MLflow from time to time; a webhook
could only wake it earlier.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, Protocol

from nbdeploy.documents.display import Display, Mark
from nbdeploy.documents.release import Release
from nbdeploy.release.displays import Wanted
from nbdeploy.release.journal import Journal, Journaled, Noted

OnAlias = Literal["report", "restore"]
ALIASES = ("candidate", "champion", "previous")
"""The aliases of ours: others belong to the team. Only a guarded MLflow server refuses those too."""

_log = logging.getLogger(__name__)


class Showcase(Protocol):
    """What is asked of a registry: `nbdeploy.registry.Registry` gives it."""

    def display(self, name: str) -> Display | None:
        """Return what is shown of a model; None when none of that name is registered."""

    def named_with(self, request: str) -> str | None:
        """Return the registered model with a version that is tagged with this request, or None."""

    def mirror(
        self, name: str, version: str, *, tags: Mapping[str, str] | None = None, aliases: Sequence[str] = ()
    ) -> None:
        """Set tags of a version, and point aliases to it."""

    def drop_alias(self, name: str, alias: str) -> None:
        """Remove an alias."""

    def drop_tag(self, name: str, version: str, key: str) -> None:
        """Remove a tag of ours."""

    def log_release(self, release: Release, number: int) -> str:
        """Add one of a release's steps to its run."""


@dataclass
class AliasGuard:
    """Looks after what one registry shows of enforced models."""

    registry: Showcase
    journal: Journal

    def look_after(
        self, model: str, wanted: Callable[[], Wanted], releases: Sequence[Journaled], on_alias: OnAlias
    ) -> None:
        """Compare, tell what was moved, and bring up to date what may be.

        Parameters
        ----------
        wanted
            Called after MLflow was asked: who asks or signs writes to the ledger first, so that what they show is
            never newer than what is read here.

        Raises
        ------
        RegistryError, AliasError
            MLflow cannot be reached or refuses. What was moved is told already, and told once.
        """
        found = self.registry.display(model)
        should = wanted()
        if found is None:
            self._gone(model, should)
            return
        self._deleted(model, found, releases)
        look = _Look(model, found, should, self.journal.noted(model), on_alias)
        for mark in look.foreign:
            if not look.told(mark):
                self._alert(model, look.sentence(mark))
        # Noted before anything is written: what cannot be put back now is tried again, and was told once.
        self._note(look, look.before, look.foreign)
        for mark in look.due:
            self._write(model, mark, look.want.get(mark))
        self._note(look, look.want, [mark for mark in look.foreign if mark not in look.due])

    def _note(self, look: _Look, marks: Mapping[Mark, str], left: Sequence[Mark]) -> None:
        noted = Noted(marks, {mark: look.have.get(mark) for mark in left})
        if noted != self.journal.noted(look.model):
            self.journal.note(look.model, noted)

    def _write(self, model: str, mark: Mark, value: str | None) -> None:
        version, name = mark
        if version and value is not None:
            self.registry.mirror(model, version, tags={name: value})
        elif version:
            self.registry.drop_tag(model, version, name)
        elif value is not None:
            self.registry.mirror(model, value, aliases=[name])
        else:
            self.registry.drop_alias(model, name)

    def _gone(self, model: str, should: Wanted) -> None:
        """Tell that a model is not registered any more, if it ever was: with a request it must have been."""
        requests = [tags["request"] for tags in should.display.tags.values()]
        if not requests:
            return
        now = next((name for name in map(self.registry.named_with, reversed(requests)) if name), None)
        became = f"renamed to {now}" if now else "deleted, or renamed"
        text = (
            f"the registered model {model} was {became} in MLflow; what is live goes on from its verified copy, and no "
            f"request for {model} can be fetched until a model of that name holds its versions again"
        )
        self._alert(model, text, again=False)

    def _deleted(self, model: str, found: Display, releases: Sequence[Journaled]) -> None:
        """Tell which versions that may still be needed are not there any more."""
        for journaled in releases:
            release = journaled.release
            if release.model != model or release.version in found.tags:
                continue
            if release.state in ("live", "rolling", "held", "superseded"):
                means = "goes on from its verified copy, and cannot be fetched again if that is lost"
            elif release.state == "waiting":
                means = "cannot be fetched, so its release does not begin"
            else:
                continue
            state = release.state.replace("_", " ")
            self._alert(
                model, f"{release.subject} ({state}) was deleted in MLflow without an approval; it {means}", again=False
            )

    def _alert(self, model: str, text: str, *, again: bool = True) -> None:
        if self.journal.alert(model, text, again=again):
            _log.warning("%s: %s", model, text)


@dataclass(frozen=True)
class _Look:
    """One look at a model: what is there, what should be, and what the controller showed before."""

    model: str
    found: Display
    should: Wanted
    noted: Noted | None
    on_alias: OnAlias

    @cached_property
    def want(self) -> dict[Mark, str]:
        """What should be shown, as far as the versions for it exist."""
        wanted = self.should.display.marks().items()
        return {mark: value for mark, value in wanted if (mark[0] or value) in self.found.tags}

    @cached_property
    def have(self) -> dict[Mark, str]:
        """What is shown: our tags and our aliases."""
        return {mark: value for mark, value in self.found.marks().items() if mark[0] or mark[1] in ALIASES}

    @property
    def before(self) -> Mapping[Mark, str]:
        return self.noted.marks if self.noted else {}

    @cached_property
    def differing(self) -> list[Mark]:
        return sorted(
            mark for mark in self.want.keys() | self.have.keys() if self.want.get(mark) != self.have.get(mark)
        )

    @cached_property
    def foreign(self) -> list[Mark]:
        """What neither the ledger says nor the controller showed."""
        return [mark for mark in self.differing if not self._ours(mark)]

    def _ours(self, mark: Mark) -> bool:
        have = self.have.get(mark)
        if have is not None and have in self.should.said.get(mark, ()):
            return True
        if self.noted is None:  # nothing was shown yet: what stood there before is replaced by what the ledger says
            return mark in self.want
        return have == self.before.get(mark)

    def told(self, mark: Mark) -> bool:
        """Whether a human was told already."""
        left = self.noted.left if self.noted else {}
        return mark in left and left[mark] == self.have.get(mark)

    def put_back(self, mark: Mark) -> bool:
        """Whether a foreign mark is replaced: where policy says so, and by all means when the ledger moved on."""
        want, before = self.want.get(mark), self.before.get(mark)
        if want is None and before is None and not mark[0]:
            return False  # an alias from before our time: there is nothing to put it back to
        return self.on_alias == "restore" or want != before

    @cached_property
    def due(self) -> list[Mark]:
        """What is written now."""
        return [mark for mark in self.differing if mark not in self.foreign or self.put_back(mark)]

    def sentence(self, mark: Mark) -> str:
        """What was moved, and what comes of it."""
        version, name = mark
        have = self.have.get(mark)
        what = f"the tag nbdeploy.{name} of {self.model}/{version}" if version else f"the alias {name} of {self.model}"
        set_to = f"was set to {have!r}" if version else f"was moved to version {have}"
        act = "was removed" if have is None else set_to
        after = "it is put back" if self.put_back(mark) else "it was left as it is"
        return f"{what} {act} without an approval; nothing was deployed, and {after}"
