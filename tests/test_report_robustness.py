"""The report on damaged, mixed and hostile run folders, and its pictures."""

import hashlib

import matplotlib.image
import pytest
from report_runs import (
    CURVE,
    ROUNDS,
    SIZE,
    add_all,
    add_lightrnn,
    add_model,
    add_network,
    add_run,
    make_words,
    read_csv,
    read_markdown,
)

from lightrnn_gluon.config import NgramConfig
from lightrnn_gluon.errors import UserError
from lightrnn_gluon.files import read_sealed, write_sealed
from lightrnn_gluon.report import render
from lightrnn_gluon.table import WordTable


@pytest.mark.parametrize(
    "key, other", [("corpus_sha256", "d" * 64), ("scale", "tiny"), ("test_tokens", 8001)]
)
def test_mixtures_are_refused(tmp_path, key, other):
    add_run(tmp_path, "kn", NgramConfig("KN"))
    add_lightrnn(tmp_path, **{key: other})
    with pytest.raises(UserError, match=r"\((kn \| lightrnn)\).*choose another --out"):
        render(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["runs"]


@pytest.mark.parametrize("folder", ["", "runs", "runs/begun"])
def test_nothing_finished_is_an_error(tmp_path, folder):
    (tmp_path / folder).mkdir(parents=True, exist_ok=True)
    with pytest.raises(UserError, match="no finished row"):
        render(tmp_path)


@pytest.mark.parametrize(
    "name, text",
    [
        ("metrics.json", '{"system": "LightRNN"'),
        ("metrics.json", "[]"),
        ("metrics.json", '{"system": "LightRNN"}'),
        ("curve.csv", ""),
        ("curve.csv", CURVE),
        ("curve.csv", CURVE.replace("valid_perplexity", "x") + "1,2,3,4,5\n"),
        ("curve.csv", CURVE + "1,2,3,,5\n"),
        ("curve.csv", CURVE + "1,2,3,many,5\n"),
        ("curve.csv", CURVE + "1,2,3,4,5\n1,2,3,4,5,6,7\n"),
        ("rounds.csv", ROUNDS + "1,2\n"),
        ("rounds.csv", ROUNDS + "1,2,,4,5,6,7,8,9\n"),
        ("curve.csv", None),
        ("config.yaml", None),
        ("config.yaml", "hidden: many\n"),
    ],
)
def test_damaged_files_are_named(tmp_path, name, text):
    path = add_lightrnn(tmp_path) / name
    path.unlink()
    if text is not None:
        path.write_text(text)
    with pytest.raises(UserError) as caught:
        render(tmp_path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "key, value",
    [
        ("test_perplexity", "120"), ("parameters", None), ("valid_perplexity", float("nan")), ("system", 3),
        ("kind", "magic"), ("corpus", {"name": "x"}), ("corpus", []), ("words_per_second", None),
        ("device", None),
    ],
)  # fmt: skip
def test_wrong_metrics_are_named(tmp_path, key, value):
    path = add_lightrnn(tmp_path) / "metrics.json"
    write_sealed(path, read_sealed(path) | {key: value})
    with pytest.raises(UserError, match=f"{path} is damaged"):
        render(tmp_path)


@pytest.mark.parametrize(
    "name, cell, shown",
    [
        ("a|b", "a|b", r"a\|b"),
        ("=cmd|'/C calc'!A0", "'=cmd|'/C calc'!A0", r"=cmd\|'/C calc'!A0"),
        ("+1", "'+1", "+1"),
        ("-x", "'-x", "-x"),
        ("@SUM(A1)", "'@SUM(A1)", "@SUM(A1)"),
        ("<script>alert(1)</script>", "<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
        ("[x](http://y) *b* `c` $d$", "[x](http://y) *b* `c` $d$", r"\[x\](http://y) \*b\* \`c\` \$d\$"),
        ("two\nlines\t\x1b[31m", "two�lines��[31m", r"two�lines��\[31m"),
        ("\udcff, x", "�, x", "�, x"),
    ],
)
def test_hostile_corpus_names(tmp_path, name, cell, shown):
    add_run(tmp_path, "kn", NgramConfig("KN"), name=name)
    render(tmp_path)
    lines = read_csv(tmp_path / "table1.csv")
    assert [line["corpus"] for line in lines] == [cell]
    assert lines[0]["published_vocabulary"] == "793471"
    text = (tmp_path / "table1.md").read_text(encoding="utf-8")
    assert text.splitlines()[0] == f"# Table 1: the data set ({shown}; scale: cpu)"
    assert f"\n| {shown} | 20,000 |" in text
    assert {len(row) for row in read_markdown(tmp_path / "table1.md")} == {11}


def test_pictures_decode_and_are_deterministic(tmp_path):
    outs = [tmp_path / "one", tmp_path / "two"]
    for out in outs:
        add_all(out)
        add_model(out / "runs" / "lightrnn")
        render(out)
    for name in ("rounds.png", "times.png", "sizes.png", "allocation.png"):
        image = matplotlib.image.imread(outs[0] / name)
        assert min(image.shape[:2]) >= 600 and image[..., :3].std() > 0.05
        assert b"Software" not in (outs[0] / name).read_bytes()
        assert len({hashlib.sha256((out / name).read_bytes()).hexdigest() for out in outs}) == 1, name


@pytest.mark.filterwarnings("error")
def test_pictures_survive_odd_words_and_names(tmp_path):
    odd = [
        "$",
        "$$",
        "$x^{",
        "a_{b",
        "\x07bell",
        "\u200b",
        "漢字",
        "\U0001f600",
        "\\frac",
        "w" * 500,
        "|",
        "%",
    ]
    directory = add_lightrnn(tmp_path, name="$x^{ \\$ \n <b>")
    add_model(directory, make_words(odd + [f"word{i}" for i in range(SIZE - 3 - len(odd))]))
    assert tmp_path / "allocation.png" in render(tmp_path).paths
    assert matplotlib.image.imread(tmp_path / "allocation.png").size


def test_missing_model_leaves_the_picture_with_a_note(tmp_path):
    directory = add_lightrnn(tmp_path)
    report = render(tmp_path)
    assert not (tmp_path / "allocation.png").exists() and report.paths[-1].name == "rounds.csv"
    assert len(report.notes) == 2 and all("not made" in note for note in report.notes)
    assert "model.safetensors" in report.notes[0] and "vocabulary.json" in report.notes[0]
    add_model(directory)
    (directory / "vocabulary.json").unlink()
    (tmp_path / "allocation.png").write_bytes(b"earlier")
    note, _ = render(tmp_path).notes
    assert "left as it is" in note and "vocabulary.json" in note and "model.safetensors" not in note
    assert (tmp_path / "allocation.png").read_bytes() == b"earlier"


def test_a_model_of_another_vocabulary_is_refused(tmp_path):
    add_model(add_lightrnn(tmp_path), table=WordTable.random(SIZE + 1, seed=3))
    with pytest.raises(UserError, match=r"model\.safetensors holds no table of vocabulary\.json's words"):
        render(tmp_path)


def test_the_processors_of_the_rows_are_named(tmp_path):
    add_lightrnn(tmp_path)
    for row, processor in (("fast", "Xeon, avx512f"), ("slow", "EPYC, avx2")):
        add_network(tmp_path, row, f"HSM ({row})", [(1, 40, 160)], processor=processor)
    tables = render(tmp_path).tables
    others = "HSM (slow): cpu of EPYC, avx2, threads: 2; LightRNN: cpu, threads: 2"
    assert f"Measured on: cpu of Xeon, avx512f, threads: 2 ({others})." in tables


def test_lightrnn_that_was_never_reallocated(tmp_path):
    (add_lightrnn(tmp_path) / "rounds.csv").write_text(ROUNDS)
    notes = render(tmp_path).notes
    assert f"no {tmp_path / 'rounds.csv'}" in notes[0] and not (tmp_path / "rounds.csv").exists()
