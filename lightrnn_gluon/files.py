"""Files that are either whole or not there: atomic writing, checksums, and folders for one process alone."""

import fcntl
import glob
import hashlib
import json
import mmap
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

from lightrnn_gluon.errors import UserError


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success flush it to disk and rename it to `path`.

    A reader sees the old file or the whole new one, never a part. On any error the temporary
    file is removed, and one that a killed process has left is, too. Missing parent folders are made.
    Raises UserError where the system refuses to write (no permission, a full disk).
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(path)
        yield temporary
        _flush(temporary)
        os.replace(temporary, path)
        _flush(path.parent)
    except OSError as error:
        reason = error.strerror or str(error)
        raise UserError(f"cannot write {path}: {reason}; choose another --out or make room") from error
    finally:
        with suppress(OSError):  # gone by now, or never made where `path` lies below a file
            temporary.unlink()


def _remove_leftovers(path: Path) -> None:
    """Remove the temporary files for `path` of processes that are no more."""
    for left in path.parent.glob(f".{glob.escape(path.name)}.*.tmp"):
        number = left.suffixes[-2].removeprefix(".")
        if number.isdigit() and not Path("/proc", number).exists():
            left.unlink(missing_ok=True)


@contextmanager
def locked(directory: Path, wait: bool = False) -> Iterator[None]:
    """Have a folder for this process alone; the lock ends with the process, however that ends.

    It is on the folder itself, so that no file is left. The folder is made if need be, and gone again if
    nothing has come into it. Raises UserError where another process has it, unless that is to be waited for,
    and where it cannot be made.
    """
    is_new = not directory.exists()
    try:
        directory.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(directory, os.O_RDONLY)
    except OSError as error:
        raise UserError(f"cannot write {directory}: {error.strerror}; choose another --out") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError as error:
            raise UserError(f"{directory} is in use: wait for that run, or choose another --out") from error
        except OSError:
            pass  # some network file systems know no locks
        yield
    finally:
        os.close(descriptor)
        if is_new:
            with suppress(OSError):  # there is something in it
                directory.rmdir()


def _flush(path: Path) -> None:
    """Wait until the file or folder at `path` is on disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_text(path: Path, text: str, errors: str = "strict") -> None:
    """Write `text` to `path` as UTF-8, atomically; `errors` says what becomes of what is no text."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8", errors=errors)


def write_array(path: Path, array: np.ndarray) -> None:
    """Write `array` to `path` as .npy, atomically."""
    with atomic_path(path) as temporary, temporary.open("wb") as stream:
        np.save(stream, array, allow_pickle=False)


def write_json(path: Path, value: Any) -> None:
    """Write `value` to `path` as indented JSON, atomically."""
    # The name of a file may hold bytes that are no text: escaped as JSON has it, they come back.
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n", errors="backslashreplace")


def read_json(path: Path) -> Any:
    """The JSON value in `path`. Raises UserError where it is missing or not JSON."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:
        raise UserError(f"{path} is damaged (not JSON): remove it and run again") from error


def write_sealed(path: Path, values: dict[str, Any]) -> None:
    """Write values as `write_json` does, with a checksum of them besides."""
    write_json(path, values | {"sha256": _seal(values)})


def read_sealed(path: Path) -> dict[str, Any]:
    """What `write_sealed` wrote. Raises UserError where it is missing or altered."""
    values = read_json(path)
    if not isinstance(values, dict) or values.pop("sha256", None) != _seal(values):
        raise UserError(f"{path} is damaged (its checksum differs): remove it and run again")
    return values


def _seal(values: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def sha256_file(path: Path) -> str:
    """The SHA-256 checksum of a file, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def let_go(array: np.ndarray) -> None:
    """Of an array that is a whole file: keep no page of it resident, so that memory stays as stated."""
    if isinstance(array.base, mmap.mmap):
        array.base.madvise(mmap.MADV_DONTNEED)  # changes stay, in the system's cache of the file
