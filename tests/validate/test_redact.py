from __future__ import annotations

import pytest

from nbdeploy.validate.redact import REDACTED, known_secrets, redact


@pytest.mark.parametrize(
    "secret",
    [
        "AKIA" + "A1B2C3D4E5F6G7H8",
        "ghp_" + "a" * 36,
        "xoxb-" + "1234567890-abc",
        "eyJhbGciOiJIUzI1NiJ9" + "." + "eyJzdWIiOiIxMjM0In0" + "." + "abcdefghijk",
        "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQ\n-----END PRIVATE KEY-----",
    ],
)
def test_well_known_shapes_are_redacted(secret):
    """N10."""
    text, count = redact({"cells": [{"outputs": [{"text": f"before {secret} after"}]}]}, ())
    assert text == {"cells": [{"outputs": [{"text": f"before {REDACTED} after"}]}]}
    assert count == 1


def test_a_password_in_an_address_is_redacted():
    assert redact("postgresql://ana:hunter2@db/ledger", ()) == (f"postgresql://{REDACTED}@db/ledger", 1)


def test_values_of_secret_environment_variables_are_redacted():
    secrets = known_secrets(
        {
            "TEAM_TOKEN": "correct-horse",
            "SERVICE_API_KEY": "battery-staple",
            "HOME": "/home/someone",
            "PIN_SECRET": "1234",
        }
    )
    assert set(secrets) == {"correct-horse", "battery-staple"}
    assert redact(["token=correct-horse", 3, None], secrets) == ([f"token={REDACTED}", 3, None], 1)


def test_ordinary_text_stays():
    text = "precision at 0.5, sha256:" + "ab" * 32 + ", see https://example.org/a?b=c"
    assert redact(text, ()) == (text, 0)
