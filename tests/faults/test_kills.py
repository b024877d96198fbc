"""Runs killed at random moments of all stages, and started again, end as runs that never were.

Slow: `bash tests/run.sh -m faults`. KILLS=N in the environment asks for another number of kills, MOMENTS=TEXT
for others.
"""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from killing import Killer
from mistakes import KN, MIX, NETWORK, write_config
from report_runs import read_csv
from texts import random_sentences, write_folder

pytestmark = pytest.mark.faults

KILLS = int(os.environ.get("KILLS", "100"))
JOB = Path(__file__).with_name("job.sh")
ROOT = Path(__file__).resolve().parents[2]
ROWS = {
    "kn": KN,
    "lightrnn": NETWORK | {"epochs": 4, "dropout": 0.3, "evaluations": 2, "rounds_after": [1, 2]},
    "lightrnn+": NETWORK
    | {
        "system": "LightRNN+", "epochs": 4, "options": {"start": "information", "codes": 2},
        "rounds_after": [1, 2], "refinement": {"move": "columns"}, "seed": 2,
    },
    "kn+lightrnn": MIX | {"members": ["kn", "lightrnn"]},
}  # fmt: skip
# Of a table's columns those that the clock has a part in.
TIMED = re.compile("seconds|words_per_second|memory|equal_time|reallocation_percent")


def start(folder):
    """The job, as the leader of a group of processes that can be killed together."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": ""}
    with (folder / "output").open("ab") as output:
        return subprocess.Popen(
            ["bash", str(JOB), sys.executable, str(folder)],
            env=environment, stdout=output, stderr=output, start_new_session=True,
        )  # fmt: skip


def arrange(folder):
    write_folder(folder / "data", train=random_sentences(600, seed=0))
    for name, values in ROWS.items():
        write_config(folder / "configs" / f"{name}.yaml", values)
    return folder


def results(folder):
    """All that the job has made but pictures, and what the clock has a part in."""
    found = {}
    for path in sorted((folder / "out").rglob("*")):
        name = path.relative_to(folder / "out").as_posix()
        if not path.is_file() or path.suffix in (".png", ".md") or path.name in ("times.json", "log.txt"):
            continue
        if path.suffix == ".csv":
            found[name] = [
                {key: value for key, value in line.items() if not TIMED.search(key)}
                for line in read_csv(path)
            ]
        elif path.name == "corpus.json":  # whose origin has the text's folder, and its checksum the origin
            found[name] = json.loads(path.read_text()) | {"origin": "", "sha256": ""}
        else:
            found[name] = path.read_bytes()
    return found


def differing_bytes(found, expected):
    """How many bytes are other than expected, files that are missing or too many included."""
    total = 0
    for name in found.keys() | expected.keys():
        one, other = (repr(each.get(name)).encode() for each in (found, expected))
        total += abs(len(one) - len(other)) + sum(a != b for a, b in zip(one, other, strict=False))
    return total


def test_killed_runs_end_as_one_that_was_not(tmp_path_factory, capsys):
    whole = arrange(tmp_path_factory.mktemp("whole"))
    started = time.monotonic()
    assert start(whole).wait() == 0, (whole / "output").read_text()
    seconds, expected = time.monotonic() - started, results(whole)
    killer, different = Killer(seconds, KILLS), 0
    while killer.goes_on:
        folder = arrange(tmp_path_factory.mktemp("killed"))
        for name in ("train", "valid", "test"):  # the same text, in files of the same time
            times = (whole / "data" / f"{name}.txt").stat()
            os.utime(folder / "data" / f"{name}.txt", ns=(times.st_atime_ns, times.st_mtime_ns))
        killer.see_through(start, folder)
        different += differing_bytes(results(folder), expected)
        left = [path for path in folder.rglob(".*") if path.name.endswith(".tmp")]
        assert not left
    with capsys.disabled():
        print(f"\n{killer.kills} kills, {killer.kills} survived; differing bytes: {different}")
    assert different == 0
