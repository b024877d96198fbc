"""What a word table has learned: how much a word's row, or column, tells of labels that it never saw.

The measure is mutual information over the vocabulary's words, each counted once however often it
occurs, `<UNK>`, `<S>` and `</S>` left out, against that of random tables of the same shape and, since
tables sort words by frequency, too, that of tables that have only this in common with the one measured.
"""

import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from itertools import product

import numpy as np
from scipy.cluster.vq import kmeans2

from lightrnn_gluon.corpus import Vocabulary
from lightrnn_gluon.table import WordTable
from lightrnn_gluon.word_vectors import TrainingText

RANDOM_TABLES = 100  # of either kind
LIKE_FREQUENCY = 10  # words of neighbouring frequency that are exchanged with each other
CLUSTERS = 30
COMMON_LABELS = 40  # of a labelling; its other labels are one, "other"
SUFFIX_LENGTH = 2  # letters
LEXICON_COVERAGE = 0.5  # of the words made of letters: below it, the text is taken for another language
AXES = ("row", "column")
_MINORITY = 10  # words outside the commonest label, at least: fewer tell nothing
_FIRST_SEED = 1 << 20  # of the random tables: none that a run would take for its own


@dataclass(frozen=True)
class Labelling:
    """One label a word, independent of any table.

    Attributes:
        name: what it goes by.
        labels: the labels' names, the commonest first, then "other".
        label_of: int64 (V,), each word's label, -1 for a word that is left out.
    """

    name: str
    labels: list[str]
    label_of: np.ndarray


@dataclass(frozen=True)
class Coherence:
    """What the `axis` (row or column) of `words` words tells of their label; sizes in bits a word.

    `entropy` is the labels' own, `information` the table's, `random_mean` and `random_deviation` are of
    the information in random tables, `exchanged_mean` of that in tables like this one, but with words of
    like frequency exchanged at random: what sorting by frequency alone gives.
    """

    labelling: str
    axis: str
    words: int
    labels: int
    entropy: float
    information: float
    random_mean: float
    random_deviation: float
    exchanged_mean: float

    @property
    def effect_size(self) -> float:
        """By how many standard deviations of random tables the information exceeds their mean."""
        return (self.information - self.random_mean) / self.random_deviation

    @property
    def ratio(self) -> float:
        """The information over random tables' mean."""
        return self.information / self.random_mean

    @property
    def adjusted(self) -> float:
        """0 for what random tables have on average, 1 for all that there is to know.

        The adjusted mutual information of Vinh et al. 2010, normalised by the labels' entropy.
        """
        return (self.information - self.random_mean) / (self.entropy - self.random_mean)


@dataclass(frozen=True)
class CoherentLine:
    """A row or column whose labels differ much from the vocabulary's.

    Attributes:
        labelling: the labelling's name.
        axis: row or column.
        number: which one.
        score: the Kullback-Leibler divergence, bits, of its labels' distribution from that of all
            words: its own part in the mutual information.
        label: the label that gives most of the score.
        share: the label's share of the line's words.
        share_of_all: the label's share of all words.
        words: the line's words with that label, the most frequent first.
    """

    labelling: str
    axis: str
    number: int
    score: float
    label: str
    share: float
    share_of_all: float
    words: list[str]


def find_labellings(vocabulary: Vocabulary, ids: np.ndarray) -> tuple[list[Labelling], list[str]]:
    """All labellings that mean something for these words, and a line for each of the others.

    `ids`, integers (N,), are the training text's.
    """
    special = {vocabulary.unknown, vocabulary.start, vocabulary.end}
    words = ["" if i in special else word for i, word in enumerate(vocabulary.words)]
    ways = [("suffix", _suffix), ("initial", _initial), ("shape", _shape)]
    found = [_label(name, [label(word) for word in words]) for name, label in ways]
    lexicon, letters = _read_lexicon(), [word for word in words if word.isalpha()]
    covered = sum(_part_of_speech(word, lexicon) is not None for word in letters) / max(1, len(letters))
    notes = []
    if covered >= LEXICON_COVERAGE:
        found.append(_label("part of speech", [_part_of_speech(word, lexicon) for word in words]))
    else:
        notes.append(
            f"part of speech is left out: the English lexicon knows {100 * covered:.0f} % of the words "
            f"made of letters, fewer than {100 * LEXICON_COVERAGE:.0f} %"
        )
    found.append(_label("cluster", _clusters(words, TrainingText(words, ids).vectors)))
    telling = [labelling for labelling in found if _minority(labelling) >= _MINORITY]
    notes += [
        f"{labelling.name} is left out: fewer than {_MINORITY} words are outside its commonest label"
        for labelling in found
        if labelling not in telling
    ]
    return telling, notes


def measure(table: WordTable, labellings: list[Labelling], counts: np.ndarray) -> list[Coherence]:
    """The coherence of rows and of columns for each labelling, against RANDOM_TABLES random tables.

    `counts`, integers (V,): how often each word occurs in training.
    """
    seeds = range(_FIRST_SEED, _FIRST_SEED + RANDOM_TABLES)
    own = _information(table, labellings)
    others = [_information(WordTable.random(len(table), seed), labellings) for seed in seeds]
    exchanged = [_information(_exchanged(table, counts, seed), labellings) for seed in seeds]
    means, deviations = np.mean(others, axis=0), np.std(others, axis=0, ddof=1)
    exchanged_means = np.mean(exchanged, axis=0)
    results = []
    for number, (labelling, axis) in enumerate(product(labellings, AXES)):
        labels = np.bincount(labelling.label_of[labelling.label_of >= 0])
        results.append(
            Coherence(
                labelling.name, axis, int(labels.sum()), len(labels), _entropy(labels),
                own[number], float(means[number]), float(deviations[number]), float(exchanged_means[number]),
            )
        )  # fmt: skip
    return results


def _information(table: WordTable, labellings: list[Labelling]) -> list[float]:
    """The mutual information, bits, of each labelling with the rows and with the columns."""
    results = []
    for labelling in labellings:
        known = labelling.label_of >= 0
        for axis in AXES:
            results.append(mutual_information(_lines(table, axis)[known], labelling.label_of[known]))
    return results


def _exchanged(table: WordTable, counts: np.ndarray, seed: int) -> WordTable:
    """The table with words of like frequency in each other's cells, drawn at random."""
    chooser = np.random.RandomState(seed)
    by_frequency = np.lexsort((chooser.permutation(len(table)), -counts))  # equals in random order
    bands = np.arange(len(table)) // LIKE_FREQUENCY
    cells = np.empty_like(table.cells)
    cells[by_frequency[np.lexsort((chooser.permutation(len(table)), bands))]] = table.cells[by_frequency]
    return WordTable(cells)


def coherent_lines(
    table: WordTable, vocabulary: Vocabulary, labelling: Labelling, axis: str, count: int
) -> list[CoherentLine]:
    """The `count` lines with the highest score, among those with labels for half of their cells."""
    known = np.flatnonzero(labelling.label_of >= 0)
    lines = _lines(table, axis)
    counts = _crosstab(lines[known], labelling.label_of[known])
    sizes, of_all = counts.sum(axis=1), counts.sum(axis=0) / len(known)
    shares = counts / np.maximum(sizes, 1)[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = np.nan_to_num(shares * np.log2(shares / of_all))
    full = table.columns if axis == "row" else table.rows
    scores = np.where(sizes >= full / 2, parts.sum(axis=1), -np.inf)
    best = [int(line) for line in np.argsort(-scores, kind="stable")[:count] if scores[line] > 0]
    results = []
    for line in best:
        label = int(parts[line].argmax())
        words = np.flatnonzero((lines == line) & (labelling.label_of == label))  # numbered by frequency
        results.append(
            CoherentLine(
                labelling.name, axis, line, float(scores[line]), labelling.labels[label],
                float(shares[line, label]), float(of_all[label]), [vocabulary.words[i] for i in words],
            )
        )  # fmt: skip
    return results


def mutual_information(first: np.ndarray, second: np.ndarray) -> float:
    """The mutual information, bits, of two labels (N,), integers from 0, over N items of equal weight."""
    joint = _crosstab(first, second)
    return _entropy(joint.sum(axis=1)) + _entropy(joint.sum(axis=0)) - _entropy(joint.ravel())


def _crosstab(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """int64: how many items have each pair of labels."""
    rows, columns = int(first.max()) + 1, int(second.max()) + 1
    cells = first.astype(np.int64) * columns + second
    return np.bincount(cells, minlength=rows * columns).reshape(rows, columns)


def _entropy(counts: np.ndarray) -> float:
    """The entropy, bits, of the distribution with these counts."""
    shares = counts[counts > 0] / counts.sum()
    return float(-(shares * np.log2(shares)).sum())


def _lines(table: WordTable, axis: str) -> np.ndarray:
    return table.row_of if axis == "row" else table.column_of


def _label(name: str, labels: list[str | None]) -> Labelling:
    """A labelling from each word's label, None for a word without one."""
    common = [label for label, _ in Counter(filter(None, labels)).most_common(COMMON_LABELS)]
    numbers = {label: number for number, label in enumerate(common)}
    label_of = np.array([-1 if label is None else numbers.get(label, len(common)) for label in labels])
    return Labelling(name, [*common, "other"], label_of)


def _minority(labelling: Labelling) -> int:
    """How many words have another label than the commonest."""
    counts = np.bincount(labelling.label_of[labelling.label_of >= 0], minlength=1)
    return int(counts.sum() - counts.max())


def _suffix(word: str) -> str | None:
    """The last letters of a word that has more than these."""
    return word[-SUFFIX_LENGTH:].lower() if word.isalpha() and len(word) > SUFFIX_LENGTH + 1 else None


def _initial(word: str) -> str | None:
    """Small, capital, or all capitals, for a word that begins with a letter of either kind."""
    if not word or word[0].lower() == word[0].upper():
        return None
    if word[0].islower():
        return "small"
    return "all capitals" if len(word) > 1 and word.isupper() else "capital"


def _shape(word: str) -> str | None:
    """What a word is made of."""
    kinds: list[tuple[str, Callable[[str], bool]]] = [
        ("letters", str.isalpha),
        ("digits", str.isnumeric),
        ("marks", lambda c: not c.isalnum()),
    ]
    return " and ".join(kind for kind, is_of in kinds if any(is_of(c) for c in word)) or None


def _read_lexicon() -> dict[str, str]:
    """Each English word's most frequent tag of the Penn Treebank's: Brill's lexicon, as TextBlob has it."""
    (file,) = [f for f in metadata.files("textblob") or [] if f.name == "en-lexicon.txt"]
    lines = [line.split() for line in file.read_text().splitlines() if not line.startswith(";;;")]
    return {line[0]: line[1].split("|")[0] for line in lines if len(line) > 1}


def _part_of_speech(word: str, lexicon: dict[str, str]) -> str | None:
    return lexicon.get(word) or lexicon.get(word.lower())


def _clusters(words: list[str], vectors: np.ndarray) -> list[str | None]:
    """Each word's cluster among k-means' of the word vectors, by its most frequent word."""
    seen = [i for i, word in enumerate(words) if word and vectors[i].any()]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="One of the clusters is empty")
        _, clusters = kmeans2(vectors[seen], min(CLUSTERS, len(seen)), iter=30, minit="++", seed=1)
    names: dict[int, str] = {}
    labels: list[str | None] = [None] * len(words)
    for i, cluster in zip(seen, clusters, strict=True):
        labels[i] = names.setdefault(int(cluster), f"like {words[i]}")
    return labels
