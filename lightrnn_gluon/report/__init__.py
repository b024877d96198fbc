"""Finished rows -> the paper's tables as CSV and Markdown, and the pictures."""

from dataclasses import dataclass
from pathlib import Path

from lightrnn_gluon.checkpoint import load_arrays
from lightrnn_gluon.corpus import Vocabulary
from lightrnn_gluon.errors import UserError
from lightrnn_gluon.files import write_text
from lightrnn_gluon.report.figures import allocation_figure, rounds_figure, times_figure, write_figure
from lightrnn_gluon.report.finished import Run, equal_time, networks, read_runs, rounds_csv
from lightrnn_gluon.report.tables import load_published, table1, table3, table5
from lightrnn_gluon.runs import ROUNDS, VOCABULARY
from lightrnn_gluon.table import WordTable, table_shape
from lightrnn_gluon.training import MODEL

Made = tuple[list[Path], str]  # files, and a note where one could not be made


@dataclass(frozen=True)
class Report:
    """What `render` made: files in the order of writing, what to know about them, and the tables' text."""

    paths: list[Path]
    notes: list[str]
    tables: str


def render(out: Path) -> Report:
    """Write the tables and pictures of the rows in `out`/runs into `out`.

    Raises UserError where no row is finished, where a row's file is damaged, or where the rows come
    from different corpora or scales.
    """
    runs, published = read_runs(out / "runs"), load_published()
    tables = [make(runs, published) for make in (table1, table3, table5)]
    paths: list[Path] = []
    notes: list[str] = []
    for name, table in zip(("table1", "table3", "table5"), tables, strict=True):
        paths += [out / f"{name}.csv", out / f"{name}.md"]
        write_text(paths[-2], table.csv())
        write_text(paths[-1], table.markdown())
    for draw in (_draw_curves, _write_rounds, _draw_allocation):
        written, note = draw(runs, out)
        paths += written
        notes += [note] if note else []
    return Report(paths, notes, "\n".join(table.markdown() for table in tables))


def _draw_curves(runs: list[Run], out: Path) -> Made:
    """rounds.png and times.png."""
    trained, seconds = networks(runs), equal_time(runs)
    if seconds is None:
        return [], "no network among the rows: no rounds.png and no times.png"
    paths, lightrnn = [out / "rounds.png", out / "times.png"], _find_lightrnn(runs)
    write_figure(paths[0], rounds_figure(trained, lightrnn, _about(runs)))
    write_figure(paths[1], times_figure(trained, lightrnn, seconds, _about(runs)))
    return paths, ""


def _write_rounds(runs: list[Run], out: Path) -> Made:
    """rounds.csv."""
    lightrnn, path = _find_lightrnn(runs), out / ROUNDS
    if lightrnn is None or lightrnn.rounds is None:
        return [], "no row LightRNN with re-allocations: no rounds.csv"
    write_text(path, rounds_csv(lightrnn.rounds))
    return [path], ""


def _draw_allocation(runs: list[Run], out: Path) -> Made:
    """allocation.png, where the model that it shows is still there."""
    lightrnn, path = _find_lightrnn(runs), out / "allocation.png"
    if lightrnn is None:
        return [], "no row LightRNN: no allocation.png"
    files = [lightrnn.directory / name for name in (MODEL, VOCABULARY)]
    missing = [file.name for file in files if not file.is_file()]
    if missing:
        state = "left as it is" if path.exists() else "not made"
        return [], f"{path} is {state}: {lightrnn.directory} has no {' and no '.join(missing)}"
    table, vocabulary = _allocation(*files)
    write_figure(path, allocation_figure(table, vocabulary, f"LightRNN's table: {_about(runs)}"))
    return [path], ""


def _find_lightrnn(runs: list[Run]) -> Run | None:
    return next((run for run in networks(runs) if run.system == "LightRNN"), None)


def _about(runs: list[Run]) -> str:
    return f"{runs[0].metrics['corpus']['name']}, scale: {runs[0].metrics['scale']}"


def _allocation(model: Path, words: Path) -> tuple[WordTable, Vocabulary]:
    """The word table in a saved model, and the words. Raises UserError where they do not fit."""
    arrays, _ = load_arrays(model)
    vocabulary = Vocabulary.load(words)
    columns, _ = table_shape(len(vocabulary))
    parts = {end: a for name, a in arrays.items() for end in ("row_of", "column_of") if name.endswith(end)}
    try:
        table = WordTable(parts["row_of"] * columns + parts["column_of"])
        if len(table) != len(vocabulary):
            raise ValueError(f"{len(table)} cells for {len(vocabulary)} words")
    except (KeyError, ValueError) as error:
        raise UserError(f"{model} holds no table of {words.name}'s words: train again") from error
    return table, vocabulary
