"""Folders that one process has for itself."""

import subprocess
import sys

import pytest

from lightrnn_gluon.errors import UserError
from lightrnn_gluon.files import locked

HOLD = """
import sys, time
from pathlib import Path
from lightrnn_gluon.files import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
    """Another process that has the folder."""
    command = [sys.executable, "-c", HOLD, str(tmp_path / "run")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_folder_of_another_process_is_refused_and_free_once_that_is_dead(holder, tmp_path):
    with pytest.raises(UserError, match="run is in use: wait for that run"), locked(tmp_path / "run"):
        raise AssertionError
    holder.kill()
    holder.wait()
    with locked(tmp_path / "run"):
        pass


def test_a_folder_that_is_waited_for_is_had_in_the_end(holder, tmp_path):
    waiting = subprocess.Popen(
        [sys.executable, "-c", HOLD.replace("1])", "1]), wait=True"), str(tmp_path / "run")],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    with pytest.raises(subprocess.TimeoutExpired):
        waiting.wait(1)
    holder.kill()
    assert waiting.stdout.readline() == "held\n"
    waiting.kill()
    waiting.communicate()


def test_a_new_folder_stays_only_if_something_has_come_into_it(tmp_path):
    with locked(tmp_path / "a" / "empty"):
        pass
    with locked(tmp_path / "a" / "full"):
        (tmp_path / "a" / "full" / "file").touch()
    (tmp_path / "old").mkdir()
    with locked(tmp_path / "old"):
        pass
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a", "file", "full", "old"]


def test_a_folder_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot write"), locked(tmp_path / "file" / "run"):
        raise AssertionError
