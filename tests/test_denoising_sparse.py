"""Sparse rows give the model of dense ones; what rows take in memory."""

import tracemalloc

import numpy as np
import pytest
import scipy.sparse
from numpy.testing import assert_allclose
from row_models import (
    LEARNED,
    assert_same_model,
    distance,
    either_tied,
    every_corruption,
    every_sparse_type,
    make,
    ones_in_random_places,
    outputs,
)

from sk_autoenc.parts.corruptions import CORRUPTIONS

pytestmark = pytest.mark.filterwarnings("ignore:Maximum iterations")


@pytest.fixture
def X_sparse():
    """80 rows of 12 features in [0, 1], seven in ten of them zeros."""
    rng = np.random.default_rng(4)
    causes = rng.random((80, 2)) < 0.5
    pattern = rng.random((2, 12)) < 0.35
    return (causes @ pattern > 0) * rng.uniform(0.5, 1, (80, 12))


# The model of dense rows


@every_sparse_type
@either_tied
def test_sparse_data_give_the_model_of_dense_ones(container, is_tied, X_sparse):
    """Without corruption, which would draw its numbers for the stored entries alone."""
    settings = {"corruption": None, "tied_weights": is_tied}
    dense = make(**settings).fit(X_sparse)
    sparse = make(**settings).fit(container(X_sparse))
    for name in LEARNED:
        assert_allclose(
            getattr(sparse, name), getattr(dense, name), rtol=1e-9, atol=1e-12
        )


@every_sparse_type
def test_sparse_data_give_the_outputs_of_dense_ones(container, X_sparse):
    model = make().fit(X_sparse)
    expected = outputs(model, X_sparse)
    for name, output in outputs(model, container(X_sparse)).items():
        assert isinstance(output, np.ndarray)
        assert_allclose(output, expected[name], rtol=1e-12, atol=1e-14, err_msg=name)


@every_corruption
@pytest.mark.parametrize("emphasis", [(1, 1), (1, 0.5)])
def test_sparse_data_are_learned_as_well_as_dense_ones(corruption, emphasis, X_sparse):
    settings = {
        "corruption": corruption,
        "emphasis": emphasis,
        "max_iter": 80,
        "learning_rate_init": 0.01,
    }
    dense = make(**settings).fit(X_sparse)
    sparse = make(**settings).fit(scipy.sparse.csr_array(X_sparse))
    assert distance(sparse, X_sparse) == pytest.approx(
        distance(dense, X_sparse), rel=0.1
    )
    assert sparse.loss_ < 0.8 * sparse.loss_curve_[0]


def test_masking_sparse_data_masks_at_the_level(X_sparse):
    """Everything masked: only the mean is left to learn."""
    model = make(corruption_level=1.0, max_iter=300, learning_rate_init=0.05)
    model.fit(scipy.sparse.csr_array(X_sparse))
    blank = model.reconstruct(np.zeros((1, 12)))
    assert_allclose(blank[0], X_sparse.mean(axis=0), atol=0.03)


def test_early_stopping_works_on_sparse_data(X_sparse):
    settings = {"early_stopping": True, "corruption": None}
    dense = make(**settings).fit(X_sparse)
    sparse = make(**settings).fit(scipy.sparse.csr_array(X_sparse))
    assert_allclose(
        sparse.validation_loss_curve_, dense.validation_loss_curve_, rtol=1e-10
    )


# Forms of one matrix


def test_duplicate_entries_of_a_sparse_matrix_are_summed(X_sparse):
    canonical = scipy.sparse.csr_array(X_sparse)
    doubled = scipy.sparse.csr_array(
        (
            np.repeat(canonical.data / 2, 2),
            np.repeat(canonical.indices, 2),
            2 * canonical.indptr,
        ),
        shape=canonical.shape,
    )
    assert not doubled.has_canonical_format
    assert_same_model(make().fit(doubled), make().fit(canonical))
    assert doubled.nnz == 2 * canonical.nnz


def test_explicit_zeros_and_unsorted_indices_change_nothing(X_sparse):
    canonical = scipy.sparse.csr_array(X_sparse)
    unsorted = canonical[:, ::-1][:, ::-1]
    unsorted.has_sorted_indices = False
    settings = {"corruption": None}
    expected = make(**settings).fit(canonical)
    with_zeros = canonical.copy()
    with_zeros.data[0] = 0
    without = with_zeros.copy()
    without.eliminate_zeros()
    assert_allclose(
        make(**settings).fit(unsorted).components_, expected.components_, atol=1e-12
    )
    assert_allclose(
        make(**settings).fit(with_zeros).components_,
        make(**settings).fit(without).components_,
        atol=1e-12,
    )


def test_an_all_zero_sparse_matrix_works():
    X = scipy.sparse.csr_array((20, 6))
    model = make().fit(X)
    assert np.isfinite(model.score(X))


# Memory


def peak_memory(function):
    tracemalloc.start()
    try:
        function()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("corruption", CORRUPTIONS, ids=str)
def test_sparse_data_are_never_made_dense_whole_in_training(corruption):
    """They would take 40 MB; a batch of 100 rows takes 0.4 MB."""
    X = ones_in_random_places(10_000, 500)
    model = make(n_components=2, corruption=corruption, batch_size=100)
    assert peak_memory(lambda: model.partial_fit(X)) < 10e6


@pytest.mark.parametrize("method", ["transform", "score_samples"])
@pytest.mark.parametrize("shape", [(10_000, 500), (1000, 5000)], ids=["long", "wide"])
def test_sparse_data_are_never_made_dense_whole_afterwards(shape, method):
    """They would take 40 MB; BLOCK rows at a time must not take more than a quarter."""
    X = ones_in_random_places(*shape)
    model = make(n_components=2, batch_size=100, max_iter=1).fit(X[:200])
    assert peak_memory(lambda: getattr(model, method)(X)) < 10e6


def test_held_out_sparse_rows_are_never_made_dense_whole():
    X = ones_in_random_places(1000, 5000)
    model = make(
        n_components=2,
        batch_size=20,
        max_iter=1,
        early_stopping=True,
        validation_fraction=0.6,
    )
    assert peak_memory(lambda: model.fit(X)) < 20e6


@pytest.mark.parametrize("method", ["score_samples", "transform"])
def test_memory_afterwards_does_not_grow_with_rows_of_many_components(method):
    X = np.random.default_rng(0).random((4000, 4))
    model = make(n_components=500, max_iter=1).fit(X[:100])
    codes = 4000 * 500 * X.itemsize if method == "transform" else 0
    assert peak_memory(lambda: getattr(model, method)(X)) < codes + 10e6


def test_memory_in_training_does_not_grow_with_the_dense_data():
    """Beyond X itself: buffers of a batch, and no copy of X."""
    X = np.random.default_rng(0).random((20_000, 100))
    model = make(batch_size=100)
    assert peak_memory(lambda: model.partial_fit(X)) < 0.25 * X.nbytes


@pytest.mark.parametrize("damage", [99, -1])
def test_a_damaged_sparse_matrix_is_refused(damage, X_sparse):
    model = make().fit(X_sparse)
    broken = scipy.sparse.csr_array(X_sparse)
    broken.indices[3] = damage
    for method in (model.transform, model.fit, model.score_samples):
        with pytest.raises(ValueError, match=r"ind(ices|ex)"):
            method(broken)
