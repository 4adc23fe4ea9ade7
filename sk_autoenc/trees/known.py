"""Leaves that are met again: in other forests, tables and dtypes."""

from typing import NamedTuple

import numpy as np

from sk_autoenc.trees.forest import Forest
from sk_autoenc.trees.nodes import Columns


class LeafCounts(NamedTuple):
    """In how many places each of some leaf vectors stands."""

    vectors: np.ndarray
    """(n_vectors, n_features), each once: two are one if they are so in float32."""
    n_places: np.ndarray
    """(n_vectors,)."""

    @classmethod
    def of(cls, vectors, n_places):
        """Count vectors that may come several times, in the order they come in."""
        _, first, number = np.unique(
            keys(vectors), return_index=True, return_inverse=True
        )
        order = first.argsort()
        total = np.bincount(number, n_places).astype(np.intp)
        return cls(vectors[first[order]], total[order])

    @classmethod
    def of_forest(cls, forest):
        """Count the leaf vectors of a forest, in the order of its table."""
        rows, n_places = np.unique(forest.leaf_row[forest.leaves], return_counts=True)
        return cls.of(forest.leaf_table[rows], n_places)

    def added(self, other):
        """Return the counts in the places of both."""
        return self.of(
            *(np.concatenate(pair) for pair in zip(self, other, strict=True))
        )

    def frequent(self, min_count):
        """Return the vectors that stand in so many places, at least."""
        return self.vectors[self.n_places >= min_count]


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
    leaves = forest.leaves
    used, row = np.unique(forest.leaf_row[leaves], return_inverse=True)
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
    stacked = forest._stacked.copy()
    Columns(*stacked).leaf_row[leaves] = new_row[row]
    table = np.concatenate([known.astype(forest.dtype), vectors[~is_known]])
    return Forest._trusted(table, forest.tree_start, stacked, forest._is_finite)


def keys(vectors):
    """Make one sortable item of each row: its bytes in float32, -0 as 0."""
    with np.errstate(over="ignore"):
        rows = np.ascontiguousarray(vectors, np.float32) + np.float32(0)
    return rows.view(np.dtype((np.void, rows.dtype.itemsize * rows.shape[1])))[:, 0]
