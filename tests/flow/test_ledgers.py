"""The ledger as a user sees it: shown, served, and read from another machine."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import pytest

from nbdeploy import flow
from nbdeploy.documents.release import Release
from nbdeploy.errors import KeyFileError, LogError, ServiceError, SettingsError
from nbdeploy.flow.project import Project
from nbdeploy.release.journal import Journal, Journaled
from nbdeploy.trust.ledger import checkpoints
from nbdeploy.trust.ledger.http import LedgerCalls

OBJECTIVE = b"name: churn\ntask: binary\ntarget: left\ngates: {performance: {roc_auc: '>= 0.6'}}\n"


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with one entry in its ledger; the test stands in it."""
    flow.init(tmp_path / "host", preset="team", person="Ana Author")
    monkeypatch.chdir(tmp_path / "host")
    flow.declare(OBJECTIVE)
    return tmp_path / "host"


def colleague(host: Path, url: str, more: str = "") -> Path:
    """Another machine: the project's files, a workstation's key, and no key of the ledger."""
    home = host.parent / "colleague"
    shutil.copytree(host, home, ignore=shutil.ignore_patterns(".nbdeploy"))
    (home / ".nbdeploy" / "keys").mkdir(parents=True)
    shutil.copy(host / ".nbdeploy/keys/workstation.pem", home / ".nbdeploy/keys")
    file = home / "nbdeploy.toml"
    file.write_text(file.read_text().partition("\n[ledger]")[0] + f'\n[ledger]\nurl = "{url}"\n{more}')
    return home


def test_the_ledger_is_shown_with_its_key_root_and_assurance(host: Path):
    shown = flow.show_ledger()
    project = Project.require()
    assert (shown.size, shown.level, shown.public) == (1, "local", project.policy.ledger)
    text = shown.show().text()
    assert "1 entry, all in the signed tree" in text
    assert f"Root: {project.ledger.root().hex()}" in text
    assert "local: whoever holds the ledger's key could rewrite the log" in text
    note = shown.facts()["checkpoint"]
    assert checkpoints.read(note, project.policy.ledger).root.hex() == shown.facts()["root"]
    json.dumps(shown.facts())


def test_a_ledger_that_does_not_hold_is_not_shown(host: Path):
    import sqlite3

    database = sqlite3.connect(host / ".nbdeploy" / "ledger.db")
    with database:
        database.execute("UPDATE ledger_entries SET envelope = x'00'")
    database.close()
    with pytest.raises(LogError, match="entry 0 was edited"):
        flow.show_ledger()
    log = flow.audit_log()
    assert (log.exit_code, log.lines[0].statement) == (1, "unreadable")
    assert "The ledger does NOT hold: E-LOG" in log.show().text()


def serve(host: Path, *options: str) -> tuple[subprocess.Popen[str], str]:
    command = [sys.executable, "-m", "nbdeploy.cli", "ledger", "serve", "--port", "0", *options]
    process = subprocess.Popen(command, cwd=host, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    line = process.stdout.readline()
    assert "served at http" in line, process.communicate()[1]
    return process, line.split()[-1]


@pytest.mark.slow
def test_a_colleague_declares_through_the_service_and_everybody_sees_it(host: Path, monkeypatch: pytest.MonkeyPatch):
    """With a token, from a file: served by the command, read and written by another project folder."""
    for file in (host / "token", host.parent / "token"):
        file.write_text("s3cret\n")
        file.chmod(0o600)
    with (host / "nbdeploy.toml").open("a") as settings:
        settings.write('\n[ledger]\ntoken_file = "token"\n')
    process, url = serve(host)
    try:
        assert httpx.get(f"{url}/ledger/checkpoint").status_code == 401
        other = httpx.get(f"{url}/ledger/checkpoint", headers={"authorization": "Bearer of-last-year"})
        assert (other.status_code, "another token than the one" in other.text) == (401, True)
        monkeypatch.chdir(colleague(host, url, 'token_file = "../token"\n'))
        flow.declare(OBJECTIVE.replace(b"0.6", b"0.65"))
        shown = flow.show_ledger()
        assert (shown.size, shown.level) == (2, "team")
        assert "team: a service holds the key" in shown.show().text()
        with pytest.raises(ServiceError, match="is kept at http"):
            flow.serve_ledger()
        monkeypatch.chdir(host)
        assert [line.by for line in flow.audit_log("churn").lines] == ["Ana Author (workstation)"] * 2
    finally:
        process.send_signal(signal.SIGTERM)
        _, error = process.communicate(timeout=30)
    assert "Traceback" not in error, error


def test_what_runs_is_told_although_the_ledger_does_not_answer(host: Path, monkeypatch: pytest.MonkeyPatch):
    with socket.socket() as nobody:  # bound, and never listening
        nobody.bind(("127.0.0.1", 0))
        monkeypatch.chdir(colleague(host, f"http://127.0.0.1:{nobody.getsockname()[1]}"))
        release = Release.model_validate(
            {
                "request": "r-00000001",
                "objective": "churn",
                "model": "churn",
                "version": "3",
                "endpoint": "churn",
                "environment": "production",
                "digest": "0" * 64,
                "rollout": {},
                "state": "live",
                "weight": 100,
            }
        )
        Journal(Project.require().settings.journal_url).write(Journaled(release, "churn"))
        shown = flow.status("churn")
        with pytest.raises(ServiceError, match="does not answer"):  # which says nothing about the chain
            flow.audit("churn")
    assert [(line.live, line.standing) for line in shown.lines] == [
        ("live churn/3 at 100 %", "not known: the ledger does not answer (r-00000001)")
    ]
    assert "does not answer" in shown.facts()["away"]
    assert "The standing of requests is not known: the ledger service at http" in " ".join(shown.show().lines)


def test_a_ledger_leaves_the_machine_encrypted_or_not_at_all(host: Path, tmp_path: Path):
    for options, told in (
        ({"host": "0.0.0.0"}, "others could read and change"),  # noqa: S104 - it is what must be refused
        ({"certificate": tmp_path / "c.pem"}, "go together"),
        ({"certificate": tmp_path / "c.pem", "certificate_key": tmp_path / "k.pem"}, "there is no file"),
    ):
        with pytest.raises(ServiceError, match=told):
            flow.serve_ledger(**options)
    for name in ("c.pem", "k.pem"):
        (tmp_path / name).write_text("no certificate")
    with pytest.raises(ServiceError, match="cannot be served"):
        flow.serve_ledger(port=0, certificate=tmp_path / "c.pem", certificate_key=tmp_path / "k.pem")
    (host / ".nbdeploy" / "keys" / "ledger.pem").unlink()
    with pytest.raises(KeyFileError):
        flow.serve_ledger(port=0)


TOKENS = [
    ("others can read it", "s3cret", 0o644, "others can read"),
    ("nothing in it", "\n", 0o600, "holds no token"),
    ("two words", "two words", 0o600, "holds no token"),
    ("not there", None, 0o600, "cannot be read"),
]


@pytest.mark.parametrize(("text", "mode", "told"), [case[1:] for case in TOKENS], ids=[case[0] for case in TOKENS])
def test_a_token_lies_in_a_file_of_its_owner(host: Path, text: str | None, mode: int, told: str, monkeypatch):
    home = colleague(host, "https://ledger.example.org", 'token_file = "token"\n')
    if text is not None:
        (home / "token").write_text(text)
        os.chmod(home / "token", mode)  # noqa: PTH101 - mypy's Path has no such word in it
    monkeypatch.chdir(home)
    with pytest.raises(SettingsError, match=told) as refused:
        flow.show_ledger()
    assert "s3cret" not in str(refused.value)


def test_a_service_whose_key_nobody_named_is_not_believed(host: Path, monkeypatch: pytest.MonkeyPatch):
    home = colleague(host, "http://127.0.0.1:9")
    policy = home / "policy.toml"
    text = policy.read_text()
    start = text.index("[[services]]                      # signs the ledger's")
    end = text.index("[models]", start)
    policy.write_text(text[:start] + text[end:])
    monkeypatch.chdir(home)
    with pytest.raises(LogError, match="the policy names no key of a ledger"):
        flow.show_ledger()


@pytest.mark.slow
def test_a_service_ends_although_a_caller_never_ends_its_request(host: Path):
    process, url = serve(host)
    try:
        with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2]))) as caller:
            caller.sendall(b"POST /ledger/entries HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n{")
            time.sleep(0.2)
            process.send_signal(signal.SIGTERM)
            _, error = process.communicate(timeout=40)
    finally:
        process.kill()
    assert "Traceback" not in error, error


def test_a_certificate_that_nobody_here_knows_is_told_with_what_to_set(tmp_path: Path):
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost"]
    files = ["-keyout", tmp_path / "k.pem", "-out", tmp_path / "c.pem"]
    subprocess.run([*made, *files], check=True, capture_output=True)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(tmp_path / "c.pem", tmp_path / "k.pem")

    def answer() -> None:
        with contextlib.suppress(OSError), context.wrap_socket(listener, server_side=True) as secured:
            secured.accept()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"https://127.0.0.1:{listener.getsockname()[1]}"
        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(ServiceError, match="CERTIFICATE_VERIFY_FAILED") as refused:
            LedgerCalls(url, None).checkpoint()
        thread.join()
    assert "SSL_CERT_FILE" in refused.value.next
