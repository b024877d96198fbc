"""Run the commands of a page, and put what they print beneath them.

Usage: .venv/bin/python reproduce/paste.py PAGE

Commands are the lines that begin with `$ ` in blocks marked `console`. They are run by bash, one after
another, from the repository's folder; what stood beneath them is replaced, and how long each took stands at
the end of its output.
"""

import re
import subprocess
import time
from pathlib import Path

import click

from lightrnn_gluon.cli import run_command
from lightrnn_gluon.errors import UserError
from lightrnn_gluon.files import write_text

_ROOT = Path(__file__).resolve().parent.parent
_BLOCK = re.compile(r"(?<=^```console\n).*?(?=^```$)", re.MULTILINE | re.DOTALL)


@click.command()
@click.argument("page", type=click.Path(path_type=Path))
def main(page: Path) -> None:
    """Run all of a page's commands, then write the page."""
    text = _BLOCK.sub(lambda found: "".join(map(_with_output, commands(found[0]))), read_page(page))
    write_text(page, text)


def read_page(path: Path) -> str:
    """A page's text. Raises UserError where there is none."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise UserError(f"cannot read {path}: {error}") from error


def commands(text: str) -> list[str]:
    """The commands of a block, or of all blocks of a page."""
    return re.findall(r"^\$ (.*)$", text, re.MULTILINE)


def _with_output(command: str) -> str:
    """Run it. Raises UserError where it fails."""
    print(f"$ {command}", flush=True)
    started = time.perf_counter()
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        cwd=_ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    seconds = time.perf_counter() - started
    print(done.stdout, flush=True)
    if done.returncode:
        raise UserError(f"{command!r} ended with status {done.returncode}: the page is left as it was")
    return f"$ {command}\n{done.stdout}[{seconds:,.0f} s]\n"


if __name__ == "__main__":
    run_command(main)
