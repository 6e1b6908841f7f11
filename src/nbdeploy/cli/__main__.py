"""``python -m nbdeploy.cli``."""

from nbdeploy.cli import main

main()
