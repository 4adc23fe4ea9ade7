"""Penalties on hidden units: values, gradients, what they do to a fit, refusals."""

from itertools import product

import numpy as np
import pytest
import scipy.sparse
from numpy.testing import assert_allclose, assert_array_equal
from oracles import FUNCTIONS, Oracle
from row_models import dense_or_sparse, either_tied, make, make_rows
from test_one_hidden import N_ROWS, Problem

from sk_autoenc.feeds import Batch
from sk_autoenc.networks.penalties import Penalties, make_penalties
from sk_autoenc.parts.activations import ACTIVATIONS

pytestmark = pytest.mark.filterwarnings("ignore:Maximum iterations")

SPARSITY = Penalties(sparsity=0.7, sparsity_target=0.2)
CONTRACTION = Penalties(contraction=0.3)
BOTH = Penalties(0.7, 0.2, 0.3)
CASES = [("logistic", SPARSITY), ("logistic", BOTH)]
CASES += [(name, CONTRACTION) for name in ACTIVATIONS]

every_penalty = pytest.mark.parametrize(
    ("activation", "penalties"),
    CASES,
    ids=[f"{name}-{'-'.join(map(str, penalties))}" for name, penalties in CASES],
)


def penalised(activation, penalties, is_tied, emphasis=None, dtype=float):
    """A problem, and the same with penalties."""
    output = ("cross_entropy", "logistic")
    plain, problem = (
        Problem(activation, output, is_tied, 0.1, emphasis, dtype) for _ in range(2)
    )
    problem.architecture = problem.architecture._replace(penalties=penalties)
    return plain, problem


# Values and gradients


@every_penalty
@either_tied
@pytest.mark.parametrize("emphasis", [None, (1.0, 0.0)])
def test_gradient_with_penalties_equals_central_differences(
    activation, penalties, is_tied, emphasis
):
    _, problem = penalised(activation, penalties, is_tied, emphasis)
    flat, step = problem.parameters.flat, 1e-5
    numerical = [
        (problem.evaluate(flat + move)[0] - problem.evaluate(flat - move)[0])
        / (2 * step)
        for move in step * np.eye(flat.size)
    ]
    _, gradient = problem.evaluate()
    assert_allclose(gradient.flat, numerical, rtol=1e-6, atol=1e-9)


@every_penalty
@either_tied
@dense_or_sparse
def test_what_penalties_add_equals_the_equations(
    activation, penalties, is_tied, container
):
    if activation not in FUNCTIONS:
        pytest.skip("not known to the oracle")
    plain, problem = penalised(activation, penalties, is_tied)
    inputs = container(problem.corrupted)

    def added(flat):
        parameters = problem.parameters._replace(flat=flat)
        oracle = Oracle(
            parameters.weights,
            parameters.intercept_hidden,
            parameters.intercept_visible,
            activation=activation,
        )
        return oracle.penalties(problem.corrupted, *penalties)

    flat, step = problem.parameters.flat, 1e-5
    (before, gradient_before), (value, gradient) = (
        each.evaluate(inputs=inputs) for each in (plain, problem)
    )
    assert value - before == pytest.approx(added(flat), rel=1e-12)
    numerical = [
        (added(flat + move) - added(flat - move)) / (2 * step)
        for move in step * np.eye(flat.size)
    ]
    difference = gradient.flat - gradient_before.flat
    assert_allclose(difference, numerical, rtol=1e-6, atol=1e-9)


@every_penalty
@either_tied
@dense_or_sparse
def test_a_gradient_with_penalties_may_be_added_to_the_parameters_themselves(
    activation, penalties, is_tied, container
):
    _, problem = penalised(activation, penalties, is_tied)
    batch = problem.batch(container(problem.corrupted))
    parameters = problem.parameters
    total, gradient = problem.network().gradient(parameters, batch, -0.3)
    expected = parameters.flat + gradient.flat
    same_total, out = problem.network().gradient(parameters, batch, -0.3, parameters)
    assert out is parameters
    assert same_total == total
    assert_allclose(parameters.flat, expected, rtol=1e-12, atol=1e-14)


@every_penalty
def test_penalties_in_single_precision_agree_with_double(activation, penalties):
    results = [
        penalised(activation, penalties, True, dtype=dtype)[1].evaluate()
        for dtype in (np.float32, np.float64)
    ]
    (single, single_gradient), (double, double_gradient) = results
    assert single_gradient.flat.dtype == np.float32
    assert single == pytest.approx(double, rel=1e-5)
    assert_allclose(single_gradient.flat, double_gradient.flat, rtol=1e-3, atol=1e-4)


def test_losses_of_rows_are_without_penalties():
    plain, problem = penalised("logistic", BOTH, True)
    losses, expected = (
        each.network().losses(each.parameters, each.batch())
        for each in (problem, plain)
    )
    assert_array_equal(losses, expected)


def test_penalties_of_a_batch_twice_over_count_twice():
    plain, problem = penalised("logistic", BOTH, True)
    twice = Batch(*(np.tile(part, (2, 1)) for part in problem.batch()[:2]))

    def added(of_problem, of_plain):
        return (
            problem.network().gradient(problem.parameters, of_problem)[0]
            - plain.network().gradient(plain.parameters, of_plain)[0]
        )

    once = added(problem.batch(), plain.batch())
    assert added(twice, twice) == pytest.approx(2 * once, rel=1e-10)


@pytest.mark.parametrize("sign", [-1, 1])
def test_saturated_units_have_finite_penalties_and_gradients(sign, dtype):
    _, problem = penalised("logistic", BOTH, True, dtype=dtype)
    problem.parameters.intercept_hidden[...] = 800 * sign
    value, gradient = problem.evaluate()
    assert np.isfinite(value)
    assert np.isfinite(gradient.flat).all()


@pytest.mark.parametrize("mean", [0, 1])
def test_the_slope_of_a_saturated_unit_points_back_to_the_target(mean, dtype):
    codes = np.full((N_ROWS, 2), mean, dtype)
    delta = np.zeros_like(codes)
    value, _ = SPARSITY.add(codes, None, ACTIVATIONS["logistic"], delta)
    assert np.isfinite(value)
    assert np.isfinite(delta).all()
    assert (np.sign(delta) == (1 if mean else -1)).all()


def test_no_penalties_are_none():
    assert make_penalties(0.0, 0.05, 0.0) is None
    assert make_penalties(0.1, 0.05, 0.0) == (0.1, 0.05, 0.0)


# Fits


@dense_or_sparse
def test_sparsity_brings_the_mean_of_each_unit_near_the_target(container):
    X = container(make_rows())
    settings = {"activation": "logistic", "corruption": None, "solver": "lbfgs"}
    settings |= {"max_iter": 100}
    plain = make(**settings).fit(X).transform(X).mean(axis=0)
    for target in (0.1, 0.3):
        model = make(sparsity=10, sparsity_target=target, **settings).fit(X)
        mean = model.transform(X).mean(axis=0)
        assert_allclose(mean, target, atol=0.02)
        assert np.abs(plain - target).max() > 0.1


def jacobian_norm(model, X):
    """Mean over the rows of the squared norm of dy/dx, by differences."""
    step = 1e-5
    slopes = [
        (model.transform(X + move) - model.transform(X - move)) / (2 * step)
        for move in step * np.eye(X.shape[1])
    ]
    return np.square(slopes).sum(axis=(0, 2)).mean()


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_contraction_makes_codes_follow_the_input_less(activation, X):
    settings = {"activation": activation, "max_iter": 50, "tied_weights": False}
    norms = [
        jacobian_norm(make(contraction=weight, **settings).fit(X), X)
        for weight in (0.0, 0.1, 1.0)
    ]
    assert norms[0] > norms[1] > norms[2]
    assert norms[2] < 0.8 * norms[0]


@pytest.mark.parametrize("changes", [{"sparsity": 0.5}, {"contraction": 0.5}])
def test_lbfgs_minimises_the_loss_of_all_rows_with_their_penalties(
    changes, X, monkeypatch
):
    """In blocks or not: the means of units are those of all rows."""
    monkeypatch.setattr("sk_autoenc.feeds.BLOCK_ENTRIES", 200)
    settings = {"activation": "logistic", "solver": "lbfgs", "corruption": None}
    model = make(max_iter=20, **settings, **changes).fit(X)
    oracle = Oracle.of(model)
    penalties = Penalties(**changes)
    expected = oracle.value_and_gradient(X, X)[0] + oracle.penalties(X, *penalties)
    assert model.loss_ == pytest.approx(expected, rel=1e-10)
    assert (np.diff(model.loss_curve_) <= 0).all()


def test_penalties_are_in_the_training_loss_and_not_in_the_validation_loss(X):
    settings = {"activation": "logistic", "corruption": None, "early_stopping": True}
    settings |= {"learning_rate_init": 1e-12, "max_iter": 1}
    plain = make(**settings).fit(X)
    model = make(sparsity=3, contraction=2, **settings).fit(X)
    assert model.loss_ > plain.loss_ + 0.1
    assert model.validation_loss_curve_ == pytest.approx(plain.validation_loss_curve_)


def test_a_model_of_the_tiniest_penalties_is_the_plain_one(X):
    plain = make(activation="logistic").fit(X)
    model = make(activation="logistic", sparsity=1e-300, contraction=1e-300).fit(X)
    assert_allclose(model.components_, plain.components_, rtol=1e-9)


# Refusals


@pytest.mark.parametrize("activation", [n for n in ACTIVATIONS if n != "logistic"])
def test_sparsity_is_for_logistic_units_only(activation, X):
    model = make(sparsity=0.5, activation=activation)
    with pytest.raises(ValueError, match=r"sparsity=0\.5 pulls the mean") as error:
        model.fit(X)
    assert f"got activation={activation!r}. Use activation='logistic'" in str(
        error.value
    )
    assert not model.__sklearn_is_fitted__()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *product(["sparsity", "contraction"], [-0.1, "much", None]),
        *product(["sparsity_target"], [0.0, 1.0, -0.1, None]),
    ],
)
def test_weights_and_targets_out_of_range_are_refused(name, value, X):
    with pytest.raises(ValueError, match=f"'{name}' parameter of DenoisingAutoenc"):
        make(activation="logistic", **{name: value}).fit(X)


def test_missing_entries_go_with_penalties(X):
    holes = X.copy()
    holes[np.random.default_rng(0).random(X.shape) < 0.2] = np.nan
    settings = {"activation": "logistic", "sparsity": 0.5, "contraction": 0.1}
    dense = make(corruption=None, **settings).fit(holes)
    sparse = make(corruption=None, **settings).fit(scipy.sparse.csr_array(holes))
    assert np.isfinite(dense.components_).all()
    assert_allclose(sparse.components_, dense.components_, rtol=1e-9)
