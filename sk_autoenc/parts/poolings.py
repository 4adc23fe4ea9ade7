"""Poolings: from the codes of a tree's nodes to one vector.

To add one: write a function and add a line to `POOLINGS`.

A pooling takes ``(codes, tree_start)``: the codes of the inner nodes of all trees, each
tree's in preorder (of a bare leaf, its own), of shape (n_nodes, n_components), and the
first row of each tree, of shape (n_trees,). It returns (n_trees, n_components).
"""

import numpy as np


def root(codes, tree_start):
    """Return the code of the root, the first in preorder."""
    return codes[tree_start]


def mean(codes, tree_start):
    """Return the mean code."""
    n_nodes = np.diff(tree_start, append=len(codes)).astype(codes.dtype)
    return total(codes, tree_start) / n_nodes[:, None]


def total(codes, tree_start):
    """Return the sum of the codes, which grows with the size of a tree."""
    return np.add.reduceat(codes, tree_start, axis=0)


def maximum(codes, tree_start):
    """Return the largest value of each entry."""
    return np.maximum.reduceat(codes, tree_start, axis=0)


POOLINGS = {"root": root, "mean": mean, "sum": total, "max": maximum}
