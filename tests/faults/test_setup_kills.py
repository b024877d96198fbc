"""Set-up killed at random moments, and started again, ends with the environment of one that never was.

Slow, and packages are fetched: `bash tests/run.sh -m faults`.
"""

import shutil
import subprocess
import time
from pathlib import Path

import pytest
from killing import Killer

pytestmark = pytest.mark.faults

KILLS = 10
ROOT = Path(__file__).resolve().parents[2]


def copy_of_the_tree(folder):
    names = subprocess.run(
        ["git", "ls-files", "-z", "--", ":!results"], cwd=ROOT, capture_output=True, check=True
    )
    subprocess.run(
        ["tar", "cf", f"{folder}/tree.tar", "--null", "-T", "-"], cwd=ROOT, input=names.stdout, check=True
    )
    subprocess.run(["tar", "xf", "tree.tar"], cwd=folder, check=True)
    return folder


def start(folder):
    """Set-up, as the leader of a group of processes that can be killed together."""
    with (folder / "output").open("ab") as output:
        return subprocess.Popen(
            ["bash", "reproduce/setup.sh"], cwd=folder, stdout=output, stderr=output, start_new_session=True
        )


def installed(folder):
    """Packages with their versions, and programs."""
    pip = [folder / ".venv" / "bin" / "python", "-m", "pip", "list", "--format", "freeze"]
    packages = subprocess.run(pip, capture_output=True, text=True, check=True).stdout.splitlines()
    return packages, sorted(path.name for path in (folder / ".venv" / "bin").iterdir())


def test_a_killed_set_up_ends_as_one_that_was_not(tmp_path_factory, capsys):
    whole, killed = (copy_of_the_tree(tmp_path_factory.mktemp(name)) for name in ("whole", "killed"))
    started = time.monotonic()
    assert start(whole).wait() == 0, (whole / "output").read_text()
    seconds, expected = time.monotonic() - started, installed(whole)
    killer = Killer(seconds, KILLS)
    while killer.goes_on:
        shutil.rmtree(killed / ".venv", ignore_errors=True)
        killer.see_through(start, killed)
        assert installed(killed) == expected
    with capsys.disabled():
        print(f"\nset-up: {killer.kills} kills, {killer.kills} survived")
