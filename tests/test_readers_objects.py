"""tree_from: nested tuples of a tree of any objects."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import trees

from sk_autoenc import Forest, tree_from
from sk_autoenc.trees.guard import _unfolded_sizes


class Node:
    def __init__(self, name, *below):
        self.name = name
        self.below = list(below)

    def children(self):
        return iter(self.below)


A, B = Node("a"), Node("b")
ROOT = Node("root", A, Node("inner", B), B)


def as_nodes(tree):
    return (
        Node("inner", *map(as_nodes, tree)) if isinstance(tree, tuple) else Node(tree)
    )


@pytest.mark.parametrize("children", ["below", "children", lambda node: node.below])
@pytest.mark.parametrize("leaf", ["name", lambda node: node.name])
def test_children_and_leaves_are_attributes_methods_or_functions(children, leaf):
    assert tree_from(ROOT, children=children, leaf=leaf) == ("a", ("b",), "b")


@pytest.mark.parametrize(
    ("place_label", "expected"),
    [
        ("drop", ("a", ("b",), "b")),
        ("first_leaf", ("root", "a", ("inner", "b"), "b")),
        ("only_leaves", (("A", "a"), (("B", "b"),), ("B", "b"))),
    ],
)
def test_labels_stand_where_place_label_says(place_label, expected):
    def label(node):
        return node.name if node.below else node.name.upper()

    names = {"children": "below", "leaf": "name", "label": label}
    assert tree_from(ROOT, place_label=place_label, **names) == expected


@pytest.mark.parametrize("place_label", ["drop", "first_leaf", "only_leaves"])
def test_a_label_that_is_none_is_no_leaf(place_label):
    tree = tree_from(
        ROOT,
        children="below",
        leaf="name",
        label=lambda node: None,
        place_label=place_label,
    )
    assert tree == ("a", ("b",), "b")


@given(trees(st.text(max_size=2)))
def test_any_tree_comes_back_from_its_objects(tree):
    assert tree_from(as_nodes(tree), children="below", leaf="name") == tree


def test_a_root_without_children_is_a_leaf():
    assert tree_from(A, children="below", leaf="name") == "a"


def test_no_children_may_be_none():
    leaf = SimpleNamespace(kids=None, name="x")
    assert tree_from(leaf, children="kids", leaf="name") == "x"


def test_leaves_may_be_vectors():
    vectors = {"a": np.array([1.0, 2.0]), "b": [3.0, 4.0]}
    tree = tree_from(ROOT, children="below", leaf=lambda node: vectors[node.name])
    assert Forest.from_nested([tree]).leaf_vectors()[:, 0].tolist() == [1.0, 3.0, 3.0]


def test_a_chain_of_a_hundred_thousand_nodes_is_converted():
    node, depth = Node("end"), 0
    for _ in range(100_000):
        node = Node("step", node)
    tree = tree_from(node, children="below", leaf="name")
    while isinstance(tree, tuple):
        tree, depth = tree[0], depth + 1
    assert (tree, depth) == ("end", 100_000)


def test_an_object_at_many_places_is_one_tuple_and_visited_once():
    node, calls = Node("leaf"), []
    for _ in range(60):
        node = Node("twice", node, node)

    def children(node):
        calls.append(node)
        return node.below

    tree = tree_from(node, children=children, leaf="name")
    assert tree[0] is tree[1]
    assert len(calls) == 62  # a leaf is asked at each of its two places
    assert _unfolded_sizes([tree]) == [2**61 - 1]


def test_keys_of_a_dict_are_nodes():
    below = {"root": ["left", "right"], "left": [7, 8]}
    tree = tree_from("root", children=below.get, leaf=lambda key: key)
    assert tree == ((7, 8), "right")


def test_a_cycle_is_named_with_its_path():
    inner = Node("inner", A)
    root = Node("root", B, Node("x", A, inner))
    inner.below.append(root.below[1])
    with pytest.raises(
        ValueError,
        match=r"not a tree: the 'Node' at \[1\]\[1\]\[1\] is its own ancestor, the one "
        r"at \[1\]\. .* leave links to parents out",
    ):
        tree_from(root, children="below", leaf="name")


def test_a_node_below_itself_is_a_cycle():
    node = Node("self")
    node.below.append(node)
    with pytest.raises(ValueError, match=r"at \[0\] is .* the one at the root"):
        tree_from(node, children="below", leaf="name")


def test_equal_keys_are_one_node_of_a_cycle():
    def below(number):
        return [int(str((number + 1) % 1500))]  # a new object each time

    with pytest.raises(ValueError, match=r"the 'int' at \[0\].*more.* the root"):
        tree_from(0, children=below, leaf=str)


def test_equal_pairs_are_one_node_of_a_cycle():
    with pytest.raises(ValueError, match="the 'tuple' at"):
        tree_from((0, 0), children=lambda at: [(at[0], (at[1] + 1) % 3)], leaf=str)


@pytest.mark.parametrize(
    ("leaf", "message"),
    [
        (lambda node: (1, 2), r"at \[0\]: leaf gave a tuple, .*join its parts"),
        (lambda node: set(), r"at \[0\]: leaf gave a 'set'; a leaf is a token"),
        (lambda node: [], r"at \[0\]: leaf gave an empty vector; a leaf is"),
        (lambda node: np.array([]), r"at \[0\]: leaf gave an empty vector; a leaf is"),
        (lambda node: ["x"], r"at \[0\]: leaf gave a list with a 'str' in it"),
    ],
)
def test_what_cannot_be_a_leaf_is_refused_with_its_path(leaf, message):
    with pytest.raises(ValueError, match=message):
        tree_from(ROOT, children="below", leaf=leaf)


def test_a_label_that_cannot_be_a_leaf_is_refused():
    with pytest.raises(ValueError, match=r"at \[1\]: label gave a 'list'|a list"):
        tree_from(
            ROOT,
            children="below",
            leaf="name",
            label=lambda node: None if node is ROOT else ["x"],
            place_label="first_leaf",
        )


@pytest.mark.parametrize("given", ["text", b"text", {"a": 1}, 3])
def test_what_holds_no_children_is_refused(given):
    with pytest.raises(
        TypeError,
        match=f"at the root: children gave a '{type(given).__name__}'; expected a list",
    ):
        tree_from(ROOT, children=lambda node: given, leaf="name")


def test_a_missing_attribute_says_where_and_what_to_do():
    root = Node("root", A, 3)
    with pytest.raises(
        TypeError,
        match=r"at \[1\]: a 'int' has no attribute 'below', asked for by "
        "children='below'; for nodes of several types pass a function",
    ):
        tree_from(root, children="below", leaf="name")


def test_an_error_of_a_function_has_a_note_of_the_place():
    with pytest.raises(ZeroDivisionError) as caught:
        tree_from(ROOT, children="below", leaf=lambda node: 1 / 0)
    assert caught.value.__notes__ == ["at [0]"]


@pytest.mark.parametrize("wrong", [{"children": 3}, {"leaf": None}, {"label": 1.5}])
def test_an_argument_of_another_type_is_a_type_error(wrong):
    [name] = wrong
    with pytest.raises(
        TypeError, match=f"^{name} is the name of an attribute or a fun"
    ):
        tree_from(ROOT, **({"children": "below", "leaf": "name"} | wrong))


def test_an_unknown_place_lists_those_there_are():
    with pytest.raises(
        ValueError, match="'drop', 'first_leaf', 'only_leaves'; got 'up'"
    ):
        tree_from(ROOT, children="below", leaf="name", place_label="up")


def test_a_place_for_labels_needs_labels():
    with pytest.raises(ValueError, match="needs the labels; pass label="):
        tree_from(ROOT, children="below", leaf="name", place_label="first_leaf")
