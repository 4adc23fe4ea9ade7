"""Whether trees are equal: the same structure, and leaves of the same values."""

import numpy as np

from sk_autoenc.trees.nodes import PART_NODES, parts


def same_trees(left, right):
    """Tell if two forests hold equal trees in the same order.

    Leaf vectors are compared as numbers: in whatever dtype, and whichever of them are
    stored once.

    Parameters
    ----------
    left, right : Forest

    Returns
    -------
    bool
    """
    # Preorder numbers of children spell the structure.
    return (
        left.n_features == right.n_features
        and np.array_equal(left.tree_start, right.tree_start)
        and all(
            _same_part(left._between(*part), right._between(*part))
            for part in parts(left)
        )
    )


def _same_part(left, right):
    return np.array_equal(left.n_children, right.n_children) and np.array_equal(
        left.leaf_vectors(), right.leaf_vectors()
    )


def find_tree(forest, tree):
    """Find the trees of a forest that are equal to a forest's only tree.

    Parameters
    ----------
    forest, tree : Forest
        `tree` is of one tree.

    Returns
    -------
    rows : intp array of shape (n_equal,)
        Ascending.
    """
    if forest.n_features != tree.n_features:
        return np.empty(0, dtype=np.intp)
    rows = np.flatnonzero(forest.n_nodes == len(tree.size))
    step = max(1, PART_NODES // (len(tree.size) * forest.n_features))
    found = [
        _find_among(rows[first : first + step], forest, tree)
        for first in range(0, len(rows), step)
    ]
    return np.concatenate([rows[:0], *found])


def _find_among(rows, forest, tree):
    """Find the trees among some rows, which have as many nodes."""
    nodes = forest.tree_start[rows][:, None] + np.arange(len(tree.size))
    rows = rows[(forest.n_children.take(nodes) == tree.n_children).all(axis=1)]
    vectors = tree.leaf_vectors()
    # The first leaf alone leaves few trees to compare whole.
    for leaves in (tree.leaves[:1], tree.leaves):
        nodes = forest.tree_start[rows][:, None] + leaves
        found = forest.leaf_table.take(forest.leaf_row.take(nodes), axis=0)
        rows = rows[(found == vectors[: len(leaves)]).all(axis=(1, 2))]
    return rows
