"""Numbering nodes in preorder, a level at a time and without recursion."""

from itertools import pairwise

import numpy as np

from sk_autoenc.trees.nodes import Columns


def number_in_preorder(arities, n_trees):
    """Give nodes that are listed breadth first their places in preorder.

    Parameters
    ----------
    arities : list of int of length n_nodes
        Numbers of children, breadth first: all roots, all children of roots, ...
    n_trees : int

    Returns
    -------
    tree_start : int64 array of shape (n_trees + 1,)
    columns : Columns
        All of `leaf_row` is -1.
    order : intp array of shape (n_nodes,)
        ``order[i]`` is the breadth-first number of the node at preorder place i.
    """
    n_children = np.array(arities, dtype=np.intp)
    n_nodes = len(n_children)
    # Breadth first, the children of consecutive nodes are consecutive.
    end = n_trees + np.cumsum(n_children)
    first_child = end - n_children
    parent = np.repeat(np.arange(n_nodes), n_children)  # of the nodes from n_trees on
    levels = [0, n_trees]
    while levels[-1] < n_nodes:
        levels.append(int(end[levels[-1] - 1]))
    size, height = _sizes_and_heights(n_children, first_child, levels)
    place = _preorder_places(size, parent, first_child, levels)
    order = np.empty(n_nodes, dtype=np.intp)
    order[place] = np.arange(n_nodes)

    tree_start = np.append(place[:n_trees], n_nodes).astype(np.int64)
    leaf_row = np.full(n_nodes, -1, dtype=np.int32)
    others = np.empty((len(Columns._fields) - 1, n_nodes), dtype=np.int32)
    columns = Columns(leaf_row, *others)
    # A root's "parent" is the place before it, which is -1 inside its tree.
    parent_place = np.append(place[:n_trees] - 1, place[parent])[order]
    columns.parent[:] = parent_place - np.repeat(tree_start[:-1], size[:n_trees])
    columns.child_rank[place[:n_trees]] = 0
    ranks = np.arange(n_trees, n_nodes) - first_child[parent]
    columns.child_rank[place[n_trees:]] = ranks
    columns.n_children[place] = n_children
    columns.depth[place] = np.repeat(np.arange(len(levels) - 1), np.diff(levels))
    columns.height[place] = height
    columns.size[place] = size
    return tree_start, columns, order


def _sizes_and_heights(n_children, first_child, levels):
    """Both from the leaves up, a level at a time, breadth first as the arguments."""
    size = np.ones(len(n_children), dtype=np.intp)
    height = np.zeros(len(n_children), dtype=np.intp)
    inner = np.flatnonzero(n_children)
    first_child = first_child[inner]
    inner_start = np.searchsorted(inner, levels).tolist()
    for level in range(len(levels) - 3, -1, -1):  # the last level is all leaves
        start, stop = levels[level + 1], levels[level + 2]
        here = slice(inner_start[level], inner_start[level + 1])
        parents, first = inner[here], first_child[here] - start
        size[parents] += np.add.reduceat(size[start:stop], first)
        height[parents] = np.maximum.reduceat(height[start:stop], first) + 1
    return size, height


def _preorder_places(size, parent, first_child, levels):
    """From the roots down: a child follows its parent and its older siblings' nodes."""
    n_trees = levels[1]
    before = np.cumsum(size) - size  # of a root: the nodes of the trees before it
    place = before.copy()
    place[n_trees:] += 1 - before[first_child[parent]]
    for start, stop in pairwise(levels[1:]):
        place[start:stop] += place[parent[start - n_trees : stop - n_trees]]
    return place
