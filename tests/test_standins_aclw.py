"""The six languages' texts out of Debian packages: fetched, cut and written, or refused in one line."""

import hashlib
import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path

import pytest
from packages import (
    DOCUMENTS,
    FETCHING,
    READING,
    install_programs,
    make_deb,
    program,
    sentences,
    write,
    write_package,
)
from texts import sentences_in, snapshot

from lightrnn_gluon.errors import UserError
from lightrnn_gluon.sources import SPLITS, find_source, split_sentences
from lightrnn_gluon.standins.aclw import _PACKAGES, LANGUAGES, describe, prepare_texts
from lightrnn_gluon.standins.packages import fetch, read_files

LABEL = "Untranslated label says five words."
ENGLISH = "This manual of the program has not been translated."


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    """All packages; those of other languages say some English too, and each its own boilerplate."""
    pool = tmp_path_factory.mktemp("pool")
    for code, names in _PACKAGES.items():
        for name in names:
            folder = tmp_path_factory.mktemp(name)
            lines = [LABEL, f"Toujours la même phrase {code}."] + ([ENGLISH] if code != "en" else [])
            write_package(folder, name, lines)
            make_deb(pool, name, folder)
    return pool


@pytest.fixture
def system(tmp_path, monkeypatch, packages):
    """A folder with programs that fetch and read the packages, first on PATH."""
    return install_programs(tmp_path / "bin", monkeypatch, packages)


def read_lines(folder, code, split):
    return (folder / code / f"{split}.txt").read_text(encoding="utf-8").splitlines()


def assert_refused(folder, reason):
    with pytest.raises(UserError, match=reason) as refusal:
        prepare_texts(folder)
    assert "\n" not in str(refusal.value)
    assert "--data DIR" in str(refusal.value)
    assert "train.txt, valid.txt and test.txt" in str(refusal.value)
    assert list(folder.glob("*.json")) + list(folder.glob("packages")) == []


def test_languages_are_the_papers_in_its_order():
    assert list(LANGUAGES) == ["es", "fr", "en", "cs", "de", "ru"] == list(_PACKAGES)


def test_each_sentence_is_written_once_and_documents_stay_whole(tmp_path, system):
    prepare_texts(tmp_path)
    for code, names in _PACKAGES.items():
        splits = {split: read_lines(tmp_path, code, split) for split in SPLITS}
        lines = [line for split in SPLITS for line in splits[split]]
        assert len(lines) == len(set(lines))
        homes = []
        for name in names:
            for document in DOCUMENTS:
                text = " ".join(sentences(name, document))
                own = {" ".join(words) for words in split_sentences(text)}
                homes += [split for split in SPLITS if own & set(splits[split])]
                assert own <= set(splits[homes[-1]])
        assert len(homes) == len(names) * len(DOCUMENTS)
        for split in ("valid", "test"):
            assert 0.03 < homes.count(split) / len(homes) < 0.06
        assert len(lines) == 2 * len(homes) + (2 if code == "en" else 1)


def test_english_stays_in_the_english_text_alone(tmp_path, system):
    prepare_texts(tmp_path)
    for code in LANGUAGES:
        text = "".join((tmp_path / code / f"{split}.txt").read_text(encoding="utf-8") for split in SPLITS)
        assert text.count("Untranslated label") == (code == "en")
        assert "manual of the program" not in text
        assert text.count("Toujours la même") == 1


def test_texts_are_a_corpus_with_a_name_and_their_packages_on_record(tmp_path, system, packages):
    prepare_texts(tmp_path)
    assert describe(tmp_path, "fr") == (
        "ACLW French (stand-in: libreoffice-help-fr, manpages-fr, manpages-fr-dev)"
    )
    record = json.loads((tmp_path / "packages.json").read_text(encoding="utf-8"))
    assert {code: [package["name"] for package in record[code]] for code in record} == {
        code: list(names) for code, names in _PACKAGES.items()
    }
    for package in chain(*record.values()):
        (deb,) = packages.glob(f"{package['name']}_1*.deb")
        assert package["version"] == "1:2.0-1"
        assert package["sha256"] == hashlib.sha256(deb.read_bytes()).hexdigest()
    assert len(sentences_in(find_source(tmp_path / "ru").blocks("train"))) > 100
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["bin", "packages.json", *LANGUAGES])


def test_texts_that_are_there_are_not_fetched_again(tmp_path, system, packages):
    prepare_texts(tmp_path)
    before = snapshot(tmp_path)
    write(packages / "calls", "")
    prepare_texts(tmp_path)
    assert (packages / "calls").read_text() == ""
    assert snapshot(tmp_path) == before


def test_two_at_once_fetch_once(tmp_path, system, packages):
    write(packages / "calls", "")
    with ThreadPoolExecutor(2) as both:
        list(both.map(prepare_texts, [tmp_path / "texts"] * 2))
    assert (packages / "calls").read_text().count(" update\n") == 1
    prepare_texts(tmp_path / "again")
    assert snapshot(tmp_path / "texts") == snapshot(tmp_path / "again")


@pytest.mark.parametrize("lost", ["packages.json", "cs/valid.txt"])
def test_texts_that_are_not_whole_are_made_again_the_same(lost, tmp_path, system):
    prepare_texts(tmp_path)
    before = snapshot(tmp_path)
    (tmp_path / lost).unlink()
    write(tmp_path / "packages/lists/stale", "left by a run that was killed")
    prepare_texts(tmp_path)
    assert snapshot(tmp_path) == before


def test_an_interrupted_run_leaves_no_marker_and_is_done_again(tmp_path, system):
    prepare_texts(tmp_path)
    before = snapshot(tmp_path)
    (tmp_path / "ru/test.txt").unlink()
    reading = (system / "dpkg-deb").read_text()
    failing = 'case "$2" in manpages-de_*) echo "no space left" >&2; exit 2;; esac'
    program(system / "dpkg-deb", f"{failing}\n{READING}")
    assert_refused(tmp_path, r"\(no space left\)")
    assert not (tmp_path / "ru/test.txt").exists()
    write(system / "dpkg-deb", reading)
    prepare_texts(tmp_path)
    assert snapshot(tmp_path) == before


def test_package_that_is_not_to_be_had_is_refused_with_the_first_complaint(tmp_path, system):
    program(system / "apt-get", 'for last; do :; done; echo "E: no $last" >&2; exit 100')
    assert_refused(tmp_path, r"cannot fetch Debian packages \(E: no update\)")


@pytest.mark.parametrize("name", ["apt-get", "dpkg-deb"])
def test_system_without_the_programs_is_refused(name, tmp_path, system, monkeypatch):
    (system / name).unlink()
    for tool in ("sh", "cp", "cat"):
        (system / tool).symlink_to(shutil.which(tool))
    monkeypatch.setenv("PATH", str(system))
    assert_refused(tmp_path / "texts", f"no {name} on this system")


def test_package_with_its_text_elsewhere_is_refused(tmp_path, system, packages):
    write(tmp_path / "empty/usr/share/new-place/text", "Moved.")
    make_deb(tmp_path / "pool", "manpages-dev", tmp_path / "empty", version="9.1")
    for deb in packages.glob("*.deb"):
        if not deb.name.startswith("manpages-dev_"):
            (tmp_path / "pool" / deb.name).symlink_to(deb)
    program(system / "apt-get", FETCHING.format(pool=tmp_path / "pool"))
    assert_refused(tmp_path / "texts", r"manpages-dev 9\.1 holds no text")


def test_folder_that_cannot_be_written_is_refused(tmp_path, system):
    write(tmp_path / "file", "")
    with pytest.raises(UserError, match=r"cannot write .*file/texts"):
        prepare_texts(tmp_path / "file/texts")


def test_package_lists_are_fetched_into_the_folder_too(tmp_path, system, packages, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert fetch(["manpages-cs"], Path("work"))["manpages-cs"].name == "manpages-cs"
    update, download = (packages / "calls").read_text().splitlines()
    for call in (update, download):
        for option in (f"Dir::State::Lists={tmp_path}/work/lists", f"Dir::Cache={tmp_path}/work/cache"):
            assert f"-o {option} " in call
    assert update.endswith(" update")
    assert download.endswith(" download manpages-cs")


def test_a_packages_regular_files_are_read_and_its_links_are_not(tmp_path, system):
    write(tmp_path / "files/usr/share/man/xx/man1/a.1.gz", b"page")
    write(tmp_path / "files/usr/share/doc/copyright", "")
    (tmp_path / "files/usr/share/man/xx/man1/b.1.gz").symlink_to("a.1.gz")
    (tmp_path / "files/usr/share/man/yy").symlink_to("xx")
    make_deb(tmp_path / "pool", "manpages-xx", tmp_path / "files")
    program(system / "apt-get", FETCHING.format(pool=tmp_path / "pool"))
    package = fetch(["manpages-xx"], tmp_path / "work")["manpages-xx"]
    assert read_files(package) == {"usr/share/man/xx/man1/a.1.gz": b"page", "usr/share/doc/copyright": b""}
