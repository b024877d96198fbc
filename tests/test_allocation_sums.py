"""Costs from sums against a loop over all occurrences; sums in memory and on disk."""

import errno
import mmap
from pathlib import Path

import numpy as np
import pytest
from scipy.special import log_softmax

from lightrnn_gluon.allocation import sums
from lightrnn_gluon.allocation.sums import ComponentSums
from lightrnn_gluon.errors import UserError

WORDS, HIDDEN = 30, 8


def occurrences(options, chunks=4, seed=0):
    """Words and states of some chunks, and the vectors of the component."""
    rng = np.random.default_rng(seed)
    weight = rng.normal(size=(options, HIDDEN)).astype(np.float32)
    bias = rng.normal(size=options).astype(np.float32)
    parts = [
        (rng.integers(WORDS - 5, size=50), rng.normal(size=(50, HIDDEN)).astype(np.float32))
        for _ in range(chunks)
    ]
    return parts, weight, bias


def add_up(parts, weight, bias, directory=None):
    summed = ComponentSums(WORDS, *weight.shape, directory)
    for words, states in parts:
        summed.add(words, states, weight, bias)
    return summed


def naive(parts, weight, bias):
    """-log P of every option, added up over each word's occurrences one by one."""
    costs = np.zeros((WORDS, len(weight)))
    for words, states in parts:
        for word, state in zip(words, states, strict=True):
            costs[word] -= log_softmax(weight.astype(float) @ state + bias)
    return costs


@pytest.mark.parametrize("options", [3, HIDDEN, HIDDEN + 1, 40])
def test_costs_equal_a_loop_over_all_occurrences(options):
    parts, weight, bias = occurrences(options)
    summed = add_up(parts, weight, bias)
    costs, expected = summed.costs(weight, bias), naive(parts, weight, bias)
    assert costs.shape == (WORDS, options)
    for words in (slice(None), slice(4, 9), slice(29, 30), np.array([7, 7, 0, 29])):
        assert costs[words].dtype == np.float32
        np.testing.assert_allclose(costs[words], expected[words], rtol=2e-6, atol=1e-4)
    assert (costs[WORDS - 5 :] == 0).all()  # never seen
    np.testing.assert_array_equal(
        summed.counts, np.bincount(np.concatenate([words for words, _ in parts]), minlength=WORDS)
    )


@pytest.mark.parametrize(("options", "kept"), [(3, 3), (40, HIDDEN)])
def test_no_more_is_kept_than_need_be(options, kept, monkeypatch):
    shapes = []
    make = sums.zeros
    monkeypatch.setattr(sums, "zeros", lambda shape, *rest: (shapes.append(shape), make(shape, *rest))[1])
    ComponentSums(WORDS, options, HIDDEN)
    assert shapes == [(WORDS, kept)]


@pytest.mark.parametrize("options", [3, 40])
def test_on_disk_and_in_memory_they_are_the_same(options, tmp_path, monkeypatch):
    parts, weight, bias = occurrences(options)
    expected = add_up(parts, weight, bias).costs(weight, bias)[:]
    monkeypatch.setattr(sums, "MEMORY_BYTES", 0)
    summed = add_up(parts, weight, bias, tmp_path)
    assert isinstance(summed._sums, np.memmap)
    assert np.array_equal(summed.costs(weight, bias)[:], expected)
    assert list(tmp_path.iterdir()) == []  # nothing to be left behind, whatever happens


def mapped_bytes():
    """How much of mapped files this process has resident."""
    pages = int(Path("/proc/self/statm").read_text().split()[2])
    return pages * mmap.PAGESIZE


def test_sums_on_disk_are_not_resident(tmp_path, monkeypatch):
    monkeypatch.setattr(sums, "MEMORY_BYTES", 0)
    words, weight, bias = 60_000, np.ones((100, 64), np.float32), np.zeros(100, np.float32)
    before = mapped_bytes()
    summed = ComponentSums(words, *weight.shape, tmp_path)  # 15 MB
    for part in np.split(np.arange(words), 10):
        summed.add(part, np.ones((len(part), 64), np.float32), weight, bias)
    costs = summed.costs(weight, bias)
    assert costs[:10].sum() > 0
    assert all((costs[start : start + 1000] == costs[0]).all() for start in range(0, words, 1000))
    assert mapped_bytes() - before < 3e6


def test_a_full_disk_is_told_at_once(tmp_path, monkeypatch):
    def fail(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(sums, "MEMORY_BYTES", 0)
    monkeypatch.setattr("os.posix_fallocate", fail)
    with pytest.raises(UserError, match=r"no room for 0.0 GB of sums: No space left on device"):
        ComponentSums(WORDS, 3, HIDDEN, tmp_path)
    assert list(tmp_path.iterdir()) == []
