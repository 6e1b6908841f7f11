"""What users install holds what users copy: the wheel carries the templates, and one loader finds them either way."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

from nbdeploy import templates

ROOT = Path(__file__).resolve().parents[2]


def test_the_wheel_carries_the_templates_and_finds_them(tmp_path: Path):
    from hatchling.builders.wheel import WheelBuilder

    (wheel,) = WheelBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"])
    installed = tmp_path / "installed"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(installed)
        names = set(archive.namelist())
    assert "nbdeploy/py.typed" in names
    assert "nbdeploy/documents/measures.toml" in names
    script = (
        f"import sys; sys.path.insert(0, {str(installed)!r}); from nbdeploy import templates; "
        "print(templates.path('validation', 'fairness.ipynb').read_bytes() and templates.root())"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert Path(done.stdout.strip()).is_relative_to(installed)
    shipped = {path.relative_to(templates.root()).as_posix() for path in templates.root().rglob("*") if path.is_file()}
    assert shipped == {name.removeprefix("nbdeploy/_templates/") for name in names if "/_templates/" in name}


def test_an_editable_installation_finds_the_templates_at_the_root():
    assert templates.root() == ROOT / "templates"
