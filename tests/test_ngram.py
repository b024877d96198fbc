"""The n-gram models against KenLM's own tools, against a hand-made model, and token by token."""

import gc
import itertools
import math
import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path

import kenlm
import numpy as np
import pytest
from texts import make_corpus, random_sentences

from lightrnn_gluon.config import SamplerConfig
from lightrnn_gluon.corpus import CorpusConfig
from lightrnn_gluon.errors import UserError
from lightrnn_gluon.ngram import Ngram, estimate, find_tool, kenlm_word, sentences_for_kenlm
from lightrnn_gluon.sampling import make_sampler

# Words that KenLM takes for its own or that look like the escape, unless they are shown to it escaped.
ODD = ["<s>", "</s>", "<unk>", "<UNK>", "<S>", "</S>", "<Unk>"]
ODD += ["\\", "\\<s>", "\\\\<s>", "\\data\\", "\\<UNK>"]


def with_odd_words(sentences):
    return [[*sentence, ODD[i % len(ODD)]] for i, sentence in enumerate(sentences)]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    splits = {
        split: with_odd_words(random_sentences(count, seed=count, words=150))
        for split, count in [("train", 600), ("valid", 60), ("test", 80)]
    }
    return make_corpus(tmp_path_factory.mktemp("ngram"), **splits)


@pytest.fixture(scope="module")
def model(corpus):
    """The path of a 5-gram model of the corpus, and the size that `estimate` gave it."""
    path = corpus.directory / "model.bin"
    return path, estimate(corpus.ids("train"), corpus.vocabulary, 5, path)


def query(path, sentences, level):
    """What KenLM's own query tool prints, line by line."""
    text = "".join(f"{sentence}\n" for sentence in sentences)
    command = [find_tool("query"), "-v", level, str(path)]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout.splitlines()


def test_corpus_holds_the_odd_words(corpus):
    assert {word for word in ODD if word not in ("<S>", "</S>", "<UNK>")} <= set(corpus.vocabulary.words[3:])
    assert corpus.facts["test"]["unknown"] > 10


def test_every_score_and_every_total_is_that_of_query(corpus, model):
    ids = corpus.ids("test")
    path, _ = model
    log10 = Ngram(path, corpus.vocabulary).token_nll(ids) / -np.log(10)
    sentences = list(sentences_for_kenlm(ids, corpus.vocabulary))
    (words,) = query(path, sentences, "word")
    by_word = [float(word.split(" ")[2]) for word in words.split("\t")[:-1]]
    np.testing.assert_allclose(log10, by_word, rtol=1e-5)
    ends = np.flatnonzero(ids == corpus.vocabulary.end)
    totals = [line.split() for line in query(path, sentences, "sentence")]
    assert {(words[0], words[2], words[3]) for words in totals} == {("Total:", "OOV:", "0")}
    sums = np.add.reduceat(log10, [0, *ends[:-1] + 1])
    np.testing.assert_allclose(sums, [float(words[1]) for words in totals], rtol=1e-5)


def test_query_counts_the_same_tokens_none_outside_its_vocabulary_and_the_same_perplexity(corpus, model):
    ids = corpus.ids("test")
    path, _ = model
    lines = query(path, sentences_for_kenlm(ids, corpus.vocabulary), "summary")
    summary = {name: float(value) for name, value in (line.split(":") for line in lines)}
    assert summary["Tokens"] == len(ids)
    assert summary["OOVs"] == 0
    nll = Ngram(path, corpus.vocabulary).token_nll(ids)
    assert math.exp(nll.mean(dtype=float)) == pytest.approx(summary["Perplexity including OOVs"], rel=1e-5)


def test_size_is_the_number_of_ngrams_in_an_arpa_file(corpus, model, tmp_path):
    sentences = sentences_for_kenlm(corpus.ids("train"), corpus.vocabulary)
    text = "".join(f"{sentence}\n" for sentence in sentences)
    arpa = tmp_path / "own.arpa"
    arguments = ["-o", "5", "--discount_fallback", "-S", "100M", "-T", str(tmp_path), "--arpa", str(arpa)]
    subprocess.run([find_tool("lmplz"), *arguments], input=text.encode(), capture_output=True, check=True)
    with arpa.open(encoding="utf-8") as stream:
        assert model[1] == sum("\t" in line for line in stream)


def test_words_after_any_history_sum_to_one(corpus, model):
    scorer = kenlm.Model(str(model[0]))
    words = [kenlm_word(word) for word in corpus.vocabulary.words if word not in ("<S>", "</S>")]
    histories = [[], ["w0"], ["w3", "w1", "w0", "w0"], ["nowhere"], [kenlm_word("<s>"), "w2"], ["w149", "w1"]]
    for history in histories:
        state, after = kenlm.State(), kenlm.State()
        scorer.BeginSentenceWrite(state)
        for word in history:
            scorer.BaseScore(state, word, after)
            state, after = after, state
        probabilities = [10 ** scorer.BaseScore(state, word, after) for word in [*words, "</s>", "<unk>"]]
        assert sum(probabilities) == pytest.approx(1, abs=1e-3), history
        assert min(probabilities) > 0


def discounts(counts):
    """Chen and Goodman's D(1), D(2), D(3+) from counts, or lmplz's fixed ones where they cannot be had."""
    n = Counter(counts)
    if not all(n[k] for k in (1, 2, 3)):
        return [0, 0.5, 1, 1.5]
    y = n[1] / (n[1] + 2 * n[2])
    values = [k - (k + 1) * y * n[k + 1] / n[k] for k in (1, 2, 3)]
    return [0, *values] if all(0 <= d <= k for k, d in enumerate(values, start=1)) else [0, 0.5, 1, 1.5]


def kneser_ney_bigrams(sentences):
    """The interpolated modified Kneser-Ney bigram model of sentences, straight from its definition."""
    bigrams = Counter(pair for s in sentences for pair in itertools.pairwise(["<s>", *s, "</s>"]))
    continuations = Counter(word for _, word in bigrams)
    followers = defaultdict(Counter)
    for (context, word), count in bigrams.items():
        followers[context][word] = count
    low, high = discounts(continuations.values()), discounts(bigrams.values())

    def level(counts, word, discount, backoff):
        left = sum(discount[min(count, 3)] for count in counts.values())
        own = counts[word] - discount[min(counts[word], 3)]
        return (own + left * backoff) / sum(counts.values())

    def probability(context, word):
        unigram = level(continuations, word, low, 1 / (len(continuations) + 1))  # + 1: its unknown word
        return level(followers[context], word, high, unigram) if context in followers else unigram

    return probability


@pytest.mark.parametrize(
    "sentences",
    [
        [["a", "b", "c"], ["a", "b"], ["b", "c", "a"], ["c"]],  # fixed discounts
        random_sentences(300, seed=4, words=120),  # discounts from counts of counts
    ],
    ids=["tiny", "larger"],
)
def test_bigram_model_equals_a_hand_made_one(sentences, tmp_path):
    held_out = [["a", "c", "b", "b"], ["c", "c"], *random_sentences(40, seed=5, words=120)]
    corpus = make_corpus(tmp_path, CorpusConfig(min_count=1), train=sentences, test=held_out)
    estimate(corpus.ids("train"), corpus.vocabulary, 2, tmp_path / "model.bin")
    nll = Ngram(tmp_path / "model.bin", corpus.vocabulary).token_nll(corpus.ids("test"))
    expected, known = kneser_ney_bigrams(sentences), set(corpus.vocabulary.words[3:])
    pairs = [
        pair
        for sentence in held_out
        for pair in itertools.pairwise(["<s>", *(w if w in known else None for w in sentence), "</s>"])
    ]
    np.testing.assert_allclose(nll, [-math.log(expected(*pair)) for pair in pairs], rtol=1e-4)


def test_one_sentence_is_enough_text(tmp_path):
    corpus = make_corpus(tmp_path, CorpusConfig(min_count=1), train="a b\n", valid="a\n", test="b a c\n")
    estimate(corpus.ids("train"), corpus.vocabulary, 5, tmp_path / "model.bin")
    nll = Ngram(tmp_path / "model.bin", corpus.vocabulary).token_nll(corpus.ids("test"))
    assert nll.shape == (4,)
    assert np.isfinite(nll).all()


@pytest.mark.parametrize("kind", ["sentences", "streams"])
def test_kenlm_and_the_nets_predict_the_same_tokens(kind, corpus, model):
    ids = corpus.ids("test")
    chunks = list(make_sampler(SamplerConfig(kind, 7, 5), ids, corpus.vocabulary).epoch(None))
    scores = Ngram(model[0], corpus.vocabulary).token_nll(ids)
    assert len(scores) == sum(chunk.tokens for chunk in chunks) == len(ids)
    by_place = dict(pair for c in chunks for pair in zip(c.positions.ravel(), c.targets.ravel(), strict=True))
    lines = list(sentences_for_kenlm(ids, corpus.vocabulary))
    shown = [*" </S> ".join(lines).split(), "</S>"]
    names = {place: corpus.vocabulary.words[word] for place, word in by_place.items() if place >= 0}
    assert [n if n == "</S>" else kenlm_word(n) for _, n in sorted(names.items())] == shown


def test_escape_is_injective_and_hides_all_that_kenlm_reserves():
    pieces = ["\\", "<s>", "</s>", "<unk>", "<UNK>", "<S>", "</S>", "<uNk>", "w"]
    words = {"".join(parts) for length in (1, 2, 3) for parts in itertools.product(pieces, repeat=length)}
    escaped = {kenlm_word(word) for word in words}
    assert len(escaped) == len(words)
    assert not {word.lower() for word in escaped} & {"<s>", "</s>", "<unk>"}
    assert kenlm_word("w") == "w"


def fake_tool(folder, name, script):
    path = folder / "bin" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def test_missing_tool_is_a_mistake_with_a_remedy(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match=r"lmplz is not installed: run bash reproduce/setup\.sh"):
        find_tool("lmplz")


def test_tools_are_taken_from_this_python_before_the_path(monkeypatch, tmp_path):
    own, other = (fake_tool(tmp_path / name, "lmplz", "exit 0") for name in ("own", "other"))
    monkeypatch.setenv("PATH", str(other.parent))
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "nothing"))
    assert Path(find_tool("lmplz")) == other
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "own"))
    assert Path(find_tool("lmplz")) == own


@pytest.mark.parametrize(
    ("name", "script", "complaint"),
    [
        ("lmplz", "cat >/dev/null; echo reading; echo 'no space' >&2; exit 1", "lmplz failed: no space"),
        ("lmplz", "exec <&-; echo 'gave up at once' >&2; exit 3", "lmplz failed: gave up at once"),
        ("lmplz", "kill -9 $$", "lmplz failed: exit status -9"),
        ("build_binary", "echo 'no memory' >&2; exit 1", "build_binary failed: no memory"),
    ],
    ids=["fails", "gives up reading", "is killed", "build_binary fails"],
)
def test_failing_tool_is_one_line_and_leaves_nothing(name, script, complaint, corpus, monkeypatch, tmp_path):
    fake_tool(tmp_path, "lmplz", "cat >/dev/null")
    fake_tool(tmp_path, name, script)
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    ids = np.tile(corpus.ids("train"), 20)  # more than a pipe holds
    try:
        estimate(ids, corpus.vocabulary, 3, tmp_path / "run" / "model.bin")
        message = ""
    except UserError as error:
        message = str(error)
    assert message == complaint
    assert list((tmp_path / "run").iterdir()) == []
    gc.collect()  # a pipe left open is an error here, and not at some later test


@pytest.mark.parametrize("order", [-1, 0, 1, 7])
def test_order_that_kenlm_does_not_take_is_named(order, corpus, tmp_path):
    with pytest.raises(UserError, match="order"):
        estimate(corpus.ids("valid"), corpus.vocabulary, order, tmp_path / "run" / "model.bin")
    assert not list(tmp_path.rglob("*.*"))


@pytest.mark.parametrize("keep", [0, 10, 100, 0.5, 0.99])
def test_model_cut_short_is_refused(keep, corpus, model, tmp_path):
    content = model[0].read_bytes()
    path = tmp_path / "model.bin"
    path.write_bytes(content[: int(keep * len(content)) if keep < 1 else keep])
    with pytest.raises(UserError, match="is missing or damaged"):
        Ngram(path, corpus.vocabulary)


def test_missing_model_is_refused(corpus, tmp_path):
    with pytest.raises(UserError, match="is missing or damaged"):
        Ngram(tmp_path / "model.bin", corpus.vocabulary)
