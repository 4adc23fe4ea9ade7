"""The matrix that networks learn from: standardised numbers, and a block a category."""

import numpy as np

from sk_autoenc.parts.plain import kept_plain
from sk_autoenc.tables.columns import as_numbers

FURTHEST = 1e6
"""Standard deviations from the mean that a number is taken to lie, at most."""


@kept_plain(fields=("columns",))
class Encoding:
    """How columns become the matrix that networks learn from, and what comes back.

    Encoded, the standardised numbers come first, then each category as a block of
    columns with 1 for its level. A level that was never seen is missing. "Entry" means
    that of a column of the table, in the order of the encoding.

    Parameters
    ----------
    columns : list of Column
        Those that are empty take no part.
    """

    def __init__(self, columns):
        self.columns = columns
        numbers, categories = [], []
        for k, column in enumerate(columns):
            if not column.is_empty:
                (numbers if column.levels is None else categories).append(k)
        self.numbers = numbers
        """Places of the columns of numbers in the table."""
        self.categories = categories
        self.n_levels = [len(columns[k].levels) for k in categories]
        widths = [1] * len(numbers) + self.n_levels
        self.column_of = np.repeat(np.arange(len(widths)), widths)
        """The entry that each encoded column belongs to."""
        self.block_start = np.cumsum([len(numbers), *self.n_levels])

    @property
    def places(self):
        """Places in the table of the columns, in the order of the encoding."""
        return [*self.numbers, *self.categories]

    def encode(self, table):
        """Return values, (n_rows, n_encoded), 0 where missing, and what is observed.

        Returns
        -------
        values : float32 array of shape (n_rows, n_encoded)
        observed : ndarray of bool, of shape (n_rows, n_entries)
        """
        values = np.zeros((table.n_rows, len(self.column_of)), np.float32)
        observed = ~table.missing[:, self.places]
        for entry, place in enumerate(self.numbers):
            column, seen = self.columns[place], observed[:, entry]
            numbers = as_numbers(column.name, table.columns[place][seen])
            with np.errstate(over="ignore"):
                standardised = (numbers - column.mean) / (column.scale or 1.0)
            values[seen, entry] = np.clip(standardised, -FURTHEST, FURTHEST)
        for block, place in enumerate(self.categories):
            entry = len(self.numbers) + block
            code = self._codes(place, table, observed[:, entry])
            observed[:, entry] = code >= 0
            rows = np.flatnonzero(code >= 0)
            values[rows, self.block_start[block] + code[rows]] = 1
        return values, observed

    def _codes(self, place, table, seen):
        """Return the number of each level of a category; -1: missing, or never seen."""
        number = {level: k for k, level in enumerate(self.columns[place].levels)}
        code = np.full(table.n_rows, -1)
        code[seen] = [
            number.get(level, -1) for level in table.columns[place][seen].tolist()
        ]
        return code

    def numbers_of(self, place, standardised):
        """Give standardised numbers of a column in its own units."""
        column = self.columns[place]
        return column.mean + column.scale * standardised.astype(np.float64)

    def blocks(self, values):
        """Yield of each category its place and its encoded columns."""
        for block, place in enumerate(self.categories):
            yield (
                place,
                values[:, self.block_start[block] : self.block_start[block + 1]],
            )
