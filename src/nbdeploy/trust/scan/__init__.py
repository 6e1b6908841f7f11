"""What the files of a model would do when they are loaded, found without loading any of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from nbdeploy.trust.scan.advisories import Advisories
from nbdeploy.trust.scan.content import scan_file
from nbdeploy.trust.scan.declared import read_declared
from nbdeploy.trust.scan.finding import ScanFinding

__all__ = ["Advisories", "Scan", "ScanFinding", "scan_model"]


@dataclass(frozen=True)
class Scan:
    """What the files of one model would do."""

    files: int
    findings: tuple[ScanFinding, ...]

    @property
    def unsafe_files(self) -> tuple[str, ...]:
        """Files of which something is refused outright."""
        return tuple(dict.fromkeys(one.path.split("!")[0] for one in self.findings if one.unsafe))

    @property
    def unknown_names(self) -> tuple[str, ...]:
        """Names that are looked up and on no list: a waiver must name each of them."""
        return tuple(sorted({one.subject for one in self.findings if one.rule == "unknown"}))


def scan_model(folder: Path, *, advisories: Advisories | None = None) -> Scan:
    """Look through all files of a model's folder, by their bytes and whatever their names.

    Nothing is loaded, imported or unpacked to disk. Whether names of files are plain, and none is a link, is the
    manifest's to say (`trust.digests`); here only regular files are opened.

    Parameters
    ----------
    advisories
        What is known of packages that the model asks for.
    """
    files = sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    declared = read_declared(folder)
    findings = list(declared.findings)
    if advisories is not None:
        findings += advisories.findings(declared.asked.fixed)
    for path in files:
        relative = path.relative_to(folder).as_posix()
        found = scan_file(path, relative, is_pickle=relative in declared.pickles, is_onnx=relative in declared.onnx)
        # A pickle of plain numbers harms nobody; as the model itself it cannot be what it says it is.
        findings += [one for one in found if one.rule != "empty" or relative in declared.models]
    return Scan(len(files), tuple(dict.fromkeys(findings)))
