"""The trade against a standard network: perplexity, speed and memory over the vocabulary's size."""

from itertools import cycle

from matplotlib.figure import Figure

from lightrnn_gluon.corpus import END, START, UNKNOWN
from lightrnn_gluon.report.experiments import ALL_WORDS, Group, Results
from lightrnn_gluon.report.figures import (
    COLOURS,
    DPI,
    MARKERS,
    SIZES,
    TITLE_LENGTH,
    mark_log,
    plain,
    title_lines,
)
from lightrnn_gluon.report.finished import Run, equal_time, network_config, networks
from lightrnn_gluon.report.formatting import (
    Column,
    Record,
    Table,
    show_bytes,
    show_count,
    show_decimal,
    show_integer,
    show_percent,
)
from lightrnn_gluon.report.notes import UNSEEN_UNKNOWN_NOTE, equal_time_notes, parameters_note, time_note
from lightrnn_gluon.report.published import Figures
from lightrnn_gluon.report.tables import EQUAL_TIME, WITHOUT_UNKNOWN, at_equal_time, make_table

# Up to so many words the full softmax, too, is compared at equal epochs.
_FULL_SOFTMAX_WORDS = 20_000
_AT_EQUAL_EPOCHS = ["test_perplexity", "test_perplexity_without_unknown", "valid_perplexity"]


def _show_words(folder: str) -> str:
    return folder if folder == ALL_WORDS else show_integer(int(folder))


_COLUMNS = [
    Column("words", "Words", _show_words),
    Column("vocabulary", "Vocabulary", show_integer),
    Column("unknown_share_percent", "Unknown, % of test", show_percent),
    Column("system", "System", str),
    Column("test_perplexity", "Test perplexity", show_decimal),
    WITHOUT_UNKNOWN,
    *EQUAL_TIME,
    Column("words_per_second", "Words/s", show_integer),
    Column("peak_memory_bytes", "Peak memory", show_bytes),
    Column("parameters", "Parameters", show_count),
    Column("model_bytes", "Model file", show_bytes),
]
_NOTES = [
    "Perplexities of different vocabularies do not compare: the fewer the words, the more tokens are the one "
    "word `<UNK>`, which is easy to predict. Those of one vocabulary do compare.",
    "Words: how many of the training text's most frequent words are kept; the vocabulary has `<UNK>`, `<S>` "
    "and `</S>` besides.",
    UNSEEN_UNKNOWN_NOTE,
    f"Above {_FULL_SOFTMAX_WORDS:,} words the full softmax is compared at equal training time only, and its "
    "figures at equal epochs are left out: its epochs take many times as long as those of the others there.",
    "Peak memory: the most that the whole process held, MXNet, corpus and optimizer included.",
    "Tokens: every word of a sentence and its closing `</S>` are predicted and count, `<S>` is context only. "
    "`<UNK>` counts as a word.",
]


def vocabulary_table(results: Results, _: Figures) -> Table:
    """Perplexity, speed and memory, a line for each system at each vocabulary."""
    records = [_record(run, group) for group in results.groups for run in networks(group.runs)]
    notes = [*_NOTES, *equal_time_notes(results), parameters_note(results), time_note(results)]
    return make_table("Systems by size of vocabulary", results, _COLUMNS, records, notes)


def vocabulary_figure(results: Results) -> Figure:
    """Validation perplexity at equal time, and words a second, over the vocabulary's size."""
    lines: dict[str, list[Record]] = {}
    for group in results.groups:
        for run in networks(group.runs):
            lines.setdefault(run.system, []).append(_record(run, group))
    figure = Figure(figsize=(10.5, 5), dpi=DPI, layout="constrained")
    perplexity, speed = figure.subplots(1, 2)
    for (system, records), colour, marker in zip(lines.items(), cycle(COLOURS), cycle(MARKERS), strict=False):
        sizes = [record["vocabulary"] for record in records]
        for axes, key in ((perplexity, "valid_perplexity_at_equal_time"), (speed, "words_per_second")):
            # None, where it had not been evaluated by the equal time, leaves a gap.
            axes.plot(
                sizes, [float("nan") if record[key] is None else record[key] for record in records],
                color=colour, marker=marker, label=plain(system, TITLE_LENGTH),
            )  # fmt: skip
    perplexity.set_ylabel("Validation perplexity at each vocabulary's equal time")
    speed.set_ylabel("Words a second in training (log scale)")
    speed.set_yscale("log")
    mark_log(speed.yaxis, SIZES)
    for axes in (perplexity, speed):
        axes.set(xscale="log", xlabel="Vocabulary (log scale)")
        mark_log(axes.xaxis, SIZES)
        axes.grid(color="0.9", linewidth=0.7)
    speed.legend()
    figure.suptitle(title_lines(results.about), fontsize=10)
    return figure


def _record(run: Run, group: Group) -> Record:
    metrics, size = run.metrics, group.corpus["vocabulary"]["size"]
    words = size - len((UNKNOWN, START, END))
    record = {
        "words": group.folder,
        "vocabulary": size,
        "unknown_share_percent": round(100 * metrics["test_unknown"] / metrics["test_tokens"], 4),
        **{key: metrics[key] for key in ("system", "parameters", "model_bytes")},
        **{key: round(metrics[key], 4) for key in _AT_EQUAL_EPOCHS},
        "words_per_second": round(metrics["words_per_second"], 1),
        "peak_memory_bytes": metrics.get("peak_memory_bytes"),  # not in those of earlier versions
        **at_equal_time(run, equal_time(group.runs)),
    }
    if network_config(run).model == "full_softmax" and words > _FULL_SOFTMAX_WORDS:
        record |= {key: None for key in _AT_EQUAL_EPOCHS}
    return record
