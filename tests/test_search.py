"""The search for learning rates: one row, two rates, on a generated text."""

from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from scripts import call, plan, read_metrics, read_table, run_script, search
from texts import random_sentences, write_folder

from lightrnn_gluon.files import write_sealed

ROW = "lightrnn-random-table"
RATES = [0.001, 0.03]


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    folder = tmp_path_factory.mktemp("search")
    data = write_folder(folder / "data", train=random_sentences(120, seed=0))
    (folder / "grid.yaml").write_text(yaml.safe_dump({"learning_rate": RATES}), encoding="utf-8")
    arguments = ["billionw", "--data", data, "--out", folder / "out", "--only", ROW]

    def start():
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(search, "GRID", folder / "grid.yaml")
            return call(search.main, *arguments)

    return folder / "out", start


def test_each_rate_is_a_run_and_validation_picks(done):
    out, start = done
    assert start() == 0
    lines = read_table(out / "search.csv")
    assert [(line["row"], line["system"], float(line["learning_rate"])) for line in lines] == [
        (ROW, "LightRNN (random table)", rate) for rate in RATES
    ]
    runs = {rate: read_metrics(out, f"{ROW}-{rate}") for rate in RATES}
    for line, (rate, metrics) in zip(lines, runs.items(), strict=True):
        assert metrics["origin"]["config"]["learning_rate"] == rate and metrics["scale"] == "cpu"
        assert float(line["valid_perplexity"]) == pytest.approx(metrics["valid_perplexity"], abs=1e-4)
        assert int(line["epochs"]) == metrics["origin"]["config"]["epochs"]
    best = min(runs, key=lambda rate: runs[rate]["valid_perplexity"])
    assert [float(line["learning_rate"]) for line in lines if line["best"] == "yes"] == [best]


def test_the_table_names_corpus_and_scale_and_shows_no_test_figure(done):
    text = (done[0] / "search.md").read_text(encoding="utf-8")
    assert text.startswith("# Search for the learning rate (data; scale: cpu)")
    for rate in RATES:
        metrics = read_metrics(done[0], f"{ROW}-{rate}")
        assert f"{metrics['valid_perplexity']:.1f}" in text
        assert f"{metrics['test_perplexity']:.1f}" not in text
    assert "test" not in (done[0] / "search.csv").read_text(encoding="utf-8")


def test_a_second_start_reuses_the_runs(done, capfd):
    out, start = done
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    assert start() == 0
    assert capfd.readouterr().out.count("finished before, reused") == 2
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before


def test_figures_without_models_count_as_finished(done, capfd):
    out, start = done
    models = list(out.glob("runs/*/model.*"))
    assert len(models) == 2
    for path in models:
        path.unlink()
    assert start() == 0
    assert capfd.readouterr().out.count("finished before, reused") == 2
    assert not list(out.glob("runs/*/model.*"))


def write_metrics(directory, perplexity):
    directory.mkdir(parents=True)
    values = {"origin": {}, "files": {}, "parameters": 1, "vocabulary_sha256": "", "corpus_sha256": ""}
    write_sealed(directory / "metrics.json", values | {"valid_perplexity": perplexity})


def some_rows(count, name="a"):
    row = plan.read_rows("billionw", None)[0]
    return [replace(row, name=f"{name}-{place}", path=Path(name)) for place in range(count)]


@pytest.mark.parametrize(
    ("perplexities", "visited"),
    [
        ([9, 8, 7, 8, 9], [[1, 2, 3]]),
        ([5, 6, 7, 8, 9], [[1, 2, 3], [0]]),
        ([9, 8, 7, 6, 5, 6, 9], [[2, 3, 4], [5]]),
        ([9, 8, 7, 6, 5, 4, 3], [[2, 3, 4], [5], [6]]),
        ([5, 4], [[0, 1]]),
        ([5], [[0]]),
    ],
)
def test_it_goes_on_until_both_neighbours_of_the_best_are_worse(perplexities, visited, tmp_path):
    rows, part = some_rows(len(perplexities)), plan.Part(tmp_path, "", None, [], None, None)
    for row, perplexity in zip(rows, perplexities, strict=True):
        write_metrics(part.run(row), perplexity)
    found, tried, parts = [], [], []
    while chosen := search.next_rows(rows, tried, parts):
        found.append([rows.index(row) for row in chosen])
        tried, parts = [*tried, *chosen], [part]
    assert found == visited


def test_the_best_may_differ_by_row_and_text(tmp_path):
    rows = some_rows(5) + some_rows(5, "b")
    parts = [plan.Part(tmp_path, folder, None, [], None, None) for folder in ("es", "fr")]
    best = {("a", "es"): 1, ("a", "fr"): 3, ("b", "es"): 3, ("b", "fr"): 2}
    for row in rows:
        for part in parts:
            distance = int(row.name[-1]) - best[row.path.name, part.folder]
            write_metrics(part.run(row), 100 + abs(distance))
    tried = search.next_rows(rows, [], [])
    assert [row.name for row in tried] == ["a-1", "a-2", "a-3", "b-1", "b-2", "b-3"]
    more = search.next_rows(rows, tried, parts)
    assert [row.name for row in more] == ["a-0", "a-4", "b-4"]
    assert search.next_rows(rows, tried + more, parts) == []


def test_the_script_plans_every_network_in_the_middle_of_its_grid(tmp_path):
    data = write_folder(tmp_path / "data")
    planned = run_script("search", "billionw", "--data", data, "--out", tmp_path / "out", "--dry-run")
    assert planned.returncode == 0, planned.stderr
    grid = yaml.safe_load(search.GRID.read_text(encoding="utf-8"))["learning_rate"]
    counts = {rate: planned.stdout.count(f"learning_rate={rate} ") for rate in grid}
    assert list(counts.values()) == [0, 9, 9, 9, 0]
    assert "KN" not in planned.stdout
    assert not (tmp_path / "out" / "runs").exists()


def test_without_an_experiment_it_is_one_line(capfd):
    assert call(search.main) == 2
    errors = capfd.readouterr().err
    assert errors.count("\n") == 1 and "Choose from: billionw, aclw, ptb" in errors
