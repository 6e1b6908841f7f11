# ruff: noqa: INP001 - a script, not part of a package
"""Make the README's card and its pictures: ``python docs/make_pictures.py CARD.html``.

Writes ``card.html`` (a copy), ``card.png`` (its first screen) and ``bias.png`` (the forest plots of the bias section)
beside this script. Give it the card of the demo: run ``nbdeploy demo``, then look under
``.nbdeploy/runs/progression-risk``. A card names the machine that it was made on, so run the demo where that name says
nothing: ``unshare --uts sh -c 'hostname example; nbdeploy demo'``. It needs Playwright and Pillow, and Chromium at
``/usr/bin/chromium`` (or where ``--chromium`` says).
"""

from __future__ import annotations

import argparse
import io
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image
from playwright.sync_api import sync_playwright

if TYPE_CHECKING:
    from playwright.sync_api import Page

HERE = Path(__file__).parent
WIDTH, HEIGHT = 1200, 1400
EDGE = 20
COLOURS = 128  # flat colours only: a palette halves the file and nobody sees it


def main() -> None:
    """Read the arguments, make both pictures and keep the card."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("card", type=Path, help="a card.html")
    parser.add_argument("--chromium", default="/usr/bin/chromium", help="the browser to draw with")
    given = parser.parse_args()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=given.chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light")
        page.goto(given.card.resolve().as_uri())
        save(page.screenshot(), "card.png")
        save(bias(page), "bias.png")
        browser.close()
    shutil.copyfile(given.card, HERE / "card.html")


def bias(page: Page) -> bytes:
    """Return a picture of what compares groups: from the first to the last figure before the tables by group."""
    figures = page.locator("#fairness figure.wide")
    boxes = [box for index in range(min(figures.count(), 3)) if (box := figures.nth(index).bounding_box())]
    left, top = min(box["x"] for box in boxes), min(box["y"] for box in boxes)
    right, bottom = max(box["x"] + box["width"] for box in boxes), max(box["y"] + box["height"] for box in boxes)
    width, height = right - left + 2 * EDGE, bottom - top + 2 * EDGE
    return page.screenshot(full_page=True, clip={"x": left - EDGE, "y": top - EDGE, "width": width, "height": height})


def save(drawn: bytes, name: str) -> None:
    """Write a picture with a palette, which keeps text crisp and the file small."""
    picture = Image.open(io.BytesIO(drawn)).convert("RGB")
    picture = picture.quantize(colors=COLOURS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    picture.save(HERE / name, optimize=True)
    print(f"{name}: {picture.width} × {picture.height}, {(HERE / name).stat().st_size // 1000} kB")


if __name__ == "__main__":
    main()
