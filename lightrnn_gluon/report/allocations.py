"""What a better matching buys in training: LightRNN by the method that re-allocates its words."""

from statistics import mean

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from lightrnn_gluon.report.experiments import Results
from lightrnn_gluon.report.figures import (
    COLOURS,
    DPI,
    MARKERS,
    PERPLEXITIES,
    TITLE_LENGTH,
    mark_log,
    plain,
    title_lines,
)
from lightrnn_gluon.report.finished import Run, by_system, networks
from lightrnn_gluon.report.formatting import Column, Record, Table, show_decimal, show_percent
from lightrnn_gluon.report.notes import parameters_note, time_note, tokens_note
from lightrnn_gluon.report.published import Figures
from lightrnn_gluon.report.refinements import SEEDS_NOTE, SPREAD, spread
from lightrnn_gluon.report.tables import make_table

# What is known of a round, by its name in rounds.csv, with what it is called here.
_ROUND = {
    "cost_after_nats_per_token": ("cost", "cost of the new table, nats a token", show_percent),
    "valid_perplexity_after": ("after", "validation perplexity just after", show_decimal),
    "valid_perplexity_end": ("end", "validation perplexity when the next begins", show_decimal),
}
_NOTES = [
    SEEDS_NOTE,
    "All rows train for the same number of epochs, from the same tables; a row's perplexities are those of "
    "its epoch that is best on validation. Round n follows epoch n; its figures are means of the seeds. What "
    "a table costs is counted under the rows that words had before: an objective, not a perplexity.",
    "Costs come from a pass over the training text after the epoch, dropout off; in the row that says so, "
    "from the steps of the epoch itself.",
]


def allocation_table(results: Results, _: Figures) -> Table:
    """Perplexity by method, a line a system, with the spread over its seeds and what each round did."""
    systems = by_system(networks(results.runs))
    rounds = max(0 if run.rounds is None else len(run.rounds) for run in results.runs)
    columns = [
        Column(f"round_{number}_{key}", f"Round {number}: {heading}", show)
        for number in range(1, rounds + 1)
        for key, heading, show in _ROUND.values()
    ]
    records = [spread(runs) | _round_means(runs) for runs in systems.values()]
    notes = [*_NOTES, tokens_note(results), parameters_note(results), time_note(results)]
    return make_table("Methods of allocation in training", results, [*SPREAD, *columns], records, notes)


def allocation_figure(results: Results) -> Figure:
    """Validation perplexity over epochs: a line a system, the mean of its seeds in their range."""
    figure = Figure(figsize=(8, 5.2), dpi=DPI, layout="constrained")
    axes = figure.add_subplot()
    for number, (system, runs) in enumerate(by_system(networks(results.runs)).items()):
        curves = [run.curve for run in runs if run.curve is not None]
        epochs = curves[0]["epoch"].to_numpy()
        values = np.array([curve["valid_perplexity"].to_numpy() for curve in curves])
        colour, marker = COLOURS[number % len(COLOURS)], MARKERS[number % len(MARKERS)]
        least, greatest = values.min(axis=0), values.max(axis=0)
        axes.fill_between(epochs, least, greatest, color=colour, alpha=0.2, linewidth=0)
        axes.plot(
            epochs, values.mean(axis=0), marker=marker, color=colour, markersize=5,
            label=plain(system, TITLE_LENGTH),
        )  # fmt: skip
    axes.set_title(title_lines(results.about), fontsize=10, pad=10)
    axes.set(xlabel="Epoch", ylabel="Validation perplexity (log scale): mean and range of the seeds")
    axes.set_yscale("log")
    mark_log(axes.yaxis, PERPLEXITIES)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(color="0.9", linewidth=0.7)
    axes.legend()
    return figure


def _round_means(runs: list[Run]) -> Record:
    tables = [run.rounds for run in runs if run.rounds is not None]
    return {
        f"round_{number}_{key}": round(mean(float(table[name].iloc[number - 1]) for table in tables), 4)
        for number in range(1, min(map(len, tables), default=0) + 1)
        for name, (key, _, _) in _ROUND.items()
    }
