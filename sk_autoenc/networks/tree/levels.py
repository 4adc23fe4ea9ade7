"""Preparing the structure of a batch of trees, once, so that passes run by level."""

from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array

from sk_autoenc.networks.tree.blends import Blends, choose_dense, weigh, weigh_entering
from sk_autoenc.networks.tree.structure import DECODED, Level, Structure
from sk_autoenc.trees.nodes import below, between, parents, runs

BLOCK_CODE_ENTRIES = 1_500_000
"""Large batches are cut into blocks of this many nodes x components, which stay in
cache, and keep the memory that the subtrees of all nodes take bounded."""


class Block(NamedTuple):
    """Consecutive trees of a forest, and where they are in it."""

    structure: Structure
    trees: slice
    nodes: slice
    leaves: slice


def prepare(trees, dtype, wiring=DECODED):
    """Prepare a batch of trees.

    Parameters
    ----------
    trees : Nodes or Forest
    dtype : numpy dtype
        Of the parameters that the batch will meet.
    wiring : Wiring

    Returns
    -------
    Structure
    """
    is_leaf = trees.leaf_row >= 0
    parent = parents(trees)
    inner, n_parents, level_start = order_by_level(trees, parent, is_leaf)
    node_of_row = np.concatenate([inner, np.flatnonzero(is_leaf)])
    row_of_node = np.empty_like(node_of_row)
    row_of_node[node_of_row] = np.arange(len(node_of_row))
    roots, children = np.split(node_of_row, level_start[1:2])
    bare_trees = np.flatnonzero(trees.tree_start[1:] - trees.tree_start[:-1] == 1)
    bare_rows = row_of_node[trees.tree_start[bare_trees]]

    parent_number = row_of_node[parent[children]].astype(np.int32)
    n_children = np.append(level_start[2:], len(inner)) - level_start[1:]
    n_inner_children = len(inner) - len(roots)
    first_row = level_start[:-1].astype(np.int32)
    parent_number[:n_inner_children] -= np.repeat(first_row, n_children)
    weights = weigh(trees, children, parent, dtype)
    weights[bare_rows - len(roots)] = 0
    entering = weigh_entering(
        trees, children, weights, by_leaves=wiring.by_leaves, means=wiring.means
    )
    sizes = LevelSizes(level_start, n_parents, n_children)
    leave = joints(sizes, Blends.of(parent_number, entering))
    spread = Joints([None] * len(leave.levels), None)
    leaf_enter = leaf_gather = leave.leaves.T
    if not wiring.decodes:
        leaf_gather = None
    elif entering is weights:
        spread = leave
    else:
        spread = joints(sizes, Blends.of(parent_number, weights))
        leaf_gather = spread.leaves.T
    return Structure(
        trees,
        make_levels(sizes, spread.levels, leave.levels),
        spread.leaves,
        leaf_gather,
        leaf_enter,
        leave.leaves,
        node_of_row,
        row_of_node,
        np.searchsorted(trees.tree_start, roots, side="right") - 1,
        bare_trees,
        bare_rows - len(inner),
    )


class LevelSizes(NamedTuple):
    """Where the levels of inner nodes begin, and how many there are of what."""

    start: np.ndarray
    """(n_levels + 1,) int: the first row of each."""
    n_parents: np.ndarray
    """(n_levels,) int: nodes with an inner child."""
    n_children: np.ndarray
    """(n_levels,) int: inner nodes of the next level."""


class Joints(NamedTuple):
    """The matrices from parents to children, of one kind of weights."""

    levels: list
    """(n_children, n_weights * n_parents) of each level; None where it has no inner
    children."""
    leaves: csr_array | None
    """(n_leaves, n_weights * n_inner)."""


def joints(sizes, blends):
    """Make the matrices of some blends.

    Parameters
    ----------
    sizes : LevelSizes
    blends : Blends
        Of all children. The first are the inner nodes, by level, with the number of
        the parent counted in its own level.
    """
    (start, n_parents, n_children), n_weights = sizes, blends.weights.shape[1]
    n_inner, n_leaves = int(start[-1]), len(blends.parent) - int(n_children.sum())
    is_dense = choose_dense(
        n_parents, n_children, len(blends.parent), n_weights * blends.weights.itemsize
    )
    dense, dense_start = blends.dense(n_children, n_parents, is_dense)
    levels, first = [], 0
    for n_above, n_below, small, begin in zip(
        n_parents.tolist(),
        n_children.tolist(),
        is_dense.tolist(),
        dense_start.tolist(),
        strict=False,
    ):
        matrix = None
        if n_below and small:
            stop = begin + n_weights * n_above * n_below
            matrix = dense[begin:stop].reshape(n_below, n_weights * n_above)
        elif n_below:
            matrix = blends.sparse(first, n_below, n_above)
        levels.append(matrix)
        first += n_below
    return Joints(levels, blends.sparse(first, n_leaves, n_inner))


def transposed(matrix):
    """Transpose, unless there is nothing."""
    return None if matrix is None else matrix.T


def order_by_level(trees, parent, is_leaf):
    """Sort the inner nodes by depth; in a level, those with an inner child first.

    Returns
    -------
    inner_nodes : ndarray of int of shape (n_inner,)
        The node of each row.
    n_parents : ndarray of int of shape (n_levels,)
        How many nodes of each level have an inner child.
    level_start : ndarray of int of shape (n_levels + 1,)
        The first row of each level.
    """
    inner_nodes = np.flatnonzero(~is_leaf)
    depth = trees.depth[inner_nodes]
    has_no_inner_child = np.ones(len(is_leaf), bool)
    has_no_inner_child[parent[inner_nodes[depth > 0]]] = False
    key = 2 * depth + has_no_inner_child[inner_nodes]
    # The deepest have no inner child, so the greatest key is odd: counts are in pairs.
    counts = np.bincount(key, minlength=2).reshape(-1, 2)
    if len(counts) <= 2**15:
        key = key.astype(np.uint16)  # numpy sorts 16 bits by radix
    level_start = np.concatenate([[0], counts.sum(axis=1).cumsum()])
    return inner_nodes[key.argsort(kind="stable")], counts[:, 0], level_start


def make_levels(sizes, spread, leave):
    """Make the list of levels.

    Parameters
    ----------
    sizes : LevelSizes
    spread, leave : list of matrices
        Of each level, as in `Level`. The two may be one list.

    Returns
    -------
    list of Level
    """
    bounds, n_parents = sizes.start.tolist(), sizes.n_parents.tolist()
    # Slices that are equal are one object: deep trees have as many levels as nodes.
    all_rows = [*map(slice, bounds[:-1], bounds[1:]), slice(bounds[-1], bounds[-1])]
    is_same = leave is spread
    levels = []
    for rows, children, n_above, down, back in zip(
        all_rows, all_rows[1:], n_parents, spread, leave, strict=False
    ):
        parents = rows
        if n_above < rows.stop - rows.start:
            parents = slice(rows.start, rows.start + n_above)
        gather = transposed(down)
        enter = gather if is_same else transposed(back)
        levels.append(Level(rows, parents, children, down, gather, enter, back))
    return levels


def blocks(trees, n_components, dtype, wiring=DECODED):
    """Prepare consecutive trees in blocks of bounded size, or of one larger tree.

    Parameters
    ----------
    trees : Nodes or Forest
    n_components : int
        Length of a code.
    dtype : numpy dtype
        Of the parameters that the blocks will meet.
    wiring : Wiring

    Yields
    ------
    Block
    """
    start, n_leaves_before = trees.tree_start, 0
    most_nodes = BLOCK_CODE_ENTRIES // n_components
    for first, last in runs(np.diff(start), most_nodes):
        structure = prepare(between(trees, first, last), dtype, wiring)
        n_leaves = n_leaves_before + structure.n_leaves
        yield Block(
            structure,
            slice(first, last),
            slice(int(start[first]), int(start[last])),
            slice(n_leaves_before, n_leaves),
        )
        n_leaves_before = n_leaves


def subtrees(trees, n_components, dtype):
    """Prepare the subtree of every root and every inner node, in blocks as `blocks`.

    Yields
    ------
    roots : ndarray of int of shape (n_roots,)
        The nodes that are roots of the trees of `structure`.
    structure : Structure
    """
    is_root = trees.leaf_row < 0
    is_root[trees.tree_start[:-1]] = True
    all_roots = np.flatnonzero(is_root)
    for first, last in runs(trees.size[all_roots], BLOCK_CODE_ENTRIES // n_components):
        roots = all_roots[first:last]
        yield roots, prepare(below(trees, roots), dtype)
