"""A denoising autoencoder quick to fit, its data, and what tests of it share."""

import numpy as np
import pytest
import scipy.sparse
from numpy.testing import assert_array_equal
from oracles import Oracle

from sk_autoenc import DenoisingAutoencoder
from sk_autoenc.parts.corruptions import CORRUPTIONS

SPARSE_TYPES = [
    getattr(scipy.sparse, f"{kind}_{family}")
    for kind in ("csr", "csc", "coo")
    for family in ("matrix", "array")
]
LEARNED = (
    "components_",
    "decoder_components_",
    "intercept_hidden_",
    "intercept_visible_",
)

every_corruption = pytest.mark.parametrize("corruption", CORRUPTIONS, ids=str)
every_sparse_type = pytest.mark.parametrize(
    "container", SPARSE_TYPES, ids=lambda container: container.__name__
)
dense_or_sparse = pytest.mark.parametrize(
    "container", [np.asarray, scipy.sparse.csr_array], ids=["dense", "sparse"]
)
either_tied = pytest.mark.parametrize("is_tied", [True, False])


QUICK = {
    "n_components": 4,
    "batch_size": 16,
    "max_iter": 3,
    "tol": 0,
    "random_state": 0,
}


def make(**changes):
    return DenoisingAutoencoder(**QUICK | changes)


def make_rows():
    """60 rows of 8 features in [0, 1] that depend on each other."""
    rng = np.random.default_rng(1)
    causes = rng.random((60, 3)) < 0.5
    mixing = rng.uniform(-4, 4, (3, 8))
    return 1 / (1 + np.exp(-(causes @ mixing) - rng.normal(0, 0.3, (60, 8))))


def make_sparse_rows():
    """The same rows; scipy has noted that their indices are in order.

    It notes so in the array when first asked: bytes that no estimator changes.
    """
    rows = scipy.sparse.csr_array(make_rows())
    assert rows.has_canonical_format
    return rows


def learned(model):
    return {name: getattr(model, name).copy() for name in LEARNED}


def assert_same_model(left, right):
    """Bitwise."""
    for name in LEARNED:
        assert_array_equal(getattr(left, name), getattr(right, name), err_msg=name)
    assert left.loss_curve_ == right.loss_curve_


def distance(model, X):
    """Mean loss of clean rows, by the equations."""
    oracle = Oracle.of(model)
    return np.mean([oracle.entry_losses(x, x).sum() for x in X])


def outputs(model, X):
    codes = model.transform(X)
    return {
        "transform": codes,
        "inverse_transform": model.inverse_transform(codes),
        "reconstruct": model.reconstruct(X),
        "score_samples": model.score_samples(X),
        "reconstruction_error": model.reconstruction_error(X),
    }


def ones_in_random_places(n_samples, n_features):
    """A sparse matrix with one stored value a row."""
    columns = np.random.default_rng(0).integers(0, n_features, n_samples)
    return scipy.sparse.csr_array(
        (np.ones(n_samples), columns, np.arange(n_samples + 1)),
        shape=(n_samples, n_features),
    )
