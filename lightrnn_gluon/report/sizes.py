"""How far parameters carry: perplexity over their number, each system at several hidden sizes."""

from itertools import cycle, groupby

from matplotlib.figure import Figure

from lightrnn_gluon.report.experiments import Group, Results
from lightrnn_gluon.report.figures import (
    COLOURS,
    DPI,
    MARKERS,
    PERPLEXITIES,
    SIZES,
    TITLE_LENGTH,
    mark_log,
    plain,
    title_lines,
)
from lightrnn_gluon.report.finished import Run, by_system, network_config, networks
from lightrnn_gluon.report.formatting import (
    Column,
    Record,
    Table,
    show_count,
    show_decimal,
    show_general,
    show_integer,
    show_whole_seconds,
)
from lightrnn_gluon.report.notes import parameters_note, time_note, tokens_note
from lightrnn_gluon.report.published import Figures
from lightrnn_gluon.report.tables import make_table

_SPLITS = ("test", "valid")
_COLUMNS = [
    Column("text", "Text", str),
    Column("vocabulary", "Vocabulary", show_integer),
    Column("system", "System", str),
    Column("hidden", "Hidden size", show_integer),
    Column("parameters", "Parameters", show_count),
    Column("table_integers", "Integers of words", show_integer),
    Column("test_perplexity", "Test perplexity", show_decimal),
    Column("valid_perplexity", "Validation perplexity", show_decimal),
    Column("epochs", "Epochs", show_integer),
    Column("optimizer", "Optimizer", str),
    Column("learning_rate", "Rate", show_general),
    Column("learning_rates", "of so many rates", show_integer),
    Column("train_seconds", "Training time", show_whole_seconds),
]
_NOTES = [
    "All rows of a text train for the same number of epochs. Of the rates that a system was trained with at "
    "a size, the line has the best on validation, and of its epochs the best on validation.",
]


def sizes_table(results: Results, _: Figures) -> Table:
    """Perplexity and parameters, a line for each system and hidden size on each text."""
    notes = [*_NOTES, tokens_note(results), parameters_note(results), time_note(results)]
    return make_table("Perplexity by size", results, _COLUMNS, _records(results), notes, ("H", "optimizer"))


def perplexity_figure(results: Results) -> Figure:
    """Test perplexity over parameters: a panel a text, a line a system through its hidden sizes."""
    figure = Figure(figsize=(5.2 * len(results.groups), 5), dpi=DPI, layout="constrained")
    records = _records(results)
    panels = figure.subplots(1, len(results.groups), squeeze=False)[0]
    for axes, group in zip(panels, results.groups, strict=True):
        own = [record for record in records if record["text"] == group.folder]
        systems = dict.fromkeys(record["system"] for record in own)
        for system, colour, marker in zip(systems, cycle(COLOURS), cycle(MARKERS), strict=False):
            points = [(r["parameters"], r["test_perplexity"]) for r in own if r["system"] == system]
            axes.plot(
                *zip(*points, strict=True), color=colour, marker=marker, label=plain(system, TITLE_LENGTH)
            )
        axes.set(xscale="log", yscale="log", xlabel="Parameters (log scale)")
        axes.set_title(group.title, fontsize=10)
        mark_log(axes.xaxis, SIZES)
        axes.xaxis.set_major_formatter(lambda value, _: show_count(value))
        mark_log(axes.yaxis, PERPLEXITIES)
        axes.grid(color="0.9", linewidth=0.7)
    panels[0].set_ylabel("Test perplexity (log scale)")
    panels[-1].legend()
    figure.suptitle(title_lines(results.about), fontsize=10)
    return figure


def _records(results: Results) -> list[Record]:
    """By text, system and hidden size."""
    records = []
    for group in results.groups:
        for runs in by_system(networks(group.runs)).values():
            by_size = groupby(sorted(runs, key=_hidden), key=_hidden)
            records += [_record(group, list(own)) for _, own in by_size]
    return records


def _hidden(run: Run) -> int:
    return network_config(run).hidden


def _record(group: Group, runs: list[Run]) -> Record:
    """A system's line at a size: the rate that is best on validation."""
    best = min(runs, key=lambda run: run.metrics["valid_perplexity"])
    config = network_config(best)
    return {
        "text": group.folder,
        "vocabulary": group.corpus["vocabulary"]["size"],
        "system": best.system,
        "hidden": config.hidden,
        **{key: best.metrics[key] for key in ("parameters", "table_integers", "train_seconds")},
        **{f"{split}_perplexity": round(best.metrics[f"{split}_perplexity"], 4) for split in _SPLITS},
        "epochs": config.epochs,
        "optimizer": config.optimizer,
        "learning_rate": config.learning_rate,
        "learning_rates": len(runs),
    }
