"""The gateway over real HTTP: the protocol, the schema, weights, switches and dying workers."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections import Counter

import httpx
import pytest

from nbdeploy.documents.objective import Objective
from nbdeploy.errors import ModelError
from nbdeploy.serve import gateway

ROW = {"age": 64.0, "ward": "b"}
OBJECTIVE = Objective.model_validate(
    {
        "name": "churn",
        "task": "binary",
        "target": "left",
        "positive": 1,
        "threshold": 0.9999,
        "contract": {"age": {"type": "float", "range": [0, 120], "nullable": False}, "ward": {"allowed": ["a", "b"]}},
        "gates": {"performance": {"roc_auc": ">= 0.7"}},
    }
)


@pytest.fixture
def live(serving, models):
    serving.direct((serving.start(models["pipeline"], "churn/1"), 100))
    return serving


@pytest.fixture
def ask(live):
    def post(given=None, path="/invocations", **options):
        return live.client.post(path, **({"json": given} if given is not None else {}), **options)

    return post


@pytest.mark.parametrize(
    "content",
    [
        {"dataframe_records": [ROW, {"age": 22, "ward": "a"}]},
        {"dataframe_split": {"columns": ["ward", "age"], "data": [["b", 64.0], ["a", 22]]}},
        {"dataframe_split": {"index": [7, 8], "columns": ["ward", "age"], "data": [["b", 64.0], ["a", 22]]}},
        {"inputs": {"age": [64.0, 22], "ward": ["b", "a"]}},
        {"inputs": [ROW, {"age": 22, "ward": "a"}], "params": None},
        {"instances": [ROW, {"age": 22, "ward": "a"}]},
        {"instances": [[64.0, "b"], [22, "a"]]},
    ],
)
def test_every_form_of_mlflows_protocol_gives_the_same_answer(ask, content):
    answer = ask(content)
    assert answer.status_code == 200
    assert answer.json()["predictions"] == [1, 0]
    assert answer.json()["version"] == answer.headers["x-nbdeploy-version"] == "churn/1"


def test_csv_is_understood(ask):
    answer = ask(content="ward,age\nb,64\na,22\n", headers={"content-type": "text/csv"})
    assert answer.json()["predictions"] == [1, 0]


@pytest.mark.parametrize("path", ["/invocations", "/churn/invocations", "/endpoints/churn/invocations"])
def test_every_address_of_an_endpoint_works(ask, path):
    assert ask({"dataframe_records": [ROW]}, path).json()["predictions"] == [1]


def test_request_id_comes_back_in_body_and_header(ask):
    answer = ask({"dataframe_records": [ROW]}, headers={"x-request-id": "call-7"})
    assert answer.json()["request_id"] == answer.headers["x-request-id"] == "call-7"
    assert len(ask({"dataframe_records": [ROW]}, headers={"x-request-id": "<b>"}).json()["request_id"]) == 32


def test_columns_that_the_model_does_not_know_are_reported(ask):
    answer = ask({"dataframe_records": [ROW | {"shoe_size": 42}]})
    assert answer.json()["ignored_columns"] == ["shoe_size"]
    assert answer.headers["x-nbdeploy-ignored-columns"] == "1"


@pytest.mark.parametrize(
    ("content", "status", "column", "sentence"),
    [
        (
            {"dataframe_records": [{"ward": "a", "agee": 3}]},
            422,
            "age",
            "column 'age' is missing; did you mean 'agee'?",
        ),
        ({"dataframe_records": [ROW, {"age": "old"}]}, 422, "age", 'row 1: the value is "old", not a number'),
        ({"dataframe_records": [{"age": True}]}, 422, "age", "is true, not a number"),
        ({"dataframe_records": [{"age": 20, "ward": 7}]}, 422, "ward", "is 7, not a text"),
        ({"dataframe_records": []}, 400, None, "holds no row"),
        ({"dataframe_records": [1, 2]}, 400, None, "must be a list of objects"),
        ({"dataframe_split": {"columns": ["age"], "data": [[1, 2]]}}, 400, None, "row 0 does not hold 1 values"),
        ({"dataframe_split": {"columns": ["age", "age"], "data": [[1, 2]]}}, 400, None, "stands twice"),
        ({"inputs": {"age": [1, 2], "ward": ["a"]}}, 400, None, "different numbers of rows"),
        ({"inputs": [], "instances": []}, 400, None, "exactly one of"),
        ({"inputs": [ROW], "params": {"n": 1}}, 400, None, "'params' is not understood"),
        ([], 400, None, "must be an object"),
    ],
)
def test_bad_input_names_what_is_wrong(ask, content, status, column, sentence):
    answer = ask(content)
    assert answer.status_code == status
    assert answer.json().get("column") == column
    assert sentence in answer.json()["message"]


def test_a_body_that_is_not_json_or_another_type_is_refused(ask):
    assert ask(content="{", headers={"content-type": "application/json"}).status_code == 400
    assert ask(content="x", headers={"content-type": "image/png"}).status_code == 415
    assert ask(content=b"[" * 40_000_000, headers={"content-type": "application/json"}).status_code == 413


def test_unknown_endpoint_is_named(ask):
    answer = ask({"dataframe_records": [ROW]}, "/endpoints/chrun/invocations")
    assert answer.status_code == 404
    assert "no endpoint 'chrun' (there are: churn)" in answer.json()["message"]


def test_status_and_metrics_count_what_was_answered(serving, models):
    serving.direct((serving.start(models["skops"], "churn/1"), 100))
    serving.client.post("/invocations", json={"dataframe_records": [ROW, ROW]})
    serving.client.post("/invocations", json={"dataframe_records": [{"age": "old"}]})
    assert serving.client.get("/ping").status_code == 200
    (endpoint,) = serving.client.get("/endpoints").json()["endpoints"]
    (arm,) = endpoint["arms"]
    assert endpoint["invocations"] == "/endpoints/churn/invocations"
    assert (arm["version"], arm["requests"], arm["errors"], arm["refused"], arm["worker"]) == (
        "churn/1",
        1,
        0,
        1,
        "ready",
    )
    assert 0 < arm["latency_p50_ms"] <= arm["latency_p95_ms"]
    assert 'nbdeploy_rows_total{endpoint="churn",version="churn/1"} 2.0' in serving.client.get("/metrics").text


def test_decisions_are_made_at_the_objectives_threshold_and_rows_held_to_its_contract(serving, models):
    serving.direct((serving.start(models["pipeline"], "churn/1", objective=OBJECTIVE), 100))
    middle, old = {"age": 47, "ward": "b"}, {"age": 119, "ward": "b"}
    answer = serving.client.post("/invocations", json={"dataframe_records": [middle, old]}).json()
    assert answer["predictions"] == [int(score >= 0.9999) for score in answer["scores"]]
    assert answer["predictions"] == [0, 1]
    assert answer["scores"][0] > 0.5  # the estimator itself would say 1
    for change, column in [({"age": 130}, "age"), ({"age": None}, "age"), ({"ward": "z"}, "ward")]:
        refused = serving.client.post("/invocations", json={"dataframe_records": [ROW | change]})
        assert (refused.status_code, refused.json()["column"]) == (422, column)


def test_nothing_live_is_503_with_the_reason(serving):
    assert serving.client.post("/invocations").status_code == 404
    serving.direct(reason="the first release was rolled back")
    answer = serving.client.post("/churn/invocations", json={"dataframe_records": [ROW]})
    assert answer.status_code == 503
    assert "the first release was rolled back" in answer.json()["message"]


def test_traffic_is_shared_by_weight(serving, models):
    serving.direct((serving.start(models["pipeline"], "churn/1"), 75), (serving.start(models["young"], "churn/2"), 25))
    answers = [serving.client.post("/invocations", json={"dataframe_records": [ROW]}).json() for _ in range(200)]
    counted = Counter((answer["version"], answer["predictions"][0]) for answer in answers)
    assert set(counted) == {("churn/1", 1), ("churn/2", 0)}
    assert 25 <= counted["churn/2", 0] <= 75  # 50 expected, and a standard deviation is 6.1


def test_no_request_is_lost_by_switches(serving, models):
    first, second = (
        serving.start(models["old"], "churn/1", fresh=True),
        serving.start(models["young"], "churn/2"),
    )
    serving.direct((first, 100))
    answers, stop = [], threading.Event()

    def call():
        with httpx.Client(base_url=serving.url, timeout=30) as client:
            while not stop.is_set():
                answer = client.post("/invocations", json={"dataframe_records": [ROW]})
                content = answer.json()
                answers.append((answer.status_code, content.get("version"), *content.get("predictions", ())))

    callers = [threading.Thread(target=call) for _ in range(8)]
    for caller in callers:
        caller.start()
    for weight in (5, 50, 100):
        asked = len(answers)
        while len(answers) < asked + 25:
            time.sleep(0.01)
        serving.direct((first, 100 - weight), (second, weight))
    serving.direct((second, 100))
    serving.do(first.worker.stop())
    asked = len(answers)
    while len(answers) < asked + 25:
        time.sleep(0.01)
    stop.set()
    for caller in callers:
        caller.join()
    assert set(answers) == {(200, "churn/1", 1), (200, "churn/2", 0)}


def test_a_killed_worker_is_restarted_and_its_requests_are_answered(serving, models):
    arm = serving.start(models["old"], "churn/1", fresh=True)
    serving.direct((arm, 100))
    before = arm.worker.pid
    os.kill(before, signal.SIGKILL)
    answer = serving.client.post("/invocations", json={"dataframe_records": [ROW]}, timeout=60)
    assert answer.json()["predictions"] == [1]
    assert arm.worker.pid != before
    assert arm.worker.restarts == 1


def test_a_request_that_kills_its_worker_twice_fails_and_harms_nobody_else(serving, models):
    arm = serving.start(models["temperamental"], "churn/1")
    serving.direct((arm, 100))
    statuses = {}

    def call(age):
        answer = serving.client.post("/invocations", json={"dataframe_records": [{"age": age}]}, timeout=60)
        statuses[age] = answer.status_code

    callers = [threading.Thread(target=call, args=(age,)) for age in (13, 20, 60)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert statuses == {13: 503, 20: 200, 60: 200}
    assert (arm.counts.requests, arm.counts.errors) == (3, 1)


def test_another_version_helps_out_while_one_is_down(serving, models):
    down, up = serving.start(models["old"], "churn/1", fresh=True), serving.start(models["young"], "churn/2")
    serving.direct((down, 99.999), (up, 0.001))
    serving.do(down.worker.stop())
    answer = serving.client.post("/invocations", json={"dataframe_records": [ROW]})
    assert (answer.status_code, answer.json()["version"]) == (200, "churn/2")
    assert down.counts.errors == 1


def test_a_model_that_raises_is_a_counted_error(serving, models):
    arm = serving.start(models["temperamental"], "churn/1")
    serving.direct((arm, 100))
    answer = serving.client.post("/invocations", json={"dataframe_records": [{"age": 14}]})
    assert answer.status_code == 500
    assert "ValueError: no fourteen, please" in answer.json()["message"]
    assert (arm.counts.requests, arm.counts.errors) == (1, 1)


def test_a_model_that_does_not_load_is_one_sentence(serving, models, tmp_path):
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "MLmodel").write_text((models["pipeline"] / "MLmodel").read_text())
    with pytest.raises(ModelError, match=r"churn/3 does not load \(FileNotFoundError"):
        serving.start(broken, "churn/3")


def test_a_body_that_never_ends_is_not_waited_for(live, monkeypatch):
    """Whoever stops the service would wait for it."""
    monkeypatch.setattr(gateway, "BODY_SECONDS", 0.2)
    with socket.create_connection(("127.0.0.1", int(live.url.rpartition(":")[2]))) as caller:
        caller.sendall(b'POST /invocations HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n{"inputs"')
        said = caller.makefile("rb").read()  # until the gateway closes the connection
    assert said.startswith(b"HTTP/1.1 408")
    assert b"nothing more of the body came" in said
