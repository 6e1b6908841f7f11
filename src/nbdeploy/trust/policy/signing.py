"""Signed policies: a policy file with an envelope beside it, in which the roots say that it is in force.

``policy.toml`` is signed in ``policy.toml.sig.json``: a DSSE envelope with an in-toto statement over the file's digest.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nbdeploy.documents.record import strict_json
from nbdeploy.documents.statements import PolicyPredicate
from nbdeploy.errors import FormatError, PolicyError, Refusal, SignatureError
from nbdeploy.trust.envelopes import open_envelope, sign
from nbdeploy.trust.keys import Signer
from nbdeploy.trust.policy.document import Policy
from nbdeploy.trust.policy.file import read_policy
from nbdeploy.trust.policy.holders import Roots

_LIMIT = 4 * 1024 * 1024
_KNOWN = {PolicyPredicate.predicate_type(): PolicyPredicate}


@dataclass(frozen=True)
class Offered:
    """A policy as it was found: the bytes that were read, once, and the envelope beside them."""

    policy: Policy
    data: bytes
    envelope: bytes | None

    @property
    def name(self) -> str:
        """How sentences call it."""
        return f"policy {self.policy.version}"


def envelope_file(file: Path) -> Path:
    """Return where a policy file's signatures lie."""
    return file.with_name(f"{file.name}.sig.json")


def read_offered(file: Path) -> Offered:
    """Read a policy file and what is signed about it.

    Raises
    ------
    PolicyError
        It is not there, is a link, changes while it is read, or is no policy.
    """
    data = stable_bytes(file)
    beside = envelope_file(file)
    return Offered(read_policy(data), data, stable_bytes(beside) if os.path.lexists(beside) else None)


def stable_bytes(file: Path) -> bytes:
    """Return a file's bytes, read through one descriptor. A file that changes meanwhile is read once more.

    Raises
    ------
    PolicyError
        It cannot be read, is a link or no regular file, is too large, or changed twice while it was read.
    """
    for _ in range(2):
        try:
            handle = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError as error:
            word = "is a link, and could be turned to another file" if file.is_symlink() else "cannot be read"
            raise PolicyError(f"the policy {file} {word} ({error.strerror})") from None
        try:
            before = os.fstat(handle)
            if not stat.S_ISREG(before.st_mode) or before.st_size > _LIMIT:
                raise PolicyError(f"the policy {file} cannot be read (not a file of at most {_LIMIT // 2**20} MB)")
            data = os.read(handle, _LIMIT + 1)
            after = os.fstat(handle)
        finally:
            os.close(handle)
        if (before.st_mtime_ns, before.st_size) == (after.st_mtime_ns, after.st_size) and len(data) == after.st_size:
            return data
    raise PolicyError(f"the policy {file} changes while it is read", next="put the new one in place whole, with mv")


def sign_policy(offered: Offered, previous: str | None, signer: Signer) -> bytes:
    """Return the envelope with one signature more.

    Parameters
    ----------
    previous
        Digest of the policy before; None for the first one.

    Raises
    ------
    PolicyError
        The signatures that are there are about other bytes; or the key is no root of any kind, which the caller knows
        better, so that it is not asked here.
    """
    policy = offered.policy
    said = PolicyPredicate(version=policy.version, previous=previous, expires=policy.expires)
    new = sign(said, {"policy": policy.digest}, signer)
    if offered.envelope is None:
        return new
    old, added = strict_json(offered.envelope), strict_json(new)
    if old.get("payload") != added["payload"] or not isinstance(old.get("signatures"), list):
        raise PolicyError(
            f"the signatures beside {offered.name} are about other bytes, or follow another policy",
            next="remove that file, and have every root sign again",
        )
    mine = added["signatures"][0]
    kept = [entry for entry in old["signatures"] if isinstance(entry, dict) and entry.get("keyid") != mine["keyid"]]
    return json.dumps(old | {"signatures": [*kept, mine]}).encode()


def signers_of(offered: Offered, publics: Sequence[str]) -> tuple[PolicyPredicate | None, tuple[str, ...]]:
    """Return what the envelope says and which of these keys signed it; (None, ()) where none of them did.

    Raises
    ------
    PolicyError
        The envelope is not of the exact form, or is about another policy than the file.
    """
    if offered.envelope is None:
        return None, ()
    try:
        opened = open_envelope(offered.envelope, publics, known=_KNOWN)
    except SignatureError:
        return None, ()
    except FormatError as error:
        raise PolicyError(f"the signatures of {offered.name} cannot be read ({error.fact})") from None
    said = opened.predicate
    policy = offered.policy
    if (
        not isinstance(said, PolicyPredicate)
        or opened.subjects != {"policy": policy.digest}
        or (said.version, said.expires) != (policy.version, policy.expires)
    ):
        raise PolicyError(
            f"what was signed beside {offered.name} is another policy than this file",
            next="the file was changed after it was signed: have every root sign again, or put the signed one back",
        )
    return said, opened.signers


def check_signed(offered: Offered, roots: Roots, whose: str) -> PolicyPredicate:
    """Refuse a policy that too few roots signed; return what they signed.

    Parameters
    ----------
    whose
        Whose roots they are, for the sentence: ``of policy 3``.

    Raises
    ------
    PolicyError
    """
    said, signers = signers_of(offered, roots.keys)
    if said is None or len(signers) < roots.threshold:
        raise PolicyError(
            f"{offered.name} is signed by {len(signers)} of the roots {whose}, and {roots.threshold} must sign it",
            next="nbdeploy policy sign --key FILE, by each root",
        )
    return said


def is_refused(offered: Offered, roots: Roots) -> bool:
    """Whether these roots did not put a policy in force."""
    try:
        check_signed(offered, roots, "")
    except Refusal:
        return True
    return False
