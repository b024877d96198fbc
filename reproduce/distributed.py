"""Train one net by several workers: MXNet's scheduler, servers and workers, as processes of this machine.

Usage: bash reproduce/distributed.sh -n 2 CONFIG --corpus DIR --out DIR, as with `lightrnn train`

The batch of the configuration is shared by the workers, so the result is that of one worker. Where one dies,
all are ended; the same command goes on after the last finished epoch.
"""

import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Collection, Sequence
from pathlib import Path

import click

from lightrnn_gluon.cli import run_command
from lightrnn_gluon.errors import UserError
from lightrnn_gluon.signals import exit_statuses

# What a scheduler and a server do is decided by their environment, when MXNet is imported.
_SERVE = [sys.executable, "-c", "import mxnet"]
_WORK = [str(Path(sys.executable).with_name("lightrnn")), "train"]
_HERE = "127.0.0.1"  # each says that it is there, and needs no other interface
_LOOK_SECONDS = 0.5
_GRACE_SECONDS = 5.0


@click.command(context_settings={"ignore_unknown_options": True})
@click.option("-n", "workers", type=click.IntRange(1), required=True, help="How many workers.")
@click.option("--servers", type=click.IntRange(1), help="How many servers; none: as many as workers.")
@click.option(
    "--print", "only_print", is_flag=True, help="Print what to run on a cluster's hosts; run nothing."
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def main(workers: int, servers: int | None, only_print: bool, arguments: tuple[str, ...]) -> None:
    """Run `lightrnn train ARGUMENTS` with so many workers."""
    servers = servers or workers
    if only_print:
        print(_on_cluster(workers, servers, arguments))
        return
    together = _together(_HERE, _free_port(), workers, servers) | {"DMLC_NODE_HOST": _HERE}
    print(f"{workers} workers and {servers} servers on this machine", flush=True)
    parts = {"scheduler": 1, "server": servers, "worker": workers}
    running = {
        f"{role} {number}": _start(role, together, arguments)
        for role, count in parts.items()
        for number in range(count)
    }
    try:
        _watch(running)
    finally:
        _end(running.values())


def _together(host: str, port: int, workers: int, servers: int) -> dict[str, str]:
    """What tells all where the scheduler is, and how many they are."""
    return {
        "DMLC_PS_ROOT_URI": host,
        "DMLC_PS_ROOT_PORT": str(port),
        "DMLC_NUM_WORKER": str(workers),
        "DMLC_NUM_SERVER": str(servers),
    }


def _start(role: str, together: dict[str, str], arguments: Sequence[str]) -> subprocess.Popen[bytes]:
    command = [*_WORK, *arguments] if role == "worker" else _SERVE
    # Of a group of its own: a signal to this one is passed on, once.
    return subprocess.Popen(command, env=os.environ | together | {"DMLC_ROLE": role}, start_new_session=True)


def _watch(running: dict[str, subprocess.Popen[bytes]]) -> None:
    """Wait until the workers are done. Raises UserError, or takes on a worker's status, where one fails."""
    workers = {name for name in running if name.startswith("worker")}
    first_seen: dict[str, float] = {}
    statuses = exit_statuses(running)
    while any(statuses[name] != 0 for name in workers):
        # Scheduler and servers end well once the workers have left, who may take a moment more to end.
        failed = {name: status for name, status in statuses.items() if status}
        for name, status in failed.items():
            if name in workers and status > 0:
                sys.exit(status)  # it has said why
            since = first_seen.setdefault(name, time.monotonic())
            if name in workers or time.monotonic() - since > _GRACE_SECONDS:
                cause = signal.Signals(-status).name if status < 0 else f"status {status}"
                raise UserError(f"{name} has died ({cause}): all are ended; the same command goes on")
        time.sleep(_LOOK_SECONDS)
        statuses = exit_statuses(running)


def _end(processes: Collection[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        if process.poll() is None:
            process.terminate()
    limit = time.monotonic() + _GRACE_SECONDS
    for process in processes:
        try:
            process.wait(max(0.0, limit - time.monotonic()))
        except subprocess.TimeoutExpired:  # inside of MXNet, waiting for the dead
            process.kill()
            process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_HERE, 0))
        return int(probe.getsockname()[1])


def _on_cluster(workers: int, servers: int, arguments: Sequence[str]) -> str:
    """What to type, for a cluster whose hosts share the folder of corpus and run."""
    settings = _together("HOST", 9091, workers, servers)
    prefix = " ".join(f"{key}={value}" for key, value in settings.items())
    train = shlex.join(["lightrnn", "train", *arguments])
    return "\n".join(
        [
            "On hosts that share the folders of this repository, of the corpus and of the run; HOST is the",
            "address of one of them, which all reach at the port, and each other at any:",
            "on HOST, once:",
            f"  {prefix} DMLC_ROLE=scheduler .venv/bin/python -c 'import mxnet'",
            f"on any hosts, {servers} in all:",
            f"  {prefix} DMLC_ROLE=server .venv/bin/python -c 'import mxnet'",
            f"on the hosts with the devices, {workers} in all:",
            f"  {prefix} DMLC_ROLE=worker .venv/bin/{train}",
        ]
    )


if __name__ == "__main__":
    run_command(main)
