"""What a human may ask of a rollout: promote, pause, resume, abort; and of an endpoint: rollback."""

from __future__ import annotations

from nbdeploy.errors import NbdeployError, ServiceError
from nbdeploy.release.addresses import address, strictest
from nbdeploy.release.book import Book
from nbdeploy.release.journal import Command, Journaled
from nbdeploy.release.moves import Moves
from nbdeploy.release.plan import plan


def carry_out(command: Command, book: Book, moves: Moves) -> None:
    """Do what a command says and answer it: with what holds now, or with why not."""
    try:
        answer = _act(command, book, moves)
    except NbdeployError as error:
        book.journal.answer(command.number, error.sentence, done=False)
    else:
        book.journal.answer(command.number, answer, done=True)


def _act(command: Command, book: Book, moves: Moves) -> str:
    journaled = _find(command, book)
    release = journaled.release
    reason = f"{command.verb} by {command.by}" + (f": {command.reason}" if command.reason else "")
    if command.verb in ("rollback", "abort"):
        return moves.give_back(journaled, reason)
    if release.state not in ("rolling", "held"):
        raise ServiceError(f"{release.subject} is live; there is no rollout to {command.verb}")
    if command.verb == "pause":
        moves.pause(journaled, reason)
        return f"{release.subject} stays at {release.weight:g} % until it is resumed"
    if command.verb == "resume":
        moves.resume(journaled, reason)
        return f"{release.subject} goes on from {release.weight:g} %"
    weight = plan(release.rollout, first=release.previous is None).after(release.weight)
    moves.promote(journaled, weight, reason)
    return f"{release.subject} has {weight:g} % of the traffic"


def _find(command: Command, book: Book) -> Journaled:
    """Return the release that a command is about: the one on its way, else for a rollback the live one."""
    name = command.endpoint
    places = {
        found.address
        for found in book.journal.releases()
        if name in (found.address, found.release.endpoint, found.release.objective)
        and command.environment in (None, found.release.environment)
    }
    if not places:
        raise ServiceError(f"nothing was ever deployed at {name}", next="nbdeploy status")
    place = _preferred(book, name, places)
    moving = [found for found in book.at(place) if found.release.state in ("rolling", "held")]
    if moving:
        return moving[-1]
    live = book.live(place)
    if live is None:
        raise ServiceError(f"nothing is live at {place}", next="nbdeploy status")
    if command.verb == "abort":
        raise ServiceError(
            f"{live.release.subject} is live; there is no rollout to abort", next=f"nbdeploy rollback {name}"
        )
    return live


def _preferred(book: Book, name: str, places: set[str]) -> str:
    """Of several environments, take the one with a rollout on its way, else the strictest."""
    moving = {
        found.address
        for found in book.journal.releases()
        if found.address in places and found.release.state in ("rolling", "held")
    }
    if len(moving) == 1:
        return moving.pop()
    policy = book.authority.policy()
    chief = address(policy, name, strictest(policy) or "")
    return chief if chief in places else min(places)
