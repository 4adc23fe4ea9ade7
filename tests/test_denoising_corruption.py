"""Corruption and emphasis in the training of a denoising autoencoder."""

import numpy as np
import pytest
import scipy.sparse
from numpy.testing import assert_allclose
from row_models import assert_same_model, distance, make

pytestmark = pytest.mark.filterwarnings("ignore:Maximum iterations")


# Corruption


def test_masking_everything_leaves_the_mean_to_learn(X):
    model = make(corruption_level=1.0, max_iter=300, learning_rate_init=0.05).fit(X)
    blank = model.reconstruct(np.zeros((1, 8)))
    assert_allclose(blank[0], X.mean(axis=0), atol=0.02)


@pytest.mark.parametrize("dtype", [str, complex])
def test_a_function_that_returns_no_real_numbers_is_named(X, dtype):
    def wrong(X, level, rng):
        return X.astype(dtype)

    with pytest.raises(ValueError, match=r"function wrong returned .* dtype"):
        make(corruption=wrong).fit(X)


# Emphasis


def test_full_emphasis_counts_masked_zeros():
    X = np.zeros((20, 6))
    settings = {"corruption_level": 1.0, "solver": "sgd", "learning_rate_init": 1e-12}
    model = make(emphasis=(1, 0), **settings).partial_fit(X)
    assert model.loss_ == pytest.approx(distance(model, X), rel=1e-6)
    assert model.loss_ > 1


def test_emphasis_on_untouched_entries_alone_ignores_masked_zeros():
    X = np.zeros((20, 6))
    model = make(corruption_level=1.0, emphasis=(0, 1)).partial_fit(X)
    assert model.loss_ == 0


@pytest.mark.parametrize("container", [np.asarray, scipy.sparse.csr_array])
def test_emphasis_weighs_chosen_and_other_entries(container, X):
    settings = {
        "solver": "sgd",
        "learning_rate_init": 1e-12,
        "shuffle": False,
        "corruption_level": 0.5,
    }
    losses = {
        emphasis: make(emphasis=emphasis, **settings).partial_fit(container(X)).loss_
        for emphasis in [(1, 0), (0, 1), (1, 0.5), (2, 2)]
    }
    chosen, others = losses[1, 0], losses[0, 1]
    assert losses[1, 0.5] == pytest.approx(chosen + others / 2, rel=1e-9)
    assert losses[2, 2] == pytest.approx(2 * (chosen + others), rel=1e-9)
    assert chosen > 1
    assert others > 1


def test_gaussian_noise_counts_every_entry_as_corrupted(X):
    settings = {"corruption": "gaussian", "solver": "sgd", "learning_rate_init": 1e-12}
    assert make(emphasis=(0, 1), **settings).partial_fit(X).loss_ == 0


def test_emphasis_1_1_is_no_emphasis(X):
    assert_same_model(make(emphasis=(1.0, 1.0)).fit(X), make(emphasis=[1, 1]).fit(X))


def test_emphasis_2_2_doubles_the_plain_gradient(X):
    settings = {"solver": "sgd", "momentum": 0}
    doubled = make(emphasis=(2, 2), learning_rate_init=0.05, **settings).fit(X)
    plain = make(learning_rate_init=0.1, **settings).fit(X)
    assert_allclose(doubled.components_, plain.components_, rtol=1e-10, atol=1e-12)


def test_the_held_out_loss_is_weighted_by_emphasis(X):
    first = [
        make(
            early_stopping=True,
            emphasis=emphasis,
            solver="sgd",
            learning_rate_init=1e-15,
        )
        .fit(X)
        .validation_loss_curve_[0]
        for emphasis in ((1, 1), (3, 3))
    ]
    assert first[1] == pytest.approx(3 * first[0])


@pytest.mark.parametrize("nothing", [{"corruption": None}, {"corruption_level": 0}])
def test_full_emphasis_without_corruption_has_nothing_to_learn(X, nothing):
    model = make(emphasis=(1, 0), **nothing)
    with pytest.raises(
        ValueError, match=r"emphasis=\(1, 0\) gives untouched .* weight"
    ):
        model.fit(X)
