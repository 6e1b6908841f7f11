from __future__ import annotations

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
    for name in ("card.md", "evidence.json"):
        with placed(final) as building:
            (building / name).write_text("x")
    assert [entry.name for entry in final.iterdir()] == ["evidence.json"]


def test_an_empty_folder_is_taken(tmp_path):
    final = tmp_path / "out"
    final.mkdir()
    with placed(final) as building:
        (building / "evidence.json").touch()
    assert (final / "evidence.json").exists()


def test_somebody_elses_folder_is_never_replaced(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(ProjectError, match=r"holds other files \(thesis.txt\)"), placed(tmp_path):
        pytest.fail("must not begin")
    assert (tmp_path / "thesis.txt").exists()
