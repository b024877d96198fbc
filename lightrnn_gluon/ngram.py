"""Modified Kneser-Ney n-grams by KenLM (Heafield et al. 2013), on the tokens that the nets predict."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import kenlm
import numpy as np

from lightrnn_gluon.corpus import Vocabulary
from lightrnn_gluon.environment import program_path
from lightrnn_gluon.errors import UserError
from lightrnn_gluon.files import atomic_path

_ORDERS = range(2, 7)
# lmplz touches its share of memory at once, however short the text; texts up to this many tokens get less.
_SMALL_TEXT = 5_000_000
# KenLM takes these for its own, in either case; `<UNK>` in particular would be outside its vocabulary.
_RESERVED = {"<s>", "</s>", "<unk>"}


def kenlm_word(word: str) -> str:
    """The word as KenLM is shown it: a backslash in front of what it reserves, and of backslashes."""
    return "\\" + word if word.lower() in _RESERVED or word.startswith("\\") else word


def sentences_for_kenlm(ids: np.ndarray, vocabulary: Vocabulary) -> Iterator[str]:
    """Each sentence of the id array as a line without `</S>`, which KenLM adds itself."""
    words = [kenlm_word(word) for word in vocabulary.words]
    begin = 0
    for end in np.flatnonzero(ids == vocabulary.end):
        yield " ".join(words[i] for i in ids[begin:end])
        begin = end + 1


class Ngram:
    """A KenLM binary file; its order is the file's."""

    def __init__(self, path: Path, vocabulary: Vocabulary) -> None:
        """Load a model. Raises UserError where the file is missing or no KenLM binary."""
        try:
            self._model = kenlm.Model(str(path))
        except (OSError, RuntimeError) as error:
            raise UserError(f"{path} is missing or damaged: remove it and estimate it again") from error
        self._vocabulary = vocabulary

    def token_nll(self, ids: np.ndarray) -> np.ndarray:
        """Each token's negative log-likelihood in nats, float32 (len(ids),), `</S>` included."""
        log10 = [
            score
            for sentence in sentences_for_kenlm(ids, self._vocabulary)
            for score, _, _ in self._model.full_scores(sentence, bos=True, eos=True)
        ]
        if len(log10) != len(ids):
            raise AssertionError(f"KenLM scored {len(log10)} tokens of {len(ids)}")
        return np.array(log10, dtype=np.float32) * np.float32(-np.log(10))


def estimate(ids: np.ndarray, vocabulary: Vocabulary, order: int, path: Path) -> int:
    """Estimate an n-gram model of the text with lmplz and write it to `path` as a KenLM trie.

    Small texts lack the counts of counts that the discounts are made from; lmplz then falls back to
    its fixed ones. Returns the number of n-grams. Raises UserError where KenLM's tools are missing
    or refuse the text.
    """
    if order not in _ORDERS:
        raise UserError(f"order {order}: KenLM takes {_ORDERS[0]} to {_ORDERS[-1]}")
    path.parent.mkdir(parents=True, exist_ok=True)
    for left in path.parent.glob(".lmplz-*.tmp"):  # by a process that was killed
        shutil.rmtree(left)
    with TemporaryDirectory(dir=path.parent, prefix=".lmplz-", suffix=".tmp") as scratch:
        arpa = Path(scratch) / "model.arpa"
        memory = "500M" if len(ids) <= _SMALL_TEXT else "50%"
        arguments = ["-o", str(order), "--discount_fallback", "-S", memory, "-T", scratch]
        arguments += ["--arpa", str(arpa)]
        _run_tool("lmplz", arguments, sentences_for_kenlm(ids, vocabulary))
        with atomic_path(path) as temporary:
            _run_tool("build_binary", ["-T", f"{scratch}/", "trie", str(arpa), str(temporary)], iter(()))
        with arpa.open(encoding="utf-8") as stream:
            header = "".join(islice(stream, order + 1))
        return sum(int(count) for count in re.findall(r"^ngram \d+=(\d+)$", header, re.MULTILINE))


def find_tool(name: str) -> str:
    """The path of one of KenLM's programs. Raises UserError where it is not installed."""
    found = program_path(name)
    if found is None:
        raise UserError(f"KenLM's {name} is not installed: run bash reproduce/setup.sh")
    return found


def _run_tool(name: str, arguments: list[str], lines: Iterator[str]) -> None:
    """Run a KenLM program on lines of text; on failure its last words become a UserError."""
    with TemporaryDirectory() as scratch:
        log = Path(scratch) / "log"
        with log.open("wb") as stream:
            process = subprocess.Popen(
                [find_tool(name), *arguments], stdin=subprocess.PIPE, stdout=stream, stderr=stream
            )
            assert process.stdin is not None
            try:
                with suppress(BrokenPipeError):  # it gave up reading: its own words below say why
                    for line in lines:
                        process.stdin.write(line.encode("utf-8") + b"\n")
                with suppress(BrokenPipeError):
                    process.stdin.close()
                status = process.wait()
            finally:
                process.kill()  # where a signal has ended the wait; no harm to one that has ended
                process.wait()
        if status != 0:
            words = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
            raise UserError(f"{name} failed: {words[-1] if words else f'exit status {status}'}")
