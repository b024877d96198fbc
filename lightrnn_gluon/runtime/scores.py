"""Scores of a text's lines, printed as KenLM's `query` prints them (https://kheafield.com/code/kenlm/)."""

import json
import math
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import numpy as np

from lightrnn_gluon.errors import UserError
from lightrnn_gluon.evaluation import Evaluation, evaluate
from lightrnn_gluon.runtime.scorer import FullScore, Model
from lightrnn_gluon.sources import read_blocks


def print_scores(model: Model, stream: BinaryIO, as_json: bool, batch_size: int) -> None:
    """Print each line's scores as soon as they are known, and of all together in the end.

    Raises UserError, naming the line, where one is not UTF-8.
    """
    logs, known, unknown = 0.0, 0.0, 0
    tokens, lines = 0, _lines(stream)
    while batch := list(islice(lines, batch_size)):
        for line, scores in zip(batch, model.score_all(batch, batch_size), strict=True):
            words = [*line.split(), "</S>"]
            print(_as_json(words, scores) if as_json else _as_query(model, words, scores), flush=True)
            logs += sum(score.log_prob for score in scores)
            known += sum(score.log_prob for score in scores if not score.oov)
            unknown += sum(score.oov for score in scores)
            tokens += len(scores)
    if not as_json and tokens:
        print(f"Perplexity including OOVs:\t{10 ** (-logs / tokens)}")
        print(f"Perplexity excluding OOVs:\t{10 ** (-known / max(tokens - unknown, 1))}")
        print(f"OOVs:\t{unknown}\nTokens:\t{tokens}")


def evaluate_text(model: Model, path: Path) -> Evaluation:
    """Perplexity of a text file of one sentence a line, counted as in every table.

    Raises UserError where it cannot be read or has no sentence.
    """
    lines = (line for block in read_blocks(path) for line in block.decode("utf-8").split("\n"))
    sentences = [line for line in lines if line.split()]
    if not sentences:
        raise UserError(f"{path} is empty: it needs at least one sentence")
    scores = [score for scores in model.score_all(sentences) for score in scores]
    nll = -math.log(10) * np.array([score.log_prob for score in scores])
    return evaluate(nll, np.array([score.oov for score in scores]), unknown=True)


def _lines(stream: BinaryIO) -> Iterator[str]:
    for number, line in enumerate(stream, start=1):
        try:
            yield line.decode("utf-8")
        except UnicodeDecodeError as error:
            raise UserError(f"line {number} is not UTF-8: convert it, for example with iconv") from error


def _as_query(model: Model, words: list[str], scores: list[FullScore]) -> str:
    cells = [
        f"{word}={model.number(word)} {place} {score.log_prob:.7g}"
        for place, (word, score) in enumerate(zip(words, scores, strict=True), start=2)
    ]
    total = sum(score.log_prob for score in scores)
    return "\t".join([*cells, f"Total: {total:.7g} OOV: {sum(score.oov for score in scores)}"])


def _as_json(words: list[str], scores: list[FullScore]) -> str:
    return json.dumps(
        {
            "log10": sum(score.log_prob for score in scores),
            "oov": sum(score.oov for score in scores),
            "words": [[word, score.log_prob] for word, score in zip(words, scores, strict=True)],
        },
        ensure_ascii=False,
    )
