"""What a store lists is looked at before anything is written: a name that no model may have is never on the disk."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from nbdeploy.errors import PathError
from nbdeploy.registry.fetching import download


class Store(BaseHTTPRequestHandler):
    """A proxied artifact store, as MLflow's server answers, that lists whatever names it likes."""

    names: tuple[str, ...] = ()

    def do_GET(self) -> None:
        asked = urlsplit(self.path)
        if asked.path.endswith("/artifacts") and not parse_qs(asked.query).get("path", [""])[0].endswith("data"):
            files = [{"path": name, "is_dir": name == "data", "file_size": 1} for name in self.names]
            body = json.dumps({"files": files}).encode()
        else:
            body = b"x"
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def store() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Store)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


class Client:
    """Says where the artifacts of a version lie, and nothing else is asked of it here."""

    def __init__(self, store: str) -> None:
        self.where = store.replace("http:", "mlflow-artifacts:", 1) + "/model"

    def get_model_version_download_uri(self, *_: str) -> str:
        return self.where


NAMES = [
    ("B5 out of the folder", "../x"),
    ("B5 out of the folder, further on", "data/../../x"),
    ("B5 absolute", "/etc/cron.d/x"),
    ("B5 behind percent signs", "..%2fx"),
    ("B5 a backslash", "..\\x"),
    ("B5 a NUL", "a\0b"),
    ("B5 300 characters", "a" * 300),
    ("B5 a device", "CON"),
    ("B5 a device with an ending", "nul.txt"),
    ("B5 a trailing dot", "model."),
    ("B5 text that turns around", "model\u202egpj.py"),
]


@pytest.mark.parametrize("name", [row[1] for row in NAMES], ids=[row[0] for row in NAMES])
def test_a_name_that_no_model_may_have_is_refused_before_any_write(store, tmp_path, name):
    Store.names = ("MLmodel", name)
    into = tmp_path / "into"
    with pytest.raises(PathError) as refused:
        download(Client(store), "models:/churn/1", into, store)
    assert "\n" not in str(refused.value)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("name", ["a\nb", "CON"], ids=["B5 a newline in a folder", "B5 a device in a folder"])
def test_a_store_that_is_a_folder_is_looked_at_too(tmp_path, name):
    stored = tmp_path / "stored"
    stored.mkdir()
    (stored / "MLmodel").write_text("")
    (stored / name).write_text("")
    client = Client("http://unused")
    client.where = stored.as_uri()
    with pytest.raises(PathError):
        download(client, "models:/churn/1", tmp_path / "into", f"sqlite:///{tmp_path / 'unused.db'}")
    assert list((tmp_path / "into").iterdir()) == []


@pytest.mark.parametrize(
    "target",
    ["model.pkl", "/etc/hostname"],
    ids=["B4 a link in the store to the same bytes", "B4 a link in the store out of the tree"],
)
def test_a_link_in_a_store_that_is_a_folder_is_refused_and_not_copied_as_a_file(tmp_path, target):
    stored = tmp_path / "stored"
    stored.mkdir()
    (stored / "MLmodel").write_text("")
    (stored / "model.pkl").write_text("bytes")
    (stored / "again.pkl").symlink_to(target)
    client = Client("http://unused")
    client.where = stored.as_uri()
    with pytest.raises(PathError, match="symbolic link"):
        download(client, "models:/churn/1", tmp_path / "into", f"sqlite:///{tmp_path / 'unused.db'}")
    assert list((tmp_path / "into").iterdir()) == []


def test_b6_two_names_that_become_one_are_refused_before_any_write(store, tmp_path):
    Store.names = ("MLmodel", "Model.pkl", "model.pkl")
    with pytest.raises(PathError, match="one name"):
        download(Client(store), "models:/churn/1", tmp_path / "into", store)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_plain_names_are_written(store, tmp_path):
    Store.names = ("MLmodel", "model.pkl")
    folder: Path = download(Client(store), "models:/churn/1", tmp_path / "into", store)
    assert sorted(path.name for path in folder.iterdir()) == ["MLmodel", "model.pkl"]
