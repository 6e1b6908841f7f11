"""Models of every make, asked alike.

This folder is also read by the interpreter of a model's own environment, which has no nbdeploy and may be an older
Python: it imports nothing else of nbdeploy's, and of others only what is there where such a model is.
"""

from __future__ import annotations

from nbdeploy.validate.subject.makes.answers import columns_of
from nbdeploy.validate.subject.makes.loading import EXPLAINING, METHODS, Loaded, load

__all__ = ["EXPLAINING", "METHODS", "Loaded", "columns_of", "load"]
