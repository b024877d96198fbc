"""Several workers, as processes of this machine: as one with all of the batch, and none left hanging."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from scripts import ROOT, distributed, read_table
from texts import make_corpus, random_sentences

from lightrnn_gluon.checkpoint import load_arrays
from lightrnn_gluon.runs import load_figures

PROGRAM = str(ROOT / "reproduce" / "distributed.py")
ROW = """\
system: LightRNN+
model: lightrnn
options: {start: information, codes: 2, code_size: 2}
hidden: 16
layers: 1
dropout: 0.0
sampler: {kind: sentences, batch_size: 8, length: 8}
optimizer: adam
learning_rate: 0.01
clip: 1.0
epochs: 3
rounds_after: [1, 2]
refinement: {move: columns}
"""


@pytest.fixture
def folder(tmp_path):
    """A corpus, and a row to train on it; 301 sentences, so that the last batch is smaller."""
    make_corpus(tmp_path / "text", train=random_sentences(301, seed=6))
    (tmp_path / "row.yaml").write_text(ROW)
    return tmp_path


def arguments(folder, out, *settings):
    corpus = folder / "text" / "corpus"
    return [folder / "row.yaml", "--corpus", corpus, "--out", folder / out, *settings]


def start(*line, **options):
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, *map(str, line)],
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def finish(process):
    """Its exit status, and what it has printed."""
    output = process.communicate(timeout=120)
    return process.returncode, *output


def together(folder, workers, out, *settings):
    return start(PROGRAM, "-n", workers, *arguments(folder, out, *settings))


def model_of(folder, out):
    return load_arrays(folder / out / "model.safetensors")[0]


def test_two_workers_are_one_with_all_of_the_batch(folder):
    alone = start("-c", "from lightrnn_gluon.cli import main; main()", "train", *arguments(folder, "alone"))
    two = together(folder, 2, "two")
    for process in (alone, two):
        status, output, errors = finish(process)
        assert status == 0, errors
        assert "test perplexity" in output
    expected, found = model_of(folder, "alone"), model_of(folder, "two")
    assert expected.keys() == found.keys()
    for name, array in expected.items():
        np.testing.assert_allclose(found[name], array, atol=1e-4, err_msg=name)
    rounds = [read_table(folder / out / "rounds.csv") for out in ("alone", "two")]
    assert len(rounds[0]) == len(rounds[1]) == 2
    for of_one, of_two in zip(*rounds, strict=True):
        assert float(of_one["moved_share"]) > 0.1
        for key in of_one.keys() - {"seconds"}:
            assert float(of_two[key]) == pytest.approx(float(of_one[key]), rel=1e-4), key
    curves = [read_table(folder / out / "curve.csv") for out in ("alone", "two")]
    for of_one, of_two in zip(*curves, strict=True):
        for key in ("train_perplexity", "valid_perplexity"):
            assert float(of_two[key]) == pytest.approx(float(of_one[key]), rel=1e-4), key
    metrics = [load_figures(folder / out) for out in ("alone", "two")]
    assert [each["devices"] for each in metrics] == [1, 2]
    # Each worker has said nothing twice.
    assert output.count("epoch 1.00 of 3") == 1


def workers_of(process):
    """The process ids of its workers."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    role = {int(child): Path(f"/proc/{child}/environ").read_bytes() for child in children}
    return [child for child, environment in role.items() if b"DMLC_ROLE=worker" in environment]


def wait_for(path, process):
    while not path.is_file():
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)


def test_a_dead_worker_ends_all_and_the_same_command_goes_on(folder):
    assert finish(together(folder, 2, "whole"))[0] == 0
    process = together(folder, 2, "killed")
    model, checkpoint = (folder / "killed" / f"{name}.safetensors" for name in ("model", "checkpoint"))
    wait_for(model, process)  # of the first epoch, before all of it is saved
    saved = checkpoint.stat().st_mtime_ns
    while checkpoint.stat().st_mtime_ns == saved < model.stat().st_mtime_ns:
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    children = workers_of(process)
    os.kill(children[1], signal.SIGKILL)
    status, _, errors = finish(process)
    assert status == 2
    assert re.search(r"lightrnn: worker \d has died \(SIGKILL\)", errors)
    assert not any(Path(f"/proc/{child}").exists() for child in children)
    status, output, errors = finish(together(folder, 2, "killed"))
    assert status == 0, errors
    assert "going on after epoch" in output
    expected, found = model_of(folder, "whole"), model_of(folder, "killed")
    assert all(array.tobytes() == found[name].tobytes() for name, array in expected.items())


def test_a_signal_ends_all(folder):
    process = together(folder, 2, "stopped", "--set", "epochs=1000")
    wait_for(folder / "stopped" / "checkpoint.safetensors", process)
    process.terminate()
    status, _, errors = finish(process)
    assert (status, "goes on from here" in errors) == (143, True)


def test_a_mistake_is_said_and_ends_all(folder):
    (folder / "row.yaml").write_text(
        ROW.replace("model: lightrnn", "model: hsm").split("options")[0]
        + ROW[ROW.index("hidden") : ROW.index("rounds_after")]
    )
    status, _, errors = finish(together(folder, 2, "refused"))
    assert status == 2
    assert "several workers cannot share gradients of single words" in errors
    assert "Traceback" not in errors


WAITING = """
import os, sys
import mxnet as mx
import numpy as np
from lightrnn_gluon.workers import Workers
workers = Workers(mx.kv.create("dist_sync"), patience=1.0)
assert workers.total(np.array([1.0, workers.rank])).tolist() == [2.0, 1.0]
assert workers.of_first(np.array([5 - workers.rank], np.int32)).tolist() == [5]
if workers.rank:
    os._exit(0)
workers.total(np.zeros(1))
"""


def test_a_worker_does_not_wait_for_ever(monkeypatch):
    settings = distributed._together("127.0.0.1", distributed._free_port(), 2, 1)
    settings["DMLC_NODE_HOST"] = "127.0.0.1"
    for key, value in settings.items():
        monkeypatch.setenv(key, value)
    processes = []
    for role, code in (("scheduler", "import mxnet"), ("server", "import mxnet"), *[("worker", WAITING)] * 2):
        monkeypatch.setenv("DMLC_ROLE", role)
        processes.append(start("-c", code))
    try:
        results = [finish(process) for process in processes[2:]]
    finally:
        for process in processes[:2]:
            process.kill()
            process.communicate()
    status, _, errors = max(results)
    assert status == 3
    assert "has waited for the others for 1 s" in errors


def test_what_to_run_on_a_cluster_is_printed():
    status, output, _ = finish(
        start(PROGRAM, "-n", 3, "--servers", 2, "--print", "a row.yaml", "--out", "run")
    )
    assert status == 0
    assert output.count("DMLC_NUM_WORKER=3 DMLC_NUM_SERVER=2") == 3
    assert "DMLC_ROLE=worker .venv/bin/lightrnn train 'a row.yaml' --out run" in output
