"""Finished rows -> the paper's tables as CSV and Markdown, and the pictures."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure

from lightrnn_gluon.coherence import find_labellings
from lightrnn_gluon.corpus import Corpus
from lightrnn_gluon.files import write_text
from lightrnn_gluon.report.allocations import allocation_figure, allocation_table
from lightrnn_gluon.report.experiments import Group, Results, read_results
from lightrnn_gluon.report.figures import (
    rounds_figure,
    sizes_figure,
    table_figure,
    times_figure,
    write_figure,
)
from lightrnn_gluon.report.finished import (
    Run,
    equal_time,
    network_config,
    networks,
    read_table,
    rounds_csv,
    tables_over_rounds,
)
from lightrnn_gluon.report.formatting import Table
from lightrnn_gluon.report.languages import table2, table4
from lightrnn_gluon.report.learned import learned_tables
from lightrnn_gluon.report.published import Figures, load_published
from lightrnn_gluon.report.refinements import refinement_figure, refinement_table
from lightrnn_gluon.report.sizes import perplexity_figure, sizes_table
from lightrnn_gluon.report.tables import ptb_table, table1, table3, table5
from lightrnn_gluon.report.vocabularies import vocabulary_figure, vocabulary_table
from lightrnn_gluon.report.word_tables import BEST, PAPER, recipes_figure, word_tables_table
from lightrnn_gluon.runs import ROUNDS, VOCABULARY
from lightrnn_gluon.training import MODEL

Made = tuple[list[Path], list[str]]  # files, and notes on those that could not be made

_TABLES: dict[str, dict[str, Callable[[Results, Figures], Table]]] = {
    "billionw": {"table1": table1, "table3": table3, "table5": table5},
    "aclw": {"table1": table1, "table2": table2, "table3": table3, "table4": table4},
    "ptb": {"ptb": ptb_table},
    "refinement": {"refinement": refinement_table},
    "allocation": {"allocation": allocation_table},
    "vocabulary": {"vocabulary": vocabulary_table},
    "tables": {"tables": word_tables_table},
    "sizes": {"sizes": sizes_table},
}
_TABLES_SHOWN = (PAPER, BEST)  # of those that are refined: what they learned
# The one picture of an experiment that compares systems by their spread, or at several sizes.
_FIGURES: dict[str, Callable[[Results], Figure]] = {
    "refinement": refinement_figure,
    "allocation": allocation_figure,
    "vocabulary": vocabulary_figure,
    "tables": recipes_figure,
    "sizes": perplexity_figure,
}


@dataclass(frozen=True)
class Report:
    """What `render` made: files in the order of writing, what to know about them, and the tables' text."""

    paths: list[Path]
    notes: list[str]
    tables: str


def render(out: Path) -> Report:
    """Write the tables of the rows in `out`/runs, or in `out`/<language or vocabulary>/runs, into `out`.

    The pictures of each corpus, and what its word tables learned, go beside its runs; most experiments of
    _FIGURES have one picture in their place. Raises UserError where no row is finished, where a row's
    file is damaged, or where the rows come from different corpora or scales.
    """
    results, published = read_results(out), load_published()
    tables = {name: make(results, published) for name, make in _TABLES[results.experiment].items()}
    paths: list[Path] = []
    notes: list[str] = []
    for name, table in tables.items():
        paths += _write_table(out / name, table)
    if results.experiment in _FIGURES:
        paths.append(out / f"{results.experiment}.png")
        write_figure(paths[-1], _FIGURES[results.experiment](results))
    for group in results.groups:
        for make_files in _of_each_corpus(results.experiment):
            written, reasons = make_files(group)
            paths += written
            notes += reasons
    return Report(paths, notes, "\n".join(table.markdown() for table in tables.values()))


def _of_each_corpus(experiment: str) -> tuple[Callable[[Group], Made], ...]:
    """What makes the files that an experiment has for each of its corpora."""
    if experiment not in _FIGURES:
        return _draw_networks, _write_rounds, _draw_allocation, _write_learned
    return (_write_learned,) if experiment == "tables" else ()


def _write_table(path: Path, table: Table) -> list[Path]:
    """`path`.csv and `path`.md."""
    paths = [path.with_name(f"{path.name}.csv"), path.with_name(f"{path.name}.md")]
    for path, text in zip(paths, (table.csv(), table.markdown()), strict=True):
        write_text(path, text)
    return paths


def _draw_networks(group: Group) -> Made:
    """rounds.png, times.png and sizes.png."""
    trained, seconds, lightrnn = networks(group.runs), equal_time(group.runs), _find_lightrnn(group)
    if seconds is None:
        return [], [f"no network among the rows: no rounds.png, times.png and sizes.png in {group.directory}"]
    single = [run for run in group.runs if run.metrics["kind"] != "interpolation"]
    figures = {
        "rounds.png": rounds_figure(trained, lightrnn, group.about),
        "times.png": times_figure(trained, lightrnn, seconds, group.about),
        "sizes.png": sizes_figure(single, lightrnn, group.about),
    }
    for name, figure in figures.items():
        write_figure(group.directory / name, figure)
    return [group.directory / name for name in figures], []


def _write_rounds(group: Group) -> Made:
    """rounds.csv."""
    lightrnn, path = _find_lightrnn(group), group.directory / ROUNDS
    if lightrnn is None or lightrnn.rounds is None:
        return [], [f"no row LightRNN with re-allocations: no {path}"]
    write_text(path, rounds_csv(lightrnn.rounds))
    return [path], []


def _draw_allocation(group: Group) -> Made:
    """allocation.png, where the model that it shows is still there."""
    lightrnn, path = _find_lightrnn(group), group.directory / "allocation.png"
    if lightrnn is None:
        return [], [f"no row LightRNN: no {path}"]
    if missing := _missing_models([lightrnn]):
        return [], [_left(path, missing)]
    write_figure(path, table_figure(*read_table(lightrnn), f"LightRNN's table: {group.about}"))
    return [path], []


def _write_learned(group: Group) -> Made:
    """The coherence of the chosen rows' tables, where their models and the corpus are still there."""
    path, folder = group.directory / "coherence", group.directory / "corpus"
    with_table = _choose_tables(group.runs)
    if not with_table:
        return [], [f"no row with a word table: no {path}.csv"]
    if missing := _missing_models(with_table):
        return [], [_left(path.with_suffix(".csv"), missing)]
    corpus = Corpus(folder) if folder.is_dir() else None
    if corpus is None or corpus.checksum != with_table[0].metrics["corpus_sha256"]:
        return [], [_left(path.with_suffix(".csv"), f"{folder} is not there, or not the rows' corpus")]
    tables = {run.system: tables_over_rounds(run, read_table(run)[0]) for run in with_table}
    ids = corpus.ids("train")
    labellings, left_out = find_labellings(corpus.vocabulary, ids)
    coherence, lines = learned_tables(tables, group, corpus.vocabulary, ids, labellings, left_out)
    return _write_table(path, coherence) + _write_table(path.with_name("coherent_lines"), lines), []


def _choose_tables(runs: list[Run]) -> list[Run]:
    """The first run of the paper's procedure, of LightRNN+, and of each start that is kept as it is."""
    chosen: dict[str, Run] = {}
    for run in networks(runs):
        if run.metrics["table_integers"] and (run.rounds is None or run.system in _TABLES_SHOWN):
            start = network_config(run).options.get("start", "random")
            chosen.setdefault(start if run.rounds is None else run.system, run)
    return list(chosen.values())


def _find_lightrnn(group: Group) -> Run | None:
    return next((run for run in networks(group.runs) if run.system == PAPER), None)


def _missing_models(runs: list[Run]) -> str:
    """Which of the rows no word table can be read from any more, in words; nothing where all have theirs."""
    lacking = {
        name: [run.directory.name for run in runs if not (run.directory / name).is_file()]
        for name in (MODEL, VOCABULARY)
    }
    return "; ".join(f"no {name} in {', '.join(rows)}" for name, rows in lacking.items() if rows)


def _left(path: Path, reason: str) -> str:
    return f"{path} is {'left as it is' if path.exists() else 'not made'}: {reason}"
