"""Documents out of the files of packages: help, manual and FAQ pages, fortunes, SWORD modules.

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


def matching(files: Files, pattern: str) -> list[tuple[str, bytes]]:
    """The files whose path matches (`*` matches `/` too), in the order of their paths."""
    return sorted((path, content) for path, content in files.items() if fnmatchcase(path, pattern))


def help_pages(files: Files) -> Iterator[Document]:
    """LibreOffice help: each HTML page is a document, each `<p>` of its content a paragraph."""
    for page in _web_pages(files, "*.html"):
        for element in page.xpath(_LEFT_OUT):
            element.drop_tree()
        yield [paragraph.text_content() for paragraph in page.xpath(_PARAGRAPHS)]


_LISTS = ("biblio", "index", "links", "translations")  # of books and pages: how their names end
_CITATION = re.compile(r"\s*\[[^\[\]]*\bpp?\.[^\[\]]*\]")  # [Author, Book, p. 12]


def faq_pages(files: Files) -> Iterator[Document]:
    """An Anarchist FAQ: each HTML page is a document, each `<p>` a paragraph, without page references."""
    for page in _web_pages(files, "usr/share/doc/anarchism/html/*.html", _LISTS):
        yield [_CITATION.sub("", paragraph.text_content()) for paragraph in page.xpath("//p")]


def gimp_pages(files: Files) -> Iterator[Document]:
    """GIMP's manual in English: each HTML page is a document, each `<p>` without a class a paragraph."""
    for page in _web_pages(files, "usr/share/gimp/*/help/en/*.html"):
        yield [paragraph.text_content() for paragraph in page.xpath("//p[not(@class)]")]


def _web_pages(files: Files, pattern: str, left_out: tuple[str, ...] = ()) -> Iterator[html.HtmlElement]:
    """The HTML pages whose path matches, but for names with the given ends; line breaks are spaces."""
    parser = html.HTMLParser(encoding="utf-8")
    for path, content in matching(files, pattern):
        if not path.removesuffix(".html").endswith(left_out):
            page = html.fromstring(content, parser=parser)
            for line_break in page.iter("br"):
                line_break.tail = f" {line_break.tail or ''}"
            yield page


def man_pages(files: Files) -> Iterator[Document]:
    """Each compressed manual page is a document."""
    for _, content in matching(files, "usr/share/man/*man?/*.gz"):
        yield list(man_paragraphs(gzip.decompress(content).decode("utf-8", "replace")))


# Besides indexes, the one Slovak file among the Czech ones, and the English one that is in other languages.
_NOT_FORTUNES = (".dat", "/klasik-sk", "/translate-me")
_ATTRIBUTION = re.compile(r"\n\s+--\s?\S.*", re.DOTALL)


def fortunes(files: Files) -> Iterator[Document]:
    """Each fortune, between lines that are `%`, is a document; who said it is left out."""
    for path, content in matching(files, "usr/share/games/fortunes/*"):
        if not path.endswith(_NOT_FORTUNES):
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
    """SWORD modules in OSIS, `zText` or `zCom`, compressed block by block: each chapter is a document.

    `.bzs` holds 12 bytes a block (where in `.bzz` its zlib stream begins, its size there, its size
    unpacked; little-endian); a block is the verses of a book, or comments on them, in order. Where blocks
    are chapters, the files are `.czs` and `.czz`. Titles, notes and tables are left out.
    """
    for path, index in matching(files, "usr/share/sword/*.[bc]zs"):
        blocks = files[path.removesuffix("s") + "z"]
        for start, size, _ in struct.iter_unpack("<III", index):
            yield from _chapters(zlib.decompress(blocks[start : start + size]))


_CHAPTER = "\ue000"  # a character that no text holds


def _chapters(book: bytes) -> Iterator[Document]:
    root = etree.fromstring(b"<book>" + book + b"</book>")
    etree.strip_elements(root, "note", "title", "table", with_tail=False)
    for mark in root.iter("div", "l", "lb", "chapter"):
        chapter_begins = mark.tag == "chapter" and mark.get("sID")
        mark.text = _CHAPTER if chapter_begins else "\n" if mark.tag == "div" else " "
    _, *chapters = "".join(root.itertext()).split(_CHAPTER)
    for chapter in chapters:
        yield chapter.split("\n")
