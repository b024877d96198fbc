"""Configuration: what a row's files say together, and what is refused."""

import re
from pathlib import Path

import pytest

from lightrnn_gluon import cli
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
from lightrnn_gluon.systems import new_network

CONFIGS = Path(__file__).resolve().parents[1] / "reproduce" / "configs"
EXPERIMENTS = ("aclw", "billionw", "ptb")
FILES = [path for name in EXPERIMENTS for path in sorted((CONFIGS / name).rglob("*.yaml"))]
ROWS = {f"{path.relative_to(CONFIGS)}": path for path in FILES if path.stem not in ("base", "corpus")}
BILLIONW = {path.stem: path for path in ROWS.values() if path.parent.name == "billionw"}
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


ADAPTIVE = (
    NETWORK.replace("model: lightrnn", "model: adaptive_softmax")
    + "options: {cutoffs: [2000, 10000], factor: 4}\npublished_vocabulary: 793471\n"
)


def test_options_are_changed_one_by_one(tmp_path):
    row = write(tmp_path / "row.yaml", ADAPTIVE)
    assert load_row(row).options == {"cutoffs": [2000, 10000], "factor": 4}
    scale = write(tmp_path / "small.yaml", "network: {hidden: 3}\nrows: {row: {options: {cutoffs: [5]}}}\n")
    scaled = load_row(row, scale)
    assert (scaled.hidden, scaled.options) == (3, {"cutoffs": [5], "factor": 4})
    assert load_row(row, scale, ["options.factor=2"]).options == {"cutoffs": [5], "factor": 2}
    write(tmp_path / "other.yaml", "extends: row.yaml\noptions: {factor: 8}\n")
    assert load_row(tmp_path / "other.yaml", scale).options == {"cutoffs": [2000, 10000], "factor": 8}
    assert load_row(write(tmp_path / "dumped.yaml", dump(scaled))) == scaled


def test_settings_have_the_last_word(tmp_path):
    row = write(tmp_path / "row.yaml", NETWORK)
    scale = write(tmp_path / "small.yaml", "network: {hidden: 3, epochs: 9}\nrows: {row: {seed: 4}}\n")
    settings = ["hidden=7", "seed=5", "sampler.length=20", "rounds_after=[1,3]", "options.start=frequency"]
    changed = load_row(row, scale, settings)
    assert (changed.hidden, changed.seed, changed.epochs, changed.rounds_after) == (7, 5, 9, [1, 3])
    assert changed.sampler == SamplerConfig("sentences", 4, 20)
    assert changed.options == {"start": "frequency"}
    assert load_row(row, None, ["learning_rate=0.5", "learning_rate=2"]).learning_rate == 2.0
    assert load_row(row, None, ["system=A=B"]).system == "A=B"


@pytest.mark.parametrize(
    ("setting", "named"),
    [
        ("hiden=3", "hiden"),
        ("sampler.lenght=3", "lenght"),
        ("hidden=many", "many"),
        ("hidden=", "hidden"),
        ("hidden.x=1", "hidden"),
        ("options=3", "options"),
        ("hidden=0", "hidden is 0"),
        ("system=${nowhere}", "nowhere"),
        ("extends=base.yaml", "extends"),
        ("hidden", "--set hidden: say KEY=VALUE"),
        ("", "--set : say KEY=VALUE"),
        ("=3", "Key ''"),
        ("rounds_after=[1", "--set: "),
        ("system=a: b: c", "--set: "),
        ("kind=ngram", "kind is network"),
    ],
)
def test_wrong_setting_is_refused(setting, named, tmp_path):
    with pytest.raises(UserError, match=re.escape(named)) as caught:
        load_row(write(tmp_path / "row.yaml", NETWORK), settings=[setting])
    assert "\n" not in str(caught.value)


def test_scale_file_builds_on_another_key_by_key(tmp_path):
    row = write(tmp_path / "row.yaml", ADAPTIVE)
    write(
        tmp_path / "small.yaml",
        "corpus: {max_train_tokens: 70}\nnetwork: {hidden: 3, epochs: 9}\n"
        "rows: {row: {seed: 4, options: {cutoffs: [5]}}}\n",
    )
    scale = write(
        tmp_path / "smaller.yaml",
        "extends: small.yaml\nnetwork: {epochs: 2}\nrows: {row: {options: {factor: 2}}, kn: {order: 2}}\n",
    )
    changed = load_row(row, scale)
    assert (changed.hidden, changed.epochs, changed.seed) == (3, 2, 4)
    assert changed.options == {"cutoffs": [5], "factor": 2}
    assert load_corpus_config(scale) == CorpusConfig(min_count=3, max_train_tokens=70)
    assert load_row(write(tmp_path / "kn.yaml", "kind: ngram\nsystem: KN\n"), scale).order == 2
    with pytest.raises(UserError, match=r"cannot read .*nowhere\.yaml"):
        load_row(row, write(tmp_path / "lost.yaml", "extends: nowhere.yaml\n"))
    with pytest.raises(UserError, match="no circle"):
        load_row(row, write(tmp_path / "round.yaml", "extends: round.yaml\n"))


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
        (NETWORK + "options: frequency\n", "options"),
        (NETWORK + "options: null\n", "options"),
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
@pytest.mark.parametrize("path", ROWS.values(), ids=ROWS)
def test_row_of_the_repository_loads_at_each_scale_and_comes_back_from_its_dump(path, scale, tmp_path):
    row = load_row(path, SCALES[scale])
    assert load_row(write(tmp_path / "dumped.yaml", dump(row))) == row
    if isinstance(row, NetworkConfig):
        new_network(row, 100)  # which refuses a model or options that there are not
        assert all(1 <= epoch < row.epochs for epoch in row.rounds_after), "no epoch is left after a round"
    if isinstance(row, InterpolationConfig):
        assert all((path.parent / f"{name}.yaml").is_file() for name in row.members)


def test_all_scales_kinds_and_models_are_there():
    assert SCALES.keys() == {"paper", "cpu", "tiny"}
    rows = [load_row(path) for path in BILLIONW.values()]
    assert {row.kind for row in rows} == {"network", "ngram", "interpolation"}
    assert {row.model for row in rows if isinstance(row, NetworkConfig)} == MODELS.keys()
    assert len({row.system for row in rows}) == len(rows)


@pytest.mark.parametrize("path", BILLIONW.values(), ids=BILLIONW)
def test_cpu_scale_is_what_it_is_said_to_be(path):
    row = load_row(path, SCALES["cpu"])
    if isinstance(row, NetworkConfig):
        assert (row.hidden, row.layers, row.epochs) == (200, 1, 7)
    assert load_corpus_config(SCALES["cpu"]).max_train_tokens >= 400_000


@pytest.mark.parametrize("path", BILLIONW.values(), ids=BILLIONW)
def test_paper_scale_is_the_papers(path):
    row = load_row(path)
    if isinstance(row, NetworkConfig):
        # Those whose published size is that of a model of other dimensions have these.
        others = {"hsm": (1024, 2), "b-rnn": (2048, 1), "c-hsm": (300, 2)}
        assert (row.hidden, row.layers) == others.get(path.stem, (1500, 2))
        assert (row.dropout, row.optimizer, row.learning_rate, row.clip) == (0.5, "sgd", 1.0, 5.0)
        assert row.halve_after is None
    if isinstance(row, NgramConfig):
        assert row.order == 5


def test_what_is_trained_when_no_file_is_named_is_the_row_of_the_tables():
    named = load_row(ROWS["billionw/lightrnn+.yaml"], SCALES["cpu"], ["published_vocabulary=null"])
    assert load_row(Path(cli.__file__).with_name("default.yaml")) == named
