"""The paper's tables 1, 3 and 5 from finished rows, with the published figures beside them."""

from importlib.resources import files as package_files
from typing import Any

import yaml

from lightrnn_gluon.config import NetworkConfig
from lightrnn_gluon.report.finished import Run, equal_time, networks, perplexity_at
from lightrnn_gluon.report.formatting import (
    Column,
    Published,
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
    equal_time_notes,
    parameters_note,
    protocol,
    published_note,
    time_note,
    tokens_note,
)
from lightrnn_gluon.table import table_shape

Figures = dict[str, dict[str, dict[str, Any]]]
Record = dict[str, Any]

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
    Column("test_perplexity_without_unknown", "Test perplexity without `<UNK>`", show_decimal),
    Column("valid_perplexity", "Validation perplexity", show_decimal),
    Column("epochs", "Epochs", show_integer),
    Column("equal_time_seconds", "Equal time", show_seconds),
    Column("valid_perplexity_at_equal_time", "Validation perplexity at equal time", show_decimal),
    Column("kn_weight", "Weight of KN", lambda weight: f"{weight:.2f}"),
]


def load_published() -> Figures:
    """The published figures: by table, row and field."""
    text = package_files("lightrnn_gluon.report").joinpath("published.yaml").read_text(encoding="utf-8")
    return yaml.safe_load(text)


def table1(runs: list[Run], figures: Figures) -> Table:
    """The data set (paper table 1)."""
    metrics = runs[0].metrics
    corpus = metrics["corpus"]
    size = corpus["vocabulary"]["size"]
    columns, rows = table_shape(size)
    record = {
        "corpus": corpus["name"],
        "train_sentences": corpus["train"]["sentences"],
        **{f"{split}_tokens": corpus[split]["tokens"] for split in ("train", "valid", "test")},
        "vocabulary": size,
        "unknown_share_percent": round(100 * metrics["test_unknown"] / metrics["test_tokens"], 4),
        "table_rows": rows,
        "table_columns": columns,
        "published_tokens": _published(figures, "table1", "BillionW", "tokens"),
        "published_vocabulary": _published(figures, "table1", "BillionW", "vocabulary"),
    }
    vocabulary_note = (
        "The vocabulary, `<UNK>`, `<S>` and `</S>` included, fills the cells of LightRNN's table row by "
        "row: only its last row can be short."
    )
    notes = [tokens_note(runs), vocabulary_note, published_note(runs)]
    return _table("Table 1: the data set", runs, _COLUMNS_1, [record], notes)


def table3(runs: list[Run], figures: Figures) -> Table:
    """Training time and the share of re-allocation (paper table 3)."""
    records = [_record3(run, figures) for run in networks(runs)]
    notes = [time_note(networks(runs)), published_note(runs)]
    return _table("Table 3: training time", runs, _COLUMNS_3, records, notes)


def table5(runs: list[Run], figures: Figures) -> Table:
    """Perplexity and size of all systems (paper table 5), and perplexity at equal training time."""
    records = [_record5(run, runs, figures) for run in runs]
    notes = [
        tokens_note(runs),
        parameters_note(runs),
        "Model file: its size on disk; for an interpolation the sum of its members'.",
        time_note(runs),
        *equal_time_notes(runs),
        published_note(runs),
    ]
    return _table("Table 5: perplexity and size", runs, _COLUMNS_5, records, notes)


def _record3(run: Run, figures: Figures) -> Record:
    metrics, percent = run.metrics, "reallocation_percent"
    total, part = metrics["train_seconds"], metrics["reallocation_seconds"]
    return {
        "system": run.system,
        "train_seconds": total,
        "reallocation_seconds": round(part, 1),
        percent: round(100 * part / total, 4) if total else None,
        "words_per_second": round(metrics["words_per_second"], 1),
        "published_train_hours": _published(figures, "table3_billionw", run.system, "hours"),
        f"published_{percent}": _published(figures, "table3_billionw", run.system, percent),
    }


def _record5(run: Run, runs: list[Run], figures: Figures) -> Record:
    as_measured = ("system", "parameters", "model_bytes", "train_seconds", "test_tokens")
    perplexities = ("test_perplexity", "test_perplexity_without_unknown", "valid_perplexity")
    record = {
        **{key: run.metrics[key] for key in as_measured},
        **{key: round(run.metrics[key], 4) for key in perplexities},
        "published_perplexity": _published(figures, "table5", run.system, "perplexity"),
        "published_parameters": _published(figures, "table5", run.system, "parameters"),
        "kn_weight": _kn_weight(run, runs),
    }
    seconds = equal_time(runs)
    if isinstance(run.config, NetworkConfig) and seconds is not None:
        reached = perplexity_at(run, seconds)
        record |= {
            "epochs": run.config.epochs,
            "equal_time_seconds": seconds,
            "valid_perplexity_at_equal_time": None if reached is None else round(reached, 4),
        }
    return record


def _kn_weight(run: Run, runs: list[Run]) -> float | None:
    """The n-gram model's share of an interpolation of two; `weight` is the first member's."""
    if run.metrics["kind"] != "interpolation":
        return None
    kinds = {other.directory.name: other.metrics["kind"] for other in runs}
    is_ngram = [kinds.get(member) == "ngram" for member in run.metrics["members"]]
    if not any(is_ngram):
        return None
    return round(run.metrics["weight"] if is_ngram[0] else 1 - run.metrics["weight"], 4)


def _published(figures: Figures, table: str, row: str, field: str) -> Published | None:
    line = figures[table].get(row, {})
    return Published(line[field], line["checked"] == "memory") if field in line else None


def _table(
    title: str, runs: list[Run], columns: list[Column], records: list[Record], notes: list[str]
) -> Table:
    corpus, scale = runs[0].metrics["corpus"]["name"], runs[0].metrics["scale"]
    doubtful = any(isinstance(value, Published) and value.doubtful for r in records for value in r.values())
    mark = ["A question mark: the published figure was recalled, not read in a source."]
    title = escape_markdown(f"{title} ({corpus}; scale: {scale})")
    return Table(title, protocol(runs), columns, records, notes + (mark if doubtful else []))
