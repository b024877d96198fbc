"""What a word table tells of labels: against enumeration, exact expectations and tables made of labels."""

import math
from collections import Counter

import numpy as np
import pytest
from report_runs import make_words
from scipy.stats import hypergeom
from texts import make_vocabulary

from lightrnn_gluon.coherence import (
    CLUSTERS,
    Labelling,
    coherent_lines,
    find_labellings,
    measure,
    mutual_information,
)
from lightrnn_gluon.table import WordTable

SIDE = 12
SIZE = SIDE * SIDE
FALLING = np.arange(SIZE, 0, -1)  # counts of words, no two alike


def by_enumeration(first, second):
    """Mutual information, bits, pair by pair."""
    pairs, total = Counter(zip(first, second, strict=True)), len(first)
    left, right = Counter(first), Counter(second)
    return sum(n / total * math.log2(n * total / (left[a] * right[b])) for (a, b), n in pairs.items())


def expected_at_random(first, second):
    """The exact mean over all ways to shuffle one of the two (Vinh et al. 2010): hypergeometric counts."""
    total, mean = len(first), 0.0
    for a in Counter(first).values():
        for b in Counter(second).values():
            for n in range(max(1, a + b - total), min(a, b) + 1):
                mean += hypergeom.pmf(n, total, a, b) * n / total * math.log2(n * total / (a * b))
    return mean


def random_labels(labels, left_out=0):
    label_of = np.random.RandomState(99).permutation(np.arange(SIZE) % labels)
    label_of[:left_out] = -1
    return Labelling("random", [f"l{i}" for i in range(labels)], label_of)


@pytest.mark.parametrize("seed", range(5))
def test_mutual_information_is_that_of_enumeration(seed):
    chooser = np.random.RandomState(seed)
    first, second = chooser.randint(0, 5, 60), chooser.randint(0, 9, 60)
    assert mutual_information(first, second) == pytest.approx(by_enumeration(first, second), abs=1e-12)


def test_mutual_information_of_known_cases():
    cells = np.arange(20)
    assert mutual_information(cells // 5, cells % 5) == pytest.approx(0, abs=1e-12)
    assert mutual_information(cells // 5, cells // 5) == pytest.approx(2)
    # One of two fair bits is copied three times of four: 1 - H(1/4).
    copied = mutual_information(np.array([0, 0, 0, 0, 1, 1, 1, 1]), np.array([0, 0, 0, 1, 1, 1, 1, 0]))
    assert copied == pytest.approx(1 + 0.25 * math.log2(0.25) + 0.75 * math.log2(0.75))


def test_a_table_made_of_labels_tells_all_in_its_rows_and_less_than_chance_in_its_columns():
    labelling = random_labels(SIDE)
    by_label = np.argsort(np.argsort(labelling.label_of, kind="stable"))
    rows, columns = measure(WordTable(by_label), [labelling], FALLING)
    assert (rows.axis, columns.axis, rows.words, rows.labels) == ("row", "column", SIZE, SIDE)
    assert rows.information == pytest.approx(math.log2(SIDE)) == rows.entropy
    assert rows.adjusted == pytest.approx(1) and rows.effect_size > 20
    assert columns.information == pytest.approx(0, abs=1e-12)
    assert columns.adjusted < 0 and columns.effect_size < -10


@pytest.mark.parametrize("seed", range(8))
def test_a_random_table_tells_no_more_than_chance(seed):
    for result in measure(WordTable.random(SIZE, seed), [random_labels(7)], FALLING):
        assert abs(result.effect_size) < 4 and abs(result.adjusted) < 0.1
        assert result.ratio == result.information / result.random_mean


@pytest.mark.parametrize("labels, left_out", [(3, 0), (7, 50)])
def test_random_tables_have_the_exact_mean(labels, left_out):
    labelling = random_labels(labels, left_out=left_out)
    table = WordTable.random(SIZE, 5)
    known = labelling.label_of >= 0
    rows, _ = measure(table, [labelling], FALLING)
    assert rows.words == SIZE - left_out
    assert rows.information == pytest.approx(by_enumeration(table.row_of[known], labelling.label_of[known]))
    # Words left out leave rows unequally full, by chance: the mean is over that, too.
    drawn = [WordTable.random(SIZE, seed).row_of[known] for seed in range(10)]
    expected = np.mean([expected_at_random(row_of, labelling.label_of[known]) for row_of in drawn])
    assert rows.random_mean == pytest.approx(expected, abs=5 * rows.random_deviation / math.sqrt(100))


def test_what_frequency_alone_tells_stands_beside_it():
    """Labels that follow the frequency: nearly all stays when words of like frequency are exchanged."""
    counts = np.random.RandomState(99).permutation(SIZE)
    by_rank = Labelling("rank", [str(i) for i in range(SIDE)], np.argsort(np.argsort(-counts)) // SIDE)
    rows, columns = measure(WordTable(np.argsort(np.argsort(-counts))), [by_rank], counts)
    assert rows.information == pytest.approx(rows.entropy)
    assert 0.6 * rows.entropy < rows.exchanged_mean < rows.entropy
    assert columns.information == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("counts", [np.full(SIZE, 3), np.random.RandomState(98).permutation(SIZE)])
def test_what_is_not_frequency_goes_with_the_exchange(counts):
    """Labels, and with them rows, in the vocabulary's order, which is the alphabet's among equals."""
    labelling = Labelling("first letter", [str(i) for i in range(SIDE)], np.arange(SIZE) // SIDE)
    rows, _ = measure(WordTable(np.arange(SIZE)), [labelling], counts)
    assert rows.information == pytest.approx(rows.entropy)
    assert rows.exchanged_mean == pytest.approx(rows.random_mean, rel=0.25)


def test_scores_of_all_lines_make_up_the_information():
    labelling = random_labels(5)
    vocabulary = make_words([f"w{i}" for i in range(SIZE - 3)])
    table = WordTable.random(SIZE, 1)
    for axis, of_word in (("row", table.row_of), ("column", table.column_of)):
        lines = coherent_lines(table, vocabulary, labelling, axis, SIZE)
        assert len(lines) == SIDE and len({line.number for line in lines}) == SIDE
        assert [line.score for line in lines] == sorted((line.score for line in lines), reverse=True)
        total = sum(line.score for line in lines) / SIDE
        assert total == pytest.approx(by_enumeration(of_word, labelling.label_of))


def test_the_most_coherent_line_is_spelled_out():
    """Row 2 has words of one label, but for its last cell; the others are mixed."""
    label_of = np.tile([0, 1, 2], SIZE // 3)
    chosen = np.append(np.flatnonzero(label_of == 0)[: SIDE - 1], 1)
    others = np.setdiff1d(np.arange(SIZE), chosen)
    word_in = np.concatenate([others[: 2 * SIDE], chosen, others[2 * SIDE :]])
    vocabulary = make_words([f"w{i}" for i in range(SIZE - 3)])
    labelling = Labelling("x", ["a", "b", "c"], label_of)
    (line,) = coherent_lines(WordTable(np.argsort(word_in)), vocabulary, labelling, "row", 1)
    assert (line.number, line.label, line.labelling, line.axis) == (2, "a", "x", "row")
    assert line.share == pytest.approx(11 / 12) and line.share_of_all == pytest.approx(1 / 3)
    assert line.score == pytest.approx(11 / 12 * math.log2(11 / 4) + 1 / 12 * math.log2(1 / 4))
    assert line.words == [vocabulary.words[i] for i in chosen[:-1]]


def test_lines_with_few_labels_are_not_ranked():
    """A row with one labelled word would score highest."""
    label_of = np.where(np.arange(SIZE) < SIDE, -1, np.arange(SIZE) % 3)
    label_of[0] = 3
    labelling = Labelling("x", ["a", "b", "c", "d"], label_of)
    vocabulary = make_words([f"w{i}" for i in range(SIZE - 3)])
    lines = coherent_lines(WordTable(np.arange(SIZE)), vocabulary, labelling, "row", SIZE)
    assert 0 not in {line.number for line in lines}


ENGLISH = """
the a this that of in with from government country people citizens nation banks taxes laws courts peace
make take give provide maintain restore made taken given provided restored making taking giving ended
great public national foreign domestic rapidly fully truly only never Congress Senate Britain France
March April May NATO USA Spain Cuba Texas 1790 1812 1900 25 , . ; - well-known 1st don't
"""
FRENCH = """
le la les des une dans pour avec fichier fichiers commande répertoire affiche utilise nouveau toujours
être avoir faire aller Bonjour Paris numéro chaîne paramètres appelé définie également octets lorsque
"""


@pytest.fixture(scope="module")
def english():
    vocabulary = make_vocabulary(ENGLISH.split())
    ids = np.random.RandomState(0).randint(3, len(vocabulary), 2000)
    labellings, left_out = find_labellings(vocabulary, ids)
    return vocabulary, {labelling.name: labelling for labelling in labellings}, left_out


@pytest.mark.parametrize(
    "name, word, label",
    [
        ("suffix", "making", "ng"), ("suffix", "provided", "ed"), ("suffix", "Britain", "in"),
        ("suffix", "the", None), ("suffix", "1790", None), ("suffix", "don't", None),
        ("initial", "people", "small"), ("initial", "Congress", "capital"),
        ("initial", "NATO", "all capitals"), ("initial", "a", "small"), ("initial", "1st", None),
        ("initial", ",", None),
        ("shape", "people", "letters"), ("shape", "1790", "digits"), ("shape", ";", "marks"),
        ("shape", "1st", "letters and digits"), ("shape", "well-known", "letters and marks"),
        ("part of speech", "the", "DT"), ("part of speech", "making", "VBG"),
        ("part of speech", "rapidly", "RB"), ("part of speech", "Britain", "NNP"),
        ("part of speech", "1812", None), ("part of speech", "citizens", "NNS"),
    ],
)  # fmt: skip
def test_labels_of_words(english, name, word, label):
    vocabulary, labellings, _ = english
    number = labellings[name].label_of[vocabulary.words.index(word)]
    assert (labellings[name].labels[number] if number >= 0 else None) == label


def test_special_words_have_no_label(english):
    vocabulary, labellings, left_out = english
    assert left_out == [] and list(labellings) == ["suffix", "initial", "shape", "part of speech", "cluster"]
    for labelling in labellings.values():
        assert (labelling.label_of[[vocabulary.unknown, vocabulary.start, vocabulary.end]] == -1).all()
        assert len(labelling.label_of) == len(vocabulary)
    assert len(set(labellings["cluster"].label_of) - {-1}) <= CLUSTERS


def test_another_language_has_no_part_of_speech():
    vocabulary = make_vocabulary(FRENCH.split())
    labellings, left_out = find_labellings(vocabulary, np.arange(3, len(vocabulary)).repeat(3))
    assert "part of speech" not in {labelling.name for labelling in labellings}
    assert any(note.startswith("part of speech is left out: the English lexicon knows") for note in left_out)
    # None of these words but two is capital, none has a digit.
    assert {note.split(" is ")[0] for note in left_out} >= {"initial", "shape"}


def test_clusters_are_of_words_in_the_same_places():
    """Sixty words, ten kinds: each kind stands between two marks of its own."""
    vocabulary = make_words([f"w{i}" for i in range(80)])
    chooser = np.random.RandomState(0)
    kinds = chooser.randint(0, 10, 3000)
    words = 23 + 6 * kinds + chooser.randint(0, 6, 3000)
    ids = np.stack([3 + kinds, words, 13 + kinds], axis=1).ravel()
    labellings, _ = find_labellings(vocabulary, ids)
    (clusters,) = [labelling for labelling in labellings if labelling.name == "cluster"]
    found, kinds = clusters.label_of[23:83], np.arange(60) // 6
    assert found.min() >= 0 and by_enumeration(found, kinds) > 0.95 * math.log2(10)
    for number, label in enumerate(clusters.labels[:-1]):
        assert label == f"like {vocabulary.words[np.flatnonzero(clusters.label_of == number)[0]]}"


def test_a_vocabulary_of_three_words_has_nothing_to_measure():
    vocabulary = make_vocabulary(["x", "y", "z"])
    labellings, left_out = find_labellings(vocabulary, np.array([3, 4, 5, 2]))
    assert labellings == [] and len(left_out) == 5
    assert measure(WordTable.random(6, 0), labellings, np.ones(6)) == []
