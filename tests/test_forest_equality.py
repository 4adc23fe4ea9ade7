"""When forests and trees are equal, and which trees a forest contains."""

import numpy as np
import pytest
from hypothesis import given
from strategies import chain, tree_lists

from sk_autoenc.trees.forest import Forest

A, B, C = np.array([1.0, 2.0]), np.array([3.0, 4.0]), np.array([5.0, 6.0])
TREES = [((A, B), C), A, (C,), (B, (A, B, C), (C, A)), ((B,), C)]


@pytest.fixture
def forest():
    return Forest.from_nested(TREES)


@pytest.mark.parametrize("i", range(5))
def test_a_forest_contains_its_trees(forest, i):
    assert TREES[i] in forest
    assert forest[i] in forest
    assert TREES[i] in forest[[i, 0]]


@given(
    trees=tree_lists(n_features=2, max_trees=3, max_leaves=6),
    others=tree_lists(n_features=2, max_trees=3, max_leaves=6),
)
def test_containing_is_having_a_tree_of_the_same_structure_and_leaves(trees, others):
    forest = Forest.from_nested(trees)
    for tree in trees + others:
        one = Forest.from_nested([tree])
        assert (tree in forest) == any(one == forest[i] for i in range(len(trees)))


@pytest.mark.parametrize(
    "tree",
    [(A, (B, C)), (A, B), ((A, B), A), B, ((C,),), (A,), [1.0], ([1.0, 2, 3],)],
)
def test_a_forest_does_not_contain_other_trees(forest, tree):
    assert tree not in forest


def test_leaves_are_looked_for_in_the_dtype_of_the_forest():
    tree = ([0.1, 0.2], [0.3, 0.4])
    forest = Forest.from_nested([tree]).astype(np.float32)
    assert tree in forest
    assert forest in Forest.from_nested(forest.to_nested())


def test_a_deep_tree_is_found_without_recursion():
    tree = chain(20_000, A)
    assert tree in Forest.from_nested([B, tree])
    assert (tree, A) not in Forest.from_nested([B, tree])


def test_nothing_is_in_a_forest_of_no_trees(forest):
    assert A not in forest[:0]


@pytest.mark.parametrize("tree", [[A, B], "word", None, (), (A, [np.nan, 1.0])])
def test_what_is_no_tree_is_refused_instead_of_not_found(forest, tree):
    with pytest.raises(ValueError, match=r"^tree 0, at "):
        tree in forest  # noqa: B015


def test_more_than_one_tree_is_refused_instead_of_not_found(forest):
    with pytest.raises(ValueError, match=r"one tree .* a Forest of 2"):
        forest[:2] in forest  # noqa: B015


def test_forests_of_equal_trees_are_equal_whatever_their_tables(forest):
    copies = Forest.from_nested([(A.copy(), B), (A, B.copy())])
    assert copies == Forest.from_nested([(A, B), (A, B)])
    assert hash(copies) == hash(Forest.from_nested([(A, B), (A, B)]))
    assert forest[[0, 1, 2, 3, 4]] == forest
    assert forest.astype(np.float32) == forest


@pytest.mark.parametrize(
    "other",
    [
        TREES[:4],
        TREES[::-1],
        [((A, B), B), *TREES[1:]],
        [(A, (B, C)), *TREES[1:]],
        [([1.0], [2.0])],
    ],
)
def test_forests_of_other_trees_are_not_equal(forest, other):
    assert forest != Forest.from_nested(other)


def test_a_forest_is_not_equal_to_something_else(forest):
    assert forest != TREES
    assert forest != "word"
    assert forest is not None
