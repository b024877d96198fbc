"""What a run folder holds: the rows of one corpus or of several, and of which experiment."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from lightrnn_gluon.config import NetworkConfig
from lightrnn_gluon.errors import UserError
from lightrnn_gluon.report.finished import Run, network_config, networks, read_runs, refuse_mixture
from lightrnn_gluon.runs import METRICS
from lightrnn_gluon.standins.aclw import LANGUAGES

# What the published figures are of, by experiment.
BENCHMARKS = {
    "billionw": "One Billion Word benchmark",
    "aclw": "ACL Workshop (ACLW) data sets",
    "ptb": "Penn Treebank",
}
# The folders of the texts that word tables are compared on: one text with so many words and with all,
# a larger one, and two languages.
TEXTS = ("6000-words", "all-words", "english", "czech", "german")
ALL_WORDS = "all"  # the folder of the text with its whole vocabulary; others are named by their words' number


@dataclass(frozen=True)
class Group:
    """The rows of one corpus, in the order of the tables.

    Attributes:
        directory: holds their run directories in runs/ and the corpus in corpus/.
        runs: the rows; at least one.
        folder: its name below the results': a key of LANGUAGES or of TEXTS, the size of a vocabulary, or
            nothing where the corpus is the only one.
    """

    directory: Path
    runs: list[Run]
    folder: str = ""

    @property
    def corpus(self) -> dict[str, Any]:
        """The corpus's facts: name, vocabulary size, sentences and tokens of each split."""
        return self.runs[0].metrics["corpus"]

    @property
    def title(self) -> str:
        """Its folder and the size of its vocabulary, for one of several panels."""
        return f"{self.folder}: {self.corpus['vocabulary']['size']:,} words"

    @property
    def about(self) -> str:
        """Corpus and scale, for a title."""
        return f"{self.corpus['name']}; scale: {self.runs[0].metrics['scale']}"


@dataclass(frozen=True)
class Results:
    """All groups of a run folder, and the name of the experiment that they are of."""

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
    def of_groups(self) -> str:
        """What sets several groups apart."""
        if self.groups[0].folder in TEXTS:
            return "text"
        return "language" if self.groups[0].folder in LANGUAGES else "vocabulary"

    @property
    def about(self) -> str:
        """Corpora and scale, for a title."""
        if len(self.groups) == 1:
            return self.groups[0].about
        folders = ", ".join(group.folder for group in self.groups)
        if self.of_groups == "vocabulary":
            name = self.groups[0].corpus["name"]
            return f"{name} with vocabularies of {folders} words; scale: {self.scale}"
        what = "stand-in corpora" if self.has_standins else "corpora"
        joint = " in" if self.of_groups == "language" else ":"
        return f"{what}{joint} {folders}; scale: {self.scale}"


def read_results(out: Path) -> Results:
    """The finished rows in `out`/runs or, without any, in the runs/ of its folders that a text can have.

    Raises UserError where no row is finished, where a file is damaged, or where rows do not belong
    into one table.
    """
    folders = (
        ([""] if _has_rows(out) else [])
        or [folder for folder in (*LANGUAGES, *TEXTS) if _has_rows(out / folder)]
        or sort_vocabularies(path.parent.parent.parent.name for path in out.glob(f"*/runs/*/{METRICS}"))
    )
    if not folders:
        raise UserError(f"{out} holds no finished row (no runs/*/{METRICS}): train one first")
    groups = [Group(out / folder, read_runs(out / folder / "runs"), folder) for folder in folders]
    refuse_mixture([(group.folder, group.runs[0].metrics["scale"]) for group in groups], "scales")
    return Results(_experiment(groups), groups)


def sort_vocabularies(folders: Iterable[str]) -> list[str]:
    """Those of the folders that are named by a vocabulary, each once, by its size."""
    sizes = {folder for folder in folders if folder.isdecimal() or folder == ALL_WORDS}
    return sorted(sizes, key=lambda folder: (folder == ALL_WORDS, folder.zfill(20)))


def _has_rows(directory: Path) -> bool:
    return any(directory.glob(f"runs/*/{METRICS}"))


def _experiment(groups: list[Group]) -> str:
    """Languages are aclw, vocabularies vocabulary, several runs of a system (its seeds) refinement.

    TEXTS are tables, or sizes where rows are named by their hidden size.

    If those differ in how tables are refined, not only in how often, it is allocation. All else is one
    corpus: ptb by its name, else billionw, whatever text stands in for it.
    """
    group = groups[0]
    if group.folder in TEXTS:
        rows = networks(group.runs)
        by_size = rows and all(
            str(network_config(run).hidden) in run.directory.name.split("-") for run in rows
        )
        return "sizes" if by_size else "tables"
    if group.folder:
        return "aclw" if group.folder in LANGUAGES else "vocabulary"
    if len({run.system for run in group.runs}) < len(group.runs):
        ways = {str(run.config.refinement) for run in group.runs if isinstance(run.config, NetworkConfig)}
        return "allocation" if len(ways) > 1 else "refinement"
    return "ptb" if group.corpus["name"].startswith(BENCHMARKS["ptb"]) else "billionw"
