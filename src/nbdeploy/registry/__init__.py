"""The MLflow tracking server and model registry: the only store of models and runs, and never an authority."""

from nbdeploy.registry.mlflow_registry import Registry as Registry
