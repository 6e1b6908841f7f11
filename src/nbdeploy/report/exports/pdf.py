"""A card as PDF, printed by an engine that is installed: Chromium or Chrome, else WeasyPrint. Neither sees a network.

The same card gives the same pages. Bytes are the same for one engine and version on one machine: fonts differ between
machines, and the dates that an engine would write are set to the card's.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

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
        No engine is installed, or it made nothing.
    """
    page = render_html(card, templates)
    browser = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if browser is not None:
        return _dated(_browser(browser, page), card.created)
    try:
        import weasyprint
    except (ImportError, OSError):  # OSError: installed, but the libraries that it draws with are not
        raise CardError(
            "a PDF needs a browser or WeasyPrint, and neither is installed",
            next="install Chromium or Chrome, or: pip install weasyprint; card.html prints from any browser too",
        ) from None
    return _weasyprint(weasyprint, page, card.created)


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


def _weasyprint(engine: Any, page: str, when: datetime) -> bytes:
    def refused(url: str, *_: Any, **__: Any) -> Any:
        raise ValueError(f"a card loads nothing from outside: {url[:80]}")

    made: bytes = engine.HTML(string=page, url_fetcher=refused).write_pdf()
    return _dated(made, when)
