"""All samples at once by lbfgs, for every estimator that has it."""

import warnings

import numpy as np
import pytest
from estimators import (
    CASES,
    MINIBATCH_SOLVERS,
    every_case_with_lbfgs,
    every_minibatch_solver,
    over,
)
from numpy.testing import assert_allclose
from sklearn.exceptions import ConvergenceWarning

from sk_autoenc.parts.corruptions import CORRUPTIONS

pytestmark = pytest.mark.filterwarnings("ignore:Maximum iterations")


def make(case, **changes):
    """By lbfgs, on the loss that `score` measures."""
    if "loss" in case.make().get_params():
        changes = {"loss": "squared_error", "emphasis": (1, 1)} | changes
    return case.make(solver="lbfgs", corruption=None, **changes)


# Minimising


@over(
    ("case", "changes"),
    [
        (case, changes)
        for case in CASES
        for changes in case.variants
        if "lbfgs" in case.solvers and "emphasis" not in changes
    ],
)
def test_lbfgs_lowers_the_loss_at_every_iteration(changes, case):
    model = make(case, max_iter=20, **changes).fit(case.X)
    assert len(model.loss_curve_) > 2
    assert (np.diff(model.loss_curve_) <= 0).all()
    # Of the end, not of the last trial step.
    assert model.loss_ == pytest.approx(-model.score(case.X), rel=1e-12)
    assert model.best_loss_ == model.loss_


@every_case_with_lbfgs
def test_lbfgs_beats_as_many_epochs_of_adam(case):
    adam = make(case, max_iter=20).set_params(solver="adam").fit(case.X)
    assert make(case, max_iter=20).fit(case.X).score(case.X) > adam.score(case.X)


@every_case_with_lbfgs
def test_lbfgs_stops_at_max_iter_with_a_warning(case):
    with pytest.warns(ConvergenceWarning, match=r"Maximum iterations \(4\) reached"):
        model = make(case, max_iter=4).fit(case.X)
    assert model.n_iter_ == len(model.loss_curve_) == 4
    assert model.t_ == 4 * len(case.X)


@every_case_with_lbfgs
def test_lbfgs_that_converged_does_not_warn(case):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = make(case, max_iter=1000, tol=0.1).fit(case.X)
    assert model.n_iter_ < 1000


@every_case_with_lbfgs
def test_a_start_that_satisfies_lbfgs_is_kept(case):
    model = make(case, tol=1e9).fit(case.X)
    start = case.make(corruption=None, solver="sgd", learning_rate_init=1e-300)
    assert model.n_iter_ == len(model.loss_curve_) == 1
    assert model.loss_ == pytest.approx(-model.score(case.X), rel=1e-12)
    start.partial_fit(case.X)
    assert_allclose(case.weights(model), case.weights(start), rtol=0, atol=1e-290)


@every_case_with_lbfgs
def test_lbfgs_says_that_it_diverged(case):
    huge = case.map_vectors(lambda x: 1e200 * x, case.X)
    model = make(case, **case.linear)
    with pytest.raises(ValueError, match="Training diverged: in epoch 1 ") as error:
        model.fit(huge)
    assert ". Scale X" in str(error.value)
    assert "learning_rate_init" not in str(error.value)  # it is not used
    assert not model.__sklearn_is_fitted__()


@every_case_with_lbfgs
def test_lbfgs_prints_each_iteration(case, capsys):
    model = make(case, verbose=1).fit(case.X)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == model.n_iter_ == 3
    for number, (line, value) in enumerate(
        zip(lines, model.loss_curve_, strict=True), start=1
    ):
        assert line.startswith(f"Epoch {number}: loss {value:.6g} (")


# What does not go with it


@every_case_with_lbfgs
@pytest.mark.parametrize("corruption", [name for name in CORRUPTIONS if name])
def test_lbfgs_refuses_corruption(corruption, case):
    model = case.make(solver="lbfgs", corruption=corruption)
    with pytest.raises(ValueError, match="solver='lbfgs' needs the same loss") as error:
        model.fit(case.X)
    assert f"corruption={corruption!r}" in str(error.value)
    assert "Use corruption=None, or solver='adam' or 'sgd'" in str(error.value)
    assert not model.__sklearn_is_fitted__()


@every_case_with_lbfgs
def test_lbfgs_refuses_a_corruption_of_ones_own(case):
    model = case.make(solver="lbfgs", corruption=lambda X, level, rng: X)
    with pytest.raises(ValueError, match="solver='lbfgs' needs the same loss"):
        model.fit(case.X)


@every_case_with_lbfgs
def test_lbfgs_has_no_partial_fit(case):
    model = make(case)
    assert not hasattr(model, "partial_fit")
    with pytest.raises(AttributeError, match="partial_fit") as error:
        model.partial_fit(case.X)
    reason = f"{error.value} {error.value.__cause__}"
    assert "solver='lbfgs' needs all" in reason
    for solver in MINIBATCH_SOLVERS:
        assert hasattr(model.set_params(solver=solver), "partial_fit")


@every_case_with_lbfgs
def test_minibatches_go_on_where_lbfgs_ended(case):
    model = make(case).fit(case.X).set_params(solver="adam")
    assert model.partial_fit(case.X).n_iter_ > 1


@every_case_with_lbfgs
def test_lbfgs_ignores_early_stopping(case):
    model = make(case, early_stopping=True).fit(case.X)
    case.assert_same_model(model, make(case).fit(case.X))
    assert model.validation_loss_curve_ is None


@every_case_with_lbfgs
def test_lbfgs_ignores_the_settings_of_the_other_solvers(case):
    others = {
        "learning_rate_init": 1e9,
        "momentum": 0.1,
        "beta_1": 0.1,
        "learning_rate": "adaptive",
        "shuffle": False,
        "batch_size": 1,
        "n_iter_no_change": 1,
    }
    model = make(case, **others).fit(case.X)
    case.assert_same_model(model, make(case).fit(case.X))


@every_case_with_lbfgs
def test_lbfgs_has_no_use_for_a_batch_size_and_does_not_warn_of_one(case):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", ConvergenceWarning)
        make(case, batch_size=1000).fit(case.X)


# Going on


@every_case_with_lbfgs
def test_lbfgs_goes_on_from_a_warm_start(case):
    model = make(case, warm_start=True, max_iter=5).fit(case.X)
    first = model.loss_curve_
    model.fit(case.X)
    assert model.loss_curve_[:5] == first
    assert model.n_iter_ == 10
    assert model.loss_ < first[-1]


@every_case_with_lbfgs
@every_minibatch_solver
def test_training_goes_on_by_minibatches_after_lbfgs(solver, case):
    model = make(case).fit(case.X)
    model.set_params(solver=solver, learning_rate_init=1e-4).partial_fit(case.X)
    assert model.n_iter_ == 4
    assert np.isfinite(model.score(case.X))


@every_case_with_lbfgs
def test_lbfgs_goes_on_from_where_minibatches_ended(case):
    model = case.make(corruption=None, warm_start=True, max_iter=20).fit(case.X)
    before = model.score(case.X)
    model.set_params(solver="lbfgs").fit(case.X)
    assert model.score(case.X) > before
    assert model.n_iter_ > 20
