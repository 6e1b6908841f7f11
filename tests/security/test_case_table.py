"""SECURITY.md's table of cases is held to the tests: each case is named by a test of the files that the table names."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from nbdeploy import errors

TESTS = Path(__file__).parents[1]
TABLE = TESTS.parent / "SECURITY.md"
HIGHEST = {"B": 11, "C": 2, "A": 13, "P": 2, "D": 7, "L": 6, "R": 6, "Z": 1, "K": 2}
OTHERS = {"N": 11, "H": 5, "W": 2, "J": 2, "T": 1}
NOT_BUILT = {"L5", "T1"}

# How names begin: A7 …; B7, B9 …; Case B11, small: …; Cases A3 and A4.
_NAMES = re.compile(r"(?:Cases? )?((?:[A-Z]\d{1,2})(?:(?:, | and |–)[A-Z]\d{1,2})*)[ :.,]")
_CASE = re.compile(r"[A-Z]\d{1,2}")
_TEST = re.compile(r"test_((?:[a-z]\d{1,2}_)+)")
_ROW = re.compile(r"\| ([A-Z]\d{1,2}) \| (.+?) \| (.+?) \| (.*?) ?\|")


def rows() -> dict[str, tuple[str, list[str]]]:
    """Return, by case, what SECURITY.md expects and the files that it names."""
    found = {}
    for match in _ROW.finditer(TABLE.read_text()):
        case, _, expected, files = match.groups()
        assert case not in found, f"{case} stands twice"
        found[case] = (expected, [file for file in files.split(", ") if file])
    return found


def told(text: str) -> list[str]:
    """Return the cases that an id or a docstring begins with."""
    match = _NAMES.match(text)
    return _CASE.findall(match[1]) if match else []


@cache
def cases_of(file: Path) -> frozenset[str]:
    """Return the cases that a file's tests are named after."""
    return frozenset(case for text in _names(ast.parse(file.read_text())) for case in told(text))


def _names(tree: ast.AST) -> Iterator[str]:
    """Yield names of tests, and what stands where pytest takes an id from: a keyword, a list of ids, a row's first."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            match = _TEST.match(node.name)
            yield from (f"{case.upper()} " for case in (match[1].split("_") if match else ()))
            yield ast.get_docstring(node) or ""
        elif isinstance(node, ast.keyword) and node.arg in ("id", "ids"):
            yield from _texts(node.value)
        elif isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None:
            for first in _firsts(node.value):
                yield from _texts(first)


def _firsts(table: ast.expr) -> Iterator[ast.expr]:
    """Yield what each row of a table of cases begins with: in a list of tuples or of calls, or a dictionary's keys."""
    if isinstance(table, ast.Dict):
        yield from (key for key in table.keys if key is not None)
    elif isinstance(table, (ast.List, ast.Tuple)):
        for row in table.elts:
            parts = row.elts if isinstance(row, ast.Tuple) else row.args if isinstance(row, ast.Call) else []
            yield from parts[:1]


def _texts(node: ast.AST) -> Iterator[str]:
    for inner in ast.walk(node):
        if isinstance(inner, ast.Constant) and isinstance(inner.value, str):
            yield inner.value


def test_every_case_has_its_row_and_no_other_stands_there():
    wanted = {f"{letter}{n}" for letter, last in (HIGHEST | OTHERS).items() for n in range(1, last + 1)}
    assert rows().keys() == wanted


@pytest.mark.parametrize("case", [f"{letter}{n}" for letter, last in HIGHEST.items() for n in range(1, last + 1)])
def test_a_case_is_named_by_a_test_in_every_file_that_the_table_names(case: str):
    _, files = rows()[case]
    if case in NOT_BUILT:
        assert not files
        return
    assert files, f"SECURITY.md names no test for {case}"
    missing = [file for file in files if not (TESTS / file).is_file() or case not in cases_of(TESTS / file)]
    assert not missing, f"no test in {', '.join(missing)} is named after {case}"


@pytest.mark.parametrize("case", [f"{letter}{n}" for letter, last in OTHERS.items() for n in range(1, last + 1)])
def test_what_the_table_names_beside_is_there_or_said_not_to_be_built(case: str):
    expected, files = rows()[case]
    assert files or "not built" in expected
    assert all((TESTS / file).is_file() for file in files)


def test_every_code_of_the_table_is_the_code_of_an_error():
    known = {kind.code for kind in vars(errors).values() if isinstance(kind, type) and hasattr(kind, "code")}
    assert {code for expected, _ in rows().values() for code in re.findall(r"E-[A-Z]+", expected)} <= known


@pytest.mark.parametrize(
    ("text", "cases"),
    [
        ("A7 revoked before signing", ["A7"]),
        ("B7, B9 the version deleted and made again", ["B7", "B9"]),
        ("Cases A3 and A4.", ["A3", "A4"]),
        ("Case B11, small: the digest reads blocks", ["B11"]),
        ("an A4 page", []),
        ("A4", []),
        ("E501 line too long", []),
    ],
)
def test_a_case_is_known_by_how_a_name_begins(text: str, cases: list[str]):
    assert told(text) == cases
