"""Kinds of numbers, shapes and memory layouts of the rows that are fitted."""

import numpy as np
import pytest
from estimators import every_minibatch_solver
from numpy.testing import assert_allclose, assert_array_equal
from row_models import (
    LEARNED,
    assert_same_model,
    dense_or_sparse,
    every_corruption,
    make,
    outputs,
)

from sk_autoenc.parts.activations import ACTIVATIONS
from sk_autoenc.parts.losses import LOSSES

pytestmark = pytest.mark.filterwarnings("ignore:Maximum iterations")


# Kinds of numbers


@dense_or_sparse
@every_corruption
def test_training_with_emphasis_keeps_precision(corruption, container, dtype, X):
    X = container(X.astype(dtype))
    model = make(corruption=corruption, emphasis=(1, 0.5), alpha=0.1)
    model.fit(X).partial_fit(X)
    for name in (*LEARNED, "data_min_", "data_max_"):
        assert getattr(model, name).dtype == dtype, name
    for name, output in outputs(model, X).items():
        assert output.dtype == dtype, name


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_loss_and_activation_agree_in_both_precisions(loss, activation, X):
    double, single = (
        make(loss=loss, activation=activation).fit(X.astype(dtype)).transform(X)
        for dtype in (np.float64, np.float32)
    )
    assert_allclose(single, double, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("trained_on", [np.float32, np.float64])
def test_partial_fit_keeps_the_precision_of_the_known_range(trained_on, X):
    other = np.float64 if trained_on == np.float32 else np.float32
    model = make().fit(X.astype(trained_on)).partial_fit(X.astype(other))
    for name in ("data_min_", "data_max_"):
        assert getattr(model, name).dtype == trained_on, name


@pytest.mark.parametrize("kind", [int, bool, np.uint8, np.int64])
def test_other_numbers_become_double_precision(kind, X):
    X = (X > 0.5).astype(kind)
    model = make().fit(X)
    assert model.components_.dtype == np.float64
    assert model.transform(X).dtype == np.float64
    assert_same_model(model, make().fit(X.astype(float)))


def test_integer_images_are_learned_by_their_squared_error(rng):
    images = rng.integers(0, 256, (40, 16), dtype=np.uint8)
    model = make(alpha=0.0).fit(images)
    assert model.loss_name_ == "squared_error"
    assert np.isfinite(model.score(images))
    assert_array_equal(model.data_max_, images.max(axis=0))


# Shapes


@pytest.mark.filterwarnings("ignore:The loss rose")  # of one noisy entry
@every_corruption
@every_minibatch_solver
@pytest.mark.parametrize(
    "shape", [(1, 8), (60, 1), (1, 1), (2, 3), (17, 8)], ids=lambda s: f"{s[0]}x{s[1]}"
)
def test_small_shapes_work(shape, solver, corruption, X):
    """One sample, one feature, more components than features, a last batch of one."""
    X = X[: shape[0], : shape[1]]
    model = make(batch_size="auto", solver=solver, corruption=corruption)
    if shape[0] == 17:
        model.set_params(batch_size=16)
    model.fit(X).partial_fit(X)
    assert model.transform(X).shape == (shape[0], 4)
    assert model.reconstruct(X).shape == shape
    assert np.isfinite(model.score(X))


@every_corruption
@pytest.mark.parametrize("loss", LOSSES)
def test_constant_columns_work(loss, corruption, X):
    X[:, 0], X[:, 1], X[:, 2] = 0, 1, 0.5
    model = make(loss=loss, corruption=corruption, max_iter=20).fit(X)
    assert np.isfinite(model.score(X))


def test_constant_data_are_learned(dtype):
    X = np.full((20, 3), 0.25, dtype)
    model = make(max_iter=200, learning_rate_init=0.05, corruption=None).fit(X)
    assert_allclose(model.reconstruct(X), X, atol=0.02)


# Memory layouts


def test_fortran_order_gives_the_same_model(X):
    model = make().fit(np.asfortranarray(X))
    assert_same_model(model, make().fit(X))
    assert_array_equal(model.transform(np.asfortranarray(X)), model.transform(X))


def test_strided_views_give_the_same_model(X):
    wide = np.zeros((120, 16))
    wide[::2, ::2] = X
    assert_same_model(make().fit(wide[::2, ::2]), make().fit(X))


def test_memory_mapped_data_give_the_same_model(X, tmp_path):
    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    model = make().fit(mapped).partial_fit(mapped)
    assert_same_model(model, make().fit(X).partial_fit(X))
    assert_array_equal(model.score_samples(mapped), model.score_samples(X))
