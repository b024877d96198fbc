"""Configuration: what a row's files say together, and what is refused."""

import re
from pathlib import Path

import pytest

from lightrnn_gluon.config import (
    InterpolationConfig,
    NetworkConfig,
    NgramConfig,
    SamplerConfig,
    dump,
    load_corpus_config,
    load_row,
)
from lightrnn_gluon.corpus import CorpusConfig
from lightrnn_gluon.errors import UserError
from lightrnn_gluon.models import MODELS

CONFIGS = Path(__file__).resolve().parents[1] / "reproduce" / "configs"
ROWS = sorted(path for path in (CONFIGS / "billionw").glob("*.yaml") if path.stem != "base")
SCALES = {"paper": None, **{path.stem: path for path in (CONFIGS / "scales").glob("*.yaml")}}

NETWORK = """
system: LightRNN
model: lightrnn
hidden: 8
layers: 1
dropout: 0.25
sampler: {kind: sentences, batch_size: 4, length: 10}
optimizer: sgd
learning_rate: 1.0
clip: 5.0
epochs: 2
"""


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def refusal(path, text, scale=None):
    """The message about a row file of this text: one line that names a file."""
    with pytest.raises(UserError) as caught:
        load_row(write(path, text), scale)
    message = str(caught.value)
    assert ".yaml" in message
    assert "\n" not in message
    return message


def test_row_file_gives_typed_values_and_defaults(tmp_path):
    row = load_row(write(tmp_path / "row.yaml", NETWORK))
    assert row == NetworkConfig(
        system="LightRNN",
        model="lightrnn",
        hidden=8,
        layers=1,
        dropout=0.25,
        sampler=SamplerConfig("sentences", 4, 10),
        optimizer="sgd",
        learning_rate=1.0,
        clip=5.0,
        epochs=2,
        halve_after=None,
        evaluations=1,
        rounds_after=[],
        device="auto",
        seed=1,
    )


def test_kinds_have_their_own_keys(tmp_path):
    ngram = load_row(write(tmp_path / "a.yaml", "kind: ngram\nsystem: KN\n"))
    assert ngram == NgramConfig(system="KN", order=5)
    both = load_row(write(tmp_path / "b.yaml", "kind: interpolation\nsystem: KN+x\nmembers: [kn, x]\n"))
    assert both == InterpolationConfig(system="KN+x", members=["kn", "x"])


def test_extends_builds_on_other_files_key_by_key(tmp_path):
    write(tmp_path / "base" / "first.yaml", NETWORK)
    write(tmp_path / "base" / "second.yaml", "extends: first.yaml\nhidden: 16\nsampler: {length: 99}\n")
    path = write(tmp_path / "row.yaml", "extends: base/second.yaml\nsystem: Other\nrounds_after: [1]\n")
    row = load_row(path)
    assert (row.system, row.hidden, row.layers, row.rounds_after) == ("Other", 16, 1, [1])
    assert row.sampler == SamplerConfig("sentences", 4, 99)


def test_scale_changes_networks_then_single_rows(tmp_path):
    write(tmp_path / "one.yaml", NETWORK)
    write(tmp_path / "two.yaml", NETWORK)
    write(tmp_path / "kn.yaml", "kind: ngram\nsystem: KN\n")
    scale = write(
        tmp_path / "small.yaml",
        "network: {hidden: 3, epochs: 9, sampler: {batch_size: 2}}\n"
        "rows: {two: {hidden: 5}, kn: {order: 2}}\n",
    )
    one, two, kn = (load_row(tmp_path / f"{name}.yaml", scale) for name in ("one", "two", "kn"))
    assert (one.hidden, one.epochs, one.sampler) == (3, 9, SamplerConfig("sentences", 2, 10))
    assert (two.hidden, two.epochs) == (5, 9)
    assert kn.order == 2
    assert load_row(tmp_path / "one.yaml").hidden == 8


def test_corpus_settings_come_from_the_scale(tmp_path):
    assert load_corpus_config(None) == CorpusConfig(min_count=3, max_train_tokens=None)
    scale = write(tmp_path / "small.yaml", "corpus: {max_train_tokens: 70}\nnetwork: {hidden: 3}\n")
    assert load_corpus_config(scale) == CorpusConfig(min_count=3, max_train_tokens=70)
    assert load_corpus_config(write(tmp_path / "none.yaml", "network: {hidden: 3}\n")) == CorpusConfig()


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (NETWORK + "hiden: 9\n", "hiden"),
        (NETWORK.replace("length", "lenght"), "lenght"),
        ("kind: ngram\nsystem: KN\nhidden: 8\n", "hidden"),
        (NETWORK + "layers: two\n", "two"),
        (NETWORK.replace("0.25", "[1]"), "dropout"),
        (NETWORK.replace("hidden: 8", "hidden: 8.5"), "8.5"),
        (NETWORK.replace("{kind: sentences, batch_size: 4, length: 10}", "sentences"), "sampler|sentences"),
        (NETWORK + "rounds_after: [one]\n", "one"),
        (NETWORK + "rounds_after: 3\n", "rounds_after"),
        (NETWORK + "epochs: null\n", "epochs"),
        (NETWORK.replace("hidden: 8\n", ""), "hidden"),
        (NETWORK.replace("length: 10", ""), "length"),
        ("kind: ngram\n", "system"),
        ("kind: interpolation\nsystem: x\n", "members"),
        ("kind: transformer\n", "'transformer' is none of network, ngram, interpolation"),
        ("kind: [ngram]\n", "ngram"),
        ("", "system"),
        ("system: [unclosed\n", "is not YAML"),
        ("a: b: c\n", "is not YAML"),
        ("\tsystem: x\n", "is not YAML"),
        ("just words\n", "must hold keys and values"),
        ("- a\n- list\n", "must hold keys and values"),
        ("3: three\nkind: ngram\nsystem: KN\n", "3"),
        ("kind: ngram\nsystem: ${nowhere}\n", "nowhere"),
        ("extends: nowhere.yaml\n", "nowhere.yaml"),
        ("extends: [a, b]\n", "extends"),
        ("extends: row.yaml\n", "row.yaml"),
    ],
)
def test_wrong_row_file_is_refused_with_the_mistake_named(text, named, tmp_path):
    assert re.search(named, refusal(tmp_path / "row.yaml", text).replace(str(tmp_path), ""))


@pytest.mark.parametrize(
    "text",
    [
        "network: {hiden: 3}\n",
        "network: 5\n",
        "network: [1]\n",
        "rows: {row: {hiden: 3}}\n",
        "rows: 5\n",
        "rows: {row: 5}\n",
        "netwrok: {hidden: 3}\n",
        "just words\n",
    ],
)
def test_wrong_scale_file_is_refused(text, tmp_path):
    refusal(tmp_path / "row.yaml", NETWORK, scale=write(tmp_path / "scale.yaml", text))


@pytest.mark.parametrize("corpus", ["{min_cuont: 3}", "3", "[1]", "{min_count: few}"])
def test_wrong_corpus_settings_are_refused(corpus, tmp_path):
    with pytest.raises(UserError, match=r"scale\.yaml"):
        load_corpus_config(write(tmp_path / "scale.yaml", f"corpus: {corpus}\n"))


def test_missing_files_are_refused(tmp_path):
    row = write(tmp_path / "row.yaml", NETWORK)
    with pytest.raises(UserError, match=r"cannot read .*nowhere\.yaml"):
        load_row(tmp_path / "nowhere.yaml")
    with pytest.raises(UserError, match=r"cannot read .*nowhere\.yaml"):
        load_row(row, tmp_path / "nowhere.yaml")
    with pytest.raises(UserError, match="cannot read"):
        load_row(tmp_path)
    (tmp_path / "latin.yaml").write_bytes(b"system: caf\xe9\n")
    with pytest.raises(UserError, match=r"latin\.yaml"):
        load_row(tmp_path / "latin.yaml")


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("path", ROWS, ids=lambda path: path.stem)
def test_row_of_the_repository_loads_at_each_scale_and_comes_back_from_its_dump(path, scale, tmp_path):
    row = load_row(path, SCALES[scale])
    assert load_row(write(tmp_path / "dumped.yaml", dump(row))) == row
    if isinstance(row, NetworkConfig):
        assert row.model in MODELS
        assert all(1 <= epoch < row.epochs for epoch in row.rounds_after), "no epoch is left after a round"
    if isinstance(row, InterpolationConfig):
        assert {f"{name}.yaml" for name in row.members} <= {other.name for other in ROWS}


def test_all_scales_and_kinds_are_there():
    assert SCALES.keys() == {"paper", "cpu", "tiny"}
    assert len(ROWS) >= 7
    assert {load_row(path).kind for path in ROWS} == {"network", "ngram", "interpolation"}
    assert len({load_row(path).system for path in ROWS}) == len(ROWS)


@pytest.mark.parametrize("path", ROWS, ids=lambda path: path.stem)
def test_cpu_scale_is_what_it_is_said_to_be(path):
    row = load_row(path, SCALES["cpu"])
    if isinstance(row, NetworkConfig):
        assert (row.hidden, row.epochs) == (200, 7)
    assert load_corpus_config(SCALES["cpu"]).max_train_tokens >= 400_000


@pytest.mark.parametrize("path", ROWS, ids=lambda path: path.stem)
def test_paper_scale_is_the_papers(path):
    row = load_row(path)
    if isinstance(row, NetworkConfig):
        assert (row.hidden, row.layers, row.dropout) == (1500, 2, 0.5)
        assert (row.optimizer, row.learning_rate, row.clip, row.halve_after) == ("sgd", 1.0, 5.0, None)
    if isinstance(row, NgramConfig):
        assert row.order == 5
