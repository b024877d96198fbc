"""What is installed here and what is not, a line each, with what to do about it."""

import importlib
import os
import platform
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from lightrnn_gluon.environment import package_version, program_path, threads

_SET_UP = "run bash reproduce/setup.sh"
_TRAINING = (
    "gluonnlp",
    "scipy",
    "numba",
    "omegaconf",
    "kenlm",
    "pandas",
    "matplotlib",
    "tensorboardX",
    "onnx",
)
_TOOLS = ("lmplz", "build_binary", "query")


@dataclass(frozen=True)
class Finding:
    """What was looked for, what of it there is, and what to do where that is not enough (else "")."""

    name: str
    found: str
    mend: str = ""


def examine() -> Iterator[Finding]:
    """Look at Python, the packages, MXNet's devices, threads, and KenLM's programs."""
    own = sys.version_info[:2]
    right = (3, 10) <= own <= (3, 11)
    yield Finding(
        "Python",
        platform.python_version(),
        "" if right else "training needs 3.10 or 3.11; a model in a file does not",
    )
    for package in ("numpy", "safetensors", *_TRAINING):
        found = package_version(package)
        yield Finding(package, found or "missing", "" if found else _SET_UP)
    yield from _mxnet()
    yield Finding("threads", f"{threads()} of {len(os.sched_getaffinity(0))} cores")
    for tool in _TOOLS:
        path = program_path(tool)
        mend = "" if path else "run bash reproduce/kenlm.sh with the folder of the environment"
        yield Finding(f"KenLM's {tool}", path or "missing", mend)


def _mxnet() -> Iterator[Finding]:
    try:
        mxnet = importlib.import_module("mxnet")
    except (ImportError, OSError) as error:  # a library that it loads may be wanting
        reason = str(error).splitlines()[0]
        yield Finding("MXNet", f"cannot be imported ({reason})", _SET_UP)
        return
    kind = "CUDA" if mxnet.runtime.Features().is_enabled("CUDA") else "CPU"
    yield Finding("MXNet", f"{mxnet.__version__} for {kind}")
    number = mxnet.context.num_gpus()
    driver = shutil.which("nvidia-smi")
    mend = f"there is a driver: {_SET_UP}" if driver and not number else ""
    yield Finding("GPUs", str(number) if number else "none, training is on the CPU", mend)
