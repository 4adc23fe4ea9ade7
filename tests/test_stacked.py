"""StackedDenoisingAutoencoder: layer by layer, then as a whole."""

import pickle

import numpy as np
import pytest
import scipy.sparse
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import estimator_checks_generator
from test_estimators_callbacks import Recorder

from sk_autoenc import DenoisingAutoencoder, StackedDenoisingAutoencoder
from sk_autoenc.parts.activations import ACTIVATIONS

QUICK = {"max_iter": 4, "batch_size": 20, "random_state": 1}
every_activation = pytest.mark.parametrize("activation", ACTIVATIONS)


def make(sizes=(6, 3), *, layer=None, **changes):
    template = DenoisingAutoencoder(**QUICK | (layer or {}))
    return StackedDenoisingAutoencoder(
        sizes, **{"autoencoder": template, "random_state": 0} | changes
    )


def parts(model):
    return [
        *model.coefs_,
        *model.intercepts_,
        *model.decoder_coefs_,
        *model.decoder_intercepts_,
    ]


def assert_same(left, right):
    for one, other in zip(parts(left), parts(right), strict=True):
        assert_array_equal(one, other)


@pytest.mark.parametrize("check", ["fine_tune", "layers"])
def test_every_check_of_scikit_learn_passes(check):
    changes = {"layers": "all"} if check == "layers" else {"fine_tune": True}
    changes["layer"] = {"batch_size": "auto"}
    checks = estimator_checks_generator(make(**changes))
    for estimator, one in checks:
        if "array_api" not in str(one):
            one(estimator)


# Layer by layer


@every_activation
def test_each_layer_is_an_autoencoder_of_the_clean_codes_below(activation, X):
    model = make((6, 4, 3), layer={"activation": activation}, fine_tune=False).fit(X)
    below, offset = X, np.zeros(8)
    for coef, intercept, size in zip(
        model.coefs_, model.intercepts_, (6, 4, 3), strict=True
    ):
        layer = DenoisingAutoencoder(size, activation=activation, **QUICK)
        if below is not X:
            layer.set_params(
                loss="cross_entropy" if activation == "logistic" else "squared_error",
                output_activation=activation
                if activation in ("logistic", "tanh")
                else "identity",
            )
        codes = layer.fit(below).transform(below)
        factor, mean = 1.0, np.zeros(size)
        if activation in ("relu", "identity"):
            mean = codes.mean(axis=0)
            factor = np.linalg.norm(below) / np.linalg.norm(codes - mean)
        weights = layer.components_.T
        assert_allclose(coef, factor * weights, rtol=1e-9)
        expected = factor * (layer.intercept_hidden_ - offset @ weights)
        assert_allclose(intercept, expected, rtol=1e-9, atol=1e-12)
        below, offset = factor * (codes - mean), factor * mean
    assert_allclose(model.transform(X), below + offset, rtol=1e-9, atol=1e-12)


@every_activation
def test_unrolled_layers_decode_as_each_autoencoder_did(activation, X):
    model = make((6,), layer={"activation": activation}, fine_tune=False).fit(X)
    layer = DenoisingAutoencoder(6, activation=activation, **QUICK).fit(X)
    assert_allclose(model.reconstruct(X), layer.reconstruct(X), rtol=1e-9)
    assert model.pretraining_loss_curves_ == [layer.loss_curve_]
    assert model.n_iter_ == 0


def test_units_of_upper_layers_stay_alive():
    X = (load_digits().data / 16).astype(np.float32)
    model = make((100, 100, 100), layer={"max_iter": 10}, layers="all").fit(X)
    alive = model.transform(X).std(axis=0) > 0
    assert alive.reshape(3, 100).mean(axis=1).min() > 0.95


# As a whole


@every_activation
def test_joint_training_reconstructs_better_than_the_layers_did(activation):
    X = (load_digits().data[:600] / 16).astype(np.float32)
    layer = {"activation": activation, "max_iter": 20, "corruption_level": 0.1}
    layers, whole = (
        make((40, 20), layer=layer, fine_tune=fine_tune).fit(X)
        for fine_tune in (False, True)
    )
    assert whole.score(X) > layers.score(X)
    assert whole.n_iter_ == 20
    assert whole.loss_curve_[-1] < layers.loss_
    assert whole.pretraining_loss_curves_ == layers.pretraining_loss_curves_


@pytest.mark.parametrize("layer", [1, 2, 3])
def test_codes_of_every_layer_decode_to_rows(layer, X):
    model = make((6, 4, 3)).fit(X)
    last = model.transform(X)
    assert_array_equal(model.inverse_transform(last), model.reconstruct(X))
    together = model.set_params(layers="all").transform(X)
    assert together.shape == (60, 13)
    assert_array_equal(model.inverse_transform(together), model.reconstruct(X))
    codes = model.set_params(layers=layer).transform(X)
    start = [0, 6, 10][layer - 1]
    assert_array_equal(codes, together[:, start : start + codes.shape[1]])
    assert len(model.get_feature_names_out()) == codes.shape[1]
    decoded = codes
    coefs, intercepts = model.decoder_coefs_, model.decoder_intercepts_
    for k in range(3 - layer, 3):
        decoded = decoded @ coefs[k] + intercepts[k]
        if k < 2:
            decoded = np.maximum(decoded, 0)
    expected = 1 / (1 + np.exp(-decoded))
    assert_allclose(model.inverse_transform(codes), expected, rtol=1e-9)


def test_scores_are_of_the_reconstruction(X):
    model = make().fit(X)
    squares = (model.reconstruct(X) - X) ** 2
    assert_allclose(model.reconstruction_error(X), squares)
    assert_allclose(model.score_samples(X), -squares.sum(axis=1) / 2)
    assert model.score(X) == pytest.approx(-squares.sum() / 120)


def test_sparse_rows_are_learned_like_dense_ones(X):
    X = np.where(X > 0.5, X, 0)
    model = make(layer={"corruption": None})
    dense, sparse = clone(model).fit(X), model.fit(scipy.sparse.csr_array(X))
    for one, other in zip(parts(dense), parts(sparse), strict=True):
        assert_allclose(one, other, rtol=1e-9, atol=1e-12)
    assert_allclose(
        sparse.transform(scipy.sparse.csr_array(X)), dense.transform(X), atol=1e-12
    )


def test_missing_entries_are_never_seen_and_come_back(X):
    holes = np.random.default_rng(0).random(X.shape) < 0.2
    X = np.where(holes, np.nan, X)
    model = make().fit(X)
    assert np.isfinite(model.transform(X)).all()
    assert np.isfinite(model.reconstruct(X)).all()
    assert_array_equal(model.reconstruction_error(X)[holes], 0)
    assert_array_equal(model.transform(X), model.transform(np.nan_to_num(X)))


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_a_feature_that_never_was_observed_has_no_influence(method, X):
    X = X.copy()
    X[:, 2] = np.nan
    model = getattr(make(), method)(X)
    assert_array_equal(model.reconstruct(X)[:, 2], 0.5)
    other = np.where(np.arange(8) == 2, 7.0, X)
    assert_array_equal(model.transform(other), model.transform(X))


def test_groups_of_features_are_of_the_first_layer(rng):
    X = np.eye(4)[rng.integers(4, size=60)]
    layer = {"feature_groups": [0, 0, 0, 0], "corruption": "swap"}
    model = make(layer=layer).fit(X)
    assert model.loss_name_ == "mixed"
    assert_allclose(model.reconstruct(X).sum(axis=1), 1)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_precision_of_the_rows_is_kept(dtype, X):
    model = make().fit(X.astype(dtype))
    assert {part.dtype for part in parts(model)} == {np.dtype(dtype)}
    assert model.transform(X.astype(dtype)).dtype == dtype
    assert model.reconstruct(X.astype(dtype)).dtype == dtype


# Going on


def test_partial_fit_trains_all_layers_and_none_alone(X):
    model = make().partial_fit(X)
    assert model.pretraining_loss_curves_ == []
    before = model.loss_
    for _ in range(30):
        model.partial_fit(X)
    assert model.loss_ < before
    assert model.n_iter_ == 31


def test_partial_fit_and_a_warm_start_go_on_from_fit(X):
    warm = make(warm_start=True).fit(X)
    n_iter, curves = warm.n_iter_, warm.pretraining_loss_curves_
    warm.fit(X)
    assert warm.n_iter_ == 2 * n_iter
    assert warm.pretraining_loss_curves_ == curves
    fitted = make().fit(X)
    fitted.partial_fit(X)
    assert fitted.n_iter_ == n_iter + 1


def test_lbfgs_trains_the_whole_and_has_no_partial_fit(X):
    model = make(layer={"solver": "lbfgs", "corruption": None, "max_iter": 15})
    with pytest.warns(UserWarning, match="Maximum iterations"):
        model.fit(X)
    assert not hasattr(model, "partial_fit")
    assert model.loss_curve_[-1] < model.loss_curve_[0]
    layers = clone(model).set_params(fine_tune=False)
    with pytest.warns(UserWarning, match="Maximum iterations"):
        layers.fit(X)
    assert layers.loss_ > model.loss_


def test_early_stopping_of_the_template_holds_rows_out_of_the_whole(X):
    model = make(layer={"early_stopping": True}).fit(X)
    assert len(model.validation_loss_curve_) == 4
    assert model.best_loss_ == min(model.validation_loss_curve_)


def test_the_same_random_state_gives_the_same_bits(X):
    layer = {"random_state": None}
    assert_same(make(layer=layer).fit(X), make(layer=layer).fit(X))
    other = make(layer=layer, random_state=1).fit(X)
    assert (other.coefs_[0] != make(layer=layer).fit(X).coefs_[0]).any()


def test_without_the_joint_training_no_epochs_are_counted(X):
    model = make(fine_tune=False).fit(X)
    assert (model.n_iter_, model.t_, model.loss_curve_) == (0, 0, [])
    assert model.loss_ == model.best_loss_ > 0
    model.partial_fit(X)
    assert model.n_iter_ == len(model.loss_curve_) == 1


def test_callbacks_hear_of_a_fit_without_the_joint_training(X):
    pytest.importorskip("sklearn.callback", reason="needs scikit-learn 1.9")
    recorder = Recorder()
    model = make(fine_tune=False).set_callbacks(recorder).fit(X)
    assert recorder.events == ["setup", "begin fit", "end fit", "teardown"]
    assert model.transform(X).shape == (60, 3)


# As an estimator


def test_the_template_is_left_alone(X):
    model = make()
    before = model.autoencoder.get_params()
    model.fit(X)
    assert model.autoencoder.get_params() == before
    with pytest.raises(NotFittedError):
        model.autoencoder.transform(X)


def test_pickles_and_clones(X):
    model = make().fit(X)
    copied = pickle.loads(pickle.dumps(model))
    assert_array_equal(copied.transform(X), model.transform(X))
    assert_same(copied, model)
    with pytest.raises(NotFittedError):
        clone(model).transform(X)


def test_a_search_reaches_the_template():
    X, y = load_digits(return_X_y=True)
    X, y = (X[:300] / 16).astype(np.float32), y[:300]
    search = GridSearchCV(
        make_pipeline(make((20, 10)), LogisticRegression(max_iter=1000)),
        {
            "stackeddenoisingautoencoder__autoencoder__corruption_level": [0.1, 0.3],
            "stackeddenoisingautoencoder__layers": ["last", "all"],
        },
        cv=2,
    )
    assert search.fit(X, y).score(X, y) > 0.6


def test_whatever_fails_leaves_the_model_as_it_was(X):
    model = make().fit(X)
    expected = model.transform(X)
    with pytest.raises(ValueError, match="corruption_level"):
        model.set_params(autoencoder__corruption_level=2.0).fit(X)
    assert_array_equal(model.transform(X), expected)
    fresh = make(layer={"corruption_level": 2.0})
    with pytest.raises(ValueError, match="corruption_level"):
        fresh.fit(X)
    assert not [name for name in vars(fresh) if name.endswith("_")]


@pytest.mark.filterwarnings("ignore:.* rose from:sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("spread", [0.0, 1e-6])
@pytest.mark.parametrize("activation", ["relu", "identity"])
def test_codes_of_rows_that_are_all_alike_stay_small(activation, spread):
    X = 7 + spread * np.random.default_rng(0).random((50, 4))
    model = make((6, 5), layer={"activation": activation}, fine_tune=False).fit(X)
    assert abs(model.transform(X)).max() < 1e3
    assert model.score(X) > -1e3


def test_a_layer_that_diverges_is_named(X):
    layer = {"solver": "sgd", "learning_rate_init": 1e200, "activation": "identity"}
    model = make().fit(X)
    before = vars(model).copy()
    model.autoencoder.set_params(**layer)
    with pytest.raises(ValueError, match=r"Layer 1, trained by itself.* diverged"):
        model.fit(X)
    assert vars(model) == before


def test_a_layer_that_does_not_converge_is_named(X):
    few = {"tol": 0.0, "max_iter": 2, "learning_rate": "constant", "solver": "sgd"}
    named = "Layer 1, trained by itself.* Maximum"
    with pytest.warns(ConvergenceWarning, match=named) as caught:
        make(6, layer=few, fine_tune=False).fit(X)
    assert caught[0].filename == __file__


class Interrupting:
    """Corrupts nothing, and stands for Ctrl-C at some call."""

    def __init__(self, calls):
        self.calls = calls

    def __call__(self, X, level, rng):
        self.calls -= 1
        if not self.calls:
            raise KeyboardInterrupt
        return X


def test_an_interrupt_while_a_layer_is_trained_ends_all(X):
    n_batches = -(-len(X) // QUICK["batch_size"])
    model = make(layer={"corruption": Interrupting(2 * n_batches + 1)})
    with pytest.raises(KeyboardInterrupt):
        model.fit(X)
    assert not [name for name in vars(model) if name.endswith("_")]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"autoencoder": LogisticRegression()}, "autoencoder must be a Denoising"),
        ({"autoencoder": DenoisingAutoencoder}, "autoencoder must be a Denoising"),
        ({"hidden_layer_sizes": ()}, "one layer or more"),
        ({"hidden_layer_sizes": (5, 0)}, "hidden_layer_sizes must be"),
        ({"layers": 3}, "from 1 to 2; got 3"),
        ({"layers": "first"}, "layers must be 'last', 'all'"),
        ({"layers": np.array([1, 2])}, "layers must be 'last', 'all'"),
        ({"fine_tune": "yes"}, "fine_tune"),
    ],
)
def test_settings_that_are_none_are_refused(changes, message, X):
    with pytest.raises(ValueError, match=message):
        make().set_params(**changes).fit(X)


def test_partial_fit_says_what_the_template_must_be(X):
    with pytest.raises(ValueError, match="autoencoder must be a DenoisingAuto"):
        make(autoencoder="none").partial_fit(X)


def test_weights_of_a_model_that_is_not_fitted_are_refused():
    with pytest.raises(NotFittedError):
        make().coefs_  # noqa: B018


def test_other_layers_cannot_go_on(X):
    model = make().fit(X).set_params(hidden_layer_sizes=(6, 4))
    with pytest.raises(ValueError, match="hidden_layer_sizes"):
        model.partial_fit(X)


def test_codes_of_another_length_are_refused(X):
    with pytest.raises(ValueError, match="expecting 3 features"):
        make().fit(X).inverse_transform(np.ones((2, 4)))
