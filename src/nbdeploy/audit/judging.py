"""Which policy a request of a bundle is judged by: the one of its own days, and no other."""

from __future__ import annotations

from collections.abc import Sequence

from nbdeploy import __version__, templates
from nbdeploy.audit import layout
from nbdeploy.audit.opening import Bundle
from nbdeploy.errors import BundleError, PolicyError
from nbdeploy.trust.policy.document import Policy
from nbdeploy.trust.policy.file import read_policy
from nbdeploy.trust.policy.signing import Offered, check_signed


def in_force(bundle: Bundle, digest: str, own: Sequence[Policy], made_by: str) -> Policy:
    """Return the policy with this digest: the auditor's own copy, or else the bundle's.

    Parameters
    ----------
    own
        The auditor's copies; without any, that in the bundle is believed.
    made_by
        The version of nbdeploy that the bundle says it was made by.

    Raises
    ------
    PolicyError
        None of the auditor's is the one, or too few of its roots signed the bundle's.
    BundleError
        The bundle holds none, another one, or a preset that this version does not know.
    """
    if own:
        mine = next((policy for policy in own if policy.digest == digest), None)
        if mine is None:
            raise PolicyError(
                f"the policy that was in force ({digest[:19]}…) is none of yours",
                next="give the version of those days with --policy; a newer one decides about other days",
            )
        return mine
    name = layout.policy(digest)
    if name not in bundle:
        raise BundleError("the policy that was in force is not in the bundle", next="give your copy with --policy")
    policy = read_policy(bundle.read(name))
    if policy.digest != digest:
        raise BundleError(f"{name} is another policy than its name says")
    if policy.roots is not None:
        signed = layout.policy_signed(digest)
        envelope = bundle.read(signed) if signed in bundle else None
        check_signed(Offered(policy, bundle.read(name), envelope), policy.roots, "that it names itself")
    if policy.preset:
        _check_preset(bundle, policy.preset, made_by)
    return policy


def _check_preset(bundle: Bundle, preset: str, made_by: str) -> None:
    name = layout.preset(preset)
    if name not in bundle or bundle.read(name) != templates.path("policy", f"{preset}.toml").read_bytes():
        raise BundleError(
            f"the preset {preset} in the bundle is not the one that nbdeploy {__version__} has",
            next=f"verify it with the version that made it, which says that it was {made_by}",
        )
