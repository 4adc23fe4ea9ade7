"""Forests that are looked at in parts, and tables of more rows than int32 numbers."""

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from strategies import tree_lists

from sk_autoenc.trees import compare, integrity, known, leaves, nodes
from sk_autoenc.trees.forest import Forest
from sk_autoenc.trees.known import frequent_leaves, known_rows
from sk_autoenc.trees.nodes import Columns, parts, row_dtype
from sk_autoenc.trees.sequences import (
    balanced_spans,
    forest_of_spans,
    leaves_in_order,
)
from sk_autoenc.trees.token_trees import read_token_trees
from sk_autoenc.trees.used import leaf_range, sum_of_squares

A, B, C = np.array([1.0, 2.0]), np.array([3.0, 4.0]), np.array([5.0, 6.0])
TREES = [((A, B), C), A, (C,), (B, (A, B, C), (C, A)), ((B,), C)]
SEQUENCES = leaves_in_order(Forest.from_nested(TREES))


def make_parts_small(patch):
    """Make parts of at most six nodes, so that a few trees are several."""
    for module in (compare, integrity, nodes):
        patch.setattr(module, "PART_NODES", 6)
    for module in (leaves, nodes):
        patch.setattr(module, "PART_ENTRIES", 12)
    patch.setattr(known, "COMPARED_ENTRIES", 12)


@pytest.fixture
def small_parts(monkeypatch):
    make_parts_small(monkeypatch)


@pytest.fixture
def few_rows(monkeypatch):
    """Let int32 number two rows only."""
    monkeypatch.setattr(nodes, "MOST_ROWS", 2)


@pytest.mark.parametrize(
    ("n_rows", "dtype"),
    [(0, np.int32), (2**31, np.int32), (2**31 + 1, np.int64), (10**12, np.int64)],
)
def test_rows_are_int64_if_int32_does_not_number_them(n_rows, dtype):
    assert row_dtype(n_rows) == dtype
    assert n_rows == 0 or np.iinfo(row_dtype(n_rows)).max >= n_rows - 1


@pytest.mark.usefixtures("few_rows")
@pytest.mark.parametrize(
    "make",
    [
        lambda: Forest.from_nested(TREES),
        lambda: Forest.from_rows(np.arange(6.0).reshape(3, 2)),
        lambda: (
            Forest.from_nested([(A, B)])
            .with_leaves([A, B])[[0, 0]]
            .with_leaves(np.arange(8.0).reshape(4, 2))
        ),
        lambda: Forest.concatenate([Forest.from_rows([A, B]), Forest.from_rows([C])]),
        lambda: forest_of_spans(SEQUENCES, balanced_spans(SEQUENCES.lengths)),
        lambda: read_token_trees([("a", "b"), "c"]).forest(np.eye(3), np.arange(3)),
    ],
)
def test_a_larger_table_has_int64_rows_and_all_else_is_int32(make):
    forest = make()
    assert forest.leaf_row.dtype == np.int64
    assert forest.n_leaves.sum() == len(forest.leaf_vectors())
    for name in Columns._fields[1:]:
        assert getattr(forest, name).dtype == np.int32


def test_int64_rows_change_nothing_else(few_rows, monkeypatch):
    wide = Forest.from_nested(TREES)
    monkeypatch.undo()
    forest = Forest.from_nested(TREES)
    assert forest.leaf_row.dtype == np.int32
    assert wide == forest
    for use in (
        lambda f: f[[3, 0]],
        lambda f: f[1:4],
        lambda f: pickle.loads(pickle.dumps(f)),
        lambda f: Forest(f.leaf_table, f.tree_start, f._columns),
        lambda f: Forest.concatenate([f, f[:2]]),
        lambda f: f.astype(np.float32),
    ):
        assert use(wide) == use(forest)
        assert_array_equal(use(wide).leaf_row, use(forest).leaf_row)


@given(tree_lists(n_features=2))
def test_parts_are_all_trees_in_their_order(trees):
    forest = Forest.from_nested(trees)
    with pytest.MonkeyPatch.context() as patch:
        make_parts_small(patch)
        bounds = list(parts(forest))
    assert [first for first, _ in bounds] == [0, *(last for _, last in bounds[:-1])]
    assert bounds[-1][1] == len(forest)
    assert all(
        forest.n_nodes[first:last].sum() <= 6 or last == first + 1
        for first, last in bounds
    )


@given(trees=tree_lists(n_features=2), chosen=st.integers(0, 4))
def test_what_is_made_part_by_part_is_the_same_as_at_once(trees, chosen):
    def facts():
        forest = Forest.from_nested(trees)
        return (
            forest.n_leaves.tolist(),
            list(map(repr, forest)),
            hash(forest) == hash(Forest.from_nested(trees)),
            forest == Forest.from_nested(trees),
            forest[chosen % len(trees)] == forest[0],
            forest[chosen % len(trees)] in forest,
            np.array(leaf_range(forest)).tolist(),
            round(sum_of_squares(forest), 10),
            frequent_leaves(forest, 2).tolist(),
            known_rows(forest.leaf_table, forest.leaf_table[:1]).tolist(),
            Forest(forest.leaf_table, forest.tree_start, forest._columns) == forest,
        )

    at_once = facts()
    with pytest.MonkeyPatch.context() as patch:
        make_parts_small(patch)
        assert facts() == at_once


@pytest.mark.usefixtures("small_parts")
def test_a_message_counts_the_nodes_of_the_parts_before():
    nodes = np.array(Forest.from_nested(TREES)._columns)
    nodes[Columns._fields.index("depth"), 19] = 4
    with pytest.raises(ValueError, match=r"^no forest: depth\[19\] is 4, but"):
        Forest(np.array([A, B, C]), Forest.from_nested(TREES).tree_start, nodes)


@pytest.mark.usefixtures("small_parts")
def test_a_leaf_that_is_not_finite_is_found_in_whatever_part():
    vectors = np.ones((13, 2))
    vectors[12] = np.nan
    forest = Forest.from_nested(TREES)._with_trusted_leaves(vectors)
    with pytest.raises(ValueError, match=r"^tree 4, at \[1\]: leaf contains NaN$"):
        Forest.from_nested(forest)


def test_the_sum_of_squares_counts_a_leaf_in_every_place():
    forest = Forest.from_nested(TREES)
    assert sum_of_squares(forest) == (forest.leaf_vectors() ** 2).sum()


def test_the_range_of_leaves_is_that_of_the_trees_not_of_their_table():
    smallest, largest = leaf_range(Forest.from_nested([(A, B), (C,)])[:1])
    assert_array_equal(smallest, A)
    assert_array_equal(largest, B)


def test_consecutive_trees_share_columns_and_others_are_copied():
    forest = Forest.from_nested(TREES)
    assert np.shares_memory(forest[1:4].depth, forest.depth)
    assert not np.shares_memory(forest[[1, 2, 3]].depth, forest.depth)
    for part in (forest[1:4], forest[-2:], forest[4:2], forest[:0], forest[:99]):
        assert part == Forest.concatenate([part, forest[:0]])
        assert part.tree_start[0] == 0
    assert forest[1:4] == forest[[1, 2, 3]]
    assert len(forest[4:2]) == 0


def test_the_columns_of_nodes_are_refused_if_they_differ_in_length():
    forest = Forest.from_nested(TREES)
    columns = forest._columns._replace(height=forest.height[:-1])
    with pytest.raises(ValueError, match="height is of 20 nodes, but size of 21"):
        Forest(forest.leaf_table, forest.tree_start, columns)
