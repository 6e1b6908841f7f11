"""What one version answered: the counts that a rollout is decided on."""

from __future__ import annotations

import math

_LOW_MS = 0.01
_STEP = math.log(1.02)
_BUCKETS = 1 + math.ceil(math.log(1e6 / _LOW_MS) / _STEP)


class LatencyTally:
    """Latencies in milliseconds, in buckets that grow by 2 %.

    A quantile is at most 2 % too high, whatever the number of answers, in constant memory.
    """

    def __init__(self) -> None:
        self._counts = [0] * (_BUCKETS + 1)
        self.n = 0
        self.total_ms = 0.0

    def add(self, milliseconds: float) -> None:
        """Count one answer."""
        bucket = 0 if milliseconds <= _LOW_MS else math.ceil(math.log(milliseconds / _LOW_MS) / _STEP)
        self._counts[min(bucket, _BUCKETS)] += 1
        self.n += 1
        self.total_ms += milliseconds

    def quantile(self, share: float) -> float | None:
        """Return the smallest bucket bound that `share` of the answers do not exceed; None without answers."""
        if self.n == 0:
            return None
        needed = math.ceil(share * self.n)
        seen = 0
        for bucket, count in enumerate(self._counts):
            seen += count
            if seen >= needed:
                return _LOW_MS * math.exp(bucket * _STEP)
        raise AssertionError("the buckets hold every answer")


class ArmCounts:
    """Counts of one version at one endpoint, since it was started.

    `requests` are those that reached the model: answered or failed. A request that the schema refused is the caller's
    mistake and stands apart in `refused`. `errors` are failures of model or worker.
    """

    def __init__(self) -> None:
        self.requests = 0
        self.errors = 0
        self.refused = 0
        self.rows = 0
        self.latency = LatencyTally()

    def answered(self, milliseconds: float, rows: int) -> None:
        """Count a request that got an answer."""
        self.requests += 1
        self.rows += rows
        self.latency.add(milliseconds)

    def failed(self) -> None:
        """Count a request that the model or its worker failed on."""
        self.requests += 1
        self.errors += 1
