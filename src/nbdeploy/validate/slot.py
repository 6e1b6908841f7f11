"""The slot of one notebook in a run's workspace: where it leaves what it measured."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

from nbdeploy.documents.measurement import Measurement
from nbdeploy.documents.record import strict_json

_SECONDS = "seconds"
"""In a slot's file beside the fields of a measurement, which is the same however long it took."""


def busy_mark(run: Path) -> Path:
    """Return the file that is there while notebooks are at work beside which nothing can be timed."""
    return run / "busy"


class Slot:
    """The folder of one notebook inside a workspace."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def name(self) -> str:
        """The notebook's name without its ending."""
        return self.folder.name

    @property
    def run(self) -> Path:
        """The folder of the workspace that the slot belongs to."""
        return self.folder.parent.parent

    @property
    def file(self) -> Path:
        """Where measurements go, one JSON object a line."""
        return self.folder / "measurements.jsonl"

    @property
    def finished(self) -> bool:
        """Whether the notebook reached ``context.finish()``."""
        return (self.folder / "finished").is_file()

    @property
    def waited(self) -> float:
        """Seconds that the notebook waited for the others to end."""
        file = self.folder / "waited"
        return float(file.read_text("ascii")) if file.is_file() else 0.0

    def wait_until_alone(self) -> float:
        """Wait while other notebooks are at work; return the seconds that it took.

        What ends the wait is the run: it takes its mark away when they have ended, and this process if it is stopped.
        """
        began, busy = time.perf_counter(), busy_mark(self.run)
        while busy.exists():
            time.sleep(0.02)
        waited = time.perf_counter() - began
        (self.folder / "waited").write_text(f"{waited:.3f}", "ascii")
        return waited

    def append(self, measurement: Measurement, seconds: float) -> None:
        """Add one measurement, and the time that it took."""
        content = measurement.model_dump(mode="json") | {_SECONDS: round(seconds, 4)}
        line = json.dumps(content, ensure_ascii=False, allow_nan=False)
        with self.file.open("a", encoding="utf-8") as stream:
            stream.write(line + "\n")

    def measurements(self) -> Iterator[Measurement]:
        """Yield what the notebook recorded.

        Raises
        ------
        ValueError, FormatError
            A line is not a measurement, or holds NaN or infinity: something else wrote into the slot.
        """
        yield from (measurement for measurement, _ in self.timed())

    def timed(self) -> Iterator[tuple[Measurement, float | None]]:
        """Yield what the notebook recorded, and the seconds that each took; None where something else wrote it.

        Raises
        ------
        ValueError, FormatError
            See `measurements`.
        """
        if self.file.is_file():
            for line in self.file.read_bytes().splitlines():
                content = strict_json(line)
                seconds = content.pop(_SECONDS, None) if isinstance(content, dict) else None
                yield Measurement.model_validate(content), float(seconds) if seconds is not None else None

    def finish(self) -> None:
        """Leave the mark that the last cell was reached."""
        (self.folder / "finished").touch()
