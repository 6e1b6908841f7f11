"""What `validate` promises to whoever reads its files: fairlearn's numbers, a published schema, numbered attempts."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import numpy as np
import pandas as pd
import pytest

from nbdeploy import flow
from nbdeploy.documents.evidence import ScoreTable
from nbdeploy.errors import FloorError, GateFailedError, ModelError, ProjectError
from nbdeploy.stats.intervals import FEWEST_TOLD
from nbdeploy.stats.tally.histogram import area_bounds, brier_bounds

OBJECTIVE = """
name: loan
task: binary
target: repaid
positive: 1
favourable: 1
score: score
threshold: 0.5
sensitive: [sex, region]
gates:
  performance: {roc_auc: ">= 0.6", recall: ">= 0.99"}
  fairness: {demographic_parity_ratio: ">= 0.8", equalized_odds_difference: "<= 0.1"}
"""
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def applicants() -> pd.DataFrame:
    """7,000 rows whose groups differ; one region is too small to be compared, and some regions are not known."""
    rng = np.random.default_rng(7)
    rows = 7000
    sex = rng.choice(["f", "m"], rows, p=[0.4, 0.6])
    region = rng.choice(["north", "south", "east", "far"], rows, p=[0.5, 0.3, 0.198, 0.002])
    quality = rng.normal(size=rows) + 0.25 * (sex == "m") - 0.2 * (region == "east")
    table = pd.DataFrame({
        "repaid": (quality + rng.normal(size=rows) > 0).astype(int),
        "score": np.round(1 / (1 + np.exp(-quality)), 4),
        "sex": sex,
        "region": region,
    })  # fmt: skip
    table.loc[rng.choice(rows, 60, replace=False), "region"] = None
    return table


@pytest.fixture(scope="module")
def report(applicants: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("a folder")
    applicants.to_csv(folder / "predictions.csv", index=False)
    (folder / "objective.yaml").write_text(OBJECTIVE)
    done = flow.validate(
        folder / "objective.yaml",
        predictions=folder / "predictions.csv",
        out=folder / "out",
        sections=("performance", "fairness"),
    )
    assert done.overall == "fail"
    return folder / "out"


@pytest.fixture(scope="module")
def findings(report: Path) -> dict[str, dict[str, object]]:
    return {finding["id"]: finding for finding in json.loads((report / "evidence.json").read_bytes())["findings"]}


def test_every_promised_file_is_there(report: Path):
    names = {path.name for path in report.iterdir()}
    assert names == {"objective.yaml", "evidence.json", "card.json", "card.html", "card.md", "junit.xml", "notebooks"}
    assert {path.name for path in (report / "notebooks").iterdir()} == {"performance.ipynb", "fairness.ipynb"}
    assert not flow.verify_card(report).problems


def test_evidence_and_card_follow_the_published_schemas(report: Path, tmp_path: Path):
    flow.write_schemas(tmp_path)
    for name in ("evidence", "card"):
        schema = json.loads((tmp_path / f"{name}.schema.json").read_text())
        jsonschema.Draft202012Validator.check_schema(schema)
        jsonschema.validate(json.loads((report / f"{name}.json").read_bytes()), schema)


@pytest.mark.parametrize("features", [["sex"], ["region"], ["sex", "region"]], ids=",".join)
def test_group_metrics_are_fairlearns(applicants: pd.DataFrame, findings: dict[str, dict], features: list[str]):
    import fairlearn.metrics as fl
    from sklearn.metrics import accuracy_score, precision_score

    metrics = {
        "count": fl.count,
        "selection_rate": fl.selection_rate,
        "true_positive_rate": fl.true_positive_rate,
        "false_positive_rate": fl.false_positive_rate,
        "true_negative_rate": fl.true_negative_rate,
        "false_negative_rate": fl.false_negative_rate,
        "precision": lambda y, p: precision_score(y, p, zero_division=np.nan),
        "accuracy": accuracy_score,
    }
    groups = applicants[features].fillna("(missing)")
    decided = (applicants["score"] >= 0.5).astype(int)
    theirs = fl.MetricFrame(metrics=metrics, y_true=applicants["repaid"], y_pred=decided, sensitive_features=groups)
    for metric in metrics:
        ours = findings[f"fairness.{metric}:{','.join(features)}"]
        assert len(ours["by_group"]) == len(theirs.by_group)
        for entry in ours["by_group"]:
            key = tuple(entry["group"][feature] for feature in features)
            expected = theirs.by_group[metric][key if len(key) > 1 else key[0]]
            few = entry["denominator"] is not None and entry["denominator"] < FEWEST_TOLD
            if np.isnan(expected) or (few and metric != "count"):
                assert entry["value"] is None
            else:
                assert entry["value"] == pytest.approx(expected, abs=1e-12)
        assert sum(entry["n"] for entry in ours["by_group"]) == len(applicants)


def test_disparities_are_fairlearns_over_the_groups_that_count(applicants: pd.DataFrame, findings: dict[str, dict]):
    import fairlearn.metrics as fl

    near = applicants[applicants["region"].fillna("(missing)") != "far"]
    for name in ("demographic_parity_ratio", "demographic_parity_difference"):
        for feature, rows in (("sex", applicants), ("region", near)):
            groups = rows[feature].fillna("(missing)")
            theirs = getattr(fl, name)(rows["repaid"], rows["score"] >= 0.5, sensitive_features=groups)
            ours = findings[f"fairness.{name}:{feature}"]
            assert ours["value"] == pytest.approx(theirs, abs=1e-12)
            assert ours["interval"][0] <= ours["value"] <= ours["interval"][1]
    theirs = fl.equalized_odds_difference(
        applicants["repaid"], (applicants["score"] >= 0.5), sensitive_features=applicants["sex"]
    )
    assert findings["fairness.equalized_odds_difference:sex"]["value"] == pytest.approx(theirs, abs=1e-12)


def test_small_and_missing_groups_are_named(findings: dict[str, dict]):
    groups = {entry["group"]["region"]: entry for entry in findings["fairness.selection_rate:region"]["by_group"]}
    assert groups["far"]["excluded"]
    assert groups["far"]["value"] is not None
    assert groups["(missing)"]["n"] == 60
    assert not groups["(missing)"]["excluded"]


def test_what_did_not_run_is_not_evaluated_by_name(applicants: pd.DataFrame, tmp_path: Path):
    (tmp_path / "o.yaml").write_text(OBJECTIVE + "  operations: {latency_p95_ms: '<= 50'}\n")
    done = flow.validate(
        tmp_path / "o.yaml", predictions=applicants.head(500), out=tmp_path / "out", sections=("data",)
    )
    verdicts = done.evidence.verdict.gates
    assert set(verdicts.values()) == {"not_evaluated"}
    assert done.exit_code == 3
    latency = done.evidence.finding("operations.latency_p95_ms")
    assert latency
    assert "predictions" in latency.reason or "not run" in latency.reason


def test_new_data_adds_an_attempt_to_the_same_objective(applicants: pd.DataFrame, tmp_path: Path, monkeypatch):
    flow.init(tmp_path / "p", preset="solo", person="Ana Author")
    monkeypatch.chdir(tmp_path / "p")
    flow.declare(OBJECTIVE.encode())
    first = flow.validate("loan", predictions=applicants.head(3000), sections=("performance",))
    again = flow.validate("loan", predictions=applicants.tail(3000), sections=("performance",))
    assert (first.evidence.run.attempt, again.evidence.run.attempt) == (1, 2)
    (earlier,) = again.evidence.attempts
    assert earlier.data_digest == first.evidence.subject.data[0].digest != again.evidence.subject.data[0].digest
    with pytest.raises(ModelError, match="saw only predictions"):
        flow.deploy("loan", to="dev")


def test_an_objective_below_the_floor_is_refused_with_both_values(tmp_path: Path, monkeypatch):
    flow.init(tmp_path / "p", preset="solo", person="Ana Author")
    monkeypatch.chdir(tmp_path / "p")
    policy = tmp_path / "p" / "policy.toml"
    policy.write_text(policy.read_text() + '\n[floor]\ngates.fairness.demographic_parity_ratio = ">= 0.9"\n')
    with pytest.raises(FloorError, match=r">= 0\.8.*>= 0\.9"):
        flow.declare(OBJECTIVE.encode())
    assert not (tmp_path / "p" / "objectives" / "loan.yaml").exists()


def test_strict_raises_after_everything_is_stored(applicants: pd.DataFrame, tmp_path: Path):
    (tmp_path / "o.yaml").write_text(OBJECTIVE)
    with pytest.raises(GateFailedError, match=r"performance\.recall"):
        flow.validate(
            tmp_path / "o.yaml", predictions=applicants, out=tmp_path / "out", sections=("performance",), strict=True
        )
    assert (tmp_path / "out" / "card.html").is_file()


def test_a_model_in_memory_needs_a_project(applicants: pd.DataFrame, tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "o.yaml").write_text(OBJECTIVE)
    with pytest.raises(ModelError, match="nbdeploy init"):
        flow.validate(tmp_path / "o.yaml", model=object(), data=applicants)
    with pytest.raises(ProjectError):
        flow.declare(tmp_path / "o.yaml")


def test_the_evidence_alone_bounds_area_and_brier_score(report: Path, findings: dict[str, dict]):
    table = ScoreTable.model_validate(json.loads((report / "evidence.json").read_bytes())["scores"])
    for metric, (low, high) in (("roc_auc", area_bounds(table)), ("brier_score", brier_bounds(table))):
        assert low <= findings[f"performance.{metric}"]["value"] <= high
        assert high - low < 0.05
