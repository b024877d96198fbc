"""Files that are either whole or not there, and arrays that come back unchanged or not at all."""

import errno
import hashlib
import os
import resource
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from texts import snapshot

from lightrnn_gluon.checkpoint import load_arrays, save_arrays
from lightrnn_gluon.errors import UserError
from lightrnn_gluon.files import atomic_path, read_json, sha256_file, write_json, write_text

FACTS = {
    "epoch": 3,
    "curve": [{"epoch": 0.5, "perplexity": 123.456789012345}],
    "name": "Sätze <S> \n",
    "best": None,
}


def some_arrays():
    generator = np.random.RandomState(1)
    return {
        "model/weight": generator.randn(7, 5).astype(np.float32),
        "model/cells": generator.permutation(30).astype(np.int32),
        "transposed": generator.randn(4, 6).astype(np.float32).T,
        "every second": np.arange(20)[::2],
        "scalar": np.array(2.5),
        "empty": np.zeros((0, 3), np.float32),
    }


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "model.safetensors"
    save_arrays(path, some_arrays(), FACTS)
    return path


def test_arrays_and_facts_come_back_as_they_were(saved):
    arrays, facts = load_arrays(saved)
    assert facts == FACTS
    expected = some_arrays()
    assert arrays.keys() == expected.keys()
    for name, array in expected.items():
        assert arrays[name].dtype == array.dtype
        assert arrays[name].shape == array.shape
        np.testing.assert_array_equal(arrays[name], array)


def test_infinite_numbers_come_back(tmp_path):
    facts = {"best_valid": float("inf"), "rate": 0.1 + 0.2}
    save_arrays(tmp_path / "c", {"x": np.array([np.inf, np.nan, -0.0], np.float32)}, facts)
    arrays, loaded = load_arrays(tmp_path / "c")
    assert loaded == facts
    assert arrays["x"].tobytes() == np.array([np.inf, np.nan, -0.0], np.float32).tobytes()


def test_same_content_is_the_same_file(tmp_path):
    contents = set()
    for _ in range(8):
        save_arrays(tmp_path / "model", some_arrays(), FACTS)
        contents.add((tmp_path / "model").read_bytes())
    assert len(contents) == 1


def test_file_cut_short_is_refused_with_its_name(saved):
    content = saved.read_bytes()
    for length in (0, 1, 7, 8, 9, 50, *(len(content) - cut for cut in (500, 100, 8, 4, 1))):
        saved.write_bytes(content[:length])
        with pytest.raises(UserError, match=r"model\.safetensors is damaged"):
            load_arrays(saved)


def test_file_with_more_at_its_end_is_refused(saved):
    saved.write_bytes(saved.read_bytes() + b"\0")
    with pytest.raises(UserError, match=r"model\.safetensors is damaged"):
        load_arrays(saved)


def header_length(content):
    return 8 + int.from_bytes(content[:8], "little")


@pytest.mark.parametrize("part", ["header", "arrays"])
def test_flipped_bit_is_refused_with_the_file_named(part, saved):
    content = saved.read_bytes()
    border = header_length(content)
    places = range(border) if part == "header" else range(border, len(content))
    generator, accepted = np.random.RandomState(2), []
    for place in generator.choice(places, 80, replace=False):
        bit = int(generator.randint(8))
        flipped = bytearray(content)
        flipped[place] ^= 1 << bit
        saved.write_bytes(flipped)
        try:
            load_arrays(saved)
            accepted.append((place, bit))
        except UserError as error:
            assert str(saved) in str(error)
            assert "\n" not in str(error)
    assert not accepted, f"of the file's {len(content)} bytes, {border} of them header"


def test_altered_fact_is_refused(saved):
    content = saved.read_bytes()
    old, new = rb"\"epoch\": 3", rb"\"epoch\": 2"
    assert content.count(old) == 1
    saved.write_bytes(content.replace(old, new))
    with pytest.raises(UserError, match=r"model\.safetensors is damaged"):
        load_arrays(saved)


def test_exchanged_arrays_are_refused(tmp_path):
    path = tmp_path / "model.safetensors"
    save_arrays(path, {"row": np.zeros(4, np.float32), "col": np.ones(4, np.float32)}, {})
    content = path.read_bytes()
    swapped = content.replace(b'"row"', b'"???"').replace(b'"col"', b'"row"').replace(b'"???"', b'"col"')
    assert swapped != content
    path.write_bytes(swapped)
    with pytest.raises(UserError, match=r"model\.safetensors is damaged"):
        load_arrays(path)


def test_missing_file_and_folder_are_refused(tmp_path):
    with pytest.raises(UserError, match="nothing"):
        load_arrays(tmp_path / "nothing")
    with pytest.raises(UserError, match=tmp_path.name):
        load_arrays(tmp_path)


def test_file_of_another_kind_is_refused(tmp_path):
    for content in (b"words\n" * 100, b"\x93NUMPY\x01\0", b"\0" * 500, b"\xff" * 500):
        (tmp_path / "model").write_bytes(content)
        with pytest.raises(UserError, match="model is damaged"):
            load_arrays(tmp_path / "model")


def no_space(temporary):
    """What writing to a full disk raises."""
    temporary.symlink_to("/dev/full")
    temporary.write_text("x" * 100_000, encoding="utf-8")


def interrupted(temporary):
    temporary.write_text("half", encoding="utf-8")
    raise KeyboardInterrupt


def wrong(temporary):
    temporary.write_text("half", encoding="utf-8")
    raise RuntimeError("a bug")


def unwritten(temporary):
    pass


@pytest.mark.parametrize(
    ("body", "error"),
    [(no_space, UserError), (interrupted, KeyboardInterrupt), (wrong, RuntimeError), (unwritten, UserError)],
)
@pytest.mark.parametrize("old", [None, "old content"])
def test_error_while_writing_keeps_the_old_file_and_leaves_no_temporary_one(body, error, old, tmp_path):
    path = tmp_path / "file"
    if old:
        path.write_text(old, encoding="utf-8")
    before = snapshot(tmp_path)
    with pytest.raises(error), atomic_path(path) as temporary:
        body(temporary)
    assert snapshot(tmp_path) == before
    assert os.listdir(tmp_path) == (["file"] if old else [])


def test_full_disk_is_named_in_the_message(tmp_path):
    message = f"cannot write {tmp_path}/file: {os.strerror(errno.ENOSPC)}"
    with pytest.raises(UserError, match=message), atomic_path(tmp_path / "file") as temporary:
        no_space(temporary)


def test_file_is_not_seen_before_it_is_whole(tmp_path):
    path = tmp_path / "new" / "folder" / "file"
    with atomic_path(path) as temporary:
        temporary.write_text("whole", encoding="utf-8")
        assert not path.exists()
        assert temporary.parent == path.parent, "a rename across file systems is not atomic"
    assert path.read_text(encoding="utf-8") == "whole"
    assert list(path.parent.iterdir()) == [path]


@contextmanager
def largest_file(size):
    """Writing beyond `size` bytes fails, as on a full disk; root is no exception."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("old", [None, "old content"])
def test_arrays_that_do_not_fit_on_the_disk_are_a_user_error(old, tmp_path):
    path = tmp_path / "model.safetensors"
    if old:
        path.write_text(old, encoding="utf-8")
    before = snapshot(tmp_path)
    with pytest.raises(UserError, match=f"cannot write {path}"), largest_file(1 << 20):
        save_arrays(path, {"x": np.zeros(1 << 20, np.float32)}, {})
    assert snapshot(tmp_path) == before


def writers(path):
    yield lambda: write_text(path, "text")
    yield lambda: write_json(path, {"a": 1})
    yield lambda: save_arrays(path, some_arrays(), {})


def test_path_below_a_regular_file_is_a_user_error(tmp_path):
    (tmp_path / "file").write_text("content", encoding="utf-8")
    for path in (tmp_path / "file" / "out", tmp_path / "file" / "deep" / "out"):
        for write in writers(path):
            with pytest.raises(UserError, match=f"cannot write {path}"):
                write()
    assert snapshot(tmp_path) == {Path("file"): b"content"}


def test_folder_that_the_system_lets_nobody_write_in_is_a_user_error():
    for path in (Path("/proc/out"), Path("/proc/folder/out"), Path("/sys/out")):
        for write in writers(path):
            with pytest.raises(UserError, match=f"cannot write {path}"):
                write()


def test_folder_in_the_files_place_is_a_user_error(tmp_path):
    (tmp_path / "out").mkdir()
    for write in writers(tmp_path / "out"):
        with pytest.raises(UserError, match=f"cannot write {tmp_path}/out"):
            write()
    assert os.listdir(tmp_path) == ["out"]


def test_json_comes_back_and_is_readable(tmp_path):
    value = {"words": ["naïve", "\u2028", "<S>", "\udcff"], "number": 1.5, "none": None}
    write_json(tmp_path / "file.json", value)
    assert read_json(tmp_path / "file.json") == value
    assert "naïve" in (tmp_path / "file.json").read_text(encoding="utf-8")


@pytest.mark.parametrize("content", [b"", b'{"a": 1', b"\xff\xfe", b"words"])
def test_damaged_json_is_refused_with_the_file_named(content, tmp_path):
    (tmp_path / "file.json").write_bytes(content)
    with pytest.raises(UserError, match=r"file\.json is damaged"):
        read_json(tmp_path / "file.json")


def test_checksum_is_sha256_of_the_whole_file(tmp_path):
    content = np.random.RandomState(1).bytes((1 << 20) + 17)
    (tmp_path / "file").write_bytes(content)
    assert sha256_file(tmp_path / "file") == hashlib.sha256(content).hexdigest()
