"""How far a table's start, its moves and what a word's second step reads carry: LightRNN by recipe."""

from dataclasses import replace
from statistics import mean, stdev

import pandas as pd
from matplotlib.figure import Figure

from lightrnn_gluon.config import NetworkConfig
from lightrnn_gluon.report.experiments import Group, Results
from lightrnn_gluon.report.figures import (
    COLOURS,
    DPI,
    PERPLEXITIES,
    TITLE_LENGTH,
    mark_log,
    plain,
    title_lines,
)
from lightrnn_gluon.report.finished import ROUND_NATS, Run, by_system, reallocation_percent
from lightrnn_gluon.report.formatting import (
    Column,
    Record,
    Table,
    show_count,
    show_decimal,
    show_integer,
    show_percent,
    show_whole_seconds,
)
from lightrnn_gluon.report.notes import (
    PARAMETERS_NOTE,
    SETTINGS,
    UNSEEN_UNKNOWN_NOTE,
    time_note,
    tokens_note,
)
from lightrnn_gluon.report.published import Figures
from lightrnn_gluon.report.refinements import REALLOCATION, SEEDS_NOTE
from lightrnn_gluon.report.tables import EQUAL_TIME, WITHOUT_UNKNOWN, at_equal_time, make_table

_SETTINGS = {
    "hidden": "H",
    "optimizer": "optimizer",
    "halved": "rate halved",
    "rounds": "re-allocation after epochs",
}
PAPER, BEST = "LightRNN", "LightRNN+"  # that others are compared with: the paper's procedure, and ours
_COLUMNS = [
    Column("text", "Text", str),
    Column("vocabulary", "Vocabulary", show_integer),
    Column("system", "System", str),
    Column("seeds", "Seeds", show_integer),
    Column("test_perplexity", "Test perplexity", show_decimal),
    Column("test_perplexity_deviation", "Standard deviation", show_percent),
    Column("ratio", f"Ratio to {PAPER}'s", "{:.3f}".format),
    WITHOUT_UNKNOWN,
    Column("worst_move_percent", "Validation perplexity by the worst move, %", "{:+.1f}".format),
    Column("promise_kept_percent", "Of what moves promised, came true, %", show_percent),
    *EQUAL_TIME,
    Column("valid_perplexity_at_best_time", f"Validation perplexity at {BEST}'s time", show_decimal),
    Column("parameters", "Parameters", show_count),
    Column("table_integers", "Integers of words", show_integer),
    Column("train_seconds", "Training time", show_whole_seconds),
    REALLOCATION,
    Column("time_limit_seconds", "At most", show_whole_seconds),
    *(Column(key, setting.capitalize(), str) for key, setting in _SETTINGS.items()),
]
_NOTES = [
    SEEDS_NOTE,
    "A recipe is a start, a move and what a word has beside its row and column. Start: random (the paper's), "
    "sorted by frequency, spectral, by counts of neighbours, or information, rows that then come to tell "
    "the most of rows beside them. Move, after the epochs named: joint (the paper's), all "
    "words anywhere; columns, inside their rows; rows, inside their columns, then columns by a fresh pass. "
    "Damped: see caution.py. Codes: so many vectors, of tables as large as the columns' (large: four times "
    "as large; huge: eight times), are read instead of the column's and tell the words of a row apart "
    "besides it. Rank: a vector of the word's own, of so many numbers, is read instead of the column's.",
    f"{BEST} is information, columns, 4 large codes. Seeds are 1 and those after it. Integers of words: "
    "where each word is in the table, and its codes; they are no parameters. At most: a time that ended "
    "training.",
    f"{PAPER} is the paper's procedure. A row's perplexities are those of its epoch that is best on "
    "validation, and figures are means of its seeds, but for the worst change, and for times and what goes "
    "by them: those are of the first seed alone, for the others may have been trained on another day, at "
    f"another speed. Equal time: that of {PAPER}; the last validation perplexity at or before it (or "
    f"{BEST}'s time), on a schedule that was made for all epochs, and empty where there was none by then.",
    UNSEEN_UNKNOWN_NOTE,
    "What a move promises is the training text's nats a token in the new table by the costs of the old one; "
    "what came true is the fall that a pass right after the move finds. Below zero: they rose.",
]


def word_tables_table(results: Results, _: Figures) -> Table:
    """Perplexity by recipe, a line a system of each text."""
    records = [record for group in results.groups for record in _of_group(group)]
    timed = replace(results, groups=[_first_seeds(group) for group in results.groups])
    notes = [*_NOTES, tokens_note(results), PARAMETERS_NOTE, time_note(timed)]
    title, apart = "Tables: starts, moves and second inputs", [*_SETTINGS.values(), "epochs", "seed"]
    return make_table(title, results, _COLUMNS, records, notes, apart)


def recipes_figure(results: Results) -> Figure:
    """Test perplexity by recipe: a panel a text, a line a system from the best down, a point a seed.

    Systems without a word table are grey; the dashed line is where the paper's procedure comes out.
    """
    sizes = [len(by_system(group.runs)) for group in results.groups]
    height = 1.4 + sum(0.27 * size + 0.75 for size in sizes)  # inches
    figure = Figure(figsize=(9, height), dpi=DPI, layout="constrained")
    panels = figure.subplots(len(sizes), 1, squeeze=False, height_ratios=[size + 1 for size in sizes])[:, 0]
    for axes, group in zip(panels, results.groups, strict=True):
        systems = by_system(group.runs)
        perplexities = {name: [run.metrics["test_perplexity"] for run in systems[name]] for name in systems}
        best_first = sorted(systems, key=lambda name: mean(perplexities[name]))
        for line, name in enumerate(best_first):
            values, has_table = perplexities[name], systems[name][0].metrics["table_integers"]
            colour = COLOURS[0] if has_table else "0.45"
            axes.plot(values, [line] * len(values), "o", color=colour, markerfacecolor="white")
            axes.plot(mean(values), line, "|", color=colour, markersize=14)
        if PAPER in systems:
            axes.axvline(mean(perplexities[PAPER]), color=COLOURS[1], linewidth=1, linestyle="--", zorder=0)
        axes.set_yticks(range(len(systems)), [plain(name, TITLE_LENGTH) for name in best_first], fontsize=8)
        axes.set(xscale="log", ylim=(len(systems) - 0.5, -0.5))
        mark_log(axes.xaxis, PERPLEXITIES)
        axes.set_title(group.title, fontsize=10)
        axes.grid(color="0.9", linewidth=0.7)
    panels[-1].set_xlabel("Test perplexity (log scale): a circle a seed, a bar their mean")
    figure.suptitle(title_lines(results.about), fontsize=10)
    return figure


def _first_seeds(group: Group) -> Group:
    """The first seed of each system, whose times are shown."""
    return replace(group, runs=[runs[0] for runs in by_system(group.runs).values()])


def _of_group(group: Group) -> list[Record]:
    """A line a system of one text, beside the paper's and the best where these are among them."""
    systems = by_system(group.runs)
    paper = systems.get(PAPER, [])
    perplexity = mean(run.metrics["test_perplexity"] for run in paper) if paper else None
    times = {name: systems[name][0].metrics["train_seconds"] for name in (PAPER, BEST) if name in systems}
    return [_record(runs, group, perplexity, times) for runs in systems.values()]


def _record(runs: list[Run], group: Group, paper: float | None, times: dict[str, float]) -> Record:
    """A system's line; the paper's procedure reached the perplexity `paper`."""
    perplexities = [run.metrics["test_perplexity"] for run in runs]
    return {
        "text": group.folder,
        "vocabulary": group.corpus["vocabulary"]["size"],
        "system": runs[0].system,
        "seeds": len(runs),
        "test_perplexity": _mean(runs, "test_perplexity"),
        "test_perplexity_deviation": round(stdev(perplexities), 4) if len(runs) > 1 else None,
        "ratio": None if paper is None else round(mean(perplexities) / paper, 4),
        "test_perplexity_without_unknown": _mean(runs, "test_perplexity_without_unknown"),
        **_moves(runs),
        **_at_times(runs, times),
        "parameters": runs[0].metrics["parameters"],
        "table_integers": runs[0].metrics["table_integers"],
        "train_seconds": round(runs[0].metrics["train_seconds"], 1),
        "reallocation_percent": None if runs[0].rounds is None else reallocation_percent(runs[:1]),
        **_settings(runs[0]),
    }


def _at_times(runs: list[Run], times: dict[str, float]) -> Record:
    """A network's validation perplexity, and that by the seconds that others took; nothing for other rows."""
    equal = at_equal_time(runs[0], times.get(PAPER))
    if not equal:
        return {}
    by_best = at_equal_time(runs[0], times.get(BEST))
    return equal | {
        "valid_perplexity": _mean(runs, "valid_perplexity"),
        "valid_perplexity_at_best_time": by_best.get("valid_perplexity_at_equal_time"),
    }


def _settings(run: Run) -> Record:
    """What a network was trained with; nothing for other rows."""
    if not isinstance(run.config, NetworkConfig):
        return {}
    shown = {key: SETTINGS[setting](run.config) for key, setting in _SETTINGS.items()}
    return {"time_limit_seconds": run.config.time_limit, **shown}


def _mean(runs: list[Run], key: str) -> float:
    return round(mean(run.metrics[key] for run in runs), 4)


def _moves(runs: list[Run]) -> Record:
    """How far moves kept what they promised, over all rounds of all seeds; nothing where none tells."""
    rounds = [run.rounds for run in runs if run.rounds is not None and set(ROUND_NATS) <= set(run.rounds)]
    if not rounds:
        return {"worst_move_percent": None, "promise_kept_percent": None}
    every = pd.concat(rounds)
    before, promised, real = (
        every[f"row_nats_{when}"] + every[f"column_nats_{when}"] for when in ("before", "promised", "real")
    )
    change = every["valid_perplexity_after"] / every["valid_perplexity_before"] - 1
    fall = float((before - promised).sum())
    return {
        "worst_move_percent": round(100 * float(change.max()), 4),
        "promise_kept_percent": round(100 * float((before - real).sum()) / fall, 4) if fall else None,
    }
