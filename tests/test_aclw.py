"""The script for the six languages on generated texts of two of them."""

import pytest
from scripts import call, experiments, read_metrics, read_table, run_script, runner
from texts import random_sentences, write_folder

ROWS = {"kn", "hsm", "c-hsm", "lightrnn", "lightrnn+"}
FRENCH = {"lightrnn-h600", "lightrnn-h200"}


def folder_of(data, code, seed):
    sentences = [
        [word.replace("w", code) for word in sentence]
        for sentence in random_sentences(400, seed, words=300, mean_length=8)
    ]
    return write_folder(data / code, train=sentences[:300], valid=sentences[300:350], test=sentences[350:])


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    data, out = tmp_path_factory.mktemp("data"), tmp_path_factory.mktemp("aclw")
    for seed, code in enumerate(["es", "fr"]):
        folder_of(data, code, seed)
    result = run_script("aclw", "--data", data, "--out", out, "--scale", "tiny")
    assert result.returncode == 0, result.stdout + result.stderr
    return out, data, result.stdout


def test_it_says_first_what_it_will_do_and_what_is_missing(done):
    out, data, printed = done
    plan, work = printed.split("min in all")
    assert f"{data} has no en, cs, de, ru: going on without" in plan
    for words in (f"Spanish ({data.name})", f"French ({data.name})", "rows of es:", "rows of fr:"):
        assert words in plan
    assert "epoch" in work and "epoch" not in plan
    for code in ("es", "fr"):
        assert f"HSM: starts in {out / code / 'runs' / 'hsm'}" in work


def test_each_language_has_its_own_corpus_and_rows(done):
    out, data, _ = done
    for code, rows in [("es", ROWS), ("fr", ROWS | FRENCH)]:
        assert {path.name for path in (out / code / "runs").iterdir()} == rows
        lines = (data / code / "test.txt").read_text(encoding="utf-8").splitlines()
        for row in rows:
            metrics = read_metrics(out / code, row)
            assert metrics["test_tokens"] == sum(len(line.split()) + 1 for line in lines)
            assert 5 < metrics["test_perplexity"] < 500
            if row != "kn":
                assert metrics["origin"]["config"]["sampler"]["kind"] == "streams"
                assert metrics["padding_share"] < 0.02
    assert not list(out.glob("runs"))


def test_the_tables_have_all_of_it(done):
    out = done[0]
    table4 = {line["system"]: line for line in read_table(out / "table4.csv")}
    for code, row in [("es", "hsm"), ("fr", "hsm"), ("es", "lightrnn"), ("fr", "lightrnn"), ("fr", "kn")]:
        metrics = read_metrics(out / code, row)
        assert float(table4[metrics["system"]][f"{code}_test_perplexity"]) == pytest.approx(
            metrics["test_perplexity"], abs=1e-4
        )
    table2 = {line["system"]: line for line in read_table(out / "table2.csv")}
    assert {system: line["embedding_size"] for system, line in table2.items()} == {
        "LightRNN": "32", "LightRNN+": "32", "LightRNN (H=16)": "16", "LightRNN (H=8)": "8"
    }  # fmt: skip
    assert len(read_table(out / "table1.csv")) == 2
    assert (out / "table3.csv").is_file()


def test_a_second_start_reuses_everything(done, capfd):
    out, data, _ = done
    before = {path: path.stat().st_mtime_ns for path in out.rglob("metrics.json")}
    assert call(runner.main, "aclw", "--data", data, "--out", out, "--scale", "tiny") == 0
    assert capfd.readouterr().out.count("finished before, reused") == len(before) == 12
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_a_row_of_french_alone_prepares_french_alone(done, tmp_path, capfd):
    arguments = ["aclw", "--out", tmp_path / "out", "--scale", "tiny", "--only", "lightrnn-h200"]
    assert call(runner.main, *arguments, "--data", done[1]) == 0
    assert {path.name for path in (tmp_path / "out").iterdir() if path.is_dir()} == {"fr"}
    folder_of(tmp_path / "data", "es", seed=0)
    capfd.readouterr()
    assert call(runner.main, *arguments, "--data", tmp_path / "data") == 2
    errors = capfd.readouterr().err
    assert errors.count("\n") == 1 and "lightrnn-h200" in errors


def test_a_language_without_a_file_is_one_line(tmp_path, monkeypatch, capfd):
    (folder_of(tmp_path, "ru", seed=0) / "valid.txt").unlink()
    monkeypatch.setenv("ACLW_DIR", str(tmp_path))
    assert call(runner.main, "aclw", "--out", tmp_path / "out") == 2
    errors = capfd.readouterr().err
    assert errors.count("\n") == 1 and "ru has no valid.txt" in errors
    assert not (tmp_path / "out").exists()


def test_without_texts_handed_in_they_are_stand_ins_and_called_so(tmp_path, monkeypatch, capfd):
    monkeypatch.delenv("ACLW_DIR", raising=False)

    def prepare_texts(directory):
        for seed, code in enumerate(experiments.LANGUAGES):
            folder_of(directory, code, seed)

    monkeypatch.setattr(experiments, "prepare_texts", prepare_texts)
    monkeypatch.setattr(experiments, "describe", lambda texts, code: f"{code} (stand-in: {texts.name})")
    assert call(runner.main, "aclw", "--out", tmp_path, "--scale", "tiny", "--dry-run") == 0
    plan = capfd.readouterr().out
    assert [f"corpus: {code} (stand-in: texts), " in plan for code in experiments.LANGUAGES] == [True] * 6
    assert (tmp_path / "texts" / "ru" / "train.txt").is_file() and not (tmp_path / "ru" / "runs").exists()
