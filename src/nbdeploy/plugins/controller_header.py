"""MLflow asks this on every request that it sends: only the controller's calls carry the header."""

from __future__ import annotations

from mlflow.tracking.request_header.abstract_request_header_provider import RequestHeaderProvider

from nbdeploy.registry.introduction import HEADER, sent


class ControllerHeader(RequestHeaderProvider):
    """The entry point ``mlflow.request_header_provider``."""

    def in_context(self) -> bool:
        """Whether the controller makes this call."""
        return sent() is not None

    def request_headers(self) -> dict[str, str]:
        """Return the header."""
        secret = sent()
        return {} if secret is None else {HEADER: secret}
