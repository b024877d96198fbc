"""What a start costs where vocabulary and text are large: time and memory, on generated text.

Usage: .venv/bin/python reproduce/bench/starts.py [--words V] [--tokens N] [--start NAME]... [--out DIR]

Each start works in a process of its own, on one thread; what it took is a file in DIR/starts, and is not
measured again while that is there. DIR/starts.md is made of these, and of what the paper's corpus would take
by the straight line through what a start took for its shortest and for its longest text.
"""

import time
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from tempfile import TemporaryDirectory

import click
import numpy as np
from alone import RESULTS, publish, run_alone
from words import batch_words

from lightrnn_gluon.cli import run_command
from lightrnn_gluon.config import NetworkConfig, load_row
from lightrnn_gluon.environment import environment, peak_bytes
from lightrnn_gluon.files import read_json, write_json
from lightrnn_gluon.report.formatting import (
    Column,
    Record,
    Table,
    show_bytes,
    show_integer,
    show_whole_seconds,
)
from lightrnn_gluon.report.published import load_published
from lightrnn_gluon.starts import STARTS, codes, find_start
from lightrnn_gluon.table import WordTable
from lightrnn_gluon.word_vectors import TrainingText

_PLUS = load_row(Path(__file__).resolve().parents[1] / "configs" / "billionw" / "lightrnn+.yaml")
assert isinstance(_PLUS, NetworkConfig)
_CODES, _CODE_SIZE = _PLUS.options["codes"], _PLUS.options["code_size"]
_BLOCK = 1 << 22
_PAPERS_TOKENS = load_published()["table1"]["BillionW"]["tokens"]
_COLUMNS = [
    Column("words", "Words", show_integer),
    Column("tokens", "Tokens", show_integer),
    Column("how", "Figures", str),
    Column("start", "Start", str),
    Column("start_seconds", "Time", show_whole_seconds),
    Column("codes_seconds", "Time of codes", show_whole_seconds),
    Column("seconds", "Both", show_whole_seconds),
    Column("peak_bytes", "Peak memory", show_bytes),
]
_NOTES = [
    "The text: words drawn by Zipf's law, each regardless of those before it, so that more different words "
    "are neighbours than in a language; read from disk in blocks. Its words' order means nothing, so nothing "
    "is said of how good a table is.",
    f"Codes: {_CODES} for each word, each one of {_CODE_SIZE} times as many as the table has columns. Peak "
    "memory: of the process, libraries included.",
    "By the line: not measured, but on the straight line through what the shortest and the longest text of a "
    "start took.",
]


@click.command()
@click.option("--words", default=793_471, show_default=True, help="Size of the vocabulary.")
@click.option("--tokens", default=100_000_000, show_default=True, help="Length of the text.")
@click.option("--start", "starts", multiple=True, type=click.Choice(list(STARTS)), help="Which; none: all.")
@click.option("--out", type=click.Path(path_type=Path), default=RESULTS, help="Where the table goes.")
@click.option("--measure", nargs=2, hidden=True)
def main(
    words: int, tokens: int, starts: tuple[str, ...], out: Path, measure: tuple[str, Path] | None
) -> None:
    """Measure what has not been measured, and write the table."""
    if measure:
        _measure(measure[0], Path(measure[1]), words, out)
        return
    out.mkdir(parents=True, exist_ok=True)
    todo = [
        start for start in dict.fromkeys(starts or STARTS) if not _path(out, words, tokens, start).is_file()
    ]
    with TemporaryDirectory(dir=out) as directory:
        text = Path(directory) / "ids.npy"
        if todo:
            _write_text(text, words, tokens)
        for start in todo:
            print(f"{start}: {words:,} words, {tokens:,} tokens", flush=True)
            run_alone(__file__, "--words", words, "--out", out, "--measure", start, text)
    records = sorted(
        (read_json(path) for path in (out / "starts").glob("*.json")),
        key=lambda record: (record["words"], record["tokens"], list(STARTS).index(record["start"])),
    )
    commits = sorted({record["environment"]["commit"] for record in records})
    for record in records:
        record |= {"how": "measured", "seconds": record["start_seconds"] + record["codes_seconds"]}
    lines = records + _at_papers_scale(records)
    table = Table(
        "What a start costs", f"One thread; measured at {', '.join(commits)}.", _COLUMNS, lines, _NOTES
    )
    publish(table, out, "starts")


def _at_papers_scale(records: list[Record]) -> list[Record]:
    """What each start would take for the paper's tokens, where it was measured on two lengths of text.

    The records, of which each start's come shortest text first, have the sum of their times.
    """
    lines, by_start = [], itemgetter("words", "start")
    for (words, start), own in groupby(sorted(records, key=by_start), key=by_start):
        short, *longer = own
        if not longer:
            continue
        long = longer[-1]
        share = (_PAPERS_TOKENS - short["tokens"]) / (long["tokens"] - short["tokens"])
        figures = {key: short[key] + share * (long[key] - short[key]) for key in ("seconds", "peak_bytes")}
        about = {"words": words, "tokens": _PAPERS_TOKENS, "start": start, "how": "by the line"}
        lines.append(about | figures)
    return lines


def _path(out: Path, words: int, tokens: int, start: str) -> Path:
    return out / "starts" / f"{words}-{tokens}.{start}.json"


def _write_text(path: Path, words: int, tokens: int) -> None:
    """int32 (tokens,): word ids, drawn by how often words occur by Zipf's law."""
    ids = np.lib.format.open_memmap(path, mode="w+", dtype=np.int32, shape=(tokens,))
    for first, (block,) in zip(range(0, tokens, _BLOCK), batch_words(words, 1, _BLOCK), strict=False):
        part = ids[first : first + _BLOCK]
        part[:] = block[: len(part)]
    ids.flush()


def _measure(start: str, path: Path, words: int, out: Path) -> None:
    ids, random = np.load(path, mmap_mode="r", allow_pickle=False), WordTable.random(words, 1)
    text = TrainingText([str(word) for word in range(words)], ids)
    started = time.perf_counter()
    table = find_start(start)(random, text)
    found = time.perf_counter()
    codes(table, text, _CODES, _CODE_SIZE * table.columns)
    ended = time.perf_counter()
    record = {
        "words": words,
        "tokens": len(ids),
        "start": start,
        "start_seconds": found - started,
        "codes_seconds": ended - found,
        "peak_bytes": peak_bytes(),
        "environment": environment(),
    }
    write_json(_path(out, words, len(ids), start), record)


if __name__ == "__main__":
    run_command(main)
