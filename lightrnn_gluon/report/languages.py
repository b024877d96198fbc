"""The paper's tables 2 and 4: LightRNN by size, and all systems on all languages."""

from dataclasses import replace

from lightrnn_gluon.report.experiments import Group, Results
from lightrnn_gluon.report.finished import Run, network_config, networks, place
from lightrnn_gluon.report.formatting import (
    Column,
    Record,
    Table,
    show_count,
    show_decimal,
    show_general,
    show_integer,
)
from lightrnn_gluon.report.notes import corpora_notes, parameters_note, published_note, tokens_note
from lightrnn_gluon.report.published import Figures, find_published
from lightrnn_gluon.report.tables import make_table

_COLUMNS_2 = [
    Column("system", "System", str),
    Column("embedding_size", "Embedding size", show_integer),
    Column("test_perplexity", "Test perplexity", show_decimal),
    Column("parameters", "Parameters", show_count),
    Column("published_embedding_size", "Published embedding size", show_integer),
    Column("published_perplexity", "Published perplexity", show_general),
    Column("published_parameters", "Published parameters", show_count),
]
_TABLE2_LANGUAGE = "fr"


def table2(results: Results, figures: Figures) -> Table:
    """LightRNN on French by embedding size (paper table 2); no line where there are no such rows."""
    groups = [group for group in results.groups if group.folder == _TABLE2_LANGUAGE]
    runs = [run for g in groups for run in networks(g.runs) if run.system.startswith("LightRNN")]
    if runs:
        results = Results(results.experiment, [replace(groups[0], runs=runs)])
    records = [_record2(run, figures) for run in runs]
    records.sort(key=lambda record: record["embedding_size"], reverse=True)
    rows_note = "A row's published figures are those of the model that it is scaled down from."
    notes = [tokens_note(results), parameters_note(results), rows_note, published_note(results)]
    return make_table("Table 2: LightRNN by embedding size", results, _COLUMNS_2, records, notes)


def table4(results: Results, figures: Figures) -> Table:
    """Perplexity and size of all systems on all languages (paper table 4), a line a system."""
    columns = [Column("system", "System", str)]
    for code in (group.folder for group in results.groups):
        columns += [
            Column(f"{code}_test_perplexity", f"{code}: test perplexity", show_decimal),
            Column(f"{code}_published_perplexity", f"{code}: published perplexity", show_general),
            Column(f"{code}_parameters", f"{code}: parameters", show_count),
            Column(f"{code}_published_parameters", f"{code}: published parameters", show_count),
        ]
    records: dict[str, Record] = {}
    for group in results.groups:
        for run in group.runs:
            record = records.setdefault(run.directory.name, {"system": run.system})
            record |= _record4(run, group, figures)
    lines = sorted(records.values(), key=lambda record: place(record["system"]))
    notes = [tokens_note(results), parameters_note(results), *corpora_notes(results), published_note(results)]
    return make_table("Table 4: perplexity and size by language", results, columns, lines, notes)


def _record2(run: Run, figures: Figures) -> Record:
    row = run.directory.name
    return {
        "system": run.system,
        "embedding_size": network_config(run).hidden,
        "test_perplexity": round(run.metrics["test_perplexity"], 4),
        "parameters": run.metrics["parameters"],
        "published_embedding_size": figures["table2"].get(row, {}).get("hidden"),
        "published_perplexity": find_published(figures, "table2", row, "perplexity"),
        "published_parameters": find_published(figures, "table2", row, "parameters"),
    }


def _record4(run: Run, group: Group, figures: Figures) -> Record:
    code = group.folder
    return {
        f"{code}_test_perplexity": round(run.metrics["test_perplexity"], 4),
        f"{code}_published_perplexity": find_published(figures, "table4", run.system, "perplexity", code),
        f"{code}_parameters": run.metrics["parameters"],
        f"{code}_published_parameters": find_published(figures, "table4", run.system, "parameters", code),
    }
