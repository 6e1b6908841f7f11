from __future__ import annotations

from nbdeploy.documents.evidence import NotebookRun
from nbdeploy.documents.measurement import Measurement
from nbdeploy.validate.notebooks.execute import Executed
from nbdeploy.validate.notebooks.notebook import choose
from nbdeploy.validate.verdict.silence import silences

SECTIONS = ("data", "performance", "robustness", "explainability")


def executed(section, name, reason="", metric=None):
    (notebook,) = choose((section,))
    status = "failed" if reason else "completed"
    run = NotebookRun(section=section, name=f"{name}.ipynb", source_digest="sha256:0", status=status, reason=reason)
    measurements = (Measurement(section=section, metric=metric, value=1.0),) if metric else ()
    return Executed(notebook, run, measurements)


def reasons(objective, runs, *, has_model=False, changed=False):
    found = silences(objective, SECTIONS, runs, has_model=has_model, changed=changed)
    return {name: silent.reason for name, silent in found.items()}


def test_each_silent_section_says_why(declare):
    said = reasons(declare(), [executed("data", "data", "its kernel died"), executed("performance", "performance")])
    assert said["data"] == "data.ipynb gave no evidence: its kernel died"
    assert "only its predictions were given" in said["explainability"]
    assert said["operations"] == "the section was not run"
    assert "performance" not in said


def test_changed_predictions_silence_every_section_that_ran(declare):
    said = reasons(declare(), [executed("data", "data")], has_model=True, changed=True)
    assert all("were changed" in said[section] for section in SECTIONS)


def test_a_broken_notebook_of_the_project_is_blamed_for_its_own_measures_only(declare):
    objective = declare(gates={"data": {"label_delay": "<= 3", "missing_share": "<= 0.1", "age_gap": "<= 1"}})
    runs = [
        executed("data", "data", metric="age_gap"),
        executed("data", "data_labels", "the cell “1/0” raised ZeroDivisionError: division by zero"),
    ]
    said = reasons(objective, runs)
    assert "data_labels.ipynb gave no evidence" in said["data.label_delay"]
    assert not {"data", "data.missing_share", "data.age_gap"} & set(said)
