import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from strategies import tree_lists

from sk_autoenc.trees.forest import Forest
from sk_autoenc.trees.known import frequent_leaves, knowing, known_rows

A, B, C = np.eye(3)


def test_frequent_leaves_stand_in_so_many_places():
    forest = Forest.from_nested([(A, (B, A)), (C, A), (B,)])
    assert_array_equal(frequent_leaves(forest, 1), [A, B, C])
    assert_array_equal(frequent_leaves(forest, 2), [A, B])
    assert_array_equal(frequent_leaves(forest, 3), [A])
    assert frequent_leaves(forest, 4).shape == (0, 3)


def test_leaves_of_equal_values_are_one_though_they_are_other_objects():
    forest = Forest.from_nested([(A, A.copy()), (A + 0.0, -1 * B)])
    assert_array_equal(frequent_leaves(forest, 2), [A])


def test_rows_of_the_table_that_no_leaf_uses_do_not_count():
    forest = Forest.from_nested([(A, A), (B, B)])[0]
    assert_array_equal(frequent_leaves(forest, 1), [A])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_forest_knows_which_of_its_leaves_are_given_vectors(dtype):
    forest = knowing(Forest.from_nested([(C, (B, A)), (B,)], dtype), np.array([A, B]))
    assert_array_equal(forest.leaf_table, [C, B, A])
    assert_array_equal(forest.known_row, [-1, 1, 0])
    assert forest.dtype == dtype


def test_parts_of_a_forest_know_what_it_knows():
    forest = knowing(Forest.from_nested([(C, (B, A)), (B,)]), np.array([A, B]))
    for part in (forest[:1], forest[[1, 0]], forest.select(np.array([1]))):
        assert_array_equal(part.known_row, forest.known_row)


def test_a_few_trees_of_a_large_forest_look_at_their_own_leaves_alone():
    rows = np.arange(300.0).reshape(100, 3)
    few = knowing(Forest.from_rows(rows)[:2], rows[1:5])
    assert_array_equal(few.known_row, [-1, 0])


def test_a_leaf_is_known_by_its_value_in_float32():
    third = np.array([1 / 3, -0.0, 2.0])
    single = Forest.from_nested([(third.astype(np.float32),)])
    known = knowing(single, np.array([[1 / 3, 0.0, 2.0]]))
    assert_array_equal(known.known_row, [0])


def test_nothing_known_changes_nothing():
    forest = Forest.from_nested([(A, B)])
    assert knowing(forest, np.empty((0, 3))) == forest
    assert_array_equal(known_rows(forest.leaf_table, np.empty((0, 3))), [-1, -1])


@settings(max_examples=30, deadline=None, derandomize=True)
@given(trees=tree_lists(3, max_trees=4, max_leaves=12), least=st.integers(1, 3))
def test_the_trees_stay_the_same(trees, least):
    forest = Forest.from_nested(trees)
    frequent = frequent_leaves(forest, least)
    known = knowing(forest, frequent)
    assert known == forest
    rows, counts = np.unique(known.leaf_row[known.leaves], return_counts=True)
    assert_array_equal(counts >= least, known.known_row[rows] >= 0)
