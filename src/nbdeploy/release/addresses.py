"""Where an endpoint is found at the gateway."""

from __future__ import annotations

from nbdeploy.trust.policy.document import Policy


def strictest(policy: Policy) -> str | None:
    """Return the environment that users are served by: it asks for most approvals, and is the last named of equals."""
    names = list(policy.environments)
    return max(names, key=lambda name: (policy.environments[name].needed, names.index(name)), default=None)


def address(policy: Policy, endpoint: str, environment: str) -> str:
    """Return the address below ``/endpoints/``.

    The endpoint's name belongs to the strictest environment; elsewhere it is ``ENVIRONMENT/ENDPOINT``, so that a trial
    in dev never answers the callers of production.
    """
    return endpoint if environment == strictest(policy) else f"{environment}/{endpoint}"
