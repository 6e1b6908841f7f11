"""What every process that runs a model's code is started with."""

from __future__ import annotations

THREADS = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "NUMEXPR_NUM_THREADS": "1",
    "LOKY_MAX_CPU_COUNT": "1",
}
"""One thread a process: on a busy machine more threads lose more than they gain, and sums keep their order."""

CHILD_ENVIRONMENT = THREADS | {"PYTHONDONTWRITEBYTECODE": "1"}
"""No bytecode, because a model may carry its own code, and loading it must not change its folder."""
