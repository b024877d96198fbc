"""The signals that ask a run to stop: Ctrl-C, and what a system sends before it shuts down."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

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
