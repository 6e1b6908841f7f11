"""Making a project, its keys and its policy; writing the schemas."""

from __future__ import annotations

import getpass
import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbdeploy.errors import ProjectError
from nbdeploy.flow.declaring import write_whole
from nbdeploy.flow.project import Project
from nbdeploy.flow.show import Result, Shown
from nbdeploy.settings import FILE, read_settings
from nbdeploy.trust.keys import create_key as write_key
from nbdeploy.trust.keys import load_key
from nbdeploy.trust.ledger.store import Ledger
from nbdeploy.trust.policy.file import read_policy


@dataclass(frozen=True)
class Initialised(Result):
    """A project, and whether it is new."""

    root: Path
    preset: str
    person: str
    made: bool = True

    def show(self) -> Shown:
        return Shown(
            title=f"Project made in {self.root}" if self.made else f"The project in {self.root} is as it was",
            lines=[f"Policy preset {self.preset}; this workstation works for {self.person}."],
            next=["nbdeploy declare --example   # an objective to start from", "nbdeploy declare objective.yaml"],
        )

    def facts(self) -> dict[str, Any]:
        return {"root": str(self.root), "preset": self.preset, "person": self.person, "made": self.made}


def init(folder: Path | str, *, preset: str, name: str | None = None, person: str | None = None) -> Initialised:
    """Make a project: settings, a policy from a preset, keys of this workstation and an empty ledger.

    One that is there already is left as it is, so that a notebook can be run again from its first cell.

    Raises
    ------
    ProjectError
        There is another one already, or the name cannot be one.
    """
    root = Path(folder).resolve()
    if (root / FILE).exists():
        return _unchanged(root, preset, name, person)
    project_name = name or re.sub(r"[^A-Za-z0-9._-]+", "-", root.name).strip("-.") or "project"
    owner = (person or _account()).strip()
    if not owner or re.search(r'[\x00-\x1f"\\]', owner):
        raise ProjectError(f"{owner!r} cannot be a person's name", next="give one with --person 'Ana Author'")
    keys = root / ".nbdeploy" / "keys"
    made = not root.exists()
    try:
        root.mkdir(parents=True, exist_ok=True)
        public = {
            service: write_key(keys / f"{service}.pem", None) for service in ("workstation", "controller", "ledger")
        }
        text = _policy_text(preset, owner, public)
        read_policy(text.encode())
        write_whole(root / "policy.toml", text.encode())
        for part in ("objectives", "validation"):
            (root / part).mkdir(exist_ok=True)
        _ignore_state(root)
        # The settings file comes last: it is what makes the folder a project.
        write_whole(root / FILE, f'[project]\nname = "{project_name}"\n'.encode())
        settings = read_settings(root / FILE)
        Ledger(settings.ledger_url, load_key(keys / "ledger.pem", None))
    except BaseException:
        shutil.rmtree(root if made else root / ".nbdeploy", ignore_errors=True)
        raise
    return Initialised(root, preset, owner)


def _unchanged(root: Path, preset: str, name: str | None, person: str | None) -> Initialised:
    """Return the project that is there; its error where something else is asked for."""
    project = Project(read_settings(root / FILE))
    has = (project.policy.preset, project.settings.project.name, project.person)
    asked = (preset, name or has[1], (person or has[2]).strip())
    if has != asked:
        raise ProjectError(
            f"{root} is a project already, {has[1]} of {has[2]} with the preset {has[0]}",
            next=f"change {FILE} or its policy there, or choose another folder",
        )
    return Initialised(root, preset, has[2], made=False)


def _policy_text(preset: str, owner: str, public: dict[str, str]) -> str:
    roles = '["author"]'
    return f"""# Who may do what. It belongs to whoever answers for the risk, not to the data scientists.
preset = "{preset}"
version = 1

[[people]]
name = "{owner}"
roles = {roles}
keys = []

[[services]]                      # signs what this person's notebook does: never an approval
name = "workstation"
roles = ["runner"]
person = "{owner}"
keys = [{{public = "{public["workstation"]}"}}]

[[services]]
name = "controller"
roles = ["deployer"]
keys = [{{public = "{public["controller"]}"}}]

[[services]]                      # signs the ledger's checkpoints: whoever reads it knows that it is this one
name = "ledger"
roles = ["ledger"]
keys = [{{public = "{public["ledger"]}"}}]

[models]                          # what is not named here is observed and never touched
"*" = "enforce"
"""


def _account() -> str:
    """Return how git or the account names the person."""
    import subprocess

    if shutil.which("git"):
        done = subprocess.run(["git", "config", "user.name"], capture_output=True, text=True, check=False)
        if done.returncode == 0 and done.stdout.strip():
            return done.stdout.strip()
    return getpass.getuser()


def _ignore_state(root: Path) -> None:
    file = root / ".gitignore"
    lines = file.read_text("utf-8").splitlines() if file.is_file() else []
    if ".nbdeploy/" not in lines:
        write_whole(file, ("\n".join([*lines, ".nbdeploy/"]) + "\n").encode())


def write_schemas(folder: Path) -> tuple[Path, ...]:
    """Write the JSON Schema of every document into `folder` and return the files."""
    from nbdeploy.documents.card import Card
    from nbdeploy.documents.crosswalk import Crosswalk
    from nbdeploy.documents.evidence import Evidence
    from nbdeploy.documents.objective import Objective
    from nbdeploy.documents.release import Release
    from nbdeploy.documents.request import Request
    from nbdeploy.documents.statements import Statement

    written = []
    for model in (Objective, Crosswalk, Evidence, Card, Request, Release, Statement):
        schema = model.model_json_schema(by_alias=True)
        schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
        schema["$id"] = f"urn:nbdeploy:schema:{model.__name__.lower()}:1"
        file = folder / f"{model.__name__.lower()}.schema.json"
        write_whole(file, (json.dumps(schema, indent=1, ensure_ascii=False) + "\n").encode())
        written.append(file)
    return tuple(written)
