"""The ledger service: the one writer of a team's ledger, over HTTP.

It holds the key. Others send envelopes, which are taken when somebody signed them whom its policy names, and read
entries, checkpoints and proofs, which they verify themselves: a reader need not trust the service, only its key.

::

    GET  /ledger/checkpoint                        the signed note, never older than a few minutes
    GET  /ledger/entries?after=41                  {"after": 41, "entries": ["<base64>", …]}, a page of them
    GET  /ledger/consistency?first=42&second=50    {"proof": ["<hex>", …]}
    GET  /ledger/inclusion?index=41&size=50        {"proof": ["<hex>", …]}
    POST /ledger/entries                           an envelope → {"index": 50, "checkpoint": "…", "proof": […]}

The same envelope sent twice is one entry. A refusal is ``{"code", "fact", "next"}`` with a status that fits.
"""

from __future__ import annotations

import asyncio
import base64
import hmac
import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from nbdeploy.documents.statements import Predicate, RequestPredicate
from nbdeploy.errors import ClockError, FormatError, NbdeployError, Refusal, ServiceError, SignatureError
from nbdeploy.trust.envelopes import Opened, open_envelope
from nbdeploy.trust.ledger import checkpoints
from nbdeploy.trust.ledger.checkpoints import SKEW
from nbdeploy.trust.ledger.store import Ledger
from nbdeploy.trust.policy.document import Policy

PREFIX = "/ledger"
MAX_ENVELOPE = 4 * 1024 * 1024
"""Bytes of an envelope, as `open_envelope` takes them."""
PAGE_ENTRIES, PAGE_BYTES = 1000, 4 * 1024 * 1024
REFRESH = timedelta(minutes=5)
"""A checkpoint that is older is signed again before it is given out."""

_STATUS = {"E-FORMAT": 400, "E-SIG": 403, "E-ROLE": 403, "E-EXPIRED": 403, "E-REVOKED": 403, "E-CLOCK": 409}

_log = logging.getLogger(__name__)


class LedgerService:
    """The application that answers for a ledger.

    Parameters
    ----------
    ledger
        Opened with its key.
    policy
        Returns the service's own copy as it is now.
    token
        What readers and writers must show as bearer; none for a service that answers everybody who reaches it.
    """

    def __init__(
        self,
        ledger: Ledger,
        policy: Callable[[], Policy],
        *,
        token: str | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._ledger = ledger
        self._policy = policy
        self._token = token
        self._clock = clock
        self.routes = [
            Route(f"{PREFIX}/checkpoint", self._guarded(self._checkpoint)),
            Route(f"{PREFIX}/entries", self._guarded(self._entries), methods=["GET"]),
            Route(f"{PREFIX}/entries", self._guarded(self._submit), methods=["POST"]),
            Route(f"{PREFIX}/consistency", self._guarded(self._consistency)),
            Route(f"{PREFIX}/inclusion", self._guarded(self._inclusion)),
        ]
        self.app = Starlette(routes=self.routes)

    def _guarded(self, act: Callable[[Request, bytes], Response]) -> Callable[[Request], Any]:
        """Return an endpoint that asks for the token, reads the body up to its limit and tells refusals as JSON."""

        async def endpoint(request: Request) -> Response:
            if not self._known(request):
                return _refused(401, _unknown(request))
            try:
                return await run_in_threadpool(act, request, await _body(request))
            except NbdeployError as error:
                return _refused(_STATUS.get(error.code, 409 if isinstance(error, Refusal) else 500), error)
            except ClientDisconnect:
                return Response(status_code=400)
            except asyncio.CancelledError:  # the service ends, and has waited long enough
                return _refused(503, ServiceError("the ledger service ends", next="try again"))

        return endpoint

    def _known(self, request: Request) -> bool:
        if self._token is None:
            return True
        given = request.headers.get("authorization", "")
        return hmac.compare_digest(given.encode(), f"Bearer {self._token}".encode())

    # Reading ----------------------------------------------------------------------------------------------------------

    def _checkpoint(self, _: Request, __: bytes) -> Response:
        return PlainTextResponse(self._ledger.refresh(REFRESH))

    def _entries(self, request: Request, _: bytes) -> Response:
        after = _number(request.query_params, "after")
        page = self._ledger.page(after, count=PAGE_ENTRIES, size=PAGE_BYTES)
        return _json({"after": after, "entries": [base64.b64encode(entry.envelope).decode() for entry in page]})

    def _consistency(self, request: Request, _: bytes) -> Response:
        first, second = (_number(request.query_params, name) for name in ("first", "second"))
        return _json({"proof": _hex(self._ledger.consistency(first, second))})

    def _inclusion(self, request: Request, _: bytes) -> Response:
        index, size = (_number(request.query_params, name) for name in ("index", "size"))
        return _json({"proof": _hex(self._ledger.inclusion(index, size))})

    # Writing ----------------------------------------------------------------------------------------------------------

    def _submit(self, _: Request, envelope: bytes) -> Response:
        self._accept(envelope)
        entry = self._ledger.append(envelope)
        note = self._ledger.refresh(REFRESH)
        size = checkpoints.read(note, self._ledger.public).size
        proof = _hex(self._ledger.inclusion(entry.index, size))
        return _json({"index": entry.index, "checkpoint": note, "proof": proof}, 201)

    def _accept(self, envelope: bytes) -> None:
        """Refuse what nobody signed whom the policy names, and what is of a moment that has not come.

        What it means, and whether the signer may say it, every reader decides by their own policy.
        """
        policy, now = self._policy(), self._clock()
        opened = open_envelope(envelope, policy.publics)
        _check_signers(opened, policy, now)
        said = _said(opened.predicate)
        if said is not None and said > now + SKEW:
            raise ClockError(
                f"the {opened.kind} says it is of {said:%Y-%m-%d %H:%M} UTC, and the ledger's clock says "
                f"{now:%Y-%m-%d %H:%M} UTC",
                next="set the clock of the machine that signs, and sign again",
            )


def _unknown(request: Request) -> SignatureError:
    if "authorization" not in request.headers:
        return SignatureError("this ledger asks for a token", next="name its file under [ledger]: token_file = …")
    return SignatureError(
        "this ledger takes another token than the one that it was shown",
        next="ask who keeps the ledger for the present one, and write it into token_file",
    )


def _check_signers(opened: Opened, policy: Policy, now: datetime) -> None:
    """Ask for one signer whose key counts today."""
    refusals = []
    for public in opened.signers:
        try:
            policy.who(public, now)
        except Refusal as refusal:
            refusals.append(refusal)
        else:
            return
    raise refusals[0]


def _said(predicate: Predicate) -> datetime | None:
    """Return the moment that a statement names for itself."""
    about = predicate.request if isinstance(predicate, RequestPredicate) else predicate
    moments = [getattr(about, name, None) for name in ("declared", "finished", "requested", "signed", "at")]
    return next((moment for moment in moments if isinstance(moment, datetime)), None)


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MAX_ENVELOPE:
            raise FormatError(f"an envelope has at most {MAX_ENVELOPE} bytes")
    return bytes(body)


def _number(given: Mapping[str, str], name: str) -> int:
    text = given.get(name, "")
    if not (text == "-1" or (text.isascii() and text.isdigit() and len(text) < 19)):
        raise FormatError(f"{name!r} is not a number")
    return int(text)


def _hex(proof: tuple[bytes, ...]) -> list[str]:
    return [node.hex() for node in proof]


def _json(content: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(content), status, media_type="application/json")


def _refused(status: int, error: NbdeployError) -> Response:
    if status >= 500:
        _log.warning("%s", error)
    return _json({"code": error.code, "fact": error.fact, "next": error.next}, status)
