"""From a request to traffic, and back: ``deploy``, ``signoff``, ``wait``, ``revoke``, ``status``, ``release``, …"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import click

from nbdeploy import flow
from nbdeploy.cli.draw import Watching, draw
from nbdeploy.cli.passphrase import passphrase_from


@click.command()
@click.argument("name")
@click.option("--to", "environment", default="production", show_default=True, help="Environment of the policy.")
@click.option("--strategy", type=click.Choice(["rolling", "blue-green", "canary"]), help="Instead of the objective's.")
@click.option("--ask-waiver", is_flag=True, help="Ask although a gate failed; the policy must allow a waiver.")
def deploy(name: str, environment: str, strategy: str | None, ask_waiver: bool) -> None:
    """Ask that the latest recorded validation of NAME goes live. This requests; it does not deploy."""
    with Watching() as watch:
        result = flow.deploy(name, to=environment, strategy=strategy, ask_waiver=ask_waiver, watch=watch)
    draw(result)


def _parts(text: str, form: str) -> tuple[str, str, date]:
    """Split ``A | B | YYYY-MM-DD``, the one form of conditions and waivers."""
    first, _, rest = text.partition("|")
    middle, _, day = rest.rpartition("|")
    first, middle, day = first.strip(), middle.strip(), day.strip()
    if not (first and middle and day):
        raise click.BadParameter(f"{text!r} is not of the form {form}")
    try:
        return first, middle, date.fromisoformat(day)
    except ValueError:
        raise click.BadParameter(f"{day!r} is not a date such as 2027-01-31") from None


@click.command()
@click.argument("request", required=False)
@click.option("--approve", "decision", flag_value="approval", help="Take responsibility for these bytes.")
@click.option("--reject", "decision", flag_value="rejection", help="Refuse; it blocks until you decide otherwise.")
@click.option("--return", "decision", flag_value="return", help="Send back to the author with a reason.")
@click.option("--ask", "decision", flag_value="question", help="Ask the author something.")
@click.option(
    "--key", "key_file", type=click.Path(path_type=Path), help="Your key file, or its name in your key folder."
)
@click.option("--passphrase-fd", type=int, help="Read the passphrase from this file descriptor instead of a prompt.")
@click.option("--reason", default="", help="Why; needed for anything but an approval.")
@click.option("--acknowledge", multiple=True, metavar="GATE", help="An undecided gate that you saw (repeatable).")
@click.option(
    "--waive",
    multiple=True,
    metavar="'GATE | REASON | DATE'",
    help="A failed gate, or a finding of the file scan, that may pass until a day (repeatable).",
)
@click.option(
    "--condition", "conditions", multiple=True, metavar="'TEXT | OWNER | DATE'", help="What must follow (repeatable)."
)
def signoff(  # noqa: PLR0917 - click hands every option over by name
    request: str | None,
    decision: str | None,
    key_file: Path | None,
    passphrase_fd: int | None,
    reason: str,
    acknowledge: tuple[str, ...],
    waive: tuple[str, ...],
    conditions: tuple[str, ...],
) -> None:
    """Show what waits for a signature, or sign a decision on REQUEST."""
    if decision is None:
        if key_file or acknowledge or waive or conditions or reason:
            raise click.UsageError("what do you decide? One of --approve, --reject, --return, --ask")
        draw(flow.pending(request))
        return
    if request is None:
        raise click.UsageError("on which request? nbdeploy signoff lists them")
    if key_file is None:
        raise click.UsageError("whose decision is it? Name your key: --key FILE")
    result = flow.sign_off(
        request,
        decision=decision,
        key=key_file,
        passphrase=lambda: passphrase_from(passphrase_fd, f"Passphrase of {key_file}"),
        reason=reason,
        acknowledge=acknowledge,
        waive=[_parts(text, "'GATE | REASON | YYYY-MM-DD'") for text in waive],
        conditions=[_parts(text, "'TEXT | OWNER | YYYY-MM-DD'") for text in conditions],
    )
    draw(result)


@click.command()
@click.argument("request")
@click.option("--timeout", type=click.FloatRange(min=0), default=3600, show_default=True, help="Seconds at most.")
def wait(request: str, timeout: float) -> int:
    """Wait for the decision on REQUEST, and exit by it.

    0 approved; 1 rejected, returned, expired, revoked, or the ledger does not hold; 2 there is no such request; 3 still
    open at the time-out.
    """
    result = flow.wait(request, timeout=timeout)
    draw(result)
    return result.exit_code


@click.command()
@click.argument("request")
@click.option("--reason", required=True, help="Why; everybody reads it later.")
@click.option(
    "--key",
    "key_file",
    type=click.Path(path_type=Path),
    help="Your key file, or its name in your key folder; without it, the workstation's own takes back what you asked.",
)
@click.option("--passphrase-fd", type=int, help="Read the passphrase from this file descriptor instead of a prompt.")
def revoke(request: str, reason: str, key_file: Path | None, passphrase_fd: int | None) -> None:
    """Take back REQUEST with every approval of it: its traffic goes to the last valid version, or is answered 503."""
    result = flow.revoke(
        request,
        reason=reason,
        key=key_file,
        passphrase=lambda: passphrase_from(passphrase_fd, f"Passphrase of {key_file}"),
    )
    draw(result)


@click.command()
@click.argument("name", required=False)
@click.option("--all", "everything", is_flag=True, help="Also what the registry holds and nothing governs.")
def status(name: str | None, everything: bool) -> None:
    """Show what is asked for, approved and live."""
    draw(flow.status(name, everything=everything))


@click.command()
@click.argument("name")
@click.argument("action", type=click.Choice(["promote", "pause", "resume", "abort"]))
def release(name: str, action: str) -> None:
    """Steer the rollout of NAME by hand."""
    draw(flow.release(name, action))


@click.command()
@click.argument("name")
@click.option("--reason", default="asked for by hand", show_default=True)
def rollback(name: str, reason: str) -> None:
    """Send all traffic of NAME back to the previous version, at once."""
    draw(flow.rollback(name, reason=reason))
