"""Which entries of a ledger a bundle holds: what a request rests on and what became of it, whether or not it counts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from nbdeploy.documents.request import Request
from nbdeploy.errors import Refusal
from nbdeploy.trust.envelopes import Peeked, peek
from nbdeploy.trust.ledger.log import Entry

__all__ = ["Looked", "Peeked", "about", "asked", "kind_of", "look", "path", "policy_named", "requests"]

Looked = Sequence[tuple[Entry, Peeked | None]]
"""Entries with what they say, unverified; None for one that is no statement."""


def look(entries: Iterable[Entry]) -> Looked:
    """Read what entries say, for choosing among them."""
    return [(entry, _peeked(entry)) for entry in entries]


def _peeked(entry: Entry) -> Peeked | None:
    try:
        return peek(entry.envelope)
    except Refusal:
        return None


def kind_of(said: Peeked) -> str:
    """Return the word for a statement: its kind, or of a decision which."""
    return str(said.predicate.get("decision", said.kind)) if said.kind == "decision" else said.kind


def about(said: Peeked) -> str:
    """Return the id of the request that a statement is about; empty for one that is about none."""
    found = said.predicate.get("request", "")
    return str(found.get("id", "")) if isinstance(found, dict) else str(found)


def requests(looked: Looked, subject: str) -> tuple[str, ...]:
    """Return the ids of the requests for a version (``model/3``), or the request of this id."""
    found = []
    for _, said in looked:
        if said is not None and said.kind == "request":
            named = said.predicate["request"]
            if subject in (named.get("id"), f"{named.get('model')}/{named.get('version')}"):
                found.append(about(said))
    return tuple(dict.fromkeys(found))


def path(looked: Looked, request_id: str) -> set[int]:
    """Return the entries of a request's path: its objective's texts, all attempts up to its own, and all about it."""
    mine = {entry.index: said for entry, said in looked if said is not None and about(said) == request_id}
    request = asked(looked, request_id)
    last = next((entry.index for entry, _ in looked if entry.digest == request.validation), -1)
    upto = {"objective": ("name", max(mine)), "validation": ("objective", last)}
    return set(mine) | {
        entry.index
        for entry, said in looked
        if said is not None and said.kind in upto
        if said.predicate.get(upto[said.kind][0]) == request.objective and entry.index <= upto[said.kind][1]
    }


def asked(looked: Looked, request_id: str) -> Request:
    """Return what a request's statement says."""
    return next(
        Request.model_validate(said.predicate["request"])
        for _, said in looked
        if said is not None and said.kind == "request" and about(said) == request_id
    )


def policy_named(looked: Looked, request_id: str) -> str:
    """Return the digest of the policy that a request's latest decision names, or else the request."""
    named = [
        said.subjects.get("policy", "")
        for _, said in looked
        if said is not None and said.kind in ("request", "decision") and about(said) == request_id
    ]
    return named[-1] if named else ""
