"""The search for learning rates: one row, two rates, on a generated text."""

import pytest
import yaml
from scripts import call, read_metrics, read_table, run_script, search
from texts import random_sentences, write_folder

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
        assert float(line["train_seconds"]) == pytest.approx(metrics["train_seconds"], abs=0.051)
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


def test_the_script_plans_every_network_at_every_rate_of_its_grid(tmp_path):
    data = write_folder(tmp_path / "data")
    planned = run_script("search", "billionw", "--data", data, "--out", tmp_path / "out", "--dry-run")
    assert planned.returncode == 0, planned.stderr
    grid = yaml.safe_load(search.GRID.read_text(encoding="utf-8"))["learning_rate"]
    for rate in grid:
        assert planned.stdout.count(f"learning_rate={rate} ") == 8
    assert "KN" not in planned.stdout
    assert not (tmp_path / "out" / "runs").exists()


def test_without_an_experiment_it_is_one_line(capfd):
    assert call(search.main) == 2
    errors = capfd.readouterr().err
    assert errors.count("\n") == 1 and "Choose from: billionw, aclw, ptb" in errors
