import copy

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from oracles import FUNCTIONS, normalised

from sk_autoenc.parts.activations import ACTIVATIONS

AWAY_FROM_KINKS = np.array([-7.3, -3.1, -1.2, -0.4, -0.01, 0.01, 0.3, 1.1, 2.9, 6.8])

every_activation = pytest.mark.parametrize("name", ACTIVATIONS)
every_known_activation = pytest.mark.parametrize("name", FUNCTIONS)

every_scaled_activation = pytest.mark.parametrize(
    "name", [name for name in ACTIVATIONS if ACTIVATIONS[name].scaled]
)


def value(name, preactivation):
    return ACTIVATIONS[name].value(np.array(preactivation))


def scaled(name, rows, dtype):
    values = np.array(rows, dtype)
    slopes = np.empty_like(values)
    return ACTIVATIONS[name].scaled(values, slopes), slopes


@every_activation
def test_value_overwrites_its_argument_and_returns_it(name, dtype):
    preactivation = AWAY_FROM_KINKS.astype(dtype)
    output = ACTIVATIONS[name].value(preactivation)
    assert output is preactivation
    assert output.dtype == dtype


@every_activation
def test_slope_fills_out_returns_it_and_leaves_the_output_alone(name, dtype):
    output = value(name, AWAY_FROM_KINKS.astype(dtype))
    before, out = output.copy(), np.full_like(output, np.nan)
    slope = ACTIVATIONS[name].slope(output, out)
    assert slope is out
    assert slope.dtype == dtype
    assert np.isfinite(slope).all()
    assert_array_equal(output, before)


@every_activation
def test_slope_equals_central_differences(name):
    a, step = AWAY_FROM_KINKS, 1e-5
    numerical = (value(name, a + step) - value(name, a - step)) / (2 * step)
    slope = ACTIVATIONS[name].slope(value(name, a), np.empty_like(a))
    assert_allclose(slope, numerical, rtol=1e-6, atol=1e-9)


@every_activation
def test_slope_of_the_square_equals_central_differences_by_the_output(name):
    a, step = AWAY_FROM_KINKS[2:-2], 1e-5  # where y moves with a

    def squared_slope(a):
        output = value(name, a)
        return output, ACTIVATIONS[name].slope(output, np.empty_like(a)) ** 2

    (before, low), (after, high) = squared_slope(a - step), squared_slope(a + step)
    moved = after != before
    numerical = np.zeros_like(a)
    np.divide(high - low, after - before, out=numerical, where=moved)
    slope = ACTIVATIONS[name].slope_of_square(value(name, a), np.empty_like(a))
    assert_allclose(slope, numerical, rtol=1e-6, atol=1e-9)


@every_activation
def test_slope_of_the_square_fills_out_and_leaves_the_output_alone(name, dtype):
    output = value(name, np.array([-800, *AWAY_FROM_KINKS, 800], dtype))
    before, out = output.copy(), np.full_like(output, np.nan)
    slope = ACTIVATIONS[name].slope_of_square(output, out)
    assert slope is out
    assert slope.dtype == dtype
    assert np.isfinite(slope).all()
    assert_array_equal(output, before)


@every_activation
def test_every_entry_is_on_its_own(name):
    matrix = AWAY_FROM_KINKS.reshape(2, 5)
    entries = [[value(name, [entry])[0] for entry in row] for row in matrix]
    assert_allclose(value(name, matrix), entries, rtol=1e-15)


@every_activation
def test_800_either_way_is_finite(name, dtype):
    output = value(name, np.array([-800, 800], dtype))
    assert np.isfinite(output).all()
    slope = ACTIVATIONS[name].slope(output, np.empty_like(output))
    assert np.isfinite(slope).all()


@every_activation
def test_single_precision_agrees_with_double(name):
    single = value(name, AWAY_FROM_KINKS.astype(np.float32))
    assert_allclose(single, value(name, AWAY_FROM_KINKS), rtol=1e-5, atol=1e-7)


@every_activation
def test_activations_survive_a_deep_copy(name):
    assert copy.deepcopy(ACTIVATIONS[name]).value is ACTIVATIONS[name].value


@every_known_activation
@given(a=st.floats(-700, 700).filter(lambda a: abs(a) > 1e-9))
def test_value_and_slope_equal_the_formula(name, a):
    function, slope = FUNCTIONS[name]
    output = value(name, [a])
    assert output[0] == pytest.approx(function(a), rel=1e-12, abs=1e-15)
    actual = ACTIVATIONS[name].slope(output, np.empty(1))
    assert actual[0] == pytest.approx(slope(a), rel=1e-12, abs=1e-15)


@every_scaled_activation
@given(row=st.lists(st.floats(-1000, 1000, width=32), min_size=1, max_size=6))
def test_scaled_values_and_slopes_have_the_directions_of_those_of_the_formula(
    name, row
):
    for dtype in (np.float32, np.float64):
        values, slopes = scaled(name, [row], dtype)
        expected, expected_slopes = normalised(name, row)
        length = np.linalg.norm(values.astype(float))
        limits = {"rtol": 8 * np.finfo(dtype).eps, "atol": np.finfo(dtype).tiny}
        assert_allclose(values[0] / length, expected, **limits)
        assert_allclose(slopes[0] / length, expected_slopes, **limits)


@every_scaled_activation
def test_scaling_overwrites_its_argument_and_keeps_the_dtype(name, dtype):
    preactivation = AWAY_FROM_KINKS.reshape(2, 5).astype(dtype)
    slope = np.full_like(preactivation, np.nan)
    assert ACTIVATIONS[name].scaled(preactivation, slope) is preactivation
    assert preactivation.dtype == slope.dtype == dtype
    assert np.isfinite(slope).all()


@every_scaled_activation
def test_the_greatest_of_a_scaled_row_is_near_1(name, dtype):
    rows = np.array([[-1000, -1001], [-40, -800], [0, -3], [2, 1000]])
    values, _ = scaled(name, rows, dtype)
    assert (values.max(axis=1) >= 0.25).all()
    assert (values.max(axis=1) <= 1).all()


@every_scaled_activation
def test_rows_are_scaled_on_their_own(name):
    rows = np.array([[-900.0, -901.0], [-1.0, 3.0]])
    both = scaled(name, rows, float)
    alone = [scaled(name, rows[[place]], float) for place in (0, 1)]
    assert_array_equal(both, np.concatenate(alone, axis=1))


def test_logistic_saturates_at_exactly_0_and_1(dtype):
    assert_array_equal(value("logistic", np.array([-800, 0, 800], dtype)), [0, 0.5, 1])


def test_relu_has_slope_0_at_its_kink():
    assert ACTIVATIONS["relu"].slope(np.zeros(1), np.ones(1))[0] == 0


def test_initial_scales_are_those_of_the_literature():
    scales = {name: ACTIVATIONS[name].initial_scale for name in FUNCTIONS}
    expected = {"identity": 1, "logistic": 4, "tanh": 1, "relu": 2**0.5}
    assert scales == pytest.approx(expected)


@every_activation
def test_initial_scale_is_positive(name):
    assert ACTIVATIONS[name].initial_scale > 0
