"""The files of a recorded run, by name."""

from __future__ import annotations

OBJECTIVE, EVIDENCE, CARD = "objective.yaml", "evidence.json", "card.json"
HTML, MARKDOWN, JUNIT = "card.html", "card.md", "junit.xml"

RUN_FILES = (OBJECTIVE, EVIDENCE, CARD, HTML, MARKDOWN, JUNIT)
SIGNED_FILES = {EVIDENCE: "evidence", CARD: "card", HTML: "card.html", OBJECTIVE: "objective"}
"""Those that a validation signs, with the subject that it names each by; the others are made of them again."""
