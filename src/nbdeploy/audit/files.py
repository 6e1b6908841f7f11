"""Are the files of a bundle those that its list of digests names, and is each about something in it?"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from nbdeploy import __version__
from nbdeploy.audit import layout
from nbdeploy.audit.opening import Bundle
from nbdeploy.audit.recipe import recipe, script
from nbdeploy.documents.card import Card
from nbdeploy.documents.request import Request
from nbdeploy.errors import BundleError, Refusal
from nbdeploy.trust.names import shown
from nbdeploy.trust.policy.document import Policy

_ABOUT = ("ledger/proofs/", "policy/", "documents/", "decisions/", layout.TEMPLATES)
_LINE = re.compile(r"([0-9a-f]{64})  ([^\n]+)")


def file_problems(bundle: Bundle) -> Iterator[str]:
    """Yield each file that is missing, added, or not the one that was packed."""
    listed = digests(bundle, layout.SUMS)
    if listed is None:
        yield f"{layout.SUMS} is missing or has another form"
        return
    there = set(bundle.names) - {layout.SUMS}
    yield from (f"{shown(name)} is in {layout.SUMS} and not in the bundle" for name in sorted(listed.keys() - there))
    for name in sorted(there):
        if name not in listed:
            yield f"{shown(name)} is in the bundle and not in {layout.SUMS}"
        elif not layout.is_known(name):
            yield f"a bundle has no place for {shown(name)}"
        else:
            yield from _changed(bundle, name, listed[name])


def stray_problems(bundle: Bundle, requests: Iterable[tuple[Request, Policy]]) -> Iterator[str]:
    """Yield files that belong to no statement: a sheet or a card that somebody invented stands among true ones.

    Parameters
    ----------
    requests
        Every request of the bundle with the policy that it is judged by.
    """
    mine = {layout.proof(found[0]) for name in bundle.names if (found := layout.envelope_of(name))}
    folders = []
    for request, policy in requests:
        folders.append(layout.documents(request.digests.evidence))
        mine |= {layout.policy(policy.digest), layout.policy_signed(policy.digest), *layout.sheets(request.id)}
        mine |= {layout.preset(policy.preset)} if policy.preset else set()
        mine |= _templates(bundle, request)
    for name in bundle.names:
        if name.startswith(_ABOUT) and name not in mine and not name.startswith(tuple(folders)):
            yield f"{shown(name)} belongs to no statement of this bundle"


def _templates(bundle: Bundle, request: Request) -> set[str]:
    """Return where the templates lie that made the card; none where it is no card, which is a problem of its own."""
    try:
        card = Card.from_bytes(bundle.read(f"{layout.documents(request.digests.evidence)}card.json"))
    except Refusal:
        return set()
    return {layout.TEMPLATES + name for name in card.templates}


def recipe_problems(bundle: Bundle) -> Iterator[str]:
    """Yield the recipe's files where they are not ours: somebody may run them, and believe what they print."""
    for name, ours in ((layout.SCRIPT, script()), (layout.RECIPE, recipe())):
        if name not in bundle or bundle.read(name) != ours:
            yield f"{name} is not that of nbdeploy {__version__}: do not go by it"


def _changed(bundle: Bundle, name: str, digest: str) -> Iterator[str]:
    try:
        if bundle.digest(name) != digest:
            yield f"{shown(name)} was changed after it was packed"
    except BundleError as error:
        yield error.fact


def digests(bundle: Bundle, name: str) -> dict[str, str] | None:
    """Return the digests by file that a list like that of ``sha256sum`` holds; None where it is not exactly one."""
    try:
        lines = bundle.text(name).removesuffix("\n").split("\n")
    except BundleError:
        return None
    found = [_LINE.fullmatch(line) for line in lines]
    if not bundle.text(name).endswith("\n") or not all(found):
        return None
    listed = {one[2]: f"sha256:{one[1]}" for one in found if one}
    return listed if len(listed) == len(lines) and list(listed) == sorted(listed, key=str.encode) else None
