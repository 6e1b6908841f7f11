"""Real requests against the demo's gateway."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pandas as pd

_CLIENTS = 8


def payload(row: pd.DataFrame) -> dict[str, Any]:
    """Return rows in MLflow's scoring protocol."""
    return {"dataframe_split": {"columns": list(row.columns), "data": row.to_numpy().tolist()}}


def ask(url: str, rows: pd.DataFrame) -> dict[str, Any]:
    """Send one request and return the answer."""
    answer = httpx.post(url, json=payload(rows), timeout=30)
    answer.raise_for_status()
    body: dict[str, Any] = answer.json()
    return body


def send(url: str, rows: pd.DataFrame, count: int) -> Counter[str]:
    """Send `count` single-row requests from several connections and count the answers by model version."""
    bodies = [payload(rows.iloc[[number % len(rows)]]) for number in range(min(count, len(rows)))]

    def client(numbers: range) -> Counter[str]:
        seen: Counter[str] = Counter()
        with httpx.Client(timeout=30) as connection:
            for number in numbers:
                answer = connection.post(url, json=bodies[number % len(bodies)])
                seen[str(answer.json().get("version", f"HTTP {answer.status_code}"))] += 1
        return seen

    with ThreadPoolExecutor(_CLIENTS) as pool:
        parts = pool.map(client, [range(start, count, _CLIENTS) for start in range(_CLIENTS)])
        return sum(parts, Counter())
