"""A program of this folder as a process of its own, on one thread."""

import os
import subprocess
import sys

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
ONE_THREAD = os.environ | dict.fromkeys(_THREADS, "1")  # the environment of such a process


def run_alone(program: str, *arguments: object) -> None:
    """Run it to its end. Raises CalledProcessError where that is no good one."""
    command = [sys.executable, program, *map(str, arguments)]
    subprocess.run(command, env=ONE_THREAD, check=True)
