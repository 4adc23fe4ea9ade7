"""What `random_state` decides, and what nothing else does, whichever the estimator."""

import numpy as np
import pytest
from estimators import (
    every_case,
    every_case_and_solver,
    every_corruption,
    every_minibatch_solver,
)
from numpy.testing import assert_array_equal

pytestmark = pytest.mark.filterwarnings("ignore:Maximum iterations")


@every_case
@every_minibatch_solver
@every_corruption
@pytest.mark.parametrize("early_stopping", [False, True])
def test_two_fits_are_bitwise_equal(early_stopping, corruption, solver, case):
    settings = {"early_stopping": early_stopping, "solver": solver}
    settings |= {"corruption": corruption, "corruption_level": 0.3}
    first, second = (case.make(**settings).fit(case.X) for _ in range(2))
    case.assert_same_model(first, second)
    assert_array_equal(first.transform(case.X), second.transform(case.X))


@every_case_and_solver
def test_two_fits_by_any_solver_are_bitwise_equal(solver, case):
    settings = {"solver": solver, "corruption": None, "n_components": 2}
    first, second = (case.make(**settings).fit(case.X) for _ in range(2))
    case.assert_same_model(first, second)


@every_case_and_solver
def test_another_seed_is_another_model(solver, case):
    first, second = (
        case.make(solver=solver, corruption=None, random_state=seed).fit(case.X)
        for seed in range(2)
    )
    assert not np.array_equal(case.weights(first), case.weights(second))


@every_case
def test_a_refit_starts_afresh(case):
    model = case.make().fit(case.X_of_others)
    expected = case.make().fit(case.X)
    case.assert_same_model(model.fit(case.X), expected)
    assert model.n_features_in_ == expected.n_features_in_
    assert_array_equal(model.transform(case.X), expected.transform(case.X))


@every_case_and_solver
@pytest.mark.parametrize("random_state", [0, None])
@pytest.mark.parametrize("early_stopping", [False, True])
def test_numpys_global_generator_is_left_alone(
    early_stopping, random_state, solver, case
):
    before = np.random.get_state()
    model = case.make(solver=solver, corruption=None, random_state=random_state)
    model.set_params(early_stopping=early_stopping).fit(case.X)
    if solver != "lbfgs":
        model.set_params(corruption="swap", corruption_level=0.5).partial_fit(case.X)
    model.score(case.X)
    after = np.random.get_state()
    assert before[2:] == after[2:]
    assert_array_equal(before[1], after[1])


@every_case
def test_numpys_global_seed_decides_nothing(case):
    state = np.random.get_state()
    try:
        np.random.seed(0)
        first = case.make(random_state=None).fit(case.X)
        np.random.seed(0)
        second = case.make(random_state=None).fit(case.X)
    finally:
        np.random.set_state(state)
    assert not np.array_equal(case.weights(first), case.weights(second))


@every_case
def test_a_random_state_instance_is_accepted_and_moves_on(case):
    random_state = np.random.RandomState(3)
    first, second = (case.make(random_state=random_state).fit(case.X) for _ in range(2))
    assert not np.array_equal(case.weights(first), case.weights(second))
    again = case.make(random_state=np.random.RandomState(3)).fit(case.X)
    case.assert_same_model(first, again)
