"""Which key a decision is signed with: a file, and nothing that only looks like a name of one."""

from __future__ import annotations

from pathlib import Path

import pytest

from nbdeploy.errors import KeyFileError
from nbdeploy.flow.keys import open_key


@pytest.mark.parametrize(
    "given",
    [
        pytest.param("pkcs11:token=signing;object=vera", id="K1 PKCS#11, of which there is none here"),
        pytest.param("PKCS11:slot-id=0", id="K1 PKCS#11 in capitals"),
        pytest.param("ssh-agent:vera", id="K1 an agent that is locked or not there"),
        pytest.param("awskms:alias/vera", id="K1 a key of somebody else's service"),
    ],
)
def test_a_key_that_is_no_file_is_refused_before_anything_is_asked(given: str):
    def never() -> bytes:
        pytest.fail("a passphrase was asked for")

    with pytest.raises(KeyFileError, match="only key files are read; nothing was signed"):
        open_key(Path(given), never)


def test_a_name_that_nobody_has_says_where_was_looked():
    with pytest.raises(KeyFileError, match="none of that name in"):
        open_key(Path("nobody at all"), lambda: b"")
