import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from oracles import FUNCTIONS, mixed_loss

from sk_autoenc.parts.activations import ACTIVATIONS
from sk_autoenc.parts.losses import LOSSES, make_loss, mixed_columns, mixed_groups

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


# Mixed columns: numbers, and after them a block of columns for each category

LAYOUTS = {
    "both": (2, (3, 1, 2)),
    "no numbers": (0, (3, 2)),
    "no categories": (3, ()),
    "one category": (1, (4,)),
    "one level": (0, (1,)),
}
every_layout = pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
with_or_without_weights = pytest.mark.parametrize("is_weighted", [True, False])


def mixed_rows(layout, is_weighted=True, n_rows=4):
    """Pre-activations, any targets, any weights."""
    n_numbers, n_levels = layout
    rng = np.random.default_rng(0)
    shape = n_rows, n_numbers + sum(n_levels)
    weights = rng.uniform(0, 2, shape) if is_weighted else None
    return rng.uniform(-3, 3, shape), rng.uniform(-1, 2, shape), weights


def evaluate_mixed(layout, preactivation, targets, weights=None, dtype=np.float64):
    preactivation, given = np.array(preactivation, dtype), np.array(targets, dtype)
    given_weights = None if weights is None else np.array(weights, dtype)
    out = np.full_like(given, np.nan), np.full_like(given, np.nan)
    loss = mixed_columns(*layout)
    activation = ACTIVATIONS[loss.output_activations[0]]
    loss.evaluate(preactivation, given, given_weights, activation, out)
    assert_array_equal(given, np.array(targets, dtype))
    if weights is not None:
        assert_array_equal(given_weights, np.array(weights, dtype))
    return out


def one_hot(code, n_levels):
    return np.eye(n_levels)[code]


@every_layout
@with_or_without_weights
def test_mixed_columns_equal_the_definition_by_the_naive_softmax(layout, is_weighted):
    a, targets, weights = mixed_rows(layout, is_weighted)
    values, delta = evaluate_mixed(layout, a, targets, weights)
    for row in range(len(a)):
        w = weights[row] if is_weighted else np.ones_like(a[row])
        total, slopes = mixed_loss(a[row], targets[row], w, *layout)
        assert values[row].sum() == pytest.approx(total, rel=1e-12)
        assert_allclose(delta[row], slopes, rtol=1e-12, atol=1e-14)


def test_the_loss_of_a_category_is_minus_the_log_probability_of_its_level():
    values, delta = evaluate_mixed((0, (3,)), [np.log([1, 2, 5])], [[0, 1, 0]])
    assert_allclose(values, [[0, -math.log(2 / 8), 0]], rtol=1e-12, atol=1e-15)
    assert_allclose(delta, [[1 / 8, 2 / 8 - 1, 5 / 8]], rtol=1e-12)


@every_layout
@with_or_without_weights
def test_delta_of_mixed_columns_equals_central_differences(layout, is_weighted):
    a, targets, weights = mixed_rows(layout, is_weighted)
    _, delta = evaluate_mixed(layout, a, targets, weights)
    step = 1e-5
    for column, move in enumerate(step * np.eye(a.shape[1])):
        above, _ = evaluate_mixed(layout, a + move, targets, weights)
        below, _ = evaluate_mixed(layout, a - move, targets, weights)
        numerical = (above - below).sum(axis=1) / (2 * step)
        assert_allclose(delta[:, column], numerical, rtol=1e-6, atol=1e-9)


@every_layout
def test_taylor_error_of_mixed_columns_quarters_when_the_step_halves(layout):
    a, targets, weights = mixed_rows(layout)
    targets = np.abs(targets)
    direction = np.random.default_rng(1).uniform(0.5, 1, a.shape)
    values, delta = evaluate_mixed(layout, a, targets, weights)

    def taylor_error(step):
        moved, _ = evaluate_mixed(layout, a + step * direction, targets, weights)
        return (moved - values - step * direction * delta).sum()

    if layout == (0, (1,)):  # no loss at all
        assert taylor_error(1e-3) == 0
        return
    assert taylor_error(1e-3) / taylor_error(5e-4) == pytest.approx(4, rel=0.01)


@every_layout
@pytest.mark.parametrize("sign", [-1, 1])
def test_mixed_columns_are_finite_and_right_at_800(layout, sign, dtype):
    n_numbers, n_levels = layout
    a = np.full((1, n_numbers + sum(n_levels)), 800.0 * sign)
    targets, expected = np.zeros_like(a), np.zeros_like(a)
    expected[:, :n_numbers] = 800**2 / 2
    start = n_numbers
    for width in n_levels:
        targets[0, start + width - 1] = 1  # the only one that is far from the others
        a[0, start + width - 1] *= -1
        above = -sign * 800 > 0 or width == 1
        missed = 0 if above else 1600 + math.log(width - 1)
        expected[0, start + width - 1] = missed
        start += width
    values, delta = evaluate_mixed(layout, a, targets, dtype=dtype)
    assert_allclose(values, expected, rtol=1e-6)
    assert np.isfinite(delta).all()


def test_a_block_of_one_level_has_no_loss_and_no_slope(dtype):
    a, targets, weights = [[7.0], [-800.0]], [[1.0], [0.3]], [[2.0], [1.0]]
    values, delta = evaluate_mixed((0, (1,)), a, targets, weights, dtype)
    assert not values.any()
    assert not delta.any()


@every_layout
def test_mixed_columns_without_weight_have_no_loss_and_no_slope(layout):
    a, targets, weights = mixed_rows(layout)
    for part in evaluate_mixed(layout, a, targets, 0 * weights):
        assert not part.any()


@every_layout
def test_mixed_columns_in_single_precision_agree_with_double(layout):
    rows = mixed_rows(layout)
    single = evaluate_mixed(layout, *rows, dtype=np.float32)
    double = evaluate_mixed(layout, *rows)
    for one, other in zip(single, double, strict=True):
        assert one.dtype == np.float32
        assert_allclose(one, other, rtol=1e-5, atol=1e-5)


@every_layout
def test_probabilities_are_positive_and_sum_to_1_and_numbers_stay(layout, dtype):
    n_numbers, n_levels = layout
    a = mixed_rows(layout)[0].astype(dtype)
    p = mixed_columns(*layout).evaluate.probabilities(a.copy())
    assert_array_equal(p[:, :n_numbers], a[:, :n_numbers])
    levels = p[:, n_numbers:]
    assert (levels > 0).all()
    start = np.cumsum([0, *n_levels])
    for left, right in pairwise(start):
        assert_allclose(levels[:, left:right].sum(axis=1), 1, rtol=1e-6)


def test_probabilities_of_levels_800_apart_are_0_and_1(dtype):
    a = np.array([[800, -800, 0]], dtype)
    p = mixed_columns(0, (3,)).evaluate.probabilities(a)
    assert_array_equal(p, [[1, 0, 0]])


@given(
    a=st.lists(st.floats(-30, 30), min_size=3, max_size=3),
    shift=st.floats(-1e3, 1e3),
    code=st.integers(0, 2),
)
def test_the_same_number_added_to_all_levels_changes_nothing(a, shift, code):
    targets = [one_hot(code, 3)]
    plain = evaluate_mixed((0, (3,)), [a], targets)
    shifted = evaluate_mixed((0, (3,)), [np.add(a, shift)], targets)
    for one, other in zip(plain, shifted, strict=True):
        assert_allclose(other, one, atol=1e-11)


@given(a=st.lists(st.floats(-1e4, 1e4), min_size=3, max_size=3), code=st.integers(0, 2))
def test_the_loss_of_a_level_is_not_negative_and_its_slopes_sum_to_0(a, code):
    values, delta = evaluate_mixed((0, (3,)), [a], [one_hot(code, 3)])
    assert (values >= 0).all()
    assert delta.sum() == pytest.approx(0, abs=1e-15)


# Groups: numbers and categories side by side, in any order

GROUPINGS = {
    "categories first": ([3, 2, 1, 1], [True, True, False, False]),
    "numbers first": ([2, 1, 3], [False, False, True]),
    "in turn": ([1, 3, 2, 2, 1], [False, True, False, True, False]),
    "in turn, a category first": ([2, 1, 3, 2], [True, False, True, False]),
    "one category": ([4], [True]),
    "one number": ([1], [False]),
    "numbers of several features": ([3, 2], [False, False]),
    "a category of one level": ([1, 1], [True, False]),
}
every_grouping = pytest.mark.parametrize("grouping", GROUPINGS.values(), ids=GROUPINGS)


def group_rows(grouping, is_weighted=True):
    """Pre-activations, any targets, any weights."""
    return mixed_rows((sum(grouping[0]), ()), is_weighted)


def evaluate_groups(grouping, preactivation, targets, weights=None, dtype=np.float64):
    preactivation, given = np.array(preactivation, dtype), np.array(targets, dtype)
    out = np.full_like(given, np.nan), np.full_like(given, np.nan)
    loss = mixed_groups(*grouping)
    activation = ACTIVATIONS[loss.output_activations[0]]
    if weights is not None:
        weights = np.array(weights, dtype)
    loss.evaluate(preactivation, given, weights, activation, out)
    assert_array_equal(given, np.array(targets, dtype))
    return out


def blocks_of(grouping):
    """Yield the place of each group and whether it is a category."""
    start = 0
    for width, is_category in zip(*grouping, strict=True):
        yield slice(start, start + width), is_category
        start += width


def oracle_of_groups(grouping, a, targets, weights):
    """Of one row, group by group."""
    total, slopes = 0.0, []
    for block, is_category in blocks_of(grouping):
        width = block.stop - block.start
        layout = (0, (width,)) if is_category else (width, ())
        value, slope = mixed_loss(a[block], targets[block], weights[block], *layout)
        total, slopes = total + value, slopes + slope
    return total, slopes


@every_grouping
@with_or_without_weights
def test_groups_in_any_order_equal_the_naive_softmax(grouping, is_weighted):
    a, targets, weights = group_rows(grouping, is_weighted)
    values, delta = evaluate_groups(grouping, a, targets, weights)
    for row in range(len(a)):
        w = weights[row] if is_weighted else np.ones_like(a[row])
        total, slopes = oracle_of_groups(grouping, a[row], targets[row], w)
        assert values[row].sum() == pytest.approx(total, rel=1e-12)
        assert_allclose(delta[row], slopes, rtol=1e-12, atol=1e-14)


@every_grouping
@with_or_without_weights
def test_delta_of_groups_equals_central_differences(grouping, is_weighted):
    a, targets, weights = group_rows(grouping, is_weighted)
    _, delta = evaluate_groups(grouping, a, targets, weights)
    step = 1e-5
    for column, move in enumerate(step * np.eye(a.shape[1])):
        above, _ = evaluate_groups(grouping, a + move, targets, weights)
        below, _ = evaluate_groups(grouping, a - move, targets, weights)
        numerical = (above - below).sum(axis=1) / (2 * step)
        assert_allclose(delta[:, column], numerical, rtol=1e-6, atol=1e-9)


@every_grouping
def test_groups_without_weight_have_no_loss_and_no_slope(grouping):
    a, targets, weights = group_rows(grouping)
    for part in evaluate_groups(grouping, a, targets, 0 * weights):
        assert not part.any()


@every_grouping
def test_groups_in_single_precision_agree_with_double(grouping):
    given = group_rows(grouping)
    single = evaluate_groups(grouping, *given, dtype=np.float32)
    double = evaluate_groups(grouping, *given)
    for one, other in zip(single, double, strict=True):
        assert one.dtype == np.float32
        assert_allclose(one, other, rtol=1e-5, atol=1e-5)


@every_grouping
def test_probabilities_of_a_category_sum_to_1_and_numbers_stay(grouping, dtype):
    a = group_rows(grouping)[0].astype(dtype)
    p = mixed_groups(*grouping).output(a.copy())
    for block, is_category in blocks_of(grouping):
        if is_category:
            assert (p[:, block] > 0).all()
            assert_allclose(p[:, block].sum(axis=1), 1, rtol=1e-6)
        else:
            assert_array_equal(p[:, block], a[:, block])


def test_numbers_and_after_them_categories_are_mixed_columns():
    a, targets, weights = mixed_rows((2, (3, 2)))
    groups = evaluate_groups(([1, 1, 3, 2], [0, 0, 1, 1]), a, targets, weights)
    columns = evaluate_mixed((2, (3, 2)), a, targets, weights)
    for one, other in zip(groups, columns, strict=True):
        assert_array_equal(one, other)


def test_the_name_mixed_makes_the_loss_of_a_layout():
    assert make_loss("mixed", ([2, 1], [True, False])).output_activations == (
        "identity",
    )
    assert make_loss("squared_error") is LOSSES["squared_error"]
    assert make_loss("squared_error", ([2], [True])) is LOSSES["squared_error"]
