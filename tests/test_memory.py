"""What training takes, read off the graph: against numbers counted by hand, and the process's own growth."""

import json
import subprocess
import sys
from dataclasses import replace

import pytest
from scripts import CONFIGS, ROOT

from lightrnn_gluon.config import NetworkConfig, load_row
from lightrnn_gluon.memory import training_memory
from lightrnn_gluon.sampling import SamplerConfig

SMALL = NetworkConfig(
    system="", model="full_softmax", hidden=5, layers=1, dropout=0.0, optimizer="adam",
    sampler=SamplerConfig("sentences", 4, 3),
)  # fmt: skip


def test_parameters_count_with_their_gradients_and_the_optimizer():
    parameters = 11 * 5 + 4 * 5 * (5 + 5 + 2) + 11 * 5 + 11
    assert training_memory(SMALL, 11).fixed == 4 * 4 * parameters
    assert training_memory(replace(SMALL, optimizer="sgd"), 11).fixed == 4 * 2 * parameters


def test_rows_take_what_their_words_do():
    short, long = (
        training_memory(replace(SMALL, sampler=SamplerConfig("sentences", 4, length)), 2000).row
        for length in (10, 20)
    )
    assert long == pytest.approx(2 * short, rel=0.05)
    # Three copies of logits, their logarithms and the rest, which is small.
    assert 3 * 2 <= long / (4 * 20 * 2000) <= 3 * 2.2


def test_room_is_for_as_many_rows_as_fit():
    memory = training_memory(SMALL, 11)
    rows = memory.rows_in(1e6)
    assert memory.with_rows(rows) <= 1e6 < memory.with_rows(rows + 1)
    assert memory.rows_in(10) == 0


def test_the_paper_s_net_fits_a_gpu_of_12_gb_and_a_full_softmax_does_not():
    found = {}
    for row in ("lightrnn", "lightrnn+", "full-softmax"):
        config = load_row(CONFIGS / "billionw" / f"{row}.yaml")
        found[row] = training_memory(config, config.published_vocabulary)
    assert found["lightrnn"].with_rows(64) < found["lightrnn+"].with_rows(64) < 12e9
    assert found["full-softmax"].rows_in(12e9) == 0


def test_a_model_that_is_no_graph_is_refused():
    with pytest.raises(ValueError, match="the model hsm has no symbolic graph"):
        training_memory(replace(SMALL, model="hsm"), 11)


def test_a_process_grows_by_about_as_much():
    peaks = []
    for rows in (40, 160):
        command = [sys.executable, ROOT / "reproduce" / "bench" / "ours.py", "lightrnn", "--words", "9000"]
        numbers = {"--hidden": 200, "--length": 20, "--batch-size": rows, "--steps": 2}
        arguments = [*command, *(part for pair in numbers.items() for part in pair)]
        done = subprocess.run(
            [*map(str, arguments)], input="\n", capture_output=True, text=True, check=True
        )  # fmt: skip
        peaks.append(json.loads(done.stdout)["peak_bytes"])
    config = replace(SMALL, model="lightrnn", hidden=200, sampler=SamplerConfig("sentences", 4, 20))
    expected = 120 * training_memory(config, 9000).row
    assert 0.3 < (peaks[1] - peaks[0]) / expected < 1.5
