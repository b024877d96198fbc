"""What keeping a model in fewer bits costs: perplexity and size of exported models, beside KenLM's binary.

Usage: .venv/bin/python reproduce/bench/precisions.py [--results DIR] [--row ROW ...] [--out DIR]

Of the finished rows of an experiment with one corpus, such as `bash reproduce/billionw.sh` leaves behind: the
models must still be there.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import click
from alone import RESULTS, publish

from lightrnn_gluon.cli import run_command
from lightrnn_gluon.config import NetworkConfig
from lightrnn_gluon.corpus import Corpus
from lightrnn_gluon.environment import environment
from lightrnn_gluon.evaluation import Evaluation
from lightrnn_gluon.export import export
from lightrnn_gluon.report.formatting import (
    Column,
    Record,
    Table,
    show_bytes,
    show_count,
    show_decimal,
    show_integer,
)
from lightrnn_gluon.runs import NGRAM_MODEL, check_file, open_run
from lightrnn_gluon.runtime.model_file import PRECISIONS
from lightrnn_gluon.runtime.scorer import Model
from lightrnn_gluon.runtime.scores import evaluate_text

_ROWS = ("lightrnn", "lightrnn+", "full-softmax", "kn")
_COLUMNS = [
    Column("system", "System", str),
    Column("kept_as", "Kept as", str),
    Column("bytes", "File", show_bytes),
    Column("parameters", "Parameters", show_count),
    Column("test_perplexity", "Test perplexity", show_decimal),
    Column("change_percent", "Change by it, %", "{:+.3f}".format),
    Column("test_tokens", "Test tokens", show_integer),
]
_NOTES = [
    "Scored by the runtime, in numpy or, for ONNX, in onnxruntime: it computes in float32, whatever the file "
    "has. Files have vocabulary and word table in them; KenLM's binary is a trie, not quantised. Change: "
    "against the run's own figure, which MXNet scored. For KN the parameters are n-grams.",
    "`</S>` counts as a token, `<S>` does not; unknown words count as `<UNK>`.",
]


@click.command()
@click.option(
    "--results",
    type=click.Path(path_type=Path),
    default=RESULTS.parent / "billionw",
    help="The experiment's.",
)
@click.option("--row", "rows", multiple=True, default=_ROWS, show_default=True, help="A row; more than once.")
@click.option("--out", type=click.Path(path_type=Path), default=RESULTS, help="Where the table goes.")
def main(results: Path, rows: tuple[str, ...], out: Path) -> None:
    """Export and evaluate, and write the table."""
    out.mkdir(parents=True, exist_ok=True)
    corpus = Corpus(results / "corpus")
    with TemporaryDirectory(dir=out) as scratch:
        text = Path(scratch) / "test.txt"
        _write_test_text(corpus, text)
        records = [record for row in rows for record in _of_row(results / "runs" / row, Path(scratch), text)]
    about = environment()
    protocol = (
        f"{corpus.facts['name']}, {len(corpus.vocabulary):,} words, "
        f"{corpus.facts['train']['tokens']:,} training tokens. Measured at {about['commit']}."
    )
    publish(Table("Models kept in fewer bits", protocol, _COLUMNS, records, _NOTES), out, "precisions")


def _write_test_text(corpus: Corpus, path: Path) -> None:
    """The test set as the corpus has it, unknown words as `<UNK>`, which no model knows as a word."""
    words, end = corpus.vocabulary.words, corpus.vocabulary.end
    with path.open("w", encoding="utf-8") as stream:
        stream.writelines("\n" if number == end else words[number] + " " for number in corpus.ids("test"))


def _of_row(run: Path, scratch: Path, text: Path) -> list[Record]:
    metrics, config, _ = open_run(run)
    about = {"system": metrics["system"], "parameters": metrics["parameters"]}
    own = metrics["test_perplexity"]
    if not isinstance(config, NetworkConfig):
        check_file(run / NGRAM_MODEL, metrics)
        size = (run / NGRAM_MODEL).stat().st_size
        known = {"test_perplexity": own, "test_tokens": metrics["test_tokens"]}
        return [about | known | {"kept_as": "KenLM's binary", "bytes": size}]
    kept = {precision: (scratch / f"{run.name}.{precision}", precision) for precision in PRECISIONS}
    kept["ONNX, float32"] = (scratch / f"{run.name}.onnx", "float32")
    records = []
    for kept_as, (path, precision) in kept.items():
        print(f"{metrics['system']}: {kept_as}", flush=True)
        export(run, path, precision)
        found: Evaluation = evaluate_text(Model(path), text)
        records.append(
            about | {
                "kept_as": kept_as,
                "bytes": path.stat().st_size,
                "test_perplexity": round(found.perplexity, 4),
                "change_percent": round(100 * (found.perplexity / own - 1), 4),
                "test_tokens": found.tokens,
            }
        )  # fmt: skip
    return records


if __name__ == "__main__":
    run_command(main)
