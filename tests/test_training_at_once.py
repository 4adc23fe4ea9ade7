"""All rows at once: lbfgs."""

from types import SimpleNamespace

import numpy as np
import pytest
import scipy.optimize
from loops import ROWS, Listener, Point, make_plan
from numpy.testing import assert_allclose, assert_array_equal

from sk_autoenc import DenoisingAutoencoder
from sk_autoenc.parts.solvers import LBFGS
from sk_autoenc.training import DivergenceError, minimise


class Valley:
    """A curved valley of two parameters, noting how it is evaluated."""

    def __init__(self, interrupts_after=np.inf):
        self.interrupts_after, self.scales = interrupts_after, []

    def __call__(self, parameters, rows, scale=1.0):
        if len(self.scales) == self.interrupts_after:
            raise KeyboardInterrupt
        self.scales.append(scale)
        gradient = Point(scale * scipy.optimize.rosen_der(parameters.flat))
        return float(scipy.optimize.rosen(parameters.flat)), gradient


def run_at_once(objective, **changes):
    parameters = Point(np.array([-1.0, 2.0]))
    plan = make_plan(**changes)
    solver = LBFGS(parameters.flat, SimpleNamespace(max_iter=1000, tol=1e-5))
    return minimise(objective, parameters, ROWS, solver, plan), parameters.flat


def test_all_at_once_ends_in_the_valley_by_gradients_that_are_not_scaled():
    valley = Valley()
    result, solution = run_at_once(valley)
    assert_allclose(solution, 1, atol=1e-4)
    assert set(valley.scales) == {1.0}
    assert not result.ran_out
    assert not result.stuck


def test_an_interrupt_of_all_at_once_keeps_the_last_iteration_and_warns():
    listener = Listener()
    with pytest.warns(UserWarning, match="interrupted"):
        result, solution = run_at_once(Valley(interrupts_after=12), callbacks=listener)
    assert not result.ran_out
    last_parameters, last_curve = listener.ended[-1]
    assert result.loss_curve == last_curve
    assert_array_equal(solution, last_parameters)
    assert result.loss_curve[-1] == scipy.optimize.rosen(solution)


def test_an_interrupt_of_all_at_once_before_an_iteration_is_passed_on():
    with pytest.raises(KeyboardInterrupt):
        run_at_once(Valley(interrupts_after=1))


def test_a_line_search_that_finds_no_lower_loss_leaves_the_run_stuck():
    def uphill(parameters, rows, scale=1.0):
        value, gradient = valley(parameters, rows, scale)
        return value, Point(-gradient.flat)

    valley = Valley()
    result, solution = run_at_once(uphill)
    assert result.stuck  # and not one step was made
    assert not result.ran_out
    assert_array_equal(solution, [-1, 2])
    assert result.loss_curve == [scipy.optimize.rosen(solution)]


def test_all_at_once_names_the_iteration_whose_loss_is_not_finite():
    class Overflowing(Valley):
        def __call__(self, parameters, rows, scale=1.0):
            value, gradient = super().__call__(parameters, rows, scale)
            return value if value > 5 else -np.inf, gradient

    listener = Listener()
    with pytest.raises(
        DivergenceError, match=r"in epoch (\d+) the loss \(-inf\)"
    ) as error:
        run_at_once(Overflowing(), callbacks=listener)
    assert f"in epoch {len(listener.ended) + 1} " in str(error.value)


def test_a_stop_iteration_of_a_callback_is_an_error_and_not_convergence():
    class Careless(Listener):
        def end_epoch(self, parameters, result):
            next(iter([]))

    with pytest.raises(RuntimeError, match="callback raised StopIteration"):
        run_at_once(Valley(), callbacks=Careless())


def test_lbfgs_minimises_as_far_whatever_the_unit_of_the_loss():
    X = np.random.default_rng(0).normal(size=(50, 5))
    losses = [
        DenoisingAutoencoder(
            2,
            activation="identity",
            loss="squared_error",
            corruption=None,
            solver="lbfgs",
            random_state=0,
            max_iter=5000,
        )
        .fit(unit * X)
        .loss_
        / unit**2
        for unit in (1, 100, 1e-2, 1e-3)
    ]
    assert_allclose(losses, losses[0], rtol=2e-2)
