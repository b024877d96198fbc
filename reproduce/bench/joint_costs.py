"""Why a joint move does not keep its promise, and what costs that are true of it would take.

Usage: .venv/bin/python reproduce/bench/joint_costs.py [--data DIR] [--out DIR]

A LightRNN is trained for an epoch from a random table, and all words are allocated anew, as the paper has
it. Column costs are summed up under the rows that words have; here each occurrence is also read with the row
that its word would get, everything else as it was, by one more step of the LSTM.
"""

import time
from pathlib import Path

import click
import mxnet as mx
import numpy as np
from scipy.special import log_softmax

from lightrnn_gluon.allocation import allocate
from lightrnn_gluon.cli import run_command
from lightrnn_gluon.config import NetworkConfig, load_corpus_config, load_row
from lightrnn_gluon.corpus import prepare
from lightrnn_gluon.environment import environment
from lightrnn_gluon.files import write_json, write_text
from lightrnn_gluon.likelihood import chunk_words
from lightrnn_gluon.models import LightRNN
from lightrnn_gluon.refinement import accumulate, output_vectors
from lightrnn_gluon.report.formatting import Column, Record, Table
from lightrnn_gluon.rows import train_row
from lightrnn_gluon.runs import load_net
from lightrnn_gluon.sampling import Sampler, evaluation_sampler
from lightrnn_gluon.sources import find_source
from lightrnn_gluon.table import WordTable

_REPRODUCE = Path(__file__).resolve().parents[1]
_CPU = mx.cpu()
_COLUMNS = [
    Column("what", "Nats a token", str),
    Column("row_nats", "Rows", "{:.4f}".format),
    Column("column_nats", "Columns", "{:.4f}".format),
    Column("sum_nats", "Sum", "{:.4f}".format),
]


@click.command()
@click.option("--data", type=click.Path(path_type=Path), help="A folder of text; none: the stand-in.")
@click.option("--out", type=click.Path(path_type=Path), default=_REPRODUCE.parent / "results" / "bench")
def main(data: Path | None, out: Path) -> None:
    """Train, move, measure, and write the table."""
    configs, work = _REPRODUCE / "configs", out / "costs" / "joint"
    scale = configs / "scales" / "cpu.yaml"
    corpus = prepare(find_source(data), work / "corpus", load_corpus_config(scale))
    config = load_row(configs / "billionw" / "lightrnn.yaml", scale, ("epochs=1", "rounds_after=[]"))
    assert isinstance(config, NetworkConfig)
    train_row(config, corpus, work / "run", "cpu, one epoch")
    net = load_net(work / "run", config, len(corpus.vocabulary), _CPU)
    assert isinstance(net, LightRNN)
    reader = evaluation_sampler(config.sampler, corpus.ids("train"), corpus.vocabulary)
    result = _measure(net, reader)
    about = f"{corpus.facts['name']}, {corpus.facts['train']['tokens']:,} tokens, {len(net.table):,} words"
    write_json(out / "joint_costs.json", {"about": about, **result, "environment": environment()})
    table = _table(about, result)
    write_text(out / "joint_costs.md", table.markdown())
    print(table.markdown())


def _measure(net: LightRNN, reader: Sampler) -> Record:
    """Nats a token of rows and columns, and seconds, before the move, as promised, word by word, and real."""
    vectors, table = output_vectors(net), net.table
    started = time.perf_counter()
    sums = accumulate(net, reader, _CPU)
    seconds = time.perf_counter() - started
    moved = WordTable(allocate(*sums.costs(vectors), table.cells).cells)
    alone, seconds_alone = _read_with_other_rows(net, reader, moved)
    result = {
        "before": sums.nats(table, vectors),
        "promised": sums.nats(moved, vectors),
        "alone": (sums.nats(moved, vectors)[0], alone),
        "pass_seconds": seconds,
        "other_row_seconds": seconds_alone,
        "rows": table.rows,
    }
    net.set_table(moved)
    return result | {"real": accumulate(net, reader, _CPU).nats(moved, vectors)}


def _read_with_other_rows(net: LightRNN, reader: Sampler, moved: WordTable) -> tuple[float, float]:
    """Nats a token of the columns in `moved`, each under its word's row there; seconds that took.

    Nothing but the row that is read right before the column is another than in the net's own table.
    """
    weight, bias = net.output.column_vectors()
    total, tokens, seconds = 0.0, 0, 0.0
    encoder, lstm = net.encoder, net.encoder.lstm
    encoder.second.hybridize(False)  # for it does not use all that it is called with
    row_input, row_of, column_of = (p.data() for p in (encoder.row_input, encoder.row_of, encoder.column_of))
    other_rows = mx.nd.array(moved.row_of, dtype="int32")
    state: list[mx.nd.NDArray] = []
    for chunk in reader.epoch(None):
        inputs, targets = chunk_words(chunk, _CPU)
        state = net.begin(inputs[0]) if chunk.starts else state
        for place in range(len(inputs)):
            word, target = inputs[place], targets[place]
            column = encoder.second(word.expand_dims(0), column_of.take(word).expand_dims(0))
            _, *after_column = lstm(column, *state)
            started = time.perf_counter()
            hidden, *_ = lstm(row_input.take(other_rows.take(target)).expand_dims(0), *after_column)
            inside = chunk.positions[place] >= 0
            words = chunk.targets[place][inside]
            logs = log_softmax(hidden[0].asnumpy()[inside] @ weight.T + bias, axis=1)
            total -= float(logs[np.arange(len(words)), moved.column_of[words]].sum(dtype=np.float64))
            seconds += time.perf_counter() - started
            tokens += len(words)
            _, *state = lstm(row_input.take(row_of.take(target)).expand_dims(0), *after_column)
    return total / tokens, seconds


def _table(about: str, result: Record) -> Table:
    lines = {
        "before": "before the move",
        "promised": "promised: columns under the rows that words had",
        "alone": "each word moved alone: columns under the rows that words get",
        "real": "real, all words moved",
    }
    records = [
        {"what": text, "row_nats": row, "column_nats": column, "sum_nats": row + column}
        for key, text in lines.items()
        for row, column in [result[key]]
    ]
    once, more = result["pass_seconds"], result["other_row_seconds"]
    notes = [
        f"A pass over the text took {once:.1f} s, to read each occurrence with one other row {more:.1f} s "
        f"more. True column costs for all {result['rows']} rows would take as many times that, and a number "
        "for each word, row and column.",
    ]
    protocol = "LightRNN after an epoch from a random table, then the paper's move; the training text."
    return Table(f"A joint move's promise ({about})", protocol, _COLUMNS, records, notes)


if __name__ == "__main__":
    run_command(main)
