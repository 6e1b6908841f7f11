"""What would give a gate the evidence that it lacks: how many rows, which flag, which line of the objective."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

from nbdeploy.documents.measurement import Measurement
from nbdeploy.stats.disparity_names import disparity_name
from nbdeploy.stats.intervals import by_group
from nbdeploy.stats.tally import ErrorTally
from nbdeploy.validate.verdict.asked import Asked
from nbdeploy.validate.verdict.compare import class_names, is_disparity
from nbdeploy.validate.verdict.recompute import tally_of
from nbdeploy.validate.verdict.tallies import Tallies

_MORE = "give more evaluation rows"
_WITHOUT = "take the gate out of the objective"

_ACTS = (
    ("only its predictions were given", "give --model and --data instead of --predictions"),
    ("training data lacks the target", "give --train with the target"),
    ("training data lacks", "give --train with every column that the model reads"),
    ("no reference or training data", "give --reference or --train"),
    ("no training or reference data with numeric", "give --train or --reference with the numeric inputs of the model"),
    ("no training or reference data", "give --train or --reference"),
    ("no training data", "give --train"),
    ("declares no contract", "declare in the objective's contract what its columns must hold"),
    ("needs rows of", "give evaluation rows of every class, or gate the weighted average"),
    ("needs scores between 0 and 1 that sum", "let the model answer with probabilities, or gate `roc_auc_ovr`"),
    ("needs scores between 0 and 1", "let the model answer with probabilities, or gate `roc_auc`"),
    ("needs scores", "name in the objective's `score:` where scores are had: a column, or a method of the model"),
    ("within control features, and none", "declare `control:` in the objective"),
    ("no stratum has two groups", _MORE),
    ("no sensitive feature is declared", "declare `sensitive:` in the objective"),
    ("declare `favourable:`", "declare `favourable:` in the objective"),
    ("declare `positive:`", "declare `positive:` in the objective"),
    ("and the task is", "take the gate out of the objective, or name a metric of its task"),
    ("name features, not one group", "name the features to compare in the gate's `group:`"),
    ("a regression has no threshold", _WITHOUT),
    (
        "only decisions were given",
        "name in the objective's `score:` where scores are had, or give scores as predictions",
    ),
    ("gives decisions and no scores", "gate a metric of decisions until both versions give scores"),
    ("no row is in the group", "name a group that the data holds, or give data that holds it"),
    ("training rows are too few", "give more training rows with --train"),
    (
        "only in training, or only evaluated",
        "give training and evaluation rows that are not the same, and more of them",
    ),
    ("are too few", _MORE),
    ("too few to judge", _MORE),
    ("too few rows in the groups", _MORE),
    ("no two groups are large enough", _MORE),
    ("two groups of", _MORE),
    ("two groups that are large enough", _MORE),
    ("there are no", "give evaluation rows: there are none"),
    ("undefined in the sampled rows", "give more evaluation rows, of every class among them"),
    ("there is nothing to tell", "give evaluation rows among which the target varies, and inputs besides it"),
    ("no slice has enough rows", _MORE),
    ("the same answer", "improve the model until its answers tell rows apart"),
    ("is 0 in every group", "compare differences: a ratio of rates of zero is undefined"),
    ("does not vary", "give evaluation rows among which the target varies"),
    (
        "no other registered version",
        "let the approver acknowledge it for a first version, or declare the gate after it",
    ),
    (
        "does not answer these rows",
        "take the gate out of the objective until a version that reads these columns is there",
    ),
    ("declares no costs", "declare `costs:` in the objective"),
    ("no input is a quantity", f"{_WITHOUT}; copies of rows are found by `leakage` and `duplicate_share`"),
    ("no numeric column varies", _WITHOUT),
    ("a value of its own in nearly every row", _WITHOUT),
    ("no input has any value", "give evaluation rows whose inputs hold values"),
    ("no numeric input that could", _WITHOUT),
    ("no input of categories", _WITHOUT),
    ("refuses every misspelt category", f"{_WITHOUT}: the model lets no misspelt category through"),
    ("looks like an identifier", "train the model on inputs that do not tell who a row is"),
    ("has no other input", _WITHOUT),
    ("one feature has no order", _WITHOUT),
    ("name no feature in common", "gate `lime_shap_agreement`: signs are compared of features that both name"),
    ("mitigations are of a binary task", _WITHOUT),
    ("ask for it with --with mitigation", "run with --with mitigation"),
    ("no mitigation could be tried", f"{_WITHOUT}, or give --train with more rows in every group"),
    ("names no requirements", "save the model with pip_requirements"),
    ("does not tell what is installed there", "give --environment an interpreter of Python 3.8 or newer, or auto"),
)
"""What stands in a reason, and what to do about it; the first that fits."""


def how_to_get(tallies: Tallies, one: Asked, measurement: Measurement) -> tuple[str, int | None]:
    """Say what would give a measurement its value, and how many evaluation rows in all, where it is rows."""
    again = f"nbdeploy validate {tallies.objective.name}"
    scarce = _scarcest(tallies, one, measurement)
    if scarce is not None:
        short, least, rates = scarce
        whom = "the group" if one.group else "two groups" if is_disparity(one.metric) else "a group"
        what = f"the {least} rows that count{' for ' if rates else ''}{' and '.join(rates)}"
        if not short:
            return f"give evaluation rows of other groups: {whom} must have {what}, then: {again}", None
        have = tallies.rows
        needed = ceil(have * least / short)
        return (
            f"about {round_up(needed):,} evaluation rows (now {have:,}) would give {whom} {what}: {again} on more data",
            needed,
        )
    reason = measurement.undefined or ""
    act = next((act for part, act in _ACTS if part in reason), None)
    return f"{act or f'mend what notebooks/{one.section}.ipynb says about it'}, then: {again}", None


def _scarcest(tallies: Tallies, one: Asked, measurement: Measurement) -> tuple[int, int, tuple[str, ...]] | None:
    """Return rows that the scarcest group needed has, how many it must have, and the rates compared; None if enough."""
    least = tallies.objective.min_group_size
    if measurement.value is not None or not (one.features or one.group):
        return None
    if not is_disparity(one.metric):
        if not measurement.by_group:
            return None
        short = _nth([group.denominator or 0 for group in measurement.by_group], 1)
        return (short, least, ()) if short < least else None
    if not measurement.by_group:
        return None  # it cannot be computed, whatever the number of rows
    name = disparity_name(one.metric)
    if name is None or name.conditional:
        return None  # which stratum lacks rows is told in the reason
    rates = name.compared
    tally = tally_of(tallies, one.metric, one.features, one.slice)
    if isinstance(tally, ErrorTally):
        least = max(least, 2)  # one error has no variance
    named = class_names(tallies.objective, tally)
    level = tallies.objective.level
    short = min(_nth([group.denominator or 0 for group in by_group(tally, rate, level, **named)], 2) for rate in rates)
    return (short, least, rates) if short < least else None


def _nth(sizes: Sequence[int], n: int) -> int:
    """Return the n-th largest; 0 where there are fewer."""
    return sorted(sizes, reverse=True)[n - 1] if len(sizes) >= n else 0


def round_up(rows: int) -> int:
    """Round up to two digits: more would promise what a plan cannot know."""
    unit = int(10 ** max(len(str(rows)) - 2, 0))
    return -(-rows // unit) * unit
