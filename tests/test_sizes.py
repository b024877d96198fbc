"""Perplexity by size: which rows there are, and table and picture from synthetic runs."""

import matplotlib.image
import pytest
from report_runs import add_network, read_csv
from scripts import plan, runner

from lightrnn_gluon.report import render
from lightrnn_gluon.report.experiments import read_results

SYSTEMS = {"lightrnn": "LightRNN", "lightrnn+": "LightRNN+", "full-softmax": "Full softmax"}


@pytest.fixture(scope="module")
def rendered(tmp_path_factory):
    """Two texts, three systems at two sizes; perplexity falls with the size."""
    out = tmp_path_factory.mktemp("sizes")
    for text, worse in (("6000-words", 0), ("german", 40)):
        for row, system in SYSTEMS.items():
            for hidden in (100, 25):
                add_network(
                    out / text, f"{row}-{hidden}", system, [(1, 50, 300), (3, 150, 200)],
                    settings={"hidden": hidden}, parameters=40 * hidden,
                    test_perplexity=200.0 - hidden + worse,
                )  # fmt: skip
    return out, render(out)


def test_rows_named_by_their_sizes_are_this_question(rendered):
    out, report = rendered
    assert read_results(out).experiment == "sizes"
    assert [path.name for path in report.paths] == ["sizes.csv", "sizes.md", "sizes.png"]


def test_a_first_row_is_this_question_too_and_not_a_row_of_tables(tmp_path):
    add_network(
        tmp_path / "german", "lightrnn-25-0.008", "LightRNN", [(3, 150, 190)], settings={"hidden": 25}
    )
    assert read_results(tmp_path).experiment == "sizes"


def test_lines_come_by_text_system_and_size(rendered):
    lines = read_csv(rendered[0] / "sizes.csv")
    assert [(line["text"], line["system"], line["hidden"]) for line in lines] == [
        (text, system, hidden)
        for text in ("6000-words", "german")
        for system in ("Full softmax", "LightRNN", "LightRNN+")
        for hidden in ("25", "100")
    ]
    assert (lines[0]["parameters"], lines[0]["test_perplexity"], lines[0]["epochs"]) == ("1000", "175.0", "3")
    assert lines[-1]["test_perplexity"] == "140.0"


def test_of_several_rates_the_best_on_validation_is_shown(tmp_path):
    for rate, valid, test in ((0.004, 210.0, 150.0), (0.008, 190.0, 180.0)):
        for hidden in (25, 50):
            add_network(
                tmp_path / "german", f"lightrnn-{hidden}-{rate}", "LightRNN", [(3, 150, valid)],
                settings={"hidden": hidden, "learning_rate": rate},
                valid_perplexity=valid, test_perplexity=test,
            )  # fmt: skip
    render(tmp_path)
    shown = [
        (line["hidden"], line["test_perplexity"], line["learning_rate"], line["learning_rates"])
        for line in read_csv(tmp_path / "sizes.csv")
    ]
    assert shown == [("25", "180.0", "0.008", "2"), ("50", "180.0", "0.008", "2")]


def test_the_picture_is_drawn(rendered):
    image = matplotlib.image.imread(rendered[0] / "sizes.png")
    assert min(image.shape[:2]) >= 600 and image[..., :3].std() > 0.05


@pytest.mark.parametrize("scale", ["tiny", "cpu", "paper"])
def test_rows_are_four_systems_at_four_sizes(scale):
    file = runner.scale_file("sizes", scale)
    rows = plan.expand_rows("sizes", plan.read_rows("sizes", file), file)
    sizes = {}
    for row in rows:
        name = f"{row.path.stem}-{row.config.hidden}"
        small_on_a_cpu = scale == "cpu" and row.config.hidden < 200
        assert row.name == (f"{name}-{row.config.learning_rate}" if small_on_a_cpu else name)
        sizes.setdefault(row.config.system, []).append(row.config.hidden)
    expected = [25, 25, 50, 50, 100, 100, 200] if scale == "cpu" else [25, 50, 100, 200]
    assert sizes == {system: expected for system in [*SYSTEMS.values(), "HSM"]}
    assert len({row.name for row in rows}) == len(rows) and len({row.config.epochs for row in rows}) == 1


def test_small_nets_have_rates_to_choose_from_at_the_scale_of_a_cpu():
    file = runner.scale_file("sizes", "cpu")
    rows = plan.expand_rows("sizes", plan.read_rows("sizes", file), file)
    rates = {(row.config.hidden, row.config.learning_rate) for row in rows if row.config.system == "HSM"}
    assert rates == {
        (25, 0.008),
        (25, 0.016),
        (50, 0.008),
        (50, 0.016),
        (100, 0.004),
        (100, 0.008),
        (200, 0.002),
    }
