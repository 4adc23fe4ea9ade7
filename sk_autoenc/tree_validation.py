"""Validation for what is made of trees beside codes: counts, pairs, neighbours, trees.

As in `validation`: from what a user passes to what the rest may trust.
"""

from numbers import Integral

import numpy as np

from sk_autoenc._compat import Interval, StrOptions
from sk_autoenc.trees.forest import Forest, is_forest_like
from sk_autoenc.validation import AT_LEAST_ONE, tree_hint

COUNT = Interval(Integral, 0, None, closed="left")

SUBTREE_CONSTRAINTS = {
    "n_rounds": [COUNT],
    "n_features": [Interval(Integral, 1, 2**31 - 1, closed="both")],
    "inner_labels": [StrOptions({"first_leaf", "arity", "one"})],
    "n_ancestors": [COUNT],
    "ordered": ["boolean"],
    "binary": ["boolean"],
    "norm": [StrOptions({"l1", "l2"}), None],
}

GREEDY_CONSTRAINTS = {"n_rounds": [AT_LEAST_ONE]}

NEIGHBORS_CONSTRAINTS = {
    "n_neighbors": [AT_LEAST_ONE],
    "min_size": [AT_LEAST_ONE],
    "max_size": [AT_LEAST_ONE, None],
    "exclude_overlapping": ["boolean"],
}

PAIRS_CONSTRAINTS = {
    "pool_size": [AT_LEAST_ONE],
    "standardize": ["boolean"],
    "leaf_features": ["boolean"],
}


def check_encodes_nodes(transformer):
    """Refuse what does not give codes of all nodes of trees."""
    if isinstance(transformer, type):
        remedy = f"Pass an instance, {transformer.__name__}(...), not the class."
    elif not hasattr(transformer, "fit"):
        remedy = "It has no fit."
    elif not hasattr(transformer, "transform_nodes"):
        remedy = "It has no transform_nodes."
    else:
        return
    raise ValueError(
        "transformer must be None, or have fit and transform_nodes, as "
        "UnfoldingRAETransformer and RAETransformer, or be a FrozenEstimator of such a "
        f"model that is fitted; got {transformer!r}. {remedy}"
    )


def check_kind_of_estimator(estimator, kind):
    """Refuse what is neither of a class nor a FrozenEstimator of one that is."""
    network = getattr(estimator, "estimator", estimator)
    if not isinstance(network, kind):
        raise ValueError(
            f"estimator must be None, a {kind.__name__}, or a FrozenEstimator of one "
            f"that is fitted; got {estimator!r}."
        )


def check_pairs(X):
    """Return pairs of trees as a Forest whose roots have two children each."""
    if not is_forest_like(X):
        hint = None if isinstance(X, list | tuple) else tree_hint(X)
        raise ValueError(
            "X holds no pairs of trees. Pass a list of tuples (left, right), each of "
            "the two a tree, nested tuples with vectors as leaves; not a pair of "
            "lists, but [*zip(left_trees, right_trees)]"
            + ("." if hint is None else f"; {hint}")
        )
    forest = Forest.from_nested(X)
    if len(forest) == 0:
        raise ValueError("X is a Forest of 0 pairs, while at least 1 is required.")
    n_parts = forest.n_children[forest.tree_start[:-1]]
    if (n_parts != 2).any():
        number = int(np.argmax(n_parts != 2))
        what = f"has {n_parts[number]} parts" if n_parts[number] else "is a leaf"
        raise ValueError(
            f"pair {number} {what}; a pair is a tuple (left, right) of two trees, and "
            "X a list of pairs, such as [*zip(left_trees, right_trees)]."
        )
    return forest


def check_n_neighbors(n_neighbors, n_there):
    """Return a number of neighbours that are there to be found."""
    is_number = isinstance(n_neighbors, Integral) and not isinstance(n_neighbors, bool)
    if not is_number or not 1 <= n_neighbors <= n_there:
        raise ValueError(
            f"n_neighbors must be a whole number from 1 to {n_there}, the number of "
            f"subtrees that are kept (less the query itself); got {n_neighbors!r}. "
            "Lower it, or keep more: see min_size and max_size."
        )
    return int(n_neighbors)


def check_node_places(nodes, forest):
    """Return nodes, given as tree and position, as places in a forest's preorder."""
    try:
        array = np.asarray(nodes)
    except ValueError:  # lists of different lengths
        array = np.empty(0)
    if array.dtype.names is not None and {"tree", "position"} <= set(array.dtype.names):
        array = np.stack([array["tree"].ravel(), array["position"].ravel()], axis=1)
    if array.ndim != 2 or array.shape[1] != 2 or array.dtype.kind not in "iu":
        raise ValueError(
            "nodes must be pairs of whole numbers, tree and position in preorder, such "
            "as [(0, 3)], or neighbors as kneighbors returns them; got "
            f"{nodes!r:.200}."
        )
    tree, position = array.T.astype(np.int64)
    is_there = (tree >= 0) & (tree < len(forest))
    n_nodes = forest.n_nodes[np.where(is_there, tree, 0)]
    is_there &= (position >= 0) & (position < n_nodes)
    if not is_there.all():
        number = int(np.argmin(is_there))
        raise ValueError(
            f"nodes[{number}] is tree {tree[number]}, position {position[number]}, "
            f"which is not there: there are {len(forest)} trees, from 0 on, and a "
            "tree's positions are those of its nodes in preorder, from 0 on."
        )
    return forest.tree_start[tree] + position


def check_sequences(X):
    """Return sequences of vectors as a list, whose items are not looked at."""
    if hasattr(X, "to_numpy") and not hasattr(X, "columns"):
        X = X.to_numpy()  # a Series
    is_array = isinstance(X, np.ndarray)
    if is_array and X.ndim == 2:
        raise ValueError(
            "X is a 2-D array; expected a list of sequences, each a 2-D array or a "
            "list of vectors. If it is one sequence, pass [X]."
        )
    if not isinstance(X, list | tuple) and not (is_array and X.ndim in (1, 3)):
        raise TypeError(
            f"X is of type {type(X).__name__!r}; expected a list of sequences, each a "
            "2-D array or a list of vectors, or a Forest, whose leaves are taken in "
            "their order."
        )
    if len(X) == 0:
        raise ValueError("X has no sequences; at least one is needed.")
    return list(X)


def check_sizes(min_size, max_size):
    """Refuse bounds of sizes that leave none."""
    if max_size is not None and max_size < min_size:
        raise ValueError(
            f"max_size={max_size} is less than min_size={min_size}: no subtree has "
            "such a size. Raise max_size, or use None for no bound."
        )
