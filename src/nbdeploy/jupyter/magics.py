"""Line and cell magics, one per verb. Wrong arguments raise a one-line UsageError; refusals show as one sentence."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from IPython.core.error import UsageError
from IPython.core.magic import Magics, magics_class
from IPython.core.magic_arguments import argument, magic_arguments

from nbdeploy.errors import closest
from nbdeploy.jupyter.line import arguments, value

VERBS = (
    "objective",
    "validate",
    "card",
    "deploy",
    "signoff",
    "status",
    "release",
    "rollback",
    "audit",
    "up",
    "down",
    "init",
    "declare",
)
SHORT = VERBS[:9]


def offered(magics: GovernanceMagics) -> Iterator[tuple[str, str, Callable[..., Any]]]:
    """Yield (kind, name, function) of every magic."""
    for name in SHORT:
        yield "line", name, getattr(magics, name)
    yield "cell", "objective", magics.objective
    yield "line", "nbdeploy", magics.nbdeploy
    yield "cell", "nbdeploy", magics.nbdeploy


def _notebook_folder() -> Path | None:
    """Return where the notebook of this session lies, if a Jupyter server started it and says so."""
    notebook = Path(os.environ.get("JPY_SESSION_NAME", ""))
    return notebook.parent if notebook.is_absolute() else None


@magics_class
class GovernanceMagics(Magics):
    """The verbs of nbdeploy as magics."""

    def nbdeploy(self, line: str, cell: str | None = None) -> Any:
        """``%nbdeploy <verb> …``: the sure form of every magic, whatever else is loaded."""
        verb, _, rest = line.strip().partition(" ")
        if verb not in VERBS:
            raise UsageError(f"%nbdeploy knows: {', '.join(VERBS)}{closest(verb, VERBS) if verb else ''}")
        function = getattr(self, verb)
        if cell is None:
            return function(rest)
        if "cell" not in inspect.signature(function).parameters:
            raise UsageError(f"%%nbdeploy {verb} takes no cell; write %nbdeploy {verb}")
        return function(rest, cell)

    @magic_arguments()
    @argument("name", help="name of the objective")
    @argument("--rows", type=int, help="say which gates this many rows will hardly decide")
    def objective(self, line: str, cell: str | None = None) -> Any:
        """``%%objective NAME`` declares the YAML of the cell; ``%objective NAME`` shows what is declared."""
        from nbdeploy import flow

        args = arguments(self.objective, line)
        if cell is None:
            return flow.show_objective(args.name)
        return flow.declare(cell.encode(), name=args.name, rows=args.rows, origin="the YAML of the cell")

    @magic_arguments()
    @argument("file", nargs="?", type=Path, help="a YAML file")
    @argument("--check", action="store_true", help="look it over; declare nothing")
    @argument("--rows", type=int, help="say which gates this many rows will hardly decide")
    @argument("--measures", metavar="SECTION", help="list what gates of a section can name")
    @argument("--example", action="store_true", help="print an objective to start from")
    def declare(self, line: str) -> Any:
        """Declare the objective in a file; in a cell, ``%%objective NAME`` does it."""
        from nbdeploy import flow

        args = arguments(self.declare, line)
        if args.example:
            print(flow.example_objective())
        elif args.measures:
            print("\n".join(f"{name:34} {said}" for name, said in flow.measures_of(args.measures).items()))
        elif args.file is None:
            raise UsageError("name a file: %nbdeploy declare FILE (see also --example and --measures SECTION)")
        else:
            return flow.declare(args.file, check_only=args.check, rows=args.rows)
        return None

    @magic_arguments()
    @argument("name", help="declared objective")
    @argument("--model", help="a variable with an estimator, or models:/NAME/3, runs:/…, a folder")
    @argument("--data", help="a variable with a DataFrame, or a path")
    @argument("--train", help="training data: a variable or a path")
    @argument("--reference", help="reference data: a variable or a path")
    @argument("--predictions", help="predictions of a model that lives elsewhere: a variable or a path")
    @argument("--section", action="append", help="only this section (repeatable)")
    @argument("--jobs", type=int, help="notebooks that run at the same time")
    @argument("--seed", type=int, default=0)
    @argument("--draft", action="store_true", help="fast, smaller samples, never requestable")
    @argument("--fresh", action="store_true", help="run every notebook, also those that ran before on the same inputs")
    @argument("--environment", default="auto", help="where the model runs: auto, here, or a Python's path")
    @argument("--previous", help="registered version to compare with, or none; else the one this model would replace")
    @argument("--with", dest="extras", action="append", help="also run a costly extra: mitigation")
    @argument("--strict", action="store_true", help="raise when a gate fails")
    def validate(self, line: str) -> Any:
        """Run the validation notebooks and show the verdicts."""
        from nbdeploy import flow
        from nbdeploy.jupyter.progress import NotebookProgress

        args = arguments(self.validate, line)
        variables = self.shell.user_ns if self.shell else {}
        with NotebookProgress() as watch:
            return flow.validate(
                args.name,
                model=value("--model", args.model, variables),
                data=value("--data", args.data, variables),
                train=value("--train", args.train, variables),
                reference=value("--reference", args.reference, variables),
                predictions=value("--predictions", args.predictions, variables),
                sections=tuple(args.section or ()),
                jobs=args.jobs,
                seed=args.seed,
                draft=args.draft,
                environment=args.environment,
                previous=args.previous,
                extras=tuple(args.extras or ()),
                fresh=args.fresh,
                strict=args.strict,
                watch=watch,
            )

    @magic_arguments()
    @argument("name", help="declared objective")
    @argument("--draft", action="store_true", help="the draft's card instead of the latest recorded one")
    @argument("--export", metavar="FORMAT", help="write it as pdf, csv, … to --out or beside the notebook")
    @argument("--diff", nargs="*", metavar="RUN", help="compare: with the run before, with this one, or these two")
    @argument("--out", type=Path, help="also write the whole card to this HTML file; beside the notebook it is linked")
    def card(self, line: str) -> Any:
        """Show the model card in the notebook, and say where the whole of it is."""
        from nbdeploy import flow

        args = arguments(self.card, line)
        if args.diff is not None:
            if len(args.diff) > 2:
                raise UsageError("--diff compares two cards: name none, one or two")
            return flow.compare_latest(args.name, tuple(args.diff), out=args.out)
        if args.export:
            return flow.export_card(args.name, args.export, out=args.out, draft=args.draft, beside=True)
        return flow.card(args.name, draft=args.draft, out=args.out, seen_from=_notebook_folder())

    @magic_arguments()
    @argument("name", help="declared objective")
    @argument("--to", default="production", help="environment of the policy")
    @argument("--strategy", choices=["rolling", "blue-green", "canary"], help="instead of the objective's")
    @argument("--ask-waiver", action="store_true", help="ask although a gate failed; the policy must allow a waiver")
    def deploy(self, line: str) -> Any:
        """Ask that the latest recorded validation goes live. This requests; it does not deploy."""
        from nbdeploy import flow
        from nbdeploy.jupyter.progress import NotebookProgress

        args = arguments(self.deploy, line)
        with NotebookProgress() as watch:
            return flow.deploy(args.name, to=args.to, strategy=args.strategy, ask_waiver=args.ask_waiver, watch=watch)

    @magic_arguments()
    @argument("request", nargs="?", help="request id")
    def signoff(self, line: str) -> Any:
        """Show what waits for a signature and how the validator signs. Nothing is signed in a notebook."""
        from nbdeploy import flow

        return flow.pending(arguments(self.signoff, line).request)

    @magic_arguments()
    @argument("name", nargs="?", help="objective")
    @argument("--all", action="store_true", dest="everything", help="also what nothing governs")
    @argument("--wait", type=float, default=0, help="seconds to wait for a rollout under way")
    def status(self, line: str) -> Any:
        """Show what is asked for, approved and live."""
        from nbdeploy import flow

        args = arguments(self.status, line)
        return flow.status(args.name, everything=args.everything, settle=args.wait)

    @magic_arguments()
    @argument("name", help="objective")
    @argument("action", choices=["promote", "pause", "resume", "abort"])
    def release(self, line: str) -> Any:
        """Steer a rollout by hand."""
        from nbdeploy import flow

        args = arguments(self.release, line)
        return flow.release(args.name, args.action)

    @magic_arguments()
    @argument("name", help="objective")
    @argument("--reason", default="asked for by hand")
    def rollback(self, line: str) -> Any:
        """Send all traffic back to the previous version, at once."""
        from nbdeploy import flow

        args = arguments(self.rollback, line)
        return flow.rollback(args.name, reason=args.reason)

    @magic_arguments()
    @argument("name", nargs="?", help="objective")
    @argument("--log", action="store_true", help="print the ledger instead of checking it")
    def audit(self, line: str) -> Any:
        """Check the chain of signed statements."""
        from nbdeploy import flow

        args = arguments(self.audit, line)
        return flow.audit_log(args.name) if args.log else flow.audit(args.name)

    @magic_arguments()
    @argument("--port", type=int, default=0, help="0 takes any free port")
    def up(self, line: str) -> Any:
        """Start the controller and the gateway of this project in the background."""
        from nbdeploy import flow

        return flow.up(port=arguments(self.up, line).port)

    def down(self, line: str) -> Any:
        """Stop the service of this project."""
        from nbdeploy import flow

        if line.strip():
            raise UsageError("%nbdeploy down takes no arguments")
        return flow.down()

    @magic_arguments()
    @argument("folder", nargs="?", default=".")
    @argument("--preset", choices=["solo", "team"], default="solo")
    @argument("--person", help="your name as the policy should know it")
    def init(self, line: str) -> Any:
        """Make a project in a folder."""
        from nbdeploy import flow

        args = arguments(self.init, line)
        return flow.init(Path(args.folder), preset=args.preset, name=None, person=args.person)
