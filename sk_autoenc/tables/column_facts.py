"""What columns hold, learned of parts of a table and added up."""

from functools import reduce
from typing import Any, NamedTuple, Self

import numpy as np

from sk_autoenc.tables.columns import (
    Column,
    are_categories,
    count_levels,
    describe_levels,
    learn_numbers,
)


class NumberFacts(NamedTuple):
    """What is known of a column of numbers."""

    column: Column
    n_observed: int

    @classmethod
    def of(cls, name, observed):
        """Look at the observed entries of a part."""
        return cls(learn_numbers(name, observed), len(observed))

    def added(self, other: Self) -> Self:
        """Return what is known of both parts together.

        Mean and variance of parts add up as by Chan, Golub, LeVeque, 1979. Numbers are
        measured in the largest of what is there, whose square is a number.
        """
        if not other.n_observed:
            return self
        if not self.n_observed:
            return other
        one, two = self.column, other.column
        n_observed = self.n_observed + other.n_observed
        share = other.n_observed / n_observed
        is_whole = one.is_whole and two.is_whole
        size = max(abs(one.mean), abs(two.mean), one.scale, two.scale)
        if one.mean == two.mean and one.scale == two.scale == 0:
            return type(self)(one._replace(is_whole=is_whole), n_observed)
        between = two.mean / size - one.mean / size
        mean = size * (one.mean / size + share * between)
        within = (1 - share) * (one.scale / size) ** 2 + share * (two.scale / size) ** 2
        scale = size * float(np.sqrt(within + share * (1 - share) * between**2))
        column = one._replace(mean=mean, scale=scale, is_whole=is_whole)
        return type(self)(column, n_observed)

    def described(self):
        """Return the column."""
        return self.column


class CategoryFacts(NamedTuple):
    """What is known of a column of levels."""

    name: str
    counts: dict[Any, int]
    """Of each level, in the order in which they come."""

    @classmethod
    def of(cls, name, observed):
        """Look at the observed entries of a part."""
        return cls(name, count_levels(name, observed))

    def added(self, other: Self) -> Self:
        """Return what is known of both parts together."""
        counts = dict(self.counts)
        for level, count in other.counts.items():
            counts[level] = counts.get(level, 0) + count
        return self._replace(counts=counts)

    def described(self):
        """Return the column."""
        return describe_levels(self.name, self.counts)


class TableFacts(NamedTuple):
    """What is known of a table, or of a part of one."""

    n_rows: int
    columns: list[Any]
    has_holes: np.ndarray
    """bool, (n_columns,)."""

    @classmethod
    def of(cls, is_category, table):
        """Look at a part; `is_category` says it of each column."""
        kinds = [CategoryFacts if each else NumberFacts for each in is_category]
        columns = [
            kind.of(table.names[k], table.observed(k)) for k, kind in enumerate(kinds)
        ]
        return cls(table.n_rows, columns, table.missing.any(axis=0))

    def added(self, other: Self) -> Self:
        """Return what is known of both parts together."""
        pairs = zip(self.columns, other.columns, strict=True)
        columns = [one.added(two) for one, two in pairs]
        has_holes = self.has_holes | other.has_holes
        return type(self)(self.n_rows + other.n_rows, columns, has_holes)

    def described(self):
        """Return the columns; one without an observed entry is `Column.is_empty`."""
        return [column.described() for column in self.columns]


def facts_of_parts(each, categorical_features):
    """Look at all parts of a table.

    Parameters
    ----------
    each : callable
        ``each(function)`` -> list of ``function(table)`` of the parts.
    categorical_features : object
        The parameter of that name.

    Returns
    -------
    facts : TableFacts
    """
    said = each(CategoriesOf(categorical_features))
    is_category = np.any(said, axis=0).tolist()
    parts = each(FactsOf(is_category))
    return reduce(lambda one, other: one.added(other), parts)


class CategoriesOf(NamedTuple):
    """Tells which columns of a part are categories; can be sent to where it is."""

    categorical_features: Any

    def __call__(self, table):
        """Ask the types and values."""
        return are_categories(table, self.categorical_features)


class FactsOf(NamedTuple):
    """Looks at a part; can be sent to where it is."""

    is_category: list[bool]

    def __call__(self, table):
        """Look."""
        return TableFacts.of(self.is_category, table)
