"""The prepared corpus: what is counted, what stands on disk, and when it is made anew."""

import io
import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from texts import make_corpus, random_sentences, snapshot

from lightrnn_gluon import corpus as corpus_module
from lightrnn_gluon.corpus import Corpus, CorpusConfig, encode_text, prepare
from lightrnn_gluon.errors import UserError
from lightrnn_gluon.sources import SPLITS, find_source


def decoded(corpus, split):
    """The split's sentences as the words that its ids stand for."""
    text = " ".join(corpus.vocabulary.words[i] for i in corpus.ids(split))
    assert text.endswith("</S>")
    return [sentence.split() for sentence in text.split("</S>")[:-1]]


def with_unknowns(sentences, known):
    return [[word if word in known else "<UNK>" for word in sentence] for sentence in sentences]


@pytest.fixture
def splits():
    return {split: random_sentences(60, seed=number) for number, split in enumerate(SPLITS)}


@pytest.mark.parametrize("min_count", [1, 2, 3, 10])
def test_vocabulary_is_the_frequent_words_and_ids_decode_to_the_text(min_count, splits, tmp_path):
    corpus = make_corpus(tmp_path, CorpusConfig(min_count=min_count), **splits)
    counts = Counter(word for sentence in splits["train"] for word in sentence)
    known = {word for word, count in counts.items() if count >= min_count}
    assert 0 < len(known) < len(counts) or min_count == 1
    special, words = corpus.vocabulary.words[:3], corpus.vocabulary.words[3:]
    assert set(special) == {"<UNK>", "<S>", "</S>"}
    assert set(words) == known
    assert len(words) == len(known)
    assert [counts[word] for word in words] == sorted((counts[word] for word in words), reverse=True)
    for split in SPLITS:
        assert decoded(corpus, split) == with_unknowns(splits[split], known)


def test_facts_count_what_the_ids_hold(splits, tmp_path):
    corpus = make_corpus(tmp_path, **splits)
    for split in SPLITS:
        sentences = decoded(corpus, split)
        facts = corpus.facts[split]
        assert facts["sentences"] == len(splits[split])
        assert facts["tokens"] == sum(len(sentence) + 1 for sentence in splits[split])
        assert facts["unknown"] == sum(sentence.count("<UNK>") for sentence in sentences)
        assert facts["unknown"] > 0
    assert corpus.facts["name"] == tmp_path.name
    assert corpus.facts["vocabulary"]["size"] == len(corpus.vocabulary)


def test_words_spelled_like_the_special_ones_are_unknown_and_split_nothing(tmp_path):
    sentences = [["a", "<S>", "b", "</S>", "a", "<UNK>", "b"], ["</S>"], ["<S>", "a"]] * 5
    corpus = make_corpus(tmp_path, train=sentences, valid=sentences, test=sentences)
    assert sorted(corpus.vocabulary.words) == sorted(["<UNK>", "<S>", "</S>", "a", "b"])
    for split in SPLITS:
        assert decoded(corpus, split) == with_unknowns(sentences, {"a", "b"})
        assert corpus.facts[split]["sentences"] == len(sentences)
        assert corpus.vocabulary.start not in corpus.ids(split)


def test_max_train_tokens_keeps_whole_sentences_and_counts_words_in_them_alone(tmp_path):
    sentences = random_sentences(12, seed=1, words=8, mean_length=4)
    tokens = np.cumsum([len(sentence) + 1 for sentence in sentences])
    for limit in [1, *tokens[[0, 5]], tokens[5] + 1, tokens[-1] - 1, tokens[-1], tokens[-1] + 1, None]:
        kept = len(sentences) if limit is None else min(len(sentences), int(np.sum(tokens < limit)) + 1)
        config = CorpusConfig(min_count=1, max_train_tokens=None if limit is None else int(limit))
        corpus = make_corpus(tmp_path, config, train=sentences, valid=sentences, test=sentences)
        known = {word for sentence in sentences[:kept] for word in sentence}
        assert decoded(corpus, "train") == sentences[:kept]
        assert set(corpus.vocabulary.words[3:]) == known
        assert decoded(corpus, "test") == with_unknowns(sentences, known)


def test_prepared_corpus_is_reused_untouched(tmp_path):
    corpus = make_corpus(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in corpus.directory.iterdir()}
    again = prepare(find_source(tmp_path), corpus.directory, CorpusConfig())
    assert {path: path.stat().st_mtime_ns for path in corpus.directory.iterdir()} == before
    assert again.checksum == corpus.checksum


@pytest.mark.parametrize("split", SPLITS)
def test_changed_source_file_is_prepared_anew(split, tmp_path):
    corpus = make_corpus(tmp_path)
    with (tmp_path / f"{split}.txt").open("a", encoding="utf-8") as stream:
        stream.write("w0 w1\n")
    changed = prepare(find_source(tmp_path), corpus.directory, CorpusConfig())
    assert changed.checksum != corpus.checksum
    assert decoded(changed, split)[-1] == ["w0", "w1"]


@pytest.mark.parametrize("config", [CorpusConfig(min_count=2), CorpusConfig(max_train_tokens=50)])
def test_changed_configuration_is_prepared_anew(config, tmp_path):
    corpus = make_corpus(tmp_path)
    changed = prepare(find_source(tmp_path), corpus.directory, config)
    assert changed.checksum != corpus.checksum
    assert changed.checksum == make_corpus(tmp_path / "fresh", config).checksum


@pytest.mark.parametrize("split", SPLITS)
def test_checksum_differs_when_one_word_differs(split, splits, tmp_path):
    checksum = make_corpus(tmp_path / "one", **splits).checksum
    assert make_corpus(tmp_path / "same", **splits).checksum == checksum
    sentence = splits[split][7]
    sentence[0] = "w1" if sentence[0] == "w0" else "w0"
    assert make_corpus(tmp_path / "other", **splits).checksum != checksum


def test_exchanged_words_of_the_vocabulary_are_refused(tmp_path):
    directory = make_corpus(tmp_path).directory
    path = directory / "vocabulary.json"
    text = path.read_text(encoding="utf-8")
    text = text.replace('"w0"', '"w?"').replace('"w1"', '"w0"').replace('"w?"', '"w1"')
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=r"vocabulary\.json"):
        Corpus(directory)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"idx_to_token": 5}', '{"idx_to_token": ["a"], "tok'])
def test_file_that_is_no_vocabulary_is_refused(content, tmp_path):
    directory = make_corpus(tmp_path).directory
    (directory / "vocabulary.json").write_text(content, encoding="utf-8")
    with pytest.raises(UserError, match=r"vocabulary\.json"):
        Corpus(directory)


@pytest.mark.parametrize("content", ["", "[]", "{}", "null", '{"vocabulary": 3}'])
def test_file_that_describes_no_corpus_is_refused(content, tmp_path):
    directory = make_corpus(tmp_path).directory
    (directory / "corpus.json").write_text(content, encoding="utf-8")
    with pytest.raises(UserError, match=r"corpus\.json"):
        Corpus(directory)


def cut_short(path):
    path.write_bytes(path.read_bytes()[:-8])


def one_token_more(path):
    np.save(path, np.append(np.load(path), 3).astype(np.int32))


def one_token_changed(path):
    ids = np.load(path)
    ids[0] = 3 if ids[0] != 3 else 4
    np.save(path, ids)


def made_text(path):
    path.write_text("w0 w1\n", encoding="utf-8")


def removed(path):
    path.unlink()


@pytest.mark.parametrize("damage", [cut_short, one_token_more, one_token_changed, made_text, removed])
@pytest.mark.parametrize("split", ["train", "test"])
def test_damaged_ids_are_refused(split, damage, tmp_path):
    directory = make_corpus(tmp_path).directory
    path = directory / f"{split}.ids.npy"
    damage(path)
    with pytest.raises(UserError, match=rf"{split}\.ids\.npy"):
        Corpus(directory).ids(split)


def test_failed_preparation_changes_nothing(tmp_path):
    directory = make_corpus(tmp_path).directory
    lines = (tmp_path / "valid.txt").read_text(encoding="utf-8").splitlines()
    (tmp_path / "valid.txt").write_text("\n".join(lines[::-1]) + "\n", encoding="utf-8")
    (tmp_path / "test.txt").write_bytes(b"\xff\n")
    before = snapshot(directory)
    with pytest.raises(UserError, match=r"test\.txt, line 1"):
        prepare(find_source(tmp_path), directory, CorpusConfig())
    assert snapshot(directory) == before  # that of the text as it was


def test_encode_text_counts_as_preparation_does(splits, tmp_path):
    corpus = make_corpus(tmp_path, **splits)
    ids = encode_text(tmp_path / "test.txt", corpus.vocabulary)
    assert ids.dtype == np.int32
    np.testing.assert_array_equal(ids, corpus.ids("test"))


def test_encode_text_of_blank_lines_is_refused(tmp_path):
    corpus = make_corpus(tmp_path)
    (tmp_path / "blank.txt").write_text("\n \n", encoding="utf-8")
    with pytest.raises(UserError, match="is empty"):
        encode_text(tmp_path / "blank.txt", corpus.vocabulary)


@pytest.mark.parametrize("split", SPLITS)
def test_empty_split_is_refused(split, tmp_path):
    with pytest.raises(UserError):
        make_corpus(tmp_path, **{split: "\n"})
    assert not (tmp_path / "corpus" / "corpus.json").exists()


def test_text_of_rare_words_alone_is_refused(tmp_path):
    with pytest.raises(UserError, match="no word of the training text occurs 3 times"):
        make_corpus(tmp_path, train=[["every", "word"], ["only", "once"]])


@pytest.mark.parametrize("length", [1, 6, 7, 8, 14, 50])
def test_ids_written_in_blocks_are_one_npy_file(length, tmp_path, monkeypatch):
    monkeypatch.setattr(corpus_module, "_BLOCK_TOKENS", 7)
    sentence = ["w0"] * (length - 1)
    sentences = [sentence] if sentence else [["w0"]]
    corpus = make_corpus(tmp_path, CorpusConfig(min_count=1), test=sentences)
    vocabulary = corpus.vocabulary
    known = vocabulary.words.index("w0")
    expected = np.array([*[known] * len(sentences[0]), vocabulary.end], dtype=np.int32)
    path = corpus.directory / "test.ids.npy"
    stored = np.load(path)
    assert stored.dtype == np.int32
    np.testing.assert_array_equal(stored, expected)
    whole = io.BytesIO()
    np.lib.format.write_array(whole, expected, version=(1, 0))
    assert path.stat().st_size == len(whole.getvalue())
    np.testing.assert_array_equal(corpus.ids("test"), expected)


def test_what_is_read_in_blocks_does_not_stay_in_memory(tmp_path):
    def resident_kilobytes():
        (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if "RssFile" in line]
        return int(line.split()[1])

    path = tmp_path / "numbers.npy"
    np.save(path, np.ones(1 << 23, np.int32))  # 32 MB
    before, most, total = resident_kilobytes(), 0, 0
    for block in corpus_module._blocks(path):
        total += int(block.sum())
        most = max(most, resident_kilobytes())
    assert total == 1 << 23
    assert most - before < 16_000  # a block takes 4 MB, and the system reads ahead


def test_npy_header_of_any_length_has_the_size_of_the_first_one():
    def header(length):
        stream = io.BytesIO()
        corpus_module._write_header(stream, length)
        return stream.getvalue()

    for length in (1, 10**6, 829_250_940, 10**12):
        assert len(header(length)) == len(header(0))
        stream = io.BytesIO(header(length))
        np.lib.format.read_magic(stream)
        shape, fortran, dtype = np.lib.format.read_array_header_1_0(stream)
        assert (shape, fortran, dtype) == ((length,), False, np.dtype("<i4"))


def test_ids_are_mapped_and_cannot_be_changed(tmp_path):
    ids = make_corpus(tmp_path).ids("train")
    assert isinstance(ids, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        ids[0] = 1


def test_same_text_gives_the_same_files_wherever_it_is(tmp_path):
    one, other = (make_corpus(tmp_path / name).directory for name in ("one", "other"))
    for name in ("vocabulary.json", *(f"{split}.ids.npy" for split in SPLITS)):
        assert (one / name).read_bytes() == (other / name).read_bytes()
    assert json.loads((one / "corpus.json").read_text(encoding="utf-8"))["name"] == "one"
