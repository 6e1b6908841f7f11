"""Every refusal of nbdeploy: one base, one class per rule.

A message has three parts, always in this order: the fact, the rule, the next command. It reads the same in a cell, on a
terminal and in a server's answer; only a command is written in a cell as a cell takes it. The code (``E-SELF``) is
stable and is what tests and scripts may rely on.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from typing import Any, ClassVar


class NbdeployError(Exception):
    """Base of all errors that nbdeploy raises on purpose.

    Parameters
    ----------
    fact
        What was found, without a full stop.
    next
        What the reader can do about it: a command or an act, without a full stop. May be empty.
    **facts
        Whatever a program may want to read; kept as attributes in ``facts``.
    """

    code: ClassVar[str] = "E-NBDEPLOY"
    rule: ClassVar[str] = ""
    exit_code: ClassVar[int] = 2

    def __init__(self, fact: str, *, next: str = "", **facts: Any) -> None:  # noqa: A002 - reads as the sentence does
        self.fact = fact.rstrip(". ")
        self.next = next.rstrip(". ")
        self.facts = facts
        super().__init__(self.sentence)

    @property
    def sentence(self) -> str:
        """Fact, rule and next command as one line."""
        text = f"{self.fact}: {self.rule}" if self.rule else self.fact
        ended = text if text.endswith("?") else f"{text}."
        return f"{ended} Next: {self.next}" if self.next else ended

    def __str__(self) -> str:
        return f"{self.code} {self.sentence}"

    def _render_traceback_(self) -> list[str]:
        """Tell IPython to show the sentence and no traceback; papermill then keeps the real name and text.

        A command is shown as a magic where there is one. The sentence is broken between words, because JupyterLab would
        break it anywhere.
        """
        sentence = in_cell(f"{type(self).__name__}: {self}")
        return textwrap.wrap(sentence, 96, break_long_words=False, break_on_hyphens=False)


class Refusal(NbdeployError):  # noqa: N818 - a refusal is an answer, not a breakdown
    """A governance rule said no. Nothing is broken; somebody has to decide or to improve something."""

    code = "E-REFUSED"
    exit_code = 1


# What a user gave us -------------------------------------------------------------------------------------------------


class ObjectiveError(NbdeployError):
    """The text of an objective cannot be read or contradicts itself."""

    code = "E-OBJECTIVE"


class CrosswalkError(NbdeployError):
    """The text of a regulation crosswalk cannot be read or names what does not exist."""

    code = "E-CROSSWALK"


class SettingsError(NbdeployError):
    """``nbdeploy.toml`` cannot be read."""

    code = "E-SETTINGS"


class ProjectError(NbdeployError):
    """There is no project here, or what is asked needs one."""

    code = "E-PROJECT"


class DataError(NbdeployError):
    """Data is missing, empty, unreadable or lacks a column."""

    code = "E-DATA"


class ModelError(NbdeployError):
    """A model is missing, will not load or does not answer as the objective says."""

    code = "E-MODEL"


class OptionError(NbdeployError):
    """A verb was asked for something that there is not, such as a section of another name."""

    code = "E-OPTION"


class ParameterError(NbdeployError):
    """A notebook was given a parameter that it does not declare."""

    code = "E-PARAM"
    rule = "parameter names are injected as code, so only the names that the notebook declares are accepted"


class NotebookError(NbdeployError):
    """A validation notebook did not run to its end; papermill's plain route raises it after saving."""

    code = "E-RUN"


class RegistryError(NbdeployError):
    """The MLflow server cannot be reached or refused."""

    code = "E-REGISTRY"


class AccountError(RegistryError):
    """MLflow does not know the caller, or does not let their account do this."""

    code = "E-ACCOUNT"


class ServiceError(NbdeployError):
    """A service cannot start, is not running or did not answer."""

    code = "E-SERVICE"


class AdvisoryError(NbdeployError):
    """The file of advisories about packages is missing or cannot be read."""

    code = "E-ADVISORY"


class KeyFileError(NbdeployError):
    """A key is missing, world-readable, or its passphrase is wrong."""

    code = "E-KEY"


class CardError(NbdeployError):
    """A card cannot be found or read."""

    code = "E-CARD"


class BundleError(NbdeployError):
    """A file is no audit bundle, or not one that every program reads alike."""

    code = "E-BUNDLE"


class InterruptedRunError(NbdeployError):
    """The user pressed Ctrl-C: nothing half written stays behind."""

    code = "E-INTERRUPTED"
    exit_code = 130


# What a rule forbids -------------------------------------------------------------------------------------------------


class GateFailedError(Refusal):
    """A gate failed, or is undecided where policy wants it decided or acknowledged."""

    code = "E-GATE"


class DraftError(Refusal):
    """Something that only recorded evidence may do was asked of a draft."""

    code = "E-DRAFT"
    rule = "a draft is fast and never requestable"


class FloorError(Refusal):
    """An objective asks less than the policy's floor."""

    code = "E-FLOOR"
    rule = "an objective may ask more than the policy's floor, never less"


class ModeError(Refusal):
    """The policy only observes this model."""

    code = "E-MODE"


class DigestError(Refusal):
    """Bytes are not the bytes that were signed."""

    code = "E-DIGEST"
    rule = "an approval holds for the exact bytes that were signed, and for no others"


class PathError(Refusal):
    """A file of a model cannot be part of a manifest."""

    code = "E-PATH"
    rule = "a model folder may hold regular files with plain, unambiguous names only"


class LinkError(Refusal):
    """Documents of different requests, environments or versions were put together."""

    code = "E-LINK"
    rule = "every statement holds only for the request, environment and version that it names"


class SelfApprovalError(Refusal):
    """The approver asked for, wrote or ran what is to be approved."""

    code = "E-SELF"
    rule = "nobody approves their own work"


class ThresholdError(Refusal):
    """Too few different people signed."""

    code = "E-THRESHOLD"


class RoleError(Refusal):
    """The signer does not hold the role that policy asks for."""

    code = "E-ROLE"


class ExpiredError(Refusal):
    """An approval or a key is not valid at this time."""

    code = "E-EXPIRED"
    rule = "an approval starts a rollout only between its first and its last day"


class RevokedError(Refusal):
    """An approval or a model was revoked."""

    code = "E-REVOKED"


class NotApprovedError(Refusal):
    """No standing approval: none yet, returned, questioned or rejected."""

    code = "E-NOAPPROVAL"


class AcknowledgeError(Refusal):
    """An undecided or failed gate was neither acknowledged nor waived, or may not be."""

    code = "E-ACKNOWLEDGE"


class PolicyError(Refusal):
    """The policy cannot be read, is too old, or does not allow what is asked."""

    code = "E-POLICY"


class AliasError(Refusal):
    """Somebody wants to change by hand what MLflow shows of an enforced model."""

    code = "E-ALIAS"
    rule = "aliases, stages and our tags of an enforced model follow signed approvals, and the controller sets them"


class FormatError(Refusal):
    """A signed document does not have the exact form that it must have."""

    code = "E-FORMAT"


class SignatureError(Refusal):
    """No signature of an accepted key."""

    code = "E-SIG"


class ScanError(Refusal):
    """A model's files reach for what no model needs, or for what nobody signed for."""

    code = "E-SCAN"
    rule = "no file is loaded that reaches for more than a model needs"


class SizeError(Refusal):
    """Something is larger, deeper or more packed than is looked through."""

    code = "E-LIMIT"
    rule = "what cannot be looked through within limits is not loaded"


class LogError(Refusal):
    """The ledger was truncated, edited or forked."""

    code = "E-LOG"


class ClockError(Refusal):
    """Two clocks disagree by more than clocks do, so that nothing that has a time can be decided."""

    code = "E-CLOCK"


_MAGIC = re.compile(r"(?<![%!\w/])nbdeploy (?=(?:init|declare|validate|deploy|status|release|rollback|up|down)\b)")
"""A command that means the same behind ``%`` as on a terminal."""


def in_cell(text: str) -> str:
    """Return a text with commands as a cell takes them: ``%nbdeploy validate churn``."""
    return _MAGIC.sub("%nbdeploy ", text)


def closest(word: str, known: Sequence[str]) -> str:
    """Return ``; did you mean X?`` for the known word nearest to `word`, or an empty text."""
    from difflib import get_close_matches

    written = {one.casefold(): one for one in reversed(known)}
    match = get_close_matches(word.casefold(), written, n=1, cutoff=0.5)
    return f"; did you mean {written[match[0]]!r}?" if match else ""
