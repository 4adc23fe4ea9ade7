"""Nested tuples reshaped: arities, leaves, shapes, and their order."""

from collections import Counter
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import chain, trees

from sk_autoenc import (
    Forest,
    binarize,
    collapse_unary,
    limit_arity,
    map_leaves,
    tree_shape,
)

TREES = trees(st.text(max_size=2))
FUNCTIONS = {
    "collapse_unary": collapse_unary,
    "binarize": binarize,
    "limit_arity": lambda tree: limit_arity(tree, 3),
    "map_leaves": lambda tree: map_leaves(str, tree),
    "tree_shape": tree_shape,
}
every_function = pytest.mark.parametrize("reshape", FUNCTIONS.values(), ids=FUNCTIONS)


def leaves(tree):
    if isinstance(tree, tuple):
        return [leaf for child in tree for leaf in leaves(child)]
    return [tree]


def arities(tree):
    """Numbers of children of all inner nodes."""
    if isinstance(tree, tuple):
        return [len(tree)] + [arity for child in tree for arity in arities(child)]
    return []


def height(tree):
    return 1 + max(map(height, tree)) if isinstance(tree, tuple) else 0


@every_function
@given(tree=TREES)
def test_leaves_stay_in_their_order(reshape, tree):
    expected = leaves(tree)
    if reshape is tree_shape:
        expected = [None] * len(expected)
    assert leaves(reshape(tree)) == expected


@given(TREES)
def test_no_node_has_one_child_once_collapsed(tree):
    collapsed = collapse_unary(tree)
    assert 1 not in arities(collapsed)
    assert collapse_unary(collapsed) == collapsed
    assert Counter(arities(collapsed)) == Counter(n for n in arities(tree) if n > 1)


@pytest.mark.parametrize("direction", ["left", "right"])
@given(tree=TREES)
def test_a_binary_tree_has_two_children_at_most(direction, tree):
    binary = binarize(tree, direction)
    assert max(arities(binary), default=0) <= 2
    assert arities(binary).count(1) == arities(tree).count(1)
    assert set(arities(binarize(collapse_unary(tree), direction))) <= {2}
    assert binarize(binary, direction) == binary


@given(TREES, st.integers(2, 6))
def test_no_node_has_more_children_than_allowed(tree, max_children):
    limited = limit_arity(tree, max_children)
    assert max(arities(limited), default=0) <= max_children
    assert arities(limited).count(1) == arities(tree).count(1)
    assert limit_arity(limited, max_children) == limited


@given(TREES)
def test_a_limit_that_no_node_exceeds_changes_nothing(tree):
    assert limit_arity(tree, max(2, *arities(tree), 2)) == tree


@given(st.integers(1, 300), st.integers(2, 5))
def test_a_limited_node_is_as_low_as_can_be(n_children, max_children):
    tree = limit_arity(tuple(range(n_children)), max_children)
    lowest = next(h for h in range(1, 10) if max_children**h >= n_children)
    assert height(tree) == lowest


def test_directions_of_binary_trees():
    assert binarize(("a", "b", "c", "d")) == ("a", ("b", ("c", "d")))
    assert binarize(("a", "b", "c", "d"), "left") == ((("a", "b"), "c"), "d")


@given(TREES)
def test_mapped_leaves_keep_their_shape(tree):
    lengths = map_leaves(len, tree)
    assert leaves(lengths) == list(map(len, leaves(tree)))
    assert tree_shape(lengths) == tree_shape(tree)
    assert arities(lengths) == arities(tree)


def test_shapes_can_be_counted():
    shapes = map(tree_shape, [("a", "b"), ("c", "d"), ("a", ("b",)), "a"])
    assert Counter(shapes) == {(None, None): 2, (None, (None,)): 1, None: 1}


def test_trees_of_vectors_are_reshaped():
    a, b = np.array([1.0, 2.0]), [3.0, 4.0]
    tree = binarize((a, b, (a,)))
    assert Forest.from_nested([tree]).n_leaves.tolist() == [3]
    assert tree[0] is a


@every_function
def test_a_chain_of_a_hundred_thousand_nodes_is_reshaped(reshape):
    tree, n_steps = reshape(chain(100_000, "a")), 0
    while isinstance(tree, tuple):
        tree, n_steps = tree[0], n_steps + 1
    assert n_steps in (100_000, 99_999)  # the last has one child


def test_a_hundred_thousand_children_become_a_chain():
    tree, n_steps = binarize(tuple(range(100_000))), 0
    while isinstance(tree, tuple):
        tree, n_steps = tree[1], n_steps + 1
    assert (tree, n_steps) == (99_999, 99_999)


@every_function
def test_a_shared_subtree_stays_one(reshape):
    tree = ("a", "b")
    for _ in range(60):
        tree = (tree, tree)
    tree = reshape(tree)
    for _ in range(60):
        assert tree[0] is tree[1]
        tree = tree[0]


def test_equal_subtrees_are_mapped_each():
    counted = iter(range(4))
    tree = (tuple(["a", "b"]), tuple(["a", "b"]))  # two objects
    assert map_leaves(lambda leaf: next(counted), tree) == ((0, 1), (2, 3))


def test_equal_leaves_of_other_types_stay():
    tree = ((1, "a"), (True, "a"), (1.0, "a"), (0.0,), (-0.0,))
    assert repr(limit_arity(tree, 5)) == repr(tree)


@every_function
def test_an_empty_tuple_is_named_with_its_path(reshape):
    with pytest.raises(ValueError, match=r"at \[1\]\[0\]: a tuple without children"):
        reshape(("a", ((), "b")))


@every_function
@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ([("a", "b"), "c"], r"takes one tree, got a list; write \["),
        (Forest.from_rows([[1.0]]), r"got a 'Forest'; .* forest.to_nested\(\)"),
        (ElementTree.fromstring("<a/>"), "got a 'Element'; make them with read_tree"),
        ({"a": 1}, "got a 'dict'; make them with read_tree"),
    ],
)
def test_what_is_not_one_tree_of_tuples_is_a_type_error(reshape, wrong, message):
    with pytest.raises(TypeError, match=message):
        reshape(wrong)


def test_an_unknown_direction_lists_both():
    with pytest.raises(ValueError, match="'right' or 'left'; got 'up'"):
        binarize(("a", "b"), "up")


@pytest.mark.parametrize("max_children", [2.0, "3", None, True])
def test_a_limit_that_is_no_integer_is_a_type_error(max_children):
    with pytest.raises(TypeError, match="an integer, at least 2; got"):
        limit_arity(("a", "b"), max_children)


def test_a_limit_below_two_is_refused():
    with pytest.raises(ValueError, match="at least 2; got 1"):
        limit_arity(("a", "b"), 1)


def test_a_leaf_may_not_become_a_tree():
    with pytest.raises(ValueError, match=r"at \[0\]: the function gave a tuple"):
        map_leaves(lambda leaf: (leaf, leaf), ("a", "b"))


def test_a_list_of_trees_is_mapped_with_the_function_first():
    with pytest.raises(TypeError, match=r"\[map_leaves\(function, tree\) for tree in"):
        map_leaves(str.upper, [("a", "b")])


def test_a_dict_is_no_function_of_a_leaf():
    with pytest.raises(TypeError, match=r"got 'dict': write .* a dict its method get"):
        map_leaves({"a": 1}, ("a",))
