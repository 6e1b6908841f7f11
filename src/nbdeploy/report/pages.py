"""Pages beside a card: what differs between two, and who decided. Same style sheet, no script, nothing from outside."""

from __future__ import annotations

from functools import cache
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from nbdeploy.report import inert, wording
from nbdeploy.report.comparing import numbers
from nbdeploy.report.comparing.compare import Comparison
from nbdeploy.templates import path


def comparison_html(found: Comparison) -> str:
    """Return a comparison as one HTML file."""
    return page("diff.html.j2", c=found)


def comparison_markdown(found: Comparison) -> str:
    """Return a comparison as Markdown."""
    return page("diff.md.j2", c=found)


def page(template: str, **parts: Any) -> str:
    """Return a page; every value that it writes is foreign until it is escaped."""
    css = Markup(path("card", "card.css").read_text("utf-8"))  # noqa: S704 - a file of ours
    return _environment(template.endswith(".html.j2")).get_template(template).render(css=css, **parts)


def _visible(value: Any) -> Any:
    return inert.upright(inert.visible(value)) if isinstance(value, str) and not isinstance(value, Markup) else value


def _literal(value: Any) -> Any:
    return inert.markdown(value) if isinstance(value, str) else value


@cache
def _environment(html: bool) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(path("pages")),
        autoescape=html,  # noqa: S701 - Markdown is escaped by `finalize` instead
        undefined=StrictUndefined,
        finalize=_visible if html else _literal,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals.update(w=wording, outcomes=numbers.OUTCOMES)
    return environment
