"""Preparing the structure of a batch of trees, once, so that passes run by level."""

from typing import NamedTuple

import numpy as np

from sk_autoenc.networks.tree.blends import Blends, choose_dense, weigh
from sk_autoenc.networks.tree.structure import Level, Structure
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


def prepare(trees, dtype):
    """Prepare a batch of trees.

    Parameters
    ----------
    trees : Nodes or Forest
    dtype : numpy dtype
        Of the leaf table and of the parameters that the batch will meet.

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

    weights = weigh(trees, children, parent, dtype)
    weights[bare_rows - len(roots)] = 0
    parent_number = row_of_node[parent[children]].astype(np.int32)
    n_children = np.append(level_start[2:], len(inner)) - level_start[1:]
    n_inner_children = len(inner) - len(roots)
    first_row = level_start[:-1].astype(np.int32)
    parent_number[:n_inner_children] -= np.repeat(first_row, n_children)
    blends = Blends.of(parent_number, weights)
    n_leaves = len(node_of_row) - len(inner)
    leaf_spread = blends.sparse(n_inner_children, n_leaves, len(inner))
    return Structure(
        trees,
        make_levels(level_start, n_parents, n_children, blends),
        leaf_spread,
        leaf_spread.T,
        node_of_row,
        row_of_node,
        np.searchsorted(trees.tree_start, roots, side="right") - 1,
        bare_trees,
        bare_rows - len(inner),
    )


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


def make_levels(level_start, n_parents, n_children, blends):
    """Make the list of levels.

    Parameters
    ----------
    level_start, n_parents
        As from `order_by_level`.
    n_children : ndarray of int of shape (n_levels,)
        Number of inner nodes of the next level.
    blends : Blends
        Of all children. The first are the inner nodes, by level, with the number of
        the parent counted in its own level.

    Returns
    -------
    list of Level
    """
    itemsize = blends.weights.itemsize
    is_dense = choose_dense(n_parents, n_children, len(blends.parent), itemsize)
    dense, dense_start = blends.dense(n_children, n_parents, is_dense)
    bounds, n_roots = level_start.tolist(), int(level_start[1])
    # Slices that are equal are one object: deep trees have as many levels as nodes.
    all_rows = [*map(slice, bounds[:-1], bounds[1:]), slice(bounds[-1], bounds[-1])]
    sizes = zip(
        n_parents.tolist(),
        n_children.tolist(),
        is_dense.tolist(),
        dense_start.tolist(),
        all_rows,
        all_rows[1:],
        strict=False,
    )
    levels = []
    for n_above, n_below, small, start, rows, children in sizes:
        parents = rows
        if n_above < rows.stop - rows.start:
            parents = slice(rows.start, rows.start + n_above)
        spread = gather = None
        if n_below and small:
            stop = start + 2 * n_above * n_below
            spread = dense[start:stop].reshape(n_below, 2 * n_above)
        elif n_below:
            spread = blends.sparse(children.start - n_roots, n_below, n_above)
        if n_below:
            gather = spread.T
        levels.append(Level(rows, parents, children, spread, gather))
    return levels


def blocks(trees, n_components, dtype):
    """Prepare consecutive trees in blocks of bounded size, or of one larger tree.

    Parameters
    ----------
    trees : Nodes or Forest
    n_components : int
        Length of a code.
    dtype : numpy dtype
        Of the leaf table and of the parameters that the blocks will meet.

    Yields
    ------
    Block
    """
    start, n_leaves_before = trees.tree_start, 0
    most_nodes = BLOCK_CODE_ENTRIES // n_components
    for first, last in runs(np.diff(start), most_nodes):
        structure = prepare(between(trees, first, last), dtype)
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
