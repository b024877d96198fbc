"""Tables 1 to 4 of several languages, and Penn Treebank's, from synthetic run folders."""

import csv

import pytest
from report_runs import (
    CURVE,
    SYSTEMS,
    add_corpus,
    add_languages,
    add_lightrnn,
    add_model,
    add_network,
    add_paper,
    add_run,
    by_system,
    read_csv,
    read_markdown,
)

from lightrnn_gluon.config import NgramConfig
from lightrnn_gluon.errors import UserError
from lightrnn_gluon.files import write_array
from lightrnn_gluon.refinement import table_path
from lightrnn_gluon.report import render
from lightrnn_gluon.report.experiments import read_results
from lightrnn_gluon.report.finished import read_runs
from lightrnn_gluon.report.languages import table2, table4
from lightrnn_gluon.report.published import load_published
from lightrnn_gluon.report.tables import table5
from lightrnn_gluon.table import WordTable


@pytest.fixture(scope="module")
def languages(tmp_path_factory):
    out = tmp_path_factory.mktemp("languages")
    add_languages(out)
    return out, render(out)


def test_languages_have_tables_1_to_4_and_pictures_of_their_own(languages):
    out, report = languages
    tables = [f"table{n}.{end}" for n in (1, 2, 3, 4) for end in ("csv", "md")]
    assert [str(path.relative_to(out)) for path in report.paths] == [
        *tables,
        *(f"{code}/{name}" for code in ("fr", "cs", "ru")
          for name in ("rounds.png", "times.png", "sizes.png", "rounds.csv")),
    ]  # fmt: skip
    assert all((out / name).read_text() in report.tables for name in tables if name.endswith(".md"))
    assert any(f"no network among the rows: no rounds.png, times.png and sizes.png in {out / 'es'}" in note
               for note in report.notes)  # fmt: skip


def test_each_title_names_stand_ins_and_scale(languages):
    out, _ = languages
    for number in (1, 3, 4):
        text = (out / f"table{number}.md").read_text()
        assert text.splitlines()[0].endswith("(stand-in corpora in es, fr, cs, ru; scale: cpu)")
        assert "NOT comparable" in text and "ACLW" in text
        assert "Spanish (stand-in: manpages-es, fortunes-es)" in text
    title = (out / "table2.md").read_text().splitlines()[0]
    assert title.endswith("(French (stand-in: manpages-fr, fortunes-fr); scale: cpu)")


def test_table1_has_a_line_a_language(languages):
    lines = read_csv(languages[0] / "table1.csv")
    published = {
        "es": ("56000000", "152000"), "fr": ("57000000", "137000"),
        "cs": ("17000000", "206000"), "ru": ("25000000", "497000"),
    }  # fmt: skip
    assert [line["language"] for line in lines] == list(published)
    for number, line in enumerate(lines):
        assert (line["published_tokens"], line["published_vocabulary"]) == published[line["language"]]
        assert f"(stand-in: manpages-{line['language']}, " in line["corpus"]
        assert line["unknown_share_percent"] == str(round(100 * 200 / (8000 + number), 4))


def test_table2_is_lightrnn_on_french_by_size(languages):
    assert read_csv(languages[0] / "table2.csv") == [
        {"system": "LightRNN", "embedding_size": "200", "test_perplexity": "120.5", "parameters": "384000",
         "published_embedding_size": "1000", "published_perplexity": "176",
         "published_parameters": "17000000"},
        {"system": "LightRNN (H=600)", "embedding_size": "60", "test_perplexity": "100.1235",
         "parameters": "600000", "published_embedding_size": "600", "published_perplexity": "208",
         "published_parameters": "7000000"},
        {"system": "LightRNN (H=200)", "embedding_size": "20", "test_perplexity": "100.1235",
         "parameters": "200000", "published_embedding_size": "200", "published_perplexity": "340",
         "published_parameters": "900000"},
    ]  # fmt: skip
    _, _, first, *_ = read_markdown(languages[0] / "table2.md")
    assert first[-2:] == ["176?", "17M"]  # recalled, and by arithmetic


def test_table3_has_a_line_a_language_and_network(languages):
    lines = {(line["language"], line["system"]): line for line in read_csv(languages[0] / "table3.csv")}
    assert list(lines) == [
        ("fr", "HSM"), ("fr", "LightRNN"), ("fr", "LightRNN (H=200)"), ("fr", "LightRNN (H=600)"),
        ("cs", "LightRNN"), ("ru", "HSM"), ("ru", "LightRNN"),
    ]  # fmt: skip
    line = lines["cs", "LightRNN"]
    assert (line["train_seconds"], line["reallocation_seconds"], line["words_per_second"]) == (
        "65.0", "9.0", "9876.5"
    )  # fmt: skip
    assert (line["published_train_hours"], line["published_reallocation_percent"]) == ("82", "0.19")
    assert lines["fr", "HSM"]["valid_perplexity_at_equal_time"] == "140.0"
    assert lines["fr", "LightRNN (H=200)"]["valid_perplexity_at_equal_time"] == ""
    assert {line["equal_time_seconds"] for line in lines.values()} == {"65.0"}


def test_table4_has_a_line_a_system_and_four_columns_a_language(languages):
    with (languages[0] / "table4.csv").open(encoding="utf-8") as stream:
        head = next(csv.reader(stream))
    assert head == ["system"] + [
        f"{code}_{what}" for code in ("es", "fr", "cs", "ru")
        for what in ("test_perplexity", "published_perplexity", "parameters", "published_parameters")
    ]  # fmt: skip
    rows = by_system(languages[0], "table4")
    assert list(rows) == ["KN", "HSM", "LightRNN", "LightRNN (H=200)", "LightRNN (H=600)"]

    def cells(system, code):
        return list(rows[system].values())[1 + head[1:].index(f"{code}_test_perplexity") :][:4]

    assert cells("KN", "es") == ["200.5", "219", "384000", ""]
    assert cells("KN", "ru") == ["203.5", "390", "384000", ""]
    assert cells("HSM", "fr") == ["100.1235", "202", "384000", "56000000"]
    assert cells("HSM", "cs") == cells("HSM", "es") == ["", "", "", ""]
    assert cells("LightRNN", "cs") == ["120.5", "558", "384000", "18000000"]
    assert cells("LightRNN (H=600)", "fr") == ["100.1235", "", "600000", ""]


def test_a_setting_names_the_language_that_differs(tmp_path):
    for code, seed in (("es", 1), ("fr", 1), ("de", 2)):
        add_network(tmp_path / code, "lightrnn", "LightRNN", [(1, 9, 90)], settings={"seed": seed},
                    name=code, corpus_sha256=code * 32)  # fmt: skip
    text = table4(read_results(tmp_path), load_published()).markdown()
    assert "seed: 1 (LightRNN de: 2)" in text and "H: 200;" in text
    assert text.splitlines()[0].endswith("(corpora in es, fr, de; scale: cpu)")


def test_integers_that_are_no_parameters_are_told_by_the_word(tmp_path):
    for code, size in (("es", 70), ("fr", 90)):
        split = {"sentences": 10, "tokens": 1000, "unknown": 1}
        corpus = {"name": code, "vocabulary": {"size": size}, "train": split, "valid": split, "test": split}
        facts = {"corpus_sha256": code * 32, "corpus": corpus}
        for system, integers in (("HSM", 0), ("LightRNN", 2), ("LightRNN+", 6)):
            add_network(tmp_path / code, system.lower(), system, [(1, 9, 90)],
                        table_integers=integers * size, **facts)  # fmt: skip
    text = table4(read_results(tmp_path), load_published()).markdown()
    assert "its codes: 2 (LightRNN+: 6) a word." in text


def test_the_paper_scale_compares_with_aclw_only_as_far_as_the_text_does(tmp_path):
    add_lightrnn(tmp_path / "fr", name="French (corpora)", scale="paper")
    text = table4(read_results(tmp_path), load_published()).markdown()
    assert "NOT comparable" not in text and "only where the text handed in is that very one" in text


def test_languages_at_different_scales_are_refused(tmp_path):
    add_run(tmp_path / "es", "kn", NgramConfig("KN"))
    add_run(tmp_path / "fr", "kn", NgramConfig("KN"), scale="tiny")
    with pytest.raises(UserError, match=r"different scales \(es \| fr\)"):
        render(tmp_path)


def test_one_corpus_comes_before_languages_and_unknown_folders_are_none(tmp_path):
    add_run(tmp_path / "xx", "kn", NgramConfig("KN"))
    with pytest.raises(UserError, match="no finished row"):
        render(tmp_path)
    add_run(tmp_path / "es", "kn", NgramConfig("KN"))
    assert [group.folder for group in read_results(tmp_path).groups] == ["es"]
    add_run(tmp_path, "kn", NgramConfig("KN"))
    assert [group.directory for group in read_results(tmp_path).groups] == [tmp_path]


def test_without_french_table2_is_empty(tmp_path):
    add_lightrnn(tmp_path / "cs")
    table = table2(read_results(tmp_path), load_published())
    assert table.records == [] and table.csv().startswith("system,embedding_size,")


@pytest.mark.parametrize("name, beside", [("Penn Treebank", "141.2"), ("Pen Treebank", "68")])
def test_penn_treebank_is_known_by_its_corpus(tmp_path, name, beside):
    add_run(tmp_path, "kn", NgramConfig("KN"), name=name, scale="paper")
    add_network(tmp_path, "full", "Full softmax", [(1, 40, 160)], name=name, scale="paper")
    report = render(tmp_path)
    names = [path.name for path in report.paths]
    is_ptb = name == "Penn Treebank"
    assert ("ptb.csv" in names, "table5.csv" in names) == (is_ptb, not is_ptb)
    rows = by_system(tmp_path, "ptb" if is_ptb else "table5")
    assert rows["KN"]["published_perplexity"] == beside
    assert rows["Full softmax"]["published_perplexity"] == ("114.5" if is_ptb else "")
    if is_ptb:
        text = (tmp_path / "ptb.md").read_text()
        assert "Full softmax: LSTM of 2 x 200, unregularised" in text and "NOT comparable" not in text


def test_all_rows_of_the_paper_fit_one_table(tmp_path):
    add_paper(tmp_path)
    table = table5(read_results(tmp_path), load_published())
    nets = ["HSM", "C-HSM", "B-RNN", "Adaptive softmax", "Full softmax", "Full softmax (tied)",
            "LightRNN (random table)", "LightRNN", "LightRNN (H=600)"]  # fmt: skip
    assert set(SYSTEMS) | {"LightRNN"} == set(nets)
    rows = {line["system"]: line for line in csv.DictReader(table.csv().splitlines())}
    assert list(rows) == ["KN", *nets, *(f"KN+{net}" for net in nets)]
    assert rows["B-RNN"]["valid_perplexity_at_equal_time"] == "113.1924"
    assert [rows[f"KN+{net}"]["published_perplexity"] for net in nets] == [
        "56", "", "47", "", "", "", "", "43", ""
    ]  # fmt: skip
    assert "H: 200 (C-HSM: 300);" in table.protocol and len(table.protocol) < 400


def test_only_the_training_perplexity_may_be_unknown(tmp_path):
    curve = add_lightrnn(tmp_path) / "curve.csv"
    curve.write_text(CURVE + "0.5,1,,99,0.1\n1,2,,88,0.1\n")
    (run,) = read_runs(tmp_path / "runs")
    assert run.curve["train_perplexity"].isna().all()
    assert run.curve["valid_perplexity"].tolist() == [99, 88]
    curve.write_text(CURVE + "1,,3,88,0.1\n")
    with pytest.raises(UserError, match=r"curve\.csv is damaged"):
        read_runs(tmp_path / "runs")


def test_word_tables_are_measured_where_models_and_corpus_are_there(tmp_path):
    corpus = add_corpus(tmp_path)
    by_ending = sorted(range(len(corpus.vocabulary)), key=lambda i: corpus.vocabulary.words[i][-2:])
    cells = [0] * len(by_ending)
    for cell, word in enumerate(by_ending):
        cells[word] = cell
    add_model(add_lightrnn(tmp_path, corpus_sha256=corpus.checksum), corpus.vocabulary, WordTable(cells))
    random = add_network(
        tmp_path, "random", "LightRNN (random table)", [(1, 9, 99)], table_integers=406,
        corpus_sha256=corpus.checksum,
    )  # fmt: skip
    (note,) = render(tmp_path).notes
    assert "coherence.csv is not made" in note and "no model.safetensors in random" in note
    add_model(random, corpus.vocabulary)
    assert render(tmp_path).notes == []
    lines = {(line["system"], line["axis"], line["labelling"]): line
             for line in read_csv(tmp_path / "coherence.csv")}  # fmt: skip
    own, control = (lines[system, "row", "suffix"] for system in ("LightRNN", "LightRNN (random table)"))
    assert float(own["adjusted"]) > 0.7 and float(own["effect_size"]) > 20
    assert abs(float(control["effect_size"])) < 4 and float(control["adjusted"]) < 0.1
    spelled = read_csv(tmp_path / "coherent_lines.csv")
    assert {line["system"] for line in spelled} == {"LightRNN"}  # the only one that was refined
    (best, *_) = [line for line in spelled if (line["axis"], line["labelling"]) == ("row", "suffix")]
    assert best["words"] and all(word.endswith(best["label"]) for word in best["words"].split())
    text = (tmp_path / "coherence.md").read_text()
    assert text.startswith("# Coherence of the word table (Talks (stand-in); scale: cpu)\n")
    assert "part of speech is left out: the English lexicon knows" in text


def test_word_tables_are_measured_after_each_round_where_they_are_kept(tmp_path):
    corpus = add_corpus(tmp_path)
    run = add_lightrnn(tmp_path, corpus_sha256=corpus.checksum)
    add_model(run, corpus.vocabulary)
    rounds = len(read_csv(run / "rounds.csv"))
    assert rounds == 2
    for number in range(rounds + 1):
        write_array(table_path(run, number), WordTable.random(len(corpus.vocabulary), number + 50).cells)
    render(tmp_path)
    lines = [line for line in read_csv(tmp_path / "coherence.csv") if line["labelling"] == "suffix"]
    times = ["start", "after round 1", "after round 2", "model"]
    assert [line["table"] for line in lines if line["axis"] == "row"] == times
    assert len({line["information_bits"] for line in lines}) == 2 * len(times)
    table_path(run, 1).write_bytes(b"no table")
    with pytest.raises(UserError, match=r"table-1\.npy is damaged"):
        render(tmp_path)


@pytest.mark.parametrize("change", ["gone", "other"])
def test_a_corpus_that_is_not_the_rows_leaves_the_measures(tmp_path, change):
    corpus = add_corpus(tmp_path)
    checksum = "0" * 64 if change == "other" else corpus.checksum
    add_model(add_lightrnn(tmp_path, corpus_sha256=checksum), corpus.vocabulary)
    if change == "gone":
        corpus.directory.rename(tmp_path / "elsewhere")
    (tmp_path / "coherence.csv").write_text("earlier")
    (note,) = render(tmp_path).notes
    assert "left as it is" in note and "not there, or not the rows' corpus" in note
    assert (tmp_path / "coherence.csv").read_text() == "earlier"
