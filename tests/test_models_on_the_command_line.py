"""`lightrnn export`, `score` and `generate`, and `score` beside KenLM's own `query`."""

import io
import json
import re
import subprocess
import sys

import numpy as np
import pytest
from scripts import ROOT
from texts import lines_of

from lightrnn_gluon.checkpoint import load_arrays
from lightrnn_gluon.ngram import estimate, find_tool
from lightrnn_gluon.runtime.scorer import Model


@pytest.fixture
def given(monkeypatch):
    """Gives the command line something to read."""

    def give(content):
        content = content if isinstance(content, bytes) else content.encode()
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))

    return give


LINE = re.compile(r"(?:[^\t]+=\d+ \d+ -?[\d.e-]+\t)+Total: -[\d.e-]+ OOV: \d+")


def test_scores_are_printed_as_query_prints_them(exported, tmp_path, call, given):
    folder, corpus = exported
    text = "".join(f"{line}\n" for line in ["w0 w3 no-such-word", "", *lines_of(corpus)])
    given(text)
    status, output, _ = call(["score", str(folder / "model")])
    assert status == 0
    estimate(corpus.ids("train"), corpus.vocabulary, 2, tmp_path / "kn.bin")
    query = [find_tool("query"), tmp_path / "kn.bin"]
    theirs = subprocess.run(query, input=text, capture_output=True, text=True).stdout.splitlines()
    ours = output.splitlines()
    assert len(ours) == len(theirs)
    for one, other in zip(ours[:-4], theirs[:-4], strict=True):
        assert LINE.fullmatch(one) and LINE.fullmatch(other)
        words = [[cell.rpartition("=")[0] for cell in line.split("\t")[:-1]] for line in (one, other)]
        assert words[0] == [*words[1][:-1], "</S>"]
    assert [line.split("\t")[0] for line in ours[-4:]] == [line.split("\t")[0] for line in theirs[-4:]]
    assert ours[-1] == theirs[-1]  # as many tokens
    model = Model(folder / "model")
    logs = [float(line.split("Total: ")[1].split()[0]) for line in ours[:-4]]
    expected = [model.score(line) for line in text.splitlines()]
    np.testing.assert_allclose(logs, expected, atol=1e-4)
    perplexity = float(ours[-4].split("\t")[1])
    assert perplexity == pytest.approx(10 ** (-sum(expected) / int(ours[-1].split("\t")[1])), rel=1e-5)
    assert "no-such-word=0 4 " in ours[0] and ours[0].endswith(" OOV: 1")


def test_a_run_directory_scores_as_its_file(exported, call, given):
    outputs = []
    for model in ("net", "model"):
        given("w0 w3\nw1\n")
        status, output, _ = call(["score", str(exported[0] / model), "--json", "--batch-size", "1"])
        assert status == 0
        outputs.append([json.loads(line) for line in output.splitlines()])
    assert outputs[0] == outputs[1]
    assert [word for word, _ in outputs[0][0]["words"]] == ["w0", "w3", "</S>"]


def test_a_file_evaluates_as_its_run(exported, call):
    found = []
    for model in ("net", "model"):
        text = str(exported[0] / "data" / "test.txt")
        status, output, _ = call(["evaluate", str(exported[0] / model), "--text", text, "--json"])
        assert status == 0
        found.append(json.loads(output))
    of_run, of_file = found
    assert of_run.keys() == of_file.keys()
    for key, value in of_run.items():
        assert of_file[key] == pytest.approx(value, rel=1e-4)
    assert of_file["tokens"] == len(exported[1].ids("test"))


def test_whoever_reads_may_have_enough(exported):
    program = [sys.executable, "-c", "from lightrnn_gluon.cli import main; main()"]
    process = subprocess.Popen(
        [*program, "score", exported[0] / "model", "--batch-size", "1"],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    process.stdin.write("w0\n")
    process.stdin.flush()
    assert process.stdout.readline().startswith("w0=")
    process.stdout.close()
    _, errors = process.communicate("w1 w2\n" * 1000)
    assert (process.returncode, errors) == (1, "")


def test_sentences_are_drawn_by_the_model(exported, call):
    command = ["generate", str(exported[0] / "model"), "--sentences", "400", "--words", "1"]
    status, output, _ = call(command)
    assert status == 0 and call(command)[1] == output
    model, words = Model(exported[0] / "model"), output.splitlines()
    assert len(words) == 400
    drawn = {word: words.count(word) / 400 for word in set(words)}
    chances = {word: 10 ** model.score(word, eos=False) for word in drawn if word}
    excluded = 1 - 10 ** model.score("no-such-word", eos=False)  # and <S>, which is never predicted
    for word, chance in chances.items():
        assert drawn[word] == pytest.approx(chance / excluded, abs=0.08)
    status, output, _ = call([*command[:2], "--begin", "w1 w2", "--seed", "3"])
    assert output.startswith("w1 w2")


def test_neighbours_are_the_words_read_alike(exported, call):
    command = ["neighbours", str(exported[0] / "model"), "w3", "--number", "4"]
    status, output, _ = call([*command, "--json"])
    found, arrays = json.loads(output), load_arrays(exported[0] / "model")[0]
    assert status == 0 and len(found) == 4
    vectors = np.hstack(
        [arrays["input.rows"][arrays["row_of"]], arrays["codes"][arrays["code_of"]].sum(axis=1)]
    )
    words = exported[1].vocabulary.words
    own = vectors[words.index("w3")]
    cosines = vectors @ own / (np.linalg.norm(vectors, axis=1) * np.linalg.norm(own))
    best = [place for place in np.argsort(-cosines, kind="stable") if words[place] != "w3"][:4]
    assert [word for word, _ in found] == [words[place] for place in best]
    np.testing.assert_allclose([cosine for _, cosine in found], cosines[best], atol=1e-5)
    assert call(command)[1].splitlines()[0] == f"{found[0][1]:.4f} {found[0][0]}"


def test_the_doctor_says_what_is_there_and_what_is_not(call, monkeypatch):
    status, output, _ = call(["doctor"])
    assert "  MXNet: 1.9.1 for CPU\n" in output and "  KenLM's lmplz: /" in output
    found = {line["name"]: line for line in json.loads(call(["doctor", "--json"])[1])}
    assert all(line["mend"] == "" for line in found.values()) == (status == 0)
    monkeypatch.setattr("lightrnn_gluon.doctor.shutil.which", lambda *_, **__: None)
    monkeypatch.setitem(sys.modules, "mxnet", None)
    status, output, _ = call(["doctor"])
    assert status == 1
    assert re.search(r"! MXNet: cannot be imported \(.*\) -- run bash reproduce/setup\.sh\n", output)
    assert "! KenLM's query: missing -- run bash reproduce/kenlm.sh" in output


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["score", "nowhere"], "cannot read nowhere"),
        (["score", "net.yaml"], r"net\.yaml is damaged"),
        (["export", "net", "file", "--precision", "int4"], "precision 'int4' is none of"),
        (["export", "data", "file"], "data holds no finished run"),
        (["export", "net", "net.yaml/file"], "cannot write"),
        (["generate", "nowhere"], "cannot read nowhere"),
        (["neighbours", "model", "no-such-word"], "'no-such-word' is not in the vocabulary of model"),
    ],
)
def test_mistakes_are_one_line(exported, call, given, monkeypatch, arguments, complaint):
    monkeypatch.chdir(exported[0])
    given("w0\n")
    status, output, errors = call(arguments)
    assert (status, output) == (2, "")
    assert re.fullmatch(f"lightrnn: .*{complaint}[^\n]*\n", errors)


def test_what_needs_mxnet_says_so_without_it(exported):
    program = (
        "import sys; sys.modules.update(dict.fromkeys(['mxnet', 'yaml'])); "
        "from lightrnn_gluon.cli import main; main()"
    )
    command = [sys.executable, "-c", program, "score", exported[0] / "net"]
    done = subprocess.run(command, cwd=ROOT, input="w0", capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch("lightrnn: (yaml|mxnet) is not installed, [^\n]+\n", done.stderr)
    command[-1] = exported[0] / "model"
    done = subprocess.run(command, cwd=ROOT, input="w0", capture_output=True, text=True, check=True)
    assert done.stdout.startswith("w0=")


def test_a_line_that_is_no_text_is_named(exported, call, given):
    given(b"w0\n\xff\n")
    status, _, errors = call(["score", str(exported[0] / "model"), "--batch-size", "1"])
    assert status == 2 and errors == "lightrnn: line 2 is not UTF-8: convert it, for example with iconv\n"
