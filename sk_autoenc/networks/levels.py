"""The structure of a batch of trees, prepared once, so that passes run by level.

The inner nodes are numbered by depth, so that a level is a slice and every child of a
level is in the next slice; leaves keep the trees' order, apart from them. Both ways,
roots down and leaves up, a pass goes by depth: the levels are as many as by height, and
one numbering serves all four passes of a gradient.

What the children do to their parents is a sparse matrix, the blend of Eq. (21): with
``halves`` of shape (2 * n_parents, n), whose rows 2p and 2p + 1 are the left and right
half of parent p, ``spread @ halves`` is (1 - alpha) left + alpha right for each child,
and ``gather @ values`` with ``gather = spread.T`` is [s_L | s_R] of each parent.
"""

from typing import NamedTuple

import numpy as np
from scipy.sparse import csc_array, csr_array

from sk_autoenc.trees.nodes import Nodes, below, between, parents, runs, starts

BLOCK_ENTRIES = 1_500_000
"""Large batches are cut into blocks of this many nodes x components, which stay in
cache, and keep the memory that the subtrees of all nodes take bounded."""
DENSE_BLEND_SIZE = 2048
"""A blend of at most this many parents times children is a dense matrix: a product
with it takes no longer than with a sparse one, and making it takes a tenth."""


class Level(NamedTuple):
    """The inner nodes of one depth, those with an inner child first."""

    nodes: slice
    parents: slice
    """Those with an inner child."""
    children: slice
    """The next level, all of it."""
    spread: np.ndarray | csr_array | None
    """(n_children, 2 * n_parents): parents' halves -> children. None: no children."""
    gather: np.ndarray | csc_array | None
    """Its transpose: children -> parents' sums."""


class Levels(NamedTuple):
    """A batch of trees, ready for passes up and down."""

    nodes: Nodes
    levels: list[Level]
    """From the roots down."""
    leaf_spread: csr_array
    """(n_leaves, 2 * n_inner): parents' halves -> leaves; a bare leaf gets 0."""
    leaf_gather: csc_array
    """Its transpose."""
    order: np.ndarray
    """(n_nodes,) int: the inner nodes by level, then the leaves, as positions in
    `nodes`."""
    position: np.ndarray
    """(n_nodes,) int: the inverse of `order`."""
    root_trees: np.ndarray
    """(n_roots,) int: the tree of each root that is an inner node, by level."""
    bare_trees: np.ndarray
    """(n_bare,) int: the trees that are one bare leaf."""
    bare_leaves: np.ndarray
    """(n_bare,) int: the number of each one's leaf, among the leaves."""

    @property
    def n_trees(self):
        """Number of trees."""
        return len(self.nodes.tree_start) - 1

    @property
    def n_leaves(self):
        """Number of leaves."""
        return self.leaf_spread.shape[0]

    @property
    def n_inner(self):
        """Number of inner nodes."""
        return self.leaf_spread.shape[1] // 2

    @property
    def leaf_nodes(self):
        """The leaves, as positions in `nodes`, (n_leaves,) int."""
        return self.order[self.n_inner :]

    def shares_of_leaves(self, dtype):
        """Give beta of Eq. (40), leaves(c) / leaves(p), 0 for a root, in `order`."""
        nodes = self.nodes
        before = starts(nodes.leaf_row >= 0)
        first = np.arange(len(nodes.size))
        n_leaves = before[first + nodes.size] - before[first]
        share = n_leaves / n_leaves[parents(nodes)]
        share[nodes.tree_start[:-1]] = 0
        return share[self.order].astype(dtype)

    def sum_by_tree(self, nodes, values):
        """Sum values of some nodes in each tree, (n_trees,)."""
        tree = np.repeat(np.arange(self.n_trees), np.diff(self.nodes.tree_start))
        return np.bincount(tree[nodes], values, minlength=self.n_trees)


class Blends(NamedTuple):
    """The rows (1 - alpha, alpha) of many children, at the two halves of their parents.

    Kept in CSR form without the zeros.
    """

    parent: np.ndarray
    """(n_children,) int."""
    weights: np.ndarray
    """(n_children, 2)."""
    data: np.ndarray
    """The weights that are not 0, (n_entries,)."""
    columns: np.ndarray
    """2 * parent, or 1 more for the right half, (n_entries,) int."""
    child_start: np.ndarray
    """First entry of each child, (n_children + 1,) int."""

    @classmethod
    def of(cls, parent, weights):
        """Make the CSR form."""
        kept = weights != 0
        columns = 2 * parent.astype(np.int32)[:, None] + np.arange(2, dtype=np.int32)
        child_start = np.zeros(len(parent) + 1, np.int32)
        np.cumsum(np.add(*kept.T, dtype=np.int32), out=child_start[1:])
        return cls(parent, weights, weights[kept], columns[kept], child_start)

    def sparse(self, first, n_children, n_parents):
        """Make the matrix (n_children, 2 * n_parents) of some consecutive children."""
        start = self.child_start[first : first + n_children + 1]
        part = slice(start[0], start[-1])
        return csr_array(
            (self.data[part], self.columns[part], start - start[0]),
            shape=(n_children, 2 * n_parents),
        )

    def dense(self, n_children, n_parents, chosen):
        """Make the matrices of some of the first levels of children, end to end.

        Parameters
        ----------
        n_children, n_parents : ndarray of int of shape (n_levels,)
            Each level's shape; the children are by level.
        chosen : ndarray of bool of shape (n_levels,)

        Returns
        -------
        dense : ndarray
            The entries of all matrices (n_children, 2 * n_parents).
        level_start : ndarray of int of shape (n_levels + 1,)
            Where each level's begin.
        """
        level_start = starts(2 * n_parents * n_children * chosen)
        dense = np.zeros(level_start[-1], self.weights.dtype)
        level = np.repeat(np.arange(len(n_children)), n_children)
        child = np.flatnonzero(chosen[level])
        level = level[child]
        row = child - starts(n_children)[level]
        left = level_start[level] + 2 * (row * n_parents[level] + self.parent[child])
        dense[left], dense[left + 1] = self.weights[child].T
        return dense, level_start


def prepare(nodes, dtype):
    """Prepare the levels of a batch.

    Parameters
    ----------
    nodes : Nodes or Forest
    dtype : numpy dtype
        Of the leaf table and of the parameters that the batch will meet.

    Returns
    -------
    Levels
    """
    is_leaf = nodes.leaf_row >= 0
    parent = parents(nodes)
    inner, n_parents, level_start = order_by_level(nodes, parent, is_leaf)
    order = np.concatenate([inner, np.flatnonzero(is_leaf)])
    position = np.empty_like(order)
    position[order] = np.arange(len(order))
    roots, children = np.split(order, level_start[1:2])
    bare_trees = np.flatnonzero(nodes.tree_start[1:] - nodes.tree_start[:-1] == 1)
    bare_positions = position[nodes.tree_start[bare_trees]]

    weights = blend_weights(nodes, children, parent, dtype)
    weights[bare_positions - len(roots)] = 0
    parent_number = position[parent[children]]
    n_children = np.append(level_start[2:], len(inner)) - level_start[1:]
    n_inner_children = len(inner) - len(roots)
    parent_number[:n_inner_children] -= np.repeat(level_start[:-1], n_children)
    blends = Blends.of(parent_number, weights)
    n_leaves = len(order) - len(inner)
    leaf_spread = blends.sparse(n_inner_children, n_leaves, len(inner))
    return Levels(
        nodes,
        make_levels(level_start, n_parents, n_children, blends),
        leaf_spread,
        leaf_spread.T,
        order,
        position,
        np.searchsorted(nodes.tree_start, roots, side="right") - 1,
        bare_trees,
        bare_positions - len(inner),
    )


def order_by_level(nodes, parent, is_leaf):
    """Sort the inner nodes by depth; in a level, those with an inner child first.

    Returns
    -------
    inner_nodes : ndarray of int of shape (n_inner,)
        The node of each number.
    n_parents : ndarray of int of shape (n_levels,)
        How many nodes of each level have an inner child.
    level_start : ndarray of int of shape (n_levels + 1,)
        The first number of each level.
    """
    inner_nodes = np.flatnonzero(~is_leaf)
    depth = nodes.depth[inner_nodes]
    has_no_inner_child = np.ones(len(is_leaf), bool)
    has_no_inner_child[parent[inner_nodes[depth > 0]]] = False
    key = 2 * depth + has_no_inner_child[inner_nodes]
    # The deepest have no inner child, so the greatest key is odd: counts are in pairs.
    counts = np.bincount(key, minlength=2).reshape(-1, 2)
    if len(counts) <= 2**15:
        key = key.astype(np.uint16)  # numpy sorts 16 bits by radix
    level_start = np.concatenate([[0], counts.sum(axis=1).cumsum()])
    return inner_nodes[key.argsort(kind="stable")], counts[:, 0], level_start


def blend_weights(nodes, children, parent, dtype):
    """(1 - alpha, alpha) of Eq. (20) for each child, (n_children, 2)."""
    last_rank = nodes.n_children[parent[children]] - 1
    weights = np.full((len(children), 2), 0.5, dtype)
    left, right = weights.T
    rank = nodes.child_rank[children]
    np.divide(rank, last_rank, out=right, where=last_rank > 0, casting="same_kind")
    np.subtract(1, right, out=left)
    return weights


def make_levels(level_start, n_parents, n_children, blends):
    """Make the list of levels.

    Parameters
    ----------
    level_start, n_parents
        As from `order_by_level`.
    n_children : ndarray of int of shape (n_levels,)
        Number of nodes of the next level.
    blends : Blends
        The first are of the inner nodes that are children, by level, with the number
        of the parent counted in its own level.

    Returns
    -------
    list of Level
    """
    is_dense = n_parents * n_children <= DENSE_BLEND_SIZE
    dense, dense_start = blends.dense(n_children, n_parents, is_dense)
    sizes = zip(
        level_start[:-1].tolist(),
        level_start[1:].tolist(),
        n_parents.tolist(),
        n_children.tolist(),
        is_dense.tolist(),
        dense_start.tolist(),
        strict=False,
    )
    levels, n_roots = [], int(level_start[1])
    for first, last, n_above, n_below, small, start in sizes:
        spread = gather = None
        if n_below and small:
            stop = start + 2 * n_above * n_below
            spread = dense[start:stop].reshape(n_below, 2 * n_above)
        elif n_below:
            spread = blends.sparse(last - n_roots, n_below, n_above)
        if n_below:
            gather = spread.T
        parents, children = slice(first, first + n_above), slice(last, last + n_below)
        levels.append(Level(slice(first, last), parents, children, spread, gather))
    return levels


def blocks(nodes, n_components, dtype):
    """Prepare consecutive trees in blocks of bounded size, or of one larger tree.

    Parameters
    ----------
    nodes : Nodes or Forest
    n_components : int
        Length of a code.
    dtype : numpy dtype
        Of the leaf table and of the parameters that the blocks will meet.

    Yields
    ------
    Levels
    """
    for first, last in runs(np.diff(nodes.tree_start), BLOCK_ENTRIES // n_components):
        yield prepare(between(nodes, first, last), dtype)


def subtrees(nodes, n_components, dtype):
    """Prepare the subtree of every root and every inner node, in blocks as `blocks`.

    Yields
    ------
    roots : ndarray of int of shape (n_roots,)
        The nodes that are roots of the trees of `levels`.
    levels : Levels
    """
    is_root = nodes.leaf_row < 0
    is_root[nodes.tree_start[:-1]] = True
    all_roots = np.flatnonzero(is_root)
    for first, last in runs(nodes.size[all_roots], BLOCK_ENTRIES // n_components):
        roots = all_roots[first:last]
        yield roots, prepare(below(nodes, roots), dtype)
