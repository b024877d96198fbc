"""The word table: each word in a cell of its own (paper section 3.1)."""

import numpy as np


class WordTable:
    """|V| words in the first |V| cells, row-major, of a table of ceil(sqrt|V|) columns.

    No row is empty, and only the last can be short, so a distribution over rows and, with the
    last row's missing columns masked out, one over columns multiply to one over words.

    Attributes:
        cells: int32 (V,), the cell row * columns + column of each word.
        columns: ceil(sqrt|V|).
        rows: ceil(|V| / columns).
    """

    def __init__(self, cells: np.ndarray) -> None:
        """Take a permutation of range(V). Raises ValueError, naming an offender, where it is none."""
        cells = np.asarray(cells, dtype=np.int32)
        size = len(cells)
        inside = (cells >= 0) & (cells < size)
        counts = np.bincount(cells[inside], minlength=size)
        if np.any(counts != 1):
            offender = next(c for c in cells if not 0 <= c < size or counts[c] != 1)
            raise ValueError(f"not one cell a word: cell {offender} is out of range or taken twice")
        self.cells = cells
        self.columns, self.rows = table_shape(size)

    @classmethod
    def random(cls, size: int, seed: int) -> "WordTable":
        """A table of `size` words in random order: where the paper starts (section 3.3)."""
        return cls(np.random.RandomState(seed).permutation(size))

    @classmethod
    def of_places(cls, row_of: np.ndarray, column_of: np.ndarray) -> "WordTable":
        """Each word in this row and column, (V,) both. Raises ValueError where two have one place."""
        columns, _ = table_shape(len(row_of))
        return cls(row_of * columns + column_of)

    @classmethod
    def of_rows(cls, row_of: np.ndarray, ranks: np.ndarray) -> "WordTable":
        """The words of each row, (V,), in its cells from the left, those with the least of `ranks` first."""
        cells = np.empty(len(row_of), np.int32)
        cells[np.lexsort((ranks, row_of))] = np.arange(len(row_of))  # for rows are full, but for the last
        return cls(cells)

    def __len__(self) -> int:
        return len(self.cells)

    @property
    def row_of(self) -> np.ndarray:
        """int32 (V,): each word's row."""
        return self.cells // self.columns

    @property
    def column_of(self) -> np.ndarray:
        """int32 (V,): each word's column."""
        return self.cells % self.columns

    @property
    def last_row_length(self) -> int:
        """How many usable cells the last row has."""
        return len(self) - (self.rows - 1) * self.columns

    def words(self) -> np.ndarray:
        """int32 (rows, columns): the word in each cell, -1 where the last row has none."""
        grid = np.full(self.rows * self.columns, -1, dtype=np.int32)
        grid[self.cells] = np.arange(len(self), dtype=np.int32)
        return grid.reshape(self.rows, self.columns)


def table_shape(size: int) -> tuple[int, int]:
    """(columns, rows) of the table for `size` words: ceil(sqrt|V|) and ceil(|V| / columns)."""
    columns = int(np.ceil(np.sqrt(size)))
    return columns, -(-size // columns)
