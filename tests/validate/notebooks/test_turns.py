from __future__ import annotations

import os
import signal
import threading
import time
from dataclasses import dataclass

import pytest

from nbdeploy.documents.sections import Section
from nbdeploy.validate.notebooks.turns import Turns


@dataclass(frozen=True)
class Sheet:
    """What `Turns` reads of a notebook."""

    section: Section
    waits: bool = False
    name: str = ""


FIVE = tuple(Sheet(section) for section in ("data", "performance", "fairness", "robustness", "explainability"))
TIMED, WAITING = Sheet("operations"), Sheet("operations", waits=True)


class Run:
    """Executes by noting when each began and ended; one that waits does so until the file is gone."""

    def __init__(self, folder, jobs):
        self.busy = folder / "busy"
        self.events: list[tuple[str, Sheet]] = []
        self.limits: dict[Sheet, int] = {}
        self.most = self._now = 0
        self._lock = threading.Lock()
        self.turns = Turns(self._execute, jobs)

    def _execute(self, sheet: Sheet, limits: int) -> Sheet:
        with self._lock:
            self.events.append(("begins", sheet))
            self.limits[sheet] = limits
            self._now += not sheet.waits
            self.most = max(self.most, self._now)
        while sheet.waits and self.busy.exists():
            time.sleep(0.005)
        time.sleep(0.02)
        with self._lock:
            self.events.append(("ends", sheet))
            self._now -= not sheet.waits
        return sheet

    def take(self, *sheets: Sheet, draft: bool = False):
        self.turns.take(sheets, self.busy, draft=draft)
        assert set(self.turns.end(lambda: None)) == set(sheets)
        return self.events


@pytest.mark.parametrize("jobs", [1, 2, 4])
def test_what_times_the_model_begins_when_all_others_have_ended(tmp_path, jobs):
    run = Run(tmp_path, jobs)
    events = run.take(TIMED, *FIVE)
    assert events[-2:] == [("begins", TIMED), ("ends", TIMED)]
    assert run.most <= jobs


@pytest.mark.parametrize("jobs", [1, 2, 4])
def test_one_that_waits_begins_beside_the_last_and_ends_alone(tmp_path, jobs):
    run = Run(tmp_path, jobs)
    events = run.take(WAITING, *FIVE)
    assert events[-1] == ("ends", WAITING)
    begun = events.index(("begins", WAITING))
    ended_before = sum(kind == "ends" for kind, _ in events[:begun])
    assert ended_before >= len(FIVE) - 2 * jobs
    if jobs == 1:
        assert ended_before == len(FIVE)  # one at a time is one at a time
    assert run.limits[WAITING] == 2
    assert not run.busy.exists()


def test_of_two_that_wait_only_one_begins_beside_the_others(tmp_path):
    another = Sheet("operations", waits=True, name="another")
    events = Run(tmp_path, 2).take(WAITING, another, *FIVE)
    assert events[-3:] == [("ends", WAITING), ("begins", another), ("ends", another)]


def test_in_a_draft_nothing_is_alone_and_the_slow_ones_begin(tmp_path):
    events = Run(tmp_path, 1).take(*FIVE, WAITING, draft=True)
    begun = [sheet.section for kind, sheet in events if kind == "begins"]
    assert begun[:3] == ["explainability", "robustness", "operations"]


def test_after_ctrl_c_nothing_begins_and_what_ran_is_told(tmp_path):
    run, stop = Run(tmp_path, 1), threading.Event()

    def interrupted(sheet: Sheet, _: int) -> Sheet:
        if sheet.section == "robustness":
            os.kill(os.getpid(), signal.SIGINT)
            assert stop.wait(10)
        return sheet

    run.turns = Turns(interrupted, 1)
    with pytest.raises(KeyboardInterrupt):
        run.turns.take(FIVE, run.busy, draft=False)
    assert [each.section for each in run.turns.end(stop.set)] == ["explainability", "robustness"]
