"""Stand-ins for the six languages of the ACLW data, out of Debian packages.

The paper's data (Botha and Blunsom 2014, the morphological language datasets of a 2013 ACL workshop)
cannot be had by package name. Help pages, manual pages, fortunes and Bibles in the same languages can.
"""

from pathlib import Path

from lightrnn_gluon.standins.cleaning import is_english
from lightrnn_gluon.standins.formats import fortunes, help_pages, man_pages, sword_chapters
from lightrnn_gluon.standins.packages import Package
from lightrnn_gluon.standins.texts import (
    Fact,
    Reader,
    fact,
    names_of,
    prepare,
    read_lines,
    read_record,
    write_splits,
)

LANGUAGES = {
    "es": "Spanish",
    "fr": "French",
    "en": "English",
    "cs": "Czech",
    "de": "German",
    "ru": "Russian",
}
"""Codes and names, in the paper's order."""

_PACKAGES: dict[str, dict[str, Reader]] = {
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
_INSTEAD = (
    "hand in texts of your own, --data DIR with a folder a language (es, fr, en, cs, de, ru), "
    "each holding train.txt, valid.txt and test.txt"
)


def prepare_texts(directory: Path) -> None:
    """Write `directory`/<code>/{train,valid,test}.txt for each language, then packages.json.

    One sentence a line, words and punctuation marks between single spaces. packages.json lists each
    language's packages with their versions and SHA-256 checksums; the same versions give the same
    texts. Texts that are whole and there already are left as they are. Raises UserError where the
    packages cannot be fetched or read, or `directory` cannot be written.
    """

    def write(fetched: dict[str, Package]) -> dict[str, list[Fact]]:
        english = _documents("en", fetched)
        for code, language in LANGUAGES.items():
            documents = english if code == "en" else _translated(code, fetched, english)
            write_splits(directory / code, documents, language)
        return {code: [fact(fetched[name]) for name in names] for code, names in _PACKAGES.items()}

    names = [name for readers in _PACKAGES.values() for name in readers]
    prepare(directory, [directory / code for code in LANGUAGES], names, _INSTEAD, write)


def describe(directory: Path, code: str) -> str:
    """What the tables call a language's text in `directory`, for example "ACLW Czech (stand-in: ...)"."""
    return f"ACLW {LANGUAGES[code]} (stand-in: {names_of(read_record(directory)[code])})"


def _documents(code: str, fetched: dict[str, Package]) -> list[list[str]]:
    """The language's documents, each a list of lines of running text."""
    return [lines for name, read in _PACKAGES[code].items() for lines in read_lines(fetched[name], read)]


def _translated(code: str, fetched: dict[str, Package], english: list[list[str]]) -> list[list[str]]:
    """The documents without what has not been translated: lines of the English edition, and other English."""
    originals = {line for document in english for line in document}
    return [
        [line for line in document if line not in originals and not is_english(line.split())]
        for document in _documents(code, fetched)
    ]
