"""What the word tables learned, as tables: their coherence, and the most coherent lines spelled out."""

import numpy as np

from lightrnn_gluon.coherence import (
    AXES,
    CLUSTERS,
    COMMON_LABELS,
    LIKE_FREQUENCY,
    RANDOM_TABLES,
    SUFFIX_LENGTH,
    Coherence,
    CoherentLine,
    Labelling,
    coherent_lines,
    measure,
)
from lightrnn_gluon.corpus import Vocabulary
from lightrnn_gluon.report.experiments import Group
from lightrnn_gluon.report.formatting import (
    Column,
    Record,
    Table,
    escape_markdown,
    show_integer,
    show_percent,
)
from lightrnn_gluon.table import WordTable

_LINES = 3  # of each labelling and axis, spelled out
_WORDS = 12  # of each such line
_TO_THREE_DIGITS = "{:.3f}".format

_COLUMNS = [
    Column("system", "System", str),
    Column("table", "Table", str),
    Column("axis", "Of its", str),
    Column("labelling", "Labelling", str),
    Column("words", "Words", show_integer),
    Column("labels", "Labels", show_integer),
    Column("entropy_bits", "Labels' entropy, bits", _TO_THREE_DIGITS),
    Column("information_bits", "Mutual information, bits", _TO_THREE_DIGITS),
    Column("random_mean_bits", "Random: mean", _TO_THREE_DIGITS),
    Column("random_deviation_bits", "Random: standard deviation", "{:.4f}".format),
    Column("effect_size", "Effect size, deviations", "{:.1f}".format),
    Column("ratio", "Ratio to random", "{:.2f}".format),
    Column("adjusted", "Adjusted", _TO_THREE_DIGITS),
    Column("exchanged_mean_bits", "Exchanged: mean", _TO_THREE_DIGITS),
]
_COLUMNS_OF_LINES = [
    Column("system", "System", str),
    Column("axis", "Line", str),
    Column("number", "Number", show_integer),
    Column("labelling", "Labelling", str),
    Column("score_bits", "Score, bits", "{:.2f}".format),
    Column("label", "Label", str),
    Column("share_percent", "Share of the line, %", show_percent),
    Column("share_of_all_percent", "of all words, %", show_percent),
    Column("words", "Its most frequent words", str),
]


def learned_tables(
    tables: dict[str, dict[str, WordTable]],
    group: Group,
    vocabulary: Vocabulary,
    ids: np.ndarray,
    labellings: list[Labelling],
    left_out: list[str],
) -> tuple[Table, Table]:
    """The coherence of each system's word tables, and the most coherent lines of those that were refined.

    `tables` has each system's by the time that they are of, that of its model the last; `ids`, integers
    (N,), are the training text's; `left_out` says why a labelling is not there.
    """
    counts = np.bincount(ids, minlength=len(vocabulary))
    records = [
        _record(system, time, result)
        for system, over_time in tables.items()
        for time, table in over_time.items()
        for result in measure(table, labellings, counts)
    ]
    refined = {run.system for run in group.runs if run.rounds is not None}
    lines = [
        _record_of_line(system, line)
        for system, over_time in tables.items()
        if system in refined
        for labelling in labellings
        for axis in AXES
        for line in coherent_lines(over_time["model"], vocabulary, labelling, axis, _LINES)
    ]
    notes = [*_LABELLINGS, *(f"Here {escape_markdown(reason)}." for reason in left_out)]
    about = escape_markdown(f"({group.about})")
    return (
        Table(f"Coherence of the word table {about}", _MEASURE, _COLUMNS, records, notes),
        Table(f"The most coherent lines {about}", _SCORE, _COLUMNS_OF_LINES, lines, notes),
    )


_MEASURE = (
    "Table: the one of the model and, where there are rounds and they are kept, those of the start and after "
    "each round. Measured is how many bits a word's row (or column) tells of a label that training never "
    "saw: mutual information over the vocabulary's words, each counted once however often it occurs; "
    "`<UNK>`, `<S>`, `</S>` and "
    f"words without a label are left out. Random: the same of {RANDOM_TABLES} random tables of that shape, "
    "for chance alone gives some bits. Effect size: by how many standard deviations of theirs it exceeds "
    "their mean. Adjusted: 0 for that mean, 1 for all of the labels' entropy (adjusted mutual information, "
    f"Vinh et al. 2010, normalised by the labels' entropy). Exchanged: {RANDOM_TABLES} tables like this one "
    f"in which words of like frequency, {LIKE_FREQUENCY} at a time, are exchanged at random; tables gather "
    "words of like frequency, and this is what that alone tells of the labels."
)
_SCORE = (
    f"The {_LINES} rows and columns with the highest score for each labelling. Score: the Kullback-Leibler "
    "divergence of the labels' distribution in the line from that of all words, bits; the mutual "
    "information is its mean over all lines. Lines with labels for fewer than half of their cells are left "
    "out. The label is the one that gives most of the score; its shares are of the line's words with a "
    "label and of all such words."
)
_LABELLINGS = [
    f"Suffix: the last {SUFFIX_LENGTH} letters of a word of at least {SUFFIX_LENGTH + 2}. Initial: small, "
    "capital, or all capitals. Shape: whether a word is of letters, digits, marks, or several. Part of "
    "speech: an English word's most frequent tag of the Penn Treebank's, by the lexicon of Brill's tagger "
    f"(PyPI textblob). Cluster: one of {CLUSTERS} of k-means over word vectors from counts of neighbours "
    "(word\\_vectors.py), which know nothing of the network, but are what the starts by neighbours are "
    "made of: of these it is no independent judge. A cluster is named by its most frequent word. Labels "
    f"beyond the {COMMON_LABELS} commonest of a labelling count as one.",
]


def _record(system: str, time: str, result: Coherence) -> Record:
    bits = ("entropy", "information", "random_mean", "random_deviation", "exchanged_mean")
    return {
        "system": system,
        "table": time,
        **{key: getattr(result, key) for key in ("axis", "labelling", "words", "labels")},
        **{f"{key}_bits": round(getattr(result, key), 5) for key in bits},
        **{key: round(getattr(result, key), 4) for key in ("effect_size", "ratio", "adjusted")},
    }


def _record_of_line(system: str, line: CoherentLine) -> Record:
    return {
        "system": system,
        **{key: getattr(line, key) for key in ("axis", "number", "labelling", "label")},
        "score_bits": round(line.score, 4),
        "share_percent": round(100 * line.share, 2),
        "share_of_all_percent": round(100 * line.share_of_all, 2),
        "words": " ".join(line.words[:_WORDS]),
    }
