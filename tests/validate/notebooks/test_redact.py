from __future__ import annotations

import base64
import json
import urllib.parse

import pytest

from nbdeploy.validate.notebooks.redact import REDACTED, known_secrets, redact


@pytest.mark.parametrize(
    "secret",
    [
        "AKIA" + "A1B2C3D4E5F6G7H8",
        "ASIA" + "A1B2C3D4E5F6G7H8",
        *(f"gh{kind}_" + "a" * 36 for kind in "pousr"),
        "github_pat_" + "a1" * 20,
        "glpat-" + "-a1B2" * 5,
        "sk-" + "a1B2" * 5,
        "hf_" + "a1" * 15,
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
    assert {"correct-horse", "battery-staple"} <= set(secrets)
    assert not {"/home/someone", "1234"} & set(secrets)
    assert redact(["token=correct-horse", 3, None], secrets) == ([f"token={REDACTED}", 3, None], 1)


AWKWARD = "pa'ss\\word/with\nlines"


@pytest.mark.parametrize(
    "text",
    [
        AWKWARD,
        repr({"DB_PASSWORD": AWKWARD}),
        json.dumps({"DB_PASSWORD": AWKWARD}),
        "postgresql://db/?password=" + urllib.parse.quote(AWKWARD, safe=""),
        "Authorization: Basic " + base64.b64encode(AWKWARD.encode()).decode(),
        {AWKWARD: 1},
        [f"Traceback\nKeyError: {AWKWARD!r}"],
    ],
    ids=["output", "environment", "json", "address", "header", "key", "traceback"],
)
def test_a_secret_is_found_in_whatever_form_it_is_written(text):
    """N10."""
    clean, count = redact(text, known_secrets({"DB_PASSWORD": AWKWARD}))
    assert count == 1
    assert REDACTED in str(clean)
    assert "word" not in str(clean).replace("password", "").replace("DB_PASSWORD", "")


def test_ordinary_text_stays():
    text = "precision at 0.5, sha256:" + "ab" * 32 + ", see https://example.org/a?b=c"
    assert redact(text, ()) == (text, 0)


def test_a_picture_is_not_harmed_by_what_looks_like_a_key_and_hides_no_known_secret():
    picture = "iVBORw0KGgo" + "AAAA/AKIA" + "A1B2C3D4E5F6G7H8" + "/Zm9v=="
    assert redact({"image/png": picture}, ()) == ({"image/png": picture}, 0)
    text, count = redact({"image/png": picture + "correcthorse"}, ("correcthorse",))
    assert ("correcthorse" in text["image/png"], count > 0) == (False, True)
    _, count = redact("iVBORw0KGgo and the key AKIA" + "A1B2C3D4E5F6G7H8", ())
    assert count == 1
