"""The last section of a card: every digest, and how to check each with ordinary tools."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from nbdeploy.documents.card import Block, CardSection
from nbdeploy.documents.evidence import Evidence, NotebookRun
from nbdeploy.report.sections.facts import told

MODEL_LINE = (
    "cd MODEL_FOLDER && find . -type f ! -path ./registered_model_meta -printf '%P\\n' "
    "| LC_ALL=C sort | tr '\\n' '\\0' | xargs -0 sha256sum | sha256sum"
)


def verification(evidence: Evidence, digest: str, templates: Mapping[str, str]) -> CardSection:
    """Return the digests of everything this card rests on, and the commands that confirm them."""
    subject, run = evidence.subject, evidence.run
    digests = [("evidence.json", digest), ("objective.yaml", evidence.objective.digest)]
    if subject.model is not None:
        digests.append((f"Model {subject.model.uri}", subject.model.digest))
    digests += [(f"Data ({data.role}): {data.name}", data.digest) for data in subject.data]
    digests += [(f"templates/card/{name} (the project's own)", known) for name, known in templates.items()]
    notebooks: list[tuple[str, str]] = []
    for notebook in subject.notebooks:
        notebooks.append((f"{notebook.name} as written", notebook.source_digest))
        executed = notebook.executed_digest or f"none: {notebook.reason or notebook.status.replace('_', ' ')}"
        notebooks.append((f"{notebook.name} as executed", executed))
        notebooks += _time(notebook)
    seconds = (run.finished - run.started).total_seconds()
    ran = (
        ("Run", run.id),
        ("Run by", f"{run.by} on {run.host}"),
        ("Started", f"{run.started:%Y-%m-%d %H:%M:%S %Z}".strip()),
        ("Took", f"{seconds:,.0f} s"),
        ("Seed", str(run.seed)),
        ("nbdeploy", run.nbdeploy),
        *(
            (str(name).replace("_", " ").capitalize(), told(value))
            for name, value in subject.parameters.items()
            if name != "seed" or value != run.seed
        ),
    )
    shell = [
        "# must print the two digests above",
        "sha256sum evidence.json objective.yaml",
        "# must agree with the summary of this card",
        "jq .verdict evidence.json",
        "# must be the digest of evidence.json",
        "jq -r .evidence card.json",
    ]
    if subject.model is not None:
        shell += ["# must print the model's digest", MODEL_LINE]
    blocks = [
        Block(kind="facts", title="Fingerprints (SHA-256)", rows=tuple(digests), options={"mono": True}),
        Block(kind="text", title="Check them with ordinary tools", text="\n".join(shell), options={"code": True}),
        Block(kind="facts", title="How it was run", rows=ran),
    ]
    if notebooks:
        blocks.append(
            Block(kind="facts", title="Notebooks", rows=tuple(notebooks), options={"mono": True, "folded": True})
        )
    if subject.environment:
        rows = tuple(sorted(subject.environment.items()))
        blocks.append(Block(kind="facts", title="Software environment", rows=rows, options={"folded": True}))
    lead = (
        "This page is made from card.json, which is made from evidence.json. Nothing on it needs to be "
        "believed: every file can be checked."
    )
    return CardSection(id="verification", title="Verification", lead=lead, blocks=tuple(blocks))


def _time(notebook: NotebookRun) -> Iterator[tuple[str, str]]:
    """Yield how long a notebook took, and when, where it did not run anew because all its inputs were the same."""
    took = f"{notebook.seconds:,.1f} s" if notebook.seconds is not None else ""
    if notebook.reused is not None:
        took += f", in the run of {notebook.reused:%Y-%m-%d %H:%M:%S} UTC, on the same inputs; not run again since"
    if took:
        yield f"{notebook.name} took", took
