"""The signals that ask a run to stop: Ctrl-C, and what a system sends before it shuts down."""

import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from subprocess import Popen
from typing import TypeVar

Name = TypeVar("Name")
STOPPING = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Hold such a signal back until the end: what is inside is done whole. For the main thread alone."""
    held: list[int] = []
    handlers = [(each, signal.signal(each, lambda number, _: held.append(number))) for each in STOPPING]
    try:
        yield
    finally:
        for each, handler in handlers:
            signal.signal(each, handler)
        for number in held[:1]:
            signal.raise_signal(number)


def exit_statuses(processes: Mapping[Name, Popen[bytes]]) -> dict[Name, int | None]:
    """The exit status of each, None where it runs.

    A look that a signal cuts short may leave its lock behind (subprocess of Python 3.11), and then nobody can
    wait for the process any more.
    """
    with uninterrupted():
        return {name: process.poll() for name, process in processes.items()}
