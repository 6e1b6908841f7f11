"""The magics in a real IPython shell: what they parse, what they leave alone, and how they refuse."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pandas as pd
import papermill
import pytest
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

from nbdeploy import flow
from nbdeploy.errors import CardError, DataError, ModelError, ObjectiveError, ProjectError, ServiceError
from nbdeploy.jupyter.magics import SHORT

from .conftest import OBJECTIVE


def ours(shell: InteractiveShell) -> set[tuple[str, str]]:
    return {
        (kind, name)
        for kind, functions in shell.magics_manager.magics.items()
        for name, held in functions.items()
        if getattr(held, "__module__", "") == "nbdeploy.jupyter.magics"
    }


def shown(shell: InteractiveShell, cell: str) -> str:
    """Run a cell and return all that it printed: outputs, and errors as the notebook would show them."""
    with capture_output() as captured:
        shell.run_cell(cell)
    return captured.stdout + captured.stderr


# Loading --------------------------------------------------------------------------------------------------------------


def test_all_magics_load_and_unload(shell):
    everything = {("line", name) for name in (*SHORT, "nbdeploy")} | {("cell", "objective"), ("cell", "nbdeploy")}
    assert ours(shell) == everything
    completers = len(shell.Completer.custom_matchers)
    shell.run_line_magic("unload_ext", "nbdeploy")
    assert ours(shell) == set()
    assert len(shell.Completer.custom_matchers) == completers - 1
    shell.run_line_magic("load_ext", "nbdeploy")
    shell.run_line_magic("reload_ext", "nbdeploy")
    assert ours(shell) == everything
    assert len(shell.Completer.custom_matchers) == completers


def test_a_name_that_another_extension_holds_is_left_alone(shell, declared, capsys):
    shell.run_line_magic("unload_ext", "nbdeploy")
    shell.register_magic_function(lambda _: "theirs", magic_kind="line", magic_name="status")
    shell.run_line_magic("load_ext", "nbdeploy")
    assert "%status belongs to another extension here; use %nbdeploy status." in capsys.readouterr().out
    assert shell.run_line_magic("status", "") == "theirs"
    assert isinstance(shell.run_line_magic("nbdeploy", "status"), flow.StatusReport)
    shell.run_line_magic("unload_ext", "nbdeploy")
    assert shell.run_line_magic("status", "") == "theirs"


# Parsing --------------------------------------------------------------------------------------------------------------


def test_the_sure_form_takes_every_verb(shell, declared):
    assert isinstance(shell.run_line_magic("nbdeploy", "objective churn"), flow.Declared)
    assert isinstance(shell.run_cell_magic("nbdeploy", "objective second", OBJECTIVE), flow.Declared)
    assert isinstance(shell.run_line_magic("nbdeploy", "signoff"), flow.PendingRequests)
    assert isinstance(shell.run_line_magic("nbdeploy", "audit --log"), flow.LogShown)
    with pytest.raises(ServiceError, match="no service"):
        shell.run_line_magic("nbdeploy", "down")


def test_quotes_keep_words_together(shell, empty_folder):
    made = shell.run_line_magic("nbdeploy", "init 'my project' --person \"Ana Author\"")
    assert made.root.name == "my project"
    assert made.person == "Ana Author"


def test_a_word_that_names_a_variable_is_that_variable_and_any_other_is_a_path(shell, declared):
    shell.user_ns["rows"] = pd.DataFrame({"churned": [0, 1], "sex": ["f", "m"]})
    with pytest.raises(DataError, match="predicted"):
        shell.run_line_magic("validate", "churn --predictions rows")
    with pytest.raises(DataError, match=r"rows\.csv"):
        shell.run_line_magic("validate", "churn --predictions rows.csv")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("--predictions rosw", "--predictions: there is no variable and no file 'rosw'; did you mean 'rows'?"),
        ("--model modl --data rows", "--model: there is no variable and no file 'modl'"),
        ("--data rows[:1]", "--data takes the name of a variable, or a path: give rows[:1] a name first"),
        ("--data rows.dropna()", "--data takes the name of a variable, or a path: give rows.dropna() a name first"),
        ("--train rows.T", "--train takes the name of a variable, or a path: give rows.T a name first"),
        ("--train nothing", "--train: the variable 'nothing' is None"),
    ],
)
def test_a_word_that_is_neither_a_variable_nor_a_path_is_told_before_anything_runs(shell, declared, line, said):
    shell.user_ns |= {"rows": pd.DataFrame({"churned": [0, 1], "sex": ["f", "m"]}), "nothing": None}
    assert shown(shell, f"%validate churn {line}") == f"UsageError: {said}\n"


def test_a_variable_that_a_file_is_named_like_does_not_hide_the_file(shell, declared):
    shell.user_ns["rows"] = pd.DataFrame({"churned": [0, 1], "sex": ["f", "m"]})
    Path("rows.T").write_bytes(b"")
    with pytest.raises(DataError, match=r"rows\.T is of no known kind"):
        shell.run_line_magic("validate", "churn --predictions rows.T")


def test_the_version_to_compare_with_reaches_the_run(shell, declared):
    shell.user_ns["rows"] = pd.DataFrame({"churned": [0, 1], "sex": ["f", "m"], "predicted": [0.2, 0.8]})
    with pytest.raises(ModelError, match="nothing can be compared with version '7'"):
        shell.run_line_magic("validate", "churn --predictions rows --previous 7")


def test_an_export_needs_a_card_and_a_known_form(shell, declared):
    with pytest.raises(ProjectError, match="no recorded validation of 'churn'"):
        shell.run_line_magic("card", "churn --export csv")
    with pytest.raises(CardError, match="there is no form 'cvs' of a card; did you mean 'csv'"):
        shell.run_line_magic("card", "churn --export cvs")


# Refusing -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("%validate", "the following arguments are required: name"),
        ("%validate churn --modle m", "unrecognized arguments: --modle m; did you mean '--model'?"),
        ("%validate churn --seed three", "argument --seed: invalid int value: 'three'"),
        ("%release churn launch", "argument action: invalid choice: 'launch'"),
        ('%validate churn --data "rows', 'No closing quotation in: churn --data "rows'),
        ("%nbdeploy valdate churn", "did you mean 'validate'?"),
        ("%nbdeploy down now", "%nbdeploy down takes no arguments"),
        ("%%nbdeploy status\nx", "%%nbdeploy status takes no cell; write %nbdeploy status"),
    ],
)
def test_a_wrong_argument_is_one_line(shell, declared, line, said):
    text = shown(shell, line).strip()
    assert text.startswith("UsageError: ")
    assert said in text
    assert len(text.splitlines()) == 1


def test_a_wrong_argument_is_a_usage_error(shell):
    with pytest.raises(UsageError):
        shell.run_line_magic("validate", "churn --modle m")


def test_an_objective_with_a_wrong_key_names_the_nearest(shell, project):
    text = shown(shell, f"%%objective churn\n{OBJECTIVE.replace('sensitive', 'sensitve')}")
    assert "ObjectiveError: E-OBJECTIVE" in text
    assert "'sensitive'" in text
    assert "Traceback" not in text
    with pytest.raises(ObjectiveError, match="did you mean 'roc_auc'"):
        shell.run_cell_magic("objective", "churn", OBJECTIVE.replace("roc_auc", "roc_ac"))


def test_a_refusal_is_one_sentence_without_traceback(shell, declared):
    text = shown(shell, "%card churn")
    assert "Traceback" not in text
    assert " ".join(text.split()) == (
        "ProjectError: E-PROJECT there is no recorded validation of 'churn'. "
        "Next: make one with: %nbdeploy validate churn --model … --data …"
    )
    assert all(len(line) <= 96 for line in text.splitlines())


@pytest.mark.parametrize("line", ["%status chrn", "%audit chrn", "%card chrn", "%card chrn --draft", "%objective chrn"])
def test_a_name_that_nothing_has_is_refused_and_not_found_in_order(shell, declared, line):
    text = " ".join(shown(shell, line).split())
    assert text == (
        "ObjectiveError: E-OBJECTIVE no objective 'chrn' is declared here; did you mean 'churn'? "
        "Next: declared are: churn"
    )


def test_an_objective_that_is_declared_no_longer_can_be_audited(shell, declared):
    (declared / "objectives" / "churn.yaml").unlink()
    assert "The chain of churn holds" in str(shell.run_line_magic("audit", "churn"))


def test_the_next_command_of_a_refusal_runs_in_a_cell(shell, empty_folder):
    text = " ".join(shown(shell, "%status").split())
    command = text.split("with: ")[1]
    assert command == "%nbdeploy init"
    assert "Project made in" in shown(shell, command)


def test_the_next_commands_of_a_result_are_magics(shell, project):
    result = shell.run_cell_magic("objective", "churn", OBJECTIVE)
    bundle = result._repr_mimebundle_()
    for form in ("text/plain", "text/html", "text/markdown"):
        assert "%nbdeploy validate churn --model" in bundle[form], form
    assert "  nbdeploy validate churn --model" in str(result)  # on a terminal it is the command


def test_what_is_declared_is_shown_whole(shell, project):
    text = OBJECTIVE.replace('{roc_auc: ">= 0.70"}', '{recall: {min: 0.5, group: sex, slice: "age > 60"}}')
    assert ">= 0.5 by sex where age > 60" in str(shell.run_cell_magic("objective", "churn", text))
    with pytest.raises(ObjectiveError, match=r"gates.performance.recall: the slice 'age > ' cannot be read"):
        shell.run_cell_magic("objective", "churn", text.replace("age > 60", "age > "))


def test_a_notebook_can_be_run_again_from_its_first_cell(shell, empty_folder):
    line = 'init . --person "Ana Author"'
    assert shell.run_line_magic("nbdeploy", line).made
    policy = Path("policy.toml").read_bytes()
    again = shell.run_line_magic("nbdeploy", line)
    assert not again.made
    assert "is as it was" in str(again)
    assert Path("policy.toml").read_bytes() == policy
    with pytest.raises(ProjectError, match="of Ana Author with the preset solo"):
        shell.run_line_magic("nbdeploy", "init . --preset team")
    with pytest.raises(ProjectError, match="of Ana Author with the preset solo"):
        shell.run_line_magic("nbdeploy", "init . --person Eva")


def test_an_objective_begins_from_the_example_without_a_terminal(shell, project):
    Path("objective.yaml").write_text(shown(shell, "%nbdeploy declare --example"))
    assert isinstance(shell.run_line_magic("nbdeploy", "declare objective.yaml"), flow.Declared)
    assert "demographic_parity_ratio" in shown(shell, "%nbdeploy declare --measures fairness")
    assert "did you mean 'fairness'" in shown(shell, "%nbdeploy declare --measures fairnes")
    assert "UsageError: name a file: %nbdeploy declare FILE" in shown(shell, "%nbdeploy declare")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # papermill and nbclient warn of each other
def test_papermill_stops_with_the_name_and_the_sentence(declared):
    cells = [nbformat.v4.new_code_cell(source) for source in ("%load_ext nbdeploy", "%card churn", "never = 1")]
    notebook = nbformat.v4.new_notebook(cells=cells)
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, Path("in.ipynb"))
    with pytest.raises(papermill.PapermillExecutionError) as stopped:
        papermill.execute_notebook("in.ipynb", "out.ipynb", progress_bar=False)
    assert stopped.value.ename == ProjectError.__name__
    assert stopped.value.evalue.startswith("E-PROJECT there is no recorded validation of 'churn'. Next: make one with")
    assert "Traceback" not in "".join(stopped.value.traceback)
    saved = nbformat.read("out.ipynb", as_version=4)
    assert saved.cells[-1].outputs == []
