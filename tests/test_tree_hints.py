"""Trees of other libraries: the message names the type and a converter that works."""

import ast
import json
import types
import xml.etree.ElementTree as ET

import numpy as np
import pandas as pd
import polars as pl
import pytest
from nltk_like import Tree
from scipy.cluster.hierarchy import linkage, to_tree

from sk_autoenc.trees.forest import Forest
from sk_autoenc.trees.hints import converter_hint

A, B = np.array([1.0, 2.0]), np.array([3.0, 4.0])


class Graph:
    """As networkx has it."""

    def __init__(self, edges):
        self.edges = edges

    def neighbors(self, node):
        return iter(self.edges[node])

    def adjacency(self):
        return iter(self.edges.items())


class DiGraph(Graph):
    def successors(self, node):
        return iter(self.edges[node])

    def in_degree(self):
        raise NotImplementedError


class PropertyNode:
    def __init__(self, *children):
        self.children = children or None


class MethodNode:
    def __init__(self, *children):
        self._children = children

    def children(self):
        return iter(self._children)


SOURCE = ast.parse("x = (1 + 2) * y")
JSON = json.loads('{"a": [1, {"b": 2, "c": [3, 4]}], "d": 5}')
XML = ET.fromstring("<a><b/><c><d/><e/></c></a>")
CLUSTERS = to_tree(linkage(np.array([[0.0], [1.0], [5.0], [6.0], [20.0]])))
NLTK = Tree("S", [Tree("NP", ["the", "dog"]), Tree("VP", ["barks"])])
GRAPH = DiGraph({"root": ["a", "b"], "a": ["c", "d"], "b": [], "c": [], "d": []})
MADE = {
    "syntax tree": (SOURCE, "Module", None),
    "JSON": (JSON, "dict", 5),
    "XML": (XML, "Element", 3),
    "clusters": (CLUSTERS, "ClusterNode", 5),
    "nltk": (NLTK, "Tree", 3),
    "property": (PropertyNode(PropertyNode(), PropertyNode()), "PropertyNode", 2),
    "method": (MethodNode(MethodNode(), MethodNode()), "MethodNode", 2),
}
every_kind = pytest.mark.parametrize(
    ("tree", "kind", "n_leaves"), MADE.values(), ids=MADE
)


def run(hint, **names):
    """Run the converter in a hint, and read the X that it makes."""
    code = hint[hint.index("    def nested") :]
    code = "\n".join(line.removeprefix("    ") for line in code.splitlines())
    names |= {"ast": ast, "vector": lambda node: [1.0, 2.0]}
    exec(code, names)
    return Forest.from_nested(names["X"])


@every_kind
def test_the_converter_in_a_hint_converts(tree, kind, n_leaves):
    hint = converter_hint(tree)
    assert hint.startswith(f"{kind} objects are not nested tuples; ")
    forest = run(hint, trees=[tree, tree])
    assert len(forest) == 2
    assert n_leaves is None or forest.n_leaves.tolist() == [n_leaves] * 2
    assert forest.heights.min() > 0


def test_the_converter_of_a_graph_starts_at_its_root():
    hint = converter_hint(GRAPH)
    assert hint.startswith("DiGraph objects are not nested tuples; ")
    forest = run(hint, graphs=[GRAPH], roots=["root"])
    assert forest == Forest.from_nested([((A, A), A)])


def test_a_graph_without_directions_has_no_root():
    assert "Graph does not say which node is the root" in converter_hint(Graph({}))


@every_kind
@pytest.mark.parametrize("container", [list, tuple])
def test_a_list_of_such_trees_has_the_hint_of_its_first(
    tree, kind, n_leaves, container
):
    assert converter_hint(container([tree, tree])).startswith(f"{kind} objects") or (
        kind == "dict"
    )


def test_json_may_be_a_list():
    hint = converter_hint([JSON, JSON])
    assert hint.startswith("dict objects")
    assert run(hint, trees=[JSON, [JSON, JSON]]).n_leaves.tolist() == [5, 10]


@pytest.mark.parametrize("frame", [pd.DataFrame({"t": [1]}), pl.DataFrame({"t": [1]})])
def test_a_data_frame_is_asked_for_its_column(frame):
    assert converter_hint(frame) == (
        "Pass the column that the trees are in, such as X['tree'], not a DataFrame."
    )
    with pytest.raises(
        TypeError, match=r"type 'DataFrame'; expected .*\nPass the column"
    ):
        Forest.from_nested(frame)


@pytest.mark.parametrize(
    "obj",
    [
        None,
        3,
        "word",
        b"word",
        [],
        (),
        {1, 2},
        A,
        [A, B],
        [(A, B)],
        [[1.0, 2.0]],
        [[[1.0]]],
        [1.0, 2.0],
        np.array([(A, B)], dtype=object),
        pd.Series([(A, B)]),
        pd.Series({"children": 1, "tag": 2}),
        pl.Series([1.0]),
        range(3),
        iter([A]),
        object(),
        types.SimpleNamespace(left=1),
        Forest.from_rows([[1.0]]),
    ],
)
def test_there_is_no_hint_for_what_is_no_such_tree(obj):
    assert converter_hint(obj) is None


@every_kind
def test_a_leaf_that_is_such_a_tree_is_refused_with_the_hint(tree, kind, n_leaves):
    with pytest.raises(ValueError) as caught:  # noqa: PT011, the whole text is below
        Forest.from_nested([(A, B), (A, tree)])
    text = str(caught.value)
    assert text.startswith("tree 1, at [1]: ")
    assert text.endswith(converter_hint(tree))


@every_kind
def test_an_x_that_is_such_a_tree_is_refused_with_the_hint(tree, kind, n_leaves):
    with pytest.raises(TypeError) as caught:
        Forest.from_nested(tree)
    text = str(caught.value)
    assert text.startswith(f"X is of type {kind!r}; expected a list, ")
    assert text.endswith(converter_hint(tree))


@every_kind
def test_a_list_of_such_trees_is_refused_with_the_hint(tree, kind, n_leaves):
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        Forest.from_nested([tree, tree])
    assert str(caught.value).startswith("tree 0, at the root: ")
    assert str(caught.value).endswith(converter_hint(tree))
