"""Refinement by rounds, and vocabularies by size: their rows, plans, and tables from synthetic runs."""

import matplotlib.image
import pytest
from report_runs import add_network, add_run, read_csv
from scripts import CONFIGS, call, plan, read_metrics, read_table, runner
from texts import random_sentences, write_folder

from lightrnn_gluon.config import NgramConfig
from lightrnn_gluon.files import read_sealed, write_sealed
from lightrnn_gluon.report import render
from lightrnn_gluon.report.experiments import read_results, sort_vocabularies

SIZES = ["5000", "10000", "20000", "all"]
SYSTEMS = [*(f"rounds-{n}" for n in range(6)), "frequency"]


def add_rounds(out, rounds, perplexities, options=None, name=None):
    """A system's runs, a seed each; test perplexities are 10 less than those of validation."""
    system = name or f"LightRNN ({rounds} rounds)"
    for seed, perplexity in enumerate(perplexities, start=1):
        settings = {"rounds_after": [*range(1, rounds + 1)], "seed": seed, "epochs": 7}
        settings["options"] = options or {}
        add_network(
            out, f"{name or rounds}-{seed}", system, [(7, 100 * seed, perplexity)], settings=settings,
            valid_perplexity=perplexity, test_perplexity=perplexity - 10, reallocation_seconds=6.0 * rounds,
        )  # fmt: skip


def add_vocabulary(out, folder, words, light, full):
    """Two systems at a vocabulary; their curves are points of (epoch, seconds, validation perplexity)."""
    for row, system, model, points in [
        ("full", "Full softmax", "full_softmax", full), ("light", "LightRNN", "lightrnn", light)
    ]:  # fmt: skip
        directory = add_network(
            out / folder, row, system, points, settings={"model": model}, corpus_sha256=folder * 8,
            peak_memory_bytes=words * 1000, valid_perplexity=points[-1][2],
        )  # fmt: skip
        path = directory / "metrics.json"
        metrics = read_sealed(path)
        metrics["corpus"]["vocabulary"]["size"] = words + 3
        write_sealed(path, metrics)


@pytest.fixture(scope="module")
def refinement(tmp_path_factory):
    out = tmp_path_factory.mktemp("refinement")
    add_rounds(out, 1, [150.0, 153.0, 159.0])
    add_rounds(out, 0, [170.0, 170.0, 173.0])
    add_rounds(out, 0, [165.0], {"start": "frequency"}, "LightRNN (sorted by frequency)")
    return out, render(out)


@pytest.fixture(scope="module")
def vocabulary(tmp_path_factory):
    out = tmp_path_factory.mktemp("vocabulary")
    add_vocabulary(out, "20000", 20_000, [(1, 50, 120), (2, 100, 110)], [(0.5, 90, 115), (2, 360, 101)])
    add_vocabulary(out, "5000", 5000, [(1, 45, 90), (2, 90, 80)], [(1, 80, 77), (2, 160, 70)])
    add_vocabulary(out, "all", 23_251, [(1, 60, 130), (2, 120, 121)], [(0.5, 130, 125), (2, 500, 105)])
    return out, render(out)


def test_several_seeds_of_a_system_are_the_question_of_refinement(refinement):
    out, report = refinement
    assert read_results(out).experiment == "refinement"
    assert [path.name for path in report.paths] == ["refinement.csv", "refinement.md", "refinement.png"]
    assert report.notes == [] and (out / "refinement.md").read_text() == report.tables


def test_mean_and_spread_by_hand(refinement):
    none, one, frequency = read_csv(refinement[0] / "refinement.csv")
    # 154 = (150 + 153 + 159) / 3; squares of -4, -1 and 5 sum to 42, and 42 / 2 has the root 4.5826.
    assert one == {
        "system": "LightRNN (1 rounds)", "rounds": "1", "seeds": "3",
        "test_perplexity_mean": "144.0", "test_perplexity_deviation": "4.5826",
        "test_perplexity_min": "140.0", "test_perplexity_max": "149.0",
        "valid_perplexity_mean": "154.0", "valid_perplexity_deviation": "4.5826",
        "valid_perplexity_min": "150.0", "valid_perplexity_max": "159.0",
        "reallocation_percent": "3.0",  # 18 of 600 s
    }  # fmt: skip
    assert (none["system"], none["valid_perplexity_mean"]) == ("LightRNN (0 rounds)", "171.0")
    assert none["valid_perplexity_deviation"] == "1.7321" and none["reallocation_percent"] == "0.0"
    assert (frequency["seeds"], frequency["rounds"]) == ("1", "0")
    assert (frequency["test_perplexity_mean"], frequency["test_perplexity_deviation"]) == ("155.0", "")


def test_its_notes_say_what_is_compared(refinement):
    text = (refinement[0] / "refinement.md").read_text()
    assert "(Talks (stand-in); scale: cpu)" in text.splitlines()[0]
    assert "; seed: 1, 2, 3 (LightRNN (sorted by frequency): 1)." in text
    assert "re-allocation after epochs: none (LightRNN (1 rounds): 1)" in text
    assert "one pass of refinement only" in text and "most frequent words first" in text


def test_folders_named_by_sizes_are_the_question_of_vocabularies(vocabulary):
    out, report = vocabulary
    results = read_results(out)
    assert results.experiment == "vocabulary"
    assert [group.folder for group in results.groups] == ["5000", "20000", "all"]
    assert [path.name for path in report.paths] == ["vocabulary.csv", "vocabulary.md", "vocabulary.png"]
    assert sort_vocabularies(["all", "texts", "20000", "5000", "5000", "100000"]) == [
        "5000", "20000", "100000", "all"
    ]  # fmt: skip


def test_each_vocabulary_has_an_equal_time_of_its_own(vocabulary):
    lines = read_csv(vocabulary[0] / "vocabulary.csv")
    assert [(line["words"], line["vocabulary"], line["system"]) for line in lines] == [
        (folder, vocabulary, system)
        for folder, vocabulary in [("5000", "5003"), ("20000", "20003"), ("all", "23254")]
        for system in ("Full softmax", "LightRNN")
    ]
    keys = ("equal_time_seconds", "valid_perplexity_at_equal_time", "valid_perplexity")
    assert [tuple(line[key] for key in keys) for line in lines] == [
        ("90.0", "77.0", "70"), ("90.0", "80.0", "80"),
        ("100.0", "115.0", "101"), ("100.0", "110.0", "110"),
        ("120.0", "", ""), ("120.0", "121.0", "121"),
    ]  # fmt: skip
    assert {line["unknown_share_percent"] for line in lines} == {"2.5"}
    assert [line["peak_memory_bytes"] for line in lines[::2]] == ["5000000", "20000000", "23251000"]


def test_above_20000_words_the_full_softmax_has_no_figures_at_equal_epochs(vocabulary):
    lines = read_csv(vocabulary[0] / "vocabulary.csv")
    for key in ("test_perplexity", "test_perplexity_without_unknown"):
        assert [bool(line[key]) for line in lines] == [True, True, True, True, False, True]
    assert lines[4]["words_per_second"] == "9876.5" and lines[4]["parameters"] == "384000"
    text = (vocabulary[0] / "vocabulary.md").read_text()
    assert "Above 20,000 words the full softmax is compared at equal training time only" in text
    assert "Perplexities of different vocabularies do not compare" in text
    title = text.splitlines()[0]
    assert title.endswith("(Talks (stand-in) with vocabularies of 5000, 20000, all words; scale: cpu)")
    assert "the shortest total among the vocabulary's networks" in text


def test_both_pictures_decode(refinement, vocabulary):
    for path in (refinement[0] / "refinement.png", vocabulary[0] / "vocabulary.png"):
        image = matplotlib.image.imread(path)
        assert min(image.shape[:2]) >= 600 and image[..., :3].std() > 0.05


def test_a_row_of_one_seed_among_others_is_no_refinement(tmp_path):
    add_rounds(tmp_path, 0, [170.0])
    add_run(tmp_path, "kn", NgramConfig("KN"))
    assert read_results(tmp_path).experiment == "billionw"


@pytest.mark.parametrize("scale", ["tiny", "cpu", "paper"])
def test_rounds_differ_in_nothing_else_and_each_has_three_seeds(scale):
    file = runner.scale_file("refinement", scale)
    rows = plan.expand_rows("refinement", plan.read_rows("refinement", file), file)
    assert {row.name for row in rows} == {f"{name}-{seed}" for name in SYSTEMS for seed in (1, 2, 3)}
    for row in rows:
        stem, _, seed = row.name.rpartition("-")
        rounds = 0 if stem == "frequency" else int(stem.removeprefix("rounds-"))
        assert row.config.rounds_after == list(range(1, rounds + 1))
        assert (row.config.seed, row.settings) == (int(seed), (f"seed={seed}",))
        assert row.config.options == ({"start": "frequency"} if stem == "frequency" else {})
    assert len({row.config.epochs for row in rows}) == len({row.config.learning_rate for row in rows}) == 1
    assert len({row.config.system for row in rows}) == len(SYSTEMS)


@pytest.mark.parametrize("scale", ["tiny", "cpu", "paper"])
def test_vocabularies_differ_in_nothing_else(scale):
    file = runner.scale_file("vocabulary", scale)
    whole = plan.corpus_config("vocabulary", "", file)
    configs = {folder: plan.corpus_config("vocabulary", folder, file) for folder in SIZES}
    assert {folder: config.max_words for folder, config in configs.items()} == {
        "5000": 5000, "10000": 10_000, "20000": 20_000, "all": None
    }  # fmt: skip
    assert {config.min_count for config in configs.values()} == {1} and whole.min_count == 3
    assert {config.max_train_tokens for config in configs.values()} == {whole.max_train_tokens}
    assert sorted(path.parent.name for path in (CONFIGS / "vocabulary").glob("*/*.yaml")) == sorted(SIZES)
    rows = plan.read_rows("vocabulary", file)
    assert {row.name for row in rows} == {"lightrnn", "lightrnn+", "full-softmax", "hsm"}
    assert {row.folder for row in rows} == {""} and plan.expand_rows("vocabulary", rows, file) == rows
    assert len({(row.config.hidden, row.config.epochs) for row in rows}) == 1


def test_the_plan_of_both(tmp_path, capfd):
    data = write_folder(tmp_path / "data", train=random_sentences(60, seed=0))
    out = tmp_path / "out"
    arguments = ["--data", data, "--scale", "tiny", "--dry-run"]
    assert call(runner.main, "refinement", *arguments, "--out", out / "refinement") == 0
    planned = capfd.readouterr().out
    assert planned.count(" parameters (") == 21 and "LightRNN (sorted by frequency), seed=3" in planned
    assert call(runner.main, "vocabulary", *arguments, "--out", out / "vocabulary") == 0
    planned = capfd.readouterr().out
    assert [line for line in planned.splitlines() if line.startswith("rows of")] == [
        f"rows of {folder}:" for folder in SIZES
    ]
    assert planned.count(" parameters (") == 16
    assert not list(out.rglob("runs"))


def test_both_from_text_to_table(tmp_path, capfd):
    data = write_folder(tmp_path / "data", train=random_sentences(60, seed=0))
    for experiment, row, runs in [
        ("refinement", "rounds-1", [f"runs/rounds-1-{seed}" for seed in (1, 2, 3)]),
        ("vocabulary", "lightrnn", [f"{folder}/runs/lightrnn" for folder in SIZES]),
    ]:
        out = tmp_path / experiment
        arguments = [experiment, "--data", data, "--scale", "tiny", "--only", row, "--out", out]
        assert call(runner.main, *arguments) == 0, capfd.readouterr().err
        assert sorted(f"{path.parent.relative_to(out)}" for path in out.rglob("metrics.json")) == sorted(runs)
        assert (out / f"{experiment}.png").is_file()
    (line,) = read_table(tmp_path / "refinement" / "refinement.csv")
    values = [read_metrics(tmp_path / "refinement", f"rounds-1-{n}")["test_perplexity"] for n in (1, 2, 3)]
    assert len(set(values)) == 3
    assert float(line["test_perplexity_mean"]) == pytest.approx(sum(values) / 3, abs=1e-4)
    lines = read_table(tmp_path / "vocabulary" / "vocabulary.csv")
    assert [line["words"] for line in lines] == SIZES
    assert all(float(line["peak_memory_bytes"]) > 1e7 for line in lines)
