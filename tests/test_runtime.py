"""Models in numpy against the nets that were trained: scores, next words, precision, and nothing of MXNet."""

import subprocess
import sys

import numpy as np
import pytest
from nets import CASES, make_case, make_words, score
from scripts import ROOT
from texts import lines_of

from lightrnn_gluon.config import NetworkConfig
from lightrnn_gluon.errors import UserError
from lightrnn_gluon.export import export, runtime_arrays
from lightrnn_gluon.files import sha256_file
from lightrnn_gluon.runs import load_system
from lightrnn_gluon.runtime.model_file import NETWORKS, PRECISIONS, load_model, save_model
from lightrnn_gluon.runtime.networks import NOTHING
from lightrnn_gluon.runtime.scorer import Model, State

EXPORTED = [case for case, (model, _) in CASES.items() if model in NETWORKS]


def config_of(case, hidden, layers):
    model, options = CASES[case]
    return NetworkConfig(case, model=model, hidden=hidden, layers=layers, dropout=0.0, options=options)


def both(case, **settings):
    """A net, and the same in numpy."""
    settings = dict(hidden=6, layers=1) | settings
    net = make_case(case, **settings)
    config = config_of(case, settings["hidden"], settings["layers"])
    return net, NETWORKS[config.model](runtime_arrays(net.values(), config))


def read_all(network, words):
    """The negative log-likelihoods of all words but the first."""
    reading, found = network.begin(np.array(words[:1])), []
    for word in words[1:]:
        logs, reading = network.read(reading, np.array([word]))
        found.append(-logs[0])
    return np.array(found)


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("case", EXPORTED)
def test_numpy_scores_as_the_net_does(case, layers):
    net, network = both(case, layers=layers)
    words = np.random.RandomState(0).randint(0, 23, 300)
    np.testing.assert_allclose(read_all(network, words), score(net, words, chunk=37), atol=1e-4)


@pytest.mark.parametrize("size", [7, 12, 23, 25])
@pytest.mark.parametrize("case", EXPORTED)
def test_all_words_probabilities_are_those_that_are_read_and_sum_to_one(case, size):
    _, network = both(case, size=size)
    for first in (3, NOTHING):
        reading = network.begin(np.array([first]))
        for word in (2, 5, 4):
            logs = network.distribution(reading)
            assert np.exp(logs.astype(np.float64)).sum() == pytest.approx(1, abs=1e-5)
            everywhere = reading.of(np.zeros(size, int))
            found, _ = network.read(everywhere, np.arange(size))
            np.testing.assert_allclose(found, logs, atol=1e-5)
            _, reading = network.read(reading, np.array([word]))


@pytest.mark.parametrize("case", EXPORTED)
def test_best_words_are_the_best_of_all(case):
    _, network = both(case)
    reading = network.begin(np.array([3]))
    logs = network.distribution(reading)
    for number in (1, 2, 5, 22, 23):
        words, found = network.best(reading, number)
        assert list(words) == list(np.argsort(-logs, kind="stable")[:number])
        np.testing.assert_allclose(found, logs[words], atol=1e-5)


def test_best_words_are_found_in_few_rows(monkeypatch):
    _, network = both("lightrnn", size=6000, spread=3.0)
    looked_at = []
    of_each_row = network._of_each_row

    def counting(reading, of_rows, rows):
        looked_at.extend(rows)
        return of_each_row(reading, of_rows, rows)

    reading = network.begin(np.array([3]))
    logs = network.distribution(reading)
    monkeypatch.setattr(network, "_of_each_row", counting)
    words, _ = network.best(reading, 3)
    assert list(words) == list(np.argsort(-logs, kind="stable")[:3])
    assert len(looked_at) < 78, "all rows but the last few"


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("case", EXPORTED)
def test_a_file_gives_the_model_back(tmp_path, case, precision):
    net, network = both(case, spread=0.3)
    arrays = runtime_arrays(net.values(), config_of(case, 6, 1))
    save_model(tmp_path / "model", CASES[case][0], arrays, make_words(23), precision)
    again, words, _ = load_model(tmp_path / "model")
    assert words == make_words(23)
    text = np.random.RandomState(0).randint(0, 23, 100)
    exact, found = read_all(network, text), read_all(again, text)
    if precision == "float32":
        np.testing.assert_array_equal(found, exact)
    else:
        np.testing.assert_allclose(found, exact, atol=0.1)
        assert not np.array_equal(found, exact)


def test_precisions_take_less_and_less(tmp_path):
    net, _ = both("lightrnn", size=2000, hidden=64)
    sizes = []
    for precision in PRECISIONS:
        arrays = runtime_arrays(net.values(), config_of("lightrnn", 64, 1))
        save_model(tmp_path / precision, "lightrnn", arrays, make_words(2000), precision)
        sizes.append((tmp_path / precision).stat().st_size)
    numbers = sum(np.prod(p.shape) for p in net.trained().values())
    assert sizes[0] - sizes[1] == pytest.approx(2 * numbers, rel=0.02)
    assert sizes[1] - sizes[2] == pytest.approx(numbers, rel=0.15)  # less the scales


def test_no_such_precision_is_refused(tmp_path):
    with pytest.raises(UserError, match="precision 'int4' is none of float32, float16, int8"):
        save_model(tmp_path / "model", "lightrnn", {}, [], "int4")


def test_sentences_score_as_the_run_evaluates(exported):
    folder, corpus = exported
    model, sentences = Model(folder / "model"), lines_of(corpus)
    nll = load_system(folder / "net")[0].token_nll(corpus.ids("test"))
    found = [score.log_prob for sentence in sentences for score in model.full_scores(sentence)]
    np.testing.assert_allclose(found, -nll / np.log(10), atol=1e-4)
    together = [score for scores in model.score_all(sentences, batch_size=3) for score in scores]
    np.testing.assert_allclose([score.log_prob for score in together], found, atol=1e-5)
    assert [score.oov for score in together] == [
        number == corpus.vocabulary.unknown for number in corpus.ids("test")
    ]
    assert model.score(sentences[0]) == pytest.approx(sum(found[: len(sentences[0].split()) + 1]))
    words = len(sentences[0].split()) + 1
    assert model.perplexity(sentences[0]) == pytest.approx(10 ** (-model.score(sentences[0]) / words))


def test_words_one_by_one_score_as_their_sentence(exported):
    model, sentence = Model(exported[0] / "model"), "w0 w3 no-such-word w1"
    for bos, begin in ((True, model.BeginSentenceWrite), (False, model.NullContextWrite)):
        state, scores = State(), []
        begin(state)
        for word in [*sentence.split(), "</S>"]:
            after = State()
            scores.append(model.BaseFullScore(state, word, after))
            assert model.BaseScore(state, word, State()) == scores[-1].log_prob
            state = after
        expected = list(model.full_scores(sentence, bos=bos))
        np.testing.assert_allclose([s.log_prob for s in scores], [s.log_prob for s in expected], atol=1e-6)
        assert [s.oov for s in scores] == [s.oov for s in expected] == [False, False, True, False, False]
    of_all = [score.log_prob for score in model.full_scores(sentence)]
    assert model.score(sentence) == pytest.approx(sum(of_all))
    assert model.score(sentence, eos=False) == pytest.approx(sum(of_all[:-1]))
    assert "w3" in model and "no-such-word" not in model and "</S>" not in model


def test_next_words_are_in_order_and_their_scores_those_of_the_words(exported):
    model, state = Model(exported[0] / "model"), State()
    model.BeginSentenceWrite(state)
    found = model.next_words(state, 5)
    assert [score for _, score in found] == sorted((score for _, score in found), reverse=True)
    for word, log_prob in found:
        if word not in ("<UNK>", "<S>"):
            assert model.BaseScore(state, word, State()) == pytest.approx(log_prob, abs=1e-5)
    assert len(model.next_words(state, 10**6)) == len(model.words)


def test_the_same_run_is_the_same_file(exported, tmp_path):
    export(exported[0] / "net", tmp_path / "again", "float32")
    assert sha256_file(tmp_path / "again") == sha256_file(exported[0] / "model")


@pytest.mark.parametrize("content", [b"", b"words", b"\0" * 100])
def test_a_file_of_another_kind_is_refused(tmp_path, content):
    (tmp_path / "model").write_bytes(content)
    with pytest.raises(UserError, match="model is damaged"):
        Model(tmp_path / "model")


def test_a_model_is_used_where_there_is_no_mxnet(exported):
    program = f"""
import sys
for name in ("mxnet", "gluonnlp", "scipy", "numba", "kenlm", "pandas", "omegaconf", "yaml"):
    sys.modules[name] = None
from lightrnn_gluon.runtime.scores import evaluate_text
from lightrnn_gluon.runtime.scorer import Model
print(Model({str(exported[0] / "model")!r}).score("w0 w1"))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert float(done.stdout) == pytest.approx(Model(exported[0] / "model").score("w0 w1"))
