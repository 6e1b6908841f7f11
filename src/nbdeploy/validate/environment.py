"""What the run ran on: versions that a second run would need."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

PACKAGES = (
    "nbdeploy",
    "numpy",
    "pandas",
    "pyarrow",
    "scipy",
    "scikit-learn",
    "mlflow",
    "fairlearn",
    "shap",
    "lime",
    "pandera",
    "papermill",
    "nbclient",
    "ipykernel",
)


def environment() -> dict[str, str]:
    """Return the versions of Python, the system and the packages that results can depend on."""
    found = {"python": platform.python_version(), "system": f"{platform.system()} {platform.machine()}"}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
