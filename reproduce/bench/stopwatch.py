"""Programs that do a piece of work each time they are asked to, and say how long it took.

No package but Python's own is needed here, for a rival may live in another environment.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from statistics import median
from typing import Any


def serve(work: Callable[[], int]) -> None:
    """Do the work for each line on the input; answer with its seconds, and what it counts, as JSON."""
    for _ in sys.stdin:
        started = time.perf_counter()
        done = work()
        seconds = time.perf_counter() - started
        print(json.dumps({"seconds": seconds, "done": done, "peak_bytes": _peak_bytes()}), flush=True)


def _peak_bytes() -> int:
    """The most memory that this process has had resident; what getrusage tells may be that of its parent."""
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in line]
    return int(line.split()[1]) * 1024  # Linux counts in KiB


TURNS = 5  # that count, after one that does not
Answer = dict[str, Any]


def in_turn(running: "Mapping[str, Worker]") -> list[dict[str, Answer]]:
    """The answers, by name, of each turn that counts."""
    return [{name: worker.ask() for name, worker in running.items()} for _ in range(TURNS + 1)][1:]


def rate(answers: Iterable[Answer]) -> float:
    """How much was done a second, by the median."""
    return median(answer["done"] / answer["seconds"] for answer in answers)


def compared(turns: Sequence[Mapping[str, Answer]]) -> dict[str, dict[str, float]]:
    """By name: the `rate`, the `ratio` of the first one's to it, and the `peak_bytes` of all turns."""
    rates = {name: rate(turn[name] for turn in turns) for name in turns[0]}
    first = next(iter(rates.values()))
    return {
        name: {
            "rate": own, "ratio": first / own, "peak_bytes": max(turn[name]["peak_bytes"] for turn in turns)
        }
        for name, own in rates.items()
    }  # fmt: skip


class Worker:
    """Such a program, running: `ask` it for a piece of work. A context manager, which ends it."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            command, env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def ask(self) -> Answer:
        """Its answer. Raises RuntimeError where there is none, since it has ended."""
        assert self._process.stdin and self._process.stdout
        with suppress(BrokenPipeError):  # said below
            print(file=self._process.stdin, flush=True)
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError(f"{self._process.args!r} has ended with status {self._process.wait()}")
        return dict(json.loads(answer))

    def __enter__(self) -> "Worker":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()
