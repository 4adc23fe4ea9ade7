"""Errors and interrupts: what an estimator is afterwards, whichever it is."""

import copy

import numpy as np
import pytest
from estimators import (
    DIVERGING,
    Failing,
    Recording,
    every_case,
    every_case_and_reader,
    every_minibatch_solver,
    state_of,
)
from sklearn.exceptions import NotFittedError

pytestmark = pytest.mark.filterwarnings("ignore:Maximum iterations")


def make_diverging(case, **changes):
    return case.make(**case.linear | DIVERGING | changes)


def with_infinity(case):
    return case.map_vectors(lambda x: x + np.inf, case.X)


def assert_unfitted(model, case):
    assert not [name for name in vars(model) if name.endswith("_")]
    with pytest.raises(NotFittedError):
        model.transform(case.X)


# Divergence


@every_case
def test_a_diverging_fit_says_where_and_what_to_do(case):
    with pytest.raises(ValueError, match=r"in epoch \d+") as error:
        make_diverging(case).fit(case.X)
    assert "learning_rate_init" in str(error.value)
    assert "scale X" in str(error.value)


@every_case
def test_a_diverging_fit_leaves_an_unfitted_estimator_unfitted(case):
    model = make_diverging(case)
    with pytest.raises(ValueError, match="diverged"):
        model.fit(case.X)
    assert_unfitted(model, case)


@every_case
def test_a_diverging_fit_leaves_a_fitted_estimator_as_it_was(case):
    model = case.make().fit(case.X)
    before = state_of(model)
    with pytest.raises(ValueError, match="diverged"):
        model.set_params(**case.linear, **DIVERGING).fit(case.X)
    assert state_of(model) == before


@every_case
def test_a_diverging_warm_start_leaves_the_estimator_as_it_was(case):
    model = case.make(warm_start=True, **case.linear).fit(case.X)
    before = state_of(model)
    with pytest.raises(ValueError, match="diverged"):
        model.set_params(**DIVERGING).fit(case.X)
    assert state_of(model) == before


@every_case
def test_a_diverging_first_partial_fit_leaves_the_estimator_unfitted(case):
    model = make_diverging(case)
    before = state_of(model)
    with pytest.raises(ValueError, match="diverged"):
        model.partial_fit(case.X)
    assert state_of(model) == before
    assert_unfitted(model, case)


@every_case
def test_a_diverging_later_partial_fit_leaves_the_estimator_as_it_was(case):
    model = case.make(**case.linear).fit(case.X)
    before = state_of(model)
    with pytest.raises(ValueError, match="diverged"):
        model.set_params(**DIVERGING).partial_fit(case.X)
    assert state_of(model) == before


@every_case
def test_a_rate_far_too_high_diverges_within_a_few_epochs(case):
    model = make_diverging(case, learning_rate_init=1e6, max_iter=99)
    with pytest.raises(ValueError, match=r"in epoch \d+"):
        model.fit(case.X)


@every_case
def test_huge_values_diverge_with_the_same_advice(case):
    huge = case.map_vectors(lambda x: x * 1e200, case.X)
    with pytest.raises(ValueError, match=r"epoch 1 .* scale X"):
        case.make(solver="sgd", **case.linear).fit(huge)


@every_case
def test_divergence_is_an_error_in_single_precision_too(case):
    model = make_diverging(case, learning_rate_init=1e20)
    with pytest.raises(ValueError, match=r"in epoch \d+"):
        model.fit(case.astype(np.float32))


@every_case
def test_a_fit_after_a_diverged_one_works(case):
    model = make_diverging(case)
    with pytest.raises(ValueError, match="diverged"):
        model.fit(case.X)
    model.set_params(learning_rate_init=1e-3)
    expected = make_diverging(case, learning_rate_init=1e-3)
    case.assert_same_model(model.fit(case.X), expected.fit(case.X))


# What is wrong


@every_case
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_wrong_data_leave_an_unfitted_estimator_unfitted(method, case):
    model = case.make()
    with pytest.raises(ValueError, match="infinity"):
        getattr(model, method)(with_infinity(case))
    assert_unfitted(model, case)


@every_case
def test_wrong_data_in_a_refit_leave_the_estimator_as_it_was(case):
    model = case.make().fit(case.X)
    before = state_of(model)
    with pytest.raises(ValueError, match="infinity"):
        model.fit(with_infinity(case))
    assert state_of(model) == before


@every_case
def test_wrong_data_in_partial_fit_leave_the_estimator_as_it_was(case):
    model = case.make().fit(case.X)
    before = state_of(model)
    with pytest.raises(ValueError, match="infinity"):
        model.partial_fit(with_infinity(case))
    assert state_of(model) == before


@every_case
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_a_wrong_parameter_leaves_the_estimator_as_it_was(method, case):
    model = case.make().fit(case.X)
    before = state_of(model)
    with pytest.raises(ValueError, match="'alpha' parameter of"):
        getattr(model.set_params(alpha=-1), method)(case.X)
    assert state_of(model) == before


@every_case
@every_minibatch_solver
def test_a_failing_partial_fit_leaves_the_estimator_as_it_was(solver, case):
    model = case.make(corruption=Recording(), solver=solver, shuffle=False)
    before = state_of(model.partial_fit(case.X))
    error = RuntimeError("on purpose")
    model.set_params(corruption=Failing(error, case.n_batches))  # in the last batch
    with pytest.raises(RuntimeError, match="on purpose"):
        model.partial_fit(case.X)
    assert state_of(model) == before


@every_case
@every_minibatch_solver
def test_training_goes_on_after_a_failing_partial_fit_as_if_without(solver, case):
    model = case.make(corruption=Recording(), solver=solver).partial_fit(case.X)
    twin = copy.deepcopy(model)
    model.set_params(corruption=Failing(RuntimeError("on purpose"), case.n_batches))
    with pytest.raises(RuntimeError, match="on purpose"):
        model.partial_fit(case.X)
    model.set_params(corruption=Recording())
    case.assert_same_model(model.partial_fit(case.X), twin.partial_fit(case.X))


# Interrupts


@every_case
def test_an_interrupt_keeps_the_completed_epochs(case):
    interrupting = Failing(KeyboardInterrupt(), 2 * case.n_batches + 1)
    model = case.make(corruption=interrupting, max_iter=50)
    with pytest.warns(UserWarning, match="interrupted"):
        model.fit(case.X)
    assert model.n_iter_ == len(model.loss_curve_) == 2
    assert model.t_ == 2 * len(case.X)
    assert np.isfinite(model.transform(case.X)).all()


@every_case
def test_an_interrupt_in_the_first_epoch_leaves_an_unfitted_estimator_unfitted(case):
    model = case.make(corruption=Failing(KeyboardInterrupt(), 2))
    with pytest.raises(KeyboardInterrupt):
        model.fit(case.X)
    assert_unfitted(model, case)


@every_case
def test_an_interrupted_partial_fit_leaves_the_estimator_as_it_was(case):
    model = case.make().fit(case.X)
    before = state_of(model)
    model.set_params(corruption=Failing(KeyboardInterrupt(), 2))
    with pytest.raises(KeyboardInterrupt):
        model.partial_fit(case.X)
    assert state_of(model) == before


# Before fit


@every_case_and_reader
def test_an_unfitted_estimator_says_so(method, case):
    with pytest.raises(NotFittedError, match="not fitted yet"):
        getattr(case.make(), method)(case.X)


@every_case
def test_an_unfitted_estimator_cannot_decode(case):
    with pytest.raises(NotFittedError):
        case.decode(case.make(), np.zeros((len(case.X), 4)))


@every_case
def test_an_unfitted_estimator_cannot_name_codes(case):
    with pytest.raises(NotFittedError):
        case.make().get_feature_names_out()
