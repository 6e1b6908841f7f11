"""What was looked at: the model, the rows it was measured on, and the rows it learned from."""

from __future__ import annotations

from nbdeploy.documents.card import Block, CardSection
from nbdeploy.documents.evidence import DataSubject, Evidence, ModelSubject
from nbdeploy.report import figures, wording
from nbdeploy.report.sections.facts import UNKNOWN, UNSTATED, facts, told


def model_details(evidence: Evidence) -> CardSection:
    """Who made which model, where it lies and what it is."""
    model, objective = evidence.subject.model, evidence.objective.content
    about: list[tuple[str, str | None]] = [
        ("Objective", f"{evidence.objective.name} (risk tier: {objective.risk_tier})"),
        ("Owner", objective.goal.owner or UNSTATED),
        ("Endpoint", objective.served_at),
    ]
    if model is None:
        lead = (
            "The model lives elsewhere. Only a file of its predictions was seen, so nothing below describes "
            "the model itself."
        )
        return CardSection(id="model", title="Model details", lead=lead, blocks=(facts(*about),))
    about += _stored(model, objective.governed_model)
    about += [(str(name).replace("_", " ").capitalize(), told(value)) for name, value in model.description.items()]
    lead = "Which model this card is about. Its fingerprint names the exact files: one changed byte changes it."
    return CardSection(id="model", title="Model details", lead=lead, blocks=(facts(*about, missing=UNKNOWN),))


def _stored(model: ModelSubject, governed: str) -> list[tuple[str, str | None]]:
    size = figures.number(model.size_bytes / 1e6, figures.Scale(unit="MB")) if model.size_bytes is not None else None
    return [
        ("Model", f"{model.name or governed}{f', version {model.version}' if model.version else ''}"),
        ("Stored at", model.uri),
        ("Kind", model.flavor),
        ("Size", size),
        ("Trained in run", model.run_id),
        ("Logged by", model.logged_by),
        ("Code version", model.commit),
        ("Inputs", _columns(model.inputs)),
        ("Outputs", _columns(model.outputs)),
        ("Libraries it asks for", ", ".join(model.requirements) or None),
        ("Licence, contact, citation", None),
        ("Fingerprint", model.digest),
    ]


def _columns(types: dict[str, str]) -> str | None:
    # One value a row is what everybody expects: MLflow writes it as a tensor of any length.
    return ", ".join(f"{name} ({kind.removesuffix(' [-1]')})" for name, kind in types.items()) or None


def evaluation_data(evidence: Evidence) -> CardSection:
    """What the numbers were measured on."""
    shown = [data for data in evidence.subject.data if data.role != "train"]
    lead = "The rows that every number on this card was measured on."
    blocks = (*(_dataset(data) for data in shown), _samples(evidence))
    return CardSection(id="evaluation-data", title="Evaluation data", lead=lead, blocks=blocks)


def _samples(evidence: Evidence) -> Block:
    """Tell on how many rows each section worked where it did not work on all, in one line a section."""
    sizes: dict[str, set[int]] = {}
    for finding in evidence.findings:
        if finding.sample and wording.counts(finding) == "row":
            sizes.setdefault(finding.section, set()).add(finding.sample)
    if not sizes:
        return Block(kind="text", text="Every measure used every row.")
    rows = tuple(
        (wording.section_name(section), f"{wording.listed([f'{size:,}' for size in sorted(drawn)], 'or')} rows")
        for section, drawn in sizes.items()
    )
    text = (
        f"Most measures used every row. Some measures of these sections take long for each row, so they used rows "
        f"drawn with the seed {evidence.run.seed}; which used how many stands beside each."
    )
    return Block(kind="facts", title="Measured on a sample", text=text, rows=rows)


_ROLES = {
    "evaluation": "Evaluated",
    "train": "Trained on",
    "reference": "Compared with (reference)",
    "predictions": "Predictions",
}


def _dataset(data: DataSubject) -> Block:
    columns = f"{len(data.columns)}: {', '.join(data.columns)}" if data.columns else UNKNOWN
    return facts(
        ("Name", data_name(data)),
        ("Rows", f"{data.rows:,}"),
        ("Columns", columns),
        ("Why this data, and how it was prepared", UNKNOWN),
        ("Fingerprint", data.digest),
        title=_ROLES[data.role],
    )


def data_name(data: DataSubject) -> str:
    """Return the name of a dataset; a table that only lived in a notebook's memory has none but its type's."""
    return "a table in memory, without a name of its own" if data.name == "DataFrame" else data.name


def training_data(evidence: Evidence) -> CardSection:
    """What the model learned from, or that nobody knows."""
    shown = [data for data in evidence.subject.data if data.role == "train"]
    if not shown:
        lead = (
            "Unknown. No training data was given to this run, so overlap with the evaluated rows could not be checked."
        )
        return CardSection(id="training-data", title="Training data", lead=lead)
    lead = (
        "The rows given as training data. They serve to look for leakage and drift; that the model learned "
        "from them is the word of whoever gave them."
    )
    return CardSection(
        id="training-data", title="Training data", lead=lead, blocks=tuple(_dataset(data) for data in shown)
    )
