"""What Tab offers behind a magic: names of objectives, verbs, options and the values that an option knows.

Paths and another extension's magics stay with IPython's own matchers. Only files that a project keeps for reading are
opened, and nothing heavy is loaded, because a key press waits for the answer.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

from IPython.core.completer import CompletionContext, SimpleCompletion, SimpleMatcherResult, context_matcher

from nbdeploy.errors import NbdeployError
from nbdeploy.jupyter.magics import VERBS, GovernanceMagics

IDENTIFIER = "nbdeploy"
Matcher = Callable[[CompletionContext], SimpleMatcherResult]

_TAKES = {
    "--model": "predict",
    "--data": "columns",
    "--train": "columns",
    "--reference": "columns",
    "--predictions": "columns",
}
"""Options that take a variable or a path, and what a variable must have in order to be meant."""


def matcher(magics: GovernanceMagics) -> Matcher:
    """Return the matcher for the magics that this shell holds of ours."""

    @context_matcher(identifier=IDENTIFIER)
    def offer(context: CompletionContext) -> SimpleMatcherResult:
        words = context.text_until_cursor.removesuffix(context.token).split()
        found = [text for text in _fitting(magics, words) if text.startswith(context.token)]
        return {
            "completions": [SimpleCompletion(text, type="param") for text in found],
            "matched_fragment": context.token,
            "suppress": bool(found) and words[-1] not in _TAKES,  # a path may stand there as well
            "ordered": True,
        }

    answer: Matcher = offer
    return answer


def _fitting(magics: GovernanceMagics, words: Sequence[str]) -> Iterator[str]:
    """Yield what can stand after the words of a line, the magic's own word being the first."""
    if not words or not words[0].startswith("%") or not _is_ours(magics, words[0]):
        return
    verb, *given = words
    verb = verb.lstrip("%")
    if verb == "nbdeploy":
        if not given:
            yield from VERBS
            return
        verb, *given = given
    if given and given[-1] in _TAKES:
        yield from _variables(magics, _TAKES[given[-1]])
        return
    parser = getattr(getattr(magics, verb, None), "parser", None) if verb in VERBS else None
    if parser is not None:
        yield from _arguments(parser, given)


def _variables(magics: GovernanceMagics, having: str) -> list[str]:
    """Return the user's own variables whose type has an attribute; the values themselves are not asked."""
    held = magics.shell.user_ns if magics.shell is not None else {}
    return sorted(
        name
        for name, value in held.items()
        if not name.startswith("_") and not isinstance(value, type) and hasattr(type(value), having)
    )


def _is_ours(magics: GovernanceMagics, word: str) -> bool:
    """Whether a word names a magic of ours: another extension may hold its short name."""
    kind = "cell" if word.startswith("%%") else "line"
    if magics.shell is None:
        return False
    held = magics.shell.magics_manager.magics[kind].get(word.lstrip("%"))
    return getattr(held, "__self__", None) is magics


def _arguments(parser: argparse.ArgumentParser, given: Sequence[str]) -> Iterator[str]:
    options = {name: action for action in parser._actions for name in action.option_strings}  # noqa: SLF001 - argparse has no public list of what it was given
    if given and given[-1] in options and options[given[-1]].nargs != 0:
        yield from _values(options[given[-1]])
        return
    places = [action for action in parser._actions if not action.option_strings]  # noqa: SLF001 - as above
    taken = _positional(options, given)
    if taken < len(places):
        yield from _values(places[taken])
    yield from (name for name in options if name.startswith("--") and name not in given)


def _positional(options: dict[str, argparse.Action], given: Sequence[str]) -> int:
    """Return how many of the words are neither options nor what an option takes."""
    return sum(
        word not in options and not (before in options and options[before].nargs != 0)
        for before, word in pairwise(["", *given])
    )


def _values(action: argparse.Action) -> Iterator[str]:
    """Yield the values that are known for an argument."""
    if action.choices is not None:
        yield from map(str, action.choices)
    elif action.dest == "section":
        from nbdeploy.documents.sections import SECTIONS

        yield from SECTIONS
    elif action.dest in ("name", "to"):
        try:
            yield from _objectives() if action.dest == "name" else _environments()
        except (NbdeployError, OSError):
            return  # the magic itself will say what is wrong; Tab only offers nothing


def _objectives() -> list[str]:
    from nbdeploy.settings import find_settings

    settings = find_settings()
    return sorted(file.stem for file in settings.objectives.glob("*.yaml")) if settings else []


def _environments() -> list[str]:
    from nbdeploy.settings import find_settings
    from nbdeploy.trust.policy.file import read_policy

    settings = find_settings()
    return list(read_policy(settings.policy_file.read_bytes()).environments) if settings else []
