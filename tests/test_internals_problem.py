"""`_problem` reads, and sets nothing; what it gives trains like fit."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from sk_autoenc import DenoisingAutoencoder, RAETransformer, UnfoldingRAETransformer
from sk_autoenc.base import make_plan, new_solver
from sk_autoenc.training import minimise

X = np.random.default_rng(0).random((30, 4))
TREES = [((row, row), row[::-1]) for row in X]
CASES = {
    "rows": (DenoisingAutoencoder(3, random_state=0), X),
    "unfolding": (UnfoldingRAETransformer(3, random_state=0), TREES),
    "children": (RAETransformer(random_state=0, corruption="masking"), TREES),
}
every_case = pytest.mark.parametrize(("estimator", "data"), CASES.values(), ids=CASES)
short_runs = pytest.mark.filterwarnings("ignore:Maximum iterations")


@every_case
def test_a_problem_sets_nothing_on_the_estimator(estimator, data):
    before = dict(vars(estimator))
    estimator._problem(data, None, reset=True)
    assert vars(estimator) == before


@every_case
@short_runs
def test_a_problem_to_go_on_with_shares_no_memory_with_the_model(estimator, data):
    estimator = estimator.__class__(**estimator.get_params() | {"max_iter": 2})
    estimator.fit(data)
    problem = estimator._problem(data, None, reset=False)
    for name in problem.learned:
        value = getattr(estimator, name)
        if isinstance(value, np.ndarray):
            assert not np.shares_memory(value, problem.parameters.flat)


@every_case
@short_runs
def test_a_problem_trains_to_what_fit_learns(estimator, data):
    estimator = estimator.__class__(**estimator.get_params() | {"max_iter": 3})
    problem = estimator._problem(data, None, reset=True)
    rows = np.arange(problem.n_samples)
    plan = make_plan(problem, len(rows), warn=False)
    solver = new_solver(problem)
    minimise(problem.objective, problem.parameters, rows, solver, plan)
    estimator.fit(data)
    learned = estimator._parameter_attributes(problem.parameters)
    for name, array in learned.items():
        assert_array_equal(array, getattr(estimator, name))
