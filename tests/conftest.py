"""What tests of several files ask for by name."""

import signal
import sys

import mxnet as mx
import pytest

from lightrnn_gluon import cli


@pytest.fixture
def call(monkeypatch, capfd):
    """The command line in this process: exit status, stdout, stderr. There is never a GPU."""
    monkeypatch.setattr(mx.context, "num_gpus", lambda: 0)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def command(arguments):
        monkeypatch.setattr(sys, "argv", ["lightrnn", *arguments])
        with pytest.raises(SystemExit) as stopped:
            cli.main()
        return stopped.value.code, *capfd.readouterr()

    yield command
    for number, handler in handlers.items():
        signal.signal(number, handler)
