"""Files that the software reads back, cut short or with a bit flipped: refused by name, or of no consequence.

Slow: `bash tests/run.sh -m faults`.
"""

import random
import shutil
from pathlib import Path

import mxnet as mx
import pytest
from mistakes import KN, MIX, NETWORK, write_config
from texts import make_corpus, random_sentences

from lightrnn_gluon.config import load_row
from lightrnn_gluon.corpus import Corpus
from lightrnn_gluon.export import export
from lightrnn_gluon.rows import train_row
from lightrnn_gluon.systems import new_network
from lightrnn_gluon.training import Training

pytestmark = pytest.mark.faults

DAMAGES = 40  # of each file, half of them cuts, half flipped bits
TRAIN = "train configs/{row}.yaml --corpus corpus --out runs/{row}"
EVALUATE = "evaluate runs/{row} --text data/test.txt --json"
# Each file, and the command that reads it back.
FILES = {
    "corpus/corpus.json": TRAIN.format(row="net"),
    "corpus/vocabulary.json": TRAIN.format(row="net"),
    "corpus/train.ids.npy": TRAIN.format(row="net"),
    "corpus/valid.ids.npy": TRAIN.format(row="net"),
    "corpus/test.ids.npy": TRAIN.format(row="net"),
    "runs/net/metrics.json": "report .",
    "runs/net/times.json": "report .",
    "runs/net/curve.csv": "report .",
    "runs/net/rounds.csv": "report .",
    "runs/net/config.yaml": EVALUATE.format(row="net"),
    "runs/net/vocabulary.json": EVALUATE.format(row="net"),
    "runs/net/model.safetensors": EVALUATE.format(row="net"),
    "runs/net/table-0.npy": "report .",
    "runs/net/test.nll.npy": TRAIN.format(row="mix"),
    "runs/kn/model.bin": EVALUATE.format(row="kn"),
    "runs/half/checkpoint.safetensors": TRAIN.format(row="half"),
    "exported": "evaluate exported --text data/test.txt --json",
    "exported.onnx": "evaluate exported.onnx --text data/test.txt --json",
}


def interrupt(training):
    raise KeyboardInterrupt


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder of text, its corpus, finished rows of every kind, and one that is half-way."""
    folder = tmp_path_factory.mktemp("made")
    make_corpus(folder / "data", train=random_sentences(60, seed=0))
    shutil.move(folder / "data" / "corpus", folder / "corpus")
    corpus = Corpus(folder / "corpus")
    net = NETWORK | {"epochs": 2, "rounds_after": [1]}
    for name, values in {"kn": KN, "net": net, "mix": MIX, "half": net | {"seed": 2}}.items():
        write_config(folder / "configs" / f"{name}.yaml", values)
        if name != "half":
            train_row(load_row(folder / "configs" / f"{name}.yaml"), corpus, folder / "runs" / name, "tiny")
    for name in ("exported", "exported.onnx"):
        export(folder / "runs" / "net", folder / name, "float32")
    half = load_row(folder / "configs" / "half.yaml")
    net = new_network(half, len(corpus.vocabulary))
    with pytest.raises(KeyboardInterrupt):
        Training(net, half, corpus, folder / "runs" / "half", [mx.cpu()]).run(interrupt)
    return folder


def damages(content, generator):
    for _ in range(DAMAGES // 2):
        yield content[: generator.randrange(len(content))]
        flipped = bytearray(content)
        flipped[generator.randrange(len(content))] ^= 1 << generator.randrange(8)
        yield bytes(flipped)


@pytest.mark.parametrize("name", FILES)
def test_damage_is_refused_or_of_no_consequence(name, made, tmp_path, call, monkeypatch):
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    whole, refused = (tmp_path / name).read_bytes(), 0
    if name == "runs/net/test.nll.npy":  # what combines it is there no more
        shutil.rmtree(tmp_path / "runs" / "mix")
    expected = None
    for damaged in damages(whole, random.Random(name)):
        Path(name).write_bytes(damaged)
        status, output, complaint = call(FILES[name].split())
        if status == 2:
            refused += 1
            assert Path(name).name in complaint and complaint.count("\n") == 1, complaint
            continue
        assert status == 0
        Path(name).write_bytes(whole)
        expected = expected or call(FILES[name].split())
        assert (status, output) == expected[:2], f"{damaged!r} is used"
    assert refused
