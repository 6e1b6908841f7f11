"""Whatever a check gives as the reason for no value, the reader is told what to do about it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from nbdeploy.validate import checks
from nbdeploy.validate.verdict.lacking import _ACTS

CHECKS = Path(checks.__file__).parent
SOURCE = CHECKS.parents[2]
ELSEWHERE = {
    # Reasons that are made by functions, or come with an estimate.
    "why_not_compared(context)": "no other registered version of this model was found, or none was asked for",
    "one.undefined": "ROC AUC is undefined in the sampled rows",
}


def reasons() -> Iterator[tuple[str, str]]:
    """Yield every reason that a check gives, as its source says it, with what is filled in as an ellipsis."""
    for file in sorted(CHECKS.rglob("*.py")):
        tree = ast.parse(file.read_text("utf-8"))
        known = {**imported(tree), **assigned(tree)}
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
            for given in told(call):
                yield from ((str(file.relative_to(CHECKS)), text) for text in texts(given, known))


def told(call: ast.Call) -> list[ast.expr]:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    # A module's own function takes the context first.
    first = None if "not_available" not in name else 0 if isinstance(call.func, ast.Attribute) else 1
    return [
        *([call.args[first]] if first is not None else []),
        *(k.value for k in call.keywords if k.arg == "undefined"),
    ]


def texts(node: ast.expr, known: dict[str, set[str]]) -> set[str]:
    if isinstance(node, ast.Constant):
        return {node.value} if isinstance(node.value, str) else set()
    if isinstance(node, ast.JoinedStr):
        return {"".join(one.value if isinstance(one, ast.Constant) else "…" for one in node.values)}
    if isinstance(node, ast.IfExp):
        return texts(node.body, known) | texts(node.orelse, known)
    if isinstance(node, ast.BoolOp):
        return set().union(*(texts(one, known) for one in node.values))
    name = ast.unparse(node.func if isinstance(node, ast.Call) else node)
    return known[name] if name in known else {ELSEWHERE.get(ast.unparse(node), f"?{ast.unparse(node)}")}


def assigned(tree: ast.Module) -> dict[str, set[str]]:
    """Return the texts that each name of a module may hold, and each of its functions return."""
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    # A reason that is handed on is told where it is made.
    found: dict[str, set[str]] = {one.arg: set() for function in functions for one in function.args.args}
    found |= imported(tree)
    pairs = [
        (function.name, node.value)
        for function in functions
        for node in ast.walk(function)
        if isinstance(node, ast.Return)
        and node.value is not None
        and str(ast.unparse(function.returns or function)).startswith("str")
    ]
    pairs += [
        (node.targets[0].id, node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    ]
    for _ in range(2):  # a name may be given another's text, further down
        for name, value in pairs:
            given = {text for text in texts(value, found) if not text.startswith("?")}
            found[name] = found.get(name, set()) | given
    return found


def imported(tree: ast.Module) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("nbdeploy.validate.checks"):
            file = SOURCE / (str(node.module).replace(".", "/") + ".py")
            names = {one.name for one in node.names}
            for line in ast.parse(file.read_text("utf-8")).body if file.is_file() else ():
                if isinstance(line, ast.Assign) and getattr(line.targets[0], "id", None) in names:
                    found[line.targets[0].id] = texts(line.value, {})
    return found


@pytest.mark.parametrize(("file", "reason"), sorted(set(reasons())))
def test_every_reason_that_a_check_gives_has_an_act(file, reason):
    assert not reason.startswith("?"), f"{file}: what {reason[1:]} may be is not read here: add it to ELSEWHERE"
    assert any(part in reason for part, _ in _ACTS), f"{file} gives a reason that nothing is said about"


def test_many_reasons_are_read():
    assert len(set(reasons())) > 50


@pytest.mark.parametrize(
    ("reason", "act"),
    [
        ("the training data lacks the target", "give --train with the target"),
        ("the training data lacks columns that the model reads", "every column that the model reads"),
        ("12 training rows are too few to say what is usual", "more training rows"),
        ("12 rows are too few to find slices on one half", "more evaluation rows"),
        ("no training or reference data was given", "give --train or --reference"),
        ("brier_score needs scores between 0 and 1", "probabilities, or gate `roc_auc`"),
        ("the model's own Python does not tell what is installed there (OSError)", "give --environment"),
    ],
)
def test_the_nearest_act_is_told(reason, act):
    assert act in next(told for part, told in _ACTS if part in reason)
