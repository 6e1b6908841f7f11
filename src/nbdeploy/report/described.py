"""The sections of a card that tell what was declared: purpose, people, data, plans. What is unknown is named."""

from __future__ import annotations

from collections.abc import Iterator

from nbdeploy.documents.card import Block, CardSection
from nbdeploy.documents.evidence import DataSubject, Evidence, Run
from nbdeploy.documents.objective import Gate, Objective
from nbdeploy.documents.record import group_label
from nbdeploy.report import wording

UNKNOWN = "Unknown: not recorded"
UNSTATED = "Not stated in the objective"
Rows = tuple[tuple[str, str], ...]


def facts(*rows: tuple[str, str | None], title: str = "", missing: str = UNSTATED) -> Block:
    """Return a block of facts; an absent one says so instead of vanishing."""
    return Block(kind="facts", title=title, rows=tuple((name, value or missing) for name, value in rows))


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
    size = f"{model.size_bytes / 1e6:,.2f} MB" if model.size_bytes is not None else None
    about += [
        ("Model", f"{model.name or objective.governed_model}{f', version {model.version}' if model.version else ''}"),
        ("Stored at", model.uri),
        ("Kind", model.flavor),
        ("Size", size),
        ("Trained in run", model.run_id),
        ("Logged by", model.logged_by),
        ("Code version", model.commit),
        ("Fingerprint", model.digest),
    ]
    about += [(str(name).replace("_", " ").capitalize(), told(value)) for name, value in model.description.items()]
    lead = "Which model this card is about. Its fingerprint names the exact files: one changed byte changes it."
    return CardSection(id="model", title="Model details", lead=lead, blocks=(facts(*about, missing=UNKNOWN),))


def told(value: object) -> str:
    """Return a free-form value as words, without brackets and quotes of a programming language."""
    if isinstance(value, dict):
        return "; ".join(f"{name}: {told(inner)}" for name, inner in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(told(inner) for inner in value)
    return str(value)


def intended_use(evidence: Evidence) -> CardSection:
    """What it is for, for whom, and what it must not be used for."""
    goal = evidence.objective.content.goal
    blocks = [
        facts(
            ("Business goal", goal.business),
            ("What the model does", goal.ai),
            ("Intended use", goal.intended_use),
            ("Not to be used for", "; ".join(goal.out_of_scope)),
            ("Used by", ", ".join(goal.users)),
            ("People affected", ", ".join(goal.affected)),
        )
    ]
    rows = [
        (
            kpi.name,
            f"now {_or_unknown(kpi.now)}, target {_or_unknown(kpi.target)}"
            + (f" by {kpi.by:%-d %B %Y}" if kpi.by else ", no date set")
            + (f" ({kpi.measured})" if kpi.measured else ""),
        )
        for kpi in evidence.objective.content.kpis
    ]
    if rows:
        blocks.append(facts(*rows, title="Business figures it is meant to move"))
    lead = "What the model was built for, in the words of the objective."
    return CardSection(id="use", title="Intended use", lead=lead, blocks=tuple(blocks))


def _or_unknown(value: float | str | None) -> str:
    if value is None:
        return "unknown"
    return f"{value:g}" if isinstance(value, float) else value


def factors(evidence: Evidence) -> CardSection:
    """Which groups were looked at, how large they are, and what counts as a good outcome for a person."""
    objective = evidence.objective.content
    blocks = [
        facts(
            ("Sensitive features", ", ".join(objective.sensitive) or "None declared"),
            ("Looked at", "; ".join(" × ".join(part) for part in objective.partitions) or "Overall only"),
            ("Legitimate factors to condition on", ", ".join(objective.control) or "None declared"),
            ("Smallest group compared", f"{objective.min_group_size} rows of the measure’s own denominator"),
            ("Positive class", str(objective.positive_class) if objective.task == "binary" else "Not applicable"),
            (
                "Outcome that is good for the person",
                str(objective.favourable_class) if objective.task != "regression" else "Not applicable",
            ),
        )
    ]
    for finding in evidence.findings:
        if finding.section == "fairness" and finding.metric == "count" and len(finding.features) == 1:
            total = sum(group.n for group in finding.by_group) or 1
            rows = tuple(
                (
                    str(group.group.get(finding.features[0], group_label(group.group))),
                    f"{group.n:,} ({group.n / total:.1%})".replace("%", "\u00a0%"),
                )
                for group in finding.by_group
            )
            blocks.append(
                Block(
                    kind="facts",
                    title=f"Rows by {finding.features[0]}",
                    rows=rows,
                    findings=(finding.id,),
                    options={"folded": len(rows) > 12},
                )
            )
    if objective.sensitive:
        lead = "Groups are counted on all rows; a missing value is a group of its own, shown as (missing)."
    else:
        lead = "No sensitive feature was declared, so nothing is known about differences between groups of people."
    return CardSection(id="factors", title="Factors", lead=lead, blocks=tuple(blocks))


def metrics(evidence: Evidence) -> CardSection:
    """Which measures decide, what they mean, and how uncertainty is treated."""
    objective = evidence.objective.content
    rows = []
    for section, metric, gate in objective.each_gate():
        about = wording.explanation(section, metric) or "A measure of the project’s own."
        rows.append((wording.label(section, metric), f"{about} {_gate_words(section, metric, gate)}"))
    methods = [(wording.name(f), f.method) for f in evidence.gated() if f.method and f.interval is not None]
    judged = (
        "By the whole interval: a gate passes only if every value that the data allows satisfies it"
        if objective.decide == "interval"
        else "By the measured value alone, without regard to its uncertainty"
    )
    blocks = [
        facts(*rows, title="What decides"),
        facts(
            ("How gates are judged", judged),
            ("Confidence level", wording.plain(objective.level, wording.Scale(percent=True))),
            (
                "Decision threshold",
                f"{objective.decision_threshold:g}"
                if objective.task == "binary" and objective.predicted is None
                else "Decisions come ready-made"
                if objective.predicted
                else "Not applicable",
            ),
            ("Why these measures", UNSTATED),
            title="How sure",
        ),
    ]
    if methods:
        made = facts(*methods, title="How the interval of each gate was made")
        blocks.append(made.model_copy(update={"options": {"folded": True}}))
    lead = (
        "Measures and bounds are those of the objective. Each measured value carries an interval wherever "
        "one can be given."
    )
    return CardSection(id="metrics", title="Metrics", lead=lead, blocks=tuple(blocks))


def _gate_words(section: str, metric: str, gate: Gate) -> str:
    how = wording.scale(section, metric)
    low, high = gate.region
    if gate.op == "between":
        asked = f"between {wording.plain(low, how)} and {wording.plain(high, how)}"
    else:
        bound = high if gate.op in ("<=", "<") else low
        asked = f"{wording.COMPARED[gate.op]} {wording.plain(bound, how)}"
    extra = ""
    if isinstance(gate.group, dict):
        extra = f" for {group_label(gate.group)}"
    elif gate.group:
        extra = f" by {wording.listed(gate.group)}"
    if gate.slice:
        extra += f" where {gate.slice}"
    if gate.features:
        extra += f" ({wording.listed(gate.features)}; first {gate.n or 1})"
    return f"Must be {asked}{extra}."


def evaluation_data(evidence: Evidence) -> CardSection:
    """What the numbers were measured on."""
    shown = [data for data in evidence.subject.data if data.role != "train"]
    lead = "The rows that every number on this card was measured on."
    samples = sorted({f"{wording.section_name(f.section)}: {f.sample:,} rows" for f in evidence.findings if f.sample})
    blocks = [*(_dataset(data) for data in shown)]
    if samples:
        drawn = f"a sample drawn with the seed {evidence.run.seed}: {'; '.join(samples)}."
        text = f"Most measures used every row. These used {drawn}"
    else:
        text = "Every measure used every row."
    return CardSection(
        id="evaluation-data", title="Evaluation data", lead=lead, blocks=(*blocks, Block(kind="text", text=text))
    )


def _dataset(data: DataSubject) -> Block:
    role = {
        "evaluation": "Evaluated",
        "train": "Trained on",
        "reference": "Compared with (reference)",
        "predictions": "Predictions",
    }
    columns = f"{len(data.columns)}: {', '.join(data.columns)}" if data.columns else UNKNOWN
    return facts(
        ("Name", data.name),
        ("Rows", f"{data.rows:,}"),
        ("Columns", columns),
        ("Fingerprint", data.digest),
        title=role[data.role],
    )


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


def oversight(evidence: Evidence) -> CardSection:
    """Who decides, and what this card cannot say about it."""
    objective = evidence.objective.content
    used = ", ".join(objective.goal.users) or "people whom the objective does not name"
    lead = (
        "A person other than the one who asks must take responsibility before this model serves anyone, "
        "where policy asks for it."
    )
    text = (
        f"The model’s answers go to: {used}. Who signed, under which conditions and until when stands on "
        "the decision sheet, which is "
        "made from the signed ledger; a card is frozen before anyone signs and cannot tell."
    )
    return CardSection(id="oversight", title="Human oversight", lead=lead, blocks=(Block(kind="text", text=text),))


def monitoring(evidence: Evidence) -> CardSection:
    """How it would reach its users and what is watched afterwards."""
    objective = evidence.objective.content
    rollout, monitor = objective.rollout, objective.monitor
    steps = " → ".join(f"{step:g} %" for step in rollout.steps)
    blocks = (
        facts(
            ("Strategy", f"{rollout.strategy}: {steps} of the traffic"),
            ("Watched at each step", f"{rollout.bake_minutes:g} minutes"),
            (
                "Stops and goes back unless",
                "; ".join(f"{name} {gate}" for name, gate in rollout.guardrails.items()) or None,
            ),
            title="Release",
        ),
        facts(
            ("Drift", "; ".join(f"{name} {gate}" for name, gate in monitor.drift.items()) or None),
            ("Performance", "; ".join(f"{name} {gate}" for name, gate in monitor.performance.items()) or None),
            ("How often", monitor.every if monitor.drift or monitor.performance else None),
            ("Retraining", monitor.retrain),
            title="After the release",
        ),
    )
    watched = bool(monitor.drift or monitor.performance)
    lead = (
        "What must go on holding, as the objective plans it."
        if watched
        else "The objective plans no monitoring after the release."
    )
    return CardSection(id="monitoring", title="Monitoring plan", lead=lead, blocks=blocks)


def attempt(run: Run) -> str:
    """Return ``attempt 4``, ``draft``, or that the run was not recorded."""
    if run.draft:
        return "draft"
    return "not recorded" if run.attempt is None else f"attempt {run.attempt}"


def attempts(evidence: Evidence) -> CardSection:
    """How often it was tried, and what changed in between."""
    rows = [
        (
            f"Attempt {earlier.attempt}",
            f"{earlier.recorded:%-d %B %Y}: {wording.VERDICTS[earlier.overall].lower()}"
            + (f"; then changed: {'; '.join(earlier.changes)}" if earlier.changes else ""),
        )
        for earlier in evidence.attempts
    ]
    this = f"{attempt(evidence.run).capitalize()} (this card)"
    rows.append((this, f"{evidence.run.finished:%-d %B %Y}: {wording.VERDICTS[evidence.verdict.overall].lower()}"))
    if evidence.attempts:
        lead = "Every recorded run on this objective, kept whether it succeeded or not."
    elif evidence.run.attempt is None:
        lead = "This run was not recorded, so it has no number; how often it was tried before is unknown."
    else:
        lead = "This is the first recorded run on this objective."
    return CardSection(id="attempts", title="Attempts", lead=lead, blocks=(facts(*rows),))


def ethics(evidence: Evidence) -> CardSection:
    """Who may be harmed, and what nobody looked at."""
    objective = evidence.objective.content
    rows = (
        ("People affected", ", ".join(objective.goal.affected) or None),
        ("Sensitive features used to look for bias", ", ".join(objective.sensitive) or "None declared"),
        (
            "Single persons’ rows on this card",
            "May appear: the objective says that those concerned consented"
            if objective.examples == "consented"
            else "None: aggregates only",
        ),
        (
            "Not assessed here",
            (
                "Privacy and consent of the data, misuse, security, accessibility, environmental cost, and "
                "effects on people who are not in the data"
            ),
        ),
    )
    lead = "What the numbers cannot settle. A model may pass every gate and still be wrong to use."
    return CardSection(id="ethics", title="Ethical considerations", lead=lead, blocks=(facts(*rows),))


def caveats(evidence: Evidence) -> Iterator[str]:
    """Yield every limit of this evidence, one sentence each."""
    objective: Objective = evidence.objective.content
    yield from evidence.warnings
    for notebook in evidence.subject.notebooks:
        if notebook.status != "completed":
            did = "was not run" if notebook.status == "not_run" else "did not run to its end"
            yield f"The notebook {notebook.name} {did}{f': {notebook.reason}' if notebook.reason else ''}."
        if notebook.edited:
            yield f"The notebook {notebook.name} is an edited copy of the one that policy lists."
    if objective.decide == "point":
        yield (
            "Gates were judged by the measured value alone; another sample of the same size could well give "
            "another verdict."
        )
    gates = len(evidence.verdict.gates)
    if gates > 1:
        yield (
            f"Each of the {gates} gates is judged at its own level; the chance that at least one verdict is "
            "wrong is larger than for one alone."
        )
    hidden = max((table.suppressed_below for table in evidence.tallies), default=0)
    if hidden:
        yield f"Counts below {hidden} are withheld from the stored tables, to protect the people in them."
    unseen = [f for f in evidence.findings if f.verdict is not None and f.value is not None and not f.recomputed]
    if unseen:
        yield (
            f"{wording.counted(len(unseen), 'gated number')} came from inside a notebook and could not be "
            f"recomputed outside it: {', '.join(f.id for f in unseen)}."
        )
