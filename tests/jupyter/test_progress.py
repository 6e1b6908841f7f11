"""Progress as a notebook keeps it: one display, whose last state says how it went."""

from __future__ import annotations

import signal
from contextlib import suppress

import pytest
from IPython.utils.capture import capture_output

from nbdeploy.documents.progress import Progress
from nbdeploy.jupyter.progress import NotebookProgress


def step(part: str, state: str, **more) -> Progress:
    return Progress(stage="notebooks", part=part, state=state, **more)


def stored(shell, *steps: Progress, stopped: bool = False) -> dict[str, str]:
    """Return the last state of the display, and hold it to be one display."""
    with capture_output() as captured, suppress(KeyboardInterrupt), NotebookProgress(interval=0) as watch:
        for each in steps:
            watch(each)
        if stopped:
            signal.raise_signal(signal.SIGINT)
    first, *updates = captured.outputs
    assert {output.transient["display_id"] for output in captured.outputs} == {first.transient["display_id"]}
    assert all(output.update for output in updates)
    return captured.outputs[-1].data


def test_what_went_well_is_one_folded_line(shell):
    last = stored(shell, step("data", "running", done=1, total=2), step("data", "done"))
    assert last["text/html"].startswith("<details><summary>Done after 0 s: 1 of 1 part done</summary>")
    assert 'value="1.00"' in last["text/html"]
    assert last["text/plain"].splitlines() == ["Done after 0 s: 1 of 1 part done", "  notebooks: data: done"]


def test_a_part_that_failed_stays_in_sight_with_its_reason(shell):
    last = stored(shell, step("data", "done"), step("fairness", "failed", detail="cell 3 raised <KeyError>"))
    assert last["text/html"].startswith("<details open>")
    assert "cell 3 raised &lt;KeyError&gt;" in last["text/html"]
    assert "1 of 2 parts done" in last["text/plain"]


def test_nothing_seems_to_run_once_it_was_stopped(shell):
    last = stored(shell, step("data", "running"), step("fairness", "waiting"), stopped=True)
    assert last["text/plain"].splitlines() == [
        "Stopped after 0 s: 0 of 2 parts done",
        "  notebooks: data: not finished",
        "  notebooks: fairness: not begun",
    ]
    assert "running" not in last["text/html"]


@pytest.mark.usefixtures("shell")
def test_a_verb_that_tells_nothing_shows_nothing():
    with capture_output() as captured, NotebookProgress():
        pass
    assert captured.outputs == []
