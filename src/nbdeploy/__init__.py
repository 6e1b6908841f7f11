"""nbdeploy."""
