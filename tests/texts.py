"""Small texts and corpora for the tests, as plain functions."""

import numpy as np

from lightrnn_gluon.corpus import CorpusConfig, Vocabulary, prepare
from lightrnn_gluon.sources import SPLITS, find_source


def random_sentences(count, seed, words=60, mean_length=9):
    """Sentences of words w0, w1, ... whose frequencies fall as one over their rank."""
    generator = np.random.RandomState(seed)
    share = 1 / np.arange(1, words + 1)
    lengths = generator.poisson(mean_length - 1, count) + 1
    return [[f"w{i}" for i in generator.choice(words, length, p=share / share.sum())] for length in lengths]


def as_text(sentences):
    return "".join(" ".join(sentence) + "\n" for sentence in sentences)


def sentences_in(blocks):
    """The sentences of a text that comes in blocks of lines."""
    lines = b"".join(blocks).decode().split("\n")
    return [line.split() for line in lines if line.split()]


def write_folder(folder, **splits):
    """A folder of train.txt, valid.txt, test.txt; a split not given is a few random sentences."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, split in enumerate(SPLITS):
        sentences = splits.get(split, random_sentences(20, seed=number))
        text = sentences if isinstance(sentences, str) else as_text(sentences)
        (folder / f"{split}.txt").write_text(text, encoding="utf-8")
    return folder


def make_corpus(folder, config=None, **splits):
    """The corpus of such a folder, prepared in a folder inside it."""
    return prepare(find_source(write_folder(folder, **splits)), folder / "corpus", config or CorpusConfig())


def make_vocabulary(words):
    """A vocabulary of just these words and the three special ones."""
    return Vocabulary.from_counts(dict.fromkeys(words, 1), min_count=1)


def snapshot(folder):
    """All files under a folder with their contents."""
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def lines_of(corpus, split="test"):
    """The sentences of a corpus as text."""
    text = " ".join(corpus.vocabulary.words[number] for number in corpus.ids(split))
    return [line.strip() for line in text.split("</S>") if line.strip()]
