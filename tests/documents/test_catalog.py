from __future__ import annotations

from nbdeploy.documents import catalog
from nbdeploy.documents.sections import SECTIONS


def test_every_section_has_measures_with_a_plain_sentence():
    for section in SECTIONS:
        assert catalog.names(section)
    for entry in catalog.measures().values():
        assert entry.explanation.endswith((".", "large.", "1."))
        assert entry.label


def test_the_standard_set_is_known_to_the_fairness_section():
    known = set(catalog.names("fairness"))
    assert set(catalog.STANDARD_GROUP_METRICS) <= known
    assert set(catalog.STANDARD_DISPARITIES) <= known


def test_names_are_those_of_fairlearn_and_scikit_learn():
    import fairlearn.metrics
    from sklearn.metrics import get_scorer_names

    for name in ("selection_rate", "false_positive_rate", "demographic_parity_ratio", "equalized_odds_difference"):
        assert hasattr(fairlearn.metrics, name)
        assert catalog.measure("fairness", name)
    for name in (
        "roc_auc",
        "recall",
        "precision",
        "f1",
        "balanced_accuracy",
        "average_precision",
        "matthews_corrcoef",
        "r2",
    ):
        assert name in get_scorer_names()
        assert catalog.measure("performance", name)
