"""The report's tables, from synthetic run folders."""

import pytest
from report_runs import (
    ROUNDS,
    add_all,
    add_corpus,
    add_lightrnn,
    add_model,
    add_network,
    add_run,
    by_system,
    read_csv,
    read_markdown,
)

from lightrnn_gluon.config import NgramConfig
from lightrnn_gluon.report import render
from lightrnn_gluon.report.experiments import read_results
from lightrnn_gluon.report.figures import title_lines
from lightrnn_gluon.report.notes import grouped
from lightrnn_gluon.report.published import load_published
from lightrnn_gluon.report.tables import table5


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A folder with all rows, a model, its corpus and a row that is not finished, rendered once."""
    out = tmp_path_factory.mktemp("whole")
    corpus = add_corpus(out)
    add_all(out, corpus_sha256=corpus.checksum)
    add_model(out / "runs" / "lightrnn", corpus.vocabulary)
    (out / "runs" / "unfinished").mkdir()
    return out, render(out)


def test_paths_are_the_files_in_order(whole):
    out, report = whole
    names = [
        "table1.csv", "table1.md", "table3.csv", "table3.md", "table5.csv", "table5.md",
        "rounds.png", "times.png", "sizes.png", "rounds.csv", "allocation.png",
        "coherence.csv", "coherence.md", "coherent_lines.csv", "coherent_lines.md",
    ]  # fmt: skip
    assert report.paths == [out / name for name in names]
    assert report.notes == []
    assert sorted(path.name for path in out.iterdir()) == sorted([*names, "corpus", "runs"])
    assert all((out / f"table{n}.md").read_text() in report.tables for n in (1, 3, 5))


def test_table5_columns_and_order(whole):
    out, _ = whole
    lines = read_csv(out / "table5.csv")
    assert list(lines[0]) == [
        "system", "test_perplexity", "published_perplexity", "parameters", "published_parameters",
        "model_bytes", "train_seconds", "test_tokens", "test_perplexity_without_unknown", "valid_perplexity",
        "epochs", "equal_time_seconds", "valid_perplexity_at_equal_time", "kn_weight",
    ]  # fmt: skip
    assert [line["system"] for line in lines] == [
        "KN", "HSM", "Full softmax", "Full softmax (H = 72)", "LightRNN (random table)", "LightRNN",
        "KN+HSM", "KN+LightRNN",
    ]  # fmt: skip


def test_table5_values(whole):
    rows = by_system(whole[0])
    assert rows["LightRNN"] == {
        "system": "LightRNN", "test_perplexity": "120.5", "published_perplexity": "66",
        "parameters": "384000", "published_parameters": "41000000", "model_bytes": "1536000",
        "train_seconds": "65.0", "test_tokens": "8000", "test_perplexity_without_unknown": "90.25",
        "valid_perplexity": "110.5", "epochs": "3", "equal_time_seconds": "60.0",
        "valid_perplexity_at_equal_time": "130.0", "kn_weight": "",
    }  # fmt: skip
    assert rows["HSM"]["test_perplexity"] == "100.1235"
    published = {
        name: (row["published_perplexity"], row["published_parameters"]) for name, row in rows.items()
    }
    assert published["KN"] == ("68", "2000000000")
    assert published["KN+LightRNN"] == ("43", "")
    assert published["LightRNN (random table)"] == published["Full softmax"] == ("", "")


def test_equal_time_by_hand(whole):
    """T is 60 s, the random table's total: LightRNN's last evaluation by then is the one at 55 s."""
    at = {name: row["valid_perplexity_at_equal_time"] for name, row in by_system(whole[0]).items()}
    assert at == {
        "KN": "", "HSM": "140.0", "Full softmax": "160.0", "Full softmax (H = 72)": "",
        "LightRNN (random table)": "131.0", "LightRNN": "130.0", "KN+HSM": "", "KN+LightRNN": "",
    }  # fmt: skip
    times = {name: row["equal_time_seconds"] for name, row in by_system(whole[0]).items()}
    assert {name for name, time in times.items() if time == ""} == {"KN", "KN+HSM", "KN+LightRNN"}
    assert set(times.values()) == {"", "60.0"}


def test_kn_weight_whichever_member_it_is(whole):
    rows = by_system(whole[0])
    assert rows["KN+LightRNN"]["kn_weight"] == "0.375"
    assert rows["KN+HSM"]["kn_weight"] == "0.75"
    assert rows["KN"]["kn_weight"] == ""


def test_table3_has_networks_only(whole):
    lines = read_csv(whole[0] / "table3.csv")
    assert [line["system"] for line in lines] == [
        "HSM", "Full softmax", "Full softmax (H = 72)", "LightRNN (random table)", "LightRNN"
    ]  # fmt: skip
    assert lines[-1] == {
        "system": "LightRNN", "train_seconds": "65.0", "reallocation_seconds": "9.0",
        "reallocation_percent": "13.9077", "words_per_second": "9876.5", "published_train_hours": "70",
        "published_reallocation_percent": "2.36", "valid_perplexity": "110.5", "epochs": "3",
        "equal_time_seconds": "60.0", "valid_perplexity_at_equal_time": "130.0",
    }  # fmt: skip
    assert (lines[0]["published_train_hours"], lines[0]["published_reallocation_percent"]) == ("168", "")


def test_table1(whole):
    assert read_csv(whole[0] / "table1.csv") == [
        {
            "corpus": "Talks (stand-in)", "train_sentences": "20000", "train_tokens": "412345",
            "valid_tokens": "9000", "test_tokens": "8000", "vocabulary": "203",
            "unknown_share_percent": "2.5", "table_rows": "14", "table_columns": "15",
            "published_tokens": "799000000", "published_vocabulary": "793471",
        }
    ]  # fmt: skip


def test_rounds_csv(whole):
    text = (whole[0] / "rounds.csv").read_text()
    assert text.splitlines() == [
        "round," + ROUNDS.strip(),
        "1,1,220.1235,1704.4,150.0,0.99,5.75,5.4,5.39,5.0",
        "2,2,150.0,438.0,120.0,0.99,5.75,5.4,5.39,4.0",
    ]


def test_markdown_has_the_same_rows_formatted_for_people(whole):
    head, _, *rows = read_markdown(whole[0] / "table5.md")
    assert [row[0] for row in rows] == [line["system"] for line in read_csv(whole[0] / "table5.csv")]
    cells = dict(zip(head, rows[5], strict=True))
    assert cells["System"] == "LightRNN"
    assert (cells["Test perplexity"], cells["Published perplexity"]) == ("120.5", "66")
    assert (cells["Parameters"], cells["Published parameters"]) == ("0.38M", "41M")
    assert (cells["Model file"], cells["Training time"]) == ("1.5 MB", "65.0 s")
    assert dict(zip(head, rows[0], strict=True))["Published parameters"] == "2G"


def test_markdown_states_protocol_and_counting_rules(whole):
    text = (whole[0] / "table5.md").read_text()
    assert text.startswith("# Table 5: perplexity and size (Talks (stand-in); scale: cpu)\n")
    assert "training tokens: 412,345; H: 200; layers: 1; " in text
    for part in (
        "`</S>`", "`<S>`", "200 of the 8,000 test tokens (2.50 %)", "codes: 2 a word", "n-grams",
        "cpu, threads: 2", "at or before 60.0 s", "One Billion Word benchmark", "NOT comparable",
        "excludes evaluation",
    ):  # fmt: skip
        assert part in text, part


def test_protocol_names_rows_that_differ(tmp_path):
    add_lightrnn(tmp_path)
    add_network(tmp_path, "full", "Full softmax", [(1, 40, 160)], settings={"seed": 7}, threads=1)
    text = table5(read_results(tmp_path), load_published()).markdown()
    assert "seed: 7 (LightRNN: 1)." in text
    assert "cpu, threads: 1 (LightRNN: cpu, threads: 2)" in text
    assert "H: 200;" in text


def test_protocol_names_rows_that_diverged(tmp_path):
    add_lightrnn(tmp_path, setbacks=0)
    add_network(tmp_path, "full", "Full softmax", [(1, 40, 160)], setbacks=2)
    text = table5(read_results(tmp_path), load_published()).markdown()
    assert "; training diverged, and went back with half the rate: Full softmax: 2 times." in text


def test_settings_are_grouped_behind_the_commonest():
    assert grouped([("HSM", "9"), ("LightRNN", "9")]) == "9"
    pairs = [("C-HSM", "3"), ("HSM", "9"), ("B-RNN", "4"), ("LightRNN", "9"), ("KN+x", "3"), ("y", "9")]
    assert grouped(pairs) == "9 (C-HSM, KN+x: 3; B-RNN: 4)"


def test_the_papers_own_corpus_is_comparable(tmp_path):
    add_run(tmp_path, "kn", NgramConfig("KN"), name="One Billion Word benchmark", scale="paper")
    render(tmp_path)
    assert "NOT comparable" not in (tmp_path / "table5.md").read_text()


def test_absent_rows_are_absent(tmp_path):
    add_run(tmp_path, "kn", NgramConfig("KN"))
    report = render(tmp_path)
    assert [line["system"] for line in read_csv(tmp_path / "table5.csv")] == ["KN"]
    assert read_csv(tmp_path / "table3.csv") == []
    assert "LightRNN" not in (tmp_path / "table5.csv").read_text()
    assert all(path.suffix != ".png" for path in report.paths)
    assert all(name in " ".join(report.notes) for name in ("rounds.png", "rounds.csv", "allocation.png"))


def test_recalled_figures_carry_a_question_mark_in_markdown_only(whole):
    figures = load_published()
    results = read_results(whole[0])
    assert "?" not in table5(results, figures).markdown()
    figures["table5"]["HSM"]["checked"] = "memory"
    table = table5(results, figures)
    assert "| HSM | 100.1 | 85? | 0.38M | 1.6G? |" in table.markdown()
    assert "| KN | 101.0 | 68 | 2.35M | 2G |" in table.markdown()
    assert "question mark" in table.markdown() and "?" not in table.csv()


def test_published_figures_are_numbers_with_known_source_and_check():
    published = load_published()
    checks, sources = published.pop("checks"), published.pop("sources")
    assert set(checks) == {"stated", "arithmetic", "secondary", "memory"}
    lines = [(table, row, line) for table, rows in published.items() for row, line in rows.items()]
    assert len(lines) > 30
    for table, row, line in lines:
        checked, source = line.pop("checked"), line.pop("source")
        line.pop("model", None)
        assert source in sources and line, (table, row)
        assert set(checked.values() if isinstance(checked, dict) else [checked]) <= set(checks), (table, row)
        for value in line.values():
            numbers = list(value.values()) if isinstance(value, dict) else [value]
            assert all(isinstance(number, int | float) for number in numbers), (table, row)


def test_a_long_title_keeps_its_scale_on_a_line_of_its_own():
    about = f"ACLW French (stand-in: {', '.join(f'manpages-fr-{n}' for n in range(5))});"
    *lines, scale = title_lines(f"{about} scale: cpu").split("\n")
    assert " ".join(lines) == about and scale == "scale: cpu"
    assert 1 < len(lines) == len([line for line in lines if len(line) <= 80])
    assert title_lines("short $; scale: cpu") == r"short \$; scale: cpu"
