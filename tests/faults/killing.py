"""Processes killed at random moments, and started again until they are through."""

import os
import random
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path


class Killer:
    """Kills groups of processes, `most` times in all, within so many seconds of their start."""

    def __init__(self, seconds: float, most: int) -> None:
        self.kills, self._seconds, self._most = 0, seconds, most
        self._generator = random.Random(os.environ.get("MOMENTS", ""))

    @property
    def goes_on(self) -> bool:
        return self.kills < self._most

    def see_through(self, start: Callable[[Path], subprocess.Popen], folder: Path) -> None:
        """Start, as the leader of a group, what works in a folder, and again whenever it has been killed."""
        while True:
            process = start(folder)
            try:
                status = process.wait(self._generator.uniform(0, self._seconds) if self.goes_on else None)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                self.kills += 1
            else:
                assert status == 0, (folder / "output").read_text()
                return
