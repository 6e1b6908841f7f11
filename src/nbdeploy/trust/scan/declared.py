"""What a model's own texts ask for: ``MLmodel``, requirements and environments, read without loading anything."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from packaging.requirements import InvalidRequirement, Requirement

from nbdeploy.trust.scan.content import named_finding
from nbdeploy.trust.scan.finding import ScanFinding
from nbdeploy.trust.scan.values import Named

MOST_NODES = 100_000
"""Of a YAML text once its aliases are written out. A text of 300 bytes can hold millions."""
MOST_BYTES = 10 * 1024**2

LOADERS = re.compile(
    r"mlflow\.(sklearn|xgboost|lightgbm|catboost|onnx|pytorch|tensorflow|keras|spark|statsmodels|prophet|h2o|paddle|spacy"
    r"|transformers|sentence_transformers|pmdarima|diviner|pyfunc\.model)"
)
_YAML = ("MLmodel", "python_env.yaml", "conda.yaml")
_ELSEWHERE = re.compile(
    r"^(-i|-f|-e|--(extra-)?index-url|--find-links|--editable|--trusted-host|-r|--requirement|-c)\b|://"
)


def scan_declared(folder: Path) -> Iterator[ScanFinding]:
    """Yield what the texts at the root of a model's folder ask for that a person should know."""
    read: dict[str, Any] = {}
    for name in _YAML:
        if (folder / name).is_file():
            found = tuple(_yaml_findings(folder / name, name))
            yield from found
            if not found:
                read[name] = yaml.safe_load((folder / name).read_bytes())
    if isinstance(read.get("MLmodel"), dict):
        yield from _mlmodel(read["MLmodel"])
    for name in ("requirements.txt", "conda.yaml"):
        yield from _requirements(name, _lines(folder / name, read.get(name)))


def named_files(folder: Path) -> tuple[str, ...]:
    """Return the files that ``MLmodel`` names as the model itself."""
    path = folder / "MLmodel"
    if not path.is_file() or any(_yaml_findings(path, "MLmodel")):
        return ()
    content = yaml.safe_load(path.read_bytes())
    flavors = content.get("flavors") if isinstance(content, dict) else None
    values = [flavor for flavor in (flavors or {}).values() if isinstance(flavor, dict)]
    keys = ("pickled_model", "model_path", "data", "python_model")
    return tuple({str(flavor[key]) for flavor in values for key in keys if isinstance(flavor.get(key), str)})


def _yaml_findings(path: Path, name: str) -> Iterator[ScanFinding]:
    """Yield why a text must not be given to a YAML loader; its events are read one by one, nothing is built."""
    if path.stat().st_size > MOST_BYTES:
        yield ScanFinding(name, "limit", f"it has more than {MOST_BYTES:,} bytes")
        return
    sizes: dict[str | None, int] = {}
    open_: list[tuple[str | None, int]] = []
    nodes = 0
    try:
        for event in yaml.parse(path.read_bytes(), Loader=yaml.SafeLoader):
            tag = getattr(event, "tag", None)
            if tag is not None and (not tag.startswith("tag:yaml.org,2002:") or "python" in tag):
                yield ScanFinding(name, "yaml", "a tag asks for more than plain values", tag[:80])
                return
            nodes += sizes.get(event.anchor, 0) if isinstance(event, yaml.AliasEvent) else _one(event)
            if isinstance(event, yaml.CollectionStartEvent):
                open_.append((event.anchor, nodes - 1))
            elif isinstance(event, yaml.CollectionEndEvent):
                anchor, before = open_.pop()
                sizes[anchor] = nodes - before
            if nodes > MOST_NODES:
                yield ScanFinding(name, "limit", f"its aliases stand for more than {MOST_NODES:,} entries")
                return
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        yield ScanFinding(name, "broken", f"it is no YAML ({type(error).__name__})")


def _one(event: yaml.Event) -> int:
    return isinstance(event, (yaml.ScalarEvent, yaml.CollectionStartEvent))


def _mlmodel(content: dict[str, Any]) -> Iterator[ScanFinding]:
    flavors = content.get("flavors")
    for flavor, told in flavors.items() if isinstance(flavors, dict) else ():
        if not isinstance(told, dict):
            continue
        loader = told.get("loader_module")
        if loader is not None and not LOADERS.fullmatch(str(loader)):
            yield ScanFinding("MLmodel", "loader", "it is loaded by a module of its own", str(loader)[:120])
        for key in ("code", "model_code_path"):
            if told.get(key):
                yield ScanFinding("MLmodel", "code", f"the flavour {flavor} brings code", str(told[key])[:120])
        trusted = told.get("skops_trusted_types") or told.get("trusted") or ()
        for name in trusted if isinstance(trusted, (list, tuple)) else ():
            module, _, attribute = str(name).rpartition(".")
            yield from named_finding("MLmodel", Named(module, attribute))


def _lines(path: Path, content: Any) -> list[str]:
    if not path.is_file() or path.stat().st_size > MOST_BYTES:
        return []
    if path.suffix == ".txt":
        return path.read_text("utf-8", "replace").splitlines()
    parts = content.get("dependencies") if isinstance(content, dict) else None
    lists = [part["pip"] for part in parts or () if isinstance(part, dict) and isinstance(part.get("pip"), list)]
    return [str(line) for lines in lists for line in lines]


def _requirements(name: str, lines: list[str]) -> Iterator[ScanFinding]:
    for line in lines:
        text = line.split(" #", maxsplit=1)[0].strip()
        if not text or text.startswith("#"):
            continue
        if _ELSEWHERE.search(text):
            yield ScanFinding(
                name, "source", "a package comes from elsewhere than the usual index", _hidden(text)[:120]
            )
            continue
        try:
            asked = Requirement(text)
        except InvalidRequirement:
            yield ScanFinding(name, "source", "it is no requirement of a version", text[:120])
            continue
        if not any(part.operator in {"==", "==="} for part in asked.specifier):
            yield ScanFinding(name, "source", "no version is fixed", text[:120])


def _hidden(text: str) -> str:
    """Take a password out of an address."""
    return re.sub(r"(?<=://)[^/\s@]+(?=@)", "…", text)
