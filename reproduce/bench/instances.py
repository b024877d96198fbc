"""The costs that allocation is measured on: of trained models, and generated ones of any size."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import mxnet as mx
import numpy as np
from generated import generate
from generated_sums import generate_sums

from lightrnn_gluon.allocation import Costs
from lightrnn_gluon.config import NetworkConfig, load_row
from lightrnn_gluon.corpus import CorpusConfig, prepare
from lightrnn_gluon.files import write_array
from lightrnn_gluon.models import LightRNN
from lightrnn_gluon.refinement import accumulate, output_vectors
from lightrnn_gluon.rows import train_row
from lightrnn_gluon.runs import load_net
from lightrnn_gluon.sampling import evaluation_sampler
from lightrnn_gluon.sources import SPLITS, Source, TextFiles
from lightrnn_gluon.standins.aclw import LANGUAGES

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from experiments import CONFIGS, find_sources

SEED = 1
_ALL = ("auction", "exact", "preis", "preis-global", "regret", "frequency")
_WITHOUT_EXACT = tuple(method for method in _ALL if method != "exact")
_LARGE = ("auction", "regret", "frequency")
_LIGHTRNN = "LightRNN (H=200) after one epoch"


class Task(NamedTuple):
    """What there is to allocate by."""

    row_costs: Costs
    column_costs: Costs
    current: np.ndarray  # int32 (V,), the present table


@dataclass(frozen=True)
class Instance:
    """Costs with a name, the methods to try on them, how often, and the auction's limits."""

    name: str  # of its files
    label: str  # what the costs are
    make: Callable[[Path], Task]  # given a folder for what is slow to make
    methods: tuple[str, ...]
    repeats: int = 5
    gap: float | None = None
    time_limit: float | None = None  # seconds


def _generated(form: str, words: int, _: Path) -> Task:
    row_costs, column_costs, table = generate(words, form, SEED)
    return Task(row_costs.array(), column_costs.array(), table)


def _sums(words: int, directory: Path) -> Task:
    return Task(*generate_sums(words, 200, SEED, directory))


def _trained(experiment: str, folders: tuple[str, ...], directory: Path) -> Task:
    """Of a LightRNN after one epoch on a text, or several together, with all of their words."""
    names = "row_costs", "column_costs", "table"
    if not all((directory / f"{name}.npy").is_file() for name in names):
        texts = find_sources(experiment, None, directory.parent / "texts" / experiment)
        source = texts[folders[0]] if len(folders) == 1 else _together([texts[key] for key in folders])
        corpus = prepare(source, directory / "corpus", CorpusConfig(min_count=1))
        config = load_row(
            CONFIGS / "billionw" / "lightrnn.yaml", CONFIGS / "scales" / "cpu.yaml",
            ("epochs=1", "rounds_after=[]"),
        )  # fmt: skip
        assert isinstance(config, NetworkConfig)
        train_row(config, corpus, directory / "run", "cpu, one epoch, all words")
        net = load_net(directory / "run", config, len(corpus.vocabulary), mx.cpu())
        assert isinstance(net, LightRNN)
        reader = evaluation_sampler(config.sampler, corpus.ids("train"), corpus.vocabulary)
        costs = accumulate(net, reader, mx.cpu()).costs(output_vectors(net))
        arrays = (*(np.asarray(part[:]) for part in costs), net.table.cells)
        for name, array in zip(names, arrays, strict=True):
            write_array(directory / f"{name}.npy", array)
    return Task(*(np.load(directory / f"{name}.npy", mmap_mode="r", allow_pickle=False) for name in names))


def _together(texts: list[Source]) -> TextFiles:
    paths = {split: [path for text in texts for path in text.files(split)] for split in SPLITS}
    return TextFiles("; ".join(text.name for text in texts), paths)


def _forms(words: int, methods: tuple[str, ...], repeats: int = 5) -> list[Instance]:
    return [
        Instance(
            f"{form}-{words}", f"generated, {form} form, seed {SEED}", partial(_generated, form, words),
            methods, repeats,
        )
        for form in ("easy", "hard")
    ]  # fmt: skip


INSTANCES = [
    *_forms(400, _ALL),
    *_forms(2_500, _ALL),
    *_forms(10_000, _WITHOUT_EXACT),
    Instance(
        "state-of-the-union", f"{_LIGHTRNN}, State of the Union, all words",
        partial(_trained, "billionw", ("",)), _WITHOUT_EXACT,
    ),
    Instance(
        "german", f"{_LIGHTRNN}, German stand-in, all words", partial(_trained, "aclw", ("de",)), _LARGE,
    ),
    *_forms(100_000, _LARGE),
    Instance(
        "six-languages", f"{_LIGHTRNN}, the six languages' stand-ins together, all words",
        partial(_trained, "aclw", tuple(LANGUAGES)), _LARGE, repeats=1,
    ),
    *_forms(793_471, _LARGE, repeats=1),
    Instance(
        "sums-10000000", f"generated, easy form, from sums of 200 numbers a word on disk, seed {SEED}",
        partial(_sums, 10_000_000), ("auction",), repeats=1, gap=1e-3, time_limit=6900,
    ),
]  # fmt: skip
