"""The benchmark of allocation: costs from sums on disk, and a table of what was measured."""

import sys

import numpy as np
import pytest
from allocation_problems import check
from scripts import ROOT, call, read_table

from lightrnn_gluon.allocation import allocate
from lightrnn_gluon.files import read_json

sys.path.insert(0, str(ROOT / "reproduce" / "bench"))
import allocation as bench
import generated_sums
from generated import zipf_counts


def test_costs_from_generated_sums_are_those_of_a_softmax(tmp_path, monkeypatch):
    monkeypatch.setattr(generated_sums, "_BLOCK", 128)
    *costs, table = generated_sums.generate_sums(700, 16, 3, tmp_path)
    assert sorted(table.tolist()) == list(range(700))
    counts = zipf_counts(700)
    for part, options in zip(costs, (26, 27), strict=True):
        assert part.shape == (700, options)
        np.testing.assert_allclose(np.exp(-part[:] / counts[:, None]).sum(axis=1), 1, rtol=1e-3)
    found = allocate(*costs, table)
    check(found, costs[0][:], costs[1][:], rel=1e-6)  # a product's rounding depends on the block
    assert found.gap <= 1e-4 and found.cost < found.initial_cost
    again = generated_sums.generate_sums(700, 16, 3, tmp_path / "again")
    assert np.array_equal(again[0][:], costs[0][:]) and np.array_equal(again[2], table)
    other = generated_sums.generate_sums(700, 16, 4, tmp_path / "other")
    assert not np.array_equal(other[0][:], costs[0][:])


def test_what_was_measured_becomes_a_table(tmp_path, capfd):
    for method in ("exact", "auction", "frequency"):
        arguments = ["--only", "easy-400", "--method", method, "--out", tmp_path]
        assert call(bench.main, *arguments) == 0, capfd.readouterr().err
    lines = {line["method"]: line for line in read_table(tmp_path / "allocation.csv")}
    assert list(lines) == ["auction", "exact", "frequency"]
    results = {name: read_json(tmp_path / "allocation" / f"easy-400.{name}.json") for name in lines}
    bound = max(result["lower_bound"] for result in results.values())
    for name, line in lines.items():
        for key, least in (("bound", bound), ("optimum", results["exact"]["cost"])):
            above = 100 * (results[name]["cost"] / least - 1)
            assert float(line[f"above_{key}_percent"]) == pytest.approx(above)
        assert (line["words"], line["repeats"]) == ("400", "5")
        assert float(line["seconds"]) == sorted(results[name]["seconds"])[2]
    assert float(lines["auction"]["above_optimum_percent"]) <= 0.01
    assert float(lines["frequency"]["above_optimum_percent"]) > 0.01
    assert "One thread each" in (tmp_path / "allocation.md").read_text()


def test_what_is_measured_is_not_measured_again(tmp_path, capfd):
    arguments = ["--only", "hard-400", "--method", "regret", "--out", tmp_path]
    assert call(bench.main, *arguments) == 0
    assert "hard-400: regret" in capfd.readouterr().out
    assert call(bench.main, *arguments) == 0
    assert "hard-400: regret" not in capfd.readouterr().out


@pytest.mark.parametrize(("arguments", "named"), [
    (["--only", "easy-401"], "the instances are easy-400"),
    (["--only", "easy-400", "--method", "best"], "none of these instances has it"),
])  # fmt: skip
def test_what_there_is_not_is_refused(tmp_path, capfd, arguments, named):
    assert call(bench.main, *arguments, "--out", tmp_path) == 2
    assert named in capfd.readouterr().err
    assert list(tmp_path.iterdir()) == []
