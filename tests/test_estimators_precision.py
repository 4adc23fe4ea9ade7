"""Single and double precision, whichever the estimator."""

import numpy as np
import pytest
from estimators import (
    CASES,
    every_case_and_data,
    every_case_and_variant,
    every_corruption,
    every_minibatch_solver,
    over,
)
from numpy.testing import assert_allclose

pytestmark = pytest.mark.filterwarnings("ignore:Maximum iterations")

either_first = pytest.mark.parametrize(
    ("first", "then"),
    [(np.float32, np.float64), (np.float64, np.float32)],
    ids=["single first", "double first"],
)
every_variant_and_solver = over(
    ("case", "changes", "solver"),
    [
        (case, changes, solver)
        for case in CASES
        for changes in case.variants
        for solver in case.solvers
    ],
)


def assert_all_of(dtype, case, model, X):
    for name, values in (case.learned(model) | case.outputs(model, X)).items():
        expected = np.float64 if name in case.wide_outputs else dtype
        assert values.dtype == expected, name


@every_case_and_data
@every_minibatch_solver
@every_corruption
def test_precision_is_kept_end_to_end(corruption, solver, kind, case, dtype):
    X = case.astype(dtype, kind)
    model = case.make(solver=solver, corruption=corruption, corruption_level=0.3)
    model.set_params(alpha=0.1).fit(X).partial_fit(X)
    assert_all_of(dtype, case, model, X)
    assert isinstance(model.loss_, float)


@every_variant_and_solver
def test_every_variant_keeps_precision_by_every_solver(changes, solver, case, dtype):
    X = case.astype(dtype)
    model = case.make(solver=solver, corruption=None, **changes).fit(X)
    assert_all_of(dtype, case, model, X)


@every_case_and_data
def test_early_stopping_keeps_precision(kind, case, dtype):
    X = case.astype(dtype, kind)
    assert_all_of(dtype, case, case.make(early_stopping=True).fit(X), X)


@every_case_and_variant
def test_single_precision_gives_about_the_codes_of_double(changes, case):
    double, single = (
        case.make(**changes).fit(case.astype(dtype)).transform(case.X)
        for dtype in (np.float64, np.float32)
    )
    assert_allclose(single, double, rtol=1e-3, atol=1e-3)


@every_case_and_data
@either_first
def test_a_model_takes_data_of_the_other_precision(first, then, kind, case):
    model = case.make().fit(case.astype(first, kind))
    expected = case.outputs(model, case.astype(first, kind))
    for name, output in case.outputs(model, case.astype(then, kind)).items():
        assert output.dtype == np.float64, name
        assert_allclose(output, expected[name], rtol=1e-4, atol=1e-5, err_msg=name)


@every_case_and_data
@either_first
def test_partial_fit_keeps_the_precision_of_the_model(first, then, kind, case):
    model = case.make().fit(case.astype(first, kind))
    model.partial_fit(case.astype(then, kind))
    assert {part.dtype for part in case.learned(model).values()} == {np.dtype(first)}
