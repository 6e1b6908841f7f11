"""From a request to bytes that may run: admission, the private copy, and its objective."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from nbdeploy.admission.admit import admit, check_again
from nbdeploy.approve.chain import Chain
from nbdeploy.documents.evidence import Evidence
from nbdeploy.documents.objective import Objective
from nbdeploy.documents.request import Request
from nbdeploy.errors import DigestError
from nbdeploy.trust.digests import bytes_digest, model_digest
from nbdeploy.trust.ledger.log import Log
from nbdeploy.trust.policy.document import Policy
from nbdeploy.trust.scan import Advisories, Scan, scan_model

EVIDENCE = "evidence.json"


@dataclass(frozen=True)
class Bytes:
    """Where the stages before keep a request's model and documents. Nothing that comes from there is trusted."""

    fetch: Callable[[Request, Path], Path]
    documents: Callable[[Request], Mapping[str, bytes]]


class Intake:
    """The folder of admitted models: one private copy a request, and nothing else is ever loaded.

    Parameters
    ----------
    folder
        Made with mode 0700.
    advisories
        A file or folder of advisories about packages, read again for each model.
    """

    def __init__(self, folder: Path, ledger: Log, source: Bytes, advisories: Path | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._folder = folder
        self._ledger = ledger
        self._source = source
        self._advisories = advisories

    def admit(
        self, request: Request, *, chain: Chain, policy: Policy, now: datetime, starting: bool = True
    ) -> tuple[str, ...]:
        """Verify a request wholly and keep the verified bytes; `starting` says that a rollout starts from it.

        Returns
        -------
        tuple of str
            Digests of the approvals that it rests on.

        Raises
        ------
        Refusal
            By the rule that says no; nothing is kept then.
        AdvisoryError
            The advisories cannot be read, so nobody can tell.
        """
        place = self._folder / request.id
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(mode=0o700)
        try:
            documents = self._source.documents(request)
            admitted = admit(
                request.id,
                chain=chain,
                ledger=self._ledger,
                policy=policy,
                fetch=self._source.fetch,
                documents=lambda _: documents,
                into=place / "download",
                now=now,
                starting=starting,
                scanner=self._scan,
            )
            admitted.folder.rename(place / "model")
            shutil.rmtree(place / "download")
            (place / EVIDENCE).write_bytes(documents[EVIDENCE])
        except BaseException:
            shutil.rmtree(place, ignore_errors=True)
            raise
        return admitted.approvals

    def admit_again(self, request: Request, *, chain: Chain, policy: Policy, now: datetime) -> None:
        """Hold an admitted request to every rule of now; its bytes are fetched again only if its copy is not whole.

        Raises
        ------
        Refusal
            By the rule that says no.
        """
        try:
            folder, objective = self.opened(request)
        except DigestError:
            self.admit(request, chain=chain, policy=policy, now=now, starting=False)
        else:
            check_again(
                request.id, objective, self._scan(folder), chain=chain, ledger=self._ledger, policy=policy, now=now
            )

    def _scan(self, folder: Path) -> Scan:
        return scan_model(folder, advisories=None if self._advisories is None else Advisories.read(self._advisories))

    def opened(self, request: Request) -> tuple[Path, Objective]:
        """Return the admitted model and its objective, held to their digests once more before they are loaded.

        Raises
        ------
        DigestError
            The private copy was changed or is gone.
        """
        place = self._folder / request.id
        evidence = place / EVIDENCE
        if not evidence.is_file() or not (place / "model").is_dir():
            raise DigestError(f"the admitted copy of {request.subject} is gone")
        data = evidence.read_bytes()
        if bytes_digest(data) != request.digests.evidence or model_digest(place / "model") != request.digests.model:
            raise DigestError(f"the admitted copy of {request.subject} was changed after it was verified")
        return place / "model", Evidence.from_bytes(data).objective.content

    def forget(self, request_id: str) -> None:
        """Delete the copy of a release that can never be live again."""
        shutil.rmtree(self._folder / request_id, ignore_errors=True)
