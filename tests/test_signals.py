"""Signals that arrive at a bad time."""

import signal
import sys

import pytest

from lightrnn_gluon.signals import STOPPING, exit_statuses, uninterrupted


@pytest.fixture
def stoppable():
    handlers = {number: signal.getsignal(number) for number in STOPPING}
    for number in STOPPING:
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    yield
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", STOPPING)
def test_what_is_begun_is_done_and_the_first_signal_is_answered_then(stoppable, number):
    done = []
    with pytest.raises(SystemExit) as stopped, uninterrupted():
        signal.raise_signal(number)
        signal.raise_signal(signal.SIGTERM)
        done.append("whole")
    assert (done, stopped.value.code) == (["whole"], 128 + number)


@pytest.mark.parametrize("number", STOPPING)
def test_no_look_at_a_process_is_cut_short(stoppable, number):
    class Looked:
        """Stands for a process."""

        done = 0

        def poll(self):
            signal.raise_signal(number)
            self.done += 1
            return 3

    both = {"one": Looked(), "two": Looked()}
    with pytest.raises(SystemExit) as stopped:
        exit_statuses(both)
    assert [each.done for each in both.values()] == [1, 1] and stopped.value.code == 128 + number


def test_statuses_are_those_of_the_processes():
    class Ended:
        def __init__(self, status):
            self.poll = lambda: status

    assert exit_statuses({1: Ended(0), 2: Ended(None)}) == {1: 0, 2: None}
