"""The gateway against ``mlflow models serve``: one row by one client, and by 32 at once. Prints the ratios.

Both serve the same model folder from processes of their own, in turns on one machine, and are asked over connections
that stay open by the same client in a process of its own: it only sends ready bytes and counts answers.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import urlopen

sys.path.insert(0, str(Path(__file__).parent / "census"))

ROUNDS = int(os.environ.get("GATEWAY_ROUNDS", "3"))
SECONDS = float(os.environ.get("GATEWAY_SECONDS", "4"))
MANY = 32
OURS, THEIRS = "gateway", "mlflow models serve"


def stored_model(folder: Path) -> bytes:
    """Store the pipeline of the other benchmarks, and return the body of a request for one row."""
    from data import FEATURES, KINDS, NUMBERS, TARGET, table
    from mlflow import sklearn as flavour
    from mlflow.models import infer_signature
    from sklearn.compose import make_column_transformer
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OrdinalEncoder

    warnings.simplefilter("ignore")  # MLflow's hints on storing
    frame = table().head(20_000)
    kinds = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    model = make_pipeline(
        make_column_transformer((kinds, list(KINDS)), ("passthrough", NUMBERS)), HistGradientBoostingClassifier()
    ).fit(frame[FEATURES], frame[TARGET])
    signature = infer_signature(frame[FEATURES], model.predict(frame[FEATURES].head()))
    flavour.save_model(
        model, str(folder), signature=signature, pip_requirements=["scikit-learn"], serialization_format="cloudpickle"
    )
    return json.dumps({"dataframe_records": json.loads(frame[FEATURES].head(1).to_json(orient="records"))}).encode()


async def serve(folder: Path, port: int) -> None:
    """Serve a model folder as the service does."""
    from nbdeploy.release.listening import Server, listening
    from nbdeploy.serve.gateway import Gateway
    from nbdeploy.serve.schema import read_schema
    from nbdeploy.serve.traffic import ServedVersion, Traffic
    from nbdeploy.serve.workers import Worker

    gateway, worker = Gateway(), Worker(folder, "income/1")
    await worker.start()
    arm = ServedVersion("income/1", worker, read_schema(folder))
    gateway.direct("income", Traffic("income", "production", ((arm, 100.0),)))
    with listening(port) as listener:
        await Server(gateway, lambda: None).serve(sockets=[listener])


async def ask(url: str, body: bytes, clients: int, seconds: float) -> dict[str, float]:
    """Ask from several connections for some seconds; return answers a second and quantiles in milliseconds."""
    parts = urlsplit(url)
    head = f"POST /invocations HTTP/1.1\r\nhost: {parts.netloc}\r\ncontent-type: application/json\r\n"
    question = f"{head}content-length: {len(body)}\r\n\r\n".encode() + body
    times: list[float] = []
    end = time.perf_counter() + seconds

    async def client() -> None:
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        while (begun := time.perf_counter()) < end:
            writer.write(question)
            answer = (await reader.readuntil(b"\r\n\r\n")).lower()
            assert answer.startswith(b"http/1.1 200"), answer
            size = int(answer.partition(b"content-length:")[2].partition(b"\r\n")[0])
            assert b'"predictions"' in await reader.readexactly(size)
            times.append(time.perf_counter() - begun)
        writer.close()

    began = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(clients)))
    took = time.perf_counter() - began
    cuts = statistics.quantiles(times, n=100)
    return {"rate": len(times) / took, "p50": 1000 * cuts[49], "p99": 1000 * cuts[98]}


def asked(url: str, body: Path, clients: int, seconds: float) -> dict[str, float]:
    """Ask from a process of its own."""
    command = [sys.executable, __file__, "ask", url, str(body), str(clients), str(seconds)]
    found: dict[str, float] = json.loads(subprocess.check_output(command))
    return found


@contextmanager
def running(command: list[str], url: str) -> Iterator[None]:
    """Run a server for the block."""
    # MLflow looks for uvicorn's command in the path.
    path = f"{Path(sys.executable).parent}:{os.environ.get('PATH', os.defpath)}"
    environment = {**os.environ, "PATH": path, "OMP_NUM_THREADS": "1", "MLFLOW_DISABLE_TELEMETRY": "true"}
    quiet: Any = subprocess.DEVNULL
    process = subprocess.Popen(command, stdout=quiet, stderr=quiet, env=environment)
    try:
        while True:
            assert process.poll() is None, f"{command} ended"
            try:
                with urlopen(f"{url}/ping", timeout=5):  # noqa: S310 - it is ours
                    break
            except OSError:
                time.sleep(0.2)
        yield
    finally:
        process.terminate()
        process.wait()


def main() -> None:
    """Ask both in turns and compare."""
    from socket import socket

    with tempfile.TemporaryDirectory() as scratch, socket() as one, socket() as other:
        folder, body = Path(scratch) / "model", Path(scratch) / "body.json"
        body.write_bytes(stored_model(folder))
        ports = []
        for free in (one, other):
            free.bind(("127.0.0.1", 0))
            ports.append(free.getsockname()[1])
            free.close()
        urls = {name: f"http://127.0.0.1:{port}" for name, port in zip((OURS, THEIRS), ports, strict=True)}
        ours = [sys.executable, __file__, "serve", str(folder), str(ports[0])]
        theirs = [sys.executable, "-m", "mlflow", "models", "serve", "--model-uri", str(folder), "--env-manager"]
        with (
            running(ours, urls[OURS]),
            running([*theirs, "local", "--workers", "1", "--port", str(ports[1])], urls[THEIRS]),
        ):
            compare(urls, body)


def compare(urls: dict[str, str], body: Path) -> None:
    """Print what both took, and the ratios by round."""
    for url in urls.values():
        asked(url, body, 1, 1)  # neither's first answers are counted
    alone = [{name: asked(url, body, 1, SECONDS) for name, url in urls.items()} for _ in range(ROUNDS)]
    crowd = [{name: asked(url, body, MANY, SECONDS) for name, url in urls.items()} for _ in range(ROUNDS)]

    def told(what: str, found: list[float], target: str) -> None:
        each = ", ".join(f"{ratio:.3g}" for ratio in found)
        print(f"{what}: {statistics.median(found):.3g} ({target}), by round {each}")

    for name in urls:
        one, many = (
            statistics.median(found[name][key] for found in rounds) for rounds, key in ((alone, "p50"), (crowd, "rate"))
        )
        slowest = statistics.median(found[name]["p99"] for found in crowd)
        print(f"{name}: one client p50 {one:.2f} ms; {MANY} clients {many:.0f} requests/s, p99 {slowest:.0f} ms")
    told("p50 of one client", [found[OURS]["p50"] / found[THEIRS]["p50"] for found in alone], "target at most 0.75")
    told("requests/s", [found[OURS]["rate"] / found[THEIRS]["rate"] for found in crowd], "target at least 25")
    told("our p99 / their p50", [found[OURS]["p99"] / found[THEIRS]["p50"] for found in crowd], "target at most 0.1")


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        asyncio.run(serve(Path(sys.argv[2]), int(sys.argv[3])))
    elif sys.argv[1:2] == ["ask"]:
        _, _, address, file, number, length = sys.argv
        print(json.dumps(asyncio.run(ask(address, Path(file).read_bytes(), int(number), float(length)))))
    else:
        main()
