"""The journal: what is written stays, and there is one controller."""

from __future__ import annotations

import os
import socket
import sqlite3
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from tests.trust import postgres

from nbdeploy.documents.objective import Rollout
from nbdeploy.documents.release import Release
from nbdeploy.errors import ServiceError
from nbdeploy.release.journal import Journal, Journaled
from nbdeploy.release.living import began

NOW = datetime(2026, 11, 21, tzinfo=UTC)


@pytest.fixture
def journal(tmp_path) -> Journal:
    return Journal(f"sqlite:///{tmp_path / 'ledger.db'}")


def journaled(request: str = "r-00000001") -> Journaled:
    release = Release(
        request=request,
        objective="churn",
        model="churn",
        version="1",
        endpoint="churn",
        environment="production",
        digest="sha256:" + "0" * 64,
        rollout=Rollout(),
        state="waiting",
    )
    return Journaled(release, "churn")


def test_what_is_written_is_read_back_by_another_process(journal, tmp_path):
    moved = journaled().stepped("rolling", 5, "begun", NOW, previous="r-00000000", paused=True)
    journal.write(moved, statements=(b"said",))
    again = Journal(f"sqlite:///{tmp_path / 'ledger.db'}")
    (found,) = again.releases()
    assert found == again.release("r-00000001")
    assert (found.release, found.previous, found.paused, found.baked) == (moved.release, "r-00000000", True, False)
    assert again.unlogged() == [(1, b"said")]
    again.logged(1)
    assert journal.unlogged() == []


def test_releases_keep_their_order(journal):
    journal.write(journaled("r-00000002"))
    journal.write(journaled("r-00000001"))
    journal.write(journaled("r-00000002").stepped("live", 100, "", NOW))
    assert [found.release.request for found in journal.releases()] == ["r-00000002", "r-00000001"]


def test_a_release_and_its_statement_are_written_together_or_not_at_all(journal):
    with pytest.raises(ServiceError, match=r"the journal at sqlite.* cannot be written"):
        journal.write(journaled(), statements=(object(),))
    assert journal.releases() == []


def test_a_command_waits_for_its_answer(journal):
    number = journal.ask("churn", "pause", by="Ana", reason="lunch")
    (command,) = journal.commands()
    assert (command.number, command.verb, command.by, command.reason) == (number, "pause", "Ana", "lunch")
    assert command.done is None
    journal.answer(number, "it stays at 5 %", done=True)
    assert journal.commands() == []
    assert journal.command(number).answer == "it stays at 5 %"


def test_the_same_alert_is_noted_once(journal):
    journal.alert("churn", "moved")
    journal.alert("churn", "moved")
    journal.alert("churn", "moved again")
    assert [alert.text for alert in journal.alerts()] == ["moved", "moved again"]


def test_trouble_that_is_over_is_an_alert_again_when_it_comes_back(journal):
    journal.alert("registry", "no answer", trouble=True)
    journal.alert("registry", "an alias was moved")
    journal.over("churn")
    assert [alert.over for alert in journal.alerts()] == [None, None]
    journal.over("registry")
    assert [alert.over is None for alert in journal.alerts()] == [False, True]  # a move is not undone by an answer
    assert journal.alert("registry", "no answer", trouble=True)
    assert not journal.alert("registry", "no answer", trouble=True)
    assert [alert.text for alert in journal.alerts() if alert.over is None] == ["an alias was moved", "no answer"]


def test_a_process_that_got_a_dead_controllers_number_is_no_controller(journal, tmp_path):
    """After a power cut: the number in the lease belongs to somebody else, and nobody would end that one."""
    assert journal.take_lease()
    holder = f"{socket.gethostname()}:{os.getppid()}"
    for since, taken in ((began(os.getppid()), False), ("0-1", True)):
        with sqlite3.connect(tmp_path / "ledger.db") as database:
            database.execute("UPDATE release_lease SET holder = ?", (f"{holder}:{since}",))
        assert journal.take_lease() == taken


def test_there_is_one_controller_and_a_dead_one_is_succeeded_at_once(journal, tmp_path):
    script = (
        "import sys; from nbdeploy.release.journal import Journal; "
        f"print(Journal('sqlite:///{tmp_path / 'ledger.db'}').take_lease())"
    )

    def other() -> str:
        return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.strip()

    assert other() == "True"
    assert journal.take_lease()  # that process is gone
    assert journal.take_lease()
    assert other() == "False"
    journal.leave_lease()
    assert other() == "True"


def test_a_holder_elsewhere_is_succeeded_when_its_time_is_up(journal, monkeypatch):
    monkeypatch.setattr(socket, "gethostname", lambda: "elsewhere")
    assert journal.take_lease(seconds=60)
    monkeypatch.undo()
    assert not journal.take_lease()
    monkeypatch.setattr(socket, "gethostname", lambda: "elsewhere")
    assert journal.take_lease(seconds=-1)
    monkeypatch.undo()
    assert journal.take_lease()


def test_a_journal_that_cannot_be_opened_is_one_sentence(tmp_path):
    (tmp_path / "ledger.db").write_text("this is not a database, but a text of more than sixteen bytes")
    with pytest.raises(ServiceError, match="cannot be written"):
        Journal(f"sqlite:///{tmp_path / 'ledger.db'}")


@pytest.mark.slow
@pytest.mark.skipif(postgres.unfit() is not None, reason=postgres.unfit() or "")
def test_a_journal_in_postgresql_keeps_what_is_written_and_one_controller():
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    with postgres.server() as url:
        journal, other = Journal(url), Journal(url)
        moved = journaled().stepped("rolling", 5, "begun", NOW, previous="r-00000000")
        journal.write(moved, statements=(b"said",))
        assert [found.release for found in other.releases()] == [moved.release]
        with pytest.raises(ServiceError, match=r"the journal at postgresql.* cannot be written"):
            journal.write(moved.stepped("live", 100, "done", NOW), statements=(None,))  # a statement must be bytes
        assert other.releases()[0].release.state == "rolling"
        number = other.ask("churn", "pause", by="Ana")
        journal.answer(number, "it stays", done=True)
        assert other.command(number).done
        journal.alert("churn", "moved")
        other.alert("churn", "moved")
        assert len(journal.alerts()) == 1
        assert journal.take_lease()
        del journal, other  # their connections end before the server does


def test_what_did_not_change_is_read_once_however_often_it_is_looked_at(journal):
    """The controller looks several times a second, at every version that there ever was."""
    journal.write(journaled(), replace(journaled("r-00000002"), address="dev/churn"))
    first, other = journal.releases()
    assert journal.addresses() == ["churn", "dev/churn"]
    assert journal.releases("dev/churn") == [other]
    journal.write(other.stepped("rolling", 5, "begun", NOW))
    again, moved = journal.releases()
    assert again.release is first.release
    assert (moved.release.weight, other.release.weight) == (5, 0)
