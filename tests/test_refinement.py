"""Costs against a naive loop over all occurrences, and what a round does to a net in training."""

from itertools import pairwise

import mxnet as mx
import numpy as np
import pytest
from reference import lightrnn_steps
from test_models import make_net

from lightrnn_gluon.allocation import METHODS, allocate
from lightrnn_gluon.config import NetworkConfig, RefinementConfig
from lightrnn_gluon.corpus import Corpus, CorpusConfig, prepare
from lightrnn_gluon.errors import UserError
from lightrnn_gluon.moves import MOVES
from lightrnn_gluon.refinement import Refinement, accumulate, output_vectors
from lightrnn_gluon.sampling import SamplerConfig, SentenceSampler, StreamSampler
from lightrnn_gluon.sources import TextFiles
from lightrnn_gluon.systems import new_network
from lightrnn_gluon.training import Training

CPU = mx.cpu()


class Words:
    start, end = 1, 2


IDS = np.array([5, 6, 5, 2, 9, 5, 0, 3, 2, 7, 2], dtype=np.int32)
SENTENCES = [[1, 5, 6, 5, 2], [1, 9, 5, 0, 3, 2], [1, 7, 2]]


def naive_costs(net, texts):
    """Sums over all occurrences of -log P of every row, and of every column under the word's own row."""
    rows, columns = np.zeros((len(net.table), net.table.rows)), np.zeros((len(net.table), net.table.columns))
    for words in texts:
        for word, (row_log_p, column_log_p) in zip(words[1:], lightrnn_steps(net, words), strict=True):
            rows[word] -= row_log_p
            columns[word] -= column_log_p
    return rows, columns


@pytest.mark.parametrize("size", [10, 12, 16])
@pytest.mark.parametrize(
    ("sampler", "texts"),
    [
        (SentenceSampler(IDS, Words, batch_size=2, length=3), SENTENCES),
        (StreamSampler(IDS, Words, batch_size=1, length=4), [[1, *IDS]]),
    ],
    ids=["sentences", "stream"],
)
def test_accumulated_costs_equal_a_loop_over_all_occurrences(size, sampler, texts):
    net = make_net(size=size, layers=2)
    sums = accumulate(net, sampler, CPU)
    rows, columns = naive_costs(net, texts)
    np.testing.assert_array_equal(sums.rows.counts, np.bincount(IDS, minlength=size))
    found_rows, found = (costs[:] for costs in sums.costs(output_vectors(net)))
    np.testing.assert_allclose(found_rows, rows, atol=1e-4)
    # A word of the short last row has the masked columns in its normaliser, which is the same for
    # every column: what counts is the difference between columns.
    full = net.table.row_of < (net.table.rows - 1 if net.table.last_row_length < net.table.columns else 99)
    np.testing.assert_allclose(found[full], columns[full], atol=1e-4)
    short = found[~full] - found[~full][:, :1], columns[~full] - columns[~full][:, :1]
    present = np.isfinite(columns[~full]) | (columns[~full] == 0)
    np.testing.assert_allclose(short[0][present], short[1][present], atol=1e-4)
    assert np.isfinite(found).all()


def small_corpus(tmp_path) -> Corpus:
    generator = np.random.RandomState(0)
    words = [f"w{i}" for i in range(40)]
    for split, lines in (("train", 150), ("valid", 20), ("test", 20)):
        text = [" ".join(generator.choice(words, generator.randint(2, 12))) for _ in range(lines)]
        (tmp_path / f"{split}.txt").write_text("\n".join(text))
    source = TextFiles("small", {split: [tmp_path / f"{split}.txt"] for split in ("train", "valid", "test")})
    return prepare(source, tmp_path / "corpus", CorpusConfig(min_count=2))


def small_training(tmp_path, corpus, name="run", devices=(CPU,), **changes):
    settings = dict(
        system="LightRNN", model="lightrnn", hidden=12, layers=2, dropout=0.3,
        sampler=SamplerConfig("sentences", 8, 6), optimizer="adam", learning_rate=0.01,
        clip=5.0, epochs=4, rounds_after=[1, 2],
    )  # fmt: skip
    config = NetworkConfig(**{**settings, **changes})
    net = new_network(config, len(corpus.vocabulary))
    return Training(net, config, corpus, tmp_path / name, devices)


def run(training, then=lambda training: None):
    """Train to the end with all rounds; `then` comes after each epoch, and its round."""
    refinement = Refinement(training.config)
    training.run(lambda training: (refinement.after_epoch(training), then(training)), refinement.after_step)


def test_a_round_moves_words_and_says_what_it_did(tmp_path):
    training = small_training(tmp_path, small_corpus(tmp_path))
    tables = [training.net.table.cells]
    run(training, lambda training: tables.append(training.net.table.cells))
    progress = training.progress
    assert [entry["epoch"] for entry in progress.rounds] == [1, 2]
    first, second = progress.rounds
    ends = {point["epoch"]: point["valid_perplexity"] for point in progress.curve}
    assert first["valid_perplexity_before"] == ends[1]
    assert first["valid_perplexity_end"] == second["valid_perplexity_before"] == ends[2]
    assert second["valid_perplexity_end"] == ends[4]
    assert first["valid_perplexity_after"] != first["valid_perplexity_before"]
    for entry in progress.rounds:
        assert entry["bound_nats_per_token"] <= entry["cost_after_nats_per_token"] + 1e-9
        assert entry["cost_after_nats_per_token"] < entry["cost_before_nats_per_token"]
        assert 0 < entry["moved_share"] <= 1
    assert 0 < progress.reallocation_seconds < progress.train_seconds
    shares = [np.mean(before != after) for before, after in pairwise(tables)]
    assert shares == [first["moved_share"], second["moved_share"], 0, 0]


def test_the_cost_before_a_round_is_the_training_loss_of_the_present_table(tmp_path):
    corpus = small_corpus(tmp_path)
    training = small_training(tmp_path, corpus, epochs=1, rounds_after=[])
    run(training)
    net = training.net
    sums = accumulate(net, training.sampler, CPU)
    result = allocate(*sums.costs(output_vectors(net)), current=net.table.cells, method="exact")
    sentences, words = [], [corpus.vocabulary.start]
    for word in corpus.ids("train"):
        words.append(int(word))
        if word == corpus.vocabulary.end:
            sentences.append(words)
            words = [corpus.vocabulary.start]
    rows, columns = naive_costs(net, sentences)
    cells = net.table
    every = np.arange(len(cells))
    naive = rows[every, cells.row_of].sum() + columns[every, cells.column_of].sum()
    # The unmasked normaliser of words in the short last row makes the cost a little larger.
    assert result.initial_cost == pytest.approx(naive, rel=2e-2)
    assert result.initial_cost >= naive - 1e-3


def test_words_of_a_new_table_are_scored_there_at_once(tmp_path):
    training = small_training(tmp_path, small_corpus(tmp_path), epochs=1, rounds_after=[1])
    found = []
    run(training, lambda training: found.append(training.valid_perplexity()))
    assert found == [training.progress.rounds[0]["valid_perplexity_after"]]


@pytest.mark.parametrize("sampler", ["sentences", "streams"])
def test_costs_summed_up_in_training_are_those_of_a_pass_where_nothing_changes(tmp_path, sampler):
    """Without dropout, and with parameters that stand still."""
    rounds, corpus = {}, small_corpus(tmp_path)
    for costs in ("pass", "training"):
        training = small_training(
            tmp_path, corpus, costs, epochs=2, rounds_after=[1], dropout=0.0, optimizer="sgd",
            learning_rate=1e-20, sampler=SamplerConfig(sampler, 8, 6),
            refinement=RefinementConfig(costs=costs),
        )  # fmt: skip
        run(training)
        (rounds[costs],) = training.progress.rounds
    for key, value in rounds["pass"].items():
        if key != "seconds":
            assert rounds["training"][key] == pytest.approx(value, rel=1e-5), key


def test_costs_of_training_begin_anew_with_each_round(tmp_path):
    training = small_training(tmp_path, small_corpus(tmp_path), refinement=RefinementConfig(costs="training"))
    tokens, refinement = [], Refinement(training.config)
    training.run(
        lambda training: (
            tokens.append(refinement._sums.tokens if refinement._sums else 0),
            refinement.after_epoch(training),
        ),
        refinement.after_step,
    )
    whole = training.corpus.facts["train"]["tokens"]
    assert tokens == [whole, whole, 0, 0]
    assert len(training.progress.rounds) == 2
    assert 0 < training.progress.reallocation_seconds < training.progress.train_seconds


@pytest.mark.parametrize(("key", "value"), [("method", "best"), ("costs", "nowhere"), ("move", "far")])
def test_a_refinement_that_is_none_is_refused(tmp_path, key, value):
    training = small_training(tmp_path, small_corpus(tmp_path), refinement=RefinementConfig(**{key: value}))
    with pytest.raises(UserError, match=rf"refinement.{key} '{value}' is none of"):
        Refinement(training.config)


@pytest.mark.parametrize("key", ["pooling", "damping"])
def test_caution_below_nothing_is_refused(tmp_path, key):
    training = small_training(tmp_path, small_corpus(tmp_path), refinement=RefinementConfig(**{key: -0.5}))
    with pytest.raises(UserError, match=f"{key} is? ?-0.5"):
        Refinement(training.config)


def test_pooling_is_refused_where_it_would_change_nothing(tmp_path):
    settings = RefinementConfig(move="columns", pooling=2.0)
    training = small_training(tmp_path, small_corpus(tmp_path), refinement=settings)
    with pytest.raises(UserError, match="pooling changes nothing"):
        Refinement(training.config)


@pytest.mark.parametrize("move", ["columns", "rows"])
def test_a_method_is_refused_where_it_would_change_nothing(tmp_path, move):
    settings = RefinementConfig(method="regret", move=move)
    training = small_training(tmp_path, small_corpus(tmp_path), refinement=settings)
    with pytest.raises(UserError, match="always do so at the least cost"):
        Refinement(training.config)


@pytest.mark.parametrize("together", [1, 37, 10_000])
def test_occurrences_are_the_same_however_many_are_counted_together(tmp_path, monkeypatch, together):
    training = small_training(tmp_path, small_corpus(tmp_path))
    net, text, found = training.net, training.sampler, []
    for number in (1 << 14, together):
        monkeypatch.setattr("lightrnn_gluon.refinement._TOGETHER", number)
        sums = accumulate(net, text, CPU)
        found.append([sums.rows.counts, *(np.asarray(part[:]) for part in sums.costs(output_vectors(net)))])
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-3)


def test_words_with_codes_move_by_columns_alone_and_do_what_they_promise(tmp_path):
    corpus, options = small_corpus(tmp_path), {"codes": 2}
    training = small_training(tmp_path, corpus, epochs=2, rounds_after=[1], options=options)
    with pytest.raises(UserError, match="'joint': words with codes can change columns inside their rows"):
        Refinement(training.config)
    by_columns = RefinementConfig(move="columns")
    training = small_training(
        tmp_path, corpus, "columns", epochs=2, rounds_after=[1], options=options, refinement=by_columns
    )
    run(training)
    (entry,) = training.progress.rounds
    assert entry["moved_share"] > 0
    assert entry["row_nats_real"] == pytest.approx(entry["row_nats_before"], rel=1e-5)
    assert entry["column_nats_real"] <= entry["column_nats_promised"] + 1e-5
    assert entry["column_nats_promised"] < entry["column_nats_before"]


def test_columns_of_words_that_are_read_by_their_first_ones_do_what_they_promise(tmp_path):
    training = small_training(
        tmp_path, small_corpus(tmp_path), epochs=2, rounds_after=[1], options={"first_column": True},
        refinement=RefinementConfig(move="columns"),
    )  # fmt: skip
    first = training.net.table.column_of
    run(training)
    (entry,) = training.progress.rounds
    assert (training.net.table.column_of != first).mean() > 0.3
    np.testing.assert_array_equal(training.net.values()["encoder.second.first_column_of"], first)
    assert entry["row_nats_real"] == pytest.approx(entry["row_nats_before"], rel=1e-5)
    assert entry["column_nats_real"] == pytest.approx(entry["column_nats_promised"], rel=1e-5)
    assert entry["column_nats_promised"] < entry["column_nats_before"]


def test_rounds_with_caution_move_fewer_words(tmp_path):
    corpus, moved = small_corpus(tmp_path), []
    for damping in (0.0, 0.05):
        settings = RefinementConfig(pooling=2.0, damping=damping)
        training = small_training(
            tmp_path, corpus, f"damping {damping}", epochs=2, rounds_after=[1], refinement=settings
        )
        run(training)
        moved.append(training.progress.rounds[0]["moved_share"])
    assert 0 < moved[1] < moved[0]


@pytest.mark.parametrize("method", sorted(METHODS))
def test_rounds_by_every_method(tmp_path, method):
    training = small_training(
        tmp_path, small_corpus(tmp_path), epochs=2, rounds_after=[1], refinement=RefinementConfig(method)
    )
    run(training)
    (entry,) = training.progress.rounds
    assert entry["cost_after_nats_per_token"] <= entry["cost_before_nats_per_token"]


@pytest.mark.parametrize("move", sorted(MOVES))
def test_rounds_by_every_move(tmp_path, move):
    corpus, tables = small_corpus(tmp_path), []
    settings = RefinementConfig(move=move)
    training = small_training(tmp_path, corpus, epochs=2, rounds_after=[1], refinement=settings)
    tables.append(training.net.table)
    run(training, lambda training: tables.append(training.net.table))
    (entry,), (before, after, _) = training.progress.rounds, tables
    if move == "columns":
        assert np.array_equal(before.row_of, after.row_of)
    assert entry["moved_share"] == np.mean(before.cells != after.cells) > 0
    promised = entry["row_nats_promised"] + entry["column_nats_promised"]
    assert promised == pytest.approx(entry["cost_after_nats_per_token"], rel=1e-6)
    assert entry["bound_nats_per_token"] <= promised + 1e-6


def test_what_a_move_really_brings_is_the_training_loss_right_after_it(tmp_path):
    """Right after the only round, with nothing trained since."""
    corpus = small_corpus(tmp_path)
    training = small_training(tmp_path, corpus, epochs=2, rounds_after=[1], refinement=RefinementConfig())
    seen = []

    def look(training):
        if training.progress.epoch == 1:
            sums, vectors = accumulate(training.net, training.sampler, CPU), output_vectors(training.net)
            costs = [component[:] for component in sums.costs(vectors)]
            table, every = training.net.table, np.arange(len(training.net.table))
            seen.extend(
                part[every, chosen].sum() / sums.tokens
                for part, chosen in zip(costs, (table.row_of, table.column_of), strict=True)
            )

    run(training, look)
    (entry,) = training.progress.rounds
    assert seen == pytest.approx([entry["row_nats_real"], entry["column_nats_real"]], rel=1e-4)
    assert sum(seen) > entry["cost_after_nats_per_token"]  # the promise of a joint move is not kept
