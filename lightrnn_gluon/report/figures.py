"""The pictures: perplexity over epochs, over time and over size, and LightRNN's word table.

Legible in grey and to the colour-blind: lines differ in dash and marker, their colours are those of
Okabe and Ito (2008) and two of Tol's, and the word table's colours grow steadily lighter.
"""

import textwrap
import warnings
from itertools import cycle
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator, StrMethodFormatter
from matplotlib.transforms import Bbox

from lightrnn_gluon.corpus import Vocabulary
from lightrnn_gluon.files import atomic_path
from lightrnn_gluon.report.finished import Run
from lightrnn_gluon.report.formatting import printable, show_count, show_integer, show_seconds
from lightrnn_gluon.table import WordTable

DPI = 150
COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#7F7F7F", "#882255", "#332288"]
_DASHES = ["--", "-.", (0, (1, 1.2)), (0, (6, 1, 1, 1, 1, 1)), "-"]
MARKERS = ["o", "s", "D", "v", "P", "X", "<", "*"]
_MARKED_POINTS = 8  # on a line, so that a long curve does not drown in markers

# Where a logarithmic axis is marked, in each power of ten.
PERPLEXITIES = (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8)
SIZES = (1, 2, 5)
# Where a point's label can stand: offset in points, and how it is aligned; the first free place is taken.
_PLACES = [
    (7, 0, "left", "center"), (-7, 0, "right", "center"),
    (0, 7, "center", "bottom"), (0, -7, "center", "top"),
    (6, 6, "left", "bottom"), (6, -6, "left", "top"), (-6, 6, "right", "bottom"), (-6, -6, "right", "top"),
    (0, 20, "center", "bottom"), (0, -20, "center", "top"),
]  # fmt: skip

_SHOWN_LINES = 6  # rows, and columns, of the word table that are spelled out
_SHOWN_WORDS = 12
_WORD_LENGTH = 14
_TEXT_WIDTH = 66  # characters
TITLE_LENGTH = 80  # of a line


def rounds_figure(runs: list[Run], lightrnn: Run | None, title: str) -> Figure:
    """Validation perplexity over epochs; re-allocations are vertical, `lightrnn`'s have their value."""
    figure, axes = _perplexity_axes(runs, "epoch", lightrnn, title)
    axes.set_xlabel("Epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlim(left=0)
    if lightrnn is not None and lightrnn.rounds is not None:
        peaks, top = lightrnn.rounds[["epoch", "valid_perplexity_after"]].to_numpy(), axes.get_ylim()[1]
        beyond = "\n(at the upper edge: beyond it)" if peaks[:, 1].max() > top else ""
        points = np.minimum(peaks, [np.inf, top])
        label = f"just after re-allocation{beyond}"
        axes.plot(*points.T, "^", color="black", clip_on=False, label=label, zorder=4)
        for point, peak in zip(points, peaks[:, 1], strict=True):
            axes.annotate(
                show_integer(peak), point, (7, -2), textcoords="offset points", va="top", fontsize=9,
                zorder=5, bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1},
            )  # fmt: skip
    figure.legend(loc="outside right upper", handlelength=3.5)
    return figure


def times_figure(runs: list[Run], lightrnn: Run | None, equal_time: float, title: str) -> Figure:
    """Validation perplexity over training time, with the time (seconds) at which all are compared."""
    figure, axes = _perplexity_axes(runs, "train_seconds", lightrnn, title)
    axes.set_xlabel("Training time, evaluation excluded (seconds, log scale)")
    axes.set_xscale("log")
    mark_log(axes.xaxis, SIZES)
    label = f"equal time: {show_seconds(equal_time)}"
    axes.axvline(equal_time, color="0.45", linewidth=1, linestyle=(0, (4, 4)), zorder=0, label=label)
    figure.legend(loc="outside right upper", handlelength=3.5)
    return figure


def sizes_figure(runs: list[Run], lightrnn: Run | None, title: str) -> Figure:
    """Test perplexity over the number of parameters, a point a system; `lightrnn`'s is black."""
    figure = Figure(figsize=(8, 5.6), dpi=DPI, layout="constrained")
    axes = figure.add_subplot()
    styles = zip(cycle(COLOURS), cycle(MARKERS), strict=False)
    points, names = [], []
    for run in runs:
        point = (run.metrics["parameters"], run.metrics["test_perplexity"])
        colour, marker = ("black", "^") if run is lightrnn else next(styles)
        is_ngram = run.metrics["kind"] == "ngram"
        axes.plot(*point, marker, color=colour, markerfacecolor="white" if is_ngram else colour, markersize=8)
        points.append(point)
        names.append(plain(run.system, TITLE_LENGTH) + (" (n-grams)" if is_ngram else ""))
    axes.set(xscale="log", yscale="log", xlabel="Parameters (log scale)")
    axes.set_ylabel("Test perplexity (log scale)")
    axes.set_title(title_lines(title), fontsize=10)
    axes.margins(x=0.2, y=0.12)
    mark_log(axes.xaxis, SIZES)
    mark_log(axes.yaxis, PERPLEXITIES)
    axes.xaxis.set_major_formatter(lambda value, _: show_count(value))
    axes.grid(color="0.9", linewidth=0.7)
    _label_points(figure, axes, points, names)
    return figure


def table_figure(table: WordTable, vocabulary: Vocabulary, title: str) -> Figure:
    """The word table by the words' frequency, and some of its rows and columns spelled out."""
    grid = table.words()
    figure = Figure(figsize=(13, 8), dpi=DPI)
    picture = figure.add_axes((0.045, 0.145, 0.492, 0.8))  # 960 pixels each way: more than 891 cells
    image = picture.imshow(np.ma.masked_less(grid, 0), cmap="viridis", vmin=0, vmax=len(table) - 1)
    picture.set(xlabel="Column", ylabel="Row")
    picture.set_title(title_lines(title), fontsize=11)
    scale = figure.add_axes((0.095, 0.065, 0.392, 0.018))
    label = "Frequency rank (0: the most frequent)"
    figure.colorbar(image, cax=scale, orientation="horizontal", format="{x:,.0f}", label=label)
    _spell_out(figure, grid, vocabulary)
    return figure


def write_figure(path: Path, figure: Figure) -> None:
    """Write a PNG, atomically; the same figure gives the same bytes."""
    with atomic_path(path) as temporary, warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        FigureCanvasAgg(figure).print_png(temporary, metadata={"Software": None})


def _perplexity_axes(
    runs: list[Run], horizontal: str, lightrnn: Run | None, title: str
) -> tuple[Figure, Axes]:
    """A line a run, over the column `horizontal` of its curve; `lightrnn`'s is thick and black."""
    figure = Figure(figsize=(9.5, 5.2), dpi=DPI, layout="constrained")
    axes = figure.add_subplot()
    styles = zip(cycle(COLOURS), cycle(_DASHES), cycle(MARKERS), strict=False)
    for run in runs:
        path = _path(run)
        colour, dash, marker = ("black", "-", "") if run is lightrnn else next(styles)
        axes.plot(
            path[horizontal], path["valid_perplexity"], label=plain(run.system, TITLE_LENGTH), color=colour,
            linestyle=dash, linewidth=2 if run is lightrnn else 1.4, marker=marker, markersize=4.5,
            markevery=max(1, len(path) // _MARKED_POINTS), zorder=3 if run is lightrnn else 2,
        )  # fmt: skip
    axes.set_title(title_lines(title), fontsize=10, pad=10)
    axes.set_ylabel("Validation perplexity (log scale)")
    axes.set_yscale("log")
    # Room for the evaluations; what a re-allocation makes much worse for a while may leave the picture.
    shown = pd.concat([run.curve["valid_perplexity"] for run in runs if run.curve is not None])
    axes.set_ylim(shown.min() / 1.05, shown.max() * 1.15)
    mark_log(axes.yaxis, PERPLEXITIES)
    axes.grid(color="0.9", linewidth=0.7)
    return figure, axes


def mark_log(axis: Axis, marks: tuple[float, ...]) -> None:
    """Marks and their numbers, written out, on a logarithmic axis."""
    axis.set_major_locator(LogLocator(subs=marks))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(StrMethodFormatter("{x:,.12g}"))


def _label_points(figure: Figure, axes: Axes, points: list[tuple[float, float]], names: list[str]) -> None:
    """Write each point's name beside it where no other name and no point is, if there is such a place."""
    figure.draw_without_rendering()  # now all places are known
    inside, reach = axes.get_window_extent(), 4 * DPI / 72  # of a point's mark, in pixels
    taken = [Bbox([p - reach, p + reach]) for p in axes.transData.transform(points)]
    for point, name in zip(points, names, strict=True):
        label = axes.annotate(name, point, (0, 0), textcoords="offset points", fontsize=9)
        label.set_in_layout(False)
        for x, y, horizontal, vertical in _PLACES:
            label.set(position=(x, y), ha=horizontal, va=vertical)
            box = label.get_window_extent()
            if inside.x0 < box.x0 and box.x1 < inside.x1 and not box.count_overlaps(taken):
                break
        taken.append(box)


def _path(run: Run) -> pd.DataFrame:
    """A run's curve with a point after each re-allocation, which happens between two evaluations."""
    columns = ["epoch", "train_seconds", "valid_perplexity"]
    assert run.curve is not None
    if run.rounds is None:
        return run.curve[columns]
    last = np.searchsorted(run.curve["epoch"], run.rounds["epoch"], side="right") - 1
    after = pd.DataFrame(
        {
            "epoch": run.rounds["epoch"],
            "train_seconds": run.curve["train_seconds"].to_numpy()[last] + run.rounds["seconds"],
            "valid_perplexity": run.rounds["valid_perplexity_after"],
        }
    )
    return pd.concat([run.curve[columns], after]).sort_values("epoch", kind="stable")


def _spell_out(figure: Figure, grid: np.ndarray, vocabulary: Vocabulary) -> None:
    """Write the most frequent words of some rows and some columns into the figure's right part."""
    special = (vocabulary.unknown, vocabulary.start, vocabulary.end)
    grid = np.where(np.isin(grid, special), -1, grid)
    top, line_height = 0.945, 0.0235  # shares of the figure
    for name, lines in (("Row", grid), ("Column", grid.T)):
        for number in _readable(lines):
            ids = np.sort(lines[number][lines[number] >= 0])[:_SHOWN_WORDS]
            words = "\N{NO-BREAK SPACE}· ".join(plain(vocabulary.words[i], _WORD_LENGTH) for i in ids)
            wrapped = textwrap.wrap(words, _TEXT_WIDTH)
            figure.text(0.56, top, f"{name} {number}", va="top", fontsize=9.5, weight="bold")
            figure.text(0.64, top, "\n".join(wrapped), va="top", fontsize=9.5)
            top -= line_height * (len(wrapped) + 0.5)
        top -= line_height


def _readable(lines: np.ndarray) -> np.ndarray:
    """Lines spread evenly over the half whose most frequent words are the more frequent ones."""
    most_frequent = np.where(lines < 0, lines.max() + 1, lines).min(axis=1)
    half = np.argsort(most_frequent, kind="stable")[: max(1, len(lines) // 2)]
    return half[np.unique(np.linspace(0, len(half) - 1, _SHOWN_LINES).astype(int))]


def title_lines(text: str) -> str:
    """A picture's title; if it is too long for a line, what follows its last semicolon has one of its own."""
    if len(text) <= TITLE_LENGTH:
        return plain(text, TITLE_LENGTH)
    about, mark, scale = plain(text, 3 * TITLE_LENGTH).rpartition("; ")
    return "\n".join([*textwrap.wrap(about + mark, TITLE_LENGTH, break_on_hyphens=False), scale])


def plain(text: str, length: int) -> str:
    """The text, shortened, such that matplotlib draws it as it is: no mathematics, no control characters."""
    shortened = text if len(text) <= length else f"{text[: length - 1]}…"
    return printable(shortened).replace("$", r"\$")
