"""Leaves that are met again: in other forests, tables and dtypes."""

import numpy as np

from sk_autoenc.trees.forest import Forest
from sk_autoenc.trees.nodes import Columns


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
    rows, counts = np.unique(forest.leaf_row[forest.leaves], return_counts=True)
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
    leaves = forest.leaves
    used, row = np.unique(forest.leaf_row[leaves], return_inverse=True)
    vectors = forest.leaf_table[used]
    known_keys = keys(known)
    order = known_keys.argsort()
    own_keys = keys(vectors)
    place = known_keys[order].searchsorted(own_keys)
    place[place == len(known)] = 0
    found = order[place]
    is_known = (
        known_keys[found] == own_keys if len(known) else np.zeros(len(used), bool)
    )
    new_row = np.empty(len(used), np.int64)
    new_row[is_known] = found[is_known]
    new_row[~is_known] = len(known) + np.arange(np.count_nonzero(~is_known))
    stacked = forest._stacked.copy()
    Columns(*stacked).leaf_row[leaves] = new_row[row]
    table = np.concatenate([known.astype(forest.dtype), vectors[~is_known]])
    return Forest._trusted(table, forest.tree_start, stacked, forest._is_finite)


def keys(vectors):
    """Make one sortable item of each row: its bytes in float32, -0 as 0."""
    with np.errstate(over="ignore"):
        rows = np.ascontiguousarray(vectors, np.float32) + np.float32(0)
    return rows.view(np.dtype((np.void, rows.dtype.itemsize * rows.shape[1])))[:, 0]
