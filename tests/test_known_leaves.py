import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from strategies import tree_lists

from sk_autoenc.trees.forest import Forest
from sk_autoenc.trees.known import LeafCounts, with_known_leaves

A, B, C = np.eye(3)


def test_frequent_leaves_stand_in_so_many_places():
    forest = Forest.from_nested([(A, (B, A)), (C, A), (B,)])
    assert_array_equal(LeafCounts.of_forest(forest).frequent(1), [A, B, C])
    assert_array_equal(LeafCounts.of_forest(forest).frequent(2), [A, B])
    assert_array_equal(LeafCounts.of_forest(forest).frequent(3), [A])
    assert LeafCounts.of_forest(forest).frequent(4).shape == (0, 3)


def test_leaves_of_equal_values_are_one_though_they_are_other_objects():
    forest = Forest.from_nested([(A, A.copy()), (A + 0.0, -1 * B)])
    assert_array_equal(LeafCounts.of_forest(forest).frequent(2), [A])


def test_rows_of_the_table_that_no_leaf_uses_do_not_count():
    forest = Forest.from_nested([(A, A), (B, B)])[0]
    assert_array_equal(LeafCounts.of_forest(forest).frequent(1), [A])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_known_leaves_have_the_first_rows(dtype):
    forest = with_known_leaves(
        Forest.from_nested([(C, (B, A)), (B,)], dtype), np.array([A, B])
    )
    assert_array_equal(forest.leaf_table, [A, B, C])
    assert_array_equal(forest.leaf_row[forest.leaves], [2, 1, 0, 1])
    assert forest.dtype == dtype


def test_a_leaf_is_known_by_its_value_in_float32():
    third = np.array([1 / 3, -0.0, 2.0])
    single = Forest.from_nested([(third.astype(np.float32),)])
    known = with_known_leaves(single, np.array([[1 / 3, 0.0, 2.0]]))
    assert_array_equal(known.leaf_row[known.leaves], [0])


def test_nothing_known_changes_nothing():
    forest = Forest.from_nested([(A, B)])
    assert with_known_leaves(forest, np.empty((0, 3))) == forest


@settings(max_examples=30, deadline=None, derandomize=True)
@given(trees=tree_lists(3, max_trees=4, max_leaves=12), least=st.integers(1, 3))
def test_the_trees_stay_the_same(trees, least):
    forest = Forest.from_nested(trees)
    frequent = LeafCounts.of_forest(forest).frequent(least)
    renumbered = with_known_leaves(forest, frequent)
    assert renumbered == forest
    rows, counts = np.unique(renumbered.leaf_row[renumbered.leaves], return_counts=True)
    assert_array_equal(counts >= least, rows < len(frequent))
