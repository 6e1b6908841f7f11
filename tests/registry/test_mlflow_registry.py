"""What goes into MLflow comes out as the same bytes, and its failures come out as sentences."""

from __future__ import annotations

import logging
import os
import shutil
import time
from datetime import UTC, datetime

import pytest

from nbdeploy.documents.evidence import ModelSubject
from nbdeploy.documents.objective import Rollout
from nbdeploy.documents.release import Release, ReleaseStep
from nbdeploy.errors import ModelError, RegistryError
from nbdeploy.registry import Registry
from nbdeploy.trust.digests import bytes_digest, model_digest


def test_saved_estimator_comes_back_with_signature_and_flavour(registry, estimator, frame, tmp_path):
    uri = registry.save_estimator(estimator, frame, "churn")
    folder, facts = registry.resolve(uri, tmp_path / "there")
    assert uri.startswith("models:/m-")
    assert facts["uri"] == uri
    assert facts["flavor"] == "sklearn"
    assert ModelSubject(digest=model_digest(folder), **facts).size_bytes > 0
    assert '"name": "age"' in (folder / "MLmodel").read_text()


def test_an_estimator_that_is_stored_already_is_the_same_model(registry, estimator, frame, tmp_path):
    uri = registry.save_estimator(estimator, frame, "churn")
    assert registry.save_estimator(estimator, frame, "churn") == uri
    assert registry.save_estimator(estimator, frame, "other") != uri
    other = type(estimator)(C=0.5).fit(frame, [0, 0, 0, 1, 1, 1])
    assert registry.save_estimator(other, frame, "churn") != uri


def test_a_stored_estimator_whose_files_were_changed_is_not_taken_for_it(registry, estimator, frame, tmp_path):
    uri = registry.save_estimator(estimator, frame, "churn")
    (stored,) = (tmp_path / "mlartifacts").rglob("model.pkl")
    stored.write_bytes(stored.read_bytes() + b"x")
    assert registry.save_estimator(estimator, frame, "churn") != uri
    stored.unlink()
    assert registry.save_estimator(estimator, frame, "churn") != uri


def test_registered_bytes_come_back_unchanged(registry, model, tmp_path):
    version = registry.register("churn", model, tags={"objective": "churn"})
    fetched = registry.fetch("churn", version, tmp_path / "fetched")
    assert version == "1"
    assert model_digest(fetched) == model_digest(model)


def test_same_bytes_are_the_same_version(registry, model):
    assert registry.register("churn", model) == registry.register("churn", model) == "1"


def test_other_bytes_are_a_new_version(registry, model):
    registry.register("churn", model)
    (model / "note.txt").write_text("changed")
    assert registry.register("churn", model) == "2"


def test_a_tag_alone_does_not_make_a_version_the_same(registry, model, tmp_path):
    """B7: artifacts overwritten after registration. The tag still says the old digest; the bytes do not."""
    registry.register("churn", model)
    (stored,) = (tmp_path / "mlartifacts").rglob("MLmodel")
    stored.write_text(stored.read_text() + "\n# changed\n")
    assert registry.register("churn", model) == "2"


def test_a_version_that_others_registered_from_a_plain_path_is_fetched(registry, model, tmp_path):
    registry.client.create_registered_model("churn")
    registry.client.create_model_version("churn", source=str(model))
    assert model_digest(registry.fetch("churn", "1", tmp_path / "fetched")) == model_digest(model)


def test_addresses_of_one_version_lead_to_the_same_bytes(registry, model, tmp_path):
    version = registry.register("churn", model)
    registry.mirror("churn", version, tags={"standing": "requested"}, aliases=["candidate"])
    by_version, facts = registry.resolve(f"models:/churn/{version}", tmp_path / "a")
    by_alias, same = registry.resolve("models:/churn@candidate", tmp_path / "b")
    by_folder, local = registry.resolve(model, tmp_path / "c")
    assert model_digest(by_version) == model_digest(by_alias) == model_digest(by_folder)
    assert facts == same
    assert (facts["name"], facts["version"], facts["uri"]) == ("churn", "1", "models:/churn/1")
    assert local["name"] is None


def test_a_model_among_the_artifacts_of_a_run_is_found(registry, model, tmp_path):
    run_id = registry.client.create_run(registry.experiment, tags={"mlflow.user": "ana"}).info.run_id
    registry.client.log_artifacts(run_id, str(model), "model")
    folder, _ = registry.resolve(f"runs:/{run_id}/model", tmp_path / "into")
    assert model_digest(folder) == model_digest(model)


@pytest.mark.parametrize(
    ("uri", "sentence"),
    [
        ("models:/chrun/1", "no model 'chrun' is registered; did you mean 'churn'"),
        ("models:/churn/9", "has no version '9'"),
        ("models:/churn@champion", "has no alias 'champion'"),
        ("models:/m-00000000000000000000000000000000", "cannot be fetched"),
        ("runs:/00000000000000000000000000000000/model", "cannot be fetched"),
        ("no/such/folder", "there is no model at"),
    ],
)
def test_a_model_that_is_not_there_is_named(registry, model, tmp_path, uri, sentence):
    registry.register("churn", model)
    with pytest.raises(ModelError, match=sentence):
        registry.resolve(uri, tmp_path / "into")


def test_a_folder_without_a_model_is_refused(registry, tmp_path):
    with pytest.raises(ModelError, match="holds no MLmodel file"):
        registry.resolve(tmp_path, tmp_path / "into")


def test_aliases_move_and_go(registry, model):
    version = registry.register("churn", model)
    registry.mirror("churn", version, aliases=["champion"])
    assert registry.aliases("churn") == {"champion": "1"}
    registry.drop_alias("churn", "champion")
    assert registry.aliases("churn") == {}
    assert registry.aliases("unknown") == {}
    with pytest.raises(RegistryError, match="only moves the aliases"):
        registry.mirror("churn", version, aliases=["Production"])


def test_validation_run_holds_documents_metrics_and_data(registry, model, evidence, tmp_path):
    version = registry.register("churn", model)
    found = evidence(ModelSubject(uri=f"models:/churn/{version}", digest=model_digest(model)))
    run_folder = tmp_path / "run"
    (run_folder / "notebooks").mkdir(parents=True)
    (run_folder / "evidence.json").write_bytes(found.to_bytes())
    (run_folder / "card.json").write_bytes(b"{}")
    (run_folder / "notebooks" / "data.ipynb").write_text("{}")

    run_id = registry.log_validation(found, run_folder)

    assert registry.documents(run_id) == {"evidence.json": found.to_bytes(), "card.json": b"{}"}
    assert registry.evidence_run(bytes_digest(found.to_bytes())) == run_id
    assert registry.evidence_run("sha256:" + "f" * 64) is None
    run = registry.client.get_run(run_id)
    assert run.data.metrics == {"performance.roc_auc": 0.81, "fairness.accuracy_ratio_sex_age band": 0.9}
    assert run.data.tags["nbdeploy.verdict"] == "pass"
    assert run.inputs.dataset_inputs[0].dataset.name == "test.csv"
    logged = registry.client.get_logged_model(
        registry.client.get_model_version("churn", version).tags["nbdeploy.logged_model"]
    )
    assert {metric.dataset_name for metric in logged.metrics} == {"test.csv"}


def test_traffic_weight_is_a_history_of_one_run(registry):
    steps = [(5.0, "rolling"), (50.0, "rolling"), (100.0, "live")]
    release = Release(
        request="r-00000001",
        objective="churn",
        model="churn",
        version="1",
        endpoint="churn",
        environment="production",
        digest="sha256:" + "0" * 64,
        rollout=Rollout(),
        state="live",
        steps=tuple(ReleaseStep(at=datetime.now(UTC), state=state, weight=weight) for weight, state in steps),
    )
    (run_id,) = {registry.log_release(release, number) for number in range(3)}
    history = registry.client.get_metric_history(run_id, "traffic_weight")
    assert [(point.step, point.value) for point in history] == [(0, 5.0), (1, 50.0), (2, 100.0)]
    assert registry.client.get_run(run_id).info.status == "FINISHED"


def test_an_absent_server_is_one_sentence_and_no_wait():
    begun = time.monotonic()
    with pytest.raises(RegistryError, match=r"no MLflow server answers at http://127\.0\.0\.1:9"):
        Registry("http://127.0.0.1:9").models()
    assert time.monotonic() - begun < 10


def test_a_password_in_the_address_is_not_shown():
    with pytest.raises(RegistryError) as refused:
        Registry("http://ana:secret@127.0.0.1:9").models()
    assert "secret" not in str(refused.value)


def test_a_store_that_is_no_store_is_one_sentence(tmp_path):
    (tmp_path / "mlflow.db").write_text("this is not a database, but a text of more than sixteen bytes")
    with pytest.raises(RegistryError, match="cannot open the store"):
        Registry(f"sqlite:///{tmp_path / 'mlflow.db'}").models()


def test_mlflow_stays_quiet_and_its_settings_are_given_back(empty_store, tmp_path, capfd):
    shutil.copy(empty_store, tmp_path / "mlflow.db")
    before = logging.getLogger("mlflow").level
    Registry(f"sqlite:///{tmp_path / 'mlflow.db'}", tmp_path / "artifacts").experiment  # noqa: B018 - opening is the act
    assert capfd.readouterr() == ("", "")
    assert logging.getLogger("mlflow").level == before
    assert "MLFLOW_HTTP_REQUEST_MAX_RETRIES" not in os.environ
