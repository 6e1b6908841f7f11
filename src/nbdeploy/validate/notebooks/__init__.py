"""Validation notebooks: which join a run, the kernels that run them, and whether they truly ran."""
