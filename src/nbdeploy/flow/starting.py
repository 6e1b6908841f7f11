"""Making a project, its keys and its policy; writing the schemas."""

from __future__ import annotations

import getpass
import json
import os
import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbdeploy.errors import KeyFileError, PolicyError, ProjectError
from nbdeploy.flow.declaring import write_whole
from nbdeploy.flow.project import Project
from nbdeploy.flow.show import Result, Shown, Table
from nbdeploy.settings import FILE, read_settings
from nbdeploy.trust.keys import create_key as write_key
from nbdeploy.trust.keys import is_encrypted, load_key
from nbdeploy.trust.ledger import Ledger
from nbdeploy.trust.policy import Policy
from nbdeploy.trust.policy_file import read_policy


@dataclass(frozen=True)
class Initialised(Result):
    """A new project."""

    root: Path
    preset: str
    person: str

    def show(self) -> Shown:
        return Shown(
            title=f"Project made in {self.root}",
            lines=[f"Policy preset {self.preset}; this workstation works for {self.person}."],
            next=["nbdeploy declare --example > objective.yaml", "nbdeploy declare objective.yaml"],
        )

    def facts(self) -> dict[str, Any]:
        return {"root": str(self.root), "preset": self.preset, "person": self.person}


@dataclass(frozen=True)
class PolicyShown(Result):
    """A policy in words."""

    file: Path
    policy: Policy
    note: str = ""

    def show(self) -> Shown:
        policy = self.policy
        people = [(p.name, ", ".join(p.roles), str(len(p.keys))) for p in policy.people]
        services = [(s.name, ", ".join(s.roles), s.person or "") for s in policy.services]
        rules = [
            (name, str(rule.approvals), " or ".join(rule.by) or "nobody", rule.inconclusive, rule.failed)
            for name, rule in policy.environments.items()
        ]
        return Shown(
            title=f"Policy {self.file.name}, preset {policy.preset}, version {policy.version}",
            lines=[self.note] if self.note else [],
            tables=[
                Table(("environment", "signatures", "by", "undecided gates", "failed gates"), rules),
                Table(("person", "roles", "keys"), people),
                Table(("service", "roles", "works for"), services),
            ],
        )


def init(folder: Path | str, *, preset: str, name: str | None = None, person: str | None = None) -> Initialised:
    """Make a project: settings, a policy from a preset, keys of this workstation and an empty ledger.

    Raises
    ------
    ProjectError
        There is one already, or the name cannot be one.
    """
    root = Path(folder).resolve()
    if (root / FILE).exists():
        raise ProjectError(f"{root} is a project already", next=f"change {FILE} there, or choose another folder")
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


def key_folder() -> Path:
    """Return where a person's keys lie: ``NBDEPLOY_KEYS``, or ``.nbdeploy/keys`` in the home folder."""
    return Path(os.environ.get("NBDEPLOY_KEYS") or Path.home() / ".nbdeploy" / "keys")


def find_key(given: Path) -> Path:
    """Return the key file that `given` names: a path, or a name in the key folder."""
    if given.is_file():
        return given
    named = key_folder() / f"{_file_name(str(given))}.pem"
    if named.is_file():
        return named
    raise KeyFileError(
        f"there is no key file {given}, and none of that name in {key_folder()}",
        next="make one with: nbdeploy key create NAME",
    )


def _file_name(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "key"


def create_key(name: str, *, file: Path | None = None, passphrase: bytes | None = None) -> tuple[Path, str]:
    """Make an ed25519 key and return its file and its public half (``ed25519:…``)."""
    path = file or key_folder() / f"{_file_name(name)}.pem"
    return path, write_key(path, passphrase)


def public_key(file: Path, passphrase: Callable[[], bytes]) -> str:
    """Return the public half of a key; the passphrase is only asked for when the key has one."""
    path = find_key(file)
    return load_key(path, passphrase() if is_encrypted(path) else None).public


def show_policy(file: Path | None = None) -> PolicyShown:
    """Read a policy, the project's unless a file is named, and say who may do what."""
    path = file or Project.require().settings.policy_file
    if not path.is_file():
        raise PolicyError(f"there is no file {path}")
    return PolicyShown(path, read_policy(path.read_bytes()))


def add_person(person: str, *, roles: Sequence[str], public: str) -> PolicyShown:
    """Name a person with a key in the project's policy.

    Raises
    ------
    PolicyError
        The name is taken, or the policy would not be readable with it.
    """
    project = Project.require()
    file = project.settings.policy_file
    if any(known.name == person for known in project.policy.people):
        raise PolicyError(
            f"the policy already names {person}", next=f"add a key or a role to that entry in {file.name}"
        )
    quoted = json.dumps(person, ensure_ascii=False)
    listed = ", ".join(json.dumps(role) for role in roles)
    before = file.read_text("utf-8")
    added = f"[[people]]\nname = {quoted}\nroles = [{listed}]\nkeys = [{{public = {json.dumps(public)}}}]\n"
    # Tables of a list may stand anywhere in TOML, but reading is easier when people stand together.
    head, mark, tail = before.partition("[[services]]")
    text = f"{head}{added}\n{mark}{tail}" if mark else f"{before.rstrip()}\n\n{added}"
    policy = read_policy(text.encode())
    write_whole(file, text.encode())
    return PolicyShown(file, policy, f"{person} may now act as {' and '.join(roles)} in this project's copy.")


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
