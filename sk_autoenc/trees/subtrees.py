"""Nodes of a forest: as trees of their own, in words, and in other orders."""

import numpy as np

from sk_autoenc.trees.forest import Forest
from sk_autoenc.trees.nodes import LONGEST_PATH, ranges, starts


def subtrees(forest, nodes):
    """Make a tree of each of some nodes and all that is below it.

    Parameters
    ----------
    forest : Forest
    nodes : int array of shape (n_chosen,)
        Places in the whole forest's preorder, in any order.

    Returns
    -------
    Forest
        Of `n_chosen` trees. It shares the leaf table.
    """
    size = forest.size[nodes]
    below, tree_start = ranges(nodes, size)
    roots = tree_start[:-1]
    columns = forest._columns.take(below)
    place = nodes - forest.tree_start[trees_of(forest, nodes)]
    columns.parent[:] -= np.repeat(place, size).astype(np.int32)
    columns.depth[:] -= np.repeat(forest.depth[nodes], size)
    columns.parent[roots] = -1
    columns.child_rank[roots] = 0
    return Forest._trusted(forest.leaf_table, tree_start, columns, forest._is_finite)


def trees_of(forest, nodes):
    """Give the tree of each node, (n_nodes,) int."""
    return np.searchsorted(forest.tree_start, nodes, side="right") - 1


def paths(forest, nodes):
    """Word the way from the root to each node: ``[0][2]``, "" for a root.

    Parameters
    ----------
    forest : Forest
    nodes : int array of shape (n_chosen,)

    Returns
    -------
    list of str
        Long ways are cut in their middle, so that a deep tree's fit on a screen.
    """
    depth = forest.depth[nodes]
    words = [""] * len(nodes)
    for step in range(1, min(int(depth.max(initial=0)), LONGEST_PATH) + 1):
        here = np.flatnonzero(forest.depth == step)
        deep = np.flatnonzero(depth >= step)
        # In preorder the ancestor of a depth is the last node of that depth before.
        above = here[np.searchsorted(here, nodes[deep], side="right") - 1]
        ranks = forest.child_rank[above].tolist()
        for place, rank in zip(deep.tolist(), ranks, strict=True):
            words[place] += f"[{rank}]"
    last = forest.child_rank[nodes]
    for place in np.flatnonzero(depth > LONGEST_PATH).tolist():
        n_more = depth[place] - LONGEST_PATH - 1
        words[place] += f"...({n_more} more)..." if n_more else ""
        words[place] += f"[{last[place]}]"
    return words


def leaves_then_inner(forest):
    """Order the nodes of each tree: its leaves, then its inner nodes from the right.

    So Socher et al. order the rows of a matrix of distances: words as in the sentence,
    then phrases depth first, right to left.

    Returns
    -------
    intp array of shape (n_nodes,)
        The nodes, one tree after the other.
    """
    node, first = np.arange(len(forest.size)), forest.tree_start[:-1]
    # From the right, a node comes after all nodes that come later in postorder.
    from_left = node + forest.size - forest.depth  # postorder, within a tree
    is_inner = forest.n_children > 0
    tree = np.repeat(np.arange(len(first)), forest.n_nodes)
    return np.lexsort((np.where(is_inner, -from_left, node), is_inner, tree))


def count_overlapping(forest, is_chosen, nodes):
    """Count the chosen nodes that are ancestors or parts of each node, or itself.

    Parameters
    ----------
    forest : Forest
    is_chosen : bool array of shape (n_nodes,)
    nodes : int array of shape (n_asked,)

    Returns
    -------
    int array of shape (n_asked,)
    """
    before = starts(is_chosen)
    stop = nodes + forest.size[nodes]
    chosen = np.flatnonzero(is_chosen)
    n_nodes = len(is_chosen)
    opened = np.bincount(chosen + 1, minlength=n_nodes + 1)
    closed = np.bincount(chosen + forest.size[chosen], minlength=n_nodes + 1)
    above = np.cumsum(opened - closed)
    return before[stop] - before[nodes] + above[nodes]
