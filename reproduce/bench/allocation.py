"""Methods of allocation compared: cost above the lower bound, time and memory on costs of all sizes.

Usage: .venv/bin/python reproduce/bench/allocation.py [--only INSTANCE] [--method METHOD] [--out DIR]

Every method works on every instance in a process of its own, on one core; what it took is a file in
DIR/allocation, and is not measured again while that is there. DIR/allocation.md is made of these.
"""

import json
from pathlib import Path
from statistics import median
from typing import Any

import click
import numpy as np
from alone import RESULTS, publish, run_alone
from instances import INSTANCES, Instance

from lightrnn_gluon.allocation import allocate
from lightrnn_gluon.cli import run_command
from lightrnn_gluon.environment import environment
from lightrnn_gluon.errors import UserError
from lightrnn_gluon.files import read_json, write_json
from lightrnn_gluon.report.formatting import (
    Column,
    Record,
    Table,
    show_bytes,
    show_integer,
    show_percent,
)


def _show_fine(percent: float) -> str:
    return f"{percent:.4f}"


_COLUMNS = [
    Column("words", "Words", show_integer),
    Column("costs", "Costs", str),
    Column("method", "Method", str),
    Column("above_bound_percent", "Cost above the bound, %", _show_fine),
    Column("above_optimum_percent", "Cost above the optimum, %", _show_fine),
    Column("present_above_bound_percent", "Present table above the bound, %", show_percent),
    Column("moved_percent", "Words moved, %", show_percent),
    Column("seconds", "Time", lambda seconds: f"{seconds:,.2f} s"),
    Column("repeats", "Runs", show_integer),
    Column("peak_bytes", "Peak memory", show_bytes),
]
_NOTES = [
    "Bound: the best lower bound that any method proved for these costs, by duality of linear programming; "
    "no table costs less. Optimum: SciPy's, where it was computed.",
    "Time: the median of the runs, one after the other in one process, on one thread, costs at hand (those "
    "of sums are formed on the way), compiled code loaded. Peak memory: of the process, libraries and "
    "costs included; what it has mapped of files counts where it was resident.",
    *(
        f"{instance.label}: the auction may stop within {100 * instance.gap:g} % of its bound, "
        f"and must after {instance.time_limit:,} s."
        for instance in INSTANCES
        if instance.gap and instance.time_limit
    ),
    "Generated costs: see reproduce/bench/generated.py and generated_sums.py. The present table is random; "
    "where a method finds none that costs less, it stays (0 % of the words moved).",
]


@click.command()
@click.option("--only", metavar="INSTANCE", help="Measure on this instance alone.")
@click.option("--method", help="Measure this method alone.")
@click.option("--out", type=click.Path(path_type=Path), default=RESULTS, help="Where the table goes.")
@click.option("--measure", is_flag=True, hidden=True)
def main(only: str | None, method: str | None, out: Path, measure: bool) -> None:
    """Measure what has not been measured, and write the table."""
    chosen = [instance for instance in INSTANCES if only in (None, instance.name)]
    if not chosen:
        raise UserError(f"--only {only}: the instances are {', '.join(i.name for i in INSTANCES)}")
    todo = [(i, name) for i in chosen for name in i.methods if method in (None, name)]
    if not todo:
        raise UserError(f"--method {method}: none of these instances has it")
    if measure:
        ((instance, name),) = todo
        _measure(instance, name, out)
        return
    for instance, name in todo:
        if not _path(instance, name, out).is_file():
            print(f"{instance.name}: {name}", flush=True)
            run_alone(__file__, "--measure", "--only", instance.name, "--method", name, "--out", out)
    table = _table(out)
    publish(table, out, "allocation")


def _measure(instance: Instance, method: str, out: Path) -> None:
    small = np.random.default_rng(0).random((1024, 32), np.float32)
    allocate(small, small, method=method)  # compiles
    row_costs, column_costs, current = instance.make(out / "costs" / instance.name)
    results = [
        allocate(
            row_costs, column_costs, current, method,
            gap=instance.gap, time_limit=instance.time_limit if method == "auction" else None,
        )
        for _ in range(instance.repeats)
    ]  # fmt: skip
    found = results[-1]
    write_json(
        _path(instance, method, out),
        {
            "words": len(found.cells),
            "costs": instance.label,
            "method": method,
            "cost": found.cost,
            "initial_cost": found.initial_cost,
            "lower_bound": found.lower_bound,
            "moved": found.moved,
            "seconds": [result.seconds for result in results],
            "peak_bytes": found.process_peak_bytes,
            "environment": environment(),
        },
    )


def _path(instance: Instance, method: str, out: Path) -> Path:
    return out / "allocation" / f"{instance.name}.{method}.json"


def _table(out: Path) -> Table:
    """All that was measured, instance by instance."""
    records: list[Record] = []
    measured: list[dict[str, Any]] = []
    for instance in INSTANCES:
        paths = [_path(instance, method, out) for method in instance.methods]
        measured += (found := [read_json(path) for path in paths if path.is_file()])
        records += [_record(result, found) for result in found]
    commits = sorted({result["environment"]["commit"] for result in measured})
    versions = sorted({json.dumps(result["environment"]["versions"]) for result in measured})
    protocol = f"One thread each; measured at {', '.join(commits)}; {'; '.join(versions)}."
    return Table("Allocation: methods compared", protocol, _COLUMNS, records, _NOTES)


def _record(result: dict[str, Any], found: list[dict[str, Any]]) -> Record:
    """A line of the table; `found` are the results of all methods for the same costs."""
    bound = max(other["lower_bound"] for other in found)
    optimum = next((other["cost"] for other in found if other["method"] == "exact"), None)
    return {
        "words": result["words"],
        "costs": result["costs"],
        "method": result["method"],
        "above_bound_percent": 100 * (result["cost"] / bound - 1),
        "above_optimum_percent": None if optimum is None else 100 * (result["cost"] / optimum - 1),
        "present_above_bound_percent": 100 * (result["initial_cost"] / bound - 1),
        "moved_percent": 100 * result["moved"],
        "seconds": median(result["seconds"]),
        "repeats": len(result["seconds"]),
        "peak_bytes": result["peak_bytes"],
    }


if __name__ == "__main__":
    run_command(main)
