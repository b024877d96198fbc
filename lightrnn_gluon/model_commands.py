"""The commands of `lightrnn` that use a trained model: a file that was exported, or a run directory."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from lightrnn_gluon.runtime.scorer import Model

_PATH = click.Path(path_type=Path)


@click.command()
@click.argument("run", type=_PATH)
@click.argument("file", type=_PATH)
@click.option("--precision", default="float32", help="float32, float16 or int8.")
def export(run: Path, file: Path, precision: str) -> None:
    """Write the finished run in RUN into one file, which `lightrnn score` and others use without MXNet.

    A FILE whose name ends in .onnx becomes an ONNX graph, for onnxruntime and what else reads such.
    """
    from lightrnn_gluon.export import export as export_run

    export_run(run, file, precision)
    print(f"{file}: {file.stat().st_size:,} bytes")


_model = click.argument("model", type=_PATH)


@click.command()
@_model
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object for each line instead.")
@click.option("--batch-size", default=64, type=click.IntRange(1), help="Lines that are read at a time.")
def score(model: Path, as_json: bool, batch_size: int) -> None:
    """The log10 probability of each line on stdin, a sentence each, printed as KenLM's `query` does.

    MODEL is a file that `lightrnn export` wrote, or a run directory. In place of the length of an n-gram
    stands how many words the model has looked at. Example: echo "the people ." | lightrnn score my/model
    """
    from lightrnn_gluon.runtime.scores import print_scores

    print_scores(_open(model), sys.stdin.buffer, as_json, batch_size)


@click.command()
@_model
@click.option("--sentences", default=1, type=click.IntRange(1), show_default=True, help="How many.")
@click.option("--words", default=50, type=click.IntRange(1), show_default=True, help="Of each, at most.")
@click.option("--seed", default=1, show_default=True)
@click.option("--begin", default="", help="Words that each begins with.")
def generate(model: Path, sentences: int, words: int, seed: int, begin: str) -> None:
    """Draw sentences from MODEL, a file that `lightrnn export` wrote or a run directory; a line each."""
    import numpy as np

    opened, generator = _open(model), np.random.default_rng(seed)
    for _ in range(sentences):
        print(" ".join(opened.draw(begin.split(), words, generator)))


@click.command()
@_model
@click.argument("word")
@click.option("--number", default=10, type=click.IntRange(1), show_default=True, help="How many.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON list.")
def neighbours(model: Path, word: str, number: int, as_json: bool) -> None:
    """Words that MODEL reads most like WORD, and how alike: the cosine of all that it reads for each."""
    found = _open(model).neighbours(word, number)
    if as_json:
        print(json.dumps(found, ensure_ascii=False))
        return
    for other, cosine in found:
        print(f"{cosine:.4f} {other}")


@click.command()
@click.argument("run", type=_PATH)
@click.option("--word", help="This word's row and column alone.")
@click.option("--html", type=_PATH, help="Write a page to be opened in a browser instead.")
@click.option("--corpus", type=_PATH, help="The corpus of the run: counts of words, and lines of like words.")
def table(run: Path, word: str | None, html: Path | None, corpus: Path | None) -> None:
    """The word table of the finished run in RUN: a line a row, its most frequent words first.

    The page shows all of the table, zoomed and searched, the words beside each word, and where they were
    after each round.
    """
    from lightrnn_gluon.report.viewer import print_rows, print_word, write_page

    if html is not None:
        write_page(run, html, corpus)
        print(f"{html}: {html.stat().st_size:,} bytes")
    elif word is not None:
        print_word(run, word)
    else:
        print_rows(run)


def _open(path: Path) -> "Model":
    """A scorer of a file, without MXNet, or of a run directory, with it."""
    if path.is_dir():
        from lightrnn_gluon.export import scorer_of

        return scorer_of(path)
    from lightrnn_gluon.runtime.scorer import Model

    return Model(path)


MODEL_COMMANDS = [export, score, generate, neighbours, table]
