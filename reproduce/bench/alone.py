"""What all measurements share: programs as processes of their own, on one thread, and where tables go."""

import os
import subprocess
import sys
from pathlib import Path

from lightrnn_gluon.files import write_text
from lightrnn_gluon.report.formatting import Table

RESULTS = Path(__file__).resolve().parents[2] / "results" / "bench"

PEAK_MEMORY = "Peak memory: of the process, libraries included (about 0.3 GB before there is a net)."

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
ONE_THREAD = os.environ | dict.fromkeys(_THREADS, "1")  # the environment of such a process


def publish(table: Table, out: Path, name: str) -> None:
    """Print a table, and write it for machines and for people."""
    write_text(out / f"{name}.csv", table.csv())
    write_text(out / f"{name}.md", table.markdown())
    print(table.markdown())


def run_alone(program: str, *arguments: object) -> None:
    """Run it to its end. Raises CalledProcessError where that is no good one."""
    command = [sys.executable, program, *map(str, arguments)]
    subprocess.run(command, env=ONE_THREAD, check=True)
