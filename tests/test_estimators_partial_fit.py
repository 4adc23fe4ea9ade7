"""Training that goes on: partial_fit and warm_start, whichever the estimator."""

import copy
import warnings

import numpy as np
import pytest
from estimators import (
    Recording,
    every_case,
    every_case_and_data,
    every_case_and_solver,
    every_corruption,
    every_minibatch_solver,
    state_of,
)
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone

pytestmark = pytest.mark.filterwarnings("ignore:Maximum iterations")

every_schedule = pytest.mark.parametrize(
    "settings",
    [
        {"solver": "adam"},
        {"solver": "sgd"},
        {"solver": "sgd", "learning_rate": "invscaling"},
    ],
    ids=["adam", "sgd", "invscaling"],
)
either_way_on = pytest.mark.parametrize("method", ["fit", "partial_fit"])


# partial_fit


@every_case_and_data
@every_minibatch_solver
@every_corruption
def test_the_first_partial_fit_is_the_first_epoch_of_fit(
    corruption, solver, kind, case
):
    X, settings = case.data[kind], {"solver": solver, "corruption": corruption}
    fitted = case.make(max_iter=1, corruption_level=0.3, **settings).fit(X)
    passed = case.make(corruption_level=0.3, **settings).partial_fit(X)
    case.assert_same_model(fitted, passed)


@every_case
@every_schedule
def test_passes_of_partial_fit_are_the_epochs_of_fit(settings, case):
    settings = {"learning_rate": "constant"} | settings
    model = case.make(shuffle=False, corruption=None, **settings)
    in_passes = clone(model)
    for _ in range(3):
        in_passes.partial_fit(case.X)
    case.assert_same_model(in_passes, model.fit(case.X))


@every_case
def test_partial_fit_goes_on_and_curves_grow(case):
    model = case.make(learning_rate_init=0.01)
    for n_calls in range(1, 30):
        model.partial_fit(case.X)
        assert model.n_iter_ == len(model.loss_curve_) == n_calls
        assert model.t_ == len(case.X) * n_calls
    assert model.loss_curve_[-1] < 0.9 * model.loss_curve_[0]


@every_case
def test_chunks_of_different_sizes_are_counted_as_samples_seen(case):
    model = case.make().partial_fit(case.X).partial_fit(case.X[:7])
    assert model.partial_fit(case.X[-1:]).t_ == len(case.X) + 8


@every_case
def test_partial_fit_draws_a_new_corruption_each_time(case):
    record = Recording()
    model = case.make(corruption=record, batch_size=len(case.X))
    model.partial_fit(case.X).partial_fit(case.X).partial_fit(case.X)
    assert len(record.numbers) == len(set(record.numbers)) == 3


@every_case
def test_partial_fit_keeps_the_momentum(case):
    """The second step goes further by 0.9 of the first one."""

    def train(momentum, n_passes, rate=0.01):
        model = case.make(**settings, momentum=momentum, learning_rate_init=rate)
        for _ in range(n_passes):
            model.partial_fit(case.X)
        return case.weights(model)

    settings = {"solver": "sgd", "nesterovs_momentum": False, "corruption": None}
    settings |= {"batch_size": len(case.X)}
    first_step = train(0, 1) - train(0, 1, rate=1e-300)
    assert_array_equal(train(0.9, 1), train(0, 1))
    assert_allclose(train(0.9, 2) - train(0, 2), 0.9 * first_step, atol=1e-12)


@every_case
def test_partial_fit_goes_on_after_fit(case):
    model = case.make().fit(case.X)
    before = case.weights(model)
    assert model.partial_fit(case.X).n_iter_ == 4
    assert not np.array_equal(case.weights(model), before)


@every_case
def test_arrays_handed_out_do_not_change_in_later_training(case):
    model = case.make().partial_fit(case.X)
    handed_out = {name: getattr(model, name) for name in case.learned(model)}
    before = case.learned(model)
    model.partial_fit(case.X)
    for name, array in handed_out.items():
        assert_array_equal(array, before[name], err_msg=name)


@every_case
@every_minibatch_solver
def test_partial_fit_does_not_change_a_shallow_copy(solver, case):
    model = case.make(solver=solver).partial_fit(case.X)
    twin = copy.copy(model)
    model.partial_fit(case.X)
    expected = case.make(solver=solver).partial_fit(case.X).partial_fit(case.X)
    case.assert_same_model(twin.partial_fit(case.X), expected)


@every_case
def test_partial_fit_never_speaks_of_convergence(case):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        case.make(max_iter=1).partial_fit(case.X)


# warm_start


@every_case
def test_warm_start_goes_on_where_the_last_fit_ended(case):
    model = case.make(warm_start=True).fit(case.X)
    first = model.loss_curve_
    model.fit(case.X)
    assert model.loss_curve_[:3] == first
    assert model.n_iter_ == len(model.loss_curve_) == 6
    assert model.t_ == 6 * len(case.X)
    assert model.best_loss_ == min(model.loss_curve_)


@every_case
def test_warm_start_learns_further(case):
    model = case.make(warm_start=True, max_iter=20, learning_rate_init=0.01)
    before = model.fit(case.X).score(case.X)
    assert model.fit(case.X).score(case.X) > before


@every_case_and_solver
def test_warm_start_of_an_unfitted_estimator_is_a_fit(solver, case):
    settings = {"solver": solver, "corruption": None}
    case.assert_same_model(
        case.make(warm_start=True, **settings).fit(case.X),
        case.make(**settings).fit(case.X),
    )


@every_case
def test_warm_start_grows_the_validation_curve(case):
    model = case.make(warm_start=True, early_stopping=True).fit(case.X).fit(case.X)
    assert len(model.validation_loss_curve_) == len(model.loss_curve_) == 6


@every_case
def test_a_warm_start_goes_on_with_the_schedule_of_the_rate(case):
    settings = {"solver": "sgd", "momentum": 0, "learning_rate": "invscaling"}
    model = case.make(shuffle=False, corruption=None, **settings)
    in_fits = clone(model).set_params(warm_start=True, max_iter=1)
    for _ in range(3):
        in_fits.fit(case.X)
    case.assert_same_model(in_fits, model.fit(case.X))


# What does not go with the model


@every_case
@either_way_on
@pytest.mark.parametrize(
    ("before", "after"), [({}, 1), ({}, 7), ({"n_components": 2}, 5)]
)
def test_another_number_of_components_is_refused_when_going_on(
    before, after, method, case
):
    model = case.make(warm_start=True, **before).fit(case.X)
    model.set_params(n_components=after)
    with pytest.raises(ValueError, match=f"n_components={after}, but the model"):
        getattr(model, method)(case.X)


@every_case
@either_way_on
def test_what_is_refused_when_going_on_leaves_the_model_as_it_was(method, case):
    model = case.make(warm_start=True).fit(case.X)
    before, n_components = state_of(model), model.n_components
    with pytest.raises(ValueError, match="n_components"):
        getattr(model.set_params(n_components=7), method)(case.X)
    assert state_of(model) == before
    assert (
        getattr(model.set_params(n_components=n_components), method)(case.X).n_iter_ > 3
    )


@every_case
@either_way_on
def test_another_number_of_features_when_going_on_leaves_the_model_as_it_was(
    method, case
):
    model = case.make(warm_start=True).fit(case.X)
    before = state_of(model)
    with pytest.raises(ValueError, match="features, but"):
        getattr(model, method)(case.X_of_others)
    assert state_of(model) == before
