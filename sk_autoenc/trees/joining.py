"""Joining forests."""

import numpy as np

from sk_autoenc.trees.nodes import Columns, starts


def join(forests):
    """Join forests, one after the other, storing a table that several share once.

    Parameters
    ----------
    forests : list of Forest
        At least one, with leaves of one length.

    Returns
    -------
    leaf_table, tree_start, stacked : ndarray
        As for `Forest`.

    Raises
    ------
    ValueError
        There are more distinct leaves than int32 numbers.
    """
    tables = {id(forest.leaf_table): forest.leaf_table for forest in forests}
    table_start = starts(np.array([len(table) for table in tables.values()]))
    if table_start[-1] > np.iinfo(np.int32).max:
        raise ValueError(
            f"{table_start[-1]} distinct leaves are more than int32 numbers"
        )
    first_row = dict(zip(tables, table_start.tolist(), strict=False))
    table = next(iter(tables.values()))
    if len(tables) > 1:
        table = np.concatenate(list(tables.values()))
    stacked = np.concatenate([forest._stacked for forest in forests], axis=1)
    shift = np.repeat(
        np.array([first_row[id(f.leaf_table)] for f in forests], dtype=np.int32),
        [len(f.leaf_row) for f in forests],
    )
    leaf_row = Columns(*stacked).leaf_row
    np.add(leaf_row, shift, out=leaf_row, where=leaf_row >= 0)
    n_nodes = np.concatenate([forest.n_nodes for forest in forests])
    return table, starts(n_nodes), stacked
