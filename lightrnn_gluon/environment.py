"""What a figure depends on besides its row: package versions, commit, threads."""

import os
import platform
import re
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

_PACKAGES = ("mxnet", "mxnet-cu112", "gluonnlp", "numpy", "scipy", "numba", "kenlm")


def environment() -> dict[str, Any]:
    """Package versions, the repository's commit, and how many threads compute."""
    versions = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    threads = int(os.environ.get("OMP_NUM_THREADS") or len(os.sched_getaffinity(0)))
    return {"versions": versions, "commit": _commit(), "threads": threads}


def peak_bytes() -> int:
    """The most memory that this process has had resident in all its life so far, libraries included.

    Linux's VmHWM (proc(5)): what getrusage(2) says may be the peak of the process that started this one.
    """
    status = Path("/proc/self/status").read_text()
    return int(re.findall(r"VmHWM:\s*(\d+) kB", status)[0]) * 1024


def _commit() -> str:
    """The repository's commit, marked where the code differs from it; "unknown" outside one."""
    root = Path(__file__).resolve().parent.parent

    def git(*arguments: str) -> str:
        return subprocess.run(
            ["git", "-C", str(root), *arguments], capture_output=True, text=True, check=True
        ).stdout.strip()

    try:
        changed = git("status", "--porcelain", "--untracked-files=no", "--", ".", ":!results")
        return git("rev-parse", "HEAD") + (" with changes" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
