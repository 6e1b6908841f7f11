"""Two guarded MLflow servers, started together once: one by itself below a prefix, one with MLflow's accounts."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.plugins.server import Server
from tests.registry.store import empty_store

from nbdeploy.registry import introduction

POLICY = 'version = 1\n[models]\n"churn*" = "enforce"\n"looked-at*" = "warn"\n'
PREFIX = "/ml"


@pytest.fixture(scope="session")
def guard_files(tmp_path_factory) -> Path:
    """The folder with the guard's policy and the controller's secret."""
    folder = tmp_path_factory.mktemp("guard")
    (folder / "policy.toml").write_text(POLICY)
    (folder / "secret").touch(mode=0o600)
    (folder / "secret").write_text(secrets.token_hex(32))
    return folder


@pytest.fixture(scope="session")
def servers(tmp_path_factory, guard_files) -> Iterator[tuple[Server, Server]]:
    folder, store = tmp_path_factory.mktemp("servers"), empty_store(tmp_path_factory)
    known = {"NBDEPLOY_POLICY": str(guard_files / "policy.toml")}
    secret = known | {introduction.SECRET_FILE: str(guard_files / "secret")}
    alone = Server(folder / "alone", store, "nbdeploy-guard", "--static-prefix", PREFIX, **secret)
    accounts = Server(folder / "auth", store, "nbdeploy-guard-auth", NBDEPLOY_GUARD_ACCOUNT="controller", **known)
    with alone, accounts:
        alone.ready(PREFIX + "/health")
        accounts.ready()
        for name in ("author", "validator", "controller", "reader"):
            accounts.account(name)
        yield alone, accounts


@pytest.fixture
def alone(servers, guard_files) -> Iterator[Server]:
    """The server without accounts; policy and secret are put back after the test."""
    kept = {file: file.read_bytes() for file in guard_files.iterdir()}
    yield servers[0]
    for file, data in kept.items():
        file.write_bytes(data)
        file.chmod(0o600)


@pytest.fixture
def accounts(servers) -> Server:
    """The server with accounts: author, validator, controller and reader."""
    return servers[1]
