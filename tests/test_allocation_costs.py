"""Costs as arrays, as memory maps, made on demand: the same tables; and no more than a block at once."""

import numpy as np
import pytest
from allocation_problems import check, dense, generate, language_costs

from lightrnn_gluon.allocation import METHODS, allocate, problem
from lightrnn_gluon.table import table_shape


class OnDemand:
    """Costs that are made when asked for, and no more than `most` words at once."""

    def __init__(self, array, most):
        self.shape, self._array, self._most = array.shape, array, most

    def __getitem__(self, words):
        made = self._array[words].copy()
        assert len(made) <= self._most
        return made


@pytest.fixture
def small_blocks(monkeypatch):
    """Blocks of 38 words of 300 in a table of 18 x 17, instead of all."""
    monkeypatch.setattr(problem, "_BLOCK_BYTES", 38 * 4 * 35)


@pytest.mark.parametrize("method", sorted(METHODS))
def test_the_same_table_however_costs_are_kept(method, small_blocks, tmp_path):
    arrays = language_costs(300)[:2]
    expected = allocate(*arrays, method=method)
    check(expected, *arrays)
    maps = []
    for number, array in enumerate(arrays):
        np.save(tmp_path / f"{number}.npy", array)
        maps.append(np.load(tmp_path / f"{number}.npy", mmap_mode="r"))
    for kept in (maps, [OnDemand(array, 38) for array in arrays]):
        found = allocate(*kept, method=method)
        assert type(found.cells) is np.ndarray
        if method == "auction":  # words that wait for their costs bid later: another table, as good
            check(found, *arrays)
            assert max(found.gap, expected.gap) <= 1e-4
            continue
        assert np.array_equal(found.cells, expected.cells)
        assert (found.cost, found.lower_bound) == (expected.cost, expected.lower_bound)


@pytest.mark.parametrize("form", ["easy", "hard"])
def test_small_blocks_cost_no_quality(form, small_blocks):
    row_costs, column_costs, table = language_costs(1500, form)
    found = allocate(row_costs, column_costs, table)
    check(found, row_costs, column_costs)
    assert found.gap <= 1e-4
    for method in ("preis", "regret", "frequency"):
        check(allocate(row_costs, column_costs, table, method), row_costs, column_costs)


def test_greedy_methods_do_not_depend_on_blocks(monkeypatch):
    row_costs, column_costs, _ = language_costs(300)
    for method in ("preis", "preis-global", "regret", "frequency"):
        expected = allocate(row_costs, column_costs, method=method).cells
        for words in (1, 7, 299):
            with monkeypatch.context() as patch:
                patch.setattr(problem, "_BLOCK_BYTES", words * 4 * 35)
                assert np.array_equal(allocate(row_costs, column_costs, method=method).cells, expected)


@pytest.mark.parametrize("name", ["row_costs", "column_costs"])
def test_the_first_offender_in_a_later_block(name, small_blocks):
    row_costs, column_costs, _ = language_costs(300)
    {"row_costs": row_costs, "column_costs": column_costs}[name][[250, 299], [16, 0]] = np.nan
    with pytest.raises(ValueError, match=rf"{name}\[250, 16\] is nan"):
        allocate(row_costs, column_costs)


def test_an_object_that_makes_something_else():
    class Wrong(OnDemand):
        def __getitem__(self, words):
            return super().__getitem__(words)[:, 1:]

    row_costs, column_costs, _ = language_costs(90)
    with pytest.raises(ValueError, match=r"column_costs\[0:90\] is of shape \(90, 9\)"):
        allocate(row_costs, Wrong(column_costs, 90))


def test_the_present_cost_is_summed_up_over_blocks(small_blocks):
    row_costs, column_costs, table = language_costs(300)
    found = allocate(row_costs, column_costs, table, "frequency")
    assert found.initial_cost == pytest.approx(dense(row_costs, column_costs)[np.arange(300), table].sum())


@pytest.mark.parametrize("form", ["easy", "hard"])
def test_generated_costs_are_those_of_a_softmax(form):
    """Hard: f times -log of probabilities that sum to one; easy: that and noise that is never negative."""
    columns, rows = table_shape(700)
    counts = np.maximum(
        1, np.round(np.arange(1, 701) ** -1.05 * 700_000 / (np.arange(1, 701) ** -1.05).sum())
    )
    assert counts.sum() == pytest.approx(700_000, rel=1e-3)
    for made, size in zip(generate(700, form, 3), (rows, columns), strict=False):
        assert made.shape == (700, size)
        array = made.array()
        assert array.dtype == np.float32
        sums = np.exp(-array / counts[:, None]).sum(axis=1)
        if form == "hard":
            np.testing.assert_allclose(sums, 1, rtol=1e-4)
            continue
        assert (sums <= 1 + 1e-4).all()
        # Half-normal noise of sqrt(f) lowers a rare word's probabilities by E exp(-|N| / sqrt(f)).
        expected = np.exp(-np.abs(np.random.default_rng(0).normal(size=10**5)) / np.sqrt(counts[-1])).mean()
        assert sums[-200:].mean() == pytest.approx(expected, rel=0.02)


@pytest.mark.parametrize("form", ["easy", "hard"])
def test_generated_costs_are_the_same_however_asked_for(form):
    rows, columns, table = generate(700, form, 5)
    assert sorted(table.tolist()) == list(range(700))
    words = np.array([699, 3, 3, 500, 0])
    for made in (rows, columns):
        array = made.array()
        assert np.array_equal(made[words], array[words])
        assert np.array_equal(made[500:501], array[500:501])
        assert np.array_equal(made[11:300], array[11:300])
    again = generate(700, form, 5)
    assert np.array_equal(again[0].array(), rows.array())
    assert np.array_equal(again[2], table)
    assert not np.array_equal(generate(700, form, 6)[0].array(), rows.array())


def test_the_hard_form_is_harder():
    """Its words want the same cells, so that choosing in turn costs more above the best."""
    above = {}
    for form in ("easy", "hard"):
        row_costs, column_costs, _ = language_costs(2500, form)
        bound = allocate(row_costs, column_costs).lower_bound
        above[form] = allocate(row_costs, column_costs, method="regret").cost / bound - 1
    assert above["hard"] > above["easy"]
