"""The whole script on a few hundred real sentences: every stage, its tables parsed and checked."""

import json
import os
import signal
import subprocess
from functools import partial
from itertools import islice

import pytest
import yaml
from scripts import ROOT, call, read_metrics, read_table, run_script, runner
from texts import sentences_in

from lightrnn_gluon.cli import cli
from lightrnn_gluon.report.published import load_published
from lightrnn_gluon.sources import StateOfTheUnion

SIZES = {"train": 600, "valid": 60, "test": 60}
NETWORKS = {
    "hsm": "HSM",
    "c-hsm": "C-HSM",
    "b-rnn": "B-RNN",
    "adaptive-softmax": "Adaptive softmax",
    "full-softmax": "Full softmax",
    "full-softmax-tied": "Full softmax (tied)",
    "lightrnn-random-table": "LightRNN (random table)",
    "lightrnn": "LightRNN",
    "lightrnn+": "LightRNN+",
}
SYSTEMS = ["KN", *NETWORKS.values(), *(f"KN+{system}" for system in NETWORKS.values())]
billionw = partial(run_script, "billionw")


@pytest.fixture(scope="module")
def texts(tmp_path_factory):
    folder = tmp_path_factory.mktemp("texts")
    for split, sentences in SIZES.items():
        lines = [
            " ".join(words) for words in islice(sentences_in(StateOfTheUnion().blocks(split)), sentences)
        ]
        (folder / f"{split}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def first(texts, tmp_path_factory):
    out = tmp_path_factory.mktemp("billionw")
    done = billionw("--data", texts, "--out", out, "--scale", "tiny")
    assert done.returncode == 0, done.stdout + done.stderr
    return out, done


def test_it_says_first_what_it_will_do(first, texts):
    plan, work = first[1].stdout.split("min in all")
    assert "epoch" in work and "epoch" not in plan
    for words in (f"corpus: {texts.name}", "scale: tiny", f"output: {first[0]}", "LightRNN", "parameters"):
        assert words in plan


def test_table_5_has_every_row_with_true_counts(first, texts):
    rows = {row["system"]: row for row in read_table(first[0] / "table5.csv")}
    assert list(rows) == SYSTEMS
    lines = (texts / "test.txt").read_text(encoding="utf-8").splitlines()
    tokens = sum(len(line.split()) + 1 for line in lines)
    assert {int(row["test_tokens"]) for row in rows.values()} == {tokens}
    header = (first[0] / "table5.csv").read_text(encoding="utf-8").splitlines()[0]
    assert header.startswith(
        "system,test_perplexity,published_perplexity,parameters,published_parameters,"
        "model_bytes,train_seconds,test_tokens"
    )
    for row in rows.values():
        assert 5 < float(row["test_perplexity"]) < 2000
    assert float(rows["KN+LightRNN"]["published_perplexity"]) == 43


def test_parameters_are_what_the_equations_say(first):
    out = first[0]
    size, hidden = read_metrics(out, "lightrnn")["corpus"]["vocabulary"]["size"], 32
    columns = next(n for n in range(1, size) if n * n >= size)
    rows = -(-size // columns)
    lstm = 4 * hidden * (hidden + hidden + 2)
    assert read_metrics(out, "lightrnn")["parameters"] == lstm + (rows + columns) * (2 * hidden + 1)
    assert read_metrics(out, "full-softmax")["parameters"] == lstm + size * (2 * hidden + 1)
    assert read_metrics(out, "lightrnn")["table_integers"] == 2 * size


def test_each_ensemble_is_better_than_both_members(first):
    for row in NETWORKS:
        members = [read_metrics(first[0], name)["test_perplexity"] for name in ("kn", row)]
        assert read_metrics(first[0], f"kn+{row}")["test_perplexity"] < min(members)
        assert 0 < read_metrics(first[0], f"kn+{row}")["weight"] < 1


def test_runs_hold_all_that_their_figures_depend_on(first):
    for directory in (first[0] / "runs").iterdir():
        found = read_metrics(first[0], directory.name)
        assert {"seed", "commit", "versions", "corpus_sha256", "vocabulary_sha256"} <= set(found)
        assert yaml.safe_load((directory / "config.yaml").read_text())["system"] == found["system"]
        assert "test perplexity" in (directory / "log.txt").read_text(encoding="utf-8")


def test_rounds_and_pictures(first):
    out = first[0]
    (entry,) = read_table(out / "rounds.csv")
    assert float(entry["cost_after_nats_per_token"]) < float(entry["cost_before_nats_per_token"])
    assert 0 < float(entry["moved_share"]) <= 1
    for name in ("rounds.png", "allocation.png"):
        assert (out / name).read_bytes().startswith(b"\x89PNG")
    assert [row["system"] for row in read_table(out / "table3.csv")] == list(NETWORKS.values())
    vocabulary = read_metrics(out, "kn")["corpus"]["vocabulary"]["size"]
    assert read_table(out / "table1.csv")[0]["vocabulary"] == str(vocabulary)


def test_a_second_start_reuses_everything_and_says_so(first, texts):
    out, _ = first
    kept = [*out.rglob("metrics.json"), *out.rglob("*.npy"), *out.rglob("model.*")]
    before = {path: path.stat().st_mtime_ns for path in kept}
    again = billionw("--data", texts, "--out", out, "--scale", "tiny")
    assert again.returncode == 0, again.stderr
    for system in SYSTEMS:
        assert f"{system}: finished before, reused" in again.stdout
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_one_row_alone_and_a_row_that_is_not_there(first, texts):
    out, _ = first
    alone = billionw("--data", texts, "--out", out, "--scale", "tiny", "--only", "kn")
    assert alone.returncode == 0 and "LightRNN: finished before" not in alone.stdout
    missing = billionw("--data", texts, "--out", out, "--scale", "tiny", "--only", "nothing")
    assert missing.returncode == 2 and missing.stderr.count("\n") == 1


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_stops_it_and_the_same_command_goes_on_to_the_same_figures(
    first, texts, tmp_path, number, status
):
    arguments = ["--data", texts, "--out", tmp_path, "--scale", "tiny", "--only", "lightrnn"]
    started = subprocess.Popen(
        ["bash", str(ROOT / "reproduce" / "billionw.sh"), *map(str, arguments)], start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    for line in started.stdout:
        if "epoch 1.50" in line:
            break
    if number == signal.SIGINT:
        os.killpg(started.pid, number)  # as a terminal does
    else:
        started.send_signal(number)
    _, complaint = started.communicate()
    assert started.returncode == status
    assert "goes on" in complaint and "Traceback" not in complaint
    assert not (tmp_path / "runs" / "lightrnn" / "metrics.json").exists()
    assert not list(tmp_path.rglob("*.tmp"))
    again = billionw(*arguments)
    assert again.returncode == 0 and "LightRNN: going on after epoch" in again.stdout
    for split in ("valid", "test"):
        scores = [out / "runs" / "lightrnn" / f"{split}.nll.npy" for out in (first[0], tmp_path)]
        assert scores[0].read_bytes() == scores[1].read_bytes()


def test_another_corpus_in_the_same_folder_is_refused(first, texts, tmp_path):
    out, _ = first
    for split in SIZES:
        (tmp_path / f"{split}.txt").write_text((texts / f"{split}.txt").read_text(encoding="utf-8") * 2)
    refused = billionw("--data", tmp_path, "--out", out, "--scale", "tiny", "--only", "kn")
    assert refused.returncode == 2
    assert "another corpus" in refused.stderr and refused.stderr.count("\n") == 1


@pytest.mark.parametrize("row", ["kn", *NETWORKS, "kn+lightrnn"])
def test_evaluate_gives_the_figure_of_the_table(first, texts, row, capfd):
    assert call(cli, "evaluate", first[0] / "runs" / row, "--text", texts / "test.txt", "--json") == 0
    result, expected = json.loads(capfd.readouterr().out), read_metrics(first[0], row)
    assert result["tokens"] == expected["test_tokens"]
    assert result["unknown"] == expected["test_unknown"]
    assert result["perplexity"] == pytest.approx(expected["test_perplexity"], rel=1e-5)
    assert result["perplexity_without_unknown"] == pytest.approx(
        expected["test_perplexity_without_unknown"], rel=1e-5
    )


@pytest.mark.parametrize("row", ["kn", "lightrnn", "full-softmax", "c-hsm"])
def test_a_line_of_100000_tokens_is_counted_in_full(first, tmp_path, row, capfd):
    (tmp_path / "long.txt").write_text("the of and people " * 25_000 + "\n")
    assert call(cli, "evaluate", first[0] / "runs" / row, "--text", tmp_path / "long.txt", "--json") == 0
    assert json.loads(capfd.readouterr().out)["tokens"] == 100_001


def test_a_dry_run_trains_nothing_and_gives_the_published_sizes(tmp_path, capfd, monkeypatch):
    monkeypatch.delenv("BILLIONW_DIR", raising=False)
    assert call(runner.main, "billionw", "--scale", "paper", "--dry-run", "--out", tmp_path / "out") == 0
    assert not (tmp_path / "out").exists()
    planned = capfd.readouterr().out.splitlines()
    for system, unit in [("LightRNN", 1e6), ("HSM", 1e8), ("B-RNN", 1e8)]:  # 41M, 1.6G, 4.1G
        (line,) = [line for line in planned if line.startswith(f"  {system}  ")]
        count = int(line.removeprefix(f"  {system}  ").split()[0].replace(",", ""))
        assert round(count / unit) == load_published()["table5"][system]["parameters"] / unit
