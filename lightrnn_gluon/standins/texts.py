"""What all stand-ins out of packages share: texts that are whole or made anew, and a record of where from.

The record, packages.json, is written last: it vouches for the texts beside it.
"""

import json
import logging
import shutil
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from lightrnn_gluon.errors import UserError
from lightrnn_gluon.files import atomic_path, locked, read_json, write_text
from lightrnn_gluon.sources import SPLITS, split_documents
from lightrnn_gluon.standins.cleaning import sentences_of, without_repeats
from lightrnn_gluon.standins.formats import Document, Files
from lightrnn_gluon.standins.packages import Package, PackageError, fetch, read_files

logger = logging.getLogger(__name__)

Reader = Callable[[Files], Iterable[Document]]
"""Finds the documents among a package's files."""

Fact = dict[str, str]
"""What the record says of a package: its `name`, `version` and `sha256`."""

_RECORD = "packages.json"


def prepare(
    directory: Path,
    folders: Iterable[Path],
    names: Sequence[str],
    instead: str,
    write: Callable[[dict[str, Package]], Any],
) -> None:
    """Fetch packages and have `write` make each folder's texts of them, unless they are all there.

    What `write` returns is the record. The packages are gone again afterwards. Where another process is at
    it, its texts are waited for. Raises UserError, with `instead` as what to do about it, where packages
    cannot be fetched or read; and where `directory` cannot be written.
    """
    with locked(directory, wait=True):
        _prepare(directory, folders, names, instead, write)


def _prepare(
    directory: Path,
    folders: Iterable[Path],
    names: Sequence[str],
    instead: str,
    write: Callable[[dict[str, Package]], Any],
) -> None:
    record = directory / _RECORD
    texts = [folder / f"{split}.txt" for folder in folders for split in SPLITS]
    if all(path.is_file() for path in (record, *texts)):
        return
    work = directory / "packages"
    try:
        with atomic_path(record) as temporary:
            record.unlink(missing_ok=True)  # it vouches for texts that are about to change
            shutil.rmtree(work, ignore_errors=True)  # left by a run that was killed
            logger.info("fetching Debian packages for the texts in %s", directory)
            facts = write(fetch(names, work))
            temporary.write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    except PackageError as error:
        raise UserError(f"{error}: {instead}") from error
    finally:
        shutil.rmtree(work, ignore_errors=True)


def read_record(directory: Path) -> Any:
    """What `write` returned when the texts in `directory` were made. Raises UserError where it is lost."""
    return read_json(directory / _RECORD)


def fact(package: Package) -> Fact:
    """What the record says of a package."""
    return {"name": package.name, "version": package.version, "sha256": package.sha256}


def names_of(facts: Iterable[Fact]) -> str:
    """The packages' names, as the tables list them."""
    return ", ".join(fact["name"] for fact in facts)


def lines_of(documents: Iterable[Document]) -> list[list[str]]:
    """The documents as lines of running text, a sentence each: words and marks between single spaces."""
    return [[" ".join(words) for words in sentences_of(document)] for document in documents]


def read_lines(package: Package, read: Reader) -> list[list[str]]:
    """The lines of a package's documents. Raises PackageError where it is damaged or none are found."""
    documents = lines_of(read(read_files(package)))
    if not any(documents):
        raise PackageError(f"{package.name} {package.version} holds no text where it was expected")
    return documents


def write_splits(directory: Path, documents: Iterable[list[str]], name: str) -> None:
    """Write train.txt, valid.txt and test.txt, each line only where it occurs first."""
    documents = list(without_repeats(documents))
    splits = split_documents(documents, size=lambda lines: sum(len(line.encode()) for line in lines))
    for split in SPLITS:
        text = "".join(f"{line}\n" for lines in splits[split] for line in lines)
        write_text(directory / f"{split}.txt", text)
    logger.info("%s: %d sentences of %d documents", name, sum(map(len, documents)), len(documents))
