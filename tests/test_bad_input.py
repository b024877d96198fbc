"""Mistakes at the real command line: exit status 2, one line on stderr, nothing spoiled or half-written."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import mxnet as mx
import pytest
from mistakes import CASES, KN, MIX, NETWORK, PREPARE, TRAIN, write_config
from texts import make_corpus, random_sentences, snapshot

from lightrnn_gluon.config import load_row
from lightrnn_gluon.rows import train_row

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder of text, two corpora of equal counts but other words, and finished rows of every kind."""
    folder = tmp_path_factory.mktemp("trained")
    corpus = make_corpus(folder / "data")
    shutil.move(folder / "data" / "corpus", folder / "corpus")
    corpus.directory = folder / "corpus"
    renamed = [[f"{word}x" for word in sentence] for sentence in random_sentences(20, seed=0)]
    other = make_corpus(folder / "other", train=renamed, valid=renamed, test=renamed)
    same_size = make_corpus(folder / "twin", test=random_sentences(20, seed=2)[::-1])
    assert same_size.facts["test"]["tokens"] == corpus.facts["test"]["tokens"]
    for name, values, text in [
        ("kn", KN, corpus),
        ("net", NETWORK, corpus),
        ("mix", MIX, corpus),
        ("elsewhere", NETWORK, other),
        ("twin", {**NETWORK, "seed": 2}, same_size),
    ]:
        row = load_row(write_config(folder / "configs" / f"{name}.yaml", values))
        assert train_row(row, text, folder / "runs" / name, "tiny")
    (folder / "runs" / "unfinished").mkdir()
    shutil.copy(folder / "runs" / "net" / "config.yaml", folder / "runs" / "unfinished")
    return folder


@pytest.fixture
def folder(trained, tmp_path, monkeypatch):
    """A copy of the trained folder, the one in which the command is given."""
    shutil.copytree(trained, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


AS_A_PROGRAM = [
    "no valid.txt",
    "bad UTF-8 in training",
    "prepared below a file",
    "unknown key",
    "unknown optimizer",
    "unfinished run",
    "size of how many words",
]


def start(arguments):
    """The command line as a process of its own: exit status, stdout, stderr."""
    command = [sys.executable, "-c", "from lightrnn_gluon.cli import main; main()", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": ""}
    result = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    return result.returncode, result.stdout, result.stderr


def check(case, folder, command):
    """Give the command after the mistake is arranged; all that must hold whatever the mistake is."""
    arrange, line, complaint = CASES[case]
    arrange(folder)
    before = snapshot(folder)
    status, output, errors = command(line.split())
    assert "Traceback" not in output + errors
    assert re.fullmatch("lightrnn: [^\n]+\n", errors), errors
    assert re.search(complaint, errors)
    assert status == 2
    after = snapshot(folder)
    assert {path: after.get(path) for path in before} == before, "a file has been changed"
    new = {path.name for path in after.keys() - before.keys()}
    assert not [name for name in new if name.endswith(".tmp") or name.startswith(".")]
    assert not new & {"corpus.json", "metrics.json"}, "what failed passes for finished"


@pytest.mark.parametrize("case", CASES)
def test_mistake_is_one_line_and_spoils_nothing(case, folder, call):
    check(case, folder, call)


@pytest.mark.parametrize("case", AS_A_PROGRAM)
def test_mistake_is_one_line_of_the_program_too(case, folder):
    check(case, folder, start)


@pytest.mark.parametrize("words", ["cudaMalloc retry failed: out of memory", "Failed to allocate CPU Memory"])
def test_running_out_of_memory_is_one_line(folder, call, monkeypatch, words):
    def train_row(*arguments):
        raise mx.base.MXNetError(f"[12:00:00] storage.cc:1: Check failed: {words}\nStack trace:")

    monkeypatch.setattr("lightrnn_gluon.rows.train_row", train_row)
    shutil.copy(folder / "configs" / "net.yaml", folder / "row.yaml")
    status, _, errors = call(TRAIN.split())
    assert status == 2 and re.fullmatch("lightrnn: out of memory[^\n]+\n", errors)


@pytest.mark.parametrize("name", ["kn", "net", "mix"])
def test_without_a_mistake_the_same_commands_succeed(name, folder, call):
    shutil.copy(folder / "configs" / f"{name}.yaml", folder / "row.yaml")
    for line in (
        f"evaluate runs/{name} --text data/test.txt",
        TRAIN.replace("runs/new", f"runs/{name}"),
        PREPARE,
    ):
        status, output, errors = call(line.split())
        assert (status, errors) == (0, "")
        assert output
