"""Two guarded MLflow servers, each started once: one by itself below a prefix, one with MLflow's accounts."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.plugins.server import Server
from tests.registry.store import empty_store

from nbdeploy.plugins.guard import ACCOUNT, POLICY
from nbdeploy.registry.introduction import SECRET_FILE

RULES = 'version = 1\n[models]\n"churn*" = "enforce"\n"looked-at*" = "warn"\n'
PREFIX = "/ml"


@pytest.fixture(scope="session")
def guard_files(tmp_path_factory) -> Path:
    """The folder with the guard's policy and the controller's secret."""
    folder = tmp_path_factory.mktemp("guard")
    (folder / "policy.toml").write_text(RULES)
    (folder / "secret").touch(mode=0o600)
    (folder / "secret").write_text(secrets.token_hex(32))
    return folder


@pytest.fixture(scope="session")
def alone_server(tmp_path_factory, guard_files) -> Iterator[Server]:
    """A guarded server below a prefix, without accounts: the controller has the secret."""
    known = {POLICY: str(guard_files / "policy.toml"), SECRET_FILE: str(guard_files / "secret")}
    folder = tmp_path_factory.mktemp("alone") / "server"
    with Server(folder, empty_store(tmp_path_factory), "nbdeploy-guard", "--static-prefix", PREFIX, **known) as server:
        server.ready(PREFIX + "/health")
        yield server


@pytest.fixture(scope="session")
def accounts(tmp_path_factory, guard_files) -> Iterator[Server]:
    """A guarded server with the accounts author, validator, controller and reader."""
    known = {POLICY: str(guard_files / "policy.toml"), ACCOUNT: "controller"}
    folder = tmp_path_factory.mktemp("accounts") / "server"
    with Server(folder, empty_store(tmp_path_factory), "nbdeploy-guard-auth", **known) as server:
        server.ready()
        for name in ("author", "validator", "controller", "reader"):
            server.account(name)
        yield server


@pytest.fixture
def alone(alone_server, guard_files) -> Iterator[Server]:
    """The server without accounts; policy and secret are put back after the test."""
    kept = {file: file.read_bytes() for file in guard_files.iterdir()}
    yield alone_server
    for file, data in kept.items():
        file.write_bytes(data)
        file.chmod(0o600)
