"""The `lightrnn` command: a thin layer over the package's functions.

Exit status: 0 done; 2 the user's mistake, one line on stderr; 130 or 143 stopped by a signal.
Each command imports what it needs itself, so that help and mistakes are answered at once.
"""

import json
import logging
import signal
import sys
from dataclasses import asdict
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

import click
from tqdm.contrib.logging import logging_redirect_tqdm

from lightrnn_gluon import __version__
from lightrnn_gluon.errors import UserError
from lightrnn_gluon.model_commands import MODEL_COMMANDS
from lightrnn_gluon.signals import STOPPING

if TYPE_CHECKING:
    from lightrnn_gluon.evaluation import Evaluation

_PATH = click.Path(path_type=Path)
_DEFAULT = Path(__file__).resolve().with_name("default.yaml")
_scale = click.option(
    "--scale", type=_PATH, help="A file of what a scaled-down protocol changes; none: the paper's scale."
)


@click.group()
@click.version_option(__version__)
def cli() -> None:
    """LightRNN language models: a huge vocabulary in very little memory."""


@cli.command()
@click.option("--data", type=_PATH, help="A text file, or a folder of text; none: the built-in stand-in.")
@click.option("--out", type=_PATH, required=True, help="The folder for the prepared corpus.")
@_scale
def prepare(data: Path | None, out: Path, scale: Path | None) -> None:
    """Turn text into a vocabulary and token ids on disk."""
    from lightrnn_gluon.config import load_corpus_config
    from lightrnn_gluon.corpus import prepare as prepare_corpus
    from lightrnn_gluon.sources import SPLITS, find_source

    corpus = prepare_corpus(find_source(data), out, load_corpus_config(scale))
    tokens = ", ".join(f"{corpus.facts[split]['tokens']:,} {split}" for split in SPLITS)
    print(f"{corpus.facts['name']}: {tokens} tokens, {len(corpus.vocabulary):,} words, in {out}")


@cli.command()
@click.argument("config", type=_PATH, default=_DEFAULT)
@click.option("--corpus", type=_PATH, required=True, help="A folder that `lightrnn prepare` wrote.")
@click.option("--out", type=_PATH, required=True, help="The run directory.")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="Change a setting of CONFIG.")
@click.option("--tensorboard", type=_PATH, help="A folder for events that TensorBoard shows.")
@_scale
def train(
    config: Path,
    corpus: Path,
    out: Path,
    settings: tuple[str, ...],
    tensorboard: Path | None,
    scale: Path | None,
) -> None:
    """Train the row of a table that CONFIG describes, or the recommended one, and measure it.

    A finished run is reused, a stopped one goes on from its last finished epoch.
    """
    from lightrnn_gluon.config import load_row
    from lightrnn_gluon.corpus import Corpus
    from lightrnn_gluon.rows import train_row
    from lightrnn_gluon.workers import Workers

    row = load_row(config, scale, settings)
    with Workers.join() as workers:
        named = scale.stem if scale else "paper"
        if not train_row(row, Corpus(corpus), out, named, workers, tensorboard):
            print(f"{row.system}: finished before, reused from {out}")


@cli.command()
@click.argument("run", type=_PATH)
@click.option("--text", type=_PATH, required=True, help="UTF-8 text, one sentence a line.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def evaluate(run: Path, text: Path, as_json: bool) -> None:
    """Perplexity of a text by the finished run in RUN, or by a file that `lightrnn export` wrote.

    Counted are all words and one </S> a line; the figure without unknown words is given beside.
    """
    result = asdict(_evaluate_file(run, text) if run.is_file() else _evaluate(run, text))
    if as_json:
        print(json.dumps(result))
        return
    for name, value in result.items():
        print(f"{name.replace('_', ' ')}: {value:,}" if isinstance(value, int) else f"{name}: {value:,.2f}")


def _evaluate(run: Path, text: Path) -> "Evaluation":
    from lightrnn_gluon.corpus import encode_text
    from lightrnn_gluon.evaluation import evaluate
    from lightrnn_gluon.runs import load_system

    system, vocabulary = load_system(run)
    ids = encode_text(text, vocabulary)
    return evaluate(system.token_nll(ids), ids, vocabulary.unknown)


def _evaluate_file(model: Path, text: Path) -> "Evaluation":
    from lightrnn_gluon.runtime.scorer import Model
    from lightrnn_gluon.runtime.scores import evaluate_text

    return evaluate_text(Model(model), text)


@cli.command()
@click.argument("configs", type=_PATH, nargs=-1, required=True)
@click.option("--words", type=click.IntRange(1), help="Vocabulary size; none: that of the published model.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON list.")
@_scale
def params(configs: tuple[Path, ...], words: int | None, as_json: bool, scale: Path | None) -> None:
    """How many parameters the networks in CONFIGS have, by part; nothing is allocated.

    Rows that are no networks are passed over: an n-gram model's size is known when it is estimated.
    """
    from lightrnn_gluon.config import NetworkConfig, load_row
    from lightrnn_gluon.systems import network_size

    rows = [(path, load_row(path, scale)) for path in configs]
    sizes = [
        {"row": path.stem, "system": config.system, **network_size(config, words)}
        for path, config in rows
        if isinstance(config, NetworkConfig)
    ]
    if as_json:
        print(json.dumps(sizes))
        return
    for size in sizes:
        parts = ", ".join(f"{part} {size[part]:,}" for part in ("input", "lstm", "output"))
        print(f"{size['system']:26}{size['parameters']:>16,} at {size['words']:,} words: {parts}")


@cli.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON list.")
def doctor(as_json: bool) -> int:
    """What is installed here, and what to do about what is not. Exit status 1 where something is wanting."""
    from lightrnn_gluon.doctor import examine

    findings = list(examine())
    if as_json:
        print(json.dumps([asdict(finding) for finding in findings]))
    else:
        for finding in findings:
            mend = f" -- {finding.mend}" if finding.mend else ""
            print(f"{'!' if mend else ' '} {finding.name}: {finding.found}{mend}")
    return int(any(finding.mend for finding in findings))


@cli.command()
@click.argument("out", type=_PATH)
def report(out: Path) -> None:
    """Render the tables and figures of OUT from the finished rows in OUT/runs."""
    from lightrnn_gluon.report import render

    result = render(out)
    print(result.tables)
    for note in result.notes:
        print(f"note: {note}", file=sys.stderr)
    print("\n".join(["written:", *(f"  {path}" for path in result.paths)]))


for command in MODEL_COMMANDS:
    cli.add_command(command)


def main() -> NoReturn:
    """The `lightrnn` program."""
    run_command(cli)


def run_command(command: click.Command) -> NoReturn:
    """Run a command and exit; every mistake of the user's becomes one line and exit status 2."""
    for number in STOPPING:
        signal.signal(number, _stop)
    # On a terminal a line may fall on another process's progress bar: the rest of that is erased.
    erase = "\x1b[K" if sys.stdout.isatty() else ""
    logging.basicConfig(level=logging.INFO, format=f"%(message)s{erase}", stream=sys.stdout)
    status = 0
    try:
        with logging_redirect_tqdm():
            status = command(standalone_mode=False) or 0
    except click.exceptions.NoArgsIsHelpError as error:
        print(error.format_message(), file=sys.stderr)
        status = 2
    except UserError as error:
        status = _complain(str(error))
    except click.ClickException as error:
        status = _complain(error.format_message())
    except ModuleNotFoundError as error:  # only the runtime has been installed
        status = _complain(
            f"{error.name} is not installed, which only files that `lightrnn export` wrote do without: "
            "run bash reproduce/setup.sh"
        )
    except Exception as error:
        if not _is_out_of_memory(error):
            raise
        status = _complain("out of memory: use a smaller batch_size, hidden size or scale")
    sys.exit(status)


def _complain(message: str) -> int:
    print(f"lightrnn: {' '.join(message.split())}", file=sys.stderr)
    return 2


def _is_out_of_memory(error: Exception) -> bool:
    """Whether Python, numpy or MXNet (which has no class of its own for it) ran out of memory."""
    words = str(error).lower()
    return isinstance(error, MemoryError) or "out of memory" in words or "failed to allocate" in words


def _stop(number: int, frame: FrameType | None) -> None:
    """Leave by an exception, so that temporary files and child processes are seen to."""
    if _in_finaliser(frame):  # Python swallows exceptions there: knock again a moment later
        signal.signal(signal.SIGALRM, lambda *_: signal.raise_signal(number))
        signal.setitimer(signal.ITIMER_REAL, 0.01)
        return
    for other in STOPPING:  # one is enough: a second would cut short what this one has begun
        signal.signal(other, lambda *_: None)  # SIG_IGN would complain of one already on its way
    print("lightrnn: stopped; the same command goes on from here", file=sys.stderr)
    sys.exit(128 + number)


def _in_finaliser(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_name == "__del__":
            return True
        frame = frame.f_back
    return False
