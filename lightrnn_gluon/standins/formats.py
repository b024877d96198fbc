"""Documents out of the files of packages: help pages, manual pages, fortunes, SWORD modules.

A document is what must not be torn between the splits of a corpus: a list of paragraphs of running text,
without markup, headings and code.
"""

import gzip
import re
import struct
import zlib
from collections.abc import Iterator
from fnmatch import fnmatchcase

from lxml import etree, html  # type: ignore[import-untyped]

from lightrnn_gluon.standins.man_pages import man_paragraphs

Files = dict[str, bytes]
"""A package's regular files, by their paths from the root."""

Document = list[str]

_LEFT_OUT = " | ".join(
    [
        "//*[@class='howtoget' or @class='relatedtopics']",  # menus and links, nearly alike on many pages
        "//pre | //p[contains(@class, 'code')]",
        "//*[contains(@class, 'switch')]/*[position() > 1]",  # what other systems and programs show here
    ]
)
_PARAGRAPHS = "//*[@id='DisplayArea']//p"


def _matching(files: Files, pattern: str) -> list[tuple[str, bytes]]:
    """The files whose path matches (`*` matches `/` too), in the order of their paths."""
    return sorted((path, content) for path, content in files.items() if fnmatchcase(path, pattern))


def help_pages(files: Files) -> Iterator[Document]:
    """LibreOffice help: each HTML page is a document, each `<p>` of its content a paragraph."""
    parser = html.HTMLParser(encoding="utf-8")
    for _, content in _matching(files, "*.html"):
        page = html.fromstring(content, parser=parser)
        for element in page.xpath(_LEFT_OUT):
            element.drop_tree()
        for line_break in page.iter("br"):
            line_break.tail = f" {line_break.tail or ''}"
        yield [paragraph.text_content() for paragraph in page.xpath(_PARAGRAPHS)]


def man_pages(files: Files) -> Iterator[Document]:
    """Each compressed manual page is a document."""
    for _, content in _matching(files, "usr/share/man/*man?/*.gz"):
        yield list(man_paragraphs(gzip.decompress(content).decode("utf-8", "replace")))


_SLOVAK = "klasik-sk"  # the one file among the Czech ones
_ATTRIBUTION = re.compile(r"\n\s+--\s?\S.*", re.DOTALL)


def fortunes(files: Files) -> Iterator[Document]:
    """Each fortune, between lines that are `%`, is a document; who said it is left out."""
    for path, content in _matching(files, "usr/share/games/fortunes/*/*"):
        if not path.endswith((".dat", _SLOVAK)):
            for fortune in re.split(r"(?m)^%.*\n", content.decode("utf-8", "replace")):
                yield list(_wrapped_paragraphs(_ATTRIBUTION.sub("", fortune)))


def _wrapped_paragraphs(text: str) -> Iterator[str]:
    """Paragraphs of wrapped lines: they begin after a blank line, farther in, or with a dash or `<`."""
    lines: list[str] = []
    indent = 0
    for line in text.expandtabs().splitlines():
        before, indent = indent, len(line) - len(line.lstrip())
        if not line.strip() or indent > before or re.match(r"\s*[-–—<*•]", line):
            yield " ".join(lines)
            lines = []
        lines.append(line)
    yield " ".join(lines)


def sword_chapters(files: Files) -> Iterator[Document]:
    """SWORD `zText` modules in OSIS, compressed book by book: each chapter is a document.

    `.bzs` holds 12 bytes a block (where in `.bzz` its zlib stream begins, its size there, its size
    unpacked; little-endian); a block is the book's verses in order. Titles and notes are left out.
    """
    for path, index in _matching(files, "usr/share/sword/*.bzs"):
        blocks = files[path.removesuffix(".bzs") + ".bzz"]
        for start, size, _ in struct.iter_unpack("<III", index):
            yield from _chapters(zlib.decompress(blocks[start : start + size]))


_CHAPTER = "\ue000"  # a character that no text holds


def _chapters(book: bytes) -> Iterator[Document]:
    root = etree.fromstring(b"<book>" + book + b"</book>")
    etree.strip_elements(root, "note", "title", with_tail=False)
    for mark in root.iter("div", "l", "lb", "chapter"):
        chapter_begins = mark.tag == "chapter" and mark.get("sID")
        mark.text = _CHAPTER if chapter_begins else "\n" if mark.tag == "div" else " "
    _, *chapters = "".join(root.itertext()).split(_CHAPTER)
    for chapter in chapters:
        yield chapter.split("\n")
