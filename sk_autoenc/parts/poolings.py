"""Poolings: from the codes of a tree's nodes to one vector, and back.

To add one: write value and gradient and add a line to `POOLINGS`.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np


class Pooling(NamedTuple):
    """How the codes of a tree become one vector."""

    value: Callable
    """``value(codes, tree_start)``: of the codes of the inner nodes of all trees, each
    tree's in preorder (of a bare leaf, its own), of shape (n_nodes, n_components), and
    the first row of each tree, of shape (n_trees,), makes (n_trees, n_components)."""
    gradient: Callable
    """``gradient(delta, codes, pooled, tree_start)``: of dL/dpooled makes dL/dcodes, of
    the shape of `codes`."""


def root(codes, tree_start):
    """Return the code of the root, the first in preorder."""
    return codes[tree_start]


def root_gradient(delta, codes, pooled, tree_start):
    """Give all to the root."""
    result = np.zeros_like(codes)
    result[tree_start] = delta
    return result


def mean(codes, tree_start):
    """Return the mean code."""
    return total(codes, tree_start) / counts(codes, tree_start)


def mean_gradient(delta, codes, pooled, tree_start):
    """Give each node an equal part."""
    shares = delta / counts(codes, tree_start)
    return total_gradient(shares, codes, pooled, tree_start)


def total(codes, tree_start):
    """Return the sum of the codes, which grows with the size of a tree."""
    return np.add.reduceat(codes, tree_start, axis=0)


def total_gradient(delta, codes, pooled, tree_start):
    """Give all to each node."""
    return np.repeat(delta, np.diff(tree_start, append=len(codes)), axis=0)


def maximum(codes, tree_start):
    """Return the largest value of each entry."""
    return np.maximum.reduceat(codes, tree_start, axis=0)


def maximum_gradient(delta, codes, pooled, tree_start):
    """Give all to the node with the largest value, in equal parts if there are more."""
    n_nodes = np.diff(tree_start, append=len(codes))
    is_largest = (codes == np.repeat(pooled, n_nodes, axis=0)).astype(codes.dtype)
    shares = delta / total(is_largest, tree_start)
    return is_largest * np.repeat(shares, n_nodes, axis=0)


def counts(codes, tree_start):
    """Count the nodes of each tree, (n_trees, 1)."""
    return np.diff(tree_start, append=len(codes)).astype(codes.dtype)[:, None]


POOLINGS = {
    "root": Pooling(root, root_gradient),
    "mean": Pooling(mean, mean_gradient),
    "sum": Pooling(total, total_gradient),
    "max": Pooling(maximum, maximum_gradient),
}
