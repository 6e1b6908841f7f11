"""YAML as people mean it: a key stands once, ``yes`` is a word, and nothing is expanded or constructed."""

from __future__ import annotations

import re
from typing import Any

import yaml

from nbdeploy.errors import ObjectiveError

_LIMIT = 256 * 1024

_UNQUOTED = re.compile(r"[:\[{,]\s*([>|@`%][^,}\]#]*)")
"""A value that begins with what means something else to YAML: ``roc_auc: >= 0.75``."""


class _Loader(yaml.SafeLoader):
    """YAML 1.2's booleans and no aliases: `positive: yes` names a class, and 300 bytes stay 300 bytes."""

    yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:bool"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            event = self.peek_event()  # type: ignore[no-untyped-call]  # PyYAML's stubs leave it untyped
            raise yaml.constructor.ConstructorError(None, None, "aliases are not read", event.start_mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for position, key in enumerate(keys):
            if key in keys[:position]:
                mark = node.value[position][0].start_mark
                raise yaml.constructor.ConstructorError(None, None, f"the key {key!r} stands twice", mark)
        return super().construct_mapping(node, deep=deep)


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile("^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)


def load(data: bytes, origin: str) -> dict[str, Any]:
    """Parse one YAML mapping.

    Raises
    ------
    ObjectiveError
        Not YAML (with the line), empty, too large, a key that stands twice, or not a mapping of keys.
    """
    if len(data) > _LIMIT:
        raise ObjectiveError(f"{origin} has {len(data)} bytes; an objective has at most {_LIMIT}")
    try:
        content = yaml.load(data.decode("utf-8"), Loader=_Loader)  # noqa: S506 - a SafeLoader, made stricter
    except UnicodeDecodeError:
        raise ObjectiveError(f"{origin} is not UTF-8 text") from None
    except yaml.MarkedYAMLError as error:
        raise _told(error, data.decode("utf-8"), origin) from None
    except ValueError as error:  # a date or number that looks like one and is none, such as 2026-02-30
        raise ObjectiveError(f"{origin} holds a value that cannot be read ({error})", next="mend that value") from None
    except (yaml.YAMLError, RecursionError) as error:
        raise ObjectiveError(f"{origin} is not YAML ({type(error).__name__})") from None
    if content is None:
        raise ObjectiveError(f"{origin} is empty", next="start from the example: nbdeploy declare --example")
    if not isinstance(content, dict):
        raise ObjectiveError(f"{origin} is not a list of keys and values such as 'task: binary'")
    return content


def _told(error: yaml.MarkedYAMLError, text: str, origin: str) -> ObjectiveError:
    """Return what is said of text that is no YAML: the line, and quotes where only those are missing."""
    if error.problem_mark is None:
        return ObjectiveError(f"{origin}: {error.problem}")
    at = error.problem_mark.line
    lines = text.splitlines()
    unquoted = _UNQUOTED.search(lines[at]) if at < len(lines) else None
    if unquoted:
        value = unquoted[1].strip()
        return ObjectiveError(f"{origin}, line {at + 1}: {value} needs quotes", next=f"write '{value}'")
    problem = error.problem or ""
    if "'\\t'" in problem:
        problem = "a tab stands where spaces go"
    if problem.startswith("but ") and error.context:
        return ObjectiveError(f"{origin}, line {at + 1}: {error.context}, {problem}", next="mend that line")
    began = error.context_mark.line if error.context_mark else at
    since = f" ({error.context} that begins in line {began + 1})" if began != at and error.context else ""
    return ObjectiveError(f"{origin}, line {at + 1}: {problem}{since}", next="mend that line")
