"""The two estimators of trees quick to fit, their data, and what tests of them share.

What walks trees here recurses plainly, with nothing in common with the package.
"""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from oracles import TreeOracle

from sk_autoenc import RAETransformer, UnfoldingRAETransformer
from sk_autoenc.parts.corruptions import CORRUPTIONS
from sk_autoenc.trees.forest import Forest

ESTIMATORS = (UnfoldingRAETransformer, RAETransformer)
SETTINGS = [
    (UnfoldingRAETransformer, {}),
    (UnfoldingRAETransformer, {"n_components": 2}),
    (UnfoldingRAETransformer, {"n_components": 5, "decoder_activation": "tanh"}),
    (UnfoldingRAETransformer, {"unfold_from": "all"}),
    (UnfoldingRAETransformer, {"unfold_from": "all", "n_components": 2}),
    (UnfoldingRAETransformer, {"encoder_activation": "logistic"}),
    (RAETransformer, {}),
    (RAETransformer, {"n_components": 2, "decoder_activation": "logistic"}),
    (RAETransformer, {"normalize": True}),
    (RAETransformer, {"normalize": True, "n_components": 5}),
]
LEARNED = (
    "encoder_left_",
    "encoder_right_",
    "encoder_intercept_",
    "decoder_left_",
    "decoder_right_",
    "decoder_intercept_",
)
PROJECTIONS = (
    "leaf_encoder_",
    "leaf_encoder_intercept_",
    "leaf_decoder_",
    "leaf_decoder_intercept_",
)
EQUATION_NAMES = dict(
    zip(
        LEARNED + PROJECTIONS,
        ("WL", "WR", "b", "W'L", "W'R", "b'", "U", "u", "U'", "u'"),
        strict=True,
    )
)

every_estimator = pytest.mark.parametrize("Estimator", ESTIMATORS)
every_setting = pytest.mark.parametrize(
    ("Estimator", "changes"), SETTINGS, ids=lambda value: getattr(value, "__name__", "")
)
every_corruption = pytest.mark.parametrize(
    "corruption", [name for name in CORRUPTIONS if name]
)


# At the default rate of "sgd" deep trees diverge.
QUICK = {"learning_rate_init": 1e-3, "max_iter": 3, "tol": 0, "random_state": 0}


def make(Estimator=UnfoldingRAETransformer, **changes):
    return Estimator(**QUICK | changes)


# Trees


def grow(rng, depth, n_features=3, dtype=float):
    if depth == 0 or rng.random() < 0.3:
        return rng.uniform(-1, 1, n_features).astype(dtype)
    n_children = rng.integers(1, 5)
    return tuple(grow(rng, depth - 1, n_features, dtype) for _ in range(n_children))


def make_trees(n_trees, seed=0, n_features=3, dtype=float):
    """Trees of mixed arity, bare leaves among them."""
    rng = np.random.default_rng(seed)
    return [grow(rng, 4, n_features, dtype) for _ in range(n_trees)]


TREES = make_trees(20)
A, B, C = np.random.default_rng(1).uniform(-1, 1, (3, 3))
ROWS = np.random.default_rng(2).uniform(-1, 1, (20, 3))


def is_leaf(tree):
    return not isinstance(tree, tuple)


def leaves(tree):
    """In preorder."""
    return [tree] if is_leaf(tree) else [x for child in tree for x in leaves(child)]


def structure(tree):
    return 0 if is_leaf(tree) else tuple(structure(child) for child in tree)


def map_leaves(function, tree):
    if is_leaf(tree):
        return function(tree)
    return tuple(map_leaves(function, child) for child in tree)


def as_objects(trees):
    return np.fromiter(trees, dtype=object, count=len(trees))


def as_forest(X):
    if isinstance(X, Forest):
        return X
    is_rows = isinstance(X, np.ndarray) and X.ndim == 2
    return Forest.from_rows(X) if is_rows else Forest.from_nested(X)


# Models


def learned(model):
    names = LEARNED + (PROJECTIONS if hasattr(model, "leaf_encoder_") else ())
    return {name: getattr(model, name).copy() for name in names}


def assert_same_model(left, right):
    """Bitwise."""
    assert learned(left).keys() == learned(right).keys()
    for name, values in learned(left).items():
        assert_array_equal(values, getattr(right, name), err_msg=name)
    assert left.loss_curve_ == right.loss_curve_


def untrained(Estimator=UnfoldingRAETransformer, trees=TREES, **changes):
    """A model that is fitted, but still where it started."""
    still = {"solver": "sgd", "learning_rate_init": 1e-300, "momentum": 0}
    return make(Estimator, max_iter=1, **still | changes).fit(trees)


def oracle_of(model):
    """The slow implementation with the parameters of a fitted model."""
    objective = "children"
    if isinstance(model, UnfoldingRAETransformer):
        objective = f"unfold_{model.unfold_from}"
    return TreeOracle(
        {EQUATION_NAMES[name]: values for name, values in learned(model).items()},
        model.encoder_activation,
        model.decoder_activation,
        objective,
        model.alpha,
        getattr(model, "normalize", False),
    )


def loss(oracle, tree):
    return oracle.tree_gradient(tree, tree)[0]


def outputs(model, X):
    """What comes out of a model for trees in any container, as arrays."""
    forest = as_forest(X)
    codes = model.transform(X)
    return {
        "transform": codes,
        "inverse_transform": model.inverse_transform(codes, forest).leaf_vectors(),
        "reconstruct": model.reconstruct(forest).leaf_vectors(),
        "score_samples": model.score_samples(X),
        "reconstruction_error": model.reconstruction_error(X),
        "transform_nodes": model.transform_nodes(X)[0],
    }
