"""Put figures of results/ into pages, so that nothing in them is typed in by hand.

Usage: .venv/bin/python reproduce/embed.py PAGE...

A page says what it shows in a comment, which the table follows; what stood there is replaced:

    <!-- table
    file: results/tables/tables.md      # the first table in it is read
    lines: [LightRNN, LightRNN+]        # which, by their `name`; else all
    columns: [Test perplexity, Parameters]
    -->

Lines and columns can be given other names, `{LightRNN: the paper's procedure}`. `name` is `"{System}"` if it
is not said to be another mixture of a line's cells. With `across: Text` the columns are texts instead, and
`cell`, say `"{Test perplexity} ({Parameters})"`, is what stands there of a line and a text, where there is
such.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import yaml
from paste import read_page

from lightrnn_gluon.cli import run_command
from lightrnn_gluon.errors import UserError
from lightrnn_gluon.files import write_text

_ROOT = Path(__file__).resolve().parent.parent
_BLOCK = re.compile(r"^(?P<comment><!-- table\n(?P<wish>.*?)-->\n)(?:\|[^\n]*\n)*", re.MULTILINE | re.DOTALL)
Read = Callable[[str], str]  # the text of a file, by its path from the repository's folder


@click.command()
@click.argument("pages", type=click.Path(path_type=Path), nargs=-1, required=True)
def main(pages: tuple[Path, ...]) -> None:
    """Write these pages with the tables that they ask for."""
    for page in pages:
        write_text(page, embedded(read_page(page), lambda name: read_page(_ROOT / name)))


def embedded(page: str, read: Read) -> str:
    """A page with the tables that it asks for. Raises UserError where there is no such line or column."""

    def renew(found: re.Match[str]) -> str:
        wish = yaml.safe_load(found["wish"])
        try:
            lines = _table(wish, _records(read(wish["file"])))
        except KeyError as error:
            raise UserError(f"{wish}: there is no {error}") from error
        return found["comment"] + "".join(f"| {' | '.join(line)} |\n" for line in lines)

    return _BLOCK.sub(renew, page)


def _records(text: str) -> list[dict[str, str]]:
    """The lines of a text's first table, each by the columns' titles."""
    table = re.search(r"(?:^\|.*\n)+", text, re.MULTILINE)
    titles, _, *lines = [_cells(line) for line in (table[0] if table else "||\n||\n").splitlines()]
    return [dict(zip(titles, line, strict=True)) for line in lines]


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def _table(wish: dict[str, Any], records: list[dict[str, str]]) -> list[list[str]]:
    """The lines of what a page asks for, titles first."""
    names = [wish.get("name", "{System}").format_map(record) for record in records]
    shown, columns = _called(wish.get("lines", names)), _called(wish["columns"])
    across = wish.get("across")
    cells: dict[str, dict[str, str]] = {}
    for name, record in zip(names, records, strict=True):
        found = {record[across]: wish["cell"].format_map(record)} if across else record
        cells.setdefault(name, {}).update(found)
    missing = columns.keys() - {column for line in cells.values() for column in line}
    if missing:
        raise KeyError(*missing)
    lines = [[label, *(cells[name].get(column, "") for column in columns)] for name, label in shown.items()]
    return [["", *columns.values()], ["---"] * (1 + len(columns)), *lines]


def _called(names: list[str] | dict[str, str]) -> dict[str, str]:
    """What each is called: if nothing else, as it is."""
    return names if isinstance(names, dict) else {name: name for name in names}


if __name__ == "__main__":
    run_command(main)
