"""The controller's rounds go on, whatever happens to what they need."""

from __future__ import annotations

import logging
import sqlite3
import threading
import time

from nbdeploy.release.rounds import reconcile_until


def test_a_journal_that_is_away_is_told_in_one_sentence_and_tried_again(scene, caplog):
    scene.deploy("old", "1")
    file = scene.ledger.url.removeprefix("sqlite:///")
    stop = threading.Event()
    rounds = threading.Thread(target=reconcile_until, args=(scene.controller, stop))

    def said(word: str) -> list[str]:
        return [record.getMessage() for record in caplog.records if word in record.getMessage()]

    def until(condition) -> None:
        end = time.monotonic() + 20
        while not condition():
            assert time.monotonic() < end
            time.sleep(0.05)

    with caplog.at_level(logging.WARNING), sqlite3.connect(file) as database:
        database.execute("ALTER TABLE release_lease RENAME TO away")
        database.commit()
        rounds.start()
        try:
            until(lambda: said("cannot be"))
            assert scene.ask() == [(200, "churn/1")]
            time.sleep(1.5)  # tried at least once more
            database.execute("ALTER TABLE away RENAME TO release_lease")
            database.commit()
            until(lambda: said("the controller goes on"))
        finally:
            stop.set()
            rounds.join()
    (sentence,) = said("cannot be")
    assert sentence.startswith("E-SERVICE the journal at sqlite:///")
    assert not any(record.exc_info for record in caplog.records)
