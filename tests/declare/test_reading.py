from __future__ import annotations

from pathlib import Path

import pytest

from nbdeploy.declare import changes, read_objective
from nbdeploy.errors import ObjectiveError

BASE = """
name: churn
task: binary
target: left
sensitive: [sex]
gates:
  performance: {roc_auc: ">= 0.75"}
"""


def read(text: str, **options: object):
    return read_objective(text.encode(), **options)  # type: ignore[arg-type]


# One line a case, however long: text, and what the sentence must say.
@pytest.mark.parametrize(
    ("text", "says"),
    [
        (BASE + "treshold: 0.5\n", "unknown key 'treshold'; did you mean 'threshold'?"),
        (BASE + "goal: {owner: A, intended: B}\n", "did you mean 'intended_use'?"),
        (BASE.replace("roc_auc", "roc_uac"), "did you mean 'roc_auc'?"),
        (BASE.replace("performance:", "perfomance:"), "did you mean 'performance'?"),
        (BASE.replace("roc_auc", "flip_rate"), "it belongs to robustness. Next: write it under robustness"),
        (BASE.replace("roc_auc", "ROC_AUC"), "did you mean 'roc_auc'?"),
        (BASE.replace("roc_auc", "rmse").replace("binary", "regression"), "did you mean 'root_mean_squared_error'?"),
        (BASE.replace("roc_auc", "MAE").replace("binary", "regression"), "did you mean 'mean_absolute_error'?"),
        (BASE.replace("sensitive: [sex]", "sensitive: sex"), "sensitive: 'sex' is no list; write [sex]"),
        (BASE.replace("target: left", "target: 3"), "target: 3 is no text; write it in quotes: '3'"),
        (BASE.replace("target: left", "target: 2024-01-01"), "'2024-01-01' is no text; write it in quotes"),
        (BASE + "positive: [1]\n", "positive: [1] is no single value"),
        (BASE + "positive: 2024-01-01\n", "positive: '2024-01-01' is no text; write it in quotes"),
        (BASE + "threshold: half\n", "threshold: 'half' is no number"),
        (BASE + "threshold: .nan\n", "threshold: nan should be a finite number"),
        (BASE + "min_group_size: ten\n", "min_group_size: 'ten' is no whole number"),
        (BASE + "level: 95\n", "level: 95 should be less than 1"),
        (BASE + "decide: points\n", "'points' is not one of 'interval' or 'point'; did you mean 'point'?"),
        (BASE + "model: a b\n", "model: 'a b' is no name"),
        (BASE + "goal: money\n", "goal: 'money' is no set of keys with values"),
        (BASE + "control: [left]\n", "control: 'left' is the target"),
        (BASE + "contract: {x: {range: [5, 1]}}\n", "contract.x.range is no pair of numbers"),
        (BASE + "contract: {x: {range: [0]}}\n", "contract.x.range is no pair of numbers; write it as [0, 120]"),
        (BASE + "contract: {1: {type: int}}\n", "the key 1 under contract is no text; write it in quotes"),
        (BASE.replace('">= 0.75"', "[0.75]"), "roc_auc: [0.75] is not a condition such as '>= 0.75'"),
        (BASE.replace('">= 0.75"', '{op: "=>", bound: 1}'), "gates.performance.roc_auc.op: '=>' is not one of"),
        (BASE.replace('">= 0.75"', "{min: 1, group: {sex: [1]}}"), "roc_auc.group: {'sex': [1]} is no single value"),
        (BASE.replace('">= 0.75"', ">= 0.75"), "line 7: >= 0.75 needs quotes. Next: write '>= 0.75'"),
        (BASE + "positive: >50K\n", "line 8: >50K needs quotes. Next: write '>50K'"),
        (BASE + "\tlevel: 1\n", "a tab stands where spaces go"),
        (BASE.replace("[sex]", "[sex"), "(while parsing a flow sequence that begins in line 5)"),
        (BASE + "kpis: [{name: a, by: 2026-02-30}]\n", "holds a value that cannot be read (day is out of range"),
        (BASE + "---\nname: again\n", "expected a single document in the stream, but found another document. Next"),
        (BASE.replace("task: binary", "task: regression"), "is for binary tasks, and this task is regression"),
        (BASE.replace("task: binary", "task: ranking"), "'ranking' is not one of"),
        (BASE.replace("target: left", ""), "the key 'target' is missing"),
        (BASE.replace('">= 0.75"', "0.75"), "write a condition such as '>= 0.75'"),
        (BASE.replace('">= 0.75"', '"at least 0.75"'), "is not a condition"),
        (BASE + "name: again\n", "stands twice"),
        (BASE.replace("sensitive: [sex]", "x: &a [1]\ny: *a"), "aliases are not read"),
        (BASE + "  bad: [\n", "line"),
        ("", "is empty"),
        ("- a\n- b\n", "is not a list of keys and values"),
        (BASE + "rollout: {guardrails: {eror_rate: '<= 0.1'}}\n", "did you mean 'error_rate'?"),
        (BASE.replace('{roc_auc: ">= 0.75"}', "{recall: {min: 0.5, group: {race: 1}}}"), "'race', which is not a sensitive feature"),  # noqa: E501 - one line a case
        (BASE.replace("performance:", "fairness:").replace("roc_auc", "demographic_parity_ratio").replace("sensitive: [sex]\n", ""), "no sensitive features are declared"),  # noqa: E501 - one line a case
        (BASE.replace("performance:", "explainability:").replace("roc_auc", "forbidden_in_top"), "needs features and n"),  # noqa: E501 - one line a case
    ],
)  # fmt: skip
def test_a_mistake_is_one_sentence_that_names_the_right_word(text: str, says: str):
    with pytest.raises(ObjectiveError) as caught:
        read(text)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_yes_and_no_are_words():
    found = read(BASE + "positive: yes\nfavourable: no\n").content
    assert (found.positive, found.favourable) == ("yes", "no")


def test_the_name_beside_the_text_is_written_into_it():
    named = read(BASE.replace("name: churn\n", ""), name="churn")
    assert named.content.name == "churn"
    assert read(named.source.decode()).content == named.content


@pytest.mark.parametrize(
    "text",
    [
        "---" + BASE.replace("name: churn\n", ""),
        "{task: binary, target: left, gates: {performance: {roc_auc: '>= 0.7'}}}",
    ],
)
def test_a_name_that_would_make_the_text_unreadable_is_not_written_into_it(text: str):
    with pytest.raises(ObjectiveError, match="Next: write `name: churn` in it"):
        read(text, name="churn")


def test_a_byte_order_mark_stays_at_the_beginning_or_goes():
    named = read("\ufeff" + BASE.replace("name: churn\n", ""), name="churn")
    assert read(named.source.decode(), name="churn").content == named.content


def test_two_names_are_refused():
    with pytest.raises(ObjectiveError, match="named 'churn' inside and 'other' outside"):
        read(BASE, name="other")


def test_a_measure_of_an_own_notebook_may_be_gated():
    text = BASE + "  data: {label_delay_days: '<= 3'}\n"
    with pytest.raises(ObjectiveError):
        read(text)
    assert read(text, own={"data": ["label_delay_days"]}).content.gates["data"]


def test_the_digest_is_of_the_exact_bytes():
    assert read(BASE).digest != read(BASE + "\n").digest


def test_changes_are_told_with_both_values():
    before = read(BASE).content
    after = read(BASE.replace("0.75", "0.70") + "  data: {leakage: '== 0'}\nlevel: 0.9\n").content
    told = changes(before, after)
    assert "performance.roc_auc: >= 0.75 → >= 0.7" in told
    assert "data.leakage: gate added (== 0)" in told
    assert "level: 0.95 → 0.9" in told


def test_a_gate_that_is_asked_of_fewer_rows_or_another_group_is_a_change():
    text = BASE.replace("sensitive: [sex]", "sensitive: [sex, band]")
    asked = '{min: 0.75, slice: "age >= 65"}', "{min: 0.75, group: band}", "{min: 0.75, group: {sex: f}}"
    told = [changes(read(text).content, read(text.replace('">= 0.75"', new)).content) for new in asked]
    assert told == [
        ("performance.roc_auc: >= 0.75 → >= 0.75 where age >= 65",),
        ("performance.roc_auc: >= 0.75 → >= 0.75 by band",),
        ("performance.roc_auc: >= 0.75 → >= 0.75 in sex=f",),
    ]


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ("positive: 1", "positive: '1'", "positive: 1 → '1'"),
        ("score: a", "score: b", "score: a → b"),
        ("costs: {false_positive: 5, false_negative: 60}", "costs: {false_positive: 5}", "costs.false_negative: removed (was 60.0)"),  # noqa: E501 - one line a case
        ("contract: {age: {range: [18, 99]}}", "contract: {age: {range: [0, 99]}}", "contract.age: range 18.0, 99.0 → range 0.0, 99.0"),  # noqa: E501 - one line a case
        ("contract: {age: {type: int}}", "contract: {}", "contract.age: rule removed (was type int)"),
    ],
)  # fmt: skip
def test_whatever_a_verdict_rests_on_is_told_when_it_changes(before, after, says):
    assert changes(read(f"{BASE}{before}\n").content, read(f"{BASE}{after}\n").content) == (says,)


@pytest.mark.parametrize("name", ["objective.yaml", "demo-objective.yaml"])
def test_the_examples_that_we_ship_can_be_read(name: str):
    from nbdeploy import templates

    file: Path = templates.path(name)
    assert read_objective(file.read_bytes()).content.each_gate()
