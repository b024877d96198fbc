"""The word table printed, and on a page: what is on it, and that words stay words."""

import base64
import json
import re

import numpy as np
import pytest

from lightrnn_gluon.checkpoint import load_arrays
from lightrnn_gluon.coherence import CoherentLine
from lightrnn_gluon.report.viewer import viewer_page
from lightrnn_gluon.table import WordTable

HOSTILE = ["<script>alert(1)</script>", "<!--", "]]>", "\u2028", "\x1b[31m", "</S>x", '"', "&lt;", "\\u003c"]


def data_of(page):
    """What a browser makes of the page's data."""
    (text,) = re.findall(r'<script id="data" type="application/json">(.*?)</script>', page, re.DOTALL)
    return json.loads(text)


def integers(text):
    return np.frombuffer(base64.b64decode(text), "<i4")


def test_words_stay_words_on_the_page():
    tables = {"start": WordTable.random(9, 1), "model": WordTable.random(9, 2)}
    line = CoherentLine("suffix", "row", 1, 0.5, "<b>", 0.75, 0.1, ["<i>", "x"])
    page = viewer_page("<title>", HOSTILE, tables, np.arange(9), [line])
    data = data_of(page)
    assert data["words"] == [word.replace("\u2028", "\ufffd").replace("\x1b", "\ufffd") for word in HOSTILE]
    assert [each["name"] for each in data["tables"]] == ["start", "model"]
    for each, table in zip(data["tables"], tables.values(), strict=True):
        np.testing.assert_array_equal(integers(each["cells"]), table.cells)
    assert (data["columns"], data["title"]) == (3, "<title>")
    np.testing.assert_array_equal(integers(data["counts"]), np.arange(9))
    assert data["lines"] == [
        {"axis": "row", "number": 1, "label": "suffix <b>", "share": 0.75, "words": ["<i>", "x"]}
    ]
    assert page.count("<script") == 2 and "alert(1)<" not in page
    assert not re.search("https?:|src=|@import|innerHTML", page), (
        "it needs the network, or takes words for HTML"
    )


def test_the_page_of_a_run_has_all_its_tables(exported, tmp_path, call):
    folder, corpus = exported
    command = ["table", str(folder / "net"), "--html", str(tmp_path / "page.html")]
    status, output, _ = call([*command, "--corpus", str(corpus.directory)])
    assert status == 0 and output.startswith(f"{tmp_path}/page.html: ")
    data = data_of((tmp_path / "page.html").read_text())
    assert data["words"] == corpus.vocabulary.words
    arrays, _ = load_arrays(folder / "net" / "model.safetensors")
    cells = arrays["encoder.row_of"] * data["columns"] + arrays["encoder.column_of"]
    np.testing.assert_array_equal(integers(data["tables"][-1]["cells"]), cells)
    np.testing.assert_array_equal(
        integers(data["counts"]), np.bincount(corpus.ids("train"), minlength=len(corpus.vocabulary))
    )
    assert call(command)[0] == 0
    assert data_of((tmp_path / "page.html").read_text())["counts"] is None


def test_rows_are_printed_and_a_word_with_its_mates(exported, call):
    folder, corpus = exported
    arrays, _ = load_arrays(folder / "net" / "model.safetensors")
    rows, columns, words = arrays["encoder.row_of"], arrays["encoder.column_of"], corpus.vocabulary.words
    status, output, _ = call(["table", str(folder / "net")])
    assert status == 0
    assert [line.split() for line in output.splitlines()] == [
        [words[word] for word in np.flatnonzero(rows == row)] for row in range(rows.max() + 1)
    ]
    place = words.index("w3")
    status, output, _ = call(["table", str(folder / "net"), "--word", "w3"])
    of_row, of_column = (
        " ".join(words[word] for word in np.flatnonzero(lines == lines[place])) for lines in (rows, columns)
    )
    assert output == f"row {rows[place]}: {of_row}\ncolumn {columns[place]}: {of_column}\n"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["table", "nowhere"], "cannot read nowhere/metrics.json"),
        (["table", "net", "--word", "no-such-word"], "'no-such-word' is not in the vocabulary of net"),
        (["table", "net", "--html", "net.yaml/page"], "cannot write net.yaml/page"),
        (["table", "net", "--html", "page", "--corpus", "nowhere"], "cannot read nowhere/corpus.json"),
    ],
)
def test_mistakes_are_one_line(exported, call, monkeypatch, arguments, complaint):
    monkeypatch.chdir(exported[0])
    status, output, errors = call(arguments)
    assert (status, output) == (2, "")
    assert errors.startswith(f"lightrnn: {complaint}") and errors.count("\n") == 1


def test_a_run_without_a_table_and_another_corpus_are_refused(exported, tmp_path, call):
    folder, corpus = exported
    (tmp_path / "kn.yaml").write_text("{kind: ngram, system: KN, order: 2}")
    train = [
        "train",
        str(tmp_path / "kn.yaml"),
        "--corpus",
        str(corpus.directory),
        "--out",
        str(tmp_path / "kn"),
    ]
    assert call(train)[0] == 0
    status, _, errors = call(["table", str(tmp_path / "kn")])
    assert status == 2 and "which has no word table" in errors
    prepare = ["prepare", "--data", str(folder / "data"), "--out", str(tmp_path / "corpus"), "--scale"]
    (tmp_path / "scale.yaml").write_text("{corpus: {max_words: 20}}")
    assert call([*prepare, str(tmp_path / "scale.yaml")])[0] == 0
    page = [
        "table",
        str(folder / "net"),
        "--html",
        str(tmp_path / "page"),
        "--corpus",
        str(tmp_path / "corpus"),
    ]
    status, _, errors = call(page)
    assert status == 2 and "is not the corpus that" in errors
    assert not (tmp_path / "page").exists()
