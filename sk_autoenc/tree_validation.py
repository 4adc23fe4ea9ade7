"""Validation for estimators of trees and of what is made of them.

As in `validation`: from what a user passes to what the rest may trust.
"""

from collections.abc import Mapping
from numbers import Integral, Real

import numpy as np

from sk_autoenc._compat import Interval, StrOptions
from sk_autoenc.parts.activations import ACTIVATIONS
from sk_autoenc.parts.compositions import COMPOSITIONS
from sk_autoenc.parts.poolings import POOLINGS
from sk_autoenc.trees.containers import can_be_listed, is_kind, own_items
from sk_autoenc.trees.forest import Forest, is_forest_like
from sk_autoenc.trees.hints import converter_hint
from sk_autoenc.trees.used import sum_of_squares
from sk_autoenc.trees.vector_trees import as_nested
from sk_autoenc.validation import AT_LEAST_ONE, TRAINING_CONSTRAINTS, check_X

TREE_CONSTRAINTS = TRAINING_CONSTRAINTS | {
    "n_components": [AT_LEAST_ONE, None],
    "encoder_activation": [StrOptions(set(ACTIVATIONS))],
    "decoder_activation": [StrOptions(set(ACTIVATIONS))],
    "unfold_from": [StrOptions({"root", "all"})],
    "normalize": ["boolean"],
    "child_weights": [StrOptions({"equal", "leaves"})],
    "init": [StrOptions({"average", "glorot"})],
    "composition": [StrOptions(set(COMPOSITIONS))],
    "learn_leaves": ["boolean"],
}

LABELLED_TREE_CONSTRAINTS = TREE_CONSTRAINTS | {
    "reconstruction": [Interval(Real, 0, 1, closed="both")],
    "reconstruction_of": [StrOptions({"leaves", "children"})],
    "dropout": [Interval(Real, 0, 1, closed="left")],
    "class_weight": [dict, StrOptions({"balanced"}), None],
}

LEAF_CONSTRAINTS = {
    "n_features": [AT_LEAST_ONE, None],
    "handle_unknown": [StrOptions({"zeros", "mean", "error", "learn"})],
    "lowercase": ["boolean"],
    "min_count": [AT_LEAST_ONE],
    "random_state": ["random_state"],
}

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
            "their order" + ("; write list(X)." if can_be_listed(X) else ".")
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


def check_corrupts_given_leaves(settings):
    """Refuse to corrupt leaf vectors that are learned."""
    if settings.learn_leaves and settings.corruption is not None:
        raise ValueError(
            f"corruption={settings.corruption!r} changes the leaf vectors of X, but "
            "with learn_leaves=True others enter in their place. Choose one of the two."
        )


def check_pooling(pooling):
    """Refuse what is not a pooling's name, or a tuple of such names."""
    names = [pooling] if isinstance(pooling, str) else pooling
    known = ", ".join(map(repr, POOLINGS))
    if (
        not isinstance(names, list | tuple)
        or not names
        or any(name not in list(POOLINGS) for name in names)
        or len(set(names)) < len(names)
    ):
        raise ValueError(
            f"pooling must be one of {known}, or a tuple of different ones of them; "
            f"got {pooling!r}."
        )


def check_n_components(settings, fitted):
    """Refuse to go on training with another number of components than fitted."""
    if settings.n_components not in (None, fitted):
        raise ValueError(
            f"n_components={settings.n_components}, but the model to go on from has "
            f"{fitted}. Set it back, or start afresh: fit with warm_start=False."
        )


def check_unchanged(name, value, fitted):
    """Refuse to go on training with another value of a parameter that sizes hang on."""
    if value != fitted:
        raise ValueError(
            f"{name}={value!r}, but the model to go on from was fitted with "
            f"{name}={fitted!r}. Set it back, or start afresh: a new estimator, or fit "
            "with warm_start=False."
        )


def check_trees(estimator, X, *, reset, name="X"):
    """Return trees, or the rows of a 2-D array as trees ``(x,)``, as a Forest.

    `name` is what the user calls them.
    """
    if not is_forest_like(X):
        if holds_nothing(X):
            raise ValueError("X has no trees; at least one is needed")
        try:
            rows = check_X(estimator, X, reset=reset, accept_sparse=False)
        except (TypeError, ValueError) as error:
            hint = tree_hint(X)
            if hint is None:
                raise
            kind = TypeError if isinstance(error, TypeError) else ValueError
            raise kind(f"{error}\nIf X holds trees: {hint}") from error
        return Forest.from_rows(rows)
    forest = Forest.from_nested(as_nested(X))
    if len(forest) == 0:
        raise ValueError("X is a Forest of 0 trees, while at least 1 is required.")
    if reset:
        estimator.n_features_in_ = forest.n_features
    elif forest.n_features != estimator.n_features_in_:
        raise ValueError(
            f"{name} has {forest.n_features} features, but "
            f"{type(estimator).__name__} is expecting {estimator.n_features_in_} "
            "features as input (the length of a leaf vector)."
        )
    return forest


def holds_nothing(X):
    """Tell if X is a list, or another sequence of trees, of none."""
    if is_kind(X, list, tuple):
        return not any(True for _ in own_items(X))
    return getattr(X, "shape", None) == (0,)


def tree_hint(X):
    """Say how trees are passed, if X may be a wrong way of doing it, or return None."""
    if isinstance(X, Mapping) and any(isinstance(tree, tuple) for tree in X.values()):
        return "pass a list of them, such as list(X.values())."
    converter = converter_hint(X)
    if converter is not None:
        return converter
    if isinstance(X, list | tuple) and any(
        isinstance(tree, str) or (isinstance(tree, tuple) and holds_strings(tree))
        for tree in X
    ):
        return (
            "their leaves must be vectors of numbers of one length; LeafVectorizer "
            "makes them of words and names: make_pipeline(LeafVectorizer(), ...)."
        )
    if isinstance(X, list | tuple):
        return (
            "it is a list of them, and an inner node is a tuple; write (a, b), not "
            "[a, b]."
        )
    if isinstance(X, np.ndarray) and (X.dtype == object or X.ndim > 2):
        return "numpy took their tuples apart; pass the list of trees itself."
    if hasattr(X, "columns"):
        return "pass the column they are in, such as X['tree'], not a data frame."
    if can_be_listed(X) and not hasattr(X, "shape"):
        return "pass a list of them, which can be gone through again: write list(X)."
    return None


def holds_strings(tree):
    """Tell whether a string is among the children at the top of a tree."""
    return any(isinstance(child, str) for child in tuple.__iter__(tree))


def learning_rate_for_trees(settings, forest):
    """Return `learning_rate_init`, or what None means for a forest.

    A tree's gradient grows with the number and the scale of its leaves, and sgd's rate
    is the smaller: 0.01 over the mean loss of trees reconstructed as zeros.
    """
    if settings.learning_rate_init is not None:
        return settings.learning_rate_init
    if settings.solver == "sgd":
        loss = sum_of_squares(forest) / (2 * len(forest))
        return 0.01 / max(loss, 1.0)
    return 0.005
