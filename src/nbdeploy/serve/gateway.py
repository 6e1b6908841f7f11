"""The gateway: one address per endpoint, whatever versions answer behind it.

An endpoint has arms: versions with weights. A switch replaces the arms at once; a request that was given to an arm
before is answered by that arm, whose worker is only stopped when it has answered everything.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import orjson
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from nbdeploy.documents.release import Arm, Observations
from nbdeploy.serve.metrics import exposition
from nbdeploy.serve.questions import ModelFailedError, WorkerLostError
from nbdeploy.serve.schema import BadInputError, Rows
from nbdeploy.serve.scoring import read_rows
from nbdeploy.serve.traffic import ServedVersion, Traffic

_REQUEST_ID = re.compile(r"[\w.:-]{1,128}")
MAX_BODY = 32 * 1024 * 1024
"""Bytes of a request's body."""
BODY_SECONDS = 20.0
"""How long a part of it may take to come: less than the service's end waits for requests under way."""


class Gateway:
    """The traffic of all endpoints and the application that answers it.

    Addresses are paths below ``/endpoints/``: the endpoint's name, or ``ENVIRONMENT/ENDPOINT`` beside it.
    """

    def __init__(self) -> None:
        self._traffic: dict[str, Traffic] = {}
        self.app = Starlette(
            routes=[
                Route("/ping", self._ping),
                Route("/health", self._ping),
                Route("/endpoints", self._status),
                Route("/metrics", self._metrics),
                Route("/invocations", self._invocations, methods=["POST"]),
                Route("/endpoints/{address:path}/invocations", self._invocations, methods=["POST"]),
                Route("/{address:path}/invocations", self._invocations, methods=["POST"]),
            ]
        )

    # What the release stage does --------------------------------------------------------------------------------------

    def direct(self, address: str, traffic: Traffic) -> None:
        """Let these arms answer from the next request on. Safe from any thread."""
        self._traffic = {**self._traffic, address: traffic}

    def observations(self, address: str) -> Observations:
        """Return what each arm of an endpoint answered since it was started."""
        traffic = self._traffic.get(address)
        arms = () if traffic is None else tuple(_arm(served, weight) for served, weight in traffic.arms)
        return Observations(endpoint=address, at=datetime.now(UTC), arms=arms)

    # What callers see -------------------------------------------------------------------------------------------------

    async def _ping(self, _: Request) -> Response:
        return Response(b"\n", media_type="application/json")

    async def _status(self, _: Request) -> Response:
        return _json({"endpoints": [_described(address, traffic) for address, traffic in self._traffic.items()]})

    async def _metrics(self, _: Request) -> Response:
        text, content_type = exposition(self._traffic)
        return Response(text, media_type=content_type)

    async def _invocations(self, request: Request) -> Response:
        begun = time.perf_counter()
        given = request.headers.get("x-request-id", "")
        request_id = given if _REQUEST_ID.fullmatch(given) else uuid4().hex
        try:
            address, traffic = self._find(request.path_params.get("address"))
            body = await _body(request)
        except BadInputError as error:
            return _refusal(error, request_id)
        except ClientDisconnect:
            return Response(status_code=499)  # nobody reads it
        arms = traffic.choose()
        if not arms:
            return _error(503, f"nothing is live at {address}: {traffic.reason}", request_id, retry_after=30)
        try:
            return await self._answer(arms, body, request.headers.get("content-type", ""), request_id, begun)
        except asyncio.CancelledError:  # the service ends, and has waited long enough: its caller is told so
            return _error(503, "the service ends before the model answered", request_id, retry_after=5)

    def _find(self, address: str | None) -> tuple[str, Traffic]:
        traffic = self._traffic
        if address is None:
            if len(traffic) != 1:
                raise BadInputError(404, f"name the endpoint: POST /endpoints/NAME/invocations ({_names(traffic)})")
            return next(iter(traffic.items()))
        if address not in traffic:
            raise BadInputError(404, f"there is no endpoint {address!r} ({_names(traffic)})")
        return address, traffic[address]

    async def _answer(
        self, arms: Sequence[ServedVersion], body: bytes, content_type: str, request_id: str, begun: float
    ) -> Response:
        why = ""
        for arm in arms:
            try:
                rows = read_rows(body, content_type, arm.schema)
            except BadInputError as error:
                arm.counts.refused += 1
                return _refusal(error, request_id, arm.version)
            try:
                answer = await arm.worker.ask(rows)
            except ModelFailedError as error:
                arm.counts.failed()
                return _error(500, str(error), request_id, version=arm.version)
            except WorkerLostError as error:  # nothing wrong with the request: another version answers it
                arm.counts.failed()
                why = str(error)
                continue
            arm.counts.answered((time.perf_counter() - begun) * 1000, rows.n)
            return _answered(answer, arm, rows, request_id)
        return _error(503, f"no version answers: {why}", request_id, retry_after=5)


def _answered(answer: Mapping[str, Any], arm: ServedVersion, rows: Rows, request_id: str) -> Response:
    headers = _headers(arm, request_id)
    content: dict[str, Any] = {**answer, "version": arm.version, "request_id": request_id}
    if rows.extra:
        content["ignored_columns"] = rows.extra
        headers["x-nbdeploy-ignored-columns"] = str(len(rows.extra))
    return _json(content, 200, headers)


async def _body(request: Request) -> bytes:
    parts: list[bytes] = []
    size = 0
    stream = request.stream()
    while True:
        try:
            async with asyncio.timeout(BODY_SECONDS):
                part = await anext(stream, None)
        except TimeoutError:
            raise BadInputError(408, f"nothing more of the body came for {BODY_SECONDS:g} s") from None
        if part is None:
            break
        size += len(part)
        if size > MAX_BODY:
            raise BadInputError(413, f"the body is larger than {MAX_BODY // 1024 // 1024} MB; send fewer rows at once")
        parts.append(part)
    return b"".join(parts)


def _headers(arm: ServedVersion, request_id: str) -> dict[str, str]:
    return {"x-nbdeploy-version": arm.version, "x-request-id": request_id}


def _refusal(error: BadInputError, request_id: str, version: str | None = None) -> Response:
    return _error(error.status, error.sentence, request_id, column=error.column, version=version)


_CODES = {404: "RESOURCE_DOES_NOT_EXIST", 500: "INTERNAL_ERROR", 503: "TEMPORARILY_UNAVAILABLE"}
"""MLflow's names; any other one is a ``BAD_REQUEST``."""


def _error(
    status: int,
    message: str,
    request_id: str,
    *,
    column: str | None = None,
    version: str | None = None,
    retry_after: int | None = None,
) -> Response:
    """Return an error in the form of MLflow's scoring protocol: ``error_code`` and ``message``."""
    content = {
        "error_code": _CODES.get(status, "BAD_REQUEST"),
        "message": message,
        "column": column,
        "version": version,
        "request_id": request_id,
    }
    headers = {"x-request-id": request_id}
    headers |= {} if version is None else {"x-nbdeploy-version": version}
    headers |= {} if retry_after is None else {"retry-after": str(retry_after)}
    return _json({key: value for key, value in content.items() if value is not None}, status, headers)


def _json(content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(orjson.dumps(content), status, dict(headers or {}), media_type="application/json")


def _arm(served: ServedVersion, weight: float) -> Arm:
    counts = served.counts
    return Arm(
        version=served.version,
        weight=weight,
        requests=counts.requests,
        errors=counts.errors,
        latency_p50_ms=counts.latency.quantile(0.5),
        latency_p95_ms=counts.latency.quantile(0.95),
    )


def _described(address: str, traffic: Traffic) -> dict[str, Any]:
    return {
        "address": address,
        "endpoint": traffic.endpoint,
        "environment": traffic.environment,
        "invocations": f"/endpoints/{address}/invocations",
        "live": any(weight > 0 for _, weight in traffic.arms),
        "reason": traffic.reason,
        "arms": [
            _arm(served, weight).model_dump(mode="json")
            | {"refused": served.counts.refused, "worker": served.worker.state, "restarts": served.worker.restarts}
            for served, weight in traffic.arms
        ],
    }


def _names(traffic: Mapping[str, Traffic]) -> str:
    return f"there are: {', '.join(sorted(traffic))}" if traffic else "nothing is deployed here yet"
