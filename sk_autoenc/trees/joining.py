"""Joining forests."""

from collections.abc import Iterable

import numpy as np

from sk_autoenc.trees.arrays import NodeArrays
from sk_autoenc.trees.nodes import Columns, row_dtype, starts


def each_forest(forests, what):
    """Go through forests, and refuse what is none.

    Parameters
    ----------
    forests : object
        As a user passes it.
    what : str
        What is done to them.

    Yields
    ------
    forest : Forest
    """
    if isinstance(forests, NodeArrays):
        raise TypeError(f"forests to {what} are several: pass a list of Forest")
    if not isinstance(forests, Iterable):
        raise TypeError(
            f"forests to {what} must be a list of Forest, not "
            f"{type(forests).__name__!r}"
        )
    for number, forest in enumerate(forests):
        if not isinstance(forest, NodeArrays):
            raise TypeError(
                f"forest {number} to {what} is of type {type(forest).__name__!r}, "
                "expected a Forest"
            )
        yield forest


def join(forests):
    """Join forests, one after the other, storing a table that several share once.

    Parameters
    ----------
    forests : list of Forest
        At least one, with leaves of one length.

    Returns
    -------
    leaf_table, tree_start : ndarray
        As for `Forest`.
    columns : Columns
    """
    tables = {id(forest.leaf_table): forest.leaf_table for forest in forests}
    table_start = starts(np.array([len(table) for table in tables.values()]))
    first_row = dict(zip(tables, table_start.tolist(), strict=False))
    table = next(iter(tables.values()))
    if len(tables) > 1:
        table = np.concatenate(list(tables.values()))
    columns = Columns(
        np.concatenate(
            [shifted_rows(f, first_row[id(f.leaf_table)], len(table)) for f in forests]
        ),
        *map(np.concatenate, zip(*[f._columns[1:] for f in forests], strict=True)),
    )
    n_nodes = np.concatenate([forest.n_nodes for forest in forests])
    return table, starts(n_nodes), columns


def shifted_rows(forest, first_row, n_rows):
    """Give `leaf_row` for a table of `n_rows` where a forest's own begins at a row."""
    leaf_row = forest.leaf_row.astype(row_dtype(n_rows))
    return np.add(leaf_row, first_row, out=leaf_row, where=leaf_row >= 0)
