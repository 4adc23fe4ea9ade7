import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from oracles import FUNCTIONS

from sk_autoenc.parts.activations import ACTIVATIONS
from sk_autoenc.parts.losses import LOSSES

PAIRS = [
    (name, output) for name in LOSSES for output in LOSSES[name].output_activations
]
every_pair = pytest.mark.parametrize(("name", "output"), PAIRS)

# Away from the kink of relu, the targets strictly inside [0, 1].
PREACTIVATION = np.array([[-3.2, -1.1, -0.2, 0.4], [0.9, 1.7, 2.6, -0.7]])
TARGET = np.array([[0.1, 0.7, 0.5, 0.9], [0.05, 0.4, 0.98, 0.3]])


def evaluate(name, output, preactivation, target, dtype=np.float64, weights=None):
    preactivation, target = np.array(preactivation, dtype), np.array(target, dtype)
    out = np.full_like(target, np.nan), np.full_like(target, np.nan)
    given = target.copy()
    LOSSES[name].evaluate(preactivation, given, weights, ACTIVATIONS[output], out)
    assert_array_equal(given, target)
    return out


def test_every_output_activation_is_known():
    for loss in LOSSES.values():
        assert loss.output_activations
        assert set(loss.output_activations) <= set(ACTIVATIONS)


def test_auto_output_is_logistic_for_cross_entropy_and_identity_for_squared_error():
    assert LOSSES["cross_entropy"].output_activations[0] == "logistic"
    assert LOSSES["squared_error"].output_activations[0] == "identity"


@every_pair
def test_delta_equals_central_differences(name, output):
    step = 1e-5
    above, _ = evaluate(name, output, PREACTIVATION + step, TARGET)
    below, _ = evaluate(name, output, PREACTIVATION - step, TARGET)
    _, delta = evaluate(name, output, PREACTIVATION, TARGET)
    assert_allclose(delta, (above - below) / (2 * step), rtol=1e-6, atol=1e-9)


@every_pair
def test_taylor_error_of_the_loss_quarters_when_the_step_halves(name, output):
    direction = np.random.default_rng(0).uniform(0.5, 1, PREACTIVATION.shape)
    values, delta = evaluate(name, output, PREACTIVATION, TARGET)

    def taylor_error(step):
        moved, _ = evaluate(name, output, PREACTIVATION + step * direction, TARGET)
        return (moved - values - step * direction * delta).sum()

    coarse, fine = taylor_error(1e-3), taylor_error(5e-4)
    assert coarse / fine == pytest.approx(4, rel=0.01)


@every_pair
def test_weights_multiply_values_and_delta(name, output, dtype):
    weights = np.random.default_rng(0).uniform(0, 2, TARGET.shape).astype(dtype)
    weighted = evaluate(name, output, PREACTIVATION, TARGET, dtype, weights)
    plain = evaluate(name, output, PREACTIVATION, TARGET, dtype)
    for part, unweighted in zip(weighted, plain, strict=True):
        assert_array_equal(part, weights * unweighted)


def test_a_loss_names_the_range_of_its_targets():
    assert LOSSES["cross_entropy"].target_range == (0, 1)
    assert LOSSES["squared_error"].target_range == (-math.inf, math.inf)


@every_pair
def test_every_entry_is_written_whatever_was_there(name, output, dtype):
    values, delta = evaluate(name, output, PREACTIVATION, TARGET, dtype)
    assert np.isfinite(values).all()
    assert np.isfinite(delta).all()


@every_pair
def test_800_either_way_is_finite(name, output, dtype):
    preactivation = np.repeat([[-800.0, 800.0]], 3, axis=0)
    target = np.repeat([[0.0], [0.3], [1.0]], 2, axis=1)
    values, delta = evaluate(name, output, preactivation, target, dtype)
    assert np.isfinite(values).all()
    assert np.isfinite(delta).all()


@every_pair
def test_single_precision_agrees_with_double(name, output):
    single = evaluate(name, output, PREACTIVATION, TARGET, np.float32)
    double = evaluate(name, output, PREACTIVATION, TARGET)
    assert_allclose(single[0], double[0], rtol=1e-5, atol=1e-6)
    assert_allclose(single[1], double[1], rtol=1e-5, atol=1e-6)


@given(
    a=st.floats(-15, 15),
    x=st.one_of(st.floats(0, 1), st.sampled_from([0.0, 1.0])),
)
def test_cross_entropy_equals_the_definition(a, x):
    values, delta = evaluate("cross_entropy", "logistic", [[a]], [[x]])
    logistic = FUNCTIONS["logistic"][0]
    z, one_minus_z = logistic(a), logistic(-a)
    expected = -x * math.log(z) - (1 - x) * math.log(one_minus_z)  # Eq. (3)
    assert values[0, 0] == pytest.approx(expected, rel=1e-12, abs=1e-14)
    assert delta[0, 0] == pytest.approx(z - x, rel=1e-12, abs=1e-15)  # Eq. (10)


@pytest.mark.parametrize(
    ("a", "x", "expected"),
    [
        (800, 1, 0),
        (-800, 0, 0),
        (800, 0, 800),
        (-800, 1, 800),
        (800, 0.25, 600),
        (-800, 0.25, 200),
    ],
)
def test_cross_entropy_of_a_saturated_unit_is_exact(a, x, expected, dtype):
    values, delta = evaluate("cross_entropy", "logistic", [[a]], [[x]], dtype)
    assert values[0, 0] == expected
    assert delta[0, 0] == (a > 0) - x


@given(a=st.floats(-1e4, 1e4), x=st.floats(0, 1))
def test_cross_entropy_of_targets_in_the_unit_interval_is_not_negative(a, x):
    values, _ = evaluate("cross_entropy", "logistic", [[a]], [[x]])
    assert values[0, 0] >= -1e-12 * abs(a) - 1e-15


@pytest.mark.parametrize("output", FUNCTIONS)
def test_squared_error_equals_the_definition(output):
    values, delta = evaluate("squared_error", output, PREACTIVATION, TARGET)
    function, slope = FUNCTIONS[output]
    z = np.vectorize(function)(PREACTIVATION)
    assert_allclose(values, (z - TARGET) ** 2 / 2, rtol=1e-12)
    expected = (z - TARGET) * np.vectorize(slope)(PREACTIVATION)
    assert_allclose(delta, expected, rtol=1e-12)
