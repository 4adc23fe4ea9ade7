"""White box: the size of blocks of rows and trees changes no result."""

from unittest.mock import patch

import numpy as np
import pytest
import row_models
from numpy.testing import assert_allclose, assert_array_equal
from row_models import dense_or_sparse
from tree_models import TREES, every_estimator, make

from sk_autoenc import feeds
from sk_autoenc.networks.tree import levels
from sk_autoenc.trees.forest import Forest

pytestmark = pytest.mark.filterwarnings("ignore:Maximum iterations")


@dense_or_sparse
@pytest.mark.parametrize(
    "method", ["transform", "reconstruct", "score_samples", "reconstruction_error"]
)
def test_outputs_do_not_depend_on_the_size_of_blocks_of_rows(
    method, container, X, monkeypatch
):
    X = container(X)
    model = row_models.make().fit(X)
    whole = getattr(model, method)(X)
    monkeypatch.setattr(feeds, "BLOCK_ENTRIES", 200)  # the last block is shorter
    assert_allclose(getattr(model, method)(X), whole, rtol=1e-12)


def test_validation_loss_does_not_depend_on_the_size_of_blocks_of_rows(X, monkeypatch):
    settings = {"corruption": None, "early_stopping": True, "validation_fraction": 0.7}
    whole = row_models.make(**settings).fit(X)
    monkeypatch.setattr(feeds, "BLOCK_ENTRIES", 200)
    blocks = row_models.make(**settings).fit(X)
    assert_allclose(
        blocks.validation_loss_curve_, whole.validation_loss_curve_, rtol=1e-12
    )


@every_estimator
def test_outputs_do_not_depend_on_the_size_of_blocks(Estimator):
    settings = {"pooling": ("mean", "root", "max"), "early_stopping": True}
    model = make(Estimator, **settings).fit(TREES)
    with patch.object(levels, "BLOCK_CODE_ENTRIES", 30):
        n_blocks = len(list(levels.blocks(Forest.from_nested(TREES), 3, np.float64)))
        assert n_blocks > 5
        twin = make(Estimator, **settings).fit(TREES)
        codes = twin.transform(TREES)
        decoded = twin.inverse_transform(codes, structures=Forest.from_nested(TREES))
        by_node, index = twin.transform_nodes(TREES)
        scores, errors = twin.score_samples(TREES), twin.reconstruction_error(TREES)
    close = {"rtol": 1e-9, "atol": 1e-12}
    assert_allclose(twin.validation_loss_curve_, model.validation_loss_curve_, **close)
    assert_allclose(codes, model.transform(TREES), **close)
    expected = model.reconstruct(Forest.from_nested(TREES)).leaf_vectors()
    assert_allclose(decoded.leaf_vectors(), expected, **close)
    expected, expected_index = model.transform_nodes(TREES)
    assert_allclose(by_node, expected, **close)
    assert_array_equal(index, expected_index)
    assert_allclose(scores, model.score_samples(TREES), **close)
    assert_allclose(errors, model.reconstruction_error(TREES), **close)


@every_estimator
def test_corrupted_losses_do_not_depend_on_the_size_of_blocks(Estimator):
    changes = {"corruption": "masking", "corruption_level": 0.5, "batch_size": 10}
    halves = {"early_stopping": True, "validation_fraction": 0.5}
    model = make(Estimator, **changes, **halves).fit(TREES)
    with patch.object(levels, "BLOCK_CODE_ENTRIES", 30):
        twin = make(Estimator, **changes, **halves).fit(TREES)
    close = {"rtol": 1e-9}
    assert_allclose(twin.validation_loss_curve_, model.validation_loss_curve_, **close)
    assert_allclose(twin.loss_curve_, model.loss_curve_, **close)
