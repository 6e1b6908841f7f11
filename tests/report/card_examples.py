"""Evidence to make cards from: built by hand around seeded rows, so that every kind of verdict and chart is there."""

from __future__ import annotations

import hashlib
import math
from datetime import UTC, date, datetime

import numpy as np

from nbdeploy.documents.evidence import (
    AttemptRef,
    DataSubject,
    Evidence,
    ModelSubject,
    NotebookRun,
    ObjectiveRef,
    Run,
    Subject,
    VerdictSummary,
)
from nbdeploy.documents.finding import Finding, worst
from nbdeploy.documents.gate import GateCondition
from nbdeploy.documents.measurement import GroupValue, Pair
from nbdeploy.documents.objective import ImpactAudit, Objective, Regulations

STARTED = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
FINISHED = datetime(2026, 11, 21, 9, 0, 14, tzinfo=UTC)


def digest(text: str) -> str:
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def wilson(k: int, n: int, z: float = 1.96) -> tuple[float, float]:
    centre, half = (k + z * z / 2) / (n + z * z), z / (n + z * z) * math.sqrt(k * (n - k) / n + z * z / 4)
    return max(centre - half, 0.0), min(centre + half, 1.0)


def diabetes_objective(**changes) -> Objective:
    content = {
        "name": "progression-risk",
        "risk_tier": "high",
        "goal": {
            "business": "Halve the number of patients whose progression is noticed only at the next yearly visit",
            "ai": "Rank patients by the risk that their disease progresses within a year",
            "owner": "Clinical analytics, St. Example",
            "intended_use": "Ordering of follow-up appointments by the clinic's nurses",
            "out_of_scope": ["Deciding on treatment", "Patients under 18"],
            "users": ["Nurses"],
            "affected": ["Patients"],
        },
        "kpis": [
            {
                "name": "late-noticed progressions per 1000 patients and year",
                "now": 84,
                "target": "<= 42",
                "by": date(2027, 6, 30),
                "measured": "quarterly audit",
            }
        ],
        "task": "binary",
        "target": "progressed",
        "positive": 1,
        "favourable": 0,
        "threshold": 0.5,
        "sensitive": ["sex", "age_band"],
        "min_group_size": 15,
        "gates": {
            "data": {"missing_share": "<= 0.05", "leakage": "== 0"},
            "performance": {"roc_auc": ">= 0.75", "recall": ">= 0.60", "expected_calibration_error": "<= 0.10"},
            "fairness": {"demographic_parity_ratio": ">= 0.80", "equalized_odds_difference": "<= 0.15"},
            "robustness": {"flip_rate": "<= 0.10"},
            "explainability": {"lime_jaccard_at_5": ">= 0.7", "forbidden_in_top": {"features": ["sex"], "n": 3}},
            "operations": {"latency_p95_ms": "<= 50"},
        },
        "monitor": {
            "drift": {"psi": "<= 0.2"},
            "performance": {"roc_auc": ">= 0.72"},
            "retrain": "notebooks/train.ipynb",
        },
    }
    return Objective.model_validate(content | changes)


class Rows:
    """Seeded rows: two sensitive features, a truth, a score and a decision."""

    def __init__(self, n: int, bands: tuple[str, ...], sexes: tuple[object, ...], seed: int = 7, lean: float = 0.0):
        random = np.random.default_rng(seed)
        self.n = n
        self.sex = random.integers(0, len(sexes), n)
        self.band = random.choice(len(bands), n, p=_shares(len(bands)))
        self.truth = (random.random(n) < 0.45).astype(int)
        self.score = np.clip(
            0.5 + 0.22 * (self.truth * 2 - 1) + random.normal(0, 0.2, n) + lean * (self.band == len(bands) - 1),
            0.01,
            0.99,
        )
        self.decision = (self.score >= 0.5).astype(int)
        self.levels = {"sex": (sexes, self.sex), "age_band": (bands, self.band)}

    def groups(self, features: tuple[str, ...]):
        codes = [self.levels[feature][1] for feature in features]
        for key in sorted(set(zip(*codes, strict=True))):
            inside = np.all([code == level for code, level in zip(codes, key, strict=True)], axis=0)
            yield {f: self.levels[f][0][level] for f, level in zip(features, key, strict=True)}, inside


def _shares(k: int) -> list[float]:
    weights = np.arange(k, 0, -1) + 1.0
    return list(weights / weights.sum())


RATES = {
    "favourable_rate": lambda t, d: (d == 0, np.ones_like(t, bool)),
    "selection_rate": lambda t, d: (d == 1, np.ones_like(t, bool)),
    "true_positive_rate": lambda t, d: (d == 1, t == 1),
    "false_positive_rate": lambda t, d: (d == 1, t == 0),
    "true_negative_rate": lambda t, d: (d == 0, t == 0),
    "false_negative_rate": lambda t, d: (d == 0, t == 1),
    "precision": lambda t, d: (t == 1, d == 1),
    "accuracy": lambda t, d: (t == d, np.ones_like(t, bool)),
}


def rate(rows: Rows, metric: str, inside: np.ndarray) -> tuple[int, int]:
    hit, base = RATES[metric](rows.truth, rows.decision)
    return int((hit & base & inside).sum()), int((base & inside).sum())


def by_group(rows: Rows, metric: str, features: tuple[str, ...], least: int) -> tuple[GroupValue, ...]:
    found = []
    for group, inside in rows.groups(features):
        k, n = rate(rows, metric, inside)
        value = {"value": k / n, "interval": wilson(k, n)} if n else {}
        found.append(GroupValue(group=group, n=int(inside.sum()), denominator=n, excluded=n < least, **value))
    return tuple(found)


def fairness(rows: Rows, objective: Objective) -> list[Finding]:
    findings = []
    everyone = np.ones(rows.n, bool)
    for features in objective.partitions:
        counts = tuple(
            GroupValue(group=g, n=int(i.sum()), value=int(i.sum()), excluded=int(i.sum()) < objective.min_group_size)
            for g, i in rows.groups(features)
        )
        add = {"section": "fairness", "features": features, "recomputed": True, "n": rows.n, "level": 0.95}
        suffix = ":" + ",".join(features)
        findings.append(Finding(id=f"fairness.count{suffix}", metric="count", value=rows.n, by_group=counts, **add))
        for metric in RATES:
            k, n = rate(rows, metric, everyone)
            groups = by_group(rows, metric, features, objective.min_group_size)
            findings.append(
                Finding(
                    id=f"fairness.{metric}{suffix}",
                    metric=metric,
                    value=k / n,
                    interval=wilson(k, n),
                    denominator=n,
                    by_group=groups,
                    method="Wilson",
                    **add,
                )
            )
        findings += disparities(rows, features, objective, add, suffix)
    return findings


def disparities(rows, features, objective, add, suffix):
    for metric, of in (
        ("demographic_parity_ratio", "favourable_rate"),
        ("demographic_parity_difference", "favourable_rate"),
        ("equalized_odds_difference", "true_positive_rate"),
        ("equalized_odds_ratio", "false_positive_rate"),
        ("equal_opportunity_difference", "true_positive_rate"),
        ("equal_opportunity_ratio", "true_positive_rate"),
    ):
        eligible = [g for g in by_group(rows, of, features, objective.min_group_size) if not g.excluded]
        if len(eligible) < 2:
            continue
        low, high = min(eligible, key=lambda g: g.value), max(eligible, key=lambda g: g.value)
        wide = sum(g.interval[1] - g.interval[0] for g in (low, high)) / 2
        ratio = metric.endswith("_ratio")
        value = low.value / high.value if ratio else high.value - low.value
        data = {}
        if metric == "demographic_parity_ratio":
            data["eighty_percent"] = {
                "highest": high.group,
                "groups": [
                    {
                        "group": g.group,
                        "rate": g.value,
                        "n": g.n,
                        "ratio": g.value / high.value,
                        "p_value": 0.04 if g.value / high.value < 0.8 else 0.4,
                        "test": "two-proportion z",
                        "below": g.value / high.value < 0.8,
                    }
                    for g in eligible
                ],
                "excluded": [],
            }
        yield Finding(
            id=f"fairness.{metric}{suffix}",
            metric=metric,
            value=value,
            interval=(max(value - wide, 0), min(value + wide, 1)),
            pair=Pair(first=low.group, second=high.group, metric=of if metric.startswith("equalized") else None),
            method="Miettinen–Nurminen score intervals, Šidák over pairs",
            data=data,
            **add,
        )


def performance(rows: Rows) -> list[Finding]:
    truth, score, decision = rows.truth, rows.score, rows.decision
    cuts = np.linspace(0, 1, 101)
    tpr = [float((score[truth == 1] >= c).mean()) for c in cuts][::-1]
    fpr = [float((score[truth == 0] >= c).mean()) for c in cuts][::-1]
    auc = float((score[truth == 1][:, None] > score[truth == 0][None]).mean())
    precision = [float(truth[score >= c].mean()) if (score >= c).any() else None for c in cuts]
    recall = [float((score[truth == 1] >= c).mean()) for c in cuts]
    selected = [float((score >= c).mean()) for c in cuts]
    f1 = [None if p is None or p + r == 0 else 2 * p * r / (p + r) for p, r in zip(precision, recall, strict=True)]
    edges = np.linspace(0, 1, 21)
    bins = []
    for low in np.arange(10) / 10:
        inside = (score >= low) & (score < low + 0.1)
        if inside.any():
            k, n = int(truth[inside].sum()), int(inside.sum())
            bins.append(
                {
                    "low": low,
                    "high": low + 0.1,
                    "mean_score": float(score[inside].mean()),
                    "rate": k / n,
                    "n": n,
                    "interval": list(wilson(k, n)),
                }
            )
    counts = [[int(((truth == t) & (decision == d)).sum()) for d in (0, 1)] for t in (0, 1)]
    n = rows.n
    add = {"section": "performance", "n": n, "level": 0.95, "recomputed": True}
    found = []
    for metric, of in (("recall", "true_positive_rate"), ("precision", "precision"), ("accuracy", "accuracy")):
        k, base = rate(rows, of, np.ones(n, bool))
        data = {"confusion": {"classes": [0, 1], "counts": counts}} if metric == "accuracy" else {}
        found.append(
            Finding(
                id=f"performance.{metric}",
                metric=metric,
                value=k / base,
                interval=wilson(k, base),
                denominator=base,
                method="Wilson",
                data=data,
                **add,
            )
        )
    at = {
        "threshold": 0.5,
        "false_positive_rate": rate(rows, "false_positive_rate", np.ones(n, bool))[0] / max((truth == 0).sum(), 1),
        "true_positive_rate": float((score[truth == 1] >= 0.5).mean()),
    }
    scores = {
        "roc_auc": (
            auc,
            0.03,
            {"curve": {"false_positive_rate": fpr, "true_positive_rate": tpr}, "at": at},
            "Newcombe 2006, method 5",
        ),
        "average_precision": (
            0.83,
            0.05,
            {"curve": {"recall": recall[::-1], "precision": precision[::-1]}, "base_rate": float(truth.mean())},
            "multinomial resampling",
        ),
        "expected_calibration_error": (0.082, 0.022, {"bins": bins}, "multinomial resampling"),
        "brier_score": (
            0.142,
            0.02,
            {
                "histogram": {
                    "edges": list(edges),
                    "negative": np.histogram(score[truth == 0], edges)[0].tolist(),
                    "positive": np.histogram(score[truth == 1], edges)[0].tolist(),
                }
            },
            "multinomial resampling",
        ),
        "f1": (
            0.79,
            0.05,
            {
                "curve": {
                    "threshold": list(cuts),
                    "precision": precision,
                    "recall": recall,
                    "f1": f1,
                    "selection_rate": selected,
                },
                "at": 0.5,
            },
            "multinomial resampling",
        ),
        "skill_over_baseline": (
            0.27,
            0.06,
            {"metric": "accuracy", "model": 0.82, "baseline": 0.55, "always": 0, "from": "train"},
            "paired resampling",
        ),
    }
    for metric, (value, half, data, method) in scores.items():
        found.append(
            Finding(
                id=f"performance.{metric}",
                metric=metric,
                value=value,
                interval=(value - half, value + half),
                method=method,
                data=data,
                **add,
            )
        )
    return found


FEATURES = ("bmi", "s5", "bp", "s6", "s3", "age", "s1", "s2", "s4", "sex")


def explainability() -> list[Finding]:
    random = np.random.default_rng(3)
    add = {"section": "explainability", "sample": 200, "n": 177}
    means = np.sort(random.gamma(1.1, 0.03, len(FEATURES)))[::-1]
    grid = np.linspace(18, 42, 20)
    curve = lambda shift: list(1 / (1 + np.exp(-(grid - 27) / 3)) * 0.6 + 0.2 + shift)  # noqa: E731 - one line reads better
    parts = [
        {
            "feature": name,
            "kind": "numeric",
            "grid": list(grid),
            "average": curve(0),
            "lines": [curve(s) for s in random.normal(0, 0.06, 12)],
        }
        for name in FEATURES[:3]
    ] + [{"feature": "sex", "kind": "category", "grid": [1, 2], "average": [0.48, 0.51], "lines": []}]
    return [
        Finding(
            id="explainability.permutation_importance",
            metric="permutation_importance",
            value=float(means[0]),
            method="10 shuffles",
            data={
                "scoring": "roc_auc",
                "features": [
                    {"feature": f, "mean": float(m), "low": float(m * 0.7), "high": float(m * 1.25)}
                    for f, m in zip(FEATURES, means, strict=True)
                ],
            },
            **add,
        ),
        Finding(
            id="explainability.partial_dependence",
            metric="partial_dependence",
            value=0.58,
            data={"features": parts},
            **add,
        ),
        Finding(
            id="explainability.shap_additivity_residual",
            metric="shap_additivity_residual",
            value=3.1e-15,
            data={
                "explainer": "linear",
                "scale": "log-odds",
                "features": [{"feature": f, "mean_abs": float(m * 9)} for f, m in zip(FEATURES, means, strict=True)],
            },
            **add,
        ),
        Finding(
            id="explainability.surrogate_fidelity",
            metric="surrogate_fidelity",
            value=0.893,
            interval=(0.84, 0.93),
            level=0.95,
            data={
                "tree": "bmi <= 27.1\n|-- s5 <= 4.6: class 0\n|-- s5 > 4.6: class 1\nbmi > 27.1\n|-- class 1",
                "depth": 2,
                "leaves": 3,
            },
            **add,
        ),
        Finding(
            id="explainability.lime_jaccard_at_5",
            metric="lime_jaccard_at_5",
            value=0.76,
            interval=(0.66, 0.85),
            level=0.95,
            method="bootstrap over rows",
            data={"rows": 20, "per_row": [0.7] * 20},
            **add,
        ),
        Finding(
            id="explainability.proxy_strength",
            metric="proxy_strength",
            value=0.93,
            interval=(0.91, 0.95),
            level=0.95,
            data={
                "features": [
                    {
                        "feature": name,
                        "area": area,
                        "interval": [area - 0.02, area + 0.02],
                        "of": of,
                        "single": [{"feature": "s5", "area": area - 0.1}, {"feature": "bmi", "area": 0.51}],
                        "is_input": name == "sex",
                    }
                    for name, area, of in (("sex", 0.93, "2"), ("age_band", 0.61, "under 50"))
                ]
            },
            **add,
        ),
        Finding(id="explainability.lime_local_fit", metric="lime_local_fit", value=0.41, **add),
        Finding(id="explainability.lime_shap_agreement", metric="lime_shap_agreement", value=0.68, **add),
        Finding(
            id="explainability.forbidden_in_top",
            metric="forbidden_in_top",
            value=0,
            data={
                "n": 3,
                "forbidden": ["sex"],
                "found": [],
                "features_total": 10,
                "ranks": [
                    {"feature": "sex", "rank": 10, "mean": 0.001, "sensitive": True},
                    {"feature": "age_band", "rank": None, "mean": None, "sensitive": True},
                ],
            },
            **add,
        ),
    ]


def robustness(n: int) -> list[Finding]:
    add = {"section": "robustness", "n": n, "level": 0.95, "method": "Wilson"}
    steps = [
        {"strength": s, "rate": s * 0.6, "interval": list(wilson(round(s * 0.6 * n), n))}
        for s in (0, 0.05, 0.1, 0.2, 0.3)
    ]
    return [
        Finding(
            id="robustness.flip_rate",
            metric="flip_rate",
            value=0.06,
            interval=wilson(round(0.06 * n), n),
            denominator=n,
            data={
                "strengths": steps,
                "columns": [{"column": c, "rate": 0.04 / (i + 1)} for i, c in enumerate(FEATURES)],
            },
            **add,
        ),
        Finding(
            id="robustness.missing_flip_rate",
            metric="missing_flip_rate",
            value=0.11,
            interval=wilson(round(0.11 * n), n),
            data={
                "columns": [
                    {
                        "column": c,
                        "replacement": "26.2",
                        "rate": 0.11 / (i + 1),
                        "interval": list(wilson(round(0.11 / (i + 1) * n), n)),
                    }
                    for i, c in enumerate(FEATURES[:6])
                ]
            },
            **add,
        ),
        Finding(
            id="robustness.worst_slice_accuracy",
            metric="worst_slice_accuracy",
            value=0.64,
            interval=(0.48, 0.78),
            denominator=36,
            data={
                "slices": [
                    {"slice": "age > 52 and bmi <= 27", "n": 36, "accuracy": 0.64, "interval": [0.48, 0.78]},
                    {"slice": "bp > 101", "n": 44, "accuracy": 0.73, "interval": [0.58, 0.84]},
                ],
                "overall": 0.82,
                "found_on": 89,
                "judged_on": 88,
            },
            **add,
        ),
        Finding(
            id="robustness.out_of_range_share",
            metric="out_of_range_share",
            value=0.011,
            interval=wilson(2, n),
            data={"against": "train", "columns": [{"column": "s4", "low": 2.0, "high": 9.1, "outside": 2, "n": n}]},
            **add,
        ),
    ]


def data_quality(n: int) -> list[Finding]:
    random = np.random.default_rng(5)
    shapes = []
    for name in ("s5", "bmi"):
        now, then = random.dirichlet(np.ones(8) * 9), random.dirichlet(np.ones(8) * 9)
        shapes.append(
            {
                "column": name,
                "kind": "numeric",
                "edges": list(np.linspace(3, 6, 9).round(2)),
                "levels": None,
                "evaluation": list(now),
                "reference": list(then),
            }
        )
    add = {"section": "data", "n": n}
    columns = [
        {
            "column": c,
            "kind": "numeric",
            "psi": 0.24 / (i + 1),
            "test": "two-sample KS",
            "statistic": 0.1,
            "p_value": 0.01 if not i else 0.4,
            "drifted": not i,
        }
        for i, c in enumerate(FEATURES)
    ]
    return [
        Finding(
            id="data.missing_share",
            metric="missing_share",
            value=0.0,
            interval=(0, 0.002),
            level=0.95,
            method="Wilson",
            data={"columns": [{"column": "bmi", "missing": 0, "n": n}]},
            **add,
        ),
        Finding(id="data.duplicate_share", metric="duplicate_share", value=0.0, data={"duplicates": 0}, **add),
        Finding(id="data.leakage", metric="leakage", value=0.0, data={"matches": 0, "train_rows": 265}, **add),
        Finding(id="data.contract_violations", metric="contract_violations", value=0, data={"rules": []}, **add),
        Finding(
            id="data.minority_share",
            metric="minority_share",
            value=0.452,
            interval=(0.38, 0.53),
            level=0.95,
            data={"classes": [{"class": 0, "n": 97, "train_n": 135}, {"class": 1, "n": 80, "train_n": 130}]},
            **add,
        ),
        Finding(
            id="data.outlier_share",
            metric="outlier_share",
            value=0.004,
            data={"columns": [{"column": "s4", "low": 0.5, "high": 9.0, "outliers": 2, "n": n}]},
            **add,
        ),
        Finding(
            id="data.drifted_columns",
            metric="drifted_columns",
            value=1,
            data={"against": "train", "rows": 265, "columns": columns},
            **add,
        ),
        Finding(id="data.max_psi", metric="max_psi", value=0.24, data={"column": "bmi", "shapes": shapes}, **add),
    ]


def operations() -> list[Finding]:
    add = {"section": "operations"}
    return [
        Finding(
            id="operations.loads_in_clean_process",
            metric="loads_in_clean_process",
            value=1,
            data={"seconds": 1.42, "import_seconds": 1.1, "error": None},
            **add,
        ),
        Finding(
            id="operations.output_violations", metric="output_violations", value=0, n=177, data={"rules": []}, **add
        ),
        Finding(
            id="operations.latency_p95_ms",
            metric="latency_p95_ms",
            value=6.4,
            interval=(5.9, 7.2),
            level=0.95,
            n=200,
            method="order statistics",
            data={
                "histogram": {
                    "edges": list(np.linspace(3, 9, 13)),
                    "counts": [1, 9, 31, 44, 38, 27, 20, 12, 9, 5, 3, 1],
                },
                "calls": 200,
            },
            **add,
        ),
        Finding(
            id="operations.throughput_rows_per_s",
            metric="throughput_rows_per_s",
            value=41250.0,
            data={
                "batches": [{"rows": 1, "ms": 4.2, "rows_per_s": 238}, {"rows": 1000, "ms": 24.2, "rows_per_s": 41250}]
            },
            **add,
        ),
        Finding(id="operations.peak_memory_mb", metric="peak_memory_mb", value=214.3, **add),
        Finding(
            id="operations.model_size_mb",
            metric="model_size_mb",
            value=0.012,
            data={"files": [{"path": "model.pkl", "bytes": 9000}], "total_files": 6},
            **add,
        ),
        Finding(
            id="operations.environment_mismatches",
            metric="environment_mismatches",
            value=0,
            data={"packages": [], "checked": 5, "python": {"asked": "3.11.2", "here": "3.11.2"}},
            **add,
        ),
    ]


def judged(finding: Finding, objective: Objective) -> Finding:
    """Give a finding the gate that the objective declares for it, as the verdict step does."""
    gate = objective.gates.get(finding.section, {}).get(finding.metric)
    if gate is None:
        return finding
    low, high = gate.region
    interval = finding.interval or (finding.value, finding.value)
    if finding.value is None:
        verdict = "not_evaluated"
    elif low <= interval[0] and interval[1] <= high:
        verdict = "pass"
    elif interval[1] < low or interval[0] > high:
        verdict = "fail"
    else:
        verdict = "inconclusive"
    told = {
        "pass": {},
        "fail": {
            "reason": "The whole interval violates the gate.",
            "advice": "The gap to the bound is large; reweight the groups, then: nbdeploy validate progression-risk",
        },
        "inconclusive": {
            "reason": "The interval crosses the bound.",
            "advice": "About 1,900 rows like these would decide it: nbdeploy validate progression-risk --data MORE.csv",
            "rows_needed": 1900,
        },
        "not_evaluated": {"reason": finding.reason or "the metric is undefined here", "advice": ""},
    }[verdict]
    return finding.model_copy(update={"gate": GateCondition(op=gate.op, bound=gate.bound), "verdict": verdict, **told})


def evidence_of(objective: Objective, findings: list[Finding], rows: int, **changes) -> Evidence:
    findings = tuple(judged(finding, objective) for finding in findings)
    gates = {finding.id: finding.verdict for finding in findings if finding.verdict}
    notebooks = tuple(
        NotebookRun(
            section=s,
            name=f"{s}.ipynb",
            source_digest=digest(s),
            executed_digest=digest(s + "!"),
            status="completed",
            seconds=3.1,
            measurements=8,
        )
        for s in ("data", "performance", "fairness", "robustness", "explainability", "operations")
    )
    base = {
        "objective": ObjectiveRef(name=objective.name, digest=digest("objective"), content=objective),
        "subject": Subject(
            model=ModelSubject(
                uri="models:/progression-risk/2",
                digest=digest("model"),
                name="progression-risk",
                version="2",
                flavor="sklearn",
                size_bytes=12430,
                run_id="6f1c2a",
                logged_by="dana",
                commit="4be1f0c",
                inputs=dict.fromkeys(FEATURES, "double"),
                outputs={"answer": "long"},
                requirements=("pandas>=2", "scikit-learn==1.9.0"),
                description={"algorithm": "logistic regression"},
            ),
            data=(
                DataSubject(
                    role="evaluation",
                    name="diabetes-test.csv",
                    digest=digest("data"),
                    rows=rows,
                    columns=(*FEATURES, "progressed", "age_band"),
                ),
                DataSubject(
                    role="train", name="diabetes-train.csv", digest=digest("train"), rows=265, columns=FEATURES
                ),
            ),
            notebooks=notebooks,
            environment={"python": "3.11.2", "scikit-learn": "1.9.0", "pandas": "3.1.0", "numpy": "2.4.1"},
        ),
        "run": Run(
            id="0002",
            attempt=2,
            draft=False,
            started=STARTED,
            finished=FINISHED,
            by="dana",
            host="workstation",
            seed=0,
            nbdeploy="0.1.0",
        ),
        "findings": findings,
        "verdict": VerdictSummary(overall=worst(gates.values()), gates=gates),
        "attempts": (
            AttemptRef(
                attempt=1,
                recorded=STARTED,
                model_digest=digest("m1"),
                data_digest=digest("data"),
                objective_digest=digest("o1"),
                overall="fail",
                changes=("roc_auc >= 0.80 → >= 0.75",),
            ),
        ),
    }
    return Evidence(**(base | changes))


def failing() -> Evidence:
    """The diabetes study as it is: small, so that fairness fails or stays undecided."""
    rows = Rows(177, ("under 40", "40 to 59", "60 and over"), (1, 2), lean=0.4)
    objective = diabetes_objective()
    findings = [
        *data_quality(rows.n),
        *performance(rows),
        *fairness(rows, objective),
        *robustness(rows.n),
        *explainability(),
        *operations(),
    ]
    return evidence_of(objective, findings, rows.n)


def passing() -> Evidence:
    """Plenty of rows and modest gates: everything holds."""
    rows = Rows(24_000, ("under 40", "40 to 59", "60 and over"), (1, 2))
    gates = {
        "performance": {"roc_auc": ">= 0.75", "recall": ">= 0.60"},
        "fairness": {"demographic_parity_ratio": ">= 0.80"},
        "operations": {"latency_p95_ms": "<= 50"},
    }
    objective = diabetes_objective(gates=gates)
    findings = [
        *data_quality(rows.n),
        *performance(rows),
        *fairness(rows, objective),
        *robustness(rows.n),
        *explainability(),
        *operations(),
    ]
    return evidence_of(
        objective,
        findings,
        rows.n,
        attempts=(),
        run=Run(
            id="0001",
            attempt=1,
            draft=False,
            started=STARTED,
            finished=FINISHED,
            by="dana",
            host="workstation",
            seed=0,
            nbdeploy="0.1.0",
        ),
    )


def mostly_missing() -> Evidence:
    """Predictions alone: every section that needs the model is not evaluated."""
    rows = Rows(900, ("under 40", "40 to 59", "60 and over"), (1, 2))
    objective = diabetes_objective()
    needs = "it needs the model; only its predictions were given"
    empty = [
        Finding(id=f"{section}.{metric}", section=section, metric=metric, reason=needs)
        for section, metric, _ in objective.each_gate()
        if section in ("robustness", "explainability", "operations")
    ]
    leak = Finding(id="data.leakage", section="data", metric="leakage", reason="no training data was given (--train)")
    quality = [
        leak if finding.metric == "leakage" else finding
        for finding in data_quality(rows.n)
        if finding.metric not in ("drifted_columns", "max_psi")
    ]
    notebooks = tuple(
        NotebookRun(section=s, name=f"{s}.ipynb", source_digest=digest(s), status="not_run", reason=needs)
        if s in ("robustness", "explainability", "operations")
        else NotebookRun(
            section=s, name=f"{s}.ipynb", source_digest=digest(s), executed_digest=digest(s + "!"), status="completed"
        )
        for s in ("data", "performance", "fairness", "robustness", "explainability", "operations")
    )
    subject = Subject(
        model=None,
        data=(DataSubject(role="predictions", name="scores.csv", digest=digest("p"), rows=rows.n),),
        notebooks=notebooks,
    )
    return evidence_of(
        objective, [*quality, *performance(rows), *fairness(rows, objective), *empty], rows.n, subject=subject
    )


def forty_groups() -> Evidence:
    """Twenty regions times two sexes."""
    return crossed_groups(20)


def sixty_groups() -> Evidence:
    """Thirty regions times two sexes."""
    return crossed_groups(30)


def crossed_groups(many: int) -> Evidence:
    """Return evidence on so many regions times two sexes."""
    regions = tuple(f"Region {number:02d}" for number in range(1, many + 1))
    rows = Rows(3_600, regions, ("female", "male"), seed=11)
    objective = diabetes_objective(min_group_size=30)
    return evidence_of(objective, [*performance(rows), *fairness(rows, objective)], rows.n)


HOSTILE = (
    "<script>document.title='owned'</script>",
    '"><img src=x onerror="document.title=\'owned\'">',
    "</style><style>body{display:none}</style>",
    "](javascript:alert(1)) ![x](http://evil.example/a.png) | <b>",
    "{{ 7*7 }}{% raw %}",
    "safe\u202egnp.exe\u200b\u0000",
    "p\u0430ypal",
    "x" * 10_000,
    '<meta http-equiv="refresh" content="0;url=http://evil.example/">',
    "]]></failure><evil/>",
)


def hostile() -> Evidence:
    """Every name that a stranger can choose tries to break out."""
    rows = Rows(300, HOSTILE[:6], (HOSTILE[6], HOSTILE[7]))
    rows.levels = {HOSTILE[0]: rows.levels["sex"], HOSTILE[3]: rows.levels["age_band"]}
    objective = diabetes_objective(
        sensitive=[HOSTILE[0], HOSTILE[3]],
        target=HOSTILE[1],
        goal={"ai": HOSTILE[1], "owner": HOSTILE[5], "users": list(HOSTILE), "out_of_scope": list(HOSTILE)},
        kpis=[{"name": name, "measured": name} for name in HOSTILE],
    )
    quality = [
        finding.model_copy(
            update={
                "data": {
                    "against": HOSTILE[0],
                    "columns": [{"column": name, "psi": 0.3, "drifted": True} for name in HOSTILE],
                }
            }
        )
        if finding.metric == "drifted_columns"
        else finding
        for finding in data_quality(rows.n)
    ]
    own = Finding(
        id=f"performance.{HOSTILE[0]}",
        section="performance",
        metric=HOSTILE[2],
        value=1.0,
        reason=HOSTILE[9],
        advice=HOSTILE[3],
        gate=GateCondition(op=">=", bound=2),
        verdict="fail",
        method=HOSTILE[1],
    )
    curve = Finding(
        id="performance.roc_auc",
        section="performance",
        metric="roc_auc",
        value=math.inf,
        data={"curve": {"false_positive_rate": HOSTILE[0], "true_positive_rate": ["x", None]}},
    )
    made = evidence_of(objective, [*quality, own, curve, *fairness(rows, objective)], rows.n, warnings=HOSTILE)
    subject = made.subject.model_copy(
        update={
            "model": ModelSubject(
                uri=HOSTILE[3],
                digest=digest("m"),
                name=HOSTILE[1],
                version=HOSTILE[0],
                logged_by=HOSTILE[5],
                inputs={HOSTILE[0]: HOSTILE[1]},
                outputs={HOSTILE[1]: HOSTILE[0]},
                requirements=(f"{HOSTILE[0]}==1", "a/../b@9"),
                description={HOSTILE[0]: HOSTILE[1]},
            ),
            "notebooks": (
                NotebookRun(
                    section="performance",
                    name=HOSTILE[8],
                    source_digest=digest("n"),
                    status="failed",
                    reason=HOSTILE[2],
                    edited=True,
                ),
            ),
            "parameters": {HOSTILE[0]: HOSTILE[3]},
            "environment": {HOSTILE[1]: HOSTILE[8]},
        }
    )
    return made.model_copy(
        update={"subject": subject, "run": made.run.model_copy(update={"by": HOSTILE[1], "host": HOSTILE[0]})}
    )


def regulated() -> Evidence:
    """Held against every regulation that ships, with the categories of an audit declared."""
    from nbdeploy.declare.crosswalks import crosswalks

    made = failing()
    declared = Regulations(
        documents={"Annex IV 8": "Declaration 2026-014, legal department"},
        local_law_144=ImpactAudit(sex="sex", race_ethnicity="age_band"),
    )
    content = made.objective.content.model_copy(update={"regulations": declared})
    objective = made.objective.model_copy(update={"content": content})
    return made.model_copy(update={"objective": objective, "crosswalks": crosswalks()})


ALL = {
    "failing": failing,
    "passing": passing,
    "mostly_missing": mostly_missing,
    "forty_groups": forty_groups,
    "hostile": hostile,
}
