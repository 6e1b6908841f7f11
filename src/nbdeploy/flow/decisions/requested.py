"""What a request gives back, and how it looks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from nbdeploy.documents.request import Request
from nbdeploy.flow.show import Result, Shown, Table

HOW_TO_NAME_A_VALIDATOR = (
    "nbdeploy key create 'THEIR NAME'   # the validator, on their own machine; it prints the public key",
    "nbdeploy policy add 'THEIR NAME' --role validator --key ed25519:…   # here",
)


@dataclass(frozen=True)
class Requested(Result):
    """A deployment was asked for. Nothing is live by that."""

    request: Request
    state: str
    missing: int
    approvers: tuple[str, ...]
    service: str | None
    scan: str = "waive"
    scanned: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def waiting(self) -> bool:
        """Whether somebody has to sign first."""
        return self.state == "requested"

    def show(self) -> Shown:
        request = self.request
        if self.waiting:
            whom = (
                " or ".join(self.approvers) or "nobody yet: the policy names no other person with the role that signs"
            )
            lines = [f"Requested; waiting for a validator; nothing is live. Who can sign: {whom}."]
            steps = [f"nbdeploy signoff {request.id}   # on the validator's own terminal"]
            steps = steps if self.approvers else [*HOW_TO_NAME_A_VALIDATOR, *steps]
        else:
            lines = [
                f"{request.environment} needs no signature; the controller deploys it once it has verified the bytes."
            ]
            steps = ["nbdeploy status"] if self.service else ["nbdeploy up"]
        undecided = "To be acknowledged one by one:" if self.waiting else "Not decided by the data:"
        lines += [undecided, *(f"  {gate}" for gate in request.undecided)] if request.undecided else []
        lines += ["To be waived, with a reason:", *(f"  {gate}" for gate in request.failed)] if request.failed else []
        lines += [self._scan_says, *(f"  {one}" for one in self.scanned)] if self.scanned else []
        return Shown(
            title=f"Request {request.id}: {request.subject} to {request.environment}",
            lines=lines,
            tables=[
                Table(
                    ("model", "endpoint", "strategy", "asked by"),
                    [(request.subject, request.endpoint, request.rollout.strategy, request.requester)],
                )
            ],
            notes=self.notes,
            next=steps,
        )

    @property
    def _scan_says(self) -> str:
        return (
            "Its files bring code or ask for more than a model needs; to be waived, with a reason:"
            if self.scan == "waive"
            else "Its files bring code or ask for more than a model needs, which this environment allows:"
        )

    def facts(self) -> dict[str, Any]:
        return {"request": self.request.model_dump(mode="json"), "state": self.state, "missing": self.missing}
