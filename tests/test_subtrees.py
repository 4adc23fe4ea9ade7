"""Nodes as trees of their own, and the other ways to name and order them."""

import numpy as np
import pytest
from hypothesis import given
from numpy.testing import assert_array_equal
from strategies import chain, tree_lists
from structure_oracles import nodes_of, overlap, rows_of_matrix

from sk_autoenc import Forest
from sk_autoenc.trees.nodes import padded_runs
from sk_autoenc.trees.subtrees import (
    count_overlapping,
    leaves_then_inner,
    paths,
    subtrees,
    trees_of,
)


@given(tree_lists(n_features=2))
def test_every_node_is_the_root_of_its_subtree(trees):
    forest = Forest.from_nested(trees)
    nodes = np.random.default_rng(0).permutation(len(forest.size))
    below = [part for tree in trees for part, _ in nodes_of(tree)]
    part = subtrees(forest, nodes)
    Forest(part.leaf_table, part.tree_start, part._columns)  # it is one
    assert part == Forest.from_nested([below[node] for node in nodes])
    assert part.leaf_table is forest.leaf_table


@given(tree_lists(n_features=2))
def test_paths_index_the_nested_tuples(trees):
    forest = Forest.from_nested(trees)
    nodes = np.arange(len(forest.size))
    expected = [
        (number, "".join(f"[{rank}]" for rank in path))
        for number, tree in enumerate(trees)
        for _, path in nodes_of(tree)
    ]
    assert list(zip(trees_of(forest, nodes), paths(forest, nodes), strict=True)) == (
        expected
    )


def test_long_paths_are_cut_in_their_middle():
    forest = Forest.from_nested([chain(50, [1.0])])
    depth = {d: int(np.flatnonzero(forest.depth == d)[-1]) for d in (20, 21, 22, 50)}
    short, cut, longer, longest = paths(forest, np.array(list(depth.values())))
    assert short == "[0]" * 19 + "[1]"
    assert cut == "[0]" * 20 + "[1]"
    assert longer == "[0]" * 20 + "...(1 more)...[1]"
    assert longest == "[0]" * 20 + "...(29 more)...[0]"


@given(tree_lists(n_features=2))
def test_leaves_come_first_then_inner_nodes_from_the_right(trees):
    forest = Forest.from_nested(trees)
    nodes = iter(range(len(forest.size)))
    expected = [row for tree in trees for row in rows_of_matrix(tree, nodes)]
    assert leaves_then_inner(forest).tolist() == expected


@given(tree_lists(n_features=2))
def test_ancestors_and_parts_that_were_chosen_are_counted(trees):
    forest = Forest.from_nested(trees)
    names = [
        (number, path)
        for number, tree in enumerate(trees)
        for _, path in nodes_of(tree)
    ]
    is_chosen = np.random.default_rng(0).random(len(names)) < 0.5
    expected = [
        sum(overlap(one, other) for other, c in zip(names, is_chosen, strict=True) if c)
        for one in names
    ]
    counts = count_overlapping(forest, is_chosen, np.arange(len(names)))
    assert_array_equal(counts, expected)


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ([], []),
        ([9, 5, 5, 2], [(0, 1), (1, 3), (3, 4)]),
        ([3, 3, 1, 1], [(0, 3), (3, 4)]),
        ([99], [(0, 1)]),
    ],
)
def test_padded_runs_fit_or_are_of_one(sizes, expected):
    assert list(padded_runs(np.array(sizes, int), 10)) == expected
