"""Leaves that are met again: in other forests, tables and dtypes."""

from typing import NamedTuple

import numpy as np

from sk_autoenc.trees.labels import vector_labels
from sk_autoenc.trees.used import used_rows

COMPARED_ENTRIES = 2**17
"""Numbers of vectors that are compared at a time."""


def frequent_leaves(forest, min_count):
    """Find the leaf vectors that stand in several places.

    Beside the vectors that are found it takes some bytes for each row of the table.

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
    table = forest.leaf_table
    n_places = np.zeros(len(table), np.int32)
    for rows, counts in used_rows(forest):
        n_places[rows] = np.minimum(n_places[rows] + counts, min_count)
    is_found = may_be_repeated(table)
    is_found |= n_places >= min_count
    is_found &= n_places > 0
    rows = np.flatnonzero(is_found)
    _, first, number = np.unique(
        keys(table[rows]), return_index=True, return_inverse=True
    )
    total = np.bincount(number, n_places[rows])
    return table[np.sort(rows[first[total >= min_count]])]


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

    def made(self):
        """Return these."""
        return self

    def added(self, other):
        """Return the counts in the places of both."""
        other = other.made()
        vectors = np.concatenate([self.vectors, other.vectors])
        return self.of(vectors, np.concatenate([self.n_places, other.n_places]))

    def frequent(self, min_count):
        """Return the vectors that stand in so many places, at least."""
        return self.vectors[self.n_places >= min_count]


class CountsOfForest:
    """The `LeafCounts` of a forest, not made before they leave it.

    A forest may be larger than memory, but what is frequent in it can be told.
    """

    def __init__(self, forest):
        self.forest = forest

    def made(self):
        """Count, in the order of the table."""
        rows, n_places = np.unique(
            self.forest.leaf_row[self.forest.leaves], return_counts=True
        )
        return LeafCounts.of(self.forest.leaf_table[rows], n_places)

    def added(self, other):
        """Return the counts in the places of both."""
        return self.made().added(other)

    def frequent(self, min_count):
        """Return the vectors that stand in so many places, at least."""
        return frequent_leaves(self.forest, min_count)

    def __reduce__(self):
        return LeafCounts, tuple(self.made())


def may_be_repeated(table):
    """Tell which rows may be equal to another one in float32: all that are, few others.

    Parameters
    ----------
    table : ndarray of shape (n_rows, n_features)

    Returns
    -------
    bool array of shape (n_rows,)
    """
    labels = np.empty(len(table), np.uint64)
    for rows in blocks(table):
        labels[rows] = vector_labels(single(table[rows]))
    labels.sort()
    repeated = labels[1:][labels[1:] == labels[:-1]]
    del labels
    is_repeated = np.zeros(len(table), bool)
    for rows in blocks(table) if len(repeated) else ():
        own = vector_labels(single(table[rows]))
        place = np.minimum(repeated.searchsorted(own), len(repeated) - 1)
        is_repeated[rows] = repeated[place] == own
    return is_repeated


def knowing(forest, known):
    """Let a forest know which of its leaves are some vectors.

    Parameters
    ----------
    forest : Forest
    known : ndarray of shape (n_known, n_features)
        Distinct vectors.

    Returns
    -------
    forest : Forest
        The same trees; their `known_row` says it of each row of the table.
    """
    forest = forest._compact()
    return forest._trusted(
        forest.leaf_table,
        forest.tree_start,
        forest._columns,
        forest._is_finite,
        known_rows(forest.leaf_table, known),
    )


def known_rows(table, known):
    """Find vectors among known ones.

    Parameters
    ----------
    table : ndarray of shape (n_rows, n_features)
    known : ndarray of shape (n_known, n_features)
        Distinct vectors. A row is one of them if it is so in float32.

    Returns
    -------
    int32 array of shape (n_rows,)
        Which one each row is; -1: none.
    """
    known_row = np.full(len(table), -1, np.int32)
    if not len(known):
        return known_row
    known_keys = keys(known)
    order = known_keys.argsort().astype(np.int32)
    ordered = known_keys[order]
    for rows in blocks(table):
        own = keys(table[rows])
        place = ordered.searchsorted(own)
        place[place == len(known)] = 0
        known_row[rows] = np.where(ordered[place] == own, order[place], -1)
    return known_row


def blocks(table):
    """Cut a table into slices of rows that may be copied at a time."""
    step = max(1, COMPARED_ENTRIES // table.shape[1])
    return [slice(first, first + step) for first in range(0, len(table), step)]


def keys(vectors):
    """Make one sortable item of each row: its bytes in float32, -0 as 0."""
    rows = single(vectors)
    return rows.view(np.dtype((np.void, rows.dtype.itemsize * rows.shape[1])))[:, 0]


def single(vectors):
    """Give rows in float32, -0 as 0."""
    with np.errstate(over="ignore"):
        return np.ascontiguousarray(vectors, np.float32) + np.float32(0)
