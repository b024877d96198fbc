"""What refining the word table buys: LightRNN by its number of rounds, over several seeds."""

from statistics import mean, stdev

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from lightrnn_gluon.report.experiments import Results
from lightrnn_gluon.report.figures import COLOURS, DPI, TITLE_LENGTH, plain, title_lines
from lightrnn_gluon.report.finished import (
    Run,
    by_system,
    network_config,
    networks,
    reallocation_percent,
)
from lightrnn_gluon.report.formatting import Column, Record, Table, show_decimal, show_integer, show_percent
from lightrnn_gluon.report.notes import parameters_note, time_note, tokens_note
from lightrnn_gluon.report.published import Figures
from lightrnn_gluon.report.tables import make_table

_SPLITS = {"test": "Test", "valid": "Validation"}
REALLOCATION = Column("reallocation_percent", "Re-allocation, % of training time", show_percent)
SPREAD = [
    Column("system", "System", str),
    Column("rounds", "Rounds", show_integer),
    Column("seeds", "Seeds", show_integer),
    *(
        Column(f"{split}_perplexity_{key}", f"{name} perplexity: {heading}", show)
        for split, name in _SPLITS.items()
        for key, heading, show in [
            ("mean", "mean", show_decimal),
            ("deviation", "standard deviation", show_percent),
            ("min", "least", show_decimal),
            ("max", "greatest", show_decimal),
        ]
    ),
    REALLOCATION,
]
SEEDS_NOTE = (
    "Standard deviation: of the sample of seeds (n - 1); empty where there is one. A seed decides on the "
    "first table, the first parameters, the order of the text, and dropout."
)
_NOTES = [
    SEEDS_NOTE,
    "All rows train for the same number of epochs, and a row's perplexities are those of its epoch that is "
    "best on validation. Round n follows epoch n. The row of one round is one pass of refinement only; that "
    "of none keeps the random table that all others start from, except the one sorted by frequency, whose "
    "table is filled row by row with the most frequent words first and never refined.",
    "The later a round, the fewer the epochs that are left to repair what it moved.",
]


def refinement_table(results: Results, _: Figures) -> Table:
    """Perplexity by rounds of refinement, a line a system, with the spread over its seeds."""
    records = [spread(runs) for runs in by_system(networks(results.runs)).values()]
    notes = [*_NOTES, tokens_note(results), parameters_note(results), time_note(results)]
    return make_table("Rounds of refinement", results, SPREAD, records, notes)


def refinement_figure(results: Results) -> Figure:
    """Validation perplexity over rounds: a point a seed, a line through the means.

    A system that starts from another table than the random one is a horizontal line, with the range
    of its seeds.
    """
    figure = Figure(figsize=(8, 5.2), dpi=DPI, layout="constrained")
    axes = figure.add_subplot()
    points, means = [], []
    for number, (system, runs) in enumerate(by_system(networks(results.runs)).items()):
        values = [run.metrics["valid_perplexity"] for run in runs]
        if _starts_at_random(runs[0]):
            points += [(_rounds(runs[0]), value) for value in values]
            means.append((_rounds(runs[0]), mean(values)))
            continue
        colour, label = COLOURS[number % len(COLOURS)], plain(system, TITLE_LENGTH)
        axes.axhspan(min(values), max(values), color=colour, alpha=0.2, linewidth=0)
        axes.axhline(mean(values), color=colour, linestyle="--", label=f"{label}: mean and range")
    if points:
        axes.plot(*np.transpose(means), "-", color="black", linewidth=1.6, label="mean of the seeds")
        axes.plot(*np.transpose(points), "o", color=COLOURS[0], markerfacecolor="white", label="a seed")
    axes.set_title(title_lines(results.about), fontsize=10, pad=10)
    axes.set(xlabel="Rounds of refinement", ylabel="Validation perplexity after training")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(color="0.9", linewidth=0.7)
    axes.legend()
    return figure


def spread(runs: list[Run]) -> Record:
    """What a system's runs, one a seed, come to, for the columns SPREAD."""
    record: Record = {"system": runs[0].system, "rounds": _rounds(runs[0]), "seeds": len(runs)}
    for split in _SPLITS:
        values = [run.metrics[f"{split}_perplexity"] for run in runs]
        spread = {"mean": mean(values), "min": min(values), "max": max(values)}
        if len(values) > 1:
            spread["deviation"] = stdev(values)
        record |= {f"{split}_perplexity_{key}": round(value, 4) for key, value in spread.items()}
    return record | {"reallocation_percent": reallocation_percent(runs)}


def _rounds(run: Run) -> int:
    return len(network_config(run).rounds_after)


def _starts_at_random(run: Run) -> bool:
    return network_config(run).options.get("start", "random") == "random"
