"""The vocabulary: every measure that a gate can name, with its standard name and one plain sentence.

Names are scikit-learn's and fairlearn's where those have one. A project's own notebooks may record further measures; a
gate on one of those is written under its section all the same and is checked when the notebook has run.
"""

from __future__ import annotations

from typing import Literal

from nbdeploy.documents.objective import Objective, Section
from nbdeploy.documents.record import Record

Task = Literal["binary", "multiclass", "regression"]
Better = Literal["higher", "lower"]
Kind = Literal["rate", "score", "disparity", "quantity"]
"""rate: a proportion of counted rows. score: another number per dataset. disparity: an extreme over pairs of groups.
quantity: measured on the model or machine, in `unit`."""


class Measure(Record):
    """What a measure is, which direction is better and what it needs."""

    name: str
    section: Section
    label: str
    explanation: str
    kind: Kind
    tasks: tuple[Task, ...] = ("binary", "multiclass", "regression")
    better: Better | None = None
    unit: str = ""
    needs_model: bool = False


_BINARY: tuple[Task, ...] = ("binary",)
_CLASSES: tuple[Task, ...] = ("binary", "multiclass")
_NUMBERS: tuple[Task, ...] = ("regression",)

# name, label, explanation, kind, better, tasks
_RATES: tuple[tuple[str, str, str, Better | None], ...] = (
    ("selection_rate", "Selection rate", "Share of people for whom the model says the positive class.", None),
    ("true_positive_rate", "True positive rate", "Of the truly positive, the share that the model finds.", "higher"),
    ("false_positive_rate", "False positive rate", "Of the truly negative, the share wrongly called positive.", "lower"),
    ("true_negative_rate", "True negative rate", "Of the truly negative, the share that the model leaves alone.", "higher"),
    ("false_negative_rate", "False negative rate", "Of the truly positive, the share that the model misses.", "lower"),
    ("precision", "Precision", "Of those called positive, the share that truly is.", "higher"),
    ("accuracy", "Accuracy", "Share of rows where the decision equals the truth.", "higher"),
)
_REGRESSION: tuple[tuple[str, str, str, Better | None], ...] = (
    ("mean_absolute_error", "Mean absolute error", "Average size of the error, in units of the target.", "lower"),
    ("root_mean_squared_error", "Root mean squared error", "Typical size of the error, large errors counting more.", "lower"),
    ("mean_error", "Mean error", "Average of prediction minus truth: the model's lean.", None),
    ("r2", "R²", "Share of the target's variance that the model explains.", "higher"),
)


def _fairness() -> list[Measure]:
    found = [
        Measure(name="count", section="fairness", label="Rows", explanation="Rows in each group.", kind="quantity"),
        Measure(
            name="favourable_rate", section="fairness", label="Favourable rate", kind="rate", tasks=_CLASSES,
            explanation="Share of people who get the outcome that is good for them.",
        ),
    ]
    for name, label, text, better in _RATES:
        tasks = _CLASSES if name == "accuracy" else _BINARY
        found.append(
            Measure(name=name, section="fairness", label=label, explanation=text, kind="rate", tasks=tasks, better=better)
        )
        for suffix, word, good in (("difference", "difference", "lower"), ("ratio", "ratio", "higher")):
            found.append(
                Measure(
                    name=f"{name}_{suffix}", section="fairness", label=f"{label} {word}", kind="disparity", tasks=tasks,
                    better=good,  # type: ignore[arg-type]  # mypy widens the tuple's literals to str
                    explanation=f"Largest {word} of “{label.lower()}” between two groups."
                    if suffix == "difference" else f"Smallest ratio of “{label.lower()}” between two groups.",
                )
            )
    named: tuple[tuple[str, str, str, Better], ...] = (
        ("demographic_parity_ratio", "Demographic parity ratio",
         "Lowest rate of the favourable outcome among groups ÷ the highest. 1 is equal; below 0.8 is the “80 % rule”, a screening statistic.",
         "higher"),
        ("demographic_parity_difference", "Demographic parity difference",
         "Highest rate of the favourable outcome among groups minus the lowest. 0 is equal.", "lower"),
        ("equalized_odds_difference", "Equalized odds difference",
         "The larger of the gaps in true and in false positive rate between groups. 0 is equal.", "lower"),
        ("equalized_odds_ratio", "Equalized odds ratio",
         "The smaller of the ratios of true and of false positive rates between groups. 1 is equal.", "higher"),
        ("equal_opportunity_difference", "Equal opportunity difference",
         "Gap in true positive rate between groups. 0 is equal.", "lower"),
        ("equal_opportunity_ratio", "Equal opportunity ratio",
         "Ratio of true positive rates between groups. 1 is equal.", "higher"),
    )
    found += [
        Measure(
            name=name, section="fairness", label=label, explanation=text, kind="disparity", better=better,
            tasks=_CLASSES if name.startswith("demographic") else _BINARY,
        )
        for name, label, text, better in named
    ]
    for name, label, text, better_or_none in _REGRESSION[:3]:
        found.append(
            Measure(
                name=name, section="fairness", label=label, explanation=text, kind="score", tasks=_NUMBERS,
                better=better_or_none,
            )
        )
        found.append(
            Measure(
                name=f"{name}_difference", section="fairness", label=f"{label} difference", kind="disparity",
                tasks=_NUMBERS, better="lower", explanation=f"Largest difference of “{label.lower()}” between two groups.",
            )
        )
    return found


def _performance() -> list[Measure]:
    rows: tuple[tuple[str, str, str, Kind, Better, tuple[Task, ...]], ...] = (
        ("accuracy", "Accuracy", "Share of rows where the decision equals the truth.", "rate", "higher", _CLASSES),
        ("balanced_accuracy", "Balanced accuracy", "Average share found of each class; 0.5 is guessing between two.", "score", "higher", _CLASSES),
        ("precision", "Precision", "Of those called positive, the share that truly is.", "rate", "higher", _BINARY),
        ("recall", "Recall", "Of the truly positive, the share that the model finds.", "rate", "higher", _BINARY),
        ("specificity", "Specificity", "Of the truly negative, the share that the model leaves alone.", "rate", "higher", _BINARY),
        ("f1", "F1", "Balance of precision and recall in one number.", "score", "higher", _BINARY),
        ("f1_macro", "F1, macro average", "F1 of each class, averaged with equal weight.", "score", "higher", ("multiclass",)),
        ("precision_macro", "Precision, macro average", "Precision of each class, averaged with equal weight.", "score", "higher", ("multiclass",)),
        ("recall_macro", "Recall, macro average", "Recall of each class, averaged with equal weight.", "score", "higher", ("multiclass",)),
        ("matthews_corrcoef", "Matthews correlation", "Agreement of decision and truth beyond chance, from −1 to 1.", "score", "higher", _CLASSES),
        ("roc_auc", "ROC AUC", "Chance that a random positive is scored above a random negative; 0.5 is guessing.", "score", "higher", _BINARY),
        ("average_precision", "Average precision", "Precision averaged over all thresholds, weighted by recall gained.", "score", "higher", _BINARY),
        ("brier_score", "Brier score", "Mean squared distance of the probability from what happened.", "score", "lower", _BINARY),
        ("log_loss", "Log loss", "Surprise at what happened, given the probability; confident errors cost most.", "score", "lower", _BINARY),
        ("expected_calibration_error", "Calibration error",
         "Average gap between the probability given and the share that happened, over ten bins.", "score", "lower", _BINARY),
    )
    found = [
        Measure(name=n, section="performance", label=lb, explanation=e, kind=k, better=b, tasks=t)
        for n, lb, e, k, b, t in rows
    ]
    found += [
        Measure(name=n, section="performance", label=lb, explanation=e, kind="score", better=b, tasks=_NUMBERS)
        for n, lb, e, b in _REGRESSION
    ]
    found.append(
        Measure(
            name="skill_over_baseline", section="performance", label="Gain over the dummy model", kind="score", better="higher",
            explanation="Accuracy (or error) gained over a model that always says the commonest answer.",
        )
    )
    return found


def _model_sections() -> list[Measure]:
    rows: tuple[tuple[Section, str, str, str, Kind, Better | None, str, bool, tuple[Task, ...]], ...] = (
        ("data", "missing_share", "Missing values", "Share of cells that are empty.", "rate", "lower", "", False, _BINARY + ("multiclass", "regression")),
        ("data", "duplicate_share", "Duplicate rows", "Share of rows that repeat an earlier one.", "rate", "lower", "", False, ("binary", "multiclass", "regression")),
        ("data", "leakage", "Leakage", "Share of evaluation rows that also stand in the training data.", "rate", "lower", "", False, ("binary", "multiclass", "regression")),
        ("data", "contract_violations", "Contract violations", "Rows that break the declared contract of a column.", "quantity", "lower", "rows", False, ("binary", "multiclass", "regression")),
        ("data", "minority_share", "Rarest class", "Share of the rarest class of the target.", "rate", "higher", "", False, _CLASSES),
        ("data", "outlier_share", "Outliers", "Share of numeric cells far outside the middle half (Tukey's outer fences).", "rate", "lower", "", False, ("binary", "multiclass", "regression")),
        ("data", "drifted_columns", "Drifted columns", "Columns whose distribution differs from the reference (or training) data.", "quantity", "lower", "columns", False, ("binary", "multiclass", "regression")),
        ("data", "max_psi", "Largest shift (PSI)", "Population stability index of the column that moved most; above 0.2 is usually called large.", "score", "lower", "", False, ("binary", "multiclass", "regression")),
        ("robustness", "flip_rate", "Decision flips", "Share of rows whose decision changes when numeric inputs move by a tenth of their spread.", "rate", "lower", "", True, _CLASSES),
        ("robustness", "missing_flip_rate", "Decision flips when a value is missing", "Share of rows whose decision changes when one input is replaced by its commonest value.", "rate", "lower", "", True, _CLASSES),
        ("robustness", "worst_slice_accuracy", "Weakest slice", "Accuracy in the part of the data where a small tree finds the most errors.", "rate", "higher", "", False, _CLASSES),
        ("robustness", "prediction_shift", "Shift under noise", "Mean absolute change of the prediction when numeric inputs move by a tenth of their spread, in spreads of the prediction.", "score", "lower", "", True, _NUMBERS),
        ("robustness", "out_of_range_share", "Rows outside the training range", "Share of rows with a numeric value never seen in training.", "rate", "lower", "", False, ("binary", "multiclass", "regression")),
        ("explainability", "permutation_importance", "Permutation importance", "How much worse the model gets when a feature is shuffled; the largest of them.", "score", None, "", True, ("binary", "multiclass", "regression")),
        ("explainability", "surrogate_fidelity", "Surrogate fidelity", "Share of decisions (or variance) that a small readable tree reproduces.", "score", "higher", "", True, ("binary", "multiclass", "regression")),
        ("explainability", "lime_jaccard_at_5", "LIME repeatability", "Overlap of the five top features when LIME is run again with another seed; 1 is identical.", "score", "higher", "", True, ("binary", "multiclass", "regression")),
        ("explainability", "lime_local_fit", "LIME local fit", "Share of the local variance that LIME's straight line explains (R²).", "score", "higher", "", True, ("binary", "multiclass", "regression")),
        ("explainability", "shap_additivity_residual", "SHAP additivity residual", "Largest gap between the prediction and the sum of its SHAP values.", "score", "lower", "", True, ("binary", "multiclass", "regression")),
        ("explainability", "lime_shap_agreement", "LIME–SHAP agreement", "Overlap of the five top features of LIME and of SHAP for the same row.", "score", "higher", "", True, ("binary", "multiclass", "regression")),
        ("explainability", "forbidden_in_top", "Forbidden features near the top", "Number of the named features among the n most important.", "quantity", "lower", "features", True, ("binary", "multiclass", "regression")),
        ("operations", "loads_in_clean_process", "Loads in a clean process", "1 when the model loads and predicts in a new process, else 0.", "quantity", "higher", "", True, ("binary", "multiclass", "regression")),
        ("operations", "output_violations", "Output contract violations", "Answers that are missing, not a number, or outside the declared classes.", "quantity", "lower", "rows", True, ("binary", "multiclass", "regression")),
        ("operations", "latency_p50_ms", "Latency, median", "Half of single-row predictions are faster.", "quantity", "lower", "ms", True, ("binary", "multiclass", "regression")),
        ("operations", "latency_p95_ms", "Latency, 95th percentile", "Nineteen of twenty single-row predictions are faster.", "quantity", "lower", "ms", True, ("binary", "multiclass", "regression")),
        ("operations", "latency_p99_ms", "Latency, 99th percentile", "Ninety-nine of a hundred single-row predictions are faster.", "quantity", "lower", "ms", True, ("binary", "multiclass", "regression")),
        ("operations", "throughput_rows_per_s", "Throughput", "Rows predicted in a second, in one batch.", "quantity", "higher", "rows/s", True, ("binary", "multiclass", "regression")),
        ("operations", "peak_memory_mb", "Peak memory", "Largest resident memory of the process that loads and predicts.", "quantity", "lower", "MB", True, ("binary", "multiclass", "regression")),
        ("operations", "model_size_mb", "Model size", "Size of all files of the model.", "quantity", "lower", "MB", True, ("binary", "multiclass", "regression")),
        ("operations", "environment_mismatches", "Environment mismatches", "Packages of the model's requirements that are installed in another version here.", "quantity", "lower", "packages", True, ("binary", "multiclass", "regression")),
    )
    return [
        Measure(name=n, section=s, label=lb, explanation=e, kind=k, better=b, unit=u, needs_model=m, tasks=t)
        for s, n, lb, e, k, b, u, m, t in rows
    ]


MEASURES: tuple[Measure, ...] = (*_performance(), *_fairness(), *_model_sections())
_BY_KEY = {(measure.section, measure.name): measure for measure in MEASURES}

STANDARD_GROUP_METRICS: tuple[str, ...] = ("count", *(name for name, *_ in _RATES))
"""What the fairness section of a binary task always reports, overall and by group."""

STANDARD_DISPARITIES: tuple[str, ...] = (
    "demographic_parity_ratio", "demographic_parity_difference", "equalized_odds_difference", "equalized_odds_ratio",
    "equal_opportunity_difference", "equal_opportunity_ratio",
)

GUARDRAILS: tuple[str, ...] = ("error_rate", "latency_p95_ms")
"""What a rollout can be watched by."""


def measure(section: str, name: str) -> Measure | None:
    """Return the entry for a measure, or None for one that only a project's own notebook knows."""
    return _BY_KEY.get((section, name))  # type: ignore[call-overload, no-any-return]


def names(section: Section, objective: Objective | None = None) -> tuple[str, ...]:
    """Return the measures of a section, for the objective's task if one is given."""
    return tuple(
        entry.name
        for entry in MEASURES
        if entry.section == section and (objective is None or objective.task in entry.tasks)
    )
