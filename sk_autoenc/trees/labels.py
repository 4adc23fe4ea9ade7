"""Labels of subtrees: two nodes have one label if what is below them is equal.

Labels are 64-bit hashes of the numbers themselves, so that they are the same in every
process, forest and table. Integer arithmetic of arrays wraps around.
"""

import numpy as np

from sk_autoenc.trees.nodes import parents, starts

INCREMENT = np.uint64(0x9E3779B97F4A7C15)
MULTIPLIERS = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
SHIFTS = np.uint64(30), np.uint64(27), np.uint64(31)
MIXED_ENTRIES = 2**20
"""Entries of a leaf table that are mixed at a time."""
INNER, PATH = (np.uint64(salt) for salt in (0xA5A5, 0x5A5A))
"""Keep labels of inner nodes from those of leaves, and paths from subtrees."""


def mix(numbers):
    """Spread numbers over all 64 bits, each to one of its own.

    The finaliser of SplitMix64 [1]_.

    Parameters
    ----------
    numbers : uint64 array

    Returns
    -------
    mixed : uint64 array
        A new one.

    References
    ----------
    .. [1] G. L. Steele, D. Lea, C. H. Flood, "Fast splittable pseudorandom number
       generators", OOPSLA 2014. doi:10.1145/2660193.2660195
    """
    numbers = numbers + INCREMENT
    for shift, multiplier in zip(SHIFTS, MULTIPLIERS, strict=False):
        numbers ^= numbers >> shift
        numbers *= multiplier
    numbers ^= numbers >> SHIFTS[-1]
    return numbers


def vector_labels(table):
    """Label vectors by their values as float64; 0.0 and -0.0 are one.

    Parameters
    ----------
    table : ndarray of shape (n_vectors, n_features), float32 or float64

    Returns
    -------
    labels : uint64 array of shape (n_vectors,)
    """
    n_rows, n_features = table.shape
    labels = np.empty(n_rows, np.uint64)
    columns = mix(np.arange(n_features, dtype=np.uint64))
    step = max(1, MIXED_ENTRIES // n_features)
    for first in range(0, n_rows, step):
        rows = slice(first, first + step)
        bits = (table[rows].astype(np.float64) + 0.0).view(np.uint64)
        labels[rows] = mix(mix(bits ^ columns).sum(axis=1, dtype=np.uint64))
    return labels


def leaf_labels(forest):
    """Label the leaves of a forest, each row of its table once.

    Returns
    -------
    labels : uint64 array of shape (n_leaves,)
        In leaf order.
    """
    rows = forest.leaf_row[forest.leaves]
    is_used = np.zeros(len(forest.leaf_table), bool)
    is_used[rows] = True
    by_row = np.empty(len(is_used), np.uint64)
    by_row[is_used] = vector_labels(forest.leaf_table[is_used])
    return by_row[rows]


class Families:
    """The children of a forest's inner nodes, side by side and in their order."""

    def __init__(self, forest):
        self.parents = np.flatnonzero(forest.n_children)
        self.n_children = forest.n_children[self.parents]
        is_child = forest.parent >= 0
        place = starts(forest.n_children)[parents(forest)[is_child]]
        place += forest.child_rank[is_child]
        self.children = np.empty(len(place), np.intp)
        self.children[place] = np.flatnonzero(is_child)

    def only(self, chosen):
        """Drop the families that are not chosen."""
        part = object.__new__(Families)
        part.parents, part.n_children = self.parents[chosen], self.n_children[chosen]
        part.children = self.children[np.repeat(chosen, self.n_children)]
        return part

    def sums(self, values):
        """Sum the values of each family's children."""
        return np.add.reduceat(values, starts(self.n_children)[:-1])


def own_labels(forest, inner_labels):
    """Label every node by itself alone: round 0 of Eq. (70).

    Parameters
    ----------
    forest : Forest
    inner_labels : {"first_leaf", "arity", "one"}
        What tells inner nodes apart: their first child if that is a leaf, their numbers
        of children, nothing.

    Returns
    -------
    labels : uint64 array of shape (n_nodes,)
    """
    labels = np.empty(len(forest.size), np.uint64)
    labels[forest.leaves] = leaf_labels(forest)
    nodes = np.flatnonzero(forest.n_children)
    inner = np.zeros(len(nodes), np.uint64)
    if inner_labels == "arity":
        inner += forest.n_children[nodes].astype(np.uint64)
    elif inner_labels == "first_leaf":
        first = nodes + 1  # in preorder
        is_leaf = forest.n_children[first] == 0
        inner[is_leaf] = labels[first[is_leaf]]
    labels[nodes] = mix(inner ^ INNER)
    return labels


def subtree_labels(forest, own, n_rounds, ordered):
    """Label the subtrees of all nodes, cut at depth 0, 1, ...: Eq. (70).

    A subtree that ends above the cut is one of an earlier round, and is not given
    again.

    Parameters
    ----------
    forest : Forest
    own : uint64 array of shape (n_nodes,)
        From `own_labels`.
    n_rounds : int
    ordered : bool
        Whether subtrees differ whose children stand in another order.

    Yields
    ------
    nodes : intp array of shape (n_cut,)
        Those of at least the round's height, ascending.
    labels : uint64 array of shape (n_cut,)
    """
    yield np.arange(len(own)), own
    if n_rounds == 0:
        return
    families, labels = Families(forest), own.copy()
    salt = mix(forest.child_rank.astype(np.uint64) * np.uint64(ordered))
    for n_round in range(1, n_rounds + 1):
        families = families.only(forest.height[families.parents] >= n_round)
        nodes, children = families.parents, families.children
        if len(nodes) == 0:
            return
        sums = families.sums(mix(labels[children] ^ salt[children]))
        labels[nodes] = mix(sums + own[nodes])
        yield nodes, labels[nodes]


def path_labels(forest, own, n_ancestors):
    """Label the ways from all nodes up to the n-th ancestor, n = 1, 2, ...: Eq. (71).

    Parameters
    ----------
    forest : Forest
    own : uint64 array of shape (n_nodes,)
        From `own_labels`.
    n_ancestors : int

    Yields
    ------
    nodes : intp array of shape (n_deep,)
        Those of at least that depth, ascending.
    labels : uint64 array of shape (n_deep,)
    """
    parent, labels = parents(forest), own ^ PATH
    for n in range(1, n_ancestors + 1):
        nodes = np.flatnonzero(forest.depth >= n)
        if len(nodes) == 0:
            return
        labels = mix(own + mix(labels[parent]))
        yield nodes, labels[nodes]
