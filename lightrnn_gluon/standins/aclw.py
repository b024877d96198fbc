"""Stand-ins for the six languages of the ACLW data, out of Debian packages.

The paper's data (Botha and Blunsom 2014, the morphological language datasets of a 2013 ACL workshop)
cannot be had by package name. Help pages, manual pages, fortunes and Bibles in the same languages can.
"""

import json
import logging
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from lightrnn_gluon.errors import UserError
from lightrnn_gluon.files import atomic_path, read_json, write_text
from lightrnn_gluon.sources import SPLITS, split_documents
from lightrnn_gluon.standins.cleaning import is_english, sentences_of, without_repeats
from lightrnn_gluon.standins.formats import Document, Files, fortunes, help_pages, man_pages, sword_chapters
from lightrnn_gluon.standins.packages import INSTEAD, Package, fetch, read_files

logger = logging.getLogger(__name__)

LANGUAGES = {
    "es": "Spanish",
    "fr": "French",
    "en": "English",
    "cs": "Czech",
    "de": "German",
    "ru": "Russian",
}
"""Codes and names, in the paper's order."""

_PACKAGES: dict[str, dict[str, Callable[[Files], Iterator[Document]]]] = {
    "es": {"libreoffice-help-es": help_pages, "manpages-es": man_pages, "sword-text-sparv": sword_chapters},
    "fr": {"libreoffice-help-fr": help_pages, "manpages-fr": man_pages, "manpages-fr-dev": man_pages},
    "en": {
        "libreoffice-help-en-us": help_pages,
        "manpages": man_pages,
        "manpages-dev": man_pages,
        "sword-text-web": sword_chapters,
    },
    "cs": {"libreoffice-help-cs": help_pages, "manpages-cs": man_pages, "fortunes-cs": fortunes},
    "de": {"libreoffice-help-de": help_pages, "manpages-de": man_pages, "fortunes-de": fortunes},
    "ru": {"libreoffice-help-ru": help_pages, "manpages-ru-dev": man_pages, "fortunes-ru": fortunes},
}
_MARKER = "packages.json"


def prepare_texts(directory: Path) -> None:
    """Write `directory`/<code>/{train,valid,test}.txt for each language, then packages.json.

    One sentence a line, words and punctuation marks between single spaces. packages.json lists each
    language's packages with their versions and SHA-256 checksums; the same versions give the same
    texts. Texts that are whole and there already are left as they are. Raises UserError where the
    packages cannot be fetched or read, or `directory` cannot be written.
    """
    marker = directory / _MARKER
    texts = [directory / code / f"{split}.txt" for code in LANGUAGES for split in SPLITS]
    if all(path.is_file() for path in (marker, *texts)):
        return
    work = directory / "packages"
    try:
        with atomic_path(marker) as temporary:
            marker.unlink(missing_ok=True)  # it vouches for texts that are about to change
            shutil.rmtree(work, ignore_errors=True)  # left by a run that was killed
            logger.info("fetching the six languages' texts from Debian packages")
            fetched = fetch([name for names in _PACKAGES.values() for name in names], work)
            english = _documents("en", fetched)
            for code in LANGUAGES:
                documents = english if code == "en" else _translated(code, fetched, english)
                _write_splits(directory / code, documents)
            facts = {code: [_facts(fetched[name]) for name in names] for code, names in _PACKAGES.items()}
            temporary.write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    finally:
        shutil.rmtree(work, ignore_errors=True)


def describe(directory: Path, code: str) -> str:
    """What the tables call a language's text in `directory`, for example "ACLW Czech (stand-in: ...)"."""
    names = ", ".join(package["name"] for package in read_json(directory / _MARKER)[code])
    return f"ACLW {LANGUAGES[code]} (stand-in: {names})"


def _facts(package: Package) -> dict[str, str]:
    return {"name": package.name, "version": package.version, "sha256": package.sha256}


def _documents(code: str, fetched: dict[str, Package]) -> list[list[str]]:
    """The language's documents, each a list of lines of running text."""
    documents: list[list[str]] = []
    for name, read in _PACKAGES[code].items():
        files = read_files(fetched[name])
        new = [[" ".join(words) for words in sentences_of(document)] for document in read(files)]
        if not any(new):
            raise UserError(f"{name} {fetched[name].version} holds no text where it was expected: {INSTEAD}")
        documents += new
    return documents


def _translated(code: str, fetched: dict[str, Package], english: list[list[str]]) -> list[list[str]]:
    """The documents without what has not been translated: lines of the English edition, and other English."""
    originals = {line for document in english for line in document}
    return [
        [line for line in document if line not in originals and not is_english(line.split())]
        for document in _documents(code, fetched)
    ]


def _write_splits(directory: Path, documents: list[list[str]]) -> None:
    documents = list(without_repeats(documents))
    splits = split_documents(documents, size=lambda lines: sum(len(line.encode()) for line in lines))
    for split in SPLITS:
        text = "".join(f"{line}\n" for lines in splits[split] for line in lines)
        write_text(directory / f"{split}.txt", text)
    sentences = sum(map(len, documents))
    logger.info("%s: %d sentences of %d documents", LANGUAGES[directory.name], sentences, len(documents))
