"""The script for Penn Treebank on generated files of its form: 10,000 words, <unk> one of them."""

import numpy as np
import pytest
from scripts import call, plan, read_metrics, read_table, run_script, runner

from lightrnn_gluon.corpus import Corpus
from lightrnn_gluon.runs import load_scores

WORDS = ["<unk>", "N", "$", *(f"w{i}" for i in range(9_997))]
NETWORKS = ["full-softmax", "full-softmax-medium", "lightrnn", "lightrnn-medium"]


def penn_treebank(folder, prefix):
    """Every word stands in the training text, most of them once; <unk> is the most frequent."""
    generator, share = np.random.RandomState(0), 1 / np.arange(1, 10_001)
    for split, count in {"train": 300, "valid": 60, "test": 60}.items():
        drawn = generator.choice(WORDS, (count, 12), p=share / share.sum())
        lines = [" ".join(sentence) for sentence in drawn]
        if split == "train":
            lines += [" ".join(WORDS[begin : begin + 50]) for begin in range(0, len(WORDS), 50)]
        text = "".join(f" {line} \n" for line in lines)  # as the files have them
        (folder / f"{prefix}{split}.txt").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    data = penn_treebank(tmp_path_factory.mktemp("data"), "ptb.")
    out = tmp_path_factory.mktemp("ptb")
    result = run_script("ptb", "--data", data, "--out", out, "--scale", "tiny")
    assert result.returncode == 0, result.stdout + result.stderr
    return out, result.stdout


def test_no_token_is_unknown_and_none_is_left_out(done):
    corpus = Corpus(done[0] / "corpus")
    assert corpus.facts["name"] == "Penn Treebank"
    assert len(corpus.vocabulary) == 10_000 + 3  # <UNK>, <S> and </S> are the package's own
    assert [corpus.facts[split]["unknown"] for split in ("train", "valid", "test")] == [0, 0, 0]
    assert corpus.facts["train"]["tokens"] == 300 * 13 + 200 * 51
    assert corpus.facts["test"]["tokens"] == 60 * 13


def test_unk_is_a_word_like_any_other_for_every_row(done):
    corpus = Corpus(done[0] / "corpus")
    is_unk = corpus.ids("test") == corpus.vocabulary.words.index("<unk>")
    assert 0.05 < is_unk.mean() < 0.2
    for row in ("kn", *NETWORKS, *(f"kn+{name}" for name in NETWORKS)):
        nll = load_scores(done[0] / "runs" / row, "test")
        assert nll[is_unk].mean() < nll[~is_unk].mean(), "the most frequent word costs less than others"
        metrics = read_metrics(done[0], row)
        assert metrics["test_unknown"] == 0 and metrics["test_tokens"] == 60 * 13
        assert metrics["test_perplexity"] == metrics["test_perplexity_without_unknown"]


def test_its_table_has_every_row_and_the_known_figures_beside(done):
    published = {line["system"]: line["published_perplexity"] for line in read_table(done[0] / "ptb.csv")}
    assert len(published) == 9
    assert float(published["KN"]) == 141.2
    assert float(published["Full softmax"]) == 114.5
    assert published["LightRNN"] == ""
    assert "Penn Treebank" in done[1]


def test_the_small_model_at_the_papers_scale_is_zarembas():
    rows = {row.name: row.config for row in plan.read_rows("ptb", None)}
    for name in ("full-softmax", "lightrnn"):
        config = rows[name]
        assert (config.hidden, config.layers, config.dropout, config.epochs) == (200, 2, 0, 13)
        assert (config.sampler.batch_size, config.sampler.length) == (20, 20)
        assert (config.optimizer, config.learning_rate, config.clip) == ("sgd", 1.0, 5.0)
        assert config.halve_after == 4  # 1.0 in four epochs, then half as much in each
    for name in ("full-softmax-medium", "lightrnn-medium"):
        config = rows[name]
        assert (config.hidden, config.layers, config.dropout, config.epochs) == (650, 2, 0.5, 39)
        assert (config.sampler.batch_size, config.sampler.length) == (20, 35)
    for scale in ("tiny", "cpu", "paper"):
        config = plan.corpus_config("ptb", "", runner.scale_file("ptb", scale))
        assert (config.min_count, config.max_train_tokens) == (1, None)


def test_the_other_names_of_the_files_and_the_variable_serve_too(tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("PTB_DIR", str(penn_treebank(tmp_path, "")))
    arguments = ["ptb", "--out", tmp_path / "out", "--scale", "tiny", "--dry-run"]
    assert call(runner.main, *arguments) == 0
    assert "corpus: Penn Treebank, 14,100 training tokens, 10,003 words" in capfd.readouterr().out
    (tmp_path / "test.txt").unlink()
    assert call(runner.main, *arguments) == 2
    errors = capfd.readouterr().err
    assert errors.count("\n") == 1 and "has no test.txt" in errors
