from __future__ import annotations

from pathlib import Path

import pytest

from nbdeploy.errors import ProjectError
from nbdeploy.validate.placing import placed


def test_a_folder_appears_whole(tmp_path):
    final = tmp_path / "runs" / "0001"
    with placed(final) as building:
        (building / "evidence.json").write_text("{}")
        assert not final.exists()
    assert (final / "evidence.json").read_text() == "{}"
    assert [entry.name for entry in final.parent.iterdir()] == ["0001"]


def test_nothing_stays_of_a_run_that_broke_off(tmp_path):
    final = tmp_path / "draft"
    with placed(final) as building:
        (building / "evidence.json").write_text("old")
    with pytest.raises(KeyboardInterrupt), placed(final) as building:  # noqa: PT012 - what is written first is the point
        (building / "evidence.json").write_text("new")
        raise KeyboardInterrupt
    assert (final / "evidence.json").read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["draft"]


def test_a_run_folder_is_replaced_whole(tmp_path):
    final = tmp_path / "draft"
    for names in (("card.md", "evidence.json"), ("evidence.json",)):
        with placed(final) as building:
            for name in names:
                (building / name).write_text("x")
    assert [entry.name for entry in final.iterdir()] == ["evidence.json"]


def test_an_empty_folder_is_taken(tmp_path):
    final = tmp_path / "out"
    final.mkdir()
    with placed(final) as building:
        (building / "evidence.json").touch()
    assert (final / "evidence.json").exists()


def test_other_files_stay_and_only_what_runs_write_is_replaced(tmp_path):
    final = tmp_path / "out"
    final.mkdir()
    (final / "thesis.txt").write_text("years of work")
    for verdict in ("first", "second"):
        with placed(final) as building:
            (building / "evidence.json").write_text(verdict)
            (building / "notebooks").mkdir()
            (building / "notebooks" / f"{verdict}.ipynb").touch()
            if verdict == "first":
                (building / "card.md").touch()
    assert sorted(entry.name for entry in final.iterdir()) == ["evidence.json", "notebooks", "thesis.txt"]
    assert (final / "thesis.txt").read_text() == "years of work"
    assert (final / "evidence.json").read_text() == "second"
    assert [entry.name for entry in (final / "notebooks").iterdir()] == ["second.ipynb"]
    assert [entry.name for entry in tmp_path.iterdir()] == ["out"]


def test_the_last_run_stays_where_the_next_cannot_take_its_place(tmp_path, monkeypatch):
    final = tmp_path / "out"
    final.mkdir()
    (final / "thesis.txt").touch()
    with placed(final) as building:
        (building / "evidence.json").write_text("first")
        (building / "card.md").write_text("first")
    rename, calls = Path.rename, []

    def full(self, target):
        calls.append(target)
        if len(calls) == 4:
            raise OSError(28, "No space left on device")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", full)
    with pytest.raises(ProjectError, match="No space left"), placed(final) as building:  # noqa: PT012 - as above
        (building / "evidence.json").write_text("second")
        (building / "card.md").write_text("second")
    assert {(final / name).read_text() for name in ("evidence.json", "card.md")} == {"first"}
    assert (final / "thesis.txt").exists()
    assert [entry.name for entry in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("name", ["notebooks/own.ipynb", "objective.yaml"])
def test_what_no_run_wrote_is_never_replaced(tmp_path, name):
    file = tmp_path / name
    file.parent.mkdir(exist_ok=True)
    file.write_text("years of work")
    with pytest.raises(ProjectError, match="which no run wrote"), placed(tmp_path):
        pytest.fail("must not begin")
    assert file.read_text() == "years of work"
