from __future__ import annotations

from pathlib import Path

import pytest

from nbdeploy.errors import ProjectError, SettingsError
from nbdeploy.settings import find_settings, read_settings, require_settings


def write(folder: Path, text: str) -> Path:
    file = folder / "nbdeploy.toml"
    file.write_text(text, "utf-8")
    return file


def test_a_relative_store_belongs_to_the_project_and_not_to_where_one_stands(empty_folder: Path):
    settings = read_settings(write(empty_folder, '[project]\nname = "p"\n'))
    assert settings.ledger_url == f"sqlite:///{empty_folder}/.nbdeploy/ledger.db"


def test_settings_are_found_from_a_folder_below(empty_folder: Path):
    write(empty_folder, '[project]\nname = "p"\n')
    below = empty_folder / "a" / "b"
    below.mkdir(parents=True)
    found = find_settings(below)
    assert found
    assert found.root == empty_folder


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[project]\nname = "p"\n[mlflw]\n', "did you mean 'mlflow'?"),
        ('[project]\nname = "p"\nobjektives = "x"\n', "did you mean 'objectives'?"),
        ("[project]\n", "project.name"),
        ("[project\n", "is not TOML"),
        ("[project]\nname = 3\n", "wrong value for 'project.name'"),
    ],
)
def test_a_mistake_is_one_sentence(empty_folder: Path, text: str, says: str):
    with pytest.raises(SettingsError) as caught:
        read_settings(write(empty_folder, text))
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_outside_of_a_project_the_next_command_is_named(empty_folder: Path):
    with pytest.raises(ProjectError, match="nbdeploy init"):
        require_settings(empty_folder)
