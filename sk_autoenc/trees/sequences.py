"""Sequences of leaf vectors, and binary trees over them."""

from itertools import chain
from typing import NamedTuple

import numpy as np

from sk_autoenc.trees.containers import is_kind, own_items
from sk_autoenc.trees.forest import Forest
from sk_autoenc.trees.leaves import table_of_leaves
from sk_autoenc.trees.nodes import Columns, row_dtype, starts
from sk_autoenc.trees.vectors import any_is_sized, as_array


class Sequences(NamedTuple):
    """Sequences of leaf vectors."""

    table: np.ndarray
    """The distinct leaf vectors, (n_distinct_leaves, n_features)."""
    rows: np.ndarray
    """The row of each vector, one sequence after the other, (n_leaves,) int."""
    lengths: np.ndarray
    """(n_sequences,) int64."""


def read_sequences(X):
    """Read sequences of vectors: lists of them, or 2-D arrays.

    Parameters
    ----------
    X : list of sequences

    Returns
    -------
    Sequences

    Raises
    ------
    ValueError
        A sequence is none, or a vector is wrong; the message says which.
    """
    sequences = [list_vectors(sequence, number) for number, sequence in enumerate(X)]
    lengths = np.array([len(vectors) for vectors in sequences], dtype=np.int64)
    start = starts(lengths)

    def where(number):
        sequence = int(np.searchsorted(start, number, side="right")) - 1
        return f"sequence {sequence}, vector {number - start[sequence]}"

    leaves = list(chain.from_iterable(sequences))
    table, rows = table_of_leaves(leaves, None, where)
    return Sequences(table, rows, lengths)


def list_vectors(sequence, number):
    """List the vectors of one sequence, or refuse it."""
    expected = "expected a 2-D array or a list of vectors of numbers"
    if is_kind(sequence, list, tuple):
        vectors = [
            plain_vector(vector, f"sequence {number}, vector {place}")
            for place, vector in enumerate(own_items(sequence))
        ]
    else:
        array = as_array(sequence, f"sequence {number}")
        if array.ndim != 2:
            what = f"{array.ndim} dimensions" if array.ndim else type(sequence).__name__
            raise ValueError(f"sequence {number}: {expected}, got {what}")
        vectors = list(array)
    if not vectors:
        raise ValueError(f"sequence {number} is empty; at least one vector is needed")
    return vectors


def plain_vector(vector, where):
    """Give a tuple of numbers as a list; here it is a row, and no inner node."""
    if not is_kind(vector, tuple):
        return vector
    numbers = list(own_items(vector))
    if not numbers or any_is_sized(numbers):
        raise ValueError(
            f"{where} is an inner node of a tree; pass trees, whose leaves are to be "
            "the sequences, as Forest.from_nested(trees)"
        )
    return numbers


def leaves_in_order(forest):
    """Give the leaves of each tree as a sequence: what `read_sequences` gives."""
    rows = forest.leaf_row[forest.leaves]
    return Sequences(forest.leaf_table, rows, forest.n_leaves)


def balanced_spans(lengths):
    """Halve sequences, and the halves, until one leaf is left; the left half is longer.

    Parameters
    ----------
    lengths : int64 array of shape (n_sequences,)

    Returns
    -------
    start, stop, height : int64 arrays of shape (n_leaves,)
        Of the inner node whose right part begins at that leaf: its first leaf, the
        first one after it, and its height. Means nothing at the first leaf of a
        sequence.
    """
    bounds = starts(lengths)
    spans = np.zeros((3, bounds[-1]), np.int64)
    start, stop = bounds[:-1], bounds[1:]
    while len(start):
        is_inner = stop - start > 1
        start, stop = start[is_inner], stop[is_inner]
        middle = start + (stop - start + 1) // 2
        height = np.ceil(np.log2(np.maximum(stop - start, 1))).astype(np.int64)
        spans[:, middle] = start, stop, height
        start, stop = np.append(start, middle), np.append(middle, stop)
    return tuple(spans)


def forest_of_spans(sequences, spans, is_finite=True):
    """Make a forest of binary trees over sequences.

    Parameters
    ----------
    sequences : Sequences
    spans : (start, stop, height)
        As `balanced_spans` gives them.
    is_finite : bool, default=True
        Whether all leaves are known to be.

    Returns
    -------
    Forest
    """
    table, rows, lengths = sequences
    n_leaves = len(rows)
    is_boundary = np.ones(n_leaves, bool)
    is_boundary[starts(lengths)[:-1]] = False
    start, stop, height = (values[is_boundary] for values in spans)
    leaf = np.arange(n_leaves)
    starting, stopping = np.append(start, leaf), np.append(stop, leaf + 1)
    # In preorder a node stands before all that begins where it begins, but is shorter.
    order = np.lexsort((-stopping, starting))
    is_inner = order < len(start)
    leaf_row = np.append(np.full(len(start), -1), rows)[order]
    others = np.zeros((len(Columns._fields) - 1, len(order)), np.int32)
    columns = Columns(leaf_row.astype(row_dtype(len(table))), *others)
    columns.n_children[:] = 2 * is_inner
    columns.height[:] = np.append(height, np.zeros(n_leaves, np.int64))[order]
    columns.size[:] = (2 * (stopping - starting) - 1)[order]
    tree_start = starts(2 * lengths - 1)
    put_below_parents(columns, np.flatnonzero(is_inner), tree_start)
    return Forest._trusted(table, tree_start, columns, is_finite)


def put_below_parents(columns, inner, tree_start):
    """Write parents, ranks and depths of binary trees whose sizes are known."""
    left = inner + 1
    right = left + columns.size[left]
    first = np.repeat(tree_start[:-1], np.diff(tree_start))
    columns.parent[tree_start[:-1]] = -1
    for child in (left, right):
        columns.parent[child] = inner - first[inner]
    columns.child_rank[right] = 1
    # A node is as deep as there are inner nodes that begin before and end after it.
    opened = np.bincount(left, minlength=len(first) + 1)
    closed = np.bincount(inner + columns.size[inner], minlength=len(first) + 1)
    columns.depth[:] = np.cumsum(opened - closed)[:-1]
