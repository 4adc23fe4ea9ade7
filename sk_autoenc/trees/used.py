"""What the leaves of a forest have, a part of the forest at a time."""

import numpy as np

from sk_autoenc.trees.nodes import parts


def used_rows(forest):
    """Go through the rows of the table that leaves have.

    Parameters
    ----------
    forest : Forest

    Yields
    ------
    rows : int array of shape (n_used,)
        Those of one part of the trees, ascending. Another part may have the same.
    counts : int array of shape (n_used,)
        How many leaves of the part have each.
    """
    for first, last in parts(forest):
        part = forest._between(first, last)
        yield np.unique(part.leaf_row[part.leaves], return_counts=True)


def leaf_range(forest):
    """Give the least and the greatest value of each feature of leaves.

    Parameters
    ----------
    forest : Forest
        Of at least one tree.

    Returns
    -------
    smallest, largest : ndarray of shape (n_features,)
    """
    smallest, largest = np.array([[np.inf], [-np.inf]], forest.dtype)
    # A part of a forest shares its table: not every row of it is a leaf here.
    for rows, _ in used_rows(forest):
        vectors = forest.leaf_table[rows]
        smallest = np.minimum(smallest, vectors.min(axis=0))
        largest = np.maximum(largest, vectors.max(axis=0))
    return smallest, largest


def sum_of_squares(forest):
    """Sum the squares of the entries of all leaves' vectors, in float64.

    Parameters
    ----------
    forest : Forest

    Returns
    -------
    float
    """
    total = 0.0
    for rows, counts in used_rows(forest):
        vectors = forest.leaf_table[rows]
        total += np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64) @ counts
    return float(total)
