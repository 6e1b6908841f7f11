"""Which version a model is compared with, on a real ledger, journal and MLflow store."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.registry.store import empty_store
from tests.release.project import RealProject
from tests.serve.live import save_plain_models

from nbdeploy.documents.evidence import ModelSubject
from nbdeploy.documents.objective import Rollout
from nbdeploy.documents.release import Release, ReleaseState
from nbdeploy.errors import ModelError
from nbdeploy.flow.project import Project
from nbdeploy.flow.validation.previous import previous_model
from nbdeploy.release.journal import Journaled
from nbdeploy.trust.digests import model_digest


class Shop(RealProject):
    """A project that registers copies of one model, told apart by a file of their own."""

    def add(self, note: str) -> str:
        folder = Path(shutil.copytree(self.models["old"], self.root / note))
        (folder / "note.txt").write_text(note)
        self.models[note] = folder
        return self.registry.register("churn", folder)

    def release(self, note: str, version: str, state: ReleaseState = "live", environment: str = "production") -> None:
        request = f"r-{len(self.journal.releases()):08d}"
        release = Release(
            request=request,
            objective="churn",
            model="churn",
            version=version,
            endpoint="churn",
            environment=environment,
            digest=model_digest(self.models[note]),
            rollout=Rollout(),
            state=state,
        )
        self.journal.write(Journaled(release, "churn"))

    def previous(
        self, note: str, version: str | None = None, *, wanted: str | None = None
    ) -> tuple[str | None, tuple[str, ...]]:
        subject = ModelSubject(
            uri="", digest=model_digest(self.models[note]), name="churn" if version else None, version=version
        )
        at = self.root / f"fetched-{datetime.now(UTC).timestamp()}"
        project, environments = Project.require(self.root), self.root / "environments"
        found, warnings = previous_model(project, "churn", subject, at, environments, wanted)
        if found is not None:
            assert (found.folder / "MLmodel").is_file()
        return found and found.name, warnings


@pytest.fixture(scope="session")
def plain_models(tmp_path_factory) -> dict[str, Path]:
    return save_plain_models(tmp_path_factory.mktemp("models"))


@pytest.fixture
def shop(tmp_path, tmp_path_factory, plain_models) -> Shop:
    return Shop(tmp_path, dict(plain_models), empty_store(tmp_path_factory))


def test_the_first_version_is_compared_with_nothing(shop: Shop):
    shop.models["new"] = shop.models["old"]
    assert shop.previous("new") == (None, ())


def test_a_model_is_never_compared_with_its_own_bytes(shop: Shop):
    shop.add("one")
    assert shop.previous("one") == (None, ())
    assert shop.previous("one", version="1") == (None, ())


def test_without_releases_and_approvals_the_newest_version_is_compared(shop: Shop):
    shop.add("one")
    shop.add("two")
    assert shop.previous("old") == ("churn/2", ())


def test_a_registered_version_is_compared_with_an_older_one(shop: Shop):
    for note in ("one", "two", "three"):
        shop.add(note)
    assert shop.previous("two", version="2") == ("churn/1", ())


def test_what_serves_users_comes_before_what_is_newer(shop: Shop):
    for note in ("one", "two", "three"):
        shop.add(note)
    shop.release("two", "2", "superseded")
    shop.release("three", "3", environment="dev")
    shop.release("one", "1")
    assert shop.previous("old") == ("churn/1", ())


def test_without_a_release_the_champion_of_mlflow_is_compared(shop: Shop):
    for note in ("one", "two"):
        shop.add(note)
    shop.registry.mirror("churn", "1", aliases=["champion"])
    assert shop.previous("old") == ("churn/1", ())


def test_an_approved_version_comes_before_a_newer_one_that_nobody_approved(shop: Shop):
    for note in ("one", "two"):
        shop.add(note)
    shop.approve(shop.request("one", "1"))
    assert shop.previous("old") == ("churn/1", ())


def test_bytes_that_are_not_those_released_are_told_and_passed_over(shop: Shop):
    for note in ("one", "two"):
        shop.add(note)
    shop.release("two", "1")
    found, warnings = shop.previous("old")
    assert found == "churn/2"
    assert warnings == ("Not compared with churn/1: the bytes of churn/1 in MLflow are not those that were approved.",)


def test_a_version_whose_files_are_gone_is_told_and_passed_over(shop: Shop):
    for note in ("one", "two"):
        shop.add(note)
    for folder in list((shop.state / "mlartifacts").rglob("note.txt")):
        if folder.read_text() == "two":
            shutil.rmtree(folder.parent)
    found, (warning,) = shop.previous("old")
    assert found == "churn/1"
    assert warning.startswith("Not compared with churn/2:")


def test_a_version_that_is_named_is_compared_and_the_card_tells_who_chose(shop: Shop):
    for note in ("one", "two", "three"):
        shop.add(note)
    shop.release("three", "3")
    told = ("Compared with churn/1, because whoever ran this named it.",)
    assert shop.previous("old", wanted="1") == ("churn/1", told)
    assert shop.previous("one", "1", wanted="2")[0] == "churn/2"


def test_a_comparison_can_be_done_without_and_the_card_tells_it(shop: Shop):
    shop.add("one")
    found, (told,) = shop.previous("old", wanted="none")
    assert found is None
    assert "asked for none" in told


@pytest.mark.parametrize("wanted", ["7", "latest", "", "0x1", "../1"])
def test_a_version_that_is_not_there_is_told_with_those_that_are(shop: Shop, wanted: str):
    shop.add("one")
    shop.add("two")
    with pytest.raises(ModelError, match=r"churn has no version .*; it has 2, 1\. Next: --previous VERSION"):
        shop.previous("old", wanted=wanted)


def test_a_named_version_with_the_models_own_bytes_is_refused(shop: Shop):
    shop.add("one")
    with pytest.raises(ModelError, match=r"churn/1 has the very bytes of the model that is validated"):
        shop.previous("one", wanted="1")


def test_a_named_version_whose_bytes_are_not_those_released_is_refused(shop: Shop):
    for note in ("one", "two"):
        shop.add(note)
    shop.release("two", "1")
    with pytest.raises(ModelError, match="the bytes of churn/1 in MLflow are not those that were approved"):
        shop.previous("old", wanted="1")


def test_a_version_cannot_be_named_where_no_registry_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    subject = ModelSubject(uri="", digest="sha256:" + "0" * 64)
    with pytest.raises(ModelError, match="there is no registry here, so no version '1' of churn"):
        previous_model(None, "churn", subject, tmp_path / "into", tmp_path / "environments", "1")


def test_a_store_that_is_not_there_is_not_created(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/none.db")
    subject = ModelSubject(uri="", digest="sha256:" + "0" * 64)
    assert previous_model(None, "churn", subject, tmp_path / "into", tmp_path / "environments") == (None, ())
    assert not (tmp_path / "none.db").exists()


def test_a_server_that_does_not_answer_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    subject = ModelSubject(uri="", digest="sha256:" + "0" * 64)
    found, (warning,) = previous_model(None, "churn", subject, tmp_path / "into", tmp_path / "environments")
    assert found is None
    assert warning.startswith("Not compared with an earlier version:")
