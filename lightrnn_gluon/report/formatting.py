"""One table written twice: as CSV for machines and as Markdown for people."""

import html
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd

Record = dict[str, Any]  # a line of a table: values by column


@dataclass(frozen=True)
class Published:
    """A published figure; `doubtful` ones carry a question mark in the Markdown."""

    value: float
    doubtful: bool


@dataclass(frozen=True)
class Column:
    """A column: its name in the CSV, its heading for people, and how they are shown a value."""

    key: str
    heading: str
    show: Callable[[Any], str]


@dataclass(frozen=True)
class Table:
    """Records with a title, a paragraph on the protocol and notes; texts may come from anywhere."""

    title: str
    protocol: str
    columns: list[Column]
    records: list[Record]
    notes: list[str]

    def csv(self) -> str:
        """The records, with an empty cell for what is not known."""
        rows = [[_csv_cell(record.get(c.key)) for c in self.columns] for record in self.records]
        frame = pd.DataFrame(rows, columns=[c.key for c in self.columns], dtype=object)
        return frame.to_csv(index=False, lineterminator="\n")

    def markdown(self) -> str:
        """Title, protocol, table and notes."""
        rows = [[_markdown_cell(record.get(c.key), c.show) for c in self.columns] for record in self.records]
        align = [":--" if c.show is str else "--:" for c in self.columns]
        cells = [[c.heading for c in self.columns], align, *rows]
        lines = ["| " + " | ".join(line) + " |" for line in cells]
        notes = [f"- {note}" for note in self.notes]
        return "\n".join([f"# {self.title}", "", self.protocol, "", *lines, "", *notes, ""])


def printable(text: str) -> str:
    """The text with control and other unprintable characters replaced."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def escape_markdown(text: str) -> str:
    """The text such that Markdown, also inside a table, shows it as it is."""
    return re.sub(r"([\\`*_\[\]|~$])", r"\\\1", html.escape(printable(text), quote=False))


def show_decimal(value: float) -> str:
    """A number to one decimal: 119.3."""
    return f"{value:,.1f}"


def show_general(value: float) -> str:
    """A number with the digits that it was given with: 68, 2.36."""
    return f"{value:g}"


def show_percent(value: float) -> str:
    """A share in per cent, without the sign: 2.36."""
    return f"{value:.2f}"


def show_integer(value: float) -> str:
    """A whole number: 7,965."""
    return f"{value:,.0f}"


def show_count(value: float) -> str:
    """A large number in short: 7,965, 0.38M, 41M, 1.6G."""
    if value < 100_000:
        return show_integer(value)
    scaled, unit = (value / 1e9, "G") if value >= 1e9 else (value / 1e6, "M")
    digits = max(0, 2 - (scaled >= 10) - (scaled >= 100))
    text = f"{scaled:,.{digits}f}"
    return (text.rstrip("0").rstrip(".") if digits else text) + unit


def show_bytes(value: float) -> str:
    """A size on disk: 812 B, 1.5 MB."""
    for unit in ("B", "kB", "MB"):
        if value < 1000:
            return f"{value:.0f} B" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:,.1f} GB"


def show_seconds(value: float) -> str:
    """A time: 2.3 s, 1,234 s."""
    return f"{value:,.1f} s" if value < 100 else f"{value:,.0f} s"


def show_whole_seconds(value: float) -> str:
    """A time: 2 s, 1,234 s."""
    return f"{value:,.0f} s"


def _csv_cell(value: Any) -> Any:
    """A value for a CSV file; a text that a spreadsheet would take for a formula is quoted."""
    if isinstance(value, Published):
        return value.value
    if isinstance(value, str):
        value = printable(value)
        return f"'{value}" if value.startswith(("=", "+", "-", "@")) else value
    return value


def _markdown_cell(value: Any, show: Callable[[Any], str]) -> str:
    if value is None:
        return ""
    if isinstance(value, Published):
        return escape_markdown(show(value.value)) + ("?" if value.doubtful else "")
    return escape_markdown(show(value))
