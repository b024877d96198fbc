"""The benchmark of starts: a text by Zipf's law, and a table of what was measured."""

import sys

import numpy as np
import pytest
from scripts import ROOT, call, read_table

from lightrnn_gluon.files import read_json
from lightrnn_gluon.starts import STARTS

sys.path.insert(0, str(ROOT / "reproduce" / "bench"))
import starts as bench
from generated import zipf_counts


def test_words_occur_by_their_counts(tmp_path, monkeypatch):
    monkeypatch.setattr(bench, "_BLOCK", 3000)
    bench._write_text(tmp_path / "ids.npy", 50, 100_000)
    found = np.bincount(np.load(tmp_path / "ids.npy"), minlength=50)
    expected = 100_000 * zipf_counts(50) / zipf_counts(50).sum()
    assert found.sum() == 100_000 and len(found) == 50
    assert (np.abs(found - expected) < 5 * np.sqrt(expected)).all()


def test_every_start_is_measured_once(tmp_path, capfd):
    arguments = ["--words", 150, "--tokens", 4000, "--out", tmp_path / "bench"]
    assert call(bench.main, *arguments) == 0, capfd.readouterr().err
    assert "information: 150 words, 4,000 tokens" in capfd.readouterr().out
    lines = read_table(tmp_path / "bench" / "starts.csv")
    assert [line["start"] for line in lines] == list(STARTS)
    for line in lines:
        measured = read_json(tmp_path / "bench" / "starts" / f"150-4000.{line['start']}.json")
        assert (measured["words"], measured["tokens"]) == (150, 4000)
        assert float(line["start_seconds"]) == measured["start_seconds"] > 0
        assert float(line["codes_seconds"]) == measured["codes_seconds"] > 0
    assert not list((tmp_path / "bench").glob("**/ids.npy"))
    assert call(bench.main, *arguments) == 0
    assert "4,000 tokens\n" not in capfd.readouterr().out


def test_the_papers_scale_is_on_the_line_through_two_lengths(tmp_path):
    arguments = ["--words", 150, "--start", "spectral", "--out", tmp_path]
    for tokens in (4000, 9000):
        assert call(bench.main, *arguments, "--tokens", tokens) == 0
    *measured, paper = read_table(tmp_path / "starts.csv")
    assert [line["tokens"] for line in (*measured, paper)] == ["4000", "9000", "799000000"]
    assert [line["how"] for line in (*measured, paper)] == ["measured", "measured", "by the line"]
    assert (paper["start_seconds"], paper["codes_seconds"]) == ("", "")
    for name in ("seconds", "peak_bytes"):
        line = np.polyfit([4000, 9000], [float(record[name]) for record in measured], 1)
        assert float(paper[name]) == pytest.approx(np.polyval(line, 799_000_000), rel=1e-6)
