"""The calls to a ledger service: what arrives is only read here, and believed by nobody."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

import httpx
import orjson

from nbdeploy.errors import NbdeployError, ServiceError, SettingsError

_LIMIT = 64 * 1024 * 1024  # bytes of an answer: several pages of the largest envelopes
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_TIMEOUT = httpx.Timeout(30.0, connect=5.0)


def check_url(url: str) -> None:
    """Refuse an address that would send what is said in the open, or that carries a secret.

    Raises
    ------
    SettingsError
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise SettingsError(f"{url!r} is not the address of a ledger service", next="write https://HOST")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise SettingsError(
            "the ledger's url carries more than an address, and addresses are written into logs",
            next="name the token's file under [ledger]: token_file = …",
        )
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise SettingsError(f"{url} is not encrypted and leaves this machine", next="write https://HOST")


class LedgerCalls:
    """A connection to one service."""

    def __init__(self, url: str, token: str | None) -> None:
        check_url(url)
        self._url = url.rstrip("/")
        encrypted = urlsplit(url).scheme == "https"
        self._client = httpx.Client(
            headers={"Authorization": f"Bearer {token}"} if token else {},
            timeout=_TIMEOUT,
            # Unencrypted is only this machine: no proxy stands in between, and reading certificates takes longer than
            # the call. An encrypted address takes SSL_CERT_FILE and proxies from the environment, as others do.
            verify=encrypted,
            trust_env=encrypted,
        )

    def close(self) -> None:
        """Give the connection back."""
        self._client.close()

    def checkpoint(self) -> str:
        """Return the service's checkpoint."""
        try:
            return self._call("GET", "checkpoint").decode()
        except UnicodeDecodeError:
            raise self._odd() from None

    def entries(self, after: int) -> list[bytes]:
        """Return a page of envelopes that come after an index."""
        listed = self._json("GET", "entries", params={"after": after}).get("entries")
        try:
            return [base64.b64decode(text, validate=True) for text in _texts(listed)]
        except (ValueError, binascii.Error):
            raise self._odd() from None

    def consistency(self, first: int, second: int) -> tuple[bytes, ...]:
        """Return what the service gives for a proof."""
        return self._proof(self._json("GET", "consistency", params={"first": first, "second": second}))

    def submit(self, envelope: bytes) -> tuple[int, str, tuple[bytes, ...]]:
        """Send an envelope; return where the service says it is, a checkpoint, and what it gives for a proof."""
        answer = self._json("POST", "entries", content=envelope)
        index, note = answer.get("index"), answer.get("checkpoint")
        if not isinstance(index, int) or isinstance(index, bool) or not isinstance(note, str):
            raise self._odd()
        return index, note, self._proof(answer)

    def _proof(self, answer: dict[str, Any]) -> tuple[bytes, ...]:
        try:
            return tuple(bytes.fromhex(node) for node in _texts(answer.get("proof")))
        except ValueError:
            raise self._odd() from None

    def _json(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        try:
            answer = orjson.loads(self._call(method, path, **options))
        except orjson.JSONDecodeError:
            raise self._odd() from None
        if not isinstance(answer, dict):
            raise self._odd()
        return answer

    def _call(self, method: str, path: str, **options: Any) -> bytes:
        """Return the body of an answer. Redirects are not followed: they would carry the token elsewhere."""
        try:
            with self._client.stream(method, f"{self._url}/ledger/{path}", **options) as response:
                body = bytearray()
                for part in response.iter_bytes():
                    body += part
                    if len(body) > _LIMIT:
                        raise self._odd()
        except httpx.HTTPError as error:
            following = "try again; start it with: nbdeploy ledger serve, where its key is"
            if "CERTIFICATE_VERIFY_FAILED" in str(error):
                following = "export SSL_CERT_FILE=FILE, with the certificate of whoever signed the service's"
            raise ServiceError(
                f"the ledger service at {self._url} does not answer ({_inert(str(error)) or type(error).__name__})",
                next=following,
            ) from None
        if not response.is_success:
            raise self._refusal(response.status_code, bytes(body))
        return bytes(body)

    def _refusal(self, status: int, body: bytes) -> NbdeployError:
        """Return what the service refuses with, as the class that the same rule has here."""
        try:
            told = orjson.loads(body)
            code, fact, following = (str(told[name]) for name in ("code", "fact", "next"))
        except (orjson.JSONDecodeError, KeyError, TypeError):
            return ServiceError(
                f"the ledger service at {self._url} answers with status {status}",
                next="see whether [ledger] url in nbdeploy.toml names a ledger service",
            )
        known = {kind.code: kind for kind in _kinds(NbdeployError)}
        return known.get(code, ServiceError)(_inert(fact), next=_inert(following))

    def _odd(self) -> ServiceError:
        return ServiceError(
            f"what {self._url} answers is not of a ledger service",
            next="see whether [ledger] url in nbdeploy.toml names one",
        )


def _texts(listed: Any) -> list[str]:
    if not isinstance(listed, list) or not all(isinstance(text, str) for text in listed):
        raise ValueError
    return listed


def _kinds(kind: type[NbdeployError]) -> Iterable[type[NbdeployError]]:
    yield kind
    for narrower in kind.__subclasses__():
        yield from _kinds(narrower)


def _inert(text: str) -> str:
    """Keep foreign text short and on one line."""
    return re.sub(r"[^\x20-\x7e\u00a0-\u200a\u2010-\u2027]", " ", text)[:400].strip()
