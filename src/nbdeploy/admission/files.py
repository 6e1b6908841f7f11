"""The file scan as a door: what the files of a model would do is forbidden, signed for by name, or harmless."""

from __future__ import annotations

from collections.abc import Iterable

from nbdeploy.approve.rules import environment_of
from nbdeploy.approve.standing import Standing
from nbdeploy.documents.request import Request
from nbdeploy.errors import ScanError
from nbdeploy.trust.policy.document import Policy
from nbdeploy.trust.scan import Scan
from nbdeploy.trust.scan.waivers import check_never, gates, told


def check_files(scan: Scan, found: Standing, policy: Policy) -> None:
    """Refuse a model whose files do what nobody may let through, or what no counting approval waives by name.

    Parameters
    ----------
    scan
        Of the very bytes that would be loaded. What the request says of them decides nothing.

    Raises
    ------
    ScanError, SizeError, PathError, FormatError
        The sentence names the files and the exact names.
    """
    check_never(scan.findings)
    request = found.request
    rule = environment_of(policy, request).scan
    if rule == "allow":
        return
    open_ = dict(gates(scan.findings))
    if rule == "waive":
        for gate in _waived(found):
            open_.pop(gate, None)
    if open_:
        raise ScanError(
            f"{request.subject} does what {'nobody may waive in' if rule == 'block' else 'no approval waives for'} "
            f"{request.environment}: {'; '.join(told(gate, open_[gate]) for gate in open_)}",
            next=_next(request, open_, block=rule == "block"),
        )


def _waived(found: Standing) -> Iterable[str]:
    for approval in found.approvals:
        yield from (waiver.gate for waiver in approval.predicate.waived)


def _next(request: Request, open_: Iterable[str], *, block: bool) -> str:
    if block:
        return "log the model again without it, and validate that"
    if set(open_) <= set(request.scan):
        return f"nbdeploy signoff {request.id}, with --waive GATE='the reason' for each"
    return f"ask again, so that the request lists it: nbdeploy deploy {request.objective} --to {request.environment}"
