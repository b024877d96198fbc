"""What tests of several files ask for by name."""

import logging
import signal
import sys

import mxnet as mx
import pytest
from mistakes import NETWORK, write_config
from texts import make_corpus, random_sentences

from lightrnn_gluon import cli
from lightrnn_gluon.config import load_row
from lightrnn_gluon.export import export
from lightrnn_gluon.rows import train_row


@pytest.fixture
def call(monkeypatch, capfd):
    """The command line in this process: exit status, stdout, stderr. There is never a GPU."""
    monkeypatch.setattr(mx.context, "num_gpus", lambda: 0)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def command(arguments):
        monkeypatch.setattr(sys, "argv", ["lightrnn", *arguments])
        monkeypatch.setattr(logging.root, "handlers", [])  # or the log goes where pytest's goes
        with pytest.raises(SystemExit) as stopped:
            cli.main()
        return stopped.value.code, *capfd.readouterr()

    yield command
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.fixture(scope="session")
def exported(tmp_path_factory):
    """A finished run, its corpus, and its model in a file."""
    folder = tmp_path_factory.mktemp("exported")
    corpus = make_corpus(folder / "data", train=random_sentences(80, seed=0))
    write_config(folder / "net.yaml", NETWORK | {"options": {"start": "information", "codes": 2}})
    train_row(load_row(folder / "net.yaml"), corpus, folder / "net", "tiny")
    export(folder / "net", folder / "model", "float32")
    return folder, corpus
