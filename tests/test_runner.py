"""The scripts' plans: which rows there are at which scale, in which order, of which size."""

import re
import subprocess
from collections import Counter
from pathlib import Path

import pytest
from scripts import CONFIGS, ROOT, call, experiments, plan, read_table, runner

from lightrnn_gluon.config import InterpolationConfig, NetworkConfig, NgramConfig
from lightrnn_gluon.errors import UserError
from lightrnn_gluon.report.published import load_published

EXPERIMENTS = ["billionw", "aclw", "ptb"]
SCALES = ["tiny", "cpu", "paper"]
TEXT = experiments.Size("Text", 1_000_000, 10_000)
CPU = plan.Machine(gpu=False, slots=2)


def rows(experiment, scale="cpu"):
    return {row.name: row for row in plan.read_rows(experiment, runner.scale_file(experiment, scale))}


def jobs(chosen, size=TEXT, machine=CPU):
    part = plan.Part(Path("nowhere"), "", None, chosen, size, corpus=None)
    return plan.make_jobs([part], machine)


@pytest.mark.parametrize("experiment", EXPERIMENTS)
@pytest.mark.parametrize("scale", SCALES)
def test_every_row_can_be_made_at_every_scale(experiment, scale):
    found = rows(experiment, scale)
    assert set(found) == {path.stem for path in (CONFIGS / experiment).rglob("*.yaml")} - {"base", "corpus"}
    assert max(Counter(row.config.system for row in found.values()).values()) == 1
    for job in jobs(list(found.values())):  # builds each network, at the vocabulary of TEXT
        config = job.row.config
        if isinstance(config, InterpolationConfig):
            systems = [found[member].config.system for member in config.members]
            assert "+".join(systems) == config.system
        _, _, size = config.system.partition("(H=")
        assert not size or int(size.rstrip(")")) == config.hidden, "a name that is not true at this scale"


def test_every_network_of_the_benchmarks_of_english_has_an_ensemble():
    for experiment in ("billionw", "ptb"):
        found = rows(experiment)
        networks = [name for name, row in found.items() if isinstance(row.config, NetworkConfig)]
        assert {f"kn+{name}" for name in networks} == {n for n in found if n.startswith("kn+")}
        assert len(networks) == {"billionw": 9, "ptb": 4}[experiment]


def test_only_french_has_lightrnn_at_three_sizes():
    found = rows("aclw")
    assert {name for name in found if found[name].is_of("es")} == {
        "kn", "hsm", "c-hsm", "lightrnn", "lightrnn+"
    }  # fmt: skip
    assert set(found) - {name for name in found if found[name].is_of("de")} == {
        "lightrnn-h600", "lightrnn-h200"
    }  # fmt: skip
    assert all(row.is_of("fr") for row in found.values())
    sizes = [rows("aclw", "paper")[name].config.hidden for name in rows("aclw") if "lightrnn" in name]
    assert sorted(sizes) == [200, 600, 1000, 1000]


def test_the_languages_and_penn_treebank_are_read_as_streams_billionw_by_sentences():
    for experiment, kind in [("billionw", "sentences"), ("aclw", "streams"), ("ptb", "streams")]:
        for scale in SCALES:
            configs = [row.config for row in rows(experiment, scale).values()]
            assert {c.sampler.kind for c in configs if isinstance(c, NetworkConfig)} == {kind}


def test_a_row_is_expanded_over_values():
    found = rows("billionw")
    expanded = plan.expand(
        [found["kn"], found["lightrnn"], found["kn+lightrnn"], found["hsm"]],
        {"seed": [1, 2], "learning_rate": [0.001, 0.01]},
        runner.scale_file("billionw", "cpu"),
    )
    assert [row.name for row in expanded] == [
        f"{name}-{seed}-{rate}" for name in ("lightrnn", "hsm") for seed in (1, 2) for rate in (0.001, 0.01)
    ]
    assert expanded[2].settings == ("seed=2", "learning_rate=0.001")
    assert (expanded[2].config.seed, expanded[2].config.learning_rate) == (2, 0.001)
    assert expanded[2].config.hidden == found["lightrnn"].config.hidden
    assert plan.select(expanded, "hsm") == plan.select(expanded, "HSM") == expanded[4:]
    assert plan.select(expanded, "hsm-2-0.01") == expanded[7:]
    with pytest.raises(UserError, match=r"--only nothing: the rows are lightrnn-1-0\.001"):
        plan.select(expanded, "nothing")


def test_the_longest_first_side_by_side_the_shortest_first_one_by_one():
    every = jobs(list(rows("billionw").values()))
    trained, interpolated = plan.phases(every, slots=2)
    assert {type(job.row.config) for job in interpolated} == {InterpolationConfig}
    assert {type(job.row.config) for job in trained} == {NetworkConfig, NgramConfig}
    seconds = [job.seconds for job in trained]
    assert seconds == sorted(seconds, reverse=True) and seconds[0] > 10 * seconds[-1]
    assert [job.seconds for job in plan.phases(every, slots=1)[0]] == sorted(seconds)


def test_estimates_grow_with_the_work():
    (base,) = jobs([rows("billionw")["full-softmax"]])
    (longer,) = jobs([rows("billionw")["full-softmax"]], experiments.Size("Text", 2_000_000, 10_000))
    (wider,) = jobs([rows("billionw")["full-softmax"]], experiments.Size("Text", 1_000_000, 100_000))
    (faster,) = jobs([rows("billionw")["full-softmax"]], machine=plan.Machine(gpu=True, slots=1))
    start = jobs([rows("billionw")["kn"]])[0].seconds
    assert longer.seconds - start == pytest.approx(2 * (base.seconds - start))
    assert wider.seconds > 8 * base.seconds
    assert faster.seconds < base.seconds / 10


def test_penn_treebank_need_not_be_there_for_its_plan_at_the_papers_scale(tmp_path, capsys):
    assert call(runner.main, "ptb", "--scale", "paper", "--dry-run", "--out", tmp_path / "out") == 0
    printed = capsys.readouterr().out
    assert "Penn Treebank, published sizes, 929,000 training tokens, 10,000 words" in printed
    # 2 x 200: two embeddings and a bias a word; a layer's 4 gates read 2 x 200 numbers, with 2 biases.
    count = 2 * 10_000 * 200 + 10_000 + 2 * (4 * 200 * 400 + 2 * 4 * 200)
    assert re.search(rf"Full softmax +{count:,} parameters", printed)
    assert not (tmp_path / "out").exists()


def test_one_of_several_texts_can_be_chosen(tmp_path, capsys):
    planned = "--scale", "paper", "--dry-run", "--out", tmp_path / "out"
    assert call(runner.main, "aclw", *planned, "--text", "fr") == 0
    printed = capsys.readouterr().out
    assert re.findall("^rows of (.*):$", printed, re.MULTILINE) == ["fr"]
    assert call(runner.main, "aclw", *planned, "--text", "it") == 2
    assert "--text it: the experiment has es, fr, en, cs, de, ru" in capsys.readouterr().err
    assert call(runner.main, "ptb", *planned, "--text", "fr") == 2
    assert "--text fr: the experiment has one text alone" in capsys.readouterr().err


def test_the_languages_have_the_published_sizes_at_the_papers_scale(tmp_path, capsys):
    assert call(runner.main, "aclw", "--scale", "paper", "--dry-run", "--out", tmp_path / "out") == 0
    assert not (tmp_path / "out").exists()
    counts, language = {}, None
    for line in capsys.readouterr().out.splitlines():
        if line.startswith("rows of "):
            language = line.removeprefix("rows of ").rstrip(":")
        elif " parameters (" in line:
            system, count = line.partition(" parameters (")[0].rsplit(maxsplit=1)
            counts[language, system.strip()] = int(count.replace(",", ""))
    published = load_published()["table4"]
    for system in ("HSM", "C-HSM", "LightRNN"):
        for code, parameters in published[system]["parameters"].items():
            # Its vocabularies are rounded to thousands: German C-HSM comes to 104.6M.
            assert counts[code, system] == pytest.approx(parameters, abs=0.7e6)
    for system, row in [("LightRNN (H=600)", "lightrnn-h600"), ("LightRNN (H=200)", "lightrnn-h200")]:
        parameters = load_published()["table2"][row]["parameters"]
        assert counts["fr", system] == pytest.approx(parameters, rel=0.06)


def test_the_first_failure_ends_all(monkeypatch, tmp_path):
    started = []

    def start(job, *_):
        started.append(subprocess.Popen(["false" if job.row.name == "hsm" else "sleep", "100"]))
        return started[-1]

    monkeypatch.setattr(runner, "_start", start)
    chosen = [rows("billionw")[name] for name in ("lightrnn", "hsm", "full-softmax")]
    with pytest.raises(SystemExit) as stopped:
        runner._train(jobs(chosen), CPU)
    assert stopped.value.code == 1
    assert len(started) == 2 and started[0].returncode < 0, "one is ended, the third is never started"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["billionw", "--only", "nothing"], "--only nothing: the rows are adaptive-softmax"),
        (["billionw", "--data", "nowhere"], "nowhere is not there"),
        (["billionw", "--scale", "huge"], "'huge' is not one of"),
        (["bilionw"], "'bilionw' is not one of"),
        (["ptb", "--scale", "cpu"], "Penn Treebank has to be handed in.*--data"),
        (["ptb", "--data", "nowhere"], "nowhere has no train.txt"),
        (["aclw", "--data", "nowhere"], "nowhere has no folder of a language: .*es, fr, en, cs, de, ru"),
        (["aclw", "--only", "full-softmax"], "the rows are c-hsm, hsm, kn, lightrnn"),
    ],
)
def test_a_mistake_is_one_line(arguments, complaint, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    for name in EXPERIMENTS:
        monkeypatch.delenv(f"{name.upper()}_DIR", raising=False)
    assert call(runner.main, *arguments, "--out", "out") == 2
    errors = capfd.readouterr().err
    assert errors.count("\n") == 1 and re.search(complaint, errors)
    assert not list(tmp_path.iterdir())


def test_each_network_has_the_best_rate_of_the_committed_search():
    path = ROOT / "results" / "search" / "billionw" / "search.csv"
    best = {line["row"]: float(line["learning_rate"]) for line in read_table(path) if line["best"] == "yes"}
    rates = {name: row.config.learning_rate for name, row in rows("billionw").items() if name in best}
    assert rates == best
