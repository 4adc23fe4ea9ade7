"""The denoising autoencoder: its equations, what comes out, its attributes."""

import copy
import pickle
import warnings

import joblib
import numpy as np
import pytest
import scipy.sparse
from estimators import state_of
from numpy.testing import assert_allclose, assert_array_equal
from oracles import Oracle
from row_models import dense_or_sparse, distance, either_tied, make
from sklearn.exceptions import NotFittedError

from sk_autoenc import DenoisingAutoencoder
from sk_autoenc.parts.activations import ACTIVATIONS
from sk_autoenc.parts.losses import LOSSES

pytestmark = pytest.mark.filterwarnings("ignore:Maximum iterations")


# The equations


@either_tied
@pytest.mark.parametrize("container", [np.asarray, scipy.sparse.csr_array])
def test_a_full_batch_step_of_plain_sgd_is_equations_15_to_17(container, is_tied, X):
    model = DenoisingAutoencoder(
        4,
        corruption=None,
        solver="sgd",
        momentum=0,
        batch_size=60,
        learning_rate_init=0.37,
        tied_weights=is_tied,
        random_state=0,
    )
    model.partial_fit(container(X))
    for _ in range(3):
        expected = Oracle.of(model).step(X, X, 0.37)
        model.partial_fit(container(X))
        actual = Oracle.of(model)
        for name in ("weights", "intercept_hidden", "intercept_visible"):
            assert_allclose(
                getattr(actual, name), getattr(expected, name), rtol=0, atol=1e-12
            )
        assert_allclose(
            actual.decoder_weights, expected.decoder_weights, rtol=0, atol=1e-12
        )


def test_a_step_on_corrupted_rows_reconstructs_the_clean_ones(X):
    seen = []

    def drop(X, level, rng):
        seen.append((X.copy(), X * (rng.random(X.shape) > level)))
        return seen[-1][1]

    settings = {"solver": "sgd", "learning_rate_init": 0.1, "momentum": 0}
    model = make(corruption=drop, batch_size=60, **settings)
    model.partial_fit(X)
    oracle = Oracle.of(model)
    model.partial_fit(X)
    clean, corrupted = seen[-1]
    expected = oracle.step(clean, corrupted, 0.1)
    assert_allclose(model.components_, expected.weights, rtol=0, atol=1e-12)
    value, _ = oracle.value_and_gradient(clean, corrupted)
    assert model.loss_ == pytest.approx(value, rel=1e-12)


def mirrored_groups():
    """10 rows of 20 binary features: two mirrored groups, some bits missing."""
    rows = np.zeros((5, 20))
    rows[:, :10] = 1
    rows[range(5), range(0, 10, 2)] = 0
    rows[[2, 3, 4], [7, 9, 1]] = 0
    return np.vstack([rows, rows[:, ::-1]])


def toy_model(seed):
    return DenoisingAutoencoder(
        5,
        activation="logistic",
        solver="sgd",
        learning_rate="constant",
        learning_rate_init=0.1,
        momentum=0,
        corruption_level=0.3,
        warm_start=True,
        tol=0,
        n_iter_no_change=1000,
        random_state=seed,
    )


def test_the_toy_data_of_the_note_are_learned_at_its_pace():
    X = mirrored_groups()
    losses = []
    for seed in range(4):
        model = toy_model(seed).partial_fit(X)
        small = np.random.default_rng(seed).uniform(-1 / 20, 1 / 20, (5, 20))
        model.components_[...] = small  # the note starts near nought
        model.intercept_hidden_[...] = model.intercept_visible_[...] = 0
        curve = [distance(model, X)]
        for n_steps in (50, 450):
            curve.append(distance(model.set_params(max_iter=n_steps).fit(X), X))
        losses.append(curve)
    assert_allclose(np.mean(losses, axis=0), [13.9, 8.1, 3.7], rtol=0, atol=0.6)


@pytest.mark.parametrize("seed", range(3))
def test_the_toy_data_are_learned_from_the_default_start(seed):
    X = mirrored_groups()
    model = toy_model(seed).set_params(max_iter=500).fit(X)
    assert distance(model, X) < 4.5


@either_tied
@pytest.mark.parametrize("sign", [-1, 1])
def test_preactivations_of_800_give_finite_scores(is_tied, sign, dtype, X):
    model = make(tied_weights=is_tied).partial_fit(X.astype(dtype))
    model.components_[...] = 0
    model.decoder_components_[...] = 0
    model.intercept_visible_[...] = 800 * sign
    missed = 1 - X if sign > 0 else X
    scores = model.score_samples(X.astype(dtype))
    assert_allclose(scores, -(missed**2).sum(axis=1) / 2, rtol=1e-4)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("loss", LOSSES)
@either_tied
def test_every_activation_and_loss_learn(activation, loss, is_tied, X):
    model = make(
        activation=activation,
        loss=loss,
        tied_weights=is_tied,
        max_iter=60,
        learning_rate_init=0.01,
    )
    model.fit(X)
    assert model.loss_curve_[-1] < 0.9 * model.loss_curve_[0]


# After fit: what comes out


@either_tied
def test_codes_and_reconstructions_equal_the_equations(is_tied, X):
    model = make(tied_weights=is_tied).fit(X)
    oracle = Oracle.of(model)
    codes = [oracle.encode(x) for x in X]
    assert_allclose(model.transform(X), codes, rtol=0, atol=1e-13)
    reconstruction = [oracle.reconstruct(x) for x in X]
    assert_allclose(model.inverse_transform(codes), reconstruction, atol=1e-13)
    assert_allclose(model.reconstruct(X), reconstruction, atol=1e-13)


@pytest.mark.parametrize("loss", LOSSES)
@either_tied
def test_score_samples_are_minus_half_the_squared_error_of_clean_rows(loss, is_tied, X):
    model = make(loss=loss, tied_weights=is_tied, alpha=0.5, emphasis=(1, 0.2)).fit(X)
    oracle = Oracle.of(model)
    expected = [-((oracle.reconstruct(x) - x) ** 2).sum() / 2 for x in X]
    assert_allclose(model.score_samples(X), expected, rtol=1e-12)


@pytest.mark.parametrize("loss", LOSSES)
def test_reconstruction_error_is_the_squared_error_of_each_entry(loss, X):
    model = make(loss=loss).fit(X)
    errors = model.reconstruction_error(X)
    assert errors.shape == X.shape
    assert_allclose(errors, (model.reconstruct(X) - X) ** 2, rtol=1e-13)


def test_reconstruction_error_finds_the_guilty_feature(X):
    model = make(n_components=6, max_iter=150, learning_rate_init=0.01).fit(X)
    odd = X[:1].copy()
    odd[0, 5] = 1 - np.round(odd[0, 5])
    assert model.reconstruction_error(odd)[0].argmax() == 5


@dense_or_sparse
@pytest.mark.parametrize(
    "method", ["transform", "reconstruct", "score_samples", "reconstruction_error"]
)
def test_outputs_do_not_depend_on_how_rows_are_split(method, container, X):
    X = container(X)
    model = make().fit(X)
    whole = getattr(model, method)(X)
    parts = [getattr(model, method)(X[rows : rows + 7]) for rows in range(0, 60, 7)]
    assert_allclose(np.concatenate(parts), whole, rtol=1e-12)


# Fitted attributes


def test_attributes_have_their_shapes(X):
    model = make().fit(X)
    assert model.components_.shape == (4, 8)
    assert model.decoder_components_.shape == (4, 8)
    assert model.intercept_hidden_.shape == (4,)
    assert model.intercept_visible_.shape == (8,)
    assert model.n_features_in_ == 8
    assert_array_equal(model.data_min_, X.min(axis=0))
    assert_array_equal(model.data_max_, X.max(axis=0))


def test_a_tied_decoder_is_the_same_array_as_the_encoder(X):
    model = make().fit(X)
    assert model.decoder_components_ is model.components_


def test_a_free_decoder_is_another_array(X):
    model = make(tied_weights=False).fit(X)
    assert not np.shares_memory(model.decoder_components_, model.components_)


@pytest.mark.parametrize("duplicate", ["pickle", "deepcopy", "joblib"])
def test_a_tied_decoder_is_still_the_same_array_in_a_copy(duplicate, X, tmp_path):
    model = make().fit(X)
    if duplicate == "joblib":
        joblib.dump(model, tmp_path / "model")
        twin = joblib.load(tmp_path / "model")
    else:
        twin = {"pickle": lambda m: pickle.loads(pickle.dumps(m))}.get(
            duplicate, copy.deepcopy
        )(model)
    assert twin.decoder_components_ is twin.components_


def test_the_chosen_loss_and_output_are_told(X, X_real):
    model = make().fit(X)
    assert (model.loss_name_, model.output_activation_) == ("cross_entropy", "logistic")
    model.fit(X_real)
    assert (model.loss_name_, model.output_activation_) == ("squared_error", "identity")


def test_an_explicit_output_activation_is_used(X_real):
    model = make(output_activation="tanh").fit(X_real)
    assert (model.loss_name_, model.output_activation_) == ("squared_error", "tanh")
    assert np.abs(model.reconstruct(X_real)).max() <= 1


# Training that goes on


def test_partial_fit_widens_the_known_range(X):
    model = make().partial_fit(X * 0.5).partial_fit(X)
    assert_array_equal(model.data_min_, np.minimum(X * 0.5, X).min(axis=0))
    assert_array_equal(model.data_max_, X.max(axis=0))


@pytest.mark.parametrize(
    "changes",
    [
        {"n_components": 5},
        {"tied_weights": False},
        {"loss": "cross_entropy", "output_activation": "tanh"},
    ],
)
def test_a_warm_start_that_is_refused_keeps_the_model(X, changes):
    model = make(warm_start=True).fit(X)
    settings, before = model.get_params(), state_of(model)
    with pytest.raises(ValueError, match=next(iter(changes))):
        model.set_params(**changes).fit(X)
    model.set_params(**settings)
    assert state_of(model) == before
    assert model.fit(X).n_iter_ > 1


# Trouble


def test_a_held_out_loss_that_overflows_leaves_the_model_unfitted(X):
    model = make(early_stopping=True, corruption=None, loss="squared_error")
    with pytest.raises(ValueError, match="Training diverged: in epoch 1 the loss"):
        model.fit(np.r_[X, np.full((20, 8), 1e200)])
    with pytest.raises(NotFittedError):
        model.transform(X)


def test_the_range_in_the_message_shows_what_is_wrong(X):
    X = X.copy()
    X[0, 0] = 1.000002
    with pytest.raises(ValueError, match=r"to 1\.000002"):
        make(loss="cross_entropy").fit(X)


def test_noise_alone_is_not_called_a_rising_loss():
    """Parameters that stand still cannot have a learning rate too high."""
    for seed in range(10):
        model = make(solver="sgd", learning_rate_init=1e-300, random_state=seed)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            model.set_params(corruption="gaussian").fit([[0.3]])
        assert not [w for w in caught if "loss rose" in str(w.message)], seed
