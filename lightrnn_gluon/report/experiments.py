"""What a run folder holds: one corpus's rows, or those of several languages, and of which experiment."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from lightrnn_gluon.errors import UserError
from lightrnn_gluon.report.finished import Run, read_runs, refuse_mixture
from lightrnn_gluon.runs import METRICS
from lightrnn_gluon.standins.aclw import LANGUAGES

# What the published figures are of, by experiment.
BENCHMARKS = {
    "billionw": "One Billion Word benchmark",
    "aclw": "ACL Workshop (ACLW) data sets",
    "ptb": "Penn Treebank",
}


@dataclass(frozen=True)
class Group:
    """The rows of one corpus, in the order of the tables.

    Attributes:
        directory: holds their run directories in runs/ and the corpus in corpus/.
        runs: the rows; at least one.
        language: a key of LANGUAGES, or nothing where the corpus is the only one.
    """

    directory: Path
    runs: list[Run]
    language: str = ""

    @property
    def corpus(self) -> dict[str, Any]:
        """The corpus's facts: name, vocabulary size, sentences and tokens of each split."""
        return self.runs[0].metrics["corpus"]

    @property
    def about(self) -> str:
        """Corpus and scale, for a title."""
        return f"{self.corpus['name']}; scale: {self.runs[0].metrics['scale']}"


@dataclass(frozen=True)
class Results:
    """All groups of a run folder; `experiment` is a key of BENCHMARKS."""

    experiment: str
    groups: list[Group]

    @cached_property
    def runs(self) -> list[Run]:
        """The rows of all groups."""
        return [run for group in self.groups for run in group.runs]

    @property
    def scale(self) -> str:
        """The scale that all rows are of."""
        return self.runs[0].metrics["scale"]

    @property
    def has_standins(self) -> bool:
        """Whether a corpus stands in for the benchmark's."""
        return any("stand-in" in group.corpus["name"] for group in self.groups)

    @property
    def about(self) -> str:
        """Corpora and scale, for a title."""
        if len(self.groups) == 1:
            return self.groups[0].about
        what = "stand-in corpora" if self.has_standins else "corpora"
        return f"{what} in {', '.join(group.language for group in self.groups)}; scale: {self.scale}"


def read_results(out: Path) -> Results:
    """The finished rows in `out`/runs or, without any, those in `out`/<language>/runs.

    Raises UserError where no row is finished, where a file is damaged, or where rows do not belong
    into one table.
    """
    folders = {code: out / code for code in LANGUAGES if _has_rows(out / code)}
    if _has_rows(out):
        folders = {"": out}
    if not folders:
        raise UserError(f"{out} holds no finished row (no runs/*/{METRICS}): train one first")
    groups = [Group(folder, read_runs(folder / "runs"), code) for code, folder in folders.items()]
    refuse_mixture([(group.language, group.runs[0].metrics["scale"]) for group in groups], "scales")
    return Results(_experiment(groups), groups)


def _has_rows(directory: Path) -> bool:
    return any(directory.glob(f"runs/*/{METRICS}"))


def _experiment(groups: list[Group]) -> str:
    """Languages are aclw; one corpus is ptb by its name, else billionw, whatever text stands in for it."""
    if groups[0].language:
        return "aclw"
    return "ptb" if groups[0].corpus["name"].startswith(BENCHMARKS["ptb"]) else "billionw"
