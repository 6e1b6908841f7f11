"""What does the model go by, and can the explanations be trusted?"""

from nbdeploy.validate.checks.explainability.dependence import partial_dependence
from nbdeploy.validate.checks.explainability.forbidden import forbidden_features
from nbdeploy.validate.checks.explainability.importance import permutation_importance
from nbdeploy.validate.checks.explainability.local import local_explanations
from nbdeploy.validate.checks.explainability.proxies import proxy_strength
from nbdeploy.validate.checks.explainability.shapley import shap_importance
from nbdeploy.validate.checks.explainability.surrogate import surrogate_tree

__all__ = [
    "forbidden_features",
    "local_explanations",
    "partial_dependence",
    "permutation_importance",
    "proxy_strength",
    "shap_importance",
    "surrogate_tree",
]
