"""What an experiment is going to do: its rows, on which texts, for about how long."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

import yaml
from experiments import CONFIGS, CORPUS, Size

from lightrnn_gluon.config import (
    InterpolationConfig,
    NetworkConfig,
    RowConfig,
    load_corpus_config,
    load_row,
)
from lightrnn_gluon.corpus import Corpus, CorpusConfig
from lightrnn_gluon.errors import UserError
from lightrnn_gluon.memory import training_memory
from lightrnn_gluon.runs import METRICS, is_finished, origin, read_metrics
from lightrnn_gluon.systems import new_network

# Files of an experiment's folder that are no rows, CORPUS aside: what rows extend, and the values that
# each network row is to be trained with, which a scale may have a file of its own for (values-cpu.yaml).
_BASE, _VALUES = "base.yaml", "values"
Grid = Mapping[str, Sequence[Any]]
# What a training step was seen to reach of one CPU core's, and of a GPU's, arithmetic; for estimates.
_FLOPS = {"cpu": 30e9, "gpu": 3e12}
_GPU_BYTES = 12e9
PAPER = "paper"  # the scale of the rows as they stand
_START_SECONDS = 4.0  # of any row: a process starts, reads the corpus, scores the held-out text


@dataclass(frozen=True)
class Row:
    """One row: its run's name, the file, the settings that change it, and what it says at the scale.

    `folder` is that of the only text that has the row, "" for every text.
    """

    name: str
    path: Path
    folder: str
    config: RowConfig
    settings: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """Its system's name, and what sets it apart from others of that name."""
        return ", ".join([self.config.system, *self.settings])

    def is_called(self, name: str) -> bool:
        """Whether it goes by this name: its run's, its file's or its system's."""
        return name in (self.name, self.path.stem, self.config.system)

    def is_of(self, folder: str) -> bool:
        """Whether the text in this folder has the row."""
        return self.folder in ("", folder)


@dataclass(frozen=True)
class Part:
    """A text with its rows at its scale: an experiment's only text (its folder is ""), or one of several."""

    out: Path
    folder: str  # below `out`
    scale: Path | None  # None for the paper's
    rows: list[Row]
    size: Size
    corpus: Corpus | None  # None where the published text stands for it

    @property
    def directory(self) -> Path:
        """What holds corpus/ and runs/."""
        return self.out / self.folder

    def run(self, row: Row) -> Path:
        """The run directory of a row."""
        return self.directory / "runs" / row.name


@dataclass(frozen=True)
class Job:
    """A row to be trained, whether it is finished already, and about how many seconds it takes if not."""

    part: Part
    row: Row
    finished: bool
    seconds: float

    @property
    def interpolates(self) -> bool:
        """Whether it needs other rows to be finished first."""
        return isinstance(self.row.config, InterpolationConfig)


@dataclass(frozen=True)
class Machine:
    """What the rows are trained on: a GPU, or CPU threads; `slots` nets at a time."""

    gpu: bool
    slots: int


def read_rows(experiment: str, scale: Path | None) -> list[Row]:
    """All rows of an experiment: the files of its folder, and of folders in it for single texts."""
    top = CONFIGS / experiment
    paths = [path for path in top.rglob("*.yaml") if _is_row(path.name)]
    return [
        Row(path.stem, path, "" if path.parent == top else path.parent.name, load_row(path, scale))
        for path in sorted(paths, key=lambda path: path.stem)
    ]


def _is_row(name: str) -> bool:
    return name not in (_BASE, CORPUS) and not name.startswith(_VALUES)


def expand_rows(experiment: str, rows: list[Row], scale: Path | None) -> list[Row]:
    """The rows, network rows once for each combination of values in each grid in a file of their folder.

    Without one, the experiment's own file is taken; most experiments have none.
    """
    own = {folder: _read_grids(experiment, folder, scale) for folder in {"", *(row.folder for row in rows)}}
    expanded = []
    for row in rows:
        grids = own[row.folder] or own[""]
        is_once = not grids or not isinstance(row.config, NetworkConfig)
        expanded += [row] if is_once else [each for grid in grids for each in expand([row], grid, scale)]
    return expanded


def _read_grids(experiment: str, folder: str, scale: Path | None) -> list[Grid]:
    """The list of grids in a folder's file of values, the scale's own one if there is one."""
    top, own = CONFIGS / experiment / folder, f"{_VALUES}-{scale.stem if scale else PAPER}.yaml"
    paths = [path for path in (top / own, top / f"{_VALUES}.yaml") if path.is_file()]
    return yaml.safe_load(paths[0].read_text(encoding="utf-8")) if paths else []


def expand(rows: list[Row], grid: Grid, scale: Path | None) -> list[Row]:
    """Each network row once for each combination of values: {"seed": [1, 2]} makes row-1 and row-2."""
    expanded = []
    for row in rows:
        for values in product(*grid.values()) if isinstance(row.config, NetworkConfig) else ():
            settings = tuple(f"{key}={value}" for key, value in zip(grid, values, strict=True))
            name = "-".join([row.name, *map(str, values)])
            config = load_row(row.path, scale, settings)
            expanded.append(replace(row, name=name, config=config, settings=settings))
    return expanded


def rescale(row: Row, scale: Path | None) -> Row:
    """The row at another scale."""
    return replace(row, config=load_row(row.path, scale, row.settings))


def select(rows: list[Row], only: str | None) -> list[Row]:
    """The rows that go by the name `only`; all where that is None. Raises UserError where none does."""
    chosen = [row for row in rows if only is None or row.is_called(only)]
    if not chosen:
        raise UserError(f"--only {only}: the rows are {', '.join(row.name for row in rows)}")
    return chosen


def corpus_config(experiment: str, folder: str, scale: Path | None) -> CorpusConfig:
    """How the text in a folder of an experiment is prepared.

    By the experiment's own corpus.yaml at every scale, or by the scale's file; a corpus.yaml of the
    folder has the last word on its vocabulary, and on nothing else.
    """
    whole, own = CONFIGS / experiment / CORPUS, CONFIGS / experiment / folder / CORPUS
    config = load_corpus_config(whole if whole.is_file() else scale)
    if not own.is_file():
        return config
    vocabulary = load_corpus_config(own)
    return replace(config, min_count=vocabulary.min_count, max_words=vocabulary.max_words)


def make_jobs(parts: list[Part], machine: Machine, models: bool = True) -> list[Job]:
    """A job for every row of every part; without `models`, a row's figures are enough to be finished.

    Raises UserError where another's model is in a row's place.
    """
    return [
        Job(part, row, _is_there(part, row, models), _seconds(row.config, part.size, machine))
        for part in parts
        for row in part.rows
    ]


def phases(jobs: list[Job], slots: int) -> tuple[list[Job], list[Job]]:
    """What is to be trained, and the interpolations of that.

    Side by side the longest first, which ends soonest; one by one the shortest first, so that
    what is too large for a device fails last.
    """
    made = sorted((j for j in jobs if not j.finished), key=lambda j: j.seconds, reverse=slots > 1)
    return [job for job in made if not job.interpolates], [job for job in made if job.interpolates]


def describe(jobs: list[Job], parts: list[Part], scale: str, machine: Machine, out: Path) -> str:
    """What will be done, on which corpus, at which scale, and for about how long."""
    sizes = [part.size for part in parts]
    lines = [f"corpus: {s.name}, {s.train_tokens:,} training tokens, {s.vocabulary:,} words" for s in sizes]
    threads = f"{machine.slots} CPU threads, one for each net in training"
    lines += [f"scale: {scale}, on {'a GPU' if machine.gpu else threads}", f"output: {out}"]
    width, on_gpu = max(len(job.row.title) for job in jobs) + 2, machine.gpu or scale == PAPER
    for part in parts:
        lines.append(f"rows of {part.folder}:" if part.folder else "rows:")
        lines += [f"  {_describe_job(job, width, on_gpu)}" for job in jobs if job.part is part]
    seconds = [job.seconds for job in jobs if not job.finished]
    total = max([0.0, sum(seconds) / machine.slots, *seconds])
    return "\n".join([*lines, f"about {_duration(total)} in all\n"])


def _describe_job(job: Job, width: int, on_gpu: bool) -> str:
    row, size = job.row, job.part.size
    if job.finished:
        return f"{row.title}: finished before, reused from {row.name}"
    if not isinstance(row.config, NetworkConfig):
        return row.title
    words, at = size.vocabulary, ""
    if job.part.corpus is None and not job.part.folder and row.config.published_vocabulary:
        words = row.config.published_vocabulary  # of the published model (a language has its own instead)
        at = f" at {words:,} words"
    net = new_network(row.config, words)
    counts = ", ".join(f"{name} {count:,}" for name, count in net.parameter_parts().items())
    total = f"{row.title:{width}}{net.parameter_count():>13,} parameters{at}"
    memory = f", {_describe_memory(row.config, words)}" if on_gpu and net.symbolic else ""
    return f"{total} ({counts}), about {_duration(job.seconds)}{memory}"


def _describe_memory(config: NetworkConfig, words: int) -> str:
    """What training takes on a GPU, and how many rows a batch can have on a common one."""
    memory, rows = training_memory(config, words), config.sampler.batch_size
    room = f"a GPU of {_GPU_BYTES / 1e9:.0f} GB has room for {memory.rows_in(_GPU_BYTES):,}"
    return f"{memory.with_rows(rows) / 1e9:.1f} GB with {rows} rows a batch ({room})"


def _is_there(part: Part, row: Row, models: bool) -> bool:
    directory = part.run(row)
    if part.corpus is None or not (directory / METRICS).is_file():
        return False
    if isinstance(row.config, InterpolationConfig):
        return False  # seen when its turn comes, and its members are there
    expected = origin(row.config, part.corpus, directory)
    measured = read_metrics(directory)["origin"] == expected
    return (measured and not models) or is_finished(directory, expected)


def _seconds(config: RowConfig, size: Size, machine: Machine) -> float:
    """About how long a row takes; an n-gram model little more than its start, an interpolation nothing."""
    if isinstance(config, InterpolationConfig):
        return 0.0
    if not isinstance(config, NetworkConfig):
        return _START_SECONDS
    # Backward costs twice what forward does, and a multiplication comes with an addition.
    operations = 3 * 2 * new_network(config, size.vocabulary).multiplications()
    words = config.epochs * size.train_tokens
    seconds = words * operations / _FLOPS["gpu" if machine.gpu else "cpu"]
    return _START_SECONDS + min(seconds, config.time_limit or seconds)


def _duration(seconds: float) -> str:
    return f"{seconds / 3600:,.0f} h" if seconds > 2 * 3600 else f"{max(1, seconds / 60):.0f} min"
