"""What the verdict rests on, as things that a reader must know: the run, the model, the data, earlier attempts."""

from __future__ import annotations

from collections.abc import Iterator

from nbdeploy.documents.evidence import AttemptRef, Evidence
from nbdeploy.report import inert, wording
from nbdeploy.report.sections.outcomes import Point
from nbdeploy.report.sections.subject import data_name


def draft(evidence: Evidence) -> Iterator[Point]:
    """Tell that a run was only a draft."""
    if evidence.run.draft:
        yield Point("This is a draft", "It was run fast, on samples, and can never be the ground for a deployment.")


def deceptive(evidence: Evidence) -> Iterator[Point]:
    """Tell that names hide something."""
    hidden = inert.deceptive_texts(evidence)
    if hidden:
        text = (
            f"{wording.counted(hidden, 'name or text', 'names or texts')} with hidden characters or lookalike letters. "
        )
        yield Point("A name here may not be what it seems", text + "See the caveats, and compare fingerprints.")


def unseen_model(evidence: Evidence) -> Iterator[Point]:
    """Tell that only predictions were seen."""
    if evidence.subject.model is None:
        text = (
            "Only a file of its predictions was given. Nothing says which model made them, and none can be "
            "deployed from this."
        )
        yield Point("The model itself was not seen", text)


def edited(evidence: Evidence) -> Iterator[Point]:
    """Tell that a validation notebook is not the one that policy lists."""
    changed = [notebook.name for notebook in evidence.subject.notebooks if notebook.edited]
    if changed:
        are = "is an edited copy" if len(changed) == 1 else "are edited copies"
        yield Point(
            "A validation notebook was changed",
            f"{wording.listed(changed)} {are} of what policy lists; read it before you rely on its numbers.",
        )


def attempts(evidence: Evidence) -> Iterator[Point]:
    """Tell how often it was tried before, how that ended and what changed since."""
    attempt = evidence.run.attempt
    if attempt is None or attempt < 2:
        return
    same = {earlier.data_digest for earlier in evidence.attempts} & {data.digest for data in evidence.subject.data}
    where = " on data that was used before" if same else ""
    told = ["Each further look at the same rows makes a lucky result likelier; intervals do not correct for that."]
    if evidence.attempts:
        told.append(_since(evidence, evidence.attempts[-1]))
    changes = [
        f"{earlier.attempt}: {wording.compared(change)}" for earlier in evidence.attempts for change in earlier.changes
    ]
    if changes:
        told.append(f"The objective changed after attempt {'; after attempt '.join(changes)}.")
    yield Point(f"This is attempt {attempt}{where}", " ".join(told))


def _since(evidence: Evidence, last: AttemptRef) -> str:
    """Say how the attempt before ended, and whether model and objective are still the same."""
    ended = f"Attempt {last.attempt} ended with “{wording.VERDICTS[last.overall].lower()}”"
    if last.model_digest is None or evidence.subject.model is None:
        changed = []
    else:
        changed = ["model"] if last.model_digest != evidence.subject.model.digest else []
    if last.objective_digest != evidence.objective.digest:
        changed.append("objective")
    if changed:
        return f"{ended}; since then the {wording.listed(changed)} changed."
    return f"{ended}; the objective did not change since."


def lineage(evidence: Evidence) -> Iterator[Point]:
    """Tell that the training data is unknown."""
    if evidence.subject.model is not None and not any(data.role == "train" for data in evidence.subject.data):
        text = "No training data was given, so overlap between training and evaluated rows could not be ruled out."
        yield Point("What the model was trained on is unknown", text)


def scope(evidence: Evidence) -> Iterator[Point]:
    """Tell what it must not be used for."""
    excluded = evidence.objective.content.goal.out_of_scope
    if excluded:
        yield Point("What it must not be used for", f"{'; '.join(excluded)}.")


def basis(evidence: Evidence) -> Point:
    """Tell how many rows of which data everything rests on."""
    judged = [data for data in evidence.subject.data if data.role in ("evaluation", "predictions")]
    rows = sum(data.rows for data in judged)
    names = wording.listed([data_name(data) for data in judged]) or "data that was not recorded"
    text = f"From {names}. What is said here holds for data like these rows, and for no other."
    return Point(f"It rests on {wording.counted(rows, 'row')}", text)
