"""Rows in their run directories: what is refused, what is made anew, and what stays as it was."""

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
from dataclasses import replace
from pathlib import Path

import pytest
from test_refinement import small_corpus
from texts import snapshot

from lightrnn_gluon.config import InterpolationConfig, NetworkConfig, NgramConfig, RefinementConfig, dump
from lightrnn_gluon.errors import UserError
from lightrnn_gluon.files import read_sealed, write_sealed
from lightrnn_gluon.rows import train_row
from lightrnn_gluon.runs import load_system
from lightrnn_gluon.sampling import SamplerConfig
from lightrnn_gluon.training import CHECKPOINT

NETWORK = NetworkConfig(
    system="LightRNN", model="lightrnn", hidden=6, layers=1, dropout=0.1,
    sampler=SamplerConfig("sentences", 8, 6), optimizer="adam", learning_rate=0.01, clip=5.0,
    epochs=2, rounds_after=[1], device="cpu",
)  # fmt: skip
KN = NgramConfig(system="KN", order=3)
MIX = InterpolationConfig(system="KN+LightRNN", members=["kn", "net"])


@pytest.fixture
def corpus(tmp_path):
    return small_corpus(tmp_path)


@pytest.fixture
def half_trained(tmp_path, corpus, monkeypatch):
    """A run that was stopped after its first epoch."""
    directory = tmp_path / "runs" / "net"
    with monkeypatch.context() as patch:
        patch.setattr("lightrnn_gluon.rows.Refinement.after_epoch", _stop)
        with pytest.raises(InterruptedError):
            train_row(replace(NETWORK, epochs=3), corpus, directory, "tiny")
    (directory / "metrics.json").unlink(missing_ok=True)
    assert (directory / CHECKPOINT).is_file()
    return directory


def _stop(refinement, training):
    if training.progress.epoch == 2:
        raise InterruptedError


def test_a_half_trained_run_of_other_settings_is_refused_and_left_as_it_is(half_trained, corpus):
    before = snapshot(half_trained)
    with pytest.raises(UserError, match=r"another config\.hidden: remove"):
        train_row(replace(NETWORK, epochs=3, hidden=7), corpus, half_trained, "tiny")
    assert snapshot(half_trained) == before


def test_a_half_trained_run_goes_on_and_its_checkpoint_goes_when_it_is_finished(half_trained, corpus):
    assert train_row(replace(NETWORK, epochs=3), corpus, half_trained, "tiny")
    assert not (half_trained / CHECKPOINT).exists()
    assert "going on after epoch 2 and 0 steps" in (half_trained / "log.txt").read_text()
    assert not train_row(replace(NETWORK, epochs=3), corpus, half_trained, "tiny")


@pytest.mark.parametrize(
    "name", ["model.safetensors", "curve.csv", "rounds.csv", "config.yaml", "test.nll.npy"]
)
def test_a_row_that_lacks_a_file_is_made_anew_with_the_same_figures(tmp_path, corpus, name):
    directory = tmp_path / "runs" / "net"
    train_row(NETWORK, corpus, directory, "tiny")
    before = read_sealed(directory / "metrics.json")
    (directory / name).unlink()
    assert train_row(NETWORK, corpus, directory, "tiny")
    after = read_sealed(directory / "metrics.json")
    for key in ("test_perplexity", "valid_perplexity", "best_epoch"):
        assert after[key] == before[key]


@pytest.mark.parametrize("key", [None, "pooling"])
def test_a_row_of_a_version_with_fewer_settings_is_the_same_row(tmp_path, corpus, key):
    """Those that were none yet had their defaults, parts of `refinement` as well as all of it."""
    directory = tmp_path / "runs" / "net"
    train_row(NETWORK, corpus, directory, "tiny")
    metrics = read_sealed(directory / "metrics.json")
    if key:
        del metrics["origin"]["config"]["refinement"][key]
    else:
        del metrics["origin"]["config"]["refinement"]
    write_sealed(directory / "metrics.json", metrics)
    assert not train_row(NETWORK, corpus, directory, "tiny")
    with pytest.raises(UserError, match="another config"):
        train_row(replace(NETWORK, refinement=RefinementConfig("preis")), corpus, directory, "tiny")


@pytest.mark.parametrize("recorded", [[], "text", {"kind": []}])
def test_a_damaged_record_of_settings_is_one_clear_mistake(tmp_path, corpus, recorded):
    directory = tmp_path / "runs" / "net"
    train_row(NETWORK, corpus, directory, "tiny")
    metrics = read_sealed(directory / "metrics.json")
    metrics["origin"]["config"] = recorded
    write_sealed(directory / "metrics.json", metrics)
    with pytest.raises(UserError, match=r"metrics\.json is damaged|another config"):
        train_row(NETWORK, corpus, directory, "tiny")


def test_a_row_made_anew_leaves_no_figures_of_the_one_before(tmp_path, corpus):
    directory = tmp_path / "runs" / "net"
    train_row(NETWORK, corpus, directory, "tiny")
    (directory / "model.safetensors").unlink()
    train_row(replace(NETWORK, rounds_after=[]), corpus, directory, "tiny")
    assert not (directory / "rounds.csv").exists()


def test_an_interpolation_knows_its_members(tmp_path, corpus):
    runs = tmp_path / "runs"
    for name, config in (("kn", KN), ("net", NETWORK), ("mix", MIX)):
        train_row(config, corpus, runs / name, "tiny")
    load_system(runs / "mix")
    for path in (runs / "net").iterdir():
        path.unlink()
    train_row(replace(NETWORK, seed=2), corpus, runs / "net", "tiny")
    with pytest.raises(UserError, match="other members"):
        load_system(runs / "mix")


def test_progress_on_a_terminal_shows_perplexity_speed_and_time_left(tmp_path, corpus):
    (tmp_path / "row.yaml").write_text(dump(NETWORK))
    terminal, end = pty.openpty()
    command = [str(Path(sys.executable).with_name("lightrnn")), "train", str(tmp_path / "row.yaml")]
    command += ["--corpus", str(corpus.directory), "--out", str(tmp_path / "runs" / "net")]
    fcntl.ioctl(end, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 150, 0, 0))  # rows, columns
    done = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=end)
    os.close(end)
    shown = b""
    try:
        while block := os.read(terminal, 1 << 16):
            shown += block
    except OSError:  # how a terminal says that the program has ended
        pass
    assert done.wait() == 0
    last = [line for line in shown.decode().replace("\n", "\r").split("\r") if line.strip()][-1]
    for part in ("LightRNN: 100%", "word/s", "perplexity=", "epoch=2", "<00:00"):
        assert part in last, last
