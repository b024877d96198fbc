"""Small Debian packages for the tests: their formats, and programs that fetch and read them."""

import gzip
import os
import struct
import tarfile
import zlib
from itertools import product

from lightrnn_gluon.standins import texts

DOCUMENTS = ["".join(pair) for pair in product("abcdefgh", repeat=2)]

FETCHING = """
echo "$@" >> {pool}/calls
while [ "$1" != update ] && [ "$1" != download ]; do shift; done
if [ "$1" = update ]; then echo "W: no sources here" >&2; exit 0; fi
shift
for name; do cp {pool}/"$name"_*.deb . 2>/dev/null || {{ echo "E: no package $name" >&2; exit 100; }}; done
"""
READING = 'cat "$2"'


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def files_of(folder):
    """All files below a folder, as a package's."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def program(path, body):
    """Write an executable shell script."""
    write(path, f"#!/bin/sh\n{body}\n").chmod(0o755)


def write_sword_module(folder, testament, books, block="b"):
    """A zText module, or zCom: one zlib stream a book (a chapter: block "c"), and 12 bytes about each."""
    index, data = b"", b"head"
    for book in books:
        packed = zlib.compress(book.encode())
        index += struct.pack("<III", len(data), len(packed), len(book.encode()))
        data += packed
    write(folder / f"{testament}.{block}zs", index)
    write(folder / f"{testament}.{block}zz", data)


def sentences(package, document):
    """The sentences that a document of a package shares with no other."""
    mark = f"{package.replace('-', '').title()}{document.title()}"
    return [f"{mark} est une phrase.", f"Encore une phrase, {mark}."]


def write_dictionary(folder, name, entries):
    """A dictionary for dictd: entries between blank lines, compressed."""
    text = "\n\n".join(["00-database-info\nAbout it.", *entries]) + "\n"
    write(folder / f"usr/share/dictd/{name}.dict.dz", gzip.compress(text.encode(), mtime=0))


def write_package(folder, name, lines=()):
    """A package's files in its format: documents of sentences of their own and of `lines`."""
    texts_of = {document: [*sentences(name, document), *lines] for document in DOCUMENTS}
    kind = name.removeprefix("dict-")
    if name.startswith("libreoffice"):
        for document, texts in texts_of.items():
            page = "".join(f"<p>{text}</p>" for text in texts)
            write(folder / f"usr/share/help/{document}.html", f"<div id='DisplayArea'>{page}</div>")
    elif name.startswith("manpages"):
        for document, texts in texts_of.items():
            page = ".SH NAME\n" + "\n.PP\n".join(texts)
            write(folder / f"usr/share/man/xx/man1/{document}.1.gz", gzip.compress(page.encode(), mtime=0))
    elif name.startswith("fortunes"):
        fortunes = "\n%\n".join("\n\n".join(texts) for texts in texts_of.values())
        write(folder / "usr/share/games/fortunes/xx/all", fortunes)
    elif name in ("anarchism", "gimp-help-en"):
        place = "usr/share/doc/anarchism/html" if name == "anarchism" else "usr/share/gimp/2.0/help/en"
        for document, texts in texts_of.items():
            page = "".join(f"<p>{text}</p>" for text in texts)
            write(folder / place / f"{document}.html", f"<body>{page}</body>")
    elif name == "wordnet-base":
        sets = (
            f'00000001 00 n 01 mot 0 000 | {texts[0].rstrip(".")}; "{" ".join(texts[1:])}"'
            for texts in texts_of.values()
        )
        write(folder / "usr/share/wordnet/data.noun", "  1 A licence.\n" + "  \n".join(sets) + "  \n")
    elif name.startswith("dict-"):
        head = {"gcide": "\\mot\\, n.\n   ", "devil": ""}.get(kind, "mot\n\n   ")
        write_dictionary(folder, kind, [head + "\n\n   ".join(texts) for texts in texts_of.values()])
    else:
        book = "".join(f"<chapter sID='1'/>{' '.join(texts)}" for texts in texts_of.values())
        write_sword_module(folder / "usr/share/sword/modules", "ot", [book])


def install_programs(folder, monkeypatch, pool):
    """Put programs that fetch packages from a pool, and read them, first on PATH; no call was made yet."""
    program(folder / "apt-get", FETCHING.format(pool=pool))
    program(folder / "dpkg-deb", READING)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    write(pool / "calls", "")
    monkeypatch.setattr(texts, "RECORDED", write(folder / "recorded.yaml", "{}"))  # these are no Debian's
    return folder


def make_deb(pool, name, folder, version="1%3a2.0-1"):
    """What stands for a .deb here: a tar archive of the folder."""
    pool.mkdir(parents=True, exist_ok=True)
    with tarfile.open(pool / f"{name}_{version}_all.deb", "w") as archive:
        archive.add(folder, arcname=".")
