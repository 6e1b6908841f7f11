"""Networks of PyTorch, in an environment that has it: ``NBDEPLOY_TORCH`` names its interpreter."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from nbdeploy.errors import DataError, ModelError
from nbdeploy.trust.scan import scan_model
from nbdeploy.trust.scan.waivers import check_never
from nbdeploy.validate.data.inputs import read_dataset
from nbdeploy.validate.order import Inputs
from nbdeploy.validate.prepare import prepare
from nbdeploy.validate.subject.model import LoadedModel

TORCH = os.environ.get("NBDEPLOY_TORCH")
pytestmark = pytest.mark.skipif(not TORCH, reason="NBDEPLOY_TORCH names no interpreter with torch and mlflow")

TRAIN = """
import sys, warnings
from pathlib import Path
import mlflow.pytorch, numpy as np, pandas as pd, torch
from mlflow.models import infer_signature
from torch import nn
warnings.simplefilter("ignore")
torch.manual_seed(0)
out = Path(sys.argv[1])
rows = pd.read_csv(out / "rows.csv")
inputs = rows[["age", "dose"]]
x = torch.tensor(inputs.to_numpy(np.float32))
net = nn.Sequential(nn.BatchNorm1d(2), nn.Linear(2, 8), nn.ReLU(), nn.Dropout(0.1), nn.Linear(8, 1))
loss, steps = nn.BCEWithLogitsLoss(), torch.optim.Adam(net.parameters(), lr=0.05)
for _ in range(120):
    steps.zero_grad()
    loss(net(x), torch.tensor(rows[["hired"]].to_numpy(np.float32))).backward()
    steps.step()
net.eval()
sure = nn.Sequential(net, nn.Sigmoid()).eval()
asked = ["torch", "mlflow"]
for name, model in {"logit": net, "probability": sure, "script": torch.jit.script(sure)}.items():
    signature = infer_signature(inputs, model(x).detach().numpy())
    mlflow.pytorch.save_model(
        model, out / name, signature=signature, serialization_format="pickle", pip_requirements=asked
    )
both = nn.Sequential(net, nn.Linear(1, 2)).eval()
signature = infer_signature(inputs, both(x).detach().numpy())
mlflow.pytorch.save_model(
    both, out / "both", signature=signature, serialization_format="pickle", pip_requirements=asked
)
mlflow.pytorch.save_model(sure, out / "matrix", input_example=x[:5].numpy(), pip_requirements=asked)
np.savetxt(out / "scores.txt", sure(x).detach().numpy()[:, 0])
"""


@pytest.fixture(scope="module")
def patients():
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"age": rng.normal(50, 9, 300), "dose": rng.uniform(0, 4, 300)})
    frame["hired"] = (frame["age"] / 20 + frame["dose"] + rng.normal(0, 0.5, 300) > 4.6).astype(int)
    frame["sex"] = rng.choice(["f", "m"], 300)
    return frame


@pytest.fixture(scope="module")
def trained(patients, tmp_path_factory):
    folder = tmp_path_factory.mktemp("torch")
    patients.to_csv(folder / "rows.csv", index=False)
    subprocess.run([str(TORCH), "-c", TRAIN, str(folder)], check=True, capture_output=True)
    return folder


@pytest.fixture
def scored(patients, declare, tmp_path):
    def score(folder, **more):
        objective = declare(**({"score": "predict"} | more))
        data = Inputs(evaluation=read_dataset(patients))
        return prepare(tmp_path / "w", objective, data, model_folder=folder, python=Path(str(TORCH)))

    return score


@pytest.mark.parametrize("name", ["probability", "script", "matrix"])
def test_a_network_scores_as_it_did_where_it_was_trained(trained, scored, name):
    check_never(scan_model(trained / name).findings)
    workspace = scored(trained / name)
    told = workspace.held("predictions").column("__score__").to_pylist()
    assert told == pytest.approx(np.loadtxt(trained / "scores.txt").tolist(), abs=1e-6)
    assert workspace.scored["features"] == ["age", "dose"]
    assert workspace.scored["flavor"] == "pytorch"


def test_its_logits_are_not_decided_at_one_half(trained, scored):
    with pytest.raises(DataError, match="so they are no probabilities"):
        scored(trained / "logit")


def test_at_zero_a_logit_decides_as_its_probability_at_one_half(trained, scored):
    decided = scored(trained / "logit", threshold=0).held("predictions").column("__predicted__").to_pylist()
    assert decided == (np.loadtxt(trained / "scores.txt") >= 0.5).astype(int).tolist()


def test_two_logits_are_refused(trained, patients, declare):
    model = LoadedModel(trained / "both", declare(), Path(str(TORCH)), lambda: [0, 1])
    with pytest.raises(ModelError, match="for each class"):
        model.score(patients)
