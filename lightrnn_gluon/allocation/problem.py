"""The problem: what each word would cost in each row and column, read a block of words at a time."""

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np

_BLOCK_BYTES = 2**24
# Nats, all words together, so that any cost and price is a number in single precision.
_GREATEST = 1e36


class Costs(Protocol):
    """What V words would cost in each of n rows (or columns), in nats summed over their occurrences.

    NumPy arrays and memory maps are such; an object that makes blocks on demand may be larger than
    any memory, since it is never asked for more than a block of words.
    """

    @property
    def shape(self) -> tuple[int, ...]:
        """(V, n)."""

    def __getitem__(self, words: slice | np.ndarray) -> np.ndarray:
        """float32 or float64 (len(words), n), for a slice of words or an array of their numbers."""


class Matching(NamedTuple):
    """A cell of its own for each word, and what that costs."""

    cells: np.ndarray  # int32 (V,), row * columns + column
    above: np.ndarray  # (V,) nats, each word's cost there above the least that it costs in any cell
    bound: float  # nats; no table costs less than this, all words together, above those least costs


@dataclass(frozen=True, eq=False)
class Problem:
    """Checked costs, what one pass over them tells, and when to stop."""

    row_costs: Costs
    column_costs: Costs
    least: np.ndarray  # (V,) nats, each word's least cost in a row plus its least in a column
    most: np.ndarray  # (V,) the same of the greatest
    fallback: Matching  # the present table, or that of the words in their order
    dtype: np.dtype  # float32, or float64 if any costs are
    gap: float | None  # how near to the bound is near enough
    deadline: float  # of time.perf_counter()

    @property
    def words(self) -> int:
        """V."""
        return self.row_costs.shape[0]

    @property
    def rows(self) -> int:
        """How many rows the table has."""
        return self.row_costs.shape[1]

    @property
    def columns(self) -> int:
        """How many columns the table has."""
        return self.column_costs.shape[1]

    @property
    def last_row_length(self) -> int:
        """How many usable cells the last row has."""
        return self.words - (self.rows - 1) * self.columns

    @property
    def block(self) -> int:
        """How many words make a block."""
        return _block(self.rows, self.columns)

    def cost(self, matching: Matching) -> float:
        """What a table costs, in nats."""
        return float(self.least.sum()) + float(matching.above.sum())

    def near_enough(self, matching: Matching) -> bool:
        """Whether a table is known to be within `gap` of the cheapest."""
        bound = float(self.least.sum()) + matching.bound
        return self.gap is not None and self.cost(matching) - bound <= self.gap * abs(bound)

    def late(self, seconds: float = 0.0) -> bool:
        """Whether less than this is left of the time."""
        return time.perf_counter() + seconds >= self.deadline

    def fetch_rows(self, words: np.ndarray | slice) -> np.ndarray:
        """(len(words), rows): a block's costs in rows, in memory of their own."""
        return np.array(self.row_costs[words], self.dtype, order="C")

    def fetch_columns(self, words: np.ndarray | slice) -> np.ndarray:
        """(len(words), columns): a block's costs in columns, in memory of their own."""
        return np.array(self.column_costs[words], self.dtype, order="C")

    def above(self, words: np.ndarray, cells: np.ndarray) -> np.ndarray:
        """(len(words),): what these words cost in these cells above the least, in nats."""
        costs = np.zeros(len(words))
        for part in blocks(len(words), self.block):
            rows, columns = np.divmod(cells[part], self.columns)
            for block, chosen in (
                (self.fetch_rows(words[part]), rows),
                (self.fetch_columns(words[part]), columns),
            ):
                costs[part] += _above(block, block.min(axis=1), chosen)
        return costs


def blocks(words: int, size: int) -> Iterator[slice]:
    """Slices of this size, the last one shorter, that cover so many words."""
    for start in range(0, words, size):
        yield slice(start, min(start + size, words))


@np.errstate(over="ignore")
def survey(
    row_costs: Costs, column_costs: Costs, current: np.ndarray | None, gap: float | None, deadline: float
) -> Problem:
    """Check the costs, in one pass over them, and find each word's extremes and its present cost.

    Raises:
        ValueError: costs of a wrong shape or type, NaN or infinite; `current` not a permutation of
            the usable cells. The message names the first offender.
    """
    _check_shapes(row_costs, column_costs)
    (words, rows), columns = row_costs.shape, column_costs.shape[1]
    if current is None:
        table = np.arange(words, dtype=np.int32)
    else:
        table = np.asarray(current)
        _check_table(table, words)
        table = table.astype(np.int32)
    least, most, above = np.zeros(words), np.zeros(words), np.zeros(words)
    dtypes = []
    for part in blocks(words, _block(rows, columns)):
        for name, costs, chosen in (
            ("row_costs", row_costs, table[part] // columns),
            ("column_costs", column_costs, table[part] % columns),
        ):
            block = np.ascontiguousarray(costs[part])
            _check_block(name, block, part, costs.shape[1])
            low, high = block.min(axis=1), block.max(axis=1)
            _check_finite(name, block, part, low, high)
            least[part] += low
            most[part] += high
            above[part] += _above(block, low, chosen)
            dtypes.append(block.dtype)
    if not np.maximum(np.abs(most), np.abs(least)).sum() <= _GREATEST:
        raise ValueError(f"costs are too large: the words' extremes must not add up to more than {_GREATEST}")
    return Problem(
        row_costs, column_costs, least, most, Matching(table, above, 0.0), np.result_type(*set(dtypes)),
        gap, deadline,
    )  # fmt: skip


def _block(rows: int, columns: int) -> int:
    """How many words make a block of 16 MB of float32, or 32 MB of float64."""
    return math.ceil(_BLOCK_BYTES / (4 * (rows + columns)))


def _above(block: np.ndarray, low: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """float64 (B,): each word's cost in the row (or column) chosen for it, less its least, `low` (B,)."""
    return block[np.arange(len(block)), chosen].astype(np.float64) - low


def _check_shapes(row_costs: Costs, column_costs: Costs) -> None:
    """Raise ValueError unless the words fill the table, but for the end of its last row."""
    for name, costs in (("row_costs", row_costs), ("column_costs", column_costs)):
        if len(costs.shape) != 2 or 0 in costs.shape:
            raise ValueError(f"{name} must be a matrix with a row for each word, not of shape {costs.shape}")
    (words, rows), columns = row_costs.shape, column_costs.shape[1]
    if column_costs.shape[0] != words:
        raise ValueError(f"row_costs has {words} words, column_costs {column_costs.shape[0]}")
    if not (rows - 1) * columns < words <= rows * columns:
        raise ValueError(
            f"{words} words do not fill a table of {rows} x {columns}: only its last row may be short"
        )


def _check_block(name: str, block: np.ndarray, part: slice, size: int) -> None:
    """Raise ValueError unless the costs of these words are floats, and as many as asked for."""
    if block.dtype not in (np.float32, np.float64):
        raise ValueError(f"{name} must be float32 or float64, not {block.dtype}")
    if block.shape != (part.stop - part.start, size):
        raise ValueError(f"{name}[{part.start}:{part.stop}] is of shape {block.shape}")


def _check_finite(name: str, block: np.ndarray, part: slice, low: np.ndarray, high: np.ndarray) -> None:
    """Raise ValueError at NaN or infinities, which show in the words' extremes."""
    finite = np.isfinite(low) & np.isfinite(high)
    if not finite.all():
        place = int(np.argmin(finite))
        column = int(np.argmin(np.isfinite(block[place])))
        raise ValueError(
            f"{name}[{part.start + place}, {column}] is {block[place, column]}: costs must be finite"
        )


def _check_table(current: np.ndarray, words: int) -> None:
    """Raise ValueError unless `current` holds each cell below `words` exactly once."""
    if current.shape != (words,) or current.dtype.kind not in "iu":
        raise ValueError(f"current must be {words} integers, not {current.dtype} of shape {current.shape}")
    outside = (current < 0) | (current >= words)
    if outside.any():
        word = int(np.argmax(outside))
        raise ValueError(f"current[{word}] is {current[word]}: usable cells are 0 to {words - 1}")
    repeated = np.ones(words, bool)
    repeated[np.unique(current, return_index=True)[1]] = False
    if repeated.any():
        word = int(np.argmax(repeated))
        raise ValueError(f"current[{word}] is {current[word]}, the cell of an earlier word")
