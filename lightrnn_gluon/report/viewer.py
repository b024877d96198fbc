"""A page that shows a word table: one file, no network, to be opened in a browser."""

import base64
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lightrnn_gluon.coherence import AXES, CoherentLine, coherent_lines, find_labellings
from lightrnn_gluon.corpus import Corpus, Vocabulary
from lightrnn_gluon.errors import UserError
from lightrnn_gluon.files import write_text
from lightrnn_gluon.report.finished import Run, read_run, read_table, tables_over_rounds
from lightrnn_gluon.report.formatting import printable
from lightrnn_gluon.table import WordTable

_TEMPLATE = Path(__file__).with_name("viewer.html")
_WORDS_OF_LINE, _LINES = 12, 3  # how many of each labelling's


def write_page(run: Path, path: Path, corpus: Path | None) -> None:
    """Write the page of a finished run; with its corpus, words' counts and lines of like words are on it.

    Raises UserError where the run has no table, its files are damaged, or the corpus is another's.
    """
    row, tables, vocabulary = _read(run)
    counts, lines = None, []
    if corpus is not None:
        known = Corpus(corpus)
        if known.checksum != row.metrics["corpus_sha256"]:
            raise UserError(f"{corpus} is not the corpus that {run} was trained on")
        ids = known.ids("train")
        counts = np.bincount(ids, minlength=len(vocabulary))
        labellings, _ = find_labellings(vocabulary, ids)
        lines = [
            line
            for labelling in labellings
            for axis in AXES
            for line in coherent_lines(tables["model"], vocabulary, labelling, axis, _LINES)
        ]
    title = f"{row.system}: the word table of {row.metrics['corpus']['name']}"
    write_text(path, viewer_page(printable(title), vocabulary.words, tables, counts, lines))


def print_rows(run: Path) -> None:
    """Print the words of each row, the most frequent first."""
    _, tables, vocabulary = _read(run)
    for row in tables["model"].words():
        print(_listed(row, vocabulary))


def print_word(run: Path, word: str) -> None:
    """Print a word's row and its column, with their words. Raises UserError where it is not there."""
    _, tables, vocabulary = _read(run)
    if word not in vocabulary.words:
        raise UserError(f"{word!r} is not in the vocabulary of {run}")
    number, table = vocabulary.words.index(word), tables["model"]
    row, column = table.row_of[number], table.column_of[number]
    print(f"row {row}: {_listed(table.words()[row], vocabulary)}")
    print(f"column {column}: {_listed(table.words()[:, column], vocabulary)}")


def _read(run: Path) -> tuple[Run, dict[str, WordTable], Vocabulary]:
    """A run with its tables, that of its `model` the last, and its words."""
    row = read_run(run)
    if not row.metrics["table_integers"] or row.metrics["kind"] != "network":
        raise UserError(f"{run} is a {row.system}, which has no word table")
    table, vocabulary = read_table(row)
    return row, tables_over_rounds(row, table), vocabulary


def _listed(words: np.ndarray, vocabulary: Vocabulary) -> str:
    return " ".join(printable(vocabulary.words[word]) for word in sorted(words) if word >= 0)


def viewer_page(
    title: str,
    words: Sequence[str],
    tables: Mapping[str, WordTable],
    counts: np.ndarray | None,
    lines: Sequence[CoherentLine],
) -> str:
    """The page of a run's tables, by when they were, the last one being the one that it shows first.

    `counts`, integers (V,), are how often each word occurs, if that is known; `lines` are listed. Words are
    data on the page and text on the screen, whatever they are.
    """
    columns = next(iter(tables.values())).columns
    data = {
        "title": title,
        "columns": columns,
        "words": [printable(word) for word in words],
        "tables": [{"name": name, "cells": _integers(table.cells)} for name, table in tables.items()],
        "counts": None if counts is None else _integers(counts),
        "lines": [_line(line) for line in lines],
    }
    # Inside of a script element nothing but "<" could end it, or begin a comment.
    text = json.dumps(data, ensure_ascii=True).replace("<", "\\u003c")
    return _TEMPLATE.read_text(encoding="utf-8").replace("@DATA@", text)


def _integers(values: np.ndarray) -> str:
    """As the page reads them: int32, little-endian, in base64."""
    return base64.b64encode(values.astype("<i4").tobytes()).decode()


def _line(line: CoherentLine) -> dict[str, Any]:
    words = [printable(word) for word in line.words[:_WORDS_OF_LINE]]
    return {
        "axis": line.axis,
        "number": line.number,
        "label": printable(f"{line.labelling} {line.label}"),
        "share": line.share,
        "words": words,
    }
