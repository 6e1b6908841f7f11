"""Putting a bundle together from what a ledger, a registry and a project hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from nbdeploy import __version__, templates
from nbdeploy.approve.record import read_chain
from nbdeploy.audit import layout, selecting
from nbdeploy.audit.ledger import Logbook
from nbdeploy.audit.papers import notebooks
from nbdeploy.audit.sheets import draw
from nbdeploy.documents.card import Card
from nbdeploy.documents.evidence import Evidence
from nbdeploy.documents.request import Request
from nbdeploy.documents.run_files import RUN_FILES
from nbdeploy.errors import NbdeployError, ProjectError, closest
from nbdeploy.trust.digests import bytes_digest
from nbdeploy.trust.ledger.log import Entry, Level
from nbdeploy.trust.ledger.merkle import Tree, leaf_hash
from nbdeploy.trust.policy.document import Policy
from nbdeploy.trust.policy.file import read_policy

Files = dict[str, bytes | Path]


@dataclass(frozen=True)
class Sources:
    """Where a bundle comes from.

    Attributes
    ----------
    entries, checkpoint, public, level
        The verified ledger.
    documents
        Returns the documents of a request's validation by file name, whatever else lies beside them.
    policy
        Returns the policy with a digest and the envelope of its roots, if it has one; None where it was not kept.
    templates
        The folder of the project's own card templates.
    model
        Returns the manifest of a request's model, under `layout.MANIFEST`, and perhaps its files. What it raises is
        told as the reason why they are absent.
    """

    entries: Sequence[Entry]
    checkpoint: str
    public: str
    level: Level
    documents: Callable[[Request], Mapping[str, bytes]]
    policy: Callable[[str], tuple[bytes, bytes | None] | None]
    templates: Path
    model: Callable[[Request], Files]


def assemble(subject: str, sources: Sources, *, whole: bool = False) -> tuple[layout.Index, Files]:
    """Return the files of the bundle of a version (``model/3``) or of a request.

    Parameters
    ----------
    whole
        Put in every entry of the ledger, not only those about the subject.

    Raises
    ------
    ProjectError
        There is no such version or request; the closest is named.
    """
    looked = selecting.look(sources.entries)
    ids = _requests(looked, subject)
    chosen = {entry.index for entry in sources.entries}
    if not whole:
        chosen = set().union(*(selecting.path(looked, one) for one in ids))
    entries = tuple(entry for entry in sources.entries if entry.index in chosen)
    logbook = Logbook(sources.public, len(sources.entries), sources.checkpoint, entries, ())
    files: Files = {
        layout.CHECKPOINT: sources.checkpoint.encode(),
        layout.PUBLIC: f"{sources.public}\n".encode(),
        **dict(_entries(looked, chosen)),
    }
    absent: dict[str, str] = {}
    for one in ids:
        files |= _request(sources, looked, one, logbook, absent)
    try:
        files |= sources.model(selecting.asked(looked, ids[0]))
    except NbdeployError as error:
        absent[layout.MANIFEST] = error.fact
    index = layout.Index(
        subject=subject,
        requests=ids,
        level=sources.level,
        entries=logbook.size,
        envelopes=len(entries),
        nbdeploy=__version__,
        absent=absent,
    )
    return index, files | {layout.INDEX: index.to_bytes()}


def _requests(looked: selecting.Looked, subject: str) -> tuple[str, ...]:
    ids = selecting.requests(looked, subject)
    if not ids:
        known = sorted({name for _, said in looked if said and said.kind == "request" for name in _names(said)})
        raise ProjectError(
            f"nobody asked for {subject!r}{closest(subject, known)}", next="name a version as model/3, or a request"
        )
    return ids


def _names(said: selecting.Peeked) -> tuple[str, str]:
    asked = said.predicate["request"]
    return str(asked.get("id")), f"{asked.get('model')}/{asked.get('version')}"


def _entries(looked: selecting.Looked, chosen: set[int]) -> Iterator[tuple[str, bytes]]:
    """Yield envelopes and where each is in the tree."""
    tree = Tree(leaf_hash(entry.envelope) for entry, _ in looked)
    for entry, said in looked:
        if entry.index in chosen:
            yield layout.envelope(entry.index, selecting.kind_of(said) if said else "unreadable"), entry.envelope
            yield layout.proof(entry.index), "".join(f"{node.hex()}\n" for node in tree.inclusion(entry.index)).encode()


def _request(
    sources: Sources, looked: selecting.Looked, request_id: str, logbook: Logbook, absent: dict[str, str]
) -> Files:
    """Return the documents, the policy and the decision sheets of one request."""
    request = selecting.asked(looked, request_id)
    folder = layout.documents(request.digests.evidence)
    files: Files = {folder + name: data for name, data in _papers(sources.documents(request))}
    card = files.get(f"{folder}card.json")
    if isinstance(card, bytes):
        for name in Card.from_bytes(card).templates:
            files[layout.TEMPLATES + name] = (sources.templates / name).read_bytes()
    digest = selecting.policy_named(looked, request_id)
    kept = sources.policy(digest)
    if kept is None:
        absent[layout.policy(digest)] = f"the policy that {request_id} was decided under is not kept here"
        return files
    policy = read_policy(kept[0])
    files |= _policy(policy, *kept)
    chain = read_chain(logbook.entries, policy, ledger=sources.public)
    if request_id in chain.asked:
        files |= draw(chain, chain.requests[request_id], policy, logbook, sources.level)
    return files


def _papers(held: Mapping[str, bytes]) -> Iterator[tuple[str, bytes]]:
    """Yield the documents and the notebooks that the evidence names: a sheet drawn beside them may tell another day."""
    named = notebooks(Evidence.from_bytes(held["evidence.json"]))
    for name, data in held.items():
        if name in RUN_FILES or bytes_digest(data) in named:
            yield name, data


def _policy(policy: Policy, data: bytes, envelope: bytes | None) -> Files:
    files: Files = {layout.policy(policy.digest): data}
    if envelope is not None:
        files[layout.policy_signed(policy.digest)] = envelope
    if policy.preset:
        files[layout.preset(policy.preset)] = templates.path("policy", f"{policy.preset}.toml").read_bytes()
    return files
