"""Hours of epochs and rounds in one process: neither memory nor open files grow.

Slow: `bash tests/run.sh -m faults`. SOAK=SECONDS in the environment asks for another time than two hours.
"""

import gc
import os
import time
from pathlib import Path

import numpy as np
import pytest
from test_refinement import run, small_training
from texts import make_corpus, random_sentences

pytestmark = pytest.mark.faults

SECONDS = float(os.environ.get("SOAK", "7200"))
_WARM_UP = 0.1  # of the time: what is compiled, and kept, is by then
_BYTES_AN_HOUR = 20e6  # what curves and rounds on record take, and some more


def resident_bytes():
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_memory_and_open_files_stay_as_they_are(tmp_path, capsys):
    # So long that what is kept of each epoch and round is little by the hour.
    corpus = make_corpus(tmp_path / "data", train=random_sentences(3000, seed=0))
    started, samples = time.monotonic(), []

    class Over(Exception):
        pass

    def sample(training):
        passed = time.monotonic() - started
        if passed > _WARM_UP * SECONDS:
            gc.collect()
            samples.append((passed, resident_bytes(), len(os.listdir("/proc/self/fd"))))
        if passed > SECONDS:
            raise Over

    many = 10**6
    training = small_training(
        tmp_path, corpus, epochs=many, rounds_after=list(range(1, many)), learning_rate=1e-5, halve_after=many
    )
    with pytest.raises(Over):
        run(training, sample)
    passed, sizes, files = map(np.array, zip(*samples, strict=True))
    slope = 3600 * np.polyfit(passed, sizes, 1)[0]
    with capsys.disabled():
        print(
            f"\n{len(training.progress.rounds)} rounds in {SECONDS:.0f} s: {sizes[-1] / 1e6:.0f} MB, "
            f"growing by {slope / 1e6:.2f} MB an hour; open files: {files.min()} to {files.max()}"
        )
    assert slope < _BYTES_AN_HOUR
    assert files.max() - files.min() <= 2
