"""Methods of allocation in training: the rows, and their table from synthetic runs."""

import matplotlib.image
import pytest
from report_runs import add_network, read_csv
from scripts import plan, runner

from lightrnn_gluon.config import RefinementConfig
from lightrnn_gluon.report import render
from lightrnn_gluon.report.experiments import read_results

WAYS = {
    "none": RefinementConfig(),
    "auction": RefinementConfig(),
    "auction-training": RefinementConfig(costs="training"),
    "preis": RefinementConfig("preis"),
    "regret": RefinementConfig("regret"),
    "frequency": RefinementConfig("frequency"),
}


def add_method(out, name, way, last, rounds):
    """A system's two runs; `last` are their perplexities, `rounds` lists of what add_network takes."""
    for seed, perplexity in enumerate(last, start=1):
        settings = {
            "rounds_after": [1, 2][: len(rounds[0])], "refinement": way, "seed": seed, "epochs": 3
        }  # fmt: skip
        points = [(1, 10, 220 + seed), (2, 20, 180 + seed), (3, 30, perplexity)]
        add_network(
            out, f"{name}-{seed}", f"LightRNN ({name})", points, rounds[seed - 1], settings,
            valid_perplexity=perplexity, test_perplexity=perplexity - 10, reallocation_seconds=3.0,
        )  # fmt: skip


@pytest.fixture(scope="module")
def rendered(tmp_path_factory):
    out = tmp_path_factory.mktemp("allocation")
    add_method(out, "preis", WAYS["preis"], [150.0, 154.0], [
        [(1, 221, 1000, 181, 4), (2, 181, 500, 150, 4)], [(1, 222, 1100, 182, 4), (2, 182, 600, 154, 4)]
    ])  # fmt: skip
    add_method(out, "none", WAYS["none"], [170.0, 172.0], [[], []])
    return out, render(out)


def test_different_ways_are_a_question_of_their_own(rendered):
    out, report = rendered
    assert read_results(out).experiment == "allocation"
    assert [path.name for path in report.paths] == ["allocation.csv", "allocation.md", "allocation.png"]
    assert matplotlib.image.imread(out / "allocation.png")[..., :3].std() > 0.05


def test_rounds_are_means_of_the_seeds(rendered):
    none, preis = read_csv(rendered[0] / "allocation.csv")
    assert (none["system"], none["rounds"]) == ("LightRNN (none)", "0")
    assert none["valid_perplexity_mean"] == "171.0"
    assert {value for key, value in none.items() if key.startswith("round_")} == {""}
    assert (preis["rounds"], preis["test_perplexity_mean"], preis["reallocation_percent"]) == (
        "2", "142.0", "10.0"
    )  # fmt: skip
    assert {key: value for key, value in preis.items() if key.startswith("round_")} == {
        "round_1_cost": "5.4", "round_1_after": "1050.0", "round_1_end": "181.5",
        "round_2_cost": "5.4", "round_2_after": "550.0", "round_2_end": "152.0",
    }  # fmt: skip


def test_the_protocol_names_the_way(rendered):
    text = (rendered[0] / "allocation.md").read_text()
    assert "re-allocation after epochs: none (LightRNN (preis): 1 2 by preis)" in text


@pytest.mark.parametrize("scale", ["tiny", "cpu", "paper"])
def test_rows_differ_in_nothing_but_the_way(scale):
    file = runner.scale_file("allocation", scale)
    rows = plan.expand_rows("allocation", plan.read_rows("allocation", file), file)
    assert {row.name for row in rows} == {f"{name}-{seed}" for name in WAYS for seed in (1, 2, 3)}
    for row in rows:
        name = row.name.rpartition("-")[0]
        assert row.config.refinement == WAYS[name]
        assert row.config.rounds_after == ([] if name == "none" else [1, 2, 3])
    assert len({row.config.epochs for row in rows}) == len({row.config.learning_rate for row in rows}) == 1
    assert len({row.config.system for row in rows}) == len(WAYS)
    refined = runner.scale_file("refinement", scale)
    same = [plan.read_rows(name, at) for name, at in (("refinement", refined), ("allocation", file))]
    three, auction = (
        next(row for row in rows if row.path.stem == stem)
        for rows, stem in zip(same, ("rounds-3", "auction"), strict=True)
    )
    assert {**vars(three.config), "system": ""} == {**vars(auction.config), "system": ""}
