"""What a finding holds beyond its number, as rows of text: broken rules, weak slices, packages, ranks, the tree."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from nbdeploy.documents.card import Block
from nbdeploy.documents.finding import Finding
from nbdeploy.report import figures, wording
from nbdeploy.report.charts.rows import headed
from nbdeploy.report.charts.rows import value as written
from nbdeploy.report.sections import answers_told, money_told, rows_told

Row = tuple[str, str]
_RATE = figures.Scale(percent=True)
MOST = 40


def details(finding: Finding) -> tuple[Block, ...]:
    """Return the tables that belong to a finding; none where its data is not of the form that is known."""
    known = _TABLES.get(finding.metric)
    if known is None or finding.features:
        return ()
    title, tell, folded = known
    try:
        rows = tuple(tell(finding.data))[:MOST]
    except (KeyError, TypeError, ValueError, IndexError, AttributeError):
        return ()  # an edited notebook recorded something else; the number itself stays in the table above
    if finding.metric == "surrogate_fidelity":
        tree = str(finding.data.get("tree") or "")
        return (
            (Block(kind="text", title=title, text=tree, options={"code": True}, findings=(finding.id,)),)
            if tree
            else ()
        )
    if not rows:
        return ()
    return (Block(kind="facts", title=title, rows=rows, findings=(finding.id,), options={"folded": folded}),)


def _share(part: Any, whole: Any) -> str:
    return (
        f"{int(part):,} of {int(whole):,} ({figures.number(int(part) / int(whole), _RATE)})"
        if int(whole)
        else "no rows"
    )


def _rules(data: dict[str, Any]) -> Iterator[Row]:
    for rule in data["rules"]:
        where = f"{rule['column']}: {rule['rule']}" if "column" in rule else str(rule["rule"])
        yield where, wording.counted(int(rule["rows"]), "row")


def _classes(data: dict[str, Any]) -> Iterator[Row]:
    total = sum(int(one["n"]) for one in data["classes"])
    for one in data["classes"]:
        trained = f"; {int(one['train_n']):,} in training" if one.get("train_n") is not None else ""
        yield str(one["class"]), _share(one["n"], total) + trained


def _leakage(data: dict[str, Any]) -> Iterator[Row]:
    yield (
        "Evaluated rows that also stand in training",
        f"{int(data['matches']):,} (compared with {wording.counted(int(data['train_rows']), 'training row')})",
    )
    if data.get("usual") is not None:
        yield "Training rows that repeat another training row", figures.number(float(data["usual"]), _RATE)


def _ranks(data: dict[str, Any]) -> Iterator[Row]:
    for one in data["ranks"]:
        named = f"{one['feature']}{' (sensitive)' if one.get('sensitive') else ''}"
        if one.get("rank") is None:
            yield named, "not an input of the model"
        else:
            limits = one.get("rank_interval")
            span = f" ({int(limits[0])} to {int(limits[1])})" if limits else ""
            yield named, f"rank {int(one['rank'])}{span} of {int(data['features_total'])}"
    yield from _proxies(data)


def _baseline(data: dict[str, Any]) -> Iterator[Row]:
    metric = str(data["metric"])
    how = figures.scale("performance", metric)
    yield f"{wording.label('performance', metric)} of this model", figures.number(float(data["model"]), how)
    yield f"… of always saying “{data['always']}”", figures.number(float(data["baseline"]), how)


def _batches(data: dict[str, Any]) -> Iterator[Row]:
    for one in data["batches"]:
        rate = figures.number(float(one["rows_per_s"]), figures.Scale(unit="rows/s"))
        yield wording.counted(int(one["rows"]), "row"), f"{float(one['ms']):,.1f}\u00a0ms, {rate}"


def _packages(data: dict[str, Any]) -> Iterator[Row]:
    for one in data["packages"]:
        yield str(one["package"]), f"asked {one['asked']}, here {one['here'] or 'not installed'}"
    python = data.get("python")
    if python and python["asked"] != python["here"]:
        yield "Python", f"asked {python['asked']}, here {python['here']}"


def _files(data: dict[str, Any]) -> Iterator[Row]:
    files = data["files"]
    for one in files:
        yield str(one["path"]), figures.number(int(one["bytes"]) / 1e6, figures.Scale(unit="MB"))
    more = int(data.get("total_files") or len(files)) - len(files)
    if more > 0:
        yield "Smaller ones", wording.counted(more, "more file")


def _scanned(data: dict[str, Any]) -> Iterator[Row]:
    for one in data["findings"]:
        yield str(one["path"]), f"{one['weight']}: {one['says']}"
    more = int(data["total"]) - len(data["findings"])
    if more > 0:
        yield "Further ones", wording.counted(more, "more finding")


def _rowwise(data: dict[str, Any]) -> Iterator[Row]:
    differing, compared = int(data["differing"]), int(data["compared"])
    most = figures.number(float(data["share_interval"][1]), _RATE)
    yield "Answers that changed beside other rows", f"{differing:,} of {compared:,} (of all rows at most {most})"


def _proxies(data: dict[str, Any]) -> Iterator[Row]:
    for one in data.get("proxies") or []:
        strength = f"association {figures.number(float(one['association']))} of at most 1"
        yield f"{one['feature']} stands in for {one['of']}", strength


def _clean_load(data: dict[str, Any]) -> Iterator[Row]:
    if data.get("error"):
        yield "Error", str(data["error"])
    if data.get("seconds") is not None:
        yield "Time to load", f"{float(data['seconds']):.2f} s"


def _examples(data: dict[str, Any]) -> Iterator[Row]:
    for number, one in enumerate(data.get("examples") or (), 1):
        values = "; ".join(f"{name} {written(value)}" for name, value in one["row"].items())
        yield headed(number, one), values


def _stand_ins(data: dict[str, Any]) -> Iterator[Row]:
    for one in data["features"]:
        alone = ", ".join(f"{single['feature']} ({float(single['area']):.2f})" for single in one["single"][:3])
        given = "" if one["is_input"] else "; the model is not given the feature itself"
        yield f"{one['feature']}: {one['of']}", f"by all inputs {float(one['area']):.2f}, by single ones {alone}{given}"


def _tree(data: dict[str, Any]) -> Iterator[Row]:
    yield "Tree", str(data["tree"])


_TABLES: dict[str, tuple[str, Callable[[dict[str, Any]], Iterator[Row]], bool]] = {
    "contract_violations": ("Broken rules", _rules, False),
    "output_violations": ("Broken rules of the answers", _rules, False),
    "minority_share": ("Rows of each class", _classes, False),
    "leakage": ("Leakage", _leakage, False),
    "forbidden_in_top": ("Rank of sensitive and forbidden features", _ranks, False),
    "proxy_strength": ("Inputs that stand in for a sensitive feature (area under the ROC curve)", _stand_ins, False),
    "skill_over_baseline": ("Against the simplest rule", _baseline, False),
    "throughput_rows_per_s": ("Throughput by batch size", _batches, True),
    "lime_jaccard_at_5": ("The rows explained above, whole", _examples, True),
    "model_size_mb": ("Largest files of the model", _files, True),
    "unsafe_files": ("What the model’s files would do when they are loaded", _scanned, False),
    "rowwise_difference": ("Rows asked singly and in one batch", _rowwise, False),
    "environment_mismatches": ("Packages in another version than the model asks for", _packages, True),
    "loads_in_clean_process": ("Loading in a new process", _clean_load, False),
    "surrogate_fidelity": ("A small tree that imitates the model", _tree, False),
    **rows_told.TABLES,
    **answers_told.TABLES,
    **money_told.TABLES,
}
