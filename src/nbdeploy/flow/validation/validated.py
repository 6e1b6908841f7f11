"""What a validation gives back, and how it looks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbdeploy.documents.evidence import Evidence
from nbdeploy.documents.finding import Verdict
from nbdeploy.flow.show import Result, Shown, Table

EXIT_CODES: dict[Verdict, int] = {"pass": 0, "fail": 1, "inconclusive": 3, "not_evaluated": 3}


@dataclass(frozen=True)
class Validated(Result):
    """A finished validation: evidence and card in `folder`."""

    evidence: Evidence
    folder: Path
    recorded: bool
    sealed: Path | None = None

    @property
    def overall(self) -> Verdict:
        """The verdict over all gates."""
        return self.evidence.verdict.overall

    @property
    def exit_code(self) -> int:
        """1 a gate failed, 3 a gate is undecided or missing, 0 all pass."""
        return EXIT_CODES[self.overall]

    @property
    def card(self) -> Path:
        """The card's HTML file."""
        return self.folder / "card.html"

    def show(self) -> Shown:
        from nbdeploy.report.sections.outcomes import known_by_heart
        from nbdeploy.report.sections.summary import in_words
        from nbdeploy.report.views import HEADERS, verdict_rows, word

        evidence = self.evidence
        run = evidence.run
        what = (
            f"attempt {run.attempt}"
            if run.attempt
            else ("draft" if run.draft else ("sealed" if self.sealed else "not recorded"))
        )
        name = evidence.objective.name
        rows = verdict_rows(evidence)
        steps = [f"open {self.card}"]
        if self.recorded and self.overall != "fail":
            steps.append(f"nbdeploy deploy {name} --to production")
        elif self.sealed is not None:
            steps.append(
                f"nbdeploy ledger submit {self.sealed} --run {self.folder}   # where the ledger can be reached"
            )
        elif run.draft:
            steps.append(f"nbdeploy validate {name} … without --draft, to record it")
        return Shown(
            title=f"{name}, {what}: {word(evidence)}",
            lines=[in_words(evidence)],
            tables=[Table(HEADERS[:5], [row.cells[:5] for row in rows], advice=[row.cells[5] for row in rows])],
            notes=[*(f"{point.title}: {point.text}" for point in known_by_heart(evidence)), *evidence.warnings],
            next=steps,
        )

    def facts(self) -> dict[str, Any]:
        return {
            "objective": self.evidence.objective.name,
            "verdict": self.evidence.verdict.model_dump(),
            "attempt": self.evidence.run.attempt,
            "folder": str(self.folder),
            "sealed": str(self.sealed) if self.sealed else None,
        }
