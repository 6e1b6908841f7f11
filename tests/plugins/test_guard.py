"""The guard in a real MLflow server, asked over HTTP in every way that leads to a guarded act."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import httpx
import pytest
from tests.plugins.conftest import PREFIX
from tests.plugins.server import PASSWORD, Server
from tests.release.scene import key

from nbdeploy.registry.introduction import HEADER

API = "/api/2.0/mlflow/"
V2 = PREFIX + API
AJAX = PREFIX + "/ajax-api/2.0/mlflow/"
ALIAS = "registered-models/alias"
SET = {"name": "NAME", "alias": "champion", "version": "2"}
numbers = count()


@dataclass(frozen=True)
class Way:
    """A request that would change what stands for an approval. NAME is replaced by the model's.

    `reaches`: MLflow takes it and would do it, which the same request about an observed model shows.
    """

    id: str
    method: str
    path: str
    content: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    reaches: bool = True

    def ask(self, client: httpx.Client, model: str) -> httpx.Response:
        content = self.content if isinstance(self.content, str) else json.dumps(self.content)
        headers = {"Content-Type": "application/json"} | self.headers
        path = self.path.replace("NAME", model)
        return client.request(self.method, path, content=content.replace("NAME", model), headers=headers)


TEXT = {"Content-Type": "text/plain"}
ONE = {"name": "NAME", "version": "1"}
TAG = {"name": "NAME", "version": "1", "key": "nbdeploy.standing", "value": "live"}
WAYS = [
    Way("set an alias", "POST", V2 + ALIAS, SET),
    Way("set an alias that is not ours", "POST", V2 + ALIAS, SET | {"alias": "prod"}),
    Way("delete an alias", "DELETE", V2 + ALIAS, {"name": "NAME", "alias": "champion"}),
    Way("rename away", "POST", V2 + "registered-models/rename", {"name": "NAME", "new_name": "free-NAME"}),
    Way("delete a version", "DELETE", V2 + "model-versions/delete", {"name": "NAME", "version": "1"}),
    Way("delete the model", "DELETE", V2 + "registered-models/delete", {"name": "NAME"}),
    Way("stage", "POST", V2 + "model-versions/transition-stage", ONE | {"version": "2", "stage": "Production"}),
    Way("set a tag of ours", "POST", V2 + "model-versions/set-tag", TAG),
    Way("W1 tag nbdeploy.approved", "POST", V2 + "model-versions/set-tag", TAG | {"key": "nbdeploy.approved"}),
    Way("other case of the tag", "POST", V2 + "model-versions/set-tag", TAG | {"key": "NbDeploy.Standing"}),
    Way("delete a tag of ours", "DELETE", V2 + "model-versions/delete-tag", ONE | {"key": "nbdeploy.standing"}),
    Way("tag the model", "POST", V2 + "registered-models/set-tag",
        {"name": "NAME", "key": "nbdeploy.standing", "value": "live"}),
    Way("a new version with our tag", "POST", V2 + "model-versions/create",
        {"name": "NAME", "source": "SOURCE", "run_id": "RUN", "tags": [{"key": "nbdeploy.standing", "value": "live"}]}),
    # One act, every spelling of its path.
    Way("ajax path", "POST", AJAX + ALIAS, SET),
    Way("upper case path", "POST", PREFIX + "/API/2.0/mlflow/" + ALIAS, SET, reaches=False),
    Way("doubled slash", "POST", PREFIX + "/api/2.0//mlflow/" + ALIAS, SET, reaches=False),
    Way("doubled slash after the prefix", "POST", PREFIX + "//api/2.0/mlflow/" + ALIAS, SET, reaches=False),
    Way("trailing slash", "POST", V2 + ALIAS + "/", SET, reaches=False),
    Way("percent-encoded path", "POST", V2 + "registered-models/%61lias", SET),
    Way("percent-encoded slash", "POST", V2 + "registered-models%2Falias", SET),
    Way("dots in the path", "POST", V2 + "runs/%2e%2e/" + ALIAS, SET, reaches=False),
    Way("query string beside the body", "POST", V2 + ALIAS + "?name=other", SET),
    Way("method override", "GET", V2 + "registered-models/get?name=NAME", None,
        {"X-HTTP-Method-Override": "DELETE"}, reaches=False),
    # One act, every form of its body.
    Way("text/plain", "POST", V2 + ALIAS, SET, TEXT, reaches=False),
    Way("no content type", "POST", V2 + ALIAS, SET, {"Content-Type": ""}, reaches=False),
    Way("JSON in JSON", "POST", V2 + ALIAS, json.dumps(json.dumps(SET))),
    Way("duplicate keys", "POST", V2 + ALIAS, '{"name": "other", "name": "NAME", "alias": "champion", "version": "2"}'),
    Way("escaped letters", "POST", V2 + ALIAS, '{"n\\u0061me": "NAME", "alias": "champion", "version": "2"}'),
    Way("camelCase field", "POST", V2 + "registered-models/rename",
        {"name": "NAME", "newName": "free-NAME"}, reaches=False),
    Way("a number for the version", "POST", V2 + ALIAS, SET | {"version": 2}, reaches=False),
    Way("form", "POST", V2 + ALIAS, "name=NAME&alias=champion&version=2",
        {"Content-Type": "application/x-www-form-urlencoded"}, reaches=False),
    Way("multipart", "POST", V2 + ALIAS,
        '--b\r\nContent-Disposition: form-data; name="name"\r\n\r\nNAME\r\n--b--\r\n',
        {"Content-Type": "multipart/form-data; boundary=b"}, reaches=False),
    Way("byte order mark", "POST", V2 + ALIAS, "\ufeff" + json.dumps(SET), reaches=False),
    Way("query instead of a body", "DELETE", V2 + ALIAS + "?name=NAME&alias=champion", "", reaches=False),
    Way("graphql", "POST", PREFIX + "/graphql",
        {"query": 'mutation { setRegisteredModelAlias(input: {name: "NAME", alias: "a"}) { apiError { code } } }'},
        reaches=False),
    # Someone who only says that they are the controller.
    Way("a secret that is a guess", "POST", V2 + ALIAS, SET, {HEADER: "0" * 64}),
    Way("an empty secret", "POST", V2 + ALIAS, SET, {HEADER: ""}),
    Way("the account's name without accounts", "POST", V2 + ALIAS, SET, {"Authorization": "Basic Y29udHJvbGxlcjp4"}),
]  # fmt: skip
UNSIGNED = f'version = 2\n[roots]\nkeys = ["{key("root").public}"]\nthreshold = 1\n[models]\n"churn" = "observe"\n'
RENAME_INTO = {"name": "free", "new_name": "churn-taken"}


def state(server: Server) -> list[str]:
    """Return every row of the registry's tables."""
    told = ('INSERT INTO "registered_model', 'INSERT INTO "model_version')
    with sqlite3.connect(server.folder / "mlflow.db") as database:
        return [line for line in database.iterdump() if line.startswith(told)]


@pytest.fixture
def secret(guard_files) -> dict[str, str]:
    return {HEADER: (guard_files / "secret").read_text()}


def make(client: httpx.Client, model: str, api: str = V2, **controller: Any) -> tuple[str, str]:
    """Register a model with two versions, the first of them champion and tagged by us; return its source and run."""
    run = client.post(api + "runs/create", json={"experiment_id": "0"}).json()["run"]["info"]
    source = run["artifact_uri"] + "/model"
    assert client.post(api + "registered-models/create", json={"name": model}).status_code == 200
    for _ in range(2):
        body = {"name": model, "source": source, "run_id": run["run_id"]}
        assert client.post(api + "model-versions/create", json=body).status_code == 200
    alias = {"name": model, "alias": "champion", "version": "1"}
    tag = {"name": model, "version": "1", "key": "nbdeploy.standing", "value": "superseded"}
    assert client.post(api + ALIAS, json=alias, **controller).status_code == 200
    assert client.post(api + "model-versions/set-tag", json=tag, **controller).status_code == 200
    return source, run["run_id"]


@pytest.fixture(scope="module")
def churn(alone_server, guard_files) -> tuple[str, str]:
    with httpx.Client(base_url=alone_server.url) as client:
        return make(client, "churn", headers={HEADER: (guard_files / "secret").read_text()})


@pytest.fixture
def client(alone, churn):
    with httpx.Client(base_url=alone.url) as client:
        yield client


def placed(way: Way, source: str, run: str) -> Way:
    content = json.dumps(way.content).replace("SOURCE", source).replace("RUN", run)
    return Way(way.id, way.method, way.path, json.loads(content), way.headers, way.reaches)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.id)
def test_what_stands_for_an_approval_is_not_changed_by_hand(alone, client, churn, way):
    before = state(alone)
    answer = placed(way, *churn).ask(client, "churn")
    assert state(alone) == before
    if way.reaches:
        assert answer.status_code == 403
        said = answer.json()
        assert said["error_code"] == "PERMISSION_DENIED"
        assert said["message"].startswith("E-ALIAS ")
        assert "follow signed approvals" in said["message"]
        assert "Next: nbdeploy deploy" in said["message"]


@pytest.mark.parametrize("way", [way for way in WAYS if way.reaches], ids=lambda way: way.id)
def test_the_same_request_about_an_observed_model_is_free(alone, client, way):
    name = f"looked-at-{next(numbers)}"
    source, run = make(client, name)
    before = state(alone)
    answer = placed(way, source, run).ask(client, name)
    assert answer.status_code == 200, answer.text
    assert state(alone) != before


def test_a_model_is_not_renamed_into_an_enforced_name(alone, client):
    """Its aliases would come along, and would read as approved."""
    make(client, "free")
    before = state(alone)
    assert client.post(V2 + "registered-models/rename", json=RENAME_INTO).status_code == 403
    assert state(alone) == before


def test_registering_and_describing_an_enforced_model_is_free(client, churn):
    source, run = churn
    described = [{"key": "nbdeploy.digest", "value": "sha256:0"}, {"key": "team", "value": "risk"}]
    body = {"name": "churn", "source": source, "run_id": run, "tags": described, "description": "a candidate"}
    assert client.post(V2 + "model-versions/create", json=body).status_code == 200
    body = {"name": "churn", "version": "2", "description": "better"}
    assert client.patch(V2 + "model-versions/update", json=body).status_code == 200


def test_the_controller_is_let_through_by_its_secret(client, secret):
    for version in ("2", "1"):
        body = {"name": "churn", "alias": "champion", "version": version}
        assert client.post(V2 + ALIAS, json=body, headers=secret).status_code == 200
        found = client.get(V2 + "registered-models/alias?name=churn&alias=champion").json()
        assert found["model_version"]["version"] == version


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda folder: (folder / "secret").chmod(0o644), "open to other accounts"),
        (lambda folder: (folder / "secret").unlink(), "cannot be read"),
        (lambda folder: (folder / "secret").write_text("short"), "shorter than 32"),
        (lambda folder: (folder / "policy.toml").unlink(), "cannot be read"),
        (lambda folder: (folder / "policy.toml").write_text("[models"), "not TOML"),
        (lambda folder: (folder / "policy.toml").write_text(UNSIGNED), "signed"),
        (lambda folder: (folder / "policy.toml").write_text("expires = 2020-01-01\n"), "expired"),
    ],
    ids=[
        "K1 secret readable by others",
        "K1 no secret",
        "K1 short secret",
        "P1 no policy",
        "P1 broken policy",
        "P1 unsigned",
        "P1 expired",
    ],
)
def test_a_guard_that_cannot_tell_refuses_even_the_controller(client, guard_files, secret, spoil, told):
    spoil(guard_files)
    body = {"name": "churn", "alias": "champion", "version": "1"}
    refused = client.post(V2 + ALIAS, json=body, headers=secret)
    assert refused.status_code == 403
    assert told in refused.json()["message"]


def test_a_policy_that_changes_holds_at_once(client, guard_files):
    name = f"looked-at-{next(numbers)}"
    make(client, name)
    body = {"name": name, "alias": "champion", "version": "2"}
    (guard_files / "policy.toml").write_text(f'version = 2\n[models]\n"{name}" = "enforce"\n')
    assert client.post(V2 + ALIAS, json=body).status_code == 403
    (guard_files / "policy.toml").write_text(f'version = 3\n[models]\n"{name}" = "warn"\n')
    assert client.post(V2 + ALIAS, json=body).status_code == 200


def test_with_accounts_the_controller_is_who_logs_in_as_it(accounts, secret):
    def asked(*who: str, **more: Any) -> httpx.Response:
        body = {"name": "churn-accounts", "alias": "champion", "version": "2"}
        return httpx.post(accounts.url + API + ALIAS, json=body, auth=(who[0], who[1]) if who else None, **more)

    with httpx.Client(base_url=accounts.url, auth=("controller", PASSWORD)) as client:
        make(client, "churn-accounts", API)
    assert asked().status_code == 401
    assert asked("author", "wrong").status_code == 401
    assert asked("controller", "wrong").status_code == 401
    assert asked(headers=secret).status_code == 401
    for name in ("author", "admin"):
        refused = asked(name, PASSWORD)
        assert (refused.status_code, refused.json()["error_code"]) == (403, "PERMISSION_DENIED")
    lied = asked("author", PASSWORD, headers={"X-Forwarded-User": "controller"} | secret)
    assert lied.status_code == 403  # this server was given an account, and no secret
    assert asked("controller", PASSWORD).status_code == 200
    assert "refused to author: E-ALIAS the alias champion of churn-accounts cannot be set" in accounts.log
