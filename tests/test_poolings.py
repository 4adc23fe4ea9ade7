import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sk_autoenc.parts.poolings import POOLINGS

every_pooling = pytest.mark.parametrize("name", POOLINGS)

# Two trees: one of three inner nodes, and one of a single node.
CODES = np.array([[1.0, 5.0], [3.0, 1.0], [2.0, 9.0], [4.0, -4.0]])
TREE_START = np.array([0, 3])


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("root", [[1.0, 5.0], [4.0, -4.0]]),
        ("mean", [[2.0, 5.0], [4.0, -4.0]]),
        ("sum", [[6.0, 15.0], [4.0, -4.0]]),
        ("max", [[3.0, 9.0], [4.0, -4.0]]),
    ],
)
def test_a_pooling_gives_what_is_counted_by_hand(name, expected):
    assert_array_equal(POOLINGS[name].value(CODES, TREE_START), expected)


def test_every_pooling_is_counted_by_hand():
    assert set(POOLINGS) == {"root", "mean", "sum", "max"}


@every_pooling
def test_a_tree_of_one_node_is_pooled_to_its_code(name, rng):
    codes = rng.normal(size=(5, 3))
    assert_array_equal(POOLINGS[name].value(codes, np.arange(5)), codes)


@every_pooling
def test_each_tree_is_pooled_as_if_alone(name, rng):
    codes = rng.normal(size=(60, 3))
    start = np.array([0, 1, 20, 21, 59])
    together = POOLINGS[name].value(codes, start)
    for tree, own in enumerate(np.split(codes, start[1:])):
        alone = POOLINGS[name].value(own, np.array([0]))
        assert_allclose(together[tree], alone[0], rtol=1e-14)


@every_pooling
def test_precision_is_kept(name, dtype):
    assert POOLINGS[name].value(CODES.astype(dtype), TREE_START).dtype == dtype


@every_pooling
def test_codes_are_not_changed_and_not_handed_out(name):
    codes = CODES.copy()
    pooled = POOLINGS[name].value(codes, TREE_START)
    assert_array_equal(codes, CODES)
    assert not np.shares_memory(pooled, codes)


@every_pooling
def test_codes_of_one_component_keep_two_dimensions(name):
    assert POOLINGS[name].value(CODES[:, :1], TREE_START).shape == (2, 1)


@pytest.mark.parametrize("name", ["mean", "sum", "max"])
def test_the_order_of_nodes_does_not_matter(name, rng):
    codes = rng.normal(size=(9, 3))
    start = np.array([0])
    permuted = POOLINGS[name].value(rng.permutation(codes), start)
    assert_allclose(permuted, POOLINGS[name].value(codes, start), rtol=1e-12)


def test_the_maximum_of_negative_codes_is_negative():
    pooled = POOLINGS["max"].value(np.array([[-3.0], [-1.0], [-2.0]]), np.array([0]))
    assert_array_equal(pooled, [[-1.0]])


def test_the_mean_of_a_million_equal_float32_codes_is_that_code():
    codes = np.full((1_000_000, 2), 0.1, np.float32)
    assert_allclose(
        POOLINGS["mean"].value(codes, np.array([0])), [[0.1, 0.1]], rtol=1e-5
    )


def test_the_sum_of_two_trees_side_by_side_is_the_sum_of_their_sums(rng):
    codes = rng.normal(size=(9, 3))
    parts = POOLINGS["sum"].value(codes, np.array([0, 4]))
    assert_allclose(parts.sum(axis=0), POOLINGS["sum"].value(codes, np.array([0]))[0])


@every_pooling
def test_gradient_equals_central_differences(name, rng):
    codes, start = rng.standard_normal((9, 3)), np.array([0, 1, 5])
    weights = rng.standard_normal((3, 3))
    pooling = POOLINGS[name]
    pooled = pooling.value(codes, start)
    gradient = pooling.gradient(weights, codes, pooled, start)
    for index in np.ndindex(codes.shape):
        step = np.zeros_like(codes)
        step[index] = 1e-6
        above = (weights * pooling.value(codes + step, start)).sum()
        below = (weights * pooling.value(codes - step, start)).sum()
        assert_allclose(gradient[index], (above - below) / 2e-6, atol=1e-8)


def test_equal_largest_values_share_the_gradient_of_their_maximum():
    codes, start = np.array([[1.0], [2.0], [2.0]]), np.array([0])
    gradient = POOLINGS["max"].gradient(np.ones((1, 1)), codes, codes[1:2], start)
    assert_array_equal(gradient, [[0.0], [0.5], [0.5]])
