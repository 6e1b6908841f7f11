"""A worker's queue: batches, time-outs, an orderly end."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from nbdeploy.serve.questions import ModelFailedError, WorkerLostError
from nbdeploy.serve.schema import Rows
from nbdeploy.serve.workers import Limits, Worker


def rows(*ages: float) -> Rows:
    return Rows({"age": list(ages), "ward": ["a"] * len(ages)}, len(ages))


@pytest.fixture
def worker(serving, models):
    """Return a function that starts a worker of a model."""

    def start(name: str, **options) -> Worker:
        return serving.start(models[name], "churn/1", fresh=bool(options), **options).worker

    return start


def together(worker: Worker, *questions: Rows):
    async def ask():
        return await asyncio.gather(*(worker.ask(question) for question in questions), return_exceptions=True)

    return ask()


def test_what_queued_while_a_batch_ran_is_answered_together(serving, worker):
    pipeline = worker("pipeline")
    assert pipeline.row_wise
    answers = serving.do(together(pipeline, *(rows(age, 25.0) for age in (20.0, 60.0, 70.0))))
    assert [answer["predictions"] for answer in answers] == [[0, 0], [1, 0], [1, 0]]


def test_rows_of_a_model_with_its_own_code_are_never_mixed(serving, worker):
    temperamental = worker("temperamental")
    assert not temperamental.row_wise
    good, bad = serving.do(together(temperamental, rows(60.0), rows(14.0)))
    assert good == {"predictions": [1]}
    assert isinstance(bad, ModelFailedError)


def test_a_model_that_takes_too_long_fails_the_request_and_goes_on(serving, worker):
    slow = worker("temperamental", limits=Limits(answer=0.5))
    with pytest.raises(ModelFailedError, match=r"no answer within 0\.5 s"):
        serving.do(slow.ask(rows(15.0)))
    assert serving.do(slow.ask(rows(60.0))) == {"predictions": [1]}


def test_stopping_answers_what_was_asked_and_refuses_what_comes_after(serving, worker):
    plain = worker("old", log=None)

    async def act():
        asked = [asyncio.ensure_future(plain.ask(rows(60.0))) for _ in range(50)]
        await asyncio.sleep(0)
        await plain.stop()
        with pytest.raises(WorkerLostError, match="is stopped"):
            await plain.ask(rows(60.0))
        return await asyncio.gather(*asked)

    assert serving.do(act()) == [{"predictions": [1]}] * 50


def test_an_overloaded_worker_says_so(serving, worker):
    narrow = worker("temperamental", limits=Limits(queue=2))
    answers = serving.do(together(narrow, *[rows(60.0)] * 4))
    assert [isinstance(answer, WorkerLostError) for answer in answers] == [False, False, True, True]


def test_a_worker_that_keeps_dying_stops_making_callers_wait(serving, worker):
    dying = worker("temperamental", limits=Limits(restarts=1))
    with pytest.raises(WorkerLostError):
        serving.do(dying.ask(rows(13.0)))
    with pytest.raises(WorkerLostError, match="keeps dying"):
        serving.do(dying.ask(rows(60.0)))


def test_the_models_code_sees_no_secret_of_the_service(worker, monkeypatch):
    monkeypatch.setenv("NBDEPLOY_KEY_PASSPHRASE", "secret")
    seen = Path(f"/proc/{worker('old', log=None).pid}/environ").read_bytes()
    assert b"PATH=" in seen
    assert b"secret" not in seen


def test_whoever_is_still_unanswered_when_patience_ends_is_told(serving, worker):
    slow = worker("temperamental", log=None)

    async def act():
        asked = [asyncio.ensure_future(slow.ask(rows(age))) for age in (15.0, 60.0)]
        await asyncio.sleep(0.3)  # the first is being answered, the second waits
        await slow.stop(patience=0.1)
        return await asyncio.wait_for(asyncio.gather(*asked, return_exceptions=True), 10)

    assert [str(error) for error in serving.do(act())] == ["churn/1 was stopped"] * 2
