"""The paper's tables from finished rows, with the published figures beside them; 2 and 4: languages.py."""

from collections.abc import Collection

from lightrnn_gluon.config import NetworkConfig
from lightrnn_gluon.report.experiments import Group, Results
from lightrnn_gluon.report.finished import Run, equal_time, networks, perplexity_at, reallocation_percent
from lightrnn_gluon.report.formatting import (
    Column,
    Published,
    Record,
    Table,
    escape_markdown,
    show_bytes,
    show_count,
    show_decimal,
    show_general,
    show_integer,
    show_percent,
    show_seconds,
)
from lightrnn_gluon.report.notes import (
    corpora_notes,
    equal_time_notes,
    models_notes,
    parameters_note,
    protocol,
    published_note,
    time_note,
    tokens_note,
)
from lightrnn_gluon.report.published import Figures, find_published
from lightrnn_gluon.standins.aclw import LANGUAGES
from lightrnn_gluon.table import table_shape

WITHOUT_UNKNOWN = Column("test_perplexity_without_unknown", "Test perplexity without `<UNK>`", show_decimal)
_LANGUAGE = Column("language", "Language", str)
EQUAL_TIME = [
    Column("valid_perplexity", "Validation perplexity", show_decimal),
    Column("epochs", "Epochs", show_integer),
    Column("equal_time_seconds", "Equal time", show_seconds),
    Column("valid_perplexity_at_equal_time", "Validation perplexity at equal time", show_decimal),
]
_COLUMNS_1 = [
    Column("corpus", "Corpus", str),
    Column("train_sentences", "Training sentences", show_integer),
    Column("train_tokens", "Training tokens", show_integer),
    Column("valid_tokens", "Validation tokens", show_integer),
    Column("test_tokens", "Test tokens", show_integer),
    Column("vocabulary", "Vocabulary", show_integer),
    Column("unknown_share_percent", "Unknown, % of test", show_percent),
    Column("table_rows", "Table rows", show_integer),
    Column("table_columns", "Table columns", show_integer),
    Column("published_tokens", "Published tokens", show_count),
    Column("published_vocabulary", "Published vocabulary", show_integer),
]
_COLUMNS_3 = [
    Column("system", "System", str),
    Column("train_seconds", "Training time", show_seconds),
    Column("reallocation_seconds", "of it re-allocation", show_seconds),
    Column("reallocation_percent", "Re-allocation, %", show_percent),
    Column("words_per_second", "Words/s", show_integer),
    Column("published_train_hours", "Published training, h", show_general),
    Column("published_reallocation_percent", "Published re-allocation, %", show_general),
    *EQUAL_TIME,
]
_COLUMNS_5 = [
    Column("system", "System", str),
    Column("test_perplexity", "Test perplexity", show_decimal),
    Column("published_perplexity", "Published perplexity", show_general),
    Column("parameters", "Parameters", show_count),
    Column("published_parameters", "Published parameters", show_count),
    Column("model_bytes", "Model file", show_bytes),
    Column("train_seconds", "Training time", show_seconds),
    Column("test_tokens", "Test tokens", show_integer),
    WITHOUT_UNKNOWN,
    *EQUAL_TIME,
    Column("kn_weight", "Weight of KN", lambda weight: f"{weight:.2f}"),
]


def table1(results: Results, figures: Figures) -> Table:
    """The data sets (paper table 1)."""
    records = [_record1(group, figures) for group in results.groups]
    vocabulary_note = (
        "The vocabulary, `<UNK>`, `<S>` and `</S>` included, fills the cells of LightRNN's table row by "
        "row: only its last row can be short."
    )
    notes = [tokens_note(results), vocabulary_note, published_note(results)]
    title = "Table 1: the data sets" if len(results.groups) > 1 else "Table 1: the data set"
    return make_table(title, results, _COLUMNS_1, records, notes)


def table3(results: Results, figures: Figures) -> Table:
    """Training time and the share of re-allocation (paper table 3), and what perplexity it buys."""
    source = f"table3_{results.experiment}"
    records = [
        _record3(run, figures, source) | at_equal_time(run, seconds) | {"language": group.folder}
        for group in results.groups
        for seconds in [equal_time(group.runs)]
        for run in networks(group.runs)
    ]
    notes = [time_note(results), *equal_time_notes(results), *corpora_notes(results), published_note(results)]
    if results.experiment == "aclw":
        notes.append("Published times are one figure for ACLW as a whole, repeated beside each language.")
    return make_table("Table 3: training time", results, _COLUMNS_3, records, notes)


def table5(results: Results, figures: Figures) -> Table:
    """Perplexity and size of all systems (paper table 5), and perplexity at equal training time."""
    return _table5("Table 5: perplexity and size", results, figures, "table5", [])


def ptb_table(results: Results, figures: Figures) -> Table:
    """The same for Penn Treebank, which is not in the paper but where baselines have known figures."""
    return _table5("Perplexity and size", results, figures, "ptb", models_notes(figures, "ptb"))


def make_table(
    title: str,
    results: Results,
    columns: list[Column],
    records: list[Record],
    notes: list[str],
    apart: Collection[str] = (),
) -> Table:
    """A table that names its corpora and scale, its languages where it has any, and its protocol.

    The protocol's settings that are in `apart` have columns of their own.
    """
    doubtful = any(isinstance(value, Published) and value.doubtful for r in records for value in r.values())
    mark = ["A question mark: the published figure was recalled, not read in a source."] if doubtful else []
    languages = [_LANGUAGE] if any("language" in r and r["language"] for r in records) else []
    title = escape_markdown(f"{title} ({results.about})")
    return Table(title, protocol(results, apart), languages + columns, records, notes + mark)


def _table5(title: str, results: Results, figures: Figures, source: str, notes: list[str]) -> Table:
    (group,) = results.groups
    seconds = equal_time(group.runs)
    records = [_record5(run, group.runs, figures, source) | at_equal_time(run, seconds) for run in group.runs]
    notes = [
        tokens_note(results),
        parameters_note(results),
        "Model file: its size on disk; for an interpolation the sum of its members'.",
        time_note(results),
        *equal_time_notes(results),
        published_note(results),
        *notes,
    ]
    return make_table(title, results, _COLUMNS_5, records, notes)


def _record1(group: Group, figures: Figures) -> Record:
    corpus, metrics = group.corpus, group.runs[0].metrics
    size = corpus["vocabulary"]["size"]
    columns, rows = table_shape(size)
    published = f"ACLW {LANGUAGES[group.folder]}" if group.folder else "BillionW"
    return {
        "language": group.folder,
        "corpus": corpus["name"],
        "train_sentences": corpus["train"]["sentences"],
        **{f"{split}_tokens": corpus[split]["tokens"] for split in ("train", "valid", "test")},
        "vocabulary": size,
        "unknown_share_percent": round(100 * metrics["test_unknown"] / metrics["test_tokens"], 4),
        "table_rows": rows,
        "table_columns": columns,
        "published_tokens": find_published(figures, "table1", published, "tokens"),
        "published_vocabulary": find_published(figures, "table1", published, "vocabulary"),
    }


def _record3(run: Run, figures: Figures, source: str) -> Record:
    metrics, percent = run.metrics, "reallocation_percent"
    return {
        "system": run.system,
        "train_seconds": metrics["train_seconds"],
        "reallocation_seconds": round(metrics["reallocation_seconds"], 1),
        percent: reallocation_percent([run]),
        "words_per_second": round(metrics["words_per_second"], 1),
        "published_train_hours": find_published(figures, source, run.system, "hours"),
        f"published_{percent}": find_published(figures, source, run.system, percent),
    }


def _record5(run: Run, runs: list[Run], figures: Figures, source: str) -> Record:
    as_measured = ("system", "parameters", "model_bytes", "train_seconds", "test_tokens")
    perplexities = ("test_perplexity", "test_perplexity_without_unknown", "valid_perplexity")
    return {
        **{key: run.metrics[key] for key in as_measured},
        **{key: round(run.metrics[key], 4) for key in perplexities},
        "published_perplexity": find_published(figures, source, run.system, "perplexity"),
        "published_parameters": find_published(figures, source, run.system, "parameters"),
        "kn_weight": _kn_weight(run, runs),
    }


def at_equal_time(run: Run, seconds: float | None) -> Record:
    """A network's validation perplexity at equal epochs and at so many seconds; nothing for other rows."""
    if not isinstance(run.config, NetworkConfig) or seconds is None:
        return {}
    reached = perplexity_at(run, seconds)
    return {
        "valid_perplexity": round(run.metrics["valid_perplexity"], 4),
        "epochs": run.config.epochs,
        "equal_time_seconds": seconds,
        "valid_perplexity_at_equal_time": None if reached is None else round(reached, 4),
    }


def _kn_weight(run: Run, runs: list[Run]) -> float | None:
    """The n-gram model's share of an interpolation of two; `weight` is the first member's."""
    if run.metrics["kind"] != "interpolation":
        return None
    kinds = {other.directory.name: other.metrics["kind"] for other in runs}
    is_ngram = [kinds.get(member) == "ngram" for member in run.metrics["members"]]
    if not any(is_ngram):
        return None
    return round(run.metrics["weight"] if is_ngram[0] else 1 - run.metrics["weight"], 4)
