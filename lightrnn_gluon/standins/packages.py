"""Debian packages as a source of text: fetched by name and read, with no root and nothing installed."""

import io
import os
import shutil
import subprocess
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from lightrnn_gluon.errors import UserError
from lightrnn_gluon.files import sha256_file


class PackageError(UserError):
    """A package cannot be fetched or read; what to do instead, the one who wants it knows."""


@dataclass(frozen=True)
class Package:
    """A package in a file."""

    path: Path
    name: str
    version: str
    sha256: str


def fetch(names: Sequence[str], directory: Path) -> dict[str, Package]:
    """Download packages into `directory`, in the versions that this system's sources offer; by name.

    The sources' lists are fetched into `directory` too: the system's own may be missing or old, and
    only root can renew them. Raises PackageError where a package cannot be had.
    """
    lists, cache = directory.resolve() / "lists", directory.resolve() / "cache"
    for folder in (lists / "partial", cache / "archives" / "partial"):
        folder.mkdir(parents=True)
    options = [f"Dir::State::Lists={lists}", f"Dir::Cache={cache}", "APT::Sandbox::User=root"]
    apt = ["apt-get", "-qq", *(word for option in options for word in ("-o", option))]
    update = _run([*apt, "update"], directory)
    download = _run([*apt, "download", *names], directory)
    if download.returncode != 0:  # that of `update` tells little: other sources may have failed
        raise _failure(update.stderr + download.stderr)
    return {name: _package(name, directory) for name in names}


def read_files(package: Package) -> dict[str, bytes]:
    """The package's regular files by path (`usr/share/...`). Raises PackageError where it is damaged."""
    unpacked = _run(["dpkg-deb", "--fsys-tarfile", package.path.name], package.path.parent)
    if unpacked.returncode != 0:
        raise _failure(unpacked.stderr)
    with tarfile.open(fileobj=io.BytesIO(unpacked.stdout)) as archive:
        members = [member for member in archive if member.isfile()]  # links would give their targets again
        streams = ((member.name.removeprefix("./"), archive.extractfile(member)) for member in members)
        return {path: stream.read() for path, stream in streams if stream}


def _package(name: str, directory: Path) -> Package:
    (path,) = directory.glob(f"{name}_*.deb")
    version = unquote(path.name.split("_")[1])  # NAME_VERSION_ARCHITECTURE.deb, %3a for a colon
    return Package(path, name, version, sha256_file(path))


def _run(command: list[str], directory: Path) -> subprocess.CompletedProcess[bytes]:
    if shutil.which(command[0]) is None:
        raise _failure(f"no {command[0]} on this system".encode())
    environment = {**os.environ, "LC_ALL": "C"}  # complaints in English
    return subprocess.run(
        command, cwd=directory, env=environment, stdin=subprocess.DEVNULL, capture_output=True
    )


def _failure(complaint: bytes) -> PackageError:
    lines = complaint.decode(errors="replace").splitlines()
    reason = next(filter(str.strip, lines), "no reason given")
    return PackageError(f"cannot fetch Debian packages ({reason.strip()})")
