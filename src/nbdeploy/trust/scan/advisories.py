"""Advisories about Python packages, read from files: OSV (JSON or YAML, as pypa/advisory-db keeps them), pip-audit.

Nothing is asked over a network. OSV: https://ossf.github.io/osv-schema/; pip-audit: ``pip-audit --format json``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from nbdeploy.errors import AdvisoryError
from nbdeploy.trust.scan.finding import ScanFinding

_FILES = (".json", ".yaml", ".yml")
_EVENTS = ("introduced", "fixed", "last_affected")


@dataclass(frozen=True)
class Advisory:
    """What is known of one package.

    Attributes
    ----------
    versions
        Exact versions, as they were published.
    ranges
        Each a list of (event, version) in order, with the events of OSV.
    fixed
        First versions without it; empty where there is none.
    """

    id: str
    package: str
    versions: frozenset[str]
    ranges: tuple[tuple[tuple[str, Version], ...], ...]
    fixed: tuple[str, ...]

    def holds(self, version: str) -> bool:
        """Whether a version is affected; one that cannot be compared is, where it is not known to be otherwise."""
        if version in self.versions:
            return True
        try:
            asked = Version(version)
        except InvalidVersion:
            return bool(self.ranges)
        known = {_version(text) for text in self.versions if _comparable(text)}
        return asked in known or any(_within(events, asked) for events in self.ranges)


class Advisories:
    """Advisories by package."""

    def __init__(self, advisories: Iterable[Advisory]) -> None:
        self._by_package: dict[str, list[Advisory]] = {}
        for one in advisories:
            self._by_package.setdefault(one.package, []).append(one)

    @classmethod
    def read(cls, where: Path) -> Advisories:
        """Read one file, or all files of a folder and below.

        Raises
        ------
        AdvisoryError
            A file cannot be read, or is of no form that is known.
        """
        if not where.exists():
            raise AdvisoryError(f"there are no advisories at {where}", next="mend [scan] advisories in nbdeploy.toml")
        files = (
            sorted(path for path in where.rglob("*") if path.suffix in _FILES and path.is_file())
            if where.is_dir()
            else [where]
        )
        if not files:
            raise AdvisoryError(f"{where} holds no advisory, which would be a .json or .yaml file")
        return cls(one for file in files for one in _of_file(file))

    def findings(self, asked: Mapping[tuple[str, str], str]) -> Iterator[ScanFinding]:
        """Yield a finding for each advisory that holds for a package; `asked` is (package, version) → file."""
        for (package, version), file in sorted(asked.items()):
            for one in sorted(self._by_package.get(package, ()), key=lambda one: one.id):
                if one.holds(version):
                    fixed = f"fixed in {' or '.join(one.fixed)}" if one.fixed else "no fixed version is known"
                    yield ScanFinding(
                        file, "vulnerable", f"it has a known weakness; {fixed}", f"{package} {version} {one.id}"
                    )


def _of_file(file: Path) -> Iterator[Advisory]:
    try:
        data = file.read_bytes()
        content = json.loads(data) if file.suffix == ".json" else yaml.load(data, Loader=_LOADER)  # noqa: S506 - a safe one
        yield from _of(content)
    except OSError as error:
        raise AdvisoryError(f"{file} cannot be read ({error.strerror})") from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, yaml.YAMLError) as error:
        problem = (str(error).splitlines() or [""])[0][:120]
        raise AdvisoryError(
            f"{file} holds no advisories of OSV or pip-audit ({type(error).__name__}: {problem})",
            next="mend it or take it out of [scan] advisories in nbdeploy.toml",
        ) from None


_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _of(content: Any) -> Iterator[Advisory]:
    if isinstance(content, list):
        for one in content:
            yield from _of(one)
    elif "dependencies" in content:
        for dependency in content["dependencies"]:
            yield from _pip_audit(dependency)
    elif "vulns" in content:
        yield from _of(content["vulns"])
    else:
        yield from _osv(content)


def _pip_audit(dependency: Mapping[str, Any]) -> Iterator[Advisory]:
    for vulnerability in dependency.get("vulns", ()):
        yield Advisory(
            id=_text(vulnerability["id"]),
            package=canonicalize_name(_text(dependency["name"])),
            versions=frozenset({_text(dependency["version"])}),
            ranges=(),
            fixed=tuple(_text(version) for version in vulnerability["fix_versions"]),
        )


def _osv(content: Mapping[str, Any]) -> Iterator[Advisory]:
    name = _text(content["id"])
    if content.get("withdrawn"):
        return
    for affected in content.get("affected", ()):
        about = affected["package"]
        if about["ecosystem"] != "PyPI":
            continue
        ranges = [one["events"] for one in affected.get("ranges", ()) if one["type"] == "ECOSYSTEM"]
        yield Advisory(
            id=name,
            package=canonicalize_name(_text(about["name"])),
            versions=frozenset(_text(version) for version in affected.get("versions", ())),
            ranges=tuple(_events(events) for events in ranges),
            fixed=tuple(_text(event["fixed"]) for events in ranges for event in events if "fixed" in event),
        )


def _events(events: Iterable[Mapping[str, Any]]) -> tuple[tuple[str, Version], ...]:
    found = [(kind, _version(event[kind])) for event in events for kind in _EVENTS if kind in event]
    return tuple(sorted(found, key=lambda event: event[1]))


def _within(events: Iterable[tuple[str, Version]], asked: Version) -> bool:
    """Whether a version is affected, by OSV's rule: events in order, the last one that applies decides."""
    affected = False
    for kind, version in events:
        if kind == "introduced" and asked >= version:
            affected = True
        elif (kind == "fixed" and asked >= version) or (kind == "last_affected" and asked > version):
            affected = False
    return affected


def _version(text: Any) -> Version:
    return Version(_text(text))


def _comparable(text: str) -> bool:
    try:
        Version(text)
    except InvalidVersion:
        return False
    return True


def _text(value: Any) -> str:
    """Return a text; a number is none, for YAML reads 1.10 as 1.1."""
    if not isinstance(value, str):
        raise TypeError(f"{value!r} should be a text")
    return value
