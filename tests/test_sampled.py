"""Sampled reconstruction: in the mean the full loss; what a step touches; refusals."""

import copy
import pickle
from itertools import combinations, cycle, product

import numpy as np
import pytest
import scipy.sparse
from numpy.testing import assert_allclose, assert_array_equal
from oracles import Oracle
from row_models import LEARNED, assert_same_model, either_tied, make

from sk_autoenc import sampled_feeds
from sk_autoenc.networks import one_hidden, sampled
from sk_autoenc.networks.penalties import Penalties
from sk_autoenc.objectives import Objective
from sk_autoenc.parts.activations import ACTIVATIONS
from sk_autoenc.parts.corruptions import make_corruption
from sk_autoenc.parts.losses import LOSSES
from sk_autoenc.parts.sampling import SampledCorruption, choose_features
from sk_autoenc.sampled_feeds import (
    SampledRowFeed,
    log_odds_of_means,
    sums_of_values,
)

pytestmark = pytest.mark.filterwarnings("ignore:Maximum iterations")

N_COMPONENTS = 3
ROWS = np.array(
    [
        [0.3, 0, 0, 0, 0, 0],
        [0, 0, 0.8, 0, 0, 0],
        [0.9, 0, 0, 0, 0.4, 0],
        [0, 0, 0, 0, 1, 0],
    ]
)
"""Two rows at a time store two features, so that a ratio of 1 draws two of four."""
PAIRS = list(combinations(range(4), 2))
OUTPUTS = [
    (name, output) for name in LOSSES for output in LOSSES[name].output_activations
]

every_output = pytest.mark.parametrize("output", OUTPUTS, ids="-".join)


class Draws:
    """A generator whose draws of features are given."""

    def __init__(self, draws):
        self.draws = cycle(draws)

    def choice(self, n, size, replace, shuffle):
        assert not replace
        drawn = np.array(next(self.draws))
        assert len(drawn) == size
        assert (drawn < n).all()
        return drawn


class Problem:
    """Random parameters; the network of all features, and that of some."""

    def __init__(self, output, is_tied, activation="tanh", penalties=None, alpha=0.1):
        loss, output_activation = output
        self.names = activation, output_activation, loss
        self.architecture = one_hidden.Architecture(
            ACTIVATIONS[activation],
            ACTIVATIONS[output_activation],
            LOSSES[loss],
            is_tied,
            penalties,
        )
        self.alpha = alpha
        self.parameters = sampled.allocate_parameters(
            N_COMPONENTS, ROWS.shape[1], is_tied, float
        )
        flat = self.parameters.flat
        flat[...] = np.random.default_rng(3).uniform(-1, 1, flat.size)

    def sampled(self, draws, rows=ROWS, ratio=1.0, flat=None, out=None):
        """Return value and gradient, by the features drawn."""
        X = scipy.sparse.csr_array(np.where(rows == 0, 0, rows))
        network = sampled.Network(self.architecture, N_COMPONENTS, 6, float, 2.0)

        def make(rng):
            return make_corruption(None, 0.0, None, rng)

        corruption = SampledCorruption(make, ratio, draws)
        feed = SampledRowFeed(X, corruption=corruption, network=network)
        parameters = self.parameters
        if flat is not None:
            parameters = parameters._replace(flat=flat)
        objective = Objective(network, feed, self.alpha)
        return objective(parameters, np.arange(len(rows)), 1.0, out)

    def oracle(self):
        parameters = self.parameters
        decoder = None if self.architecture.tied else parameters.decoder_weights
        return Oracle(
            parameters.weights,
            parameters.intercept_hidden,
            parameters.intercept_visible,
            decoder,
            *self.names,
            self.alpha,
        )


def named(gradient):
    """The parts of a gradient by the oracle's names."""
    parts = {
        "weights": gradient.weights,
        "intercept_hidden": gradient.intercept_hidden,
        "intercept_visible": gradient.intercept_visible,
        "decoder": gradient.decoder_weights,
    }
    if gradient.decoder_weights is gradient.weights:
        del parts["decoder"]
    return {name: part.copy() for name, part in parts.items()}


@pytest.fixture
def two_rows_at_a_time(monkeypatch):
    monkeypatch.setattr(sampled_feeds, "ROWS_AT_A_TIME", 2)


# In the mean over the draws


@every_output
@either_tied
@pytest.mark.usefixtures("two_rows_at_a_time")
@pytest.mark.parametrize("has_missing", [False, True])
def test_the_mean_over_all_draws_is_the_loss_of_all_features_and_its_gradient(
    output, is_tied, has_missing
):
    """Every pair of the four features that two rows do not store, for both parts."""
    problem, rows = Problem(output, is_tied), ROWS.copy()
    if has_missing:
        rows[2, 4] = np.nan
    values, gradients = [], []
    for draws in product(PAIRS, PAIRS):
        value, gradient = problem.sampled(Draws(draws), rows)
        values.append(value)
        gradients.append(named(gradient))
    clean = np.nan_to_num(rows)
    value, expected = problem.oracle().value_and_gradient(
        clean, clean, 1.0 - np.isnan(rows)
    )
    assert np.std(values) > 1e-3
    assert np.mean(values) == pytest.approx(value, rel=1e-12)
    for name, part in expected.items():
        mean = np.mean([gradient[name] for gradient in gradients], axis=0)
        assert_allclose(mean, part, rtol=1e-10, atol=1e-12, err_msg=name)


def test_the_mean_over_many_draws_is_near_the_loss_of_all_features(monkeypatch):
    monkeypatch.setattr(sampled_feeds, "ROWS_AT_A_TIME", 3)
    problem = Problem(OUTPUTS[0], True)
    rng = np.random.default_rng(0)
    values = [problem.sampled(rng, ratio=0.5)[0] for _ in range(400)]
    value, _ = problem.oracle().value_and_gradient(ROWS, ROWS)
    error = np.std(values) / 400**0.5
    assert abs(np.mean(values) - value) < 4 * error
    assert error < 0.03 * value


@every_output
@either_tied
def test_where_all_features_are_drawn_it_is_the_loss_of_all(output, is_tied):
    problem = Problem(output, is_tied)
    value, gradient = problem.sampled(np.random.default_rng(0), ratio=99.0)
    expected_value, expected = problem.oracle().value_and_gradient(ROWS, ROWS)
    assert value == pytest.approx(expected_value, rel=1e-12)
    for name, part in named(gradient).items():
        assert_allclose(part, expected[name], rtol=1e-10, atol=1e-12, err_msg=name)


@every_output
@either_tied
@pytest.mark.usefixtures("two_rows_at_a_time")
def test_the_gradient_of_a_draw_equals_central_differences(output, is_tied):
    problem = Problem(output, is_tied, "logistic", Penalties(0.7, 0.2))
    draws = [(0, 3), (1, 2)]
    flat, step = problem.parameters.flat, 1e-5

    def value(flat):
        return problem.sampled(Draws(draws), flat=flat)[0]

    numerical = [
        (value(flat + move) - value(flat - move)) / (2 * step)
        for move in step * np.eye(flat.size)
    ]
    _, gradient = problem.sampled(Draws(draws))
    assert_allclose(gradient.flat, numerical, rtol=1e-6, atol=1e-9)


def test_sparsity_is_of_the_means_over_the_whole_batch(two_rows_at_a_time):
    penalties = Penalties(0.7, 0.2)
    plain, problem = (
        Problem(OUTPUTS[0], True, "logistic", each) for each in (None, penalties)
    )
    draws = [(0, 3), (1, 2)]
    added = problem.sampled(Draws(draws))[0] - plain.sampled(Draws(draws))[0]
    expected = problem.oracle().penalties(ROWS, *penalties)
    assert added == pytest.approx(expected, rel=1e-12)


# What is drawn


@pytest.mark.parametrize(("ratio", "n_drawn"), [(0.01, 1), (0.5, 2), (1, 3), (9, 7)])
def test_stored_features_come_first_and_so_many_others_after_them(ratio, n_drawn, rng):
    features, n_stored, weight = choose_features([7, 2, 7, 5, 2], 10, ratio, rng)
    assert n_stored == 3
    assert_array_equal(features[:3], [2, 5, 7])
    assert len(features) == 3 + n_drawn
    assert len(np.unique(features)) == len(features)
    assert weight == 7 / n_drawn


def test_all_other_features_are_drawn_alike(rng):
    counts = np.zeros(10)
    for _ in range(3000):
        counts[choose_features([2, 5, 7], 10, 1, rng).features] += 1
    assert (counts[[2, 5, 7]] == 3000).all()
    others = np.delete(counts, [2, 5, 7])
    assert_allclose(others, 3000 * 3 / 7, rtol=0.1)


@pytest.mark.parametrize("stored", [[], range(6)], ids=["none", "all"])
def test_rows_that_store_nothing_or_everything_have_their_features(stored, rng):
    features, n_stored, weight = choose_features(np.array(stored, int), 6, 1.0, rng)
    assert n_stored == len(stored)
    assert len(features) == (6 if len(stored) else 1)
    assert weight == (1 if len(stored) else 6)


# Steps


def wide_rows(dtype=float):
    """400 rows of 300 features; 40 of them are stored, some more often than others."""
    rng = np.random.default_rng(0)
    stored = rng.random((400, 300)) < np.where(np.arange(300) < 40, 0.15, 0)
    return scipy.sparse.csr_array(stored.astype(dtype))


def fit(**changes):
    settings = {"reconstruction_sampling": 0.5, "max_iter": 5, "batch_size": 100}
    return make(**settings | changes).fit(wide_rows())


@either_tied
@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_a_step_leaves_the_weights_of_other_features_alone(solver, is_tied):
    settings = {"solver": solver, "tied_weights": is_tied, "learning_rate": "constant"}
    model = make(reconstruction_sampling=0.5, batch_size=400, **settings)
    X = wide_rows()
    model.partial_fit(X)
    before = {name: getattr(model, name).copy() for name in LEARNED}
    model.partial_fit(X)
    moved = (model.components_ != before["components_"]).any(axis=0)
    assert moved[:40].all()  # stored
    moved = (model.decoder_components_ != before["decoder_components_"]).any(axis=0)
    assert 40 < moved.sum() < 240
    assert (model.intercept_hidden_ != before["intercept_hidden_"]).any()


@either_tied
@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_plain_sgd_adds_the_gradient(momentum, is_tied):
    """All features drawn: the model is that of all features."""
    settings = {"solver": "sgd", "momentum": momentum, "tied_weights": is_tied}
    settings |= {"corruption": None, "shuffle": False, "loss": "squared_error"}
    X = wide_rows()
    for alpha in (0.0, 0.1):
        expected = make(alpha=alpha, **settings).fit(X)
        model = make(alpha=alpha, reconstruction_sampling=99.0, **settings).fit(X)
        for name in LEARNED:
            assert_allclose(
                getattr(model, name), getattr(expected, name), rtol=1e-9, atol=1e-12
            )
        assert_allclose(model.loss_curve_, expected.loss_curve_, rtol=1e-10)


def test_adam_with_all_features_drawn_is_adam():
    settings = {"corruption": None, "shuffle": False, "loss": "squared_error"}
    expected = make(**settings).fit(wide_rows())
    model = make(reconstruction_sampling=99.0, **settings).fit(wide_rows())
    for name in LEARNED:
        assert_allclose(
            getattr(model, name), getattr(expected, name), rtol=1e-7, atol=1e-9
        )


# Fits


@pytest.mark.parametrize("corruption", ["masking", None])
def test_sampled_reconstruction_learns_what_the_full_one_does(corruption):
    X = wide_rows()
    settings = {"max_iter": 30, "learning_rate_init": 0.03, "corruption": corruption}
    full, model = (
        make(reconstruction_sampling=ratio, **settings).fit(X) for ratio in (None, 0.5)
    )
    assert model.score(X) > 1.1 * full.score(X)  # negative: at most 1.1 times the error


@either_tied
def test_what_is_fitted_has_the_form_of_any_other_model(is_tied, dtype):
    X = wide_rows(dtype)
    model = make(reconstruction_sampling=1.0, tied_weights=is_tied).fit(X)
    assert model.components_.shape == (4, 300)
    for name in LEARNED:
        assert getattr(model, name).flags.c_contiguous
        assert getattr(model, name).dtype == dtype
    assert (model.decoder_components_ is model.components_) == is_tied
    assert model.transform(X).dtype == dtype
    for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert_same_model(twin, model)
        assert_array_equal(twin.transform(X), model.transform(X))


def test_one_seed_gives_one_model():
    assert_same_model(fit(), fit())
    assert fit().loss_curve_ != fit(random_state=1).loss_curve_


def test_partial_fit_goes_on_where_fit_would():
    X = wide_rows()
    settings = {"reconstruction_sampling": 0.5, "batch_size": 100}
    settings |= {"learning_rate": "constant"}
    expected = make(max_iter=1, **settings).fit(X)
    model = make(**settings).partial_fit(X)
    assert_same_model(model, expected)
    twin = copy.deepcopy(model)
    model.partial_fit(X)
    assert_same_model(twin.partial_fit(X), model)
    assert model.loss_curve_[1] < model.loss_curve_[0]


def test_warm_start_goes_on():
    model = fit(warm_start=True)
    before = model.loss_
    assert model.fit(wide_rows()).loss_ < before


def test_early_stopping_judges_by_one_choice_of_features():
    model = fit(early_stopping=True, learning_rate_init=1e-12, max_iter=4)
    curve = model.validation_loss_curve_
    assert_allclose(curve, curve[0], rtol=1e-6)


def test_missing_entries_are_not_in_the_loss():
    X = wide_rows()
    X.data[::5] = np.nan
    model = make(reconstruction_sampling=0.5).fit(X)
    assert np.isfinite(model.components_).all()
    assert np.isfinite(model.transform(X)).all()


def test_rows_without_a_stored_value_work():
    model = make(reconstruction_sampling=0.5).fit(scipy.sparse.csr_array((30, 8)))
    assert np.isfinite(model.reconstruct(np.zeros((1, 8)))).all()


def test_logistic_outputs_start_at_the_means_of_the_features():
    X = wide_rows()
    model = make(reconstruction_sampling=0.5, learning_rate_init=1e-12, max_iter=1)
    model.fit(X)
    assert_allclose(
        model.intercept_visible_, log_odds_of_means(*sums_of_values(X)), atol=1e-8
    )
    squared = model.set_params(loss="squared_error").fit(X)
    assert_allclose(squared.intercept_visible_, 0, atol=1e-8)


def test_log_odds_are_finite_and_of_the_observed_values():
    X = scipy.sparse.csr_array(
        [[1, 0, np.nan, 3], [1, 0, np.nan, 3], [1, 1, np.nan, 0]]
    )
    expected = np.log([3.5 / 0.5, 1.5 / 2.5, 1, 3.5 / 0.5])
    assert_allclose(log_odds_of_means(*sums_of_values(X)), expected)


# Refusals


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"corruption": "swap"}, "corruption='swap'. Use 'masking' or None"),
        ({"corruption": lambda X, level, rng: X}, "Use 'masking' or None"),
        ({"corruption": None, "solver": "lbfgs"}, "Use solver='adam' or 'sgd'"),
        ({"feature_groups": np.arange(300)}, "Use feature_groups=None"),
        ({"emphasis": (1, 0.5)}, r"Use emphasis=(1, 1)"),
        ({"contraction": 0.1}, "Use contraction=0"),
    ],
)
def test_what_does_not_go_with_sampling_is_refused_with_a_remedy(changes, message):
    model = make(reconstruction_sampling=0.5, **changes)
    with pytest.raises(ValueError, match=r"reconstruction_sampling=0\.5") as error:
        model.fit(wide_rows())
    assert message in str(error.value)
    assert "or reconstruction_sampling=None." in str(error.value)
    assert not model.__sklearn_is_fitted__()


def test_dense_rows_are_refused():
    with pytest.raises(ValueError, match=r"needs a sparse X, .* Pass a CSR"):
        make(reconstruction_sampling=0.5).fit(wide_rows().toarray())


@pytest.mark.parametrize("ratio", [0, 0.0, -1.0, "half"])
def test_a_ratio_out_of_range_is_refused(ratio):
    with pytest.raises(ValueError, match="'reconstruction_sampling' parameter"):
        make(reconstruction_sampling=ratio).fit(wide_rows())


@pytest.mark.parametrize(("before", "after"), [(None, 0.5), (0.5, None)])
def test_a_model_does_not_go_on_with_other_steps(before, after):
    model = make(reconstruction_sampling=before).partial_fit(wide_rows())
    model.set_params(reconstruction_sampling=after)
    with pytest.raises(ValueError, match="Set it back, or start afresh"):
        model.partial_fit(wide_rows())
    model.fit(wide_rows())
