"""A card as PDF, printed by a Chromium, Chrome or Edge that is installed; it sees no network.

The same card gives the same bytes with one version of the browser and the same fonts: the dates that it would write are
set to the card's. WeasyPrint is not used: version 70 took 19 s for 19 pages and was not done with 48 after 7 minutes.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from nbdeploy.documents.card import Card
from nbdeploy.errors import CardError
from nbdeploy.report.render import render_html

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
SECONDS = 120
_DATE = re.compile(rb"(/(?:CreationDate|ModDate) \(D:)\d{14}([^)]*\))")


def pdf(card: Card, templates: Path | None = None) -> bytes:
    """Return a card as PDF.

    Raises
    ------
    CardError
        No browser is installed, or it made nothing.
    """
    page = render_html(card, templates)
    browser = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if browser is None:
        raise CardError(
            "a PDF is printed by Chromium, Chrome or Edge, and none is installed",
            next="install Chromium or Chrome; card.html prints from any other browser too",
        )
    return _dated(_browser(browser, page), card.created)


def _browser(browser: str, page: str) -> bytes:
    with tempfile.TemporaryDirectory(prefix="nbdeploy-pdf-") as scratch:
        source, made = Path(scratch, "card.html"), Path(scratch, "card.pdf")
        source.write_text(page, "utf-8")
        command = [
            browser,
            "--headless",
            "--disable-gpu",
            "--no-first-run",
            "--disable-extensions",
            "--disable-background-networking",
            "--disable-component-update",
            "--host-resolver-rules=MAP * ~NOTFOUND",  # the page asks for nothing; this holds for the browser itself
            "--no-pdf-header-footer",
            "--generate-pdf-document-outline",
            f"--user-data-dir={Path(scratch, 'profile')}",
            f"--print-to-pdf={made}",
            source.as_uri(),
        ]
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            command.insert(1, "--no-sandbox")  # Chromium refuses to start as root with its sandbox
        try:
            done = subprocess.run(command, capture_output=True, timeout=SECONDS, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise CardError(f"{browser} could not print the card ({type(error).__name__})", next=_PRINT) from None
        if not made.is_file():
            last = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:] or ["it said nothing"]
            raise CardError(f"{browser} made no PDF ({last[0][:200]})", next=_PRINT)
        return made.read_bytes()


_PRINT = "print card.html from a browser"


def _dated(made: bytes, when: datetime) -> bytes:
    """Set the dates of a PDF to the card's; as long as before, so that its table of offsets still holds."""
    stamp = when.astimezone(UTC).strftime("%Y%m%d%H%M%S").encode()
    return _DATE.sub(lambda found: found[1] + stamp + found[2], made)
