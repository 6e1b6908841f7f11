"""The demo, act by act. Every act is a verb that a user could have typed; its command is printed first."""

from __future__ import annotations

import secrets
import shlex
import shutil
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import pandas as pd

from nbdeploy import flow, templates
from nbdeploy.cli.demo import study as patients
from nbdeploy.cli.demo import traffic
from nbdeploy.cli.demo.stage import Stage
from nbdeploy.cli.draw import Watching, draw
from nbdeploy.errors import Refusal
from nbdeploy.flow import Requested, Validated

NAME = "progression-risk"
AUTHOR = "Ana Author"
VALIDATOR = "Vera Validator"


def _command(name: str) -> str:
    """Return how to call a command of this environment from any terminal."""
    beside = Path(sys.executable).parent / name
    return name if shutil.which(name) or not beside.is_file() else shlex.quote(str(beside))


class Story:
    """One run of the demo in the project folder `root`."""

    def __init__(self, root: Path, *, attended: bool) -> None:
        self.root = root
        self.attended = attended
        self.passphrase = f"vera-{secrets.token_hex(2)}"
        self.key = root / "validator-keys" / "vera.pem"
        self.stage = Stage()

    def tell(self) -> None:
        """Run every act; whatever was started is stopped, also after Ctrl-C."""
        try:
            self._prepare()
            study = patients.load_study()
            self._refused(study)
            first = self._validated(
                study, patients.second_candidate(study), "the second candidate: all clinical features, without sex"
            )
            if not self._signed(self._requested(first)):
                return
            url = self._served(study)
            again = self._validated(study, patients.third_candidate(study), "a second version: a random forest")
            if not self._signed(self._requested(again)):
                return
            self._rolled_out(url, study)
            self._rolled_back(url, study)
            self._audited()
        finally:
            self.stage.begin("stop what was started")
            flow.down(missing_ok=True)
            self.stage.end()
        self._farewell(first)

    # Acts -------------------------------------------------------------------------------------------------------------

    def _prepare(self) -> None:
        self.stage.begin("a project, two people, their keys", f"nbdeploy init --preset team --person '{AUTHOR}'")
        flow.init(self.root, preset="team", name="diabetes-study", person=AUTHOR)
        _, public = flow.create_key(VALIDATOR, file=self.key, passphrase=self.passphrase.encode())
        flow.add_person(VALIDATOR, roles=["validator"], public=public)
        self.stage.say(f"{AUTHOR} writes models on this workstation; {VALIDATOR} signs, with a key of her own.")
        self.stage.begin("declare the objective, before any result", "nbdeploy declare objective.yaml --rows 221")
        file = self.root / "objective.yaml"
        file.write_bytes(templates.path("demo-objective.yaml").read_bytes())
        draw(flow.declare(file, rows=221))

    def _refused(self, study: patients.Study) -> None:
        result = self._validated(
            study, patients.first_candidate(study), "the first candidate: sex, age and one blood value"
        )
        self.stage.command(f"nbdeploy deploy {NAME} --to production")
        try:
            flow.deploy(NAME, to="production")
        except Refusal as refusal:
            self.stage.say(f"Refused, as it should be. {refusal}")
        else:
            raise AssertionError(f"a model with the verdict {result.overall} must not be requestable")

    def _validated(self, study: patients.Study, model: Any, what: str) -> Validated:
        self.stage.begin(f"validate {what}", f"nbdeploy validate {NAME} --model … --data … --train …")
        with Watching() as watch:
            result = flow.validate(NAME, model=model, data=study.evaluation, train=study.train, watch=watch)
        draw(result)
        return result

    def _requested(self, validated: Validated) -> Requested:
        self.stage.begin("ask for production", f"nbdeploy deploy {NAME} --to production")
        result = flow.deploy(NAME, to="production")
        draw(result)
        self.stage.say(f"The card that {VALIDATOR} reads: {validated.card}")
        return result

    def _signed(self, requested: Requested) -> bool:
        request = requested.request
        self.stage.begin(
            f"{VALIDATOR} signs", f"nbdeploy signoff {request.id} --approve --key {self.key.relative_to(self.root)}"
        )
        self._self_approval_is_refused(request.id)
        if not self._agrees(request.undecided):
            flow.sign_off(
                request.id,
                decision="return",
                key=self.key,
                passphrase=self._passphrase,
                reason="not acknowledged at the terminal",
                unattended=not self.attended,
            )
            self.stage.say("Returned to the author. Nothing is live; the ledger holds the decision.")
            return False
        result = flow.sign_off(
            request.id,
            decision="approval",
            key=self.key,
            passphrase=self._passphrase,
            reason="The card answers what was asked." if self.attended else "Unattended run of the demo.",
            acknowledge=request.undecided,
            unattended=not self.attended,
        )
        draw(result)
        return True

    def _self_approval_is_refused(self, request: str) -> None:
        try:
            flow.sign_off(
                request,
                decision="approval",
                key=self.root / ".nbdeploy" / "keys" / "workstation.pem",
                passphrase=lambda: b"",
                unattended=not self.attended,
            )
        except Refusal as refusal:
            self.stage.say(f"({AUTHOR} tried it first: {refusal})")
        else:
            raise AssertionError("an author must not be able to approve")

    def _served(self, study: patients.Study) -> str:
        self.stage.begin("deploy through the controller and ask the gateway", "nbdeploy up")
        flow.up(port=0)
        report = flow.status(NAME, settle=60)
        draw(report)
        url = next(line.url for line in report.lines if line.url)
        rows = study.evaluation.loc[:0, list(patients.FEATURES)]
        self.stage.command(f"curl {url} -H 'content-type: application/json' -d '{{\"dataframe_split\": …}}'")
        self.stage.say(f"Answer: {traffic.ask(url, rows)}")
        return url

    def _rolled_out(self, url: str, study: patients.Study) -> None:
        self.stage.begin("the second version as a canary, step by step, under real requests", "nbdeploy status")
        rows = study.evaluation.loc[:, list(patients.FEATURES)]
        total: Counter[str] = Counter()
        patience = time.monotonic() + 60
        said = ""
        while not flow.settled(NAME) or flow.held(NAME):
            total += traffic.send(url, rows, 200)
            line = next(line for line in flow.status(NAME).lines if line.environment == "production")
            if line.live != said:
                self.stage.say(f"{total.total():6} requests so far; {line.live}")
                said = line.live
            if flow.held(NAME) and time.monotonic() > patience:
                self.stage.say(f"Too few requests decide nothing, so a human does: {line.note}")
                self.stage.command(f"nbdeploy release {NAME} promote")
                draw(flow.release(NAME, "promote", reason="the demo goes on"))
        self.stage.say(
            "Answers by version: " + ", ".join(f"{version}: {count}" for version, count in sorted(total.items()))
        )

    def _rolled_back(self, url: str, study: patients.Study) -> None:
        self.stage.begin("roll back", f"nbdeploy rollback {NAME}")
        draw(flow.rollback(NAME, reason="the demo shows that it is one command"))
        rows: pd.DataFrame = study.evaluation.loc[:0, list(patients.FEATURES)]
        self.stage.say(f"Answer: {traffic.ask(url, rows)}")

    def _audited(self) -> None:
        self.stage.begin("check the whole chain", "nbdeploy audit verify")
        draw(flow.audit(NAME))
        bundle = self.root / "audit-bundle.zip"
        self.stage.say("")
        self.stage.command(f"nbdeploy audit export {NAME}/2 --out {bundle.name}")
        draw(flow.export_bundle(f"{NAME}/2", out=bundle))
        self.stage.command(f"nbdeploy audit verify {bundle.name} --recompute --policy policy.toml")
        draw(flow.verify_bundle(bundle, again=True, policies=[self.root / "policy.toml"]))

    def _farewell(self, validated: Validated) -> None:
        here = f"cd {shlex.quote(str(self.root))} &&"
        mlflow, nbdeploy = _command("mlflow"), _command("nbdeploy")
        self.stage.heading("What to open")
        for what, where in (
            ("the model card", validated.card),
            ("the executed notebooks", validated.folder / "notebooks"),
            ("MLflow", f"{here} {mlflow} ui --backend-store-uri sqlite:///.nbdeploy/mlflow.db"),
            ("the audit bundle", self.root / "audit-bundle.zip"),
            ("the ledger's log", f"{here} {nbdeploy} audit log"),
            ("the endpoint, again", f"{here} {nbdeploy} up"),
        ):
            self.stage.say(f"  {what:24}{where}")
        self.stage.times()

    # The validator ----------------------------------------------------------------------------------------------------

    def _agrees(self, undecided: Sequence[str]) -> bool:
        """Ask for each undecided gate by itself; nobody is asked in an unattended run."""
        if not self.attended:
            for gate in undecided:
                self.stage.say(f"acknowledged, unattended: {gate}")
            return True
        self.stage.say(f"You are {VALIDATOR} now. Her passphrase in this demo is: {self.passphrase}")
        return all(click.confirm(f"  {gate} is not decided by this data. Acknowledge it?") for gate in undecided)

    def _passphrase(self) -> bytes:
        if not self.attended:
            return self.passphrase.encode()
        text: str = click.prompt("  Passphrase", hide_input=True)
        return text.encode()
