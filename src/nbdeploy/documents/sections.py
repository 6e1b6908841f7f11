"""The sections of a validation, in the order in which a card tells them."""

from __future__ import annotations

from typing import Literal

Section = Literal["data", "performance", "fairness", "robustness", "explainability", "operations"]
SECTIONS: tuple[Section, ...] = ("data", "performance", "fairness", "robustness", "explainability", "operations")
