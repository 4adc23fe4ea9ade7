"""Data in parts, and models that can be trained on them."""

from functools import partial

import numpy as np
import pytest
import scipy.sparse
from numpy.testing import assert_allclose
from sklearn.base import clone

from sk_autoenc import (
    DenoisingAutoencoder,
    MarginalizedDenoisingAutoencoder,
    RAETransformer,
    UnfoldingRAETransformer,
)

LENGTHS = (30, 0, 70, 61, 39)
"""Of partitions: unequal, and one empty."""
N_ROWS = sum(LENGTHS)


def rows(dtype=np.float64):
    return np.random.default_rng(0).random((N_ROWS, 8)).astype(dtype)


def with_holes():
    X = rows()
    X[np.random.default_rng(1).random(X.shape) < 0.2] = np.nan
    return X


def sparse_rows():
    X = rows()
    X[X < 0.7] = 0
    return scipy.sparse.csr_array(X)


def trees():
    rng = np.random.default_rng(2)
    made = []
    for _ in range(N_ROWS):
        tree = rng.random(3)
        for _ in range(rng.integers(5)):
            tree = (
                (tree, rng.random(3)) if rng.random() < 0.5 else (rng.random(3), tree)
            )
        made.append(tree if isinstance(tree, tuple) else (tree,))
    return made


def split(X):
    """Cut into the partitions."""
    ends = np.cumsum(LENGTHS)
    return [X[end - n : end] for n, end in zip(LENGTHS, ends, strict=True)]


def rows_model(**settings):
    usual = {"n_components": 4, "batch_size": 64, "max_iter": 3, "random_state": 0}
    return DenoisingAutoencoder(**usual | settings)


def trees_model(kind=UnfoldingRAETransformer, **settings):
    return kind(**{"batch_size": 64, "max_iter": 3, "random_state": 0} | settings)


CASES = {
    "dense": (rows_model(), rows),
    "float32": (rows_model(), partial(rows, np.float32)),
    "momentum": (rows_model(solver="sgd", alpha=0.01, corruption="swap"), rows),
    "sparse": (rows_model(), sparse_rows),
    "holes": (rows_model(corruption="gaussian", tied_weights=False), with_holes),
    "groups": (rows_model(feature_groups=[0, 0, 1, 2, 2, 2, 3, 4]), rows),
    "early stopping": (rows_model(early_stopping=True), rows),
    "lbfgs": (rows_model(solver="lbfgs", corruption=None, max_iter=10), rows),
    "trees": (trees_model(corruption="masking", corruption_level=0.2), trees),
    "children": (trees_model(RAETransformer, normalize=True), trees),
    "learned leaves": (
        trees_model(learn_leaves=True),
        lambda: [(*tree, np.ones(3)) for tree in trees()],
    ),
    "trees lbfgs": (trees_model(solver="lbfgs", max_iter=10), trees),
    "closed form": (MarginalizedDenoisingAutoencoder(n_layers=2), rows),
    "closed form in blocks": (
        MarginalizedDenoisingAutoencoder(block_size=3, random_state=0),
        sparse_rows,
    ),
}
every_case = pytest.mark.parametrize("name", CASES)


def make_case(name):
    model, make = CASES[name]
    return clone(model), make()


def learned(model):
    return {
        name: value
        for name, value in vars(model).items()
        if name.endswith("_") and isinstance(value, np.ndarray | list)
    }


def assert_same(model, other, tolerance=1e-10):
    ours, others = learned(model), learned(other)
    assert ours.keys() == others.keys()
    assert ours
    for name, value in ours.items():
        if isinstance(value, list):
            assert len(value) == len(others[name])
            pairs = zip(value, others[name], strict=True)
        else:
            pairs = [(value, others[name])]
        for one, another in pairs:
            assert_allclose(one, another, rtol=tolerance, atol=tolerance, err_msg=name)
