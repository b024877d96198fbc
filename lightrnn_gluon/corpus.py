"""A prepared corpus: the vocabulary and each split's token ids, on disk and memory-mapped.

Counting rules, everywhere in this package: every word of a sentence and its closing `</S>` are
predicted tokens; `<S>` is context only and stands in no id file. A word of the text that is not in
the vocabulary, or that happens to be spelled `<S>` or `</S>`, is the unknown word `<UNK>`.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import gluonnlp
import numpy as np

from lightrnn_gluon.errors import UserError
from lightrnn_gluon.files import (
    atomic_path,
    let_go,
    locked,
    read_json,
    read_sealed,
    sha256_file,
    write_sealed,
    write_text,
)
from lightrnn_gluon.numbering import END as SENTENCE_END
from lightrnn_gluon.numbering import Numbering
from lightrnn_gluon.sources import SPLITS, Source, read_blocks

UNKNOWN, START, END = "<UNK>", "<S>", "</S>"
_BLOCK_TOKENS = 1 << 20
_AGAIN = "remove the corpus folder and prepare it again"


@dataclass
class CorpusConfig:
    """How text becomes a corpus.

    The vocabulary is the words that occur at least `min_count` times, of those the `max_words` most
    frequent (None: all); `max_train_tokens` keeps the first so many tokens (None: all).
    """

    min_count: int = 3
    max_words: int | None = None
    max_train_tokens: int | None = None


class Vocabulary:
    """Words and their ids: `<UNK>`, `<S>`, `</S>`, then words by falling frequency (gluonnlp.Vocab)."""

    def __init__(self, vocab: gluonnlp.Vocab) -> None:
        self._vocab = vocab
        self.words: list[str] = vocab.idx_to_token
        self.unknown, self.start, self.end = (vocab[word] for word in (UNKNOWN, START, END))
        self._ids = {word: i for i, word in enumerate(self.words) if word not in (START, END)}

    @classmethod
    def from_counts(
        cls, counts: Mapping[str, int], min_count: int, max_words: int | None = None
    ) -> "Vocabulary":
        """The words that occur at least `min_count` times. Raises UserError where none does."""
        vocabulary = cls(
            gluonnlp.Vocab(
                Counter(counts),
                max_size=max_words,
                min_freq=min_count,
                unknown_token=UNKNOWN,
                padding_token=None,
                bos_token=START,
                eos_token=END,
            )
        )
        if len(vocabulary) <= len((UNKNOWN, START, END)):
            raise UserError(f"no word of the training text occurs {min_count} times: use more text")
        return vocabulary

    @classmethod
    def load(cls, path: Path) -> "Vocabulary":
        """Read what `save` wrote. Raises UserError where the file is missing or damaged."""
        read_json(path)  # for its clear errors; gluonnlp parses the text itself
        try:
            return cls(gluonnlp.Vocab.from_json(path.read_text(encoding="utf-8")))
        except (AssertionError, AttributeError, KeyError, TypeError, ValueError) as error:
            raise UserError(f"{path} is no vocabulary: prepare the corpus again") from error

    def save(self, path: Path) -> None:
        """Write the vocabulary as gluonnlp's JSON."""
        write_text(path, self._vocab.to_json())

    def __len__(self) -> int:
        return len(self.words)

    def ids_of(self, numbering: Numbering) -> np.ndarray:
        """int32: the id by each number of a numbering: of a word, the unknown one's if need be, or `</S>`."""
        ids, unknown = self._ids, self.unknown
        return np.array([self.end, *(ids.get(word, unknown) for word in numbering.words())], dtype=np.int32)

    @property
    def checksum(self) -> str:
        """SHA-256 of the words in id order."""
        return hashlib.sha256("\n".join(self.words).encode("utf-8")).hexdigest()


class Corpus:
    """A folder that `prepare` wrote: `vocabulary`, `ids(split)`, and `facts` for the tables."""

    def __init__(self, directory: Path) -> None:
        """Open a corpus. Raises UserError where a file is missing or is not the one that was written."""
        self.directory = directory
        self.facts = read_sealed(directory / "corpus.json")
        self.vocabulary = Vocabulary.load(directory / "vocabulary.json")
        try:
            expected = self.facts["vocabulary"]["sha256"]
            self.checksum = self._checksum()
        except (KeyError, TypeError) as error:
            raise UserError(f"{directory}/corpus.json is damaged: {_AGAIN}") from error
        if self.vocabulary.checksum != expected:
            raise UserError(f"{directory}/vocabulary.json is not the one of this corpus: {_AGAIN}")
        for split in SPLITS:
            path = self._path(split)
            if not path.is_file() or sha256_file(path) != self.facts[split]["sha256"]:
                raise UserError(f"{path} is not the file that corpus.json describes: {_AGAIN}")

    def ids(self, split: str) -> np.ndarray:
        """Token ids (int32, read-only, memory-mapped) of `train`, `valid` or `test`."""
        return np.load(self._path(split), mmap_mode="r", allow_pickle=False)

    def _path(self, split: str) -> Path:
        return self.directory / f"{split}.ids.npy"

    def _checksum(self) -> str:
        """One SHA-256 over the vocabulary's and all id files' checksums."""
        parts = [self.facts["vocabulary"]["sha256"], *(self.facts[split]["sha256"] for split in SPLITS)]
        return hashlib.sha256("".join(parts).encode()).hexdigest()


def prepare(source: Source, directory: Path, config: CorpusConfig) -> Corpus:
    """Turn text into a corpus in `directory`, or reuse the one there if it came from the same text.

    The text is the same when the source's files have the same sizes and times of change. Raises
    UserError where the text cannot be read or has no sentence in a split.
    """
    origin = _origin(source, config)
    if any(value is not None and value < 1 for value in asdict(config).values()):
        raise UserError(f"{', '.join(asdict(config))} must be at least 1")
    with locked(directory, wait=True):
        if not _is_from(directory, origin):
            _prepare(source, directory, config, origin)
    return Corpus(directory)


def _prepare(source: Source, directory: Path, config: CorpusConfig, origin: str) -> None:
    description = directory / "corpus.json"
    numbers = {split: directory / f".{split}.numbers.npy" for split in SPLITS}
    try:
        numbering = Numbering()
        for split, path in numbers.items():
            limit = config.max_train_tokens if split == "train" else None
            _write_ids(path, _first_tokens(_numbered(source.blocks(split), numbering), limit))
            if not any(map(len, _blocks(path))):
                raise UserError(f"the {split} text of {source.name} is empty: it needs at least one sentence")
        counts = _count_words(numbers["train"], numbering)
        vocabulary = Vocabulary.from_counts(counts, config.min_count, config.max_words)
        if description.is_file():
            description.unlink()  # from here on the folder holds a mixture
        ids = vocabulary.ids_of(numbering)
        for split, path in numbers.items():
            _write_ids(directory / f"{split}.ids.npy", (ids[block] for block in _blocks(path)))
    finally:
        for path in numbers.values():
            path.unlink(missing_ok=True)
    vocabulary.save(directory / "vocabulary.json")
    facts: dict[str, Any] = {
        "name": source.name,
        "vocabulary": {"size": len(vocabulary), "sha256": vocabulary.checksum},
    }
    for split in SPLITS:
        path = directory / f"{split}.ids.npy"
        occurred = _frequencies(path, len(vocabulary))
        facts[split] = {
            "sentences": int(occurred[vocabulary.end]),
            "tokens": int(occurred.sum()),
            "unknown": int(occurred[vocabulary.unknown]),
            "sha256": sha256_file(path),
        }
    write_sealed(description, {**facts, "origin": origin})


def encode_text(path: Path, vocabulary: Vocabulary) -> np.ndarray:
    """The token ids, int32, of a text file of one sentence a line.

    Raises UserError where it cannot be read or has no sentence.
    """
    numbering = Numbering()
    numbers = [numbering.number(block) for block in read_blocks(path)]
    if not numbering.size:
        raise UserError(f"{path} is empty: it needs at least one sentence")
    return vocabulary.ids_of(numbering)[np.concatenate(numbers)]


def _is_from(directory: Path, origin: str) -> bool:
    """Whether the folder holds a corpus of this origin."""
    description = directory / "corpus.json"
    return description.is_file() and read_sealed(description).get("origin") == origin


def _origin(source: Source, config: CorpusConfig) -> str:
    """A checksum of all that the ids follow from: settings, and the source files' names, sizes and times."""
    try:
        status = {path: path.stat() for split in SPLITS for path in source.files(split)}
    except OSError as error:
        raise UserError(f"cannot read {error.filename}: {error.strerror}; check the path") from error
    files = [(str(path.resolve()), stat.st_size, stat.st_mtime_ns) for path, stat in status.items()]
    return hashlib.sha256(json.dumps([source.name, asdict(config), files]).encode()).hexdigest()


def _numbered(blocks: Iterator[bytes], numbering: Numbering) -> Iterator[np.ndarray]:
    """The numbers of each block of text, made on another thread while this one reads and writes."""
    with ThreadPoolExecutor(1) as other:
        waiting: Future[np.ndarray] | None = None
        for block in blocks:
            task = other.submit(numbering.number, block)
            if waiting:
                yield waiting.result()
            waiting = task
        if waiting:
            yield waiting.result()


def _first_tokens(blocks: Iterator[np.ndarray], limit: int | None) -> Iterator[np.ndarray]:
    """Blocks of whole sentences, and of the last one as many, until their tokens reach `limit`."""
    tokens = 0
    for block in blocks:
        if limit is not None and tokens + len(block) >= limit:
            last = limit - tokens - 1
            yield block[: last + int(np.argmax(block[last:] == SENTENCE_END)) + 1]
            return
        yield block
        tokens += len(block)


def _blocks(path: Path) -> Iterator[np.ndarray]:
    """What is in an .npy file of numbers, some at a time, in memory until the next are asked for."""
    numbers = np.load(path, mmap_mode="r", allow_pickle=False)
    for first in range(0, len(numbers), _BLOCK_TOKENS):
        yield numbers[first : first + _BLOCK_TOKENS]
        let_go(numbers)


def _frequencies(path: Path, size: int) -> np.ndarray:
    """int64 (size,): how often each number below `size` occurs in an .npy file of such."""
    counts = np.zeros(size, np.int64)
    for block in _blocks(path):
        counts += np.bincount(block, minlength=size)
    return counts


def _count_words(path: Path, numbering: Numbering) -> dict[str, int]:
    """How often each word occurs that does, by its numbers in a file."""
    counts = _frequencies(path, numbering.size + 1)[1:].tolist()
    return {word: count for word, count in zip(numbering.words(), counts, strict=True) if count}


def _write_ids(path: Path, blocks: Iterable[np.ndarray]) -> None:
    """Write the ids as one .npy file of int32, a block at a time, so that memory stays flat."""
    with atomic_path(path) as temporary, temporary.open("wb") as stream:
        _write_header(stream, 0)
        total = 0
        for block in blocks:
            stream.write(block.astype("<i4", copy=False).tobytes())
            total += len(block)
        stream.seek(0)
        _write_header(stream, total)


def _write_header(stream: Any, length: int) -> None:
    """A version 1.0 .npy header; numpy pads it, so that the final length fits where 0 stood."""
    np.lib.format.write_array_header_1_0(stream, {"descr": "<i4", "fortran_order": False, "shape": (length,)})
