"""Does a bundle hold? The deployer's own questions, asked again of what was kept, at the time of the deployment."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from nbdeploy import __version__
from nbdeploy.approve.chain import Chain, Logged
from nbdeploy.approve.record import read_chain
from nbdeploy.approve.rules import check_request, environment_of
from nbdeploy.approve.standing import standing
from nbdeploy.audit import layout
from nbdeploy.audit.files import file_problems, recipe_problems, stray_problems
from nbdeploy.audit.judging import in_force
from nbdeploy.audit.ledger import Logbook, read_ledger
from nbdeploy.audit.opening import Bundle
from nbdeploy.audit.papers import drawn_elsewhere, paper_problems
from nbdeploy.audit.selecting import Looked, about, kind_of, look, policy_named
from nbdeploy.audit.sheets import draw, sheet_problems
from nbdeploy.audit.story import Event, events
from nbdeploy.documents.request import Request
from nbdeploy.documents.statements import DeploymentPredicate
from nbdeploy.errors import BundleError, NbdeployError, Refusal
from nbdeploy.trust.ledger.log import Entry
from nbdeploy.trust.policy.document import Policy

_WENT_ON = frozenset({"promoted", "completed", "rolled_back"})


@dataclass(frozen=True)
class Told:
    """One request of a bundle: what is known of it, and what is wrong."""

    request: Request | None
    policy: Policy | None
    id: str
    events: tuple[Event, ...]
    lines: tuple[str, ...]
    problems: tuple[str, ...]


@dataclass(frozen=True)
class Verdict:
    """What verifying a bundle found. It holds when `problems` is empty."""

    index: layout.Index
    logbook: Logbook
    requests: tuple[Told, ...]
    problems: tuple[str, ...]
    notes: tuple[str, ...]


def verify(bundle: Bundle, now: datetime, own: Sequence[Policy] = ()) -> Verdict:
    """Check a bundle.

    Parameters
    ----------
    own
        The auditor's own copies of the policies; without any, those in the bundle are believed.

    Raises
    ------
    BundleError
        It cannot be read at all.
    """
    index = _index(bundle)
    logbook = read_ledger(bundle)
    problems = [*file_problems(bundle), *logbook.problems]
    peeked = look(logbook.entries)
    problems += _kinds(bundle, peeked)
    asked = [(entry, said) for entry, said in peeked if said is not None and said.kind == "request"]
    desk = _Desk(bundle, logbook, index.level, index.nbdeploy, peeked, own, now)
    told = tuple(_request(desk, entry, about(said)) for entry, said in asked)
    if not told:
        problems.append("the bundle holds no request")
    elif sorted(index.requests) != sorted(one.id for one in told):
        problems.append(f"{layout.INDEX} names other requests than the statements")
    problems += [problem for one in told for problem in one.problems]
    judged = [(one.request, one.policy) for one in told if one.request is not None and one.policy is not None]
    if len(judged) == len(told):  # else what is about the others could not be told from what is about nothing
        problems += stray_problems(bundle, judged)
    if index.nbdeploy == __version__:
        problems += recipe_problems(bundle)
    return Verdict(index, logbook, told, tuple(dict.fromkeys(problems)), tuple(_notes(bundle, index, logbook, own)))


def _index(bundle: Bundle) -> layout.Index:
    try:
        return layout.Index.from_bytes(bundle.read(layout.INDEX))
    except Refusal as error:
        raise BundleError(f"{layout.INDEX} cannot be read ({error.fact})") from None


def _kinds(bundle: Bundle, peeked: Looked) -> Iterator[str]:
    """Yield envelopes that say something else than their file's name."""
    named = {found[0]: found[1] for name in bundle.names if (found := layout.envelope_of(name))}
    for entry, said in peeked:
        if said is None:
            yield f"entry {entry.index} is no statement"
        elif kind_of(said) != named[entry.index]:
            yield f"entry {entry.index} is told as {named[entry.index]}, and it is {kind_of(said)}"


@dataclass(frozen=True)
class _Desk:
    """What lies before the auditor."""

    bundle: Bundle
    logbook: Logbook
    level: str
    made_by: str
    looked: Looked
    own: Sequence[Policy]
    now: datetime


def _request(desk: _Desk, entry: Entry, name: str) -> Told:
    bundle, logbook = desk.bundle, desk.logbook
    try:
        policy = in_force(bundle, policy_named(desk.looked, name), desk.own, desk.made_by)
        chain = read_chain(logbook.entries, policy, desk.now, ledger=logbook.public)
    except NbdeployError as error:
        return Told(None, None, name, (), (), (f"{name}: {error}",))
    if name not in chain.asked or chain.asked[name].index != entry.index:
        reason = next((why for other, why in chain.ignored if other.index == entry.index), "it stands twice")
        return Told(None, None, name, (), (), (f"{name} does not count: {reason}",))
    request = chain.requests[name]
    mine = {one.index for one, what in desk.looked if what is not None and about(what) == name}
    problems = [f"entry {one.index} does not count: {why}" for one, why in chain.ignored if one.index in mine]
    problems += _chain_problems(chain, request, policy, desk)
    problems += paper_problems(bundle, chain, request)
    # Without its policy no sheet could be drawn, and another version of nbdeploy draws other pages.
    if layout.policy(policy.digest) in bundle and desk.made_by == __version__:
        problems += sheet_problems(bundle, draw(chain, request, policy, logbook, desk.level))
    lines = [
        f"Entry {one.index}, about something else, counts for nothing: {why}"
        for one, why in chain.ignored
        if one.index not in mine
    ]
    lines += [*_standing_lines(chain, request, policy, desk.now), *drawn_elsewhere(bundle, request)]
    return Told(request, policy, name, events(chain, request), tuple(lines), tuple(problems))


def _chain_problems(chain: Chain, request: Request, policy: Policy, desk: _Desk) -> Iterator[str]:
    try:
        check_request(chain, request, policy)
        environment_of(policy, request)
    except Refusal as error:
        yield f"{request.id}: {error}"
        return
    known = {entry.digest for entry in desk.logbook.entries}
    started = False
    for logged in chain.deployments.get(request.id, ()):
        said = logged.predicate
        where = f"{request.id}: entry {logged.index} ({said.action.replace('_', ' ')})"
        if (said.model, said.version, said.environment, said.endpoint) != (
            request.model,
            request.version,
            request.environment,
            request.endpoint,
        ):
            yield f"{where} is about another version or place"
        if logged.subjects["model"] != request.digests.model:
            yield f"{where} is about another model"
        if logged.subjects["request"] != chain.asked[request.id].digest:
            yield f"{where} rests on another request"
        if any(digest not in known for name, digest in logged.subjects.items() if name.startswith("approval")):
            yield f"{where} rests on an approval that is not in the bundle"
        if said.action == "started":
            started = True
            yield from _started(request, policy, desk, logged)
        elif said.action in _WENT_ON and not started:
            yield f"{where} went on without having been started"


def _started(request: Request, policy: Policy, desk: _Desk, deployment: Logged[DeploymentPredicate]) -> Iterator[str]:
    """Ask for the standing that the deployer saw: what was logged before, by the clock of that moment."""
    index, at = deployment.index, deployment.predicate.at
    entries = [entry for entry in desk.logbook.entries if entry.index < index]
    before = read_chain(entries, policy, desk.now, ledger=desk.logbook.public)
    try:
        found = standing(before, request.id, policy, at)
    except Refusal as error:
        yield f"{request.id}: when it started, {error}"
        return
    if found.state != "approved":
        yield f"{request.id} started in entry {index} although it was {found.state.replace('_', ' ')} then"
        yield from (f"{request.id}: {problem}" for problem in found.problems)


def _standing_lines(chain: Chain, request: Request, policy: Policy, now: datetime) -> Iterator[str]:
    done = [logged.predicate.action for logged in chain.deployments.get(request.id, ())]
    ran = "started" in done
    revoked = chain.revocations.get(request.id)
    yield (
        f"{request.subject} ran at {request.endpoint} in {request.environment}; "
        f"the last that was done: {done[-1].replace('_', ' ')}."
        if ran
        else f"{request.subject} was asked for in {request.environment} and never started."
    )
    if revoked:
        yield f"It was revoked by {revoked[0].person}: {revoked[0].predicate.reason}."
    elif not ran:
        yield f"Its standing today: {standing(chain, request.id, policy, now).state.replace('_', ' ')}."


def _notes(bundle: Bundle, index: layout.Index, logbook: Logbook, own: Sequence[Policy]) -> Iterator[str]:
    if not own:
        yield (
            "THE POLICY COMES FROM THE BUNDLE ITSELF: whoever made the bundle could have written whose keys these are. "
            "Give your own copy: --policy FILE."
        )
    elif any(policy.ledger is None for policy in own):
        yield "Your policy names no ledger, so the bundle itself says whose checkpoint this is."
    left = logbook.size - len(logbook.entries)
    if left:
        yield (
            f"{left} of the ledger's {logbook.size} entries are not in this bundle, and any of them may be about this "
            "model: ask for a bundle made with --whole-ledger."
        )
    if not bundle.within(layout.MODEL):
        yield f"The model's files are not in the bundle: hold yours to {layout.MANIFEST}."
    if index.nbdeploy != __version__:
        yield (
            f"nbdeploy {index.nbdeploy} made this bundle, and this is {__version__}: recipe and decision sheets "
            "were not made again, and count for nothing. Go by card.html, which is signed, and by the statements."
        )
    yield from (f"{name} is not in the bundle: {why}" for name, why in index.absent.items())
