"""Word vectors in text files as word2vec, GloVe and fastText write them: a word and its numbers a line."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from lightrnn_gluon.errors import UserError


def read_vectors(path: Path, words: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """float32 (V, D), the words' vectors, zero where the file has none; bool (V,), whether it has.

    A first line of two integers, how many words and numbers there are, may be there. Of a word that comes
    twice the first counts. The file is read line by line, and nothing kept of words that are not asked for.

    Raises UserError, naming the line, where the file cannot be read, is not UTF-8, or has a line that is no
    word with as many finite numbers as the others; and where it has none of the words.
    """
    numbers = {word: number for number, word in enumerate(words)}
    vectors, found = np.zeros((len(words), 0), np.float32), np.zeros(len(words), bool)
    try:
        with path.open("rb") as stream:
            for place, line in enumerate(stream, start=1):
                word, *texts = line.decode("utf-8").rstrip().split(" ")
                if place == 1 and len(texts) == 1:
                    continue
                if not vectors.shape[1]:
                    vectors = np.zeros((len(words), len(texts)), np.float32)
                if len(texts) != (size := vectors.shape[1]) or not texts:
                    raise UserError(
                        f"{path}, line {place} has {len(texts)} numbers, not {size or 'one or more'}: "
                        "hand in a text file of a word and its vector a line, separated by single spaces"
                    )
                number = numbers.get(word)
                if number is None or found[number]:
                    continue
                vectors[number] = _numbers(texts, f"{path}, line {place}")
                found[number] = True
    except UnicodeDecodeError as error:
        raise UserError(f"{path}, line {place} is not UTF-8: hand in the vectors as text") from error
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}; check the path") from error
    if not found.any():
        raise UserError(f"{path} has none of the vocabulary's {len(words)} words: it is of another language?")
    return vectors, found


def _numbers(texts: list[str], where: str) -> np.ndarray:
    try:
        vector = np.array(texts, np.float32)
    except ValueError as error:
        raise UserError(f"{where}: {error}") from error
    if not np.isfinite(vector).all():
        raise UserError(f"{where} has a number that is not finite")
    return vector
