"""Tab behind a magic, asked of IPython's own completer."""

from __future__ import annotations

import subprocess
import sys

import pandas as pd
import pytest
from IPython.core.completer import provisionalcompleter
from sklearn.ensemble import RandomForestClassifier


def offered(shell, line: str) -> list[str]:
    """Return the lines that a kernel would offer, without what was typed before the completed word."""
    with provisionalcompleter():
        return [found.text for found in shell.Completer.completions(line, len(line))]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("%validate ", ["churn", "--model", "--draft"]),
        ("%validate ch", ["churn"]),
        ("%nbdeploy validate ch", ["churn"]),
        ("%nbdeploy val", ["validate"]),
        ("%validate churn --dr", ["--draft"]),
        ("%validate churn --section fa", ["fairness"]),
        ("%deploy churn --to ", ["dev", "production"]),
        ("%deploy churn --strategy ", ["rolling", "blue-green", "canary"]),
        ("%release churn p", ["promote", "pause"]),
        ("%validate --seed 3 --draft ch", ["churn"]),
        ("%%objective ch", ["churn"]),
    ],
)
def test_what_the_project_and_the_magic_know_is_offered(shell, declared, line, expected):
    found = offered(shell, line)
    assert [text for text in found if text in expected] == expected


def test_an_option_that_was_given_is_not_offered_again(shell, declared):
    assert "--draft" not in offered(shell, "%validate churn --draft --")


def test_variables_that_can_be_meant_are_offered_beside_paths(shell, declared):
    shell.user_ns |= {"rows": pd.DataFrame(), "forest": RandomForestClassifier(), "limit": 3}
    (declared / "rows.csv").touch()
    assert {"rows", "rows.csv"} <= {*offered(shell, "%validate churn --data ro")}
    assert {"forest", "rows", "limit"} & {*offered(shell, "%validate churn --model ")} == {"forest"}


def test_ordinary_code_is_completed_as_ever(shell, declared):
    shell.user_ns["churn_rate"] = 0.1
    assert offered(shell, "churn_r") == ["churn_rate"]
    assert "churn" not in offered(shell, "print(ch")
    assert "%%objective" in offered(shell, "%%obj")


def test_outside_of_a_project_and_in_a_broken_one_only_options_are_offered(shell, empty_folder):
    assert offered(shell, "%validate --mo") == ["--model"]
    assert offered(shell, "%deploy x --to dev") == []
    (empty_folder / "nbdeploy.toml").write_text("[project\n")
    assert offered(shell, "%validate --mo") == ["--model"]
    assert "--model" in offered(shell, "%validate ")


def test_magics_of_others_keep_their_own_completion(shell, declared):
    shell.register_magic_function(lambda _: None, magic_kind="line", magic_name="status")
    assert "churn" not in offered(shell, "%status ch")


def test_a_key_press_loads_nothing_heavy():
    program = """
import sys
from IPython.core.interactiveshell import InteractiveShell
from IPython.core.completer import provisionalcompleter
shell = InteractiveShell()
shell.run_line_magic("load_ext", "nbdeploy")
with provisionalcompleter():
    assert [*shell.Completer.completions("%validate --mo", 14)], "nothing was offered"
    [*shell.Completer.completions("%deploy x --to ", 15)]
print(sorted({"pandas", "mlflow", "sklearn", "sqlalchemy", "matplotlib", "nbdeploy.flow"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith("[]")
