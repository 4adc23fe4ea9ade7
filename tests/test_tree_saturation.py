"""Normalised codes of logistic units that are saturated.

There s(a) is far below its rounding in 1 + tanh, or below the smallest number.
"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from oracles import normalised
from tree_cases import (
    LOSS_NAMES,
    TREES,
    X,
    assert_close,
    assert_right_to_rounding,
    assert_same_gradient,
    make_model,
)
from tree_models import make_trees, untrained

from sk_autoenc import RAETransformer

every_loss = pytest.mark.parametrize("loss", LOSS_NAMES)
every_intercept = pytest.mark.parametrize(
    "intercept",
    [
        [0.5, -1.0, 3.0],
        [-14.0, -14.5, -13.25],
        [-18.0, -16.0, -40.0],
        [-40.25, -40.0, -41.5],
        [-90.0, -800.0, -91.0],
        [-800.0, -800.5, -801.25],
        [12.0, -30.0, 14.0],
        [40.0, 41.0, 90.0],
        [800.0, 800.0, -800.0],
        [1e30, -1e30, -800.0],
    ],
    ids=str,
)


def saturated_model(intercept, loss="children", dtype=float, spread=1.0, **options):
    pair = ("logistic", "identity")
    model = make_model(loss, pair, dtype=dtype, normalize=True, **options)
    model.parameters.encoder[:] *= spread
    model.parameters.encoder_intercept[:] = intercept
    return model


@every_intercept
def test_normalised_logistic_codes_are_right_to_rounding(intercept, dtype):
    # Weights of zero: the intercept is the pre-activation, without rounding.
    model = saturated_model(intercept, dtype=dtype, spread=0)
    code = model.root_codes([(X,)])[0]
    expected, _ = normalised("logistic", intercept)
    assert_right_to_rounding(code, expected, dtype)
    assert_allclose(np.linalg.norm(code), 1, rtol=4 * np.finfo(dtype).eps)


@every_intercept
@every_loss
def test_gradient_of_normalised_logistic_codes_is_right_to_rounding(
    loss, intercept, dtype
):
    model = saturated_model(intercept, loss, dtype, spread=0)
    _, gradient = model.gradient([(X,)])
    _, expected = model.oracle().value_and_gradient([(X,)])
    expected = expected["b"]
    scale = np.abs(normalised("logistic", intercept)[1]).max()
    error = np.abs(gradient.encoder_intercept - expected).max()
    assert error <= 20 * np.finfo(dtype).eps * scale


@every_intercept
@every_loss
def test_saturated_logistic_trees_equal_the_oracle(loss, intercept):
    model = saturated_model(intercept, loss, child_weights="leaves")
    total, gradient = model.gradient(TREES)
    mean, expected = model.oracle().value_and_gradient(TREES)
    assert_close(total, len(TREES) * mean)
    assert_same_gradient(gradient, {k: len(TREES) * v for k, v in expected.items()})
    codes = [code for tree in TREES for code in model.oracle().codes(tree)]
    assert_close(model.node_codes(TREES), np.array(codes))


@every_intercept
@every_loss
def test_saturated_logistic_trees_have_the_gradient_of_central_differences(
    loss, intercept
):
    model = saturated_model(intercept, loss)
    flat = model.parameters.flat
    _, gradient = model.gradient(TREES)
    gradient, differences = gradient.flat.copy(), np.empty_like(flat)
    for entry in range(len(flat)):
        here = flat[entry]
        flat[entry] = above = here + 1e-5
        total_above, _ = model.gradient(TREES)
        flat[entry] = below = here - 1e-5
        total_below, _ = model.gradient(TREES)
        flat[entry] = here
        step = above - below or np.inf  # 1e30 stays where it is
        differences[entry] = (total_above - total_below) / step
    scale = 1 + np.abs(differences).max()
    assert_allclose(gradient, differences, rtol=0, atol=1e-7 * scale)


@pytest.mark.parametrize("shift", [0, -14, -40, -90, -800, 5])
@every_loss
def test_halving_the_step_quarters_the_error_of_saturated_logistic_trees(loss, shift):
    model = saturated_model(np.array([0.5, -0.25, 0]) + shift, loss)
    flat = model.parameters.flat
    here, direction = flat.copy(), np.random.default_rng(0).normal(size=flat.shape)
    total, gradient = model.gradient(TREES)
    slope, errors = float(gradient.flat @ direction), []
    for step in (2e-4, 1e-4):
        flat[:] = here + step * direction
        stepped, _ = model.gradient(TREES)
        errors.append(abs(stepped - total - step * slope))
    assert errors[0] / errors[1] == pytest.approx(4, rel=0.02)


@every_intercept
@every_loss
def test_saturated_logistic_trees_agree_in_single_and_double_precision(loss, intercept):
    total, gradient = saturated_model(intercept, loss).gradient(TREES)
    single = saturated_model(intercept, loss, np.float32)
    single_total, single_gradient = single.gradient(TREES)
    # What a sum of about 800 is rounded to is what its exponential is multiplied by.
    sums = [abs(a) for a in intercept if a < 0 and abs(a) < 1e3]
    rounding = float(np.finfo(np.float32).eps) * max([100, *sums])
    assert single_total == pytest.approx(total, rel=rounding)
    scale = np.abs(gradient.flat).max()
    assert_allclose(single_gradient.flat, gradient.flat, rtol=0, atol=rounding * scale)


@given(
    intercept=st.lists(st.floats(-1000, 1000, width=32), min_size=3, max_size=3),
    single=st.booleans(),
)
def test_a_normalised_logistic_code_is_never_zero(intercept, single):
    dtype = np.float32 if single else np.float64
    model = saturated_model(intercept, dtype=dtype, spread=0)
    expected, _ = normalised("logistic", intercept)
    assert_right_to_rounding(model.root_codes([(X,)])[0], expected, dtype)


@pytest.mark.parametrize("intercept", [-14, -16, -18, -40, -90, -800])
def test_a_model_of_saturated_logistic_units_encodes_in_both_precisions_alike(
    intercept,
):
    codes = []
    for dtype in (np.float32, np.float64):
        trees = make_trees(20, dtype=dtype)
        options = {"encoder_activation": "logistic", "normalize": True}
        model = untrained(RAETransformer, trees, **options)
        model.encoder_intercept_[:] = intercept
        by_node, index = model.transform_nodes(trees)
        codes.append(by_node[index["height"] > 0])
    assert_allclose(np.linalg.norm(codes[1], axis=1), 1, rtol=1e-14)
    # A sum of 800 is rounded to 3e-5, and its exponential is off by as much.
    assert_allclose(codes[0], codes[1], rtol=0, atol=1e-6 + 2e-7 * abs(intercept))
