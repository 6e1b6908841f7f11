"""Taking secrets out of an executed notebook before it is stored or hashed."""

from __future__ import annotations

import base64
import json
import os
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

REDACTED = "[redacted]"

_SHAPES = re.compile(
    r"""-----BEGIN[ ][A-Z ]*PRIVATE[ ]KEY-----.*?-----END[ ][A-Z ]*PRIVATE[ ]KEY-----
    | \bA(?:KIA|SIA)[A-Z0-9]{16}\b                      # access key ids of a large cloud
    | \bgh[pousr]_[A-Za-z0-9]{36,}\b | \bgithub_pat_\w{40,}\b
    | \bglpat-[\w-]{20,}\b
    | \bxox[abposr]-[A-Za-z0-9-]{10,}\b
    | \bsk-[A-Za-z0-9_-]{20,}\b
    | \bhf_[A-Za-z0-9]{30,}\b
    | \beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,}           # a signed web token
    | (?<=://)[^/\s:@'"]+:[^/\s:@'"]+(?=@)              # user:password in an address
    """,
    re.VERBOSE | re.DOTALL,
)
_SIGNS = (
    *("PRIVATE", "AKIA", "ASIA", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
    *("glpat-", "xox", "sk-", "hf_", "eyJ", "://"),
)
"""What stands in every text of a shape above: looking for it is far quicker, and most of a notebook is pictures."""

_PICTURE = re.compile(r"iVBORw0KGgo[A-Za-z0-9+/]+={0,2}\n?")
"""A PNG file in base64: letters without a word, of which a shape above would be an accident."""

_NAMES = re.compile(
    r"(TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIAL|(API|ACCESS|PRIVATE|SIGNING)_?KEY)", re.IGNORECASE
)
_SHORTEST = 8
"""A shorter value of an environment variable is too common a text to be looked for."""


def known_secrets(environment: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """Return the values of environment variables whose names say that they are secret, in all forms, longest first."""
    given = os.environ if environment is None else environment
    found = {value for name, value in given.items() if _NAMES.search(name) and len(value) >= _SHORTEST}
    return tuple(sorted({form for value in found for form in _forms(value)}, key=len, reverse=True))


def _forms(value: str) -> tuple[str, ...]:
    """Return a value as it stands in texts, in Python's and JSON's literals, in addresses and in headers."""
    encoded = base64.b64encode(value.encode("utf-8", "surrogateescape")).decode("ascii")
    return value, repr(value)[1:-1], json.dumps(value)[1:-1], quote(value, safe="", errors="replace"), encoded


def redact(content: Any, secrets: tuple[str, ...]) -> tuple[Any, int]:
    """Return JSON-like content with every secret replaced, and how many were."""
    if isinstance(content, str):
        count = 0
        for secret in secrets:
            count += content.count(secret)
            content = content.replace(secret, REDACTED)
        if not _PICTURE.fullmatch(content) and any(sign in content for sign in _SIGNS):
            content, more = _SHAPES.subn(REDACTED, content)
            count += more
        return content, count
    if isinstance(content, Mapping):
        pairs = [(redact(key, secrets), redact(value, secrets)) for key, value in content.items()]
        return {key: value for (key, _), (value, _) in pairs}, sum(one + two for (_, one), (_, two) in pairs)
    if isinstance(content, list):
        items = [redact(value, secrets) for value in content]
        return [value for value, _ in items], sum(count for _, count in items)
    return content, 0
