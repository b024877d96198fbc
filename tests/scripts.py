"""Running the scripts of reproduce/, as programs and in this process, and reading what they write."""

import csv
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
CONFIGS = ROOT / "reproduce" / "configs"
sys.path.insert(0, str(ROOT / "reproduce"))  # where a script's own folder is, too

import distributed  # noqa: E402, F401
import embed  # noqa: E402, F401
import experiments  # noqa: E402, F401
import paste  # noqa: E402, F401
import plan  # noqa: E402, F401
import runner  # noqa: E402, F401
import search  # noqa: E402, F401

from lightrnn_gluon.cli import run_command  # noqa: E402
from lightrnn_gluon.runs import load_figures  # noqa: E402


def run_script(name, *arguments):
    """A script as a program, with what it prints."""
    return subprocess.run(
        ["bash", str(ROOT / "reproduce" / f"{name}.sh"), *map(str, arguments)],
        capture_output=True, text=True, stdin=subprocess.DEVNULL,
    )  # fmt: skip


def call(command, *arguments):
    """The exit status of a command in this process (rows are trained in others, as ever)."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit) as stopped:
        patch.setattr(sys, "argv", ["program", *map(str, arguments)])
        run_command(command)
    for number, handler in handlers.items():
        signal.signal(number, handler)
    return stopped.value.code


def read_table(path):
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def read_metrics(out, row):
    return load_figures(out / "runs" / row)
