"""The gateway's counts in the form that Prometheus reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric, SummaryMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from nbdeploy.serve.traffic import Traffic

_LABELS = ("endpoint", "version")


class _Counts(Collector):
    def __init__(self, traffic: Mapping[str, Traffic]) -> None:
        self._traffic = traffic

    def collect(self) -> Iterator[Metric]:
        requests = CounterMetricFamily("nbdeploy_requests", "Requests that reached the model.", labels=_LABELS)
        errors = CounterMetricFamily("nbdeploy_errors", "Requests that model or worker failed on.", labels=_LABELS)
        refused = CounterMetricFamily("nbdeploy_refused", "Requests that the schema refused.", labels=_LABELS)
        rows = CounterMetricFamily("nbdeploy_rows", "Rows answered.", labels=_LABELS)
        weight = GaugeMetricFamily("nbdeploy_traffic_weight", "Percent of the traffic.", labels=_LABELS)
        latency = SummaryMetricFamily("nbdeploy_latency_seconds", "Time to the answer.", labels=_LABELS)
        for address, traffic in self._traffic.items():
            for served, share in traffic.arms:
                labels, counts = (address, served.version), served.counts
                requests.add_metric(labels, counts.requests)
                errors.add_metric(labels, counts.errors)
                refused.add_metric(labels, counts.refused)
                rows.add_metric(labels, counts.rows)
                weight.add_metric(labels, share)
                latency.add_metric(labels, count_value=counts.latency.n, sum_value=counts.latency.total_ms / 1000)
        yield from (requests, errors, refused, rows, weight, latency)


def exposition(traffic: Mapping[str, Traffic]) -> tuple[bytes, str]:
    """Return the text and its content type."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Counts(traffic))
    return generate_latest(registry), CONTENT_TYPE_LATEST
