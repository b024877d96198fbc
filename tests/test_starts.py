"""Tables to start from: what `spectral` finds again of what was planted."""

import numpy as np
import pytest
from nets import make_words

from lightrnn_gluon import starts
from lightrnn_gluon.errors import UserError
from lightrnn_gluon.starts import STARTS, by_vectors, codes, find_start
from lightrnn_gluon.table import WordTable
from lightrnn_gluon.word_vectors import TrainingText


def planted(rows=9, columns=9, missing=4, noise=0.1, seed=0):
    """Vectors that are a row's plus a column's and noise, the table that they were made by, and counts."""
    rng = np.random.default_rng(seed)
    table = WordTable.random(rows * columns - missing, seed)
    made = rng.normal(size=(rows, 12))[table.row_of] + 0.5 * rng.normal(size=(columns, 12))[table.column_of]
    vectors = made + noise * rng.normal(size=made.shape)
    return vectors.astype(np.float32), table, rng.integers(1, 1000, size=len(table))


def left_over(table, vectors, counts):
    """The weighted squares that the best centres leave, by least squares over all of them together."""
    size = len(table)
    design = np.zeros((size, table.rows + table.columns))
    design[np.arange(size), table.row_of] = 1
    design[np.arange(size), table.rows + table.column_of] = 1
    root = np.sqrt(counts**0.8)[:, None]
    centres = np.linalg.lstsq(root * design, root * vectors, rcond=None)[0]
    return float(((root * (vectors - design @ centres)) ** 2).sum())


@pytest.mark.parametrize("seed", range(3))
def test_what_was_planted_is_found_again(seed, monkeypatch):
    vectors, table, counts = planted(seed=seed)
    least = left_over(table, vectors, counts)
    found = []
    for rounds in (0, 1, 5):
        monkeypatch.setattr(starts, "_ROUNDS", rounds)
        found.append(left_over(by_vectors(vectors, counts), vectors, counts))
    random = left_over(WordTable.random(len(table), 99), vectors, counts)
    assert found[2] < found[1] < found[0]
    assert least < found[2] < 0.25 * random


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8, 30])
@pytest.mark.parametrize("start", sorted(STARTS))
def test_every_start_makes_a_table_of_any_size_the_same_each_time(start, size):
    ids = np.random.default_rng(size).integers(max(1, size - 2), size=200)  # some words are never seen
    table = WordTable.random(size, 5)
    words = make_words(size)
    made = STARTS[start](table, TrainingText(words, ids))
    assert sorted(made.cells) == list(range(size))
    assert np.array_equal(made.cells, STARTS[start](table, TrainingText(words, ids)).cells)
    if start != "frequency" or size < 3:
        return
    counts = np.bincount(ids, minlength=size)
    assert (np.diff(counts[np.argsort(made.cells)]) <= 0).all()


def test_words_without_a_vector_have_no_say():
    vectors, _, counts = planted()
    unknown = np.arange(len(vectors)) % 2 == 0
    vectors[unknown] = 0
    tables = [by_vectors(vectors, np.where(unknown, often, 1000 + counts)) for often in (1, 900)]
    assert np.array_equal(*(table.cells for table in tables))


def write_vectors(path, words, vectors, header=False):
    lines = [f"{len(vectors)} {vectors.shape[1]}"] if header else []
    lines += [
        " ".join([word, *map(repr, vector.tolist())]) for word, vector in zip(words, vectors, strict=True)
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.mark.parametrize("header", [False, True])
def test_a_start_from_a_file_is_that_of_its_vectors(header, tmp_path):
    vectors, table, counts = planted(missing=0)
    words = make_words(len(table))
    order = np.random.default_rng(3).permutation(len(table))
    others = [words[word] for word in order] + ["another", words[order[0]]]  # the last one a second time
    write_vectors(tmp_path / "vectors.txt", others, np.r_[vectors[order], vectors[:2]], header)
    made = find_start(str(tmp_path / "vectors.txt"))(
        table, TrainingText(words, np.repeat(np.arange(len(table)), counts))
    )
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    assert np.array_equal(made.cells, by_vectors(unit, counts).cells)


def test_words_without_a_vector_have_a_cell_too(tmp_path):
    words = make_words(30)
    write_vectors(tmp_path / "few.vec", words[:11], np.random.default_rng(0).normal(size=(11, 4)))
    made = find_start(str(tmp_path / "few.vec"))(WordTable.random(30, 1), TrainingText(words, np.arange(30)))
    assert sorted(made.cells) == list(range(30))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (b"", "has none of the vocabulary's 3 words"),
        (b"elsewhere 1 2\n", "has none of the vocabulary's 3 words"),
        (b"a 1 2\nb 1 2 3\n", "line 2 has 3 numbers, not 2"),
        (b"a 1 2\n\n", "line 2 has 0 numbers, not 2"),
        (b"a\n", "line 1 has 0 numbers, not one or more"),
        (b"a 1 two\n", "line 1: could not convert string to float: 'two'"),
        (b"a 1 nan\n", "line 1 has a number that is not finite"),
        (b"a 1 2\n\xff 1 2\n", "line 2 is not UTF-8"),
    ],
)
def test_a_file_that_holds_no_vectors_is_refused(text, complaint, tmp_path):
    (tmp_path / "v.txt").write_bytes(text)
    with pytest.raises(UserError, match=complaint):
        find_start(str(tmp_path / "v.txt"))(
            WordTable.random(3, 1), TrainingText(["a", "b", "c"], np.arange(3))
        )


def test_a_start_that_is_none_is_refused():
    with pytest.raises(
        ValueError, match="'alphabetic' is none of random, frequency, spectral, information, nor a file"
    ):
        find_start("alphabetic")


@pytest.mark.parametrize("fitted", [200, 60])  # words, all or the most frequent
def test_each_code_parts_words_that_those_before_leave_together(fitted, monkeypatch):
    monkeypatch.setattr(starts, "_FITTED", fitted)
    rng = np.random.default_rng(4)
    ids = rng.integers(200, size=20_000) * rng.integers(2, size=20_000)
    table = STARTS["spectral"](WordTable.random(200, 0), TrainingText(make_words(200), ids))
    found = codes(table, TrainingText(make_words(len(table)), ids), 4, table.columns)
    assert found.shape == (200, 4)
    assert found.min() >= 0
    assert found.max() < table.columns
    groups = [len(np.unique(np.c_[table.row_of, found[:, :number]], axis=0)) for number in range(5)]
    assert groups[0] == table.rows
    assert groups == sorted(groups)
    assert groups[4] > groups[1] > groups[0]
    assert np.array_equal(
        found[:, :2], codes(table, TrainingText(make_words(len(table)), ids), 2, table.columns)
    )


def test_more_vectors_a_code_leave_less_together():
    rng = np.random.default_rng(4)
    text = TrainingText(make_words(200), rng.integers(200, size=20_000) * rng.integers(2, size=20_000))
    table = WordTable.random(200, 0)
    few, many = (codes(table, text, 2, size) for size in (table.columns, 4 * table.columns))
    assert table.columns <= many.max() < 4 * table.columns
    assert len(np.unique(many, axis=0)) > len(np.unique(few, axis=0))


def test_codes_tell_apart_the_words_of_a_row_by_what_stands_beside_them():
    """Twelve words of four kinds; any table with all kinds in each row leaves the kinds to the code."""
    rng = np.random.default_rng(2)
    kinds = np.arange(8_000) % 4
    ids = 3 * kinds + rng.integers(3, size=len(kinds))
    every = np.arange(12)
    table = WordTable(4 * (every % 3) + every // 3)  # a word of each kind in each row
    (found,) = codes(table, TrainingText(make_words(len(table)), ids), 1, 4).T
    assert [len(set(found[3 * kind : 3 * kind + 3])) for kind in range(4)] == [1] * 4
    assert len(set(found)) == 4


def test_words_that_no_count_tells_apart_still_have_codes():
    assert np.array_equal(
        codes(WordTable(np.array([0])), TrainingText(make_words(1), np.zeros(9, int)), 3, 1), np.zeros((1, 3))
    )
    assert codes(WordTable(np.arange(5)), TrainingText(make_words(5), np.zeros(9, int)), 2, 3).max() < 3
