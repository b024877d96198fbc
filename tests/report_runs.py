"""Synthetic run folders for the tests of the report, and readers of what it writes."""

import csv
import shutil
from collections import Counter
from pathlib import Path

import gluonnlp
import numpy as np
from texts import write_folder

from lightrnn_gluon.checkpoint import save_arrays
from lightrnn_gluon.config import InterpolationConfig, NetworkConfig, NgramConfig, SamplerConfig, dump
from lightrnn_gluon.corpus import Corpus, CorpusConfig, Vocabulary, prepare
from lightrnn_gluon.files import write_sealed
from lightrnn_gluon.sources import SPLITS, TextFiles
from lightrnn_gluon.table import WordTable

SIZE = 203  # words: 15 x 14 cells, the last row short
CURVE = "epoch,train_seconds,train_perplexity,valid_perplexity,learning_rate\n"
ROUNDS = (
    "epoch,valid_perplexity_before,valid_perplexity_after,valid_perplexity_end,moved_share,"
    "cost_before_nats_per_token,cost_after_nats_per_token,bound_nats_per_token,seconds\n"
)
LIGHTRNN_POINTS = [
    (0.5, 10, 300),
    (1, 20, 220.123456),
    (1.5, 35, 180),
    (2, 45, 150),
    (2.5, 55, 130),
    (3, 65, 120),
]


def add_run(out: Path, row: str, config, name: str = "Talks (stand-in)", **changes) -> Path:
    """Write metrics.json and config.yaml of a row; `changes` replace metrics."""
    directory = out / "runs" / row
    directory.mkdir(parents=True)
    (directory / "config.yaml").write_text(dump(config))
    metrics = {
        "system": config.system, "kind": config.kind, "scale": "cpu",
        "test_perplexity": 100.123456, "valid_perplexity": 110.5, "test_perplexity_without_unknown": 90.25,
        "test_tokens": 8000, "test_unknown": 200, "parameters": 384_000, "table_integers": 0,
        "model_bytes": 1_536_000, "train_seconds": 12.0, "reallocation_seconds": 0.0, "seed": 1,
        "commit": "0" * 40, "device": "cpu", "threads": 2, "versions": {"mxnet": "1.9.1"},
        "corpus_sha256": "c" * 64, "vocabulary_sha256": "v" * 64,
        "corpus": {
            "name": name, "vocabulary": {"size": SIZE},
            "train": {"sentences": 20_000, "tokens": 412_345, "unknown": 9000},
            "valid": {"sentences": 400, "tokens": 9000, "unknown": 210},
            "test": {"sentences": 390, "tokens": 8000, "unknown": 200},
        },
        **changes,
    }  # fmt: skip
    write_sealed(directory / "metrics.json", metrics)
    return directory


def add_network(out: Path, row: str, system: str, points, rounds=(), settings=None, **changes) -> Path:
    """Write a network's row; `points` are (epoch, seconds, validation perplexity)."""
    values = {
        "model": "lightrnn", "hidden": 200, "layers": 1, "dropout": 0.2, "optimizer": "adam",
        "learning_rate": 0.004, "clip": 5.0, "epochs": 3, "sampler": SamplerConfig("sentences", 64, 35),
    }  # fmt: skip
    config = NetworkConfig(system, **{**values, **(settings or {})})
    changes = {
        "train_seconds": float(points[-1][1]), "words_per_second": 9876.5, "padding_share": 0.1, **changes
    }  # fmt: skip
    directory = add_run(out, row, config, **changes)
    lines = [f"{epoch},{seconds},{valid},{valid},0.004\n" for epoch, seconds, valid in points]
    (directory / "curve.csv").write_text(CURVE + "".join(lines))
    if rounds:
        lines = [f"{e},{b},{a},{end},0.99,5.75,5.4,5.39,{s}\n" for e, b, a, end, s in rounds]
        (directory / "rounds.csv").write_text(ROUNDS + "".join(lines))
    return directory


def add_lightrnn(out: Path, **changes) -> Path:
    rounds = [(1, 220.123456, 1704.4, 150, 5.04), (2, 150, 438, 120, 4)]
    return add_network(
        out, "lightrnn", "LightRNN", LIGHTRNN_POINTS, rounds,
        test_perplexity=120.5, reallocation_seconds=9.04, table_integers=2 * SIZE, **changes,
    )  # fmt: skip


def add_all(out: Path, **changes) -> None:
    """Eight rows, written in another order than the tables'."""
    add_lightrnn(out, **changes)
    add_network(out, "full", "Full softmax", [(1, 40, 160), (2, 80, 110), (3, 120, 95)], **changes)
    add_network(out, "small", "Full softmax (H = 72)", [(1, 70, 170), (3, 200, 105)], **changes)
    add_network(
        out, "random", "LightRNN (random table)", [(1, 20, 221), (2, 40, 151), (3, 60, 131)], **changes
    )
    add_network(out, "hsm", "HSM", [(1, 30, 180), (2, 60.04, 140), (3, 90, 125)], **changes)
    add_run(out, "kn", NgramConfig("KN"), parameters=2_345_678, test_perplexity=101.0, **changes)
    mix = {"members": ["kn", "lightrnn"], "weight": 0.375, "parameters": 2_729_678}
    add_run(out, "a-mix", InterpolationConfig("KN+LightRNN", members=["kn", "lightrnn"]), **mix, **changes)
    mix = {"members": ["hsm", "kn"], "weight": 0.25}
    add_run(out, "z-mix", InterpolationConfig("KN+HSM", members=["hsm", "kn"]), **mix, **changes)


# Each system's parameters, validation perplexity after the last epoch, and seconds an epoch.
SYSTEMS = {
    "HSM": (3_530_000, 112, 60),
    "C-HSM": (2_890_000, 108, 130),
    "B-RNN": (3_520_000, 104, 75),
    "Adaptive softmax": (2_300_000, 109, 50),
    "Full softmax": (3_520_001, 101, 97),
    "Full softmax (tied)": (1_930_000, 99, 95),
    "LightRNN (random table)": (390_000, 165, 47),
    "LightRNN (H=600)": (3_200_000, 143, 160),
}


def add_paper(out: Path, **changes) -> None:
    """The rows of the paper's table 5 and more: KN, nine networks, and the interpolations of each with KN.

    As in a real run B-RNN's training perplexity is not known.
    """
    add_run(out, "kn", NgramConfig("KN"), parameters=1_130_000, test_perplexity=119.9, **changes)
    rounds = [(1, 233, 5776, 190, 12.3), (2, 190, 438, 160, 11), (3, 160, 317, 150, 11)]
    points = [(e / 2, e * 28, 147 * (1 + 3 / e**1.5)) for e in range(1, 15)]
    add_network(
        out, "lightrnn", "LightRNN", points, rounds, {"epochs": 7, "rounds_after": [1, 2, 3]},
        parameters=390_000, test_perplexity=134.9, reallocation_seconds=34.3, table_integers=2 * SIZE,
        **changes,
    )  # fmt: skip
    for system, (parameters, perplexity, seconds) in SYSTEMS.items():
        row = system.lower().replace(" ", "-").replace("(", "").replace(")", "").replace("=", "")
        points = [(e / 2, e * seconds / 2, perplexity * (1 + 2 / e**1.5)) for e in range(1, 15)]
        settings = {"epochs": 7, "hidden": 300} if system == "C-HSM" else {"epochs": 7}
        directory = add_network(
            out, row, system, points, (), settings, parameters=parameters,
            test_perplexity=0.9 * perplexity, **changes,
        )  # fmt: skip
        if system == "B-RNN":
            lines = [f"{epoch},{spent},,{valid},0.004\n" for epoch, spent, valid in points]
            (directory / "curve.csv").write_text(CURVE + "".join(lines))
        add_mix(out, row, system, **changes)
    add_mix(out, "lightrnn", "LightRNN", **changes)


def add_mix(out: Path, row: str, system: str, **changes) -> None:
    """Write the row of KN and another."""
    config = InterpolationConfig(f"KN+{system}", members=["kn", row])
    add_run(out, f"kn+{row}", config, members=config.members, weight=0.4, **changes)


def add_languages(out: Path, **changes) -> None:
    """Some rows in four languages; only French has all, only Spanish no LightRNN."""
    names = {"es": "Spanish", "fr": "French", "cs": "Czech", "ru": "Russian"}
    for number, (code, language) in enumerate(names.items()):
        name = f"{language} (stand-in: manpages-{code}, fortunes-{code})"
        facts = {"name": name, "corpus_sha256": code * 32, "test_tokens": 8000 + number, **changes}
        add_run(out / code, "kn", NgramConfig("KN"), test_perplexity=200.5 + number, **facts)
        if code != "es":
            add_lightrnn(out / code, **facts)
        if code in ("fr", "ru"):
            add_network(out / code, "hsm", "HSM", [(1, 30, 180), (2, 60.04, 140), (3, 90, 125)], **facts)
    for size in (600, 200):
        add_network(
            out / "fr", f"lightrnn-h{size}", f"LightRNN (H={size})", [(1, size, 180), (3, 3 * size, 145)],
            settings={"hidden": size // 10}, parameters=1000 * size, table_integers=2 * SIZE,
            **{**facts, "name": "French (stand-in: manpages-fr, fortunes-fr)", "corpus_sha256": "fr" * 32,
               "test_tokens": 8001},
        )  # fmt: skip


def make_words(names) -> Vocabulary:
    """A vocabulary with the names in this order."""
    counts = Counter({word: len(names) - i for i, word in enumerate(names)})
    return Vocabulary(
        gluonnlp.Vocab(counts, unknown_token="<UNK>", padding_token=None, bos_token="<S>", eos_token="</S>")
    )


def add_corpus(out: Path) -> Corpus:
    """Write a corpus of SIZE words, small and capital ones, which follow each other by their endings."""
    endings = ["ing", "ed", "ly", "es", "al"]
    words = [
        f"{'W' if i % 4 else 'w'}{chr(97 + i // 26)}{chr(97 + i % 26)}{endings[i % 5]}" for i in range(200)
    ]
    chooser = np.random.RandomState(0)
    sentences = [[words[i] for i in 5 * chooser.randint(0, 40, 8) + np.arange(8) % 5] for _ in range(400)]
    folder = write_folder(out / "text", train=[words, *sentences])
    corpus = prepare(
        TextFiles("Talks (stand-in)", {s: [folder / f"{s}.txt"] for s in SPLITS}),
        out / "corpus",
        CorpusConfig(min_count=1),
    )
    shutil.rmtree(folder)
    assert len(corpus.vocabulary) == SIZE
    return corpus


def add_model(directory: Path, vocabulary: Vocabulary | None = None, table: WordTable | None = None) -> None:
    """Write the model and the vocabulary of a row with a word table."""
    vocabulary = vocabulary or make_words([f"word{i}" for i in range(SIZE - 3)])
    vocabulary.save(directory / "vocabulary.json")
    table = table or WordTable.random(len(vocabulary), seed=3)
    arrays = {"encoder.row_of": table.row_of, "encoder.column_of": table.column_of, "weight": np.zeros(2)}
    arrays["encoder.second.first_column_of"] = np.zeros_like(table.column_of)  # read, but where no word is
    save_arrays(directory / "model.safetensors", arrays, {})


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def read_markdown(path: Path) -> list[list[str]]:
    """The cells of the table's lines, split at bars that are not escaped."""
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    marked = [line.replace("\\|", "\0").strip("|").split("|") for line in lines]
    return [[cell.strip().replace("\0", "|") for cell in cells] for cells in marked]


def by_system(out: Path, name: str = "table5") -> dict[str, dict[str, str]]:
    return {line["system"]: line for line in read_csv(out / f"{name}.csv")}
