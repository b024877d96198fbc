"""Comparisons of speed: programs that work in turn, and what is made of their answers."""

import os
import sys

import mxnet as mx
import pytest
from scripts import ROOT, call, read_table

from lightrnn_gluon import training
from lightrnn_gluon.files import read_json

BENCH = ROOT / "reproduce" / "bench"
sys.path.insert(0, str(BENCH))  # where a program's own folder is, too

import growth  # noqa: E402
import memory  # noqa: E402
import operators  # noqa: E402
import precisions  # noqa: E402
import reading  # noqa: E402
import safety  # noqa: E402
import scoring  # noqa: E402
import speed  # noqa: E402
from stopwatch import Worker  # noqa: E402


def answer(seconds, done, peak_bytes=1000):
    return {"seconds": seconds, "done": done, "peak_bytes": peak_bytes}


def test_lines_of_the_table_by_hand():
    answers = {
        "sgemm": [answer(1.0, 8e9)] * 3,
        "LightRNN": [answer(1.0, 900), answer(2.0, 2000, 3000), answer(1.0, 1300)],
        "full softmax": [answer(4.0, 100)] * 3,
    }
    ours, full = speed._records({"words": 100, "hidden": 10, "answers": answers})
    assert (ours["words_per_second"], ours["ratio"], ours["peak_bytes"]) == (1000, 1, 3000)
    # A word reads two vectors and is predicted among 10 rows and 10 columns; three times, to learn from it.
    assert ours["peak_share"] == pytest.approx(100 * 1000 * 3 * (2 * 4 * 10 * 20 + 2 * 10 * 10) / 8e9)
    assert (full["words_per_second"], full["ratio"], full["peak_share"]) == (25, 40, None)


def test_a_program_works_each_time_that_it_is_asked_to():
    numbers = {"--words": 100, "--hidden": 8, "--length": 5, "--batch-size": 4, "--steps": 3}
    arguments = [str(part) for pair in numbers.items() for part in pair]
    with Worker([sys.executable, str(BENCH / "ours.py"), "lightrnn", *arguments], os.environ) as worker:
        found = [worker.ask() for _ in range(3)]
    assert [each["done"] for each in found] == [60, 60, 60]
    assert all(0 < each["seconds"] < 60 and each["peak_bytes"] > 1e7 for each in found)


def test_a_program_that_has_ended_is_no_hang():
    with (
        Worker([sys.executable, "-c", "raise SystemExit(5)"], os.environ) as worker,
        pytest.raises(RuntimeError, match="has ended with status 5"),
    ):
        worker.ask()


def test_sizes_of_the_comparison_begin_with_this_package_s_lightrnn():
    assert len({size.name for size in speed.SIZES}) == len(speed.SIZES)
    for size in speed.SIZES:
        assert (size.systems[0].name, size.systems[0].program) == ("LightRNN", speed._OURS)


def test_reading_is_measured_beside_gluonnlp(tmp_path):
    assert call(reading.main, "--tokens", 20_000, "--words", 300, "--out", tmp_path) == 0
    ours, theirs = read_table(tmp_path / "reading.csv")
    assert (ours["system"], theirs["system"]) == ("this package", "gluonnlp")
    for line in (ours, theirs):
        rate = float(ours["tokens_per_second"]) / float(line["tokens_per_second"])
        assert float(line["ratio"]) == pytest.approx(rate, rel=1e-3)
    for turn in read_json(tmp_path / "reading.json")["turns"]:
        assert turn["this package"]["done"] == turn["gluonnlp"]["done"] >= 20_000
    assert {path.name for path in tmp_path.iterdir()} == {"reading.csv", "reading.md", "reading.json"}


def test_scoring_is_measured_beside_query(tmp_path):
    assert call(scoring.main, "--sentences", 50, "--words", 200, "--out", tmp_path) == 0
    ours, theirs = read_table(tmp_path / "scoring.csv")
    assert (ours["system"], theirs["system"], ours["words"]) == ("LightRNN", "query", "200")
    rate = float(ours["sentences_per_second"]) / float(theirs["sentences_per_second"])
    assert float(theirs["ratio"]) == pytest.approx(rate, rel=1e-3)
    for turn in read_json(tmp_path / "scoring.json")["turns"]["200"]:
        assert turn["LightRNN"]["done"] == turn["query"]["done"] == 50


def test_growth_is_a_table_and_a_picture(tmp_path, monkeypatch):
    monkeypatch.setattr(growth, "_SERIES", {"vocabulary": [(50, 4), (90, 4)], "hidden": [(50, 3), (50, 6)]})
    assert call(growth.main, "--out", tmp_path) == 0
    lines = read_table(tmp_path / "growth.csv")
    assert [(line["words"], line["hidden"]) for line in lines] == [
        ("50", "4"), ("90", "4"), ("50", "3"), ("50", "6")
    ]  # fmt: skip
    assert all(float(line["words_per_second"]) > 0 for line in lines)
    assert (tmp_path / "growth.png").stat().st_size > 10_000


def test_a_full_softmax_takes_more_memory_at_equal_words_a_step(tmp_path):
    assert call(memory.main, "--words", 20_000, "--out", tmp_path) == 0
    lines = read_table(tmp_path / "memory.csv")
    assert [line["words_a_step"] for line in lines] == ["128", "128", "320", "320", "640", "640"]
    for ours, full in zip(lines[::2], lines[1::2], strict=True):
        assert (ours["system"], full["system"]) == ("LightRNN", "full softmax")
        # The full softmax holds at least the logits and their gradient, a float32 a word of each.
        more = float(full["peak_bytes"]) - float(ours["peak_bytes"])
        assert more > 2 * 4 * 20_000 * int(full["words_a_step"])
        assert float(ours["share"]) == pytest.approx(
            100 * float(ours["peak_bytes"]) / float(full["peak_bytes"])
        )


def test_models_in_fewer_bits_are_smaller_and_about_as_good(exported, tmp_path):
    folder, corpus = exported
    (tmp_path / "corpus").symlink_to(corpus.directory)
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "net").symlink_to(folder / "net")
    arguments = ["--results", tmp_path, "--row", "net", "--out", tmp_path / "out"]
    assert call(precisions.main, *arguments) == 0
    lines = {line["kept_as"]: line for line in read_table(tmp_path / "out" / "precisions.csv")}
    own = read_json(folder / "net" / "metrics.json")
    assert list(lines) == ["float32", "float16", "int8", "ONNX, float32"]
    for kept_as, line in lines.items():
        change = 100 * (float(line["test_perplexity"]) / own["test_perplexity"] - 1)
        assert change == pytest.approx(float(line["change_percent"]), abs=1e-3)
        assert abs(change) < (0.001 if "float32" in kept_as else 1)
        assert int(line["test_tokens"]) == own["test_tokens"]
    sizes = {kept_as: int(line["bytes"]) for kept_as, line in lines.items()}
    assert max(sizes["float16"], sizes["int8"]) < sizes["float32"]


def test_operators_are_counted_by_the_step():
    times = {"RNN": (4, 30.0), "Dropout": (8, 70.0), "Copy": (2, 0.1)}
    found = {name: {"calls": calls, "milliseconds": time} for name, (calls, time) in times.items()}
    every, longest, other = operators._records("LightRNN", found, steps=2)
    assert (every["operator"], every["calls"], every["milliseconds"]) == ("all", 7, pytest.approx(50.05))
    assert longest == {
        "system": "LightRNN", "operator": "Dropout", "calls": 4, "milliseconds": 35,
        "percent": pytest.approx(100 * 70 / 100.1),
    }  # fmt: skip
    assert other["operator"] == "RNN"


def test_a_step_of_ours_runs_the_lstm_twice_and_waiting_is_no_operator(tmp_path):
    assert call(operators.main, "--words", 90, "--hidden", 64, "--steps", 4, "--out", tmp_path) == 0
    lines = {line["operator"]: line for line in read_table(tmp_path / "operators.csv")}
    assert float(lines["RNN"]["calls"]) == float(lines["_backward_RNN"]["calls"]) == 2
    assert float(lines["all"]["percent"]) == pytest.approx(100)
    assert not any(name.startswith("WaitFor") for name in lines)


def test_careless_training_reads_as_many_words_and_is_not_what_comes_after_it(tmp_path):
    safety._arrange(tmp_path, sentences=30)
    kept = mx.random.seed, training.save_arrays
    careful, careless = (safety._epoch(tmp_path, way)() for way in (False, True))
    assert careful == careless == 30 * (safety._LENGTH + 1)
    assert (mx.random.seed, training.save_arrays) == kept
