"""Lets the tests of this folder share the examples in ``card_examples.py``: test folders are not packages."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent))
