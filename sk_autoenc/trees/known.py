"""Leaves that are met again: in other forests, tables and dtypes."""

import numpy as np

from sk_autoenc.trees.forest import Forest
from sk_autoenc.trees.nodes import row_dtype
from sk_autoenc.trees.used import used_rows


def frequent_leaves(forest, min_count):
    """Find the leaf vectors that stand in several places.

    Parameters
    ----------
    forest : Forest
    min_count : int
        In how many, at least.

    Returns
    -------
    vectors : ndarray of shape (n_frequent, n_features)
        Each once, in the order of their rows in the table.
    """
    forest = forest._compact()
    n_places = np.zeros(len(forest.leaf_table), np.int64)
    for used, counts in used_rows(forest):
        n_places[used] += counts
    rows = np.flatnonzero(n_places)
    counts = n_places[rows]
    _, first, number = np.unique(
        keys(forest.leaf_table[rows]), return_index=True, return_inverse=True
    )
    total = np.bincount(number, counts)
    return forest.leaf_table[np.sort(rows[first[total >= min_count]])]


def with_known_leaves(forest, known):
    """Give known leaf vectors the first rows of a forest's table.

    Parameters
    ----------
    forest : Forest
    known : ndarray of shape (n_known, n_features)
        Distinct vectors. A leaf is one of them if it is so in float32.

    Returns
    -------
    forest : Forest
        The same trees. Row k of its table is ``known[k]`` for all k < n_known.
    """
    if not len(known):
        return forest
    forest = forest._compact()
    is_used = np.zeros(len(forest.leaf_table), bool)
    for rows, _ in used_rows(forest):
        is_used[rows] = True
    used = np.flatnonzero(is_used)
    vectors = forest.leaf_table[used]
    known_keys = keys(known)
    order = known_keys.argsort()
    own_keys = keys(vectors)
    place = known_keys[order].searchsorted(own_keys)
    place[place == len(known)] = 0
    found = order[place]
    is_known = known_keys[found] == own_keys
    new_row = np.empty(len(used), np.int64)
    new_row[is_known] = found[is_known]
    new_row[~is_known] = len(known) + np.arange(np.count_nonzero(~is_known))
    with np.errstate(over="ignore"):
        table = np.concatenate([known.astype(forest.dtype), vectors[~is_known]])
    columns = renumbered(forest, used, new_row, len(table))
    return Forest._trusted(table, forest.tree_start, columns, forest._is_finite)


def renumbered(forest, used, new_row, n_rows):
    """Give the columns with other rows in the place of those that are used."""
    by_row = np.full(len(forest.leaf_table), -1, row_dtype(n_rows))
    by_row[used] = new_row
    leaf_row = np.empty(len(forest.leaf_row), by_row.dtype)
    # -1, of inner nodes, reads the last row, and is put back.
    by_row.take(forest.leaf_row, out=leaf_row, mode="wrap")
    leaf_row[forest.leaf_row < 0] = -1
    return forest._columns._replace(leaf_row=leaf_row)


def keys(vectors):
    """Make one sortable item of each row: its bytes in float32, -0 as 0."""
    with np.errstate(over="ignore"):
        rows = np.ascontiguousarray(vectors, np.float32) + np.float32(0)
    return rows.view(np.dtype((np.void, rows.dtype.itemsize * rows.shape[1])))[:, 0]
