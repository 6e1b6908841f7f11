"""What a model asks to be installed: requirements, a conda environment, a Python environment."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from nbdeploy.trust.scan.finding import ScanFinding
from nbdeploy.trust.scan.texts import MOST_BYTES

_ELSEWHERE = re.compile(
    r"^(-i|-f|-e|--(extra-)?index-url|--find-links|--editable|--trusted-host|-r|--requirement|-c)\b|://"
)
_HASH = re.compile(r"\s+--hash=sha(256|384|512):[0-9a-f]+")
_TOOLS = ("pip", "setuptools", "wheel", "python")
"""What installs the others: MLflow leaves their versions open."""
_CHANNELS = ("conda-forge", "defaults", "nodefaults")


class Asked:
    """What was asked for: findings about it, and the packages whose version is fixed."""

    def __init__(self) -> None:
        self.findings: list[ScanFinding] = []
        self.fixed: dict[tuple[str, str], str] = {}
        """(package, version) → the file that names it first."""

    def read_requirements(self, path: Path, name: str) -> None:
        """Read a requirements file."""
        if not path.is_file():
            return
        if path.stat().st_size > MOST_BYTES:
            self.findings.append(ScanFinding(name, "limit", f"it has more than {MOST_BYTES:,} bytes"))
            return
        self._lines(name, path.read_text("utf-8", "replace").splitlines())

    def read_conda(self, content: Any, name: str) -> None:
        """Read a conda environment: its channels, its own packages and those of pip."""
        if not isinstance(content, dict):
            return
        for channel in _list(content.get("channels")):
            if channel not in _CHANNELS:
                self._source(name, "packages come from elsewhere than the usual channel", str(channel))
        for part in _list(content.get("dependencies")):
            if isinstance(part, dict):
                for lines in part.values():
                    self._lines(name, [str(line) for line in _list(lines)])
            else:
                self._conda(name, str(part))

    def read_python(self, content: Any, name: str) -> None:
        """Read a Python environment as MLflow writes it."""
        if not isinstance(content, dict):
            return
        for key in ("build_dependencies", "dependencies"):
            lines = [str(line) for line in _list(content.get(key))]
            self._lines(name, [line for line in lines if line.strip() != "-r requirements.txt"])

    def _conda(self, name: str, text: str) -> None:
        package, *rest = re.split(r"[=<>!~ ]", text, maxsplit=1)
        if "::" in text or "/" in text:
            self._source(name, "a package comes from elsewhere than the usual channel", text)
        elif package not in _TOOLS and not (rest and re.search(r"=[0-9][\w.]*(=\w+)?$", text)):
            self._source(name, "no version is fixed", text)

    def _lines(self, name: str, lines: list[str]) -> None:
        for line in lines:
            text = _HASH.sub("", re.split(r"\s#", line, maxsplit=1)[0].rstrip("\\")).strip()
            if not text or text.startswith("#") or re.fullmatch(r"--hash=sha(256|384|512):[0-9a-f]+", text):
                continue
            if _ELSEWHERE.search(text):
                self._source(name, "a package comes from elsewhere than the usual index", _hidden(text))
                continue
            try:
                self._requirement(name, text, Requirement(text))
            except InvalidRequirement:
                self._source(name, "it is no requirement of a version", text)

    def _requirement(self, name: str, text: str, asked: Requirement) -> None:
        exact = [
            part.version
            for part in asked.specifier
            if part.operator in {"==", "==="} and not part.version.endswith("*")
        ]
        if exact:
            self.fixed.setdefault((canonicalize_name(asked.name), exact[0]), name)
        elif canonicalize_name(asked.name) not in _TOOLS:
            self._source(name, "no version is fixed", text)

    def _source(self, name: str, says: str, subject: str) -> None:
        self.findings.append(ScanFinding(name, "source", says, subject))


def _list(value: Any) -> list[Any]:
    if isinstance(value, list):
        return value
    return [] if value is None else [value]


def _hidden(text: str) -> str:
    """Take a password out of an address."""
    return re.sub(r"(?<=://)[^/\s@]+(?=@)", "…", text)
