"""What others move in a real MLflow store is told, deploys nothing and is put back where policy says so."""

from __future__ import annotations

import shutil
import sqlite3
from copy import copy
from datetime import UTC, datetime
from itertools import count, pairwise
from typing import Self

import pytest
from tests.registry.store import copied, empty_store
from tests.release.scene import People, key, policy_text

from nbdeploy.documents.request import Request
from nbdeploy.errors import RegistryError
from nbdeploy.registry import Registry
from nbdeploy.release.authority import Authority
from nbdeploy.release.beginnings import _release
from nbdeploy.release.journal import Journal, Journaled
from nbdeploy.release.mirror import Mirror
from nbdeploy.trust.ledger.store import Ledger

NOBODY = "without an approval; nothing was deployed"


class Shop(People):
    """A ledger, a journal and MLflow's own SQL store with three versions of a model; a controller does `look`."""

    def __init__(self, root, model, store) -> None:
        super().__init__(Ledger(f"sqlite:///{root}/ledger.db", key("ledger")), {"old": model})
        self.registry = copied(store, root)
        self.open(root)
        self.mlflow.create_registered_model("churn")
        for _ in range(3):
            self.mlflow.create_model_version("churn", source=str(model))
        self.policy("restore")

    def open(self, root) -> Self:
        """Go on in a folder, where a copy of another shop may lie."""
        self.root = root
        self.ledger = Ledger(f"sqlite:///{root}/ledger.db", key("ledger"))
        self.registry = Registry(f"sqlite:///{root}/mlflow.db")
        self.mlflow = self.registry.client
        self.policy_file = root / "policy.toml"
        self.restart()
        return self

    def policy(self, on_alias: str, mode: str = "enforce") -> None:
        text = policy_text().replace('"enforce"', f'"{mode}"')
        self.policy_file.write_text(f'on_alias = "{on_alias}"\n{text}')

    def restart(self) -> None:
        """Begin with an empty memory, as a controller that was down does."""
        self.journal = Journal(self.ledger.url)
        self.mirror = Mirror(self.registry, every=0)
        self.authority = Authority(self.ledger, self.policy_file, lambda: self.now)

    def look(self) -> None:
        self.now = datetime.now(UTC)
        self.authority.read_policy()
        self.mirror.show(self.journal, self.journal.releases(), self.authority, self.now)

    def live(self, version: str, *, instead: Journaled | None = None) -> Journaled:
        request = self.request("old", version)
        self.approve(request)
        return self.made_live(request, instead)

    def made_live(self, request: Request, instead: Journaled | None = None) -> Journaled:
        found = Journaled(_release(request), "churn", previous=instead.release.request if instead else None)
        if instead:
            self.journal.write(instead.stepped("superseded", 0, "replaced", self.now))
        self.journal.write(found.stepped("live", 100, "all went well", self.now))
        (found,) = [entry for entry in self.journal.releases() if entry.release.request == request.id]
        return found

    def shown(self):
        return self.registry.display("churn")

    def alerts(self) -> list[str]:
        return [alert.text for alert in self.journal.alerts()]

    def everything(self) -> list[str]:
        """Return all that MLflow's database holds."""
        with sqlite3.connect(self.root / "mlflow.db") as database:
            return list(database.iterdump())


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """A shop where nothing was asked for, and one where version 2 is live and version 1 was before it; made once."""
    model, empty, busy = (tmp_path_factory.mktemp(name) for name in ("model", "empty", "busy"))
    (model / "MLmodel").write_text("flavors: {}\n")
    shop = Shop(empty, model, empty_store(tmp_path_factory))
    shutil.copytree(empty, busy, dirs_exist_ok=True)
    shop.open(busy)
    shop.live("2", instead=shop.live("1"))
    shop.look()
    assert shop.shown().aliases == {"champion": "2", "previous": "1", "candidate": "2"}
    assert shop.alerts() == []
    return shop, empty, busy


@pytest.fixture
def empty(folders, tmp_path) -> Shop:
    shop, empty, _ = folders
    return copy(shop).open(shutil.copytree(empty, tmp_path, dirs_exist_ok=True))


@pytest.fixture
def shop(folders, tmp_path) -> Shop:
    """Version 2 is live, version 1 was before it, version 3 was never asked for."""
    shop, _, busy = folders
    return copy(shop).open(shutil.copytree(busy, tmp_path, dirs_exist_ok=True))


def tagged(version: str, name: str, value: str):
    return lambda mlflow: mlflow.set_model_version_tag("churn", version, f"nbdeploy.{name}", value)


def aliased(alias: str, version: str):
    return lambda mlflow: mlflow.set_registered_model_alias("churn", alias, version)


MOVES = [
    ("alias moved to what nobody approved", aliased("champion", "3"), "alias champion of churn was moved to version 3"),
    ("alias moved back by hand", aliased("champion", "1"), "alias champion of churn was moved to version 1"),
    ("previous moved", aliased("previous", "3"), "alias previous of churn was moved to version 3"),
    ("candidate moved", aliased("candidate", "3"), "alias candidate of churn was moved to version 3"),
    (
        "alias deleted",
        lambda mlflow: mlflow.delete_registered_model_alias("churn", "champion"),
        "alias champion of churn was removed",
    ),
    (
        "W1 standing of another version",
        tagged("3", "standing", "live"),
        "nbdeploy.standing of churn/3 was set to 'live'",
    ),
    ("W1 tag nbdeploy.approved", tagged("3", "approved", "yes"), "nbdeploy.approved of churn/3 was set to 'yes'"),
    ("weight", tagged("1", "traffic_weight", "100"), "nbdeploy.traffic_weight of churn/1 was set to '100'"),
    ("environment", tagged("2", "environment", "dev"), "nbdeploy.environment of churn/2 was set to 'dev'"),
    ("request", tagged("2", "request", "r-00000000"), "nbdeploy.request of churn/2 was set to 'r-00000000'"),
    (
        "tag deleted",
        lambda mlflow: mlflow.delete_model_version_tag("churn", "2", "nbdeploy.standing"),
        "nbdeploy.standing of churn/2 was removed",
    ),
]


@pytest.mark.parametrize(
    ("on_alias", "down"), [("report", False), ("restore", True)], ids=["reported", "put back, while no controller ran"]
)
@pytest.mark.parametrize(("act", "told"), [row[1:] for row in MOVES], ids=[row[0] for row in MOVES])
def test_what_was_moved_by_hand_is_told_once_and_put_back_by_policy(shop, act, told, on_alias, down):
    shop.policy(on_alias)
    right, states = shop.shown(), [found.release.state for found in shop.journal.releases()]
    act(shop.mlflow)
    moved = shop.shown()
    assert moved != right
    if down:
        shop.restart()
    for _ in range(2):
        shop.look()
    (text,) = shop.alerts()
    assert told in text
    assert NOBODY in text
    assert text.endswith("it is put back" if on_alias == "restore" else "it was left as it is")
    assert shop.shown() == (right if on_alias == "restore" else moved)
    assert [found.release.state for found in shop.journal.releases()] == states
    assert sum(len(said) for said in shop.chain().deployments.values()) == 0


def test_each_move_is_told_by_itself_and_said_in_the_service_s_log(shop, caplog):
    for _ in range(2):
        aliased("champion", "3")(shop.mlflow)
        shop.look()
    assert len(shop.alerts()) == 2
    assert caplog.text.count("the alias champion of churn was moved to version 3 without an approval") == 2


def test_a_policy_that_now_restores_puts_back_what_was_left(shop):
    shop.policy("report")
    aliased("champion", "3")(shop.mlflow)
    shop.look()
    shop.policy("restore")
    shop.look()
    assert shop.shown().aliases["champion"] == "2"
    assert len(shop.alerts()) == 1


def test_a_new_release_moves_what_was_left_elsewhere(shop):
    shop.policy("report")
    aliased("champion", "3")(shop.mlflow)
    shop.look()
    shop.live("3", instead=shop.journal.releases()[1])
    aliased("champion", "1")(shop.mlflow)
    shop.look()
    assert shop.shown().aliases == {"champion": "3", "previous": "2", "candidate": "3"}
    assert len(shop.alerts()) == 2


@pytest.mark.parametrize("restart", [False, True])
def test_what_the_ledger_says_is_shown_without_an_alarm(shop, restart):
    """Also what who asked and who signed has shown already, and what happened while no controller ran."""
    if restart:
        shop.restart()
    request = shop.request("old", "3")
    shop.registry.mirror("churn", "3", tags={"standing": "requested", "request": request.id}, aliases=["candidate"])
    shop.look()
    shop.approve(request)
    shop.registry.mirror("churn", "3", tags={"standing": "approved"})
    shop.look()
    assert shop.shown().tags["3"]["standing"] == "approved"
    shop.revoke(request)
    shop.registry.mirror("churn", "3", tags={"standing": "revoked"})
    shop.look()
    assert shop.shown().aliases["candidate"] == "3"
    assert shop.shown().tags["3"]["standing"] == "revoked"
    assert shop.alerts() == []


def test_standing_that_runs_ahead_of_the_ledger_is_told(shop):
    request = shop.request("old", "3")
    shop.registry.mirror("churn", "3", tags={"standing": "approved", "request": request.id}, aliases=["candidate"])
    shop.look()
    (text,) = shop.alerts()
    assert "nbdeploy.standing of churn/3 was set to 'approved' without an approval" in text
    assert shop.shown().tags["3"]["standing"] == "requested"


@pytest.mark.parametrize("mode", ["observe", "warn"])
def test_an_observed_model_is_never_touched(shop, mode):
    """No row of MLflow's database changes, whatever others do there."""
    shop.live("3", instead=shop.journal.releases()[1])
    shop.policy("restore", mode)
    for _, act, _ in MOVES:
        act(shop.mlflow)
        before = shop.everything()
        shop.look()
        assert shop.everything() == before
    shop.restart()
    shop.look()
    assert shop.everything() == before
    assert shop.alerts() == []


def test_an_alias_from_before_our_time_is_told_and_stays_until_something_is_live(empty):
    aliased("champion", "3")(empty.mlflow)
    for _ in range(2):
        empty.look()
    (text,) = empty.alerts()
    assert "the alias champion of churn was moved to version 3 without an approval" in text
    assert text.endswith("it was left as it is")
    assert empty.shown().aliases == {"champion": "3"}
    empty.live("1")
    empty.look()
    assert empty.shown().aliases == {"champion": "1", "candidate": "1"}
    assert len(empty.alerts()) == 1


def test_aliases_and_tags_of_the_team_are_its_own(shop):
    aliased("shadow", "3")(shop.mlflow)
    shop.mlflow.set_model_version_tag("churn", "3", "owner", "risk")
    shop.look()
    assert shop.alerts() == []
    assert shop.shown().aliases["shadow"] == "3"


def test_a_renamed_model_is_told_with_its_new_name(shop):
    shop.mlflow.rename_registered_model("churn", "churn-2")
    for _ in range(2):
        shop.look()
    (text,) = shop.alerts()
    assert text.startswith("the registered model churn was renamed to churn-2 in MLflow; what is live goes on")
    shop.mlflow.rename_registered_model("churn-2", "churn")
    shop.look()
    assert shop.shown().aliases["champion"] == "2"


def test_a_deleted_model_is_told(shop):
    shop.mlflow.delete_registered_model("churn")
    shop.look()
    (text,) = shop.alerts()
    assert text.startswith("the registered model churn was deleted, or renamed in MLflow; what is live goes on")
    assert shop.shown() is None


def test_a_deleted_version_is_told_with_what_it_means(shop):
    shop.mlflow.delete_model_version("churn", "2")
    for _ in range(2):
        shop.look()
    texts = shop.alerts()
    assert texts[0].startswith("churn/2 (live) was deleted in MLflow without an approval; it goes on from its verified")
    assert len(texts) == 1
    assert "champion" not in shop.shown().aliases


def test_a_registry_that_refuses_is_told_once_and_tried_again(shop, tmp_path):
    aliased("champion", "3")(shop.mlflow)
    with sqlite3.connect(tmp_path / "mlflow.db") as database:
        database.execute(
            "CREATE TRIGGER closed BEFORE UPDATE ON registered_model_aliases BEGIN SELECT RAISE(ABORT, 'closed'); END"
        )
    for _ in range(3):
        shop.look()
    moved, refused = shop.alerts()
    assert "the alias champion of churn was moved" in moved
    assert "E-REGISTRY cannot mirror the standing of churn/2 in MLflow" in refused
    with sqlite3.connect(tmp_path / "mlflow.db") as database:
        database.execute("DROP TRIGGER closed")
    shop.look()
    assert shop.shown().aliases["champion"] == "2"
    assert len(shop.alerts()) == 2


def test_a_slow_or_absent_registry_is_asked_less_often(shop, monkeypatch):
    """Neither many models nor a server that does not answer take the controller's time from its releases."""
    seconds = count(step=1)
    asked = []

    def display(_):
        asked.append(next(seconds))
        raise RegistryError("no MLflow server answers")

    monkeypatch.setattr(shop.registry, "display", display)
    shop.mirror = Mirror(shop.registry, every=5, timer=lambda: next(seconds))
    for _ in range(60):
        shop.look()
    gaps = [later - earlier for earlier, later in pairwise(asked)]
    assert gaps
    assert min(gaps) > 20  # it took two seconds each time
    assert shop.alerts() == ["E-REGISTRY no MLflow server answers."]
