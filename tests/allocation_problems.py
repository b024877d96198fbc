"""Costs to allocate words by, what they are in full, and what every allocation must fulfil."""

import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "reproduce" / "bench"))
from generated import generate


def language_costs(words, form="easy", seed=0):
    """Costs like a trained model's, as float32 arrays, and the present table."""
    row_costs, column_costs, table = generate(words, form, seed)
    return row_costs.array(), column_costs.array(), table


def dense(row_costs, column_costs):
    """The costs of every word in every usable cell."""
    words, columns = len(row_costs), column_costs.shape[1]
    row_costs, column_costs = row_costs.astype(float), column_costs.astype(float)
    costs = np.empty((words, words))
    for cell in range(words):
        costs[:, cell] = row_costs[:, cell // columns] + column_costs[:, cell % columns]
    return costs


def optimum(row_costs, column_costs):
    costs = dense(row_costs, column_costs)
    return costs[linear_sum_assignment(costs)].sum()


def rounding(row_costs, column_costs):
    """What may be lost to rounding in sums of all costs."""
    return 1e-12 * (1 + np.abs(row_costs).sum(dtype=float) + np.abs(column_costs).sum(dtype=float))


def check(found, row_costs, column_costs, rel=1e-12):
    """A table with every word in a cell of its own; its cost as reported, and not below its bound."""
    words, columns = len(row_costs), column_costs.shape[1]
    assert found.cells.dtype == np.int32
    assert sorted(found.cells.tolist()) == list(range(words))
    costs = [
        float(row_costs[word, cell // columns]) + float(column_costs[word, cell % columns])
        for word, cell in enumerate(found.cells.tolist())
    ]
    assert found.cost == pytest.approx(sum(costs), rel=rel, abs=rounding(row_costs, column_costs))
    assert found.lower_bound <= found.cost
    assert found.gap >= 0


@st.composite
def problems(draw, kinds=("random", "tied", "alike", "unseen", "negative", "large", "small")):
    """Costs of any kind, of 1 to 400 words in tables of all shapes whose last row may be short."""
    rows = draw(st.integers(1, 20))
    columns = draw(st.integers(1, 20))
    words = rows * columns - draw(st.integers(0, columns - 1))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    kind = draw(st.sampled_from(kinds))
    row_costs, column_costs = rng.exponential(size=(words, rows)), rng.exponential(size=(words, columns))
    if kind == "tied":
        row_costs, column_costs = np.floor(2 * row_costs), np.floor(2 * column_costs)
    elif kind == "alike":
        row_costs[:], column_costs[:] = row_costs[0], column_costs[0]
    elif kind == "unseen":
        row_costs[words // 2 :] = column_costs[words // 2 :] = 0
    elif kind == "negative":
        row_costs, column_costs = row_costs - 3, column_costs - rng.normal(size=(words, 1))
    elif kind in ("large", "small"):
        scale = 1e30 if kind == "large" else 1e-30
        row_costs, column_costs = row_costs * scale, column_costs * scale
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    return row_costs.astype(dtype), column_costs.astype(dtype)
