"""What the documentation says can be done, is done: its Python runs, its links lead somewhere."""

import re
import shutil
import subprocess
import sys

import mxnet as mx
import numpy as np
import pytest
from scripts import ROOT, call, embed, paste

from lightrnn_gluon.export import export
from lightrnn_gluon.runtime.scorer import Model

PAGES = sorted([*ROOT.glob("docs/*.md"), ROOT / "README.md", ROOT / "SECURITY.md"])


def headings(path):
    """What a link can name after the hash: headings as GitHub has them."""
    lines = re.findall(r"^#+ (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", line.lower()).replace(" ", "-") for line in lines}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)]+)\)", page.read_text(encoding="utf-8")):
        if re.match("https?:", target):
            continue
        name, _, heading = target.partition("#")
        path = (page.parent / name).resolve() if name else page
        assert path.exists(), target
        assert not heading or heading in headings(path), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_and_commands_that_are_named_are_there(page):
    text = page.read_text(encoding="utf-8")
    for name in re.findall(r"\b(?:reproduce|tests|lightrnn_gluon)/[\w/.+-]+\.(?:py|sh|yaml|txt)\b", text):
        assert (ROOT / name).is_file(), name


def code_of(page):
    return re.findall(r"```python\n(.*?)```", (ROOT / "docs" / page).read_text(encoding="utf-8"), re.DOTALL)


def test_scoring_is_as_the_page_says(exported, tmp_path, monkeypatch, capsys):
    (tmp_path / "my").mkdir()
    shutil.copy(exported[0] / "model", tmp_path / "my" / "model")
    monkeypatch.chdir(tmp_path)
    export(exported[0] / "net", tmp_path / "my" / "model.onnx", "float32")
    model, (scoring, in_onnx, rescoring) = Model("my/model"), code_of("scoring.md")
    exec(scoring, {})
    lines = capsys.readouterr().out.splitlines()
    assert float(lines[0]) == pytest.approx(model.score("w0 w3 w1"))
    assert [line.split()[1:] for line in lines[1:4]] == [["None", oov] for oov in ("False", "True", "False")]
    assert lines[4].endswith(" True") and len(lines) == 7
    exec(in_onnx, {})
    assert float(capsys.readouterr().out) == pytest.approx(model.score("w0 w3 w1"), abs=1e-4)
    exec(rescoring, {})
    without, chosen = capsys.readouterr().out.strip().split(" | ")
    sums = {
        text: own + model.score(text)
        for text, own in [("w0 w3 w1", -4.1), ("w0 w59 w58", -3.9), ("w1 w0", -5.0)]
    }
    assert (without, chosen) == ("w0 w59 w58", max(sums, key=sums.get))


def test_the_tutorial_s_commands_do_what_it_says(tmp_path):
    """All of them, on a text of our own, for an epoch or two; another environment is made elsewhere."""
    text, number = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8"), np.random.RandomState(0)
    first, *more = paste.commands(text)
    assert first.endswith("my/speeches.txt")
    words = [
        *re.findall(r"\S+", "we will work with the Congress . My fellow Americans"),
        *map(str, range(30)),
    ]
    lines = [" ".join(number.choice(words, 8)) for _ in range(1200)]
    (tmp_path / "my").mkdir()
    (tmp_path / "my" / "speeches.txt").write_text("\n".join(lines))
    (tmp_path / ".venv").symlink_to(sys.prefix)
    small = " --set hidden=8 --set epochs=2 --set rounds_after=[1]"
    here = [each + small * (" train " in each) for each in more if "elsewhere" not in each]
    assert len(here) == len(more) - 3
    done = subprocess.run(["bash", "-ec", "\n".join(here)], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    # Generated sentences begin with it; a line of the table may have the two words side by side.
    assert "Congress=" in done.stdout and len(re.findall("^My fellow", done.stdout, re.MULTILINE)) == 3
    assert {"corpus", "run", "model", "table.html"} <= {path.name for path in (tmp_path / "my").iterdir()}


def test_outputs_are_put_beneath_their_commands(tmp_path, capsys):
    page = tmp_path / "page.md"
    page.write_text("Text\n```console\n$ echo one | cat\nold\n$ echo two >&2\n```\n```python\n$ no\n```\n")
    assert call(paste.main, page) == 0
    blocks = "```console\n$ echo one | cat\none\n[0 s]\n$ echo two >&2\ntwo\n[0 s]\n```\n"
    assert page.read_text() == f"Text\n{blocks}```python\n$ no\n```\n"
    page.write_text("```console\n$ echo one\n$ false | true\n```\n")
    assert call(paste.main, page) == 2
    assert "old" not in page.read_text() and "[0 s]" not in page.read_text()
    assert "status 1" in capsys.readouterr().err


RESULTS = """# Results

| System | Text | Perplexity | Size |
| :-- | :-- | --: | --: |
| KN | a\\|b | 9.0 | 1M |
| Net | a\\|b | 7.0 | 2M |
| Net | c | 8.0 |  |
"""


@pytest.mark.parametrize(
    "wish, table",
    [
        (
            "lines: {Net: ours, KN: theirs}\nacross: Text\ncell: '{Perplexity} ({Size})'\n"
            "columns: {'a\\|b': one, c: other}",
            "|  | one | other |\n| --- | --- | --- |\n"
            "| ours | 7.0 (2M) | 8.0 () |\n| theirs | 9.0 (1M) |  |\n",
        ),
        (
            "lines: [KN]\ncolumns: [Size, Text]",
            "|  | Size | Text |\n| --- | --- | --- |\n| KN | 1M | a\\|b |\n",
        ),
        (
            "name: '{System}, {Text}'\ncolumns: {Perplexity: what}",
            "|  | what |\n| --- | --- |\n| KN, a\\|b | 9.0 |\n| Net, a\\|b | 7.0 |\n| Net, c | 8.0 |\n",
        ),
    ],
)
def test_a_page_gets_the_figures_that_it_asks_for(wish, table):
    page = f"Text\n\n<!-- table\nfile: results\n{wish}\n-->\n%sMore | text\n"
    done = page % table
    for before in (page % "", page % "| old |\n|---|\n| 1 |\n", done):
        assert embed.embedded(before, {"results": RESULTS}.__getitem__) == done


@pytest.mark.parametrize(
    "wish",
    ["columns: [Speed]", "columns: [Size]\nlines: [HSM]", "across: Text\ncell: '{Size}'\ncolumns: [d]"],
)
def test_a_figure_that_is_not_there_is_named(wish, tmp_path, capsys):
    path, results = tmp_path / "page.md", tmp_path / "results.md"
    results.write_text(RESULTS)
    path.write_text(f"<!-- table\nfile: {results}\n{wish}\n-->\n")
    before = path.read_text()
    assert call(embed.main, path) == 2
    assert "there is no " in capsys.readouterr().err and path.read_text() == before


def committed(name):
    """A file as the last commit has it: results that were made again since then are not in the pages yet."""
    command = ["git", "-C", str(ROOT), "show", f"HEAD:{name}"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_pages_show_the_results_that_are_committed_with_them():
    pages = [committed(page.relative_to(ROOT)) for page in PAGES]
    assert sum("<!-- table" in page for page in pages) >= 4
    for page in pages:
        assert embed.embedded(page, committed) == page


def test_an_output_layer_is_added_as_the_page_says():
    (code,), names = code_of("output-layers.md"), {}
    exec(code, names)
    net = names["Small"](9, 4, 1, 0.0)
    net.initialize_from(1, mx.cpu())
    words = mx.nd.array(np.arange(9), dtype="int32")
    # Whatever has been read, the probabilities of all nine words sum to one.
    nll, *_ = net(mx.nd.zeros((1, 9), dtype="int32"), words.expand_dims(0), *net.begin(words))
    assert float(nll.exp().__rtruediv__(1).sum().asscalar()) == pytest.approx(1, abs=1e-5)
    assert net.parameter_parts() == {"input": 9 * 4, "lstm": 4 * 4 * (4 + 4 + 2), "output": 9 * 4}
