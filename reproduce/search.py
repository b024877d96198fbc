"""Train each network row of an experiment at values of a grid, to the one of best validation perplexity.

The search begins in the middle of the grid and goes on to the best value's neighbours until both
are worse, or are not there.
"""

import math
from collections.abc import Iterable
from pathlib import Path

import click
import yaml
from experiments import CONFIGS
from plan import Grid, Part, Row, expand, read_rows, select
from runner import RESULTS, perform, scale_file

from lightrnn_gluon.cli import run_command
from lightrnn_gluon.files import write_text
from lightrnn_gluon.report.experiments import BENCHMARKS
from lightrnn_gluon.report.finished import read_runs
from lightrnn_gluon.report.formatting import (
    Column,
    Table,
    escape_markdown,
    show_decimal,
    show_general,
    show_integer,
)
from lightrnn_gluon.runs import read_metrics

GRID = CONFIGS / "search.yaml"
SCALE = "cpu"


@click.command()
@click.argument("experiment", type=click.Choice(list(BENCHMARKS)))
@click.option("--data", type=click.Path(path_type=Path), help="A folder of text.")
@click.option("--out", type=click.Path(path_type=Path), help="Where everything goes.")
@click.option("--only", metavar="ROW", help="Search for this row alone, then render the table again.")
@click.option("--dry-run", is_flag=True, help="Print the plan of the first step, train nothing.")
def main(experiment: str, data: Path | None, out: Path | None, only: str | None, dry_run: bool) -> None:
    """Search the grid for each network row of EXPERIMENT."""
    grid, out = yaml.safe_load(GRID.read_text(encoding="utf-8")), out or RESULTS / "search" / experiment
    scale = scale_file(experiment, SCALE)
    rows = expand(read_rows(experiment, scale), grid, scale)
    candidates = select(rows, only)
    tried: list[Row] = []
    parts: dict[str, Part] = {}
    while chosen := next_rows(candidates, tried, parts.values()):
        performed = perform(experiment, chosen, data, out, SCALE, dry_run, models=False)
        if dry_run:
            return
        tried += chosen
        parts |= {part.folder: part for part in performed}
    for part in parts.values():
        table = search_table(part, [row for row in rows if row.is_of(part.folder)], grid)
        paths = [part.directory / "search.csv", part.directory / "search.md"]
        for path, text in zip(paths, (table.csv(), table.markdown()), strict=True):
            write_text(path, text)
        print("\n".join(["", table.markdown(), "written:", *(f"  {path}" for path in paths)]))


def next_rows(rows: list[Row], tried: list[Row], parts: Iterable[Part]) -> list[Row]:
    """The rows to try next, of rows that come in the order of the grid, file by file.

    Those at its middle and beside it; then those beside the best one, which may differ by text.
    """
    chosen = []
    for path in dict.fromkeys(row.path for row in rows):
        grid = [row for row in rows if row.path == path]
        places = [place for place, row in enumerate(grid) if row in tried]
        centres = {
            min(places, key=lambda place: _valid_perplexity(part, grid[place]))
            for part in parts
            if grid[0].is_of(part.folder)
        } or {len(grid) // 2}
        for place, row in enumerate(grid):
            if place not in places and any(abs(place - centre) <= 1 for centre in centres):
                chosen.append(row)
    return chosen


def _valid_perplexity(part: Part, row: Row) -> float:
    return read_metrics(part.run(row))["valid_perplexity"]


def search_table(part: Part, rows: list[Row], grid: Grid) -> Table:
    """The finished ones of these rows, read from their run directories; the best value of each is marked.

    Raises UserError where none is finished, or where a file is damaged.
    """
    runs = read_runs(part.directory / "runs")
    finished = {run.directory.name: run for run in runs}
    found = [(row, finished[row.name]) for row in rows if row.name in finished]
    records = [
        {
            "row": row.path.stem,
            "system": run.system,
            **{key: getattr(run.config, key) for key in (*grid, "epochs")},
            "valid_perplexity": round(run.metrics["valid_perplexity"], 4),
        }
        for row, run in found
        if run.config == row.config  # else it was made before the row's settings were changed
    ]
    best: dict[str, float] = {}
    for record in records:
        best[record["row"]] = min(record["valid_perplexity"], best.get(record["row"], math.inf))
    for record in records:
        record["best"] = "yes" if record["valid_perplexity"] == best[record["row"]] else None
    facts = runs[0].metrics
    words = " and ".join(key.replace("_", " ") for key in grid)
    return Table(
        title=escape_markdown(f"Search for the {words} ({facts['corpus']['name']}; scale: {facts['scale']})"),
        protocol=(
            f"Protocol: {facts['corpus']['train']['tokens']:,} training tokens; each network row is trained "
            f"once with each {words} shown, all else being equal, as its run's config.yaml has it. What lies "
            "beyond a worse one is not tried."
        ),
        columns=[
            Column("row", "Row", str),
            Column("system", "System", str),
            *(Column(key, key.replace("_", " ").capitalize(), show_general) for key in grid),
            Column("valid_perplexity", "Validation perplexity", show_decimal),
            Column("epochs", "Epochs", show_integer),
            Column("best", "Best", str),
        ],
        records=records,
        notes=[
            "Perplexities are of the validation set, which picks, after each run's best epoch. The test set "
            "has no part in it.",
        ],
    )


if __name__ == "__main__":
    run_command(main)
