"""read_tree and node_labels: what Python, numpy and scipy have, and what is refused."""

import ast
import json
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.cluster.hierarchy import linkage, to_tree
from strategies import chain, trees

from sk_autoenc import Forest, map_leaves, node_labels, read_tree
from sk_autoenc.trees.kinds import KINDS

POINTS = np.array([[0.0], [1.0], [5.0], [7.0], [20.0]])


def n_nodes(tree):
    return 1 + sum(map(n_nodes, tree)) if isinstance(tree, tuple) else 1


def labelled(obj):
    """The labels of a tree that has as many nodes."""
    labels = node_labels(obj)
    assert len(labels) == n_nodes(read_tree(obj))
    return labels


def test_identifiers_and_constants_of_ast_are_leaves():
    source = ast.parse("del x\ny = f('a', k=None)").body
    assert read_tree(source[0]) == ("Delete", ("Name", "x"))
    assert read_tree(source[1]) == (
        "Assign",
        ("Name", "y"),
        (
            "Call",
            ("Name", "f"),
            ("Constant", "a"),
            ("keyword", "k", ("Constant", None)),
        ),
    )


def test_a_node_of_ast_without_children_is_its_type():
    tree = ast.parse("while x:\n    pass")
    assert read_tree(tree) == ("Module", ("While", ("Name", "x"), "Pass"))
    assert labelled(tree) == ["Module", None, "While", None, "Name", None, None, "Pass"]


def test_holes_and_flags_of_ast_are_left_out():
    assert read_tree(ast.parse("{**a}", mode="eval")) == (
        "Expression",
        ("Dict", ("Name", "a")),
    )
    tree = ast.parse("x = 1  # type: int", type_comments=True).body[0]
    assert read_tree(tree) == ("Assign", ("Name", "x"), ("Constant", 1))
    assert read_tree(ast.parse("from .. import u").body[0]) == (
        "ImportFrom",
        ("alias", "u"),
    )
    assert read_tree(ast.parse("global u, v").body[0]) == ("Global", "u", "v")


def test_a_tuple_as_a_constant_of_ast_is_its_text():
    assert read_tree(ast.Constant((1, 2))) == ("Constant", "(1, 2)")


def test_this_file_is_read_with_as_many_labels_as_nodes():
    with open(__file__, encoding="utf-8") as file:
        labelled(ast.parse(file.read()))


def test_text_of_xml_stands_between_its_elements():
    text = "<p a='1'> See <b>here</b> and\n<br/><i> </i></p>"
    tree = ElementTree.fromstring(text)
    assert read_tree(tree) == ("p", "See", ("b", "here"), "and", "br", "i")
    assert read_tree(ElementTree.ElementTree(tree)) == read_tree(tree)
    assert labelled(tree) == ["p", None, None, "b", None, None, None, "br", "i"]


def test_comments_of_xml_are_left_out_but_not_what_follows_them():
    builder = ElementTree.TreeBuilder(insert_comments=True, insert_pis=True)
    parser = ElementTree.XMLParser(target=builder)
    text = "<a>one<!-- no --> two<b/><?no no?>three<!-- no --></a>"
    tree = ElementTree.fromstring(text, parser)
    assert callable(tree[0].tag)
    assert read_tree(tree) == ("a", "one two", "b", "three")


@pytest.mark.parametrize(
    ("obj", "message"),
    [
        (ElementTree.Comment("x"), "a comment or .* is no tree; pass an element"),
        (ElementTree.ElementTree(), "the document is empty: it has no root element"),
    ],
)
def test_xml_without_an_element_is_refused(obj, message):
    with pytest.raises(ValueError, match=message):
        read_tree(obj)


def test_json_keeps_keys_and_empty_containers():
    tree = json.loads('{"a": [1, {"b": null}, []], "c": {}, "d": "text"}')
    expected = (("a", (1, (("b", None),), "[]")), ("c", "{}"), ("d", "text"))
    assert read_tree(tree) == expected
    labels = [label for label in labelled(tree) if label is not None]
    assert labels == ["a", "b", "c", "d"]


def test_empty_json_is_a_leaf():
    assert (read_tree({}), read_tree([])) == ("{}", "[]")


def test_an_object_in_json_that_is_no_leaf_is_named_with_its_path():
    with pytest.raises(ValueError, match=r"at \[1\]\[0\]: leaf gave a 'set'"):
        read_tree({"a": 1, "b": {1, 2}})


def test_json_that_holds_itself_is_a_cycle():
    tree = {"a": [1]}
    tree["a"].append(tree)
    with pytest.raises(ValueError, match=r"the 'dict' at .* own ancestor, .* the root"):
        read_tree(tree)


@given(
    st.recursive(
        st.integers() | st.text(max_size=3),
        lambda below: st.lists(below, min_size=1, max_size=4),
    )
)
def test_lists_are_tuples(tree):
    def as_lists(tree):
        return list(map(as_lists, tree)) if isinstance(tree, tuple) else tree

    if isinstance(tree, list):
        assert as_lists(read_tree(tree)) == tree


@given(trees(st.text(max_size=2)))
def test_nested_tuples_stay(tree):
    if isinstance(tree, tuple):
        assert read_tree(tree) == tree
        assert set(labelled(tree)) == {None}


def test_equal_tokens_of_other_types_stay():
    tree = ((1, "a"), (True, "a"), (1.0, "a"), (0.0,), (-0.0,))
    assert repr(read_tree(tree)) == repr(tree)


def test_vectors_of_nested_tuples_stay():
    a, b = [1.0, 2.0], np.array([3.0, 4.0])
    tree = read_tree((a, (b,)))
    assert tree[0] is a
    assert tree[1][0] is b


def test_an_empty_tuple_is_named_with_its_path():
    with pytest.raises(ValueError, match=r"at \[0\]\[1\]: a tuple without children"):
        read_tree((("a", ()), "b"))


def test_clusters_are_trees_of_observations():
    rows = linkage(POINTS)
    assert read_tree(rows) == (4, ((0, 1), (2, 3)))
    assert read_tree(to_tree(rows)) == read_tree(rows)
    assert all(type(leaf) is int for leaf in read_tree(rows)[1][0])
    distances = [13.0, None, 4.0, 1.0, None, None, 2.0, None, None]
    assert labelled(rows) == labelled(to_tree(rows)) == distances


def test_leaves_of_clusters_can_become_the_rows_of_a_table():
    tree = map_leaves(POINTS.__getitem__, read_tree(linkage(POINTS)))
    assert Forest.from_nested([tree]).n_leaves.tolist() == [5]


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        (np.eye(4), "row 1 merges cluster 0, which was merged before"),
        (np.full((2, 4), 0.5), "row 0 merges cluster 0.5, which is not there yet"),
        (
            np.array([[0.0, 2.0, 1.0, 2.0]]),
            "row 0 merges cluster 2, which is not there",
        ),
        (np.array([[0.0, np.nan, 1.0, 2.0]]), "row 0 merges cluster nan"),
        (np.zeros((0, 4)), "no linkage matrix: it has no rows"),
    ],
)
def test_an_array_that_is_no_linkage_matrix_is_refused(matrix, message):
    with pytest.raises(ValueError, match=message):
        read_tree(matrix)


def test_a_table_is_sent_to_from_rows():
    with pytest.raises(ValueError, match=r"use Forest.from_rows"):
        read_tree(np.ones((5, 4)))


@pytest.mark.parametrize(
    "make",
    [
        lambda: chain(30_000, "a"),
        lambda: nested_lists(30_000),
        lambda: nested_elements(30_000),
        lambda: long_linkage(30_000),
    ],
    ids=["tuples", "lists", "xml", "linkage"],
)
def test_deep_trees_are_read_and_labelled(make):
    obj, depth = make(), 0
    tree = read_tree(obj)
    while isinstance(tree, tuple):
        tree = next((child for child in tree if isinstance(child, tuple)), None)
        depth += 1
    assert depth >= 30_000 - 1
    assert len(node_labels(obj)) > depth


def nested_lists(depth):
    tree = ["a"]
    for _ in range(depth - 1):
        tree = [tree]
    return tree


def nested_elements(depth):
    parser = ElementTree.TreeBuilder()
    for _ in range(depth):
        parser.start("x", {})
    parser.data("text")
    for _ in range(depth):
        parser.end("x")
    return parser.close()


def long_linkage(n_rows):
    step = np.arange(n_rows, dtype=float)
    first = np.where(step == 0, 1, n_rows + step)
    last = np.where(step == 0, 0, step + 1)
    return np.column_stack([last, first, step, step + 2])


def test_labels_of_more_nodes_than_memory_holds_are_refused():
    tree = ["a"]
    for _ in range(60):
        tree = [tree, tree]
    assert len(read_tree(tree)) == 2
    with pytest.raises(ValueError, match=r"unfolds to .* more than memory"):
        node_labels(tree)


@pytest.mark.parametrize("read", [read_tree, node_labels])
@pytest.mark.parametrize(
    ("obj", "remedy"),
    [
        (3, r"tree_from\(obj, children='children', leaf='name'\)"),
        (None, "tree_from"),
        (object(), "tree_from"),
        (np.ones(3), "tree_from"),
        ("the cat sat", "needs a parser first"),
        (Forest.from_rows([[1.0]]), r"forest.to_nested\(\)"),
        (pd.DataFrame({"tree": [1]}), r"such as X\['tree'\]\[0\]"),
        (pd.DataFrame(linkage(POINTS)), r"such as X\['tree'\]\[0\]"),
        (iter([1]), "read_tree.tree. for tree in trees"),
    ],
)
def test_an_unknown_object_is_told_what_is_known_and_what_to_do(read, obj, remedy):
    with pytest.raises(TypeError, match=remedy) as caught:
        read(obj)
    assert f"got {type(obj).__name__!r}" in str(caught.value)
    assert all(kind.name in str(caught.value) for kind in KINDS)


@pytest.mark.parametrize(
    "forest",
    [
        [ast.parse("x"), ast.parse("y")],
        [ElementTree.fromstring("<a/>")],
        [to_tree(linkage(POINTS))],
        [linkage(POINTS)],
    ],
)
def test_a_list_of_trees_is_not_one_tree(forest):
    with pytest.raises(TypeError, match=r"got a list of .* for tree in trees"):
        read_tree(forest)
