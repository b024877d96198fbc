"""What TensorBoard shows of a run in training: curves over its steps, and pictures of its table."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from tensorboardX.event_file_writer import EventsWriter
from tensorboardX.proto.event_pb2 import Event, SessionLog
from tensorboardX.proto.summary_pb2 import Summary
from tensorboardX.summary import image, scalar

from lightrnn_gluon.errors import UserError
from lightrnn_gluon.models import LightRNN
from lightrnn_gluon.refinement import Refinement
from lightrnn_gluon.sampling import Chunk
from lightrnn_gluon.table import WordTable
from lightrnn_gluon.training import READ_EVERY, Training

_OF_A_ROUND = {
    "valid_perplexity_before": "perplexity/before",
    "valid_perplexity_after": "perplexity/after",
    "moved_share": "moved_share",
    "row_nats_real": "row_nats",
    "column_nats_real": "column_nats",
}


class Board:
    """Stands before a run's Refinement, and writes what it and the training have done into a folder.

    What it reads changes nothing of the run. One that goes on from a checkpoint takes back the events that
    an earlier one wrote of later steps.
    """

    def __init__(self, directory: Path, training: Training, refinement: Refinement) -> None:
        """Events go into `directory`. Raises UserError where that cannot be written."""
        self._directory, self._refinement, progress = directory, refinement, training.progress
        self._points, self._rounds = len(progress.curve), len(progress.rounds)
        self._read = (progress.within.nats, progress.within.counted)
        with self._refusal():
            directory.mkdir(parents=True, exist_ok=True)
            # Not SummaryWriter: its thread is ended by a full disk, and the run would wait for it for good.
            self._writer = EventsWriter(str(directory / "events"), f".{os.getpid()}")
        self._write(progress.step, session_log=SessionLog(status=SessionLog.START))
        if not progress.step:
            self._show_table(training)

    def after_step(self, training: Training, chunk: Chunk) -> None:
        """The loss since the last time, nats a token; the gradient's norm, before clipping; the rate."""
        self._refinement.after_step(training, chunk)
        if training.progress.step % READ_EVERY == 0:
            nats, tokens = training.objective.read()
            nats_before, tokens_before = self._read if self._read[1] < tokens else (0.0, 0)
            self._read = (nats, tokens)
            figures = {
                "loss": (nats - nats_before) / (tokens - tokens_before),
                "gradient_norm": training.updates.gradient_norm,
                "learning_rate": training.updates.learning_rate,
            }
            self._add("step", figures, training)
        self._show_curve(training)

    def after_epoch(self, training: Training) -> None:
        """Perplexities, and what came of a round if one has been made."""
        self._refinement.after_epoch(training)
        self._show_curve(training)
        rounds = training.progress.rounds
        for entry in rounds[self._rounds :]:
            self._add("round", {name: entry[key] for key, name in _OF_A_ROUND.items()}, training)
            self._show_table(training)
        self._rounds = len(rounds)
        with self._refusal():
            self._writer.flush()

    def _show_curve(self, training: Training) -> None:
        for point in training.progress.curve[self._points :]:
            known = {"train": point["train_perplexity"], "valid": point["valid_perplexity"]}
            figures = {name: value for name, value in known.items() if value is not None}
            self._add("perplexity", figures, training)
        self._points = len(training.progress.curve)

    def _show_table(self, training: Training) -> None:
        if isinstance(training.net, LightRNN):
            self._show(image("table", picture(training.net.table)), training)

    def _add(self, group: str, figures: dict[str, float], training: Training) -> None:
        for name, value in figures.items():
            self._show(scalar(f"{group}/{name}", value), training)

    def _show(self, summary: Summary, training: Training) -> None:
        self._write(training.progress.step, summary=summary)

    def _write(self, step: int, **what: Summary | SessionLog) -> None:
        with self._refusal():
            self._writer.write_event(Event(wall_time=time.time(), step=step, **what))

    def close(self) -> None:
        """No more will be written."""
        with self._refusal():
            self._writer.close()

    @contextmanager
    def _refusal(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            reason = f"cannot write events into {self._directory}: {error.strerror or error}"
            raise UserError(f"{reason}; leave --tensorboard out, or make room") from error


def picture(table: WordTable) -> np.ndarray:
    """The table as a grey picture, uint8 (1, rows, columns): frequent words light, empty cells black.

    Words are numbered by frequency; light falls with the logarithm of the number.
    """
    words = table.words()
    light = 255 - 223 * np.log1p(np.maximum(words, 0)) / np.log1p(len(table))
    return np.where(words < 0, 0, light).astype(np.uint8)[None]
