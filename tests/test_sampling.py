"""Samplers: every token is predicted once, after the word that precedes it, whatever the seed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from texts import make_vocabulary

from lightrnn_gluon.config import SamplerConfig
from lightrnn_gluon.errors import UserError
from lightrnn_gluon.sampling import Chunk, SentenceSampler, StreamSampler, make_sampler

VOCABULARY = make_vocabulary("abcdefgh")
SAMPLERS = pytest.mark.parametrize("sampler_class", [SentenceSampler, StreamSampler])
SEEDS = st.none() | st.integers(0, 2**31 - 1)
examples = settings(max_examples=150, deadline=None, database=None, derandomize=True)


def text_of(lengths, seed=0):
    """Ids of sentences of so many words (and their `</S>`), the words drawn at random."""
    generator = np.random.RandomState(seed)
    sentences = [[*generator.randint(3, len(VOCABULARY), length), VOCABULARY.end] for length in lengths]
    return np.concatenate(sentences).astype(np.int32)


corpora = st.lists(st.integers(1, 40), min_size=1, max_size=25).map(text_of)


def batches(chunks):
    """The chunks gathered into batches: a fresh state and all that carries it on."""
    result = []
    for chunk in chunks:
        if chunk.starts:
            result.append([])
        result[-1].append(chunk)
    return result


def spans(batch):
    """Each row's positions in the id array, over all chunks of its batch; padding is at the end alone."""
    rows = np.concatenate([chunk.positions for chunk in batch]).T
    for row in rows:
        inside = row[row >= 0]
        np.testing.assert_array_equal(inside, np.arange(inside[0], inside[0] + len(inside)))
        assert set(row[len(inside) :]) <= {-1}
        yield inside


def check_chunks(chunks, ids, batch_size, length, first_inputs):
    """What holds for both kinds; `first_inputs` maps a token's place to the word expected before it."""
    places = np.concatenate([chunk.positions[chunk.positions >= 0] for chunk in chunks])
    assert sorted(places) == list(range(len(ids)))
    for chunk in chunks:
        inside = chunk.positions >= 0
        steps, rows = chunk.positions.shape
        assert chunk.inputs.shape == chunk.targets.shape == (steps, rows)
        assert chunk.inputs.dtype == chunk.targets.dtype == np.int32
        assert 0 < steps <= length
        assert 0 < rows <= batch_size
        assert chunk.tokens == inside.sum() == chunk.mask.sum() > 0
        np.testing.assert_array_equal(chunk.mask, inside.astype(np.float32))
        np.testing.assert_array_equal(chunk.targets[inside], ids[chunk.positions[inside]])
        before = [first_inputs.get(place, ids[place - 1]) for place in chunk.positions[inside]]
        np.testing.assert_array_equal(chunk.inputs[inside], before)
        for words in (chunk.inputs, chunk.targets):  # padding is looked up in embeddings, too
            assert 0 <= words.min() <= words.max() < len(VOCABULARY)


@examples
@given(corpora, st.integers(1, 8), st.integers(1, 12), SEEDS)
def test_sentence_sampler_predicts_each_token_once_each_sentence_from_a_fresh_state(ids, batch, length, seed):
    chunks = list(SentenceSampler(ids, VOCABULARY, batch, length).epoch(seed))
    begins = [0, *np.flatnonzero(ids == VOCABULARY.end)[:-1] + 1]
    check_chunks(chunks, ids, batch, length, dict.fromkeys(begins, VOCABULARY.start))
    rows = [row for batch in batches(chunks) for row in spans(batch)]
    assert sorted(row[0] for row in rows) == begins
    for row in rows:  # the rest of a sentence, and no other sentence
        assert np.flatnonzero(ids[row] == VOCABULARY.end).tolist() == [len(row) - 1]


@examples
@given(corpora, st.integers(1, 60), st.integers(1, 12), SEEDS)
def test_stream_sampler_predicts_each_token_once_with_the_state_carried(ids, batch, length, seed):
    sampler = StreamSampler(ids, VOCABULARY, batch, length)
    chunks = list(sampler.epoch(seed))
    assert sampler.batch_size == chunks[0].targets.shape[1], "the loss is averaged over rows that are not"
    check_chunks(chunks, ids, batch, length, {0: VOCABULARY.start})
    (only,) = batches(chunks)
    rows = list(spans(only))
    assert np.concatenate(rows).tolist() == list(range(len(ids)))
    assert all(len(row) == len(rows[0]) for row in rows[:-1])


def same(chunks, others):
    return len(chunks) == len(others) and all(
        np.array_equal(one.positions, other.positions)
        and np.array_equal(one.inputs, other.inputs)
        and np.array_equal(one.targets, other.targets)
        and one.starts == other.starts
        for one, other in zip(chunks, others, strict=True)
    )


@SAMPLERS
def test_chunks_follow_from_the_seed_alone(sampler_class):
    ids = text_of(range(1, 60))

    def epoch(seed):
        np.random.rand(7)  # the global generator is never in the same state twice
        return list(sampler_class(ids, VOCABULARY, 4, 10).epoch(seed))

    for seed in (None, 0, 5):
        assert same(epoch(seed), epoch(seed))
    assert not same(epoch(0), epoch(5))
    assert not same(epoch(0), epoch(None))
    sampler = sampler_class(ids, VOCABULARY, 4, 10)
    assert same(list(sampler.epoch(5)), epoch(5))
    assert same(list(sampler.epoch(5)), epoch(5)), "an epoch depends on the one before"


@SAMPLERS
def test_sampler_leaves_numpys_global_generator_alone(sampler_class):
    np.random.seed(3)
    expected = np.random.rand(4)
    np.random.seed(3)
    list(sampler_class(text_of(range(1, 30)), VOCABULARY, 4, 10).epoch(7))
    np.testing.assert_array_equal(np.random.rand(4), expected)


def test_shuffled_sentences_meet_others():
    ids = text_of([9] * 64)

    def companies(seed):
        chunks = SentenceSampler(ids, VOCABULARY, 8, 10).epoch(seed)
        return {frozenset(chunk.positions[0]) for chunk in chunks}

    assert len(companies(1)) == 8
    assert len(companies(1) & companies(2)) <= 1


def test_shuffled_batches_do_not_come_by_length():
    sampler = SentenceSampler(text_of(range(1, 60)), VOCABULARY, 4, 70)
    lengths = [len(chunk.targets) for chunk in sampler.epoch(1)]
    assert lengths not in (sorted(lengths), sorted(lengths, reverse=True))


def test_padding_of_realistic_sentence_lengths_is_at_most_three_percent():
    lengths = np.random.RandomState(1).lognormal(3.1, 0.55, 6000).astype(int) + 1
    assert 20 < lengths.mean() < 32
    assert lengths.max() > 140
    ids = text_of(lengths)
    for batch_size in (20, 64):
        chunks = list(SentenceSampler(ids, VOCABULARY, batch_size, 70).epoch(3))
        cells = sum(chunk.positions.size for chunk in chunks)
        assert 1 - len(ids) / cells <= 0.03


def test_long_sentence_goes_on_with_carried_state_in_pieces_of_even_length():
    ids = text_of([99])
    chunks = list(SentenceSampler(ids, VOCABULARY, 4, 30).epoch(None))
    assert [chunk.starts for chunk in chunks] == [True, False, False, False]
    assert [len(chunk.targets) for chunk in chunks] == [25, 25, 25, 25]
    assert [chunk.inputs[0, 0] for chunk in chunks] == [VOCABULARY.start, ids[24], ids[49], ids[74]]


@SAMPLERS
def test_one_sentence_is_one_row_however_large_the_batch(sampler_class):
    ids = text_of([1])
    chunks = list(sampler_class(ids, VOCABULARY, 1, 30).epoch(2))
    assert np.concatenate([chunk.targets for chunk in chunks]).tolist() == [[ids[0]], [ids[1]]]
    assert sum(chunk.tokens for chunk in sampler_class(ids, VOCABULARY, 64, 30).epoch(2)) == 2


def test_fewer_tokens_than_streams_leave_no_stream_empty():
    ids = text_of([4])
    (chunk,) = StreamSampler(ids, VOCABULARY, 20, 35).epoch(None)
    assert chunk.positions.tolist() == [[0, 1, 2, 3, 4]]
    assert chunk.inputs.tolist() == [[VOCABULARY.start, *ids[:4]]]


@pytest.mark.parametrize(("kind", "expected"), [("sentences", SentenceSampler), ("streams", StreamSampler)])
def test_configuration_names_the_sampler(kind, expected):
    sampler = make_sampler(SamplerConfig(kind, batch_size=3, length=5), text_of([9] * 9), VOCABULARY)
    assert isinstance(sampler, expected)
    assert sampler.batch_size == 3
    assert max(len(chunk.targets) for chunk in sampler.epoch(1)) == 5


def test_unknown_sampler_is_refused():
    with pytest.raises(UserError, match="'bucket' is none of sentences, streams"):
        make_sampler(SamplerConfig("bucket", batch_size=3, length=5), text_of([9]), VOCABULARY)


@pytest.mark.parametrize("parts", [1, 2, 3, 5])
def test_shares_of_a_chunk_are_all_of_it_once(parts):
    positions = np.array([[0, 3, 5, -1], [1, 4, -1, -1], [2, -1, -1, -1]])
    chunk = Chunk(positions + 10, positions + 20, positions, starts=True)
    shares = [chunk.share(part, parts) for part in range(parts)]
    assert sorted(np.concatenate([s.positions[s.positions >= 0] for s in shares])) == [0, 1, 2, 3, 4, 5]
    assert sum(share.tokens for share in shares) == chunk.tokens
    for share in shares:
        assert share.positions.shape[0] == 3 and share.positions.shape[1] > 0 and share.starts
        inside = share.positions >= 0
        np.testing.assert_array_equal(share.inputs[inside], share.positions[inside] + 10)
        np.testing.assert_array_equal(share.targets[inside], share.positions[inside] + 20)
