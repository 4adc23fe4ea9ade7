import tracemalloc

import numpy as np
import pytest
import scipy.sparse
from numpy.testing import assert_allclose, assert_array_equal

from sk_autoenc.networks.products import (
    add_product,
    add_product_of_inputs,
    add_product_of_transpose,
    add_product_with_transpose,
    add_rows,
)

SHAPES = [(1, 1, 1), (5, 4, 3), (1, 4, 3), (5, 1, 3), (5, 4, 1)]
ORDERS = {
    "C": np.ascontiguousarray,
    "Fortran": np.asfortranarray,
    "strided": lambda array: np.repeat(array, 2, axis=1)[:, ::2],
}

PRODUCTS = {
    add_product: (np.asarray, np.asarray),
    add_product_with_transpose: (np.asarray, np.transpose),
    add_product_of_transpose: (np.transpose, np.asarray),
}
"""Each product, and what it does to its factors."""


def draw(*shape, dtype=float):
    return np.random.default_rng(0).normal(size=shape).astype(dtype)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("left_order", ORDERS)
@pytest.mark.parametrize("right_order", ORDERS)
@pytest.mark.parametrize("add", PRODUCTS)
def test_a_product_is_added_whatever_the_order_of_its_factors(
    shape, left_order, right_order, add, dtype
):
    n, m, k = shape
    turn_left, turn_right = PRODUCTS[add]
    left = ORDERS[left_order](turn_left(draw(n, m, dtype=dtype)))
    right = ORDERS[right_order](turn_right(draw(m, k, dtype=dtype)))
    given = left.copy(), right.copy()
    out = draw(n, k, dtype=dtype)
    expected = -0.3 * (turn_left(left) @ turn_right(right)) + 0.5 * out
    add(left, right, out, -0.3, 0.5)
    assert_allclose(out, expected, rtol=1e-5 if dtype == np.float32 else 1e-13)
    assert_array_equal(left, given[0])
    assert_array_equal(right, given[1])


def test_what_is_not_kept_may_be_nan():
    left, right, out = draw(3, 2), draw(2, 4), np.full((3, 4), np.nan)
    add_product(left, right, out, keep=0.0)
    assert_allclose(out, left @ right)
    sums = np.full(2, np.nan)
    add_rows(left, np.ones(3), sums, keep=0.0)
    assert_allclose(sums, left.sum(axis=0))


def test_a_part_of_an_array_is_overwritten_in_place():
    whole = np.zeros((6, 4))
    add_product(draw(3, 2), draw(2, 4), whole[3:])
    assert_array_equal(whole[:3], 0)
    assert_allclose(whole[3:], draw(3, 2) @ draw(2, 4))


@pytest.mark.parametrize("shape", [(1, 1), (5, 4), (1, 4), (5, 1)], ids=str)
def test_the_sum_of_rows_is_added(shape, dtype):
    rows, out = draw(*shape, dtype=dtype), np.ones(shape[1], dtype)
    add_rows(rows, np.ones(shape[0], dtype), out, -2.0, 0.5)
    rtol = 1e-5 if dtype == np.float32 else 1e-13
    assert_allclose(out, 0.5 - 2 * rows.sum(axis=0), rtol=rtol)


@pytest.mark.parametrize("n_stored", [0, 1, 5, 40])
@pytest.mark.parametrize("container", [scipy.sparse.csr_array, scipy.sparse.csr_matrix])
def test_sparse_rows_have_the_product_of_dense_ones(n_stored, container, dtype):
    dense = np.zeros((4, 10), dtype)
    dense.flat[np.random.default_rng(1).permutation(40)[:n_stored]] = 0.5
    weights, out = draw(3, 10, dtype=dtype), draw(4, 3, dtype=dtype)
    expected = out + dense @ weights.T
    inputs = container(dense)
    add_product_of_inputs(inputs, weights, out)
    assert_allclose(out, expected, rtol=1e-5 if dtype == np.float32 else 1e-13)
    assert_array_equal(inputs.toarray(), dense)


def test_a_product_of_few_stored_values_does_not_copy_all_weights():
    inputs = scipy.sparse.csr_array(([1.0, 2.0], ([0, 1], [7, 90_000])), (2, 100_000))
    weights, out = np.ones((5, 100_000)), np.zeros((2, 5))
    tracemalloc.start()
    try:
        add_product_of_inputs(inputs, weights, out)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < weights.nbytes / 20
    assert_array_equal(out, [[1.0] * 5, [2.0] * 5])
