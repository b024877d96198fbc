"""What a figure depends on besides its row: package versions, commit, threads."""

import os
import platform
import re
import shutil
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

_PACKAGES = ("mxnet", "mxnet-cu112", "gluonnlp", "numpy", "scipy", "numba", "kenlm")


def environment() -> dict[str, Any]:
    """Package versions, the repository's commit, and how many threads compute."""
    found = {package: package_version(package) for package in _PACKAGES}
    versions = {name: number for name, number in found.items() if number is not None}
    return {
        "versions": {"python": platform.python_version(), **versions},
        "commit": _commit(),
        "threads": threads(),
    }


def package_version(package: str) -> str | None:
    """The version that is installed, if one is."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def threads() -> int:
    """How many threads compute."""
    return int(os.environ.get("OMP_NUM_THREADS") or len(os.sched_getaffinity(0)))


def processor() -> str:
    """The processor's name, and the widest of its vector instructions that matter for speed."""
    known = Path("/proc/cpuinfo").read_text()
    (name, *_) = [*re.findall(r"^model name\s*: (.*)$", known, re.MULTILINE), platform.machine()]
    widest = [each for each in ("avx512f", "avx2", "avx") if re.search(rf"\b{each}\b", known)]
    return ", ".join([name, *widest[:1]])


def program_path(name: str) -> str | None:
    """The path of a program: in this Python's own bin folder, else on the PATH."""
    return shutil.which(name, path=f"{sys.prefix}/bin") or shutil.which(name)


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
