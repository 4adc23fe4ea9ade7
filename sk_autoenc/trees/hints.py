"""What to write for trees that come from elsewhere: syntax trees, JSON, XML, graphs.

They are told by what they can do, and none of their libraries is imported.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

CONVERTER = """\
{kind} objects are not nested tuples; make tuples of words and types, by read_tree or \
tree_from for a LeafVectorizer, or of vectors, with a function `vector` of yours that \
gives the numbers of a leaf:

    def nested({arguments}):
        children = tuple(nested({child}) for child in {children})
        return children or vector(node)

    X = [{call}]"""
FRAME = "Pass the column that the trees are in, such as X['tree'], not a {kind}."
UNDIRECTED = (
    "A {kind} does not say which node is the root; make it directed, away from the "
    "root, such as networkx.bfs_tree(graph, root)."
)


class Kind(NamedTuple):
    """A kind of tree that is not made of tuples, and what to tell its owner."""

    is_one: Callable
    """Whether an object is of that kind."""
    children: str = ""
    """Code that gives the children of ``node``."""
    arguments: str = "node"
    child: str = "child"
    call: str = "nested(tree) for tree in trees"
    text: str = CONVERTER


def converter_hint(obj):
    """Say how to make nested tuples of trees of another library.

    Parameters
    ----------
    obj : object
        A tree that is not made of tuples, or a list of them.

    Returns
    -------
    hint : str or None
        A sentence that names the type, and a converter to write; None for an object
        that is no such tree.

    Examples
    --------
    >>> import ast
    >>> print(converter_hint(ast.parse("x = 1")))
    Module objects are not nested tuples; make tuples of words and types, by read_tree \
or tree_from for a LeafVectorizer, or of vectors, with a function `vector` of yours \
that gives the numbers of a leaf:
    <BLANKLINE>
        def nested(node):
            children = tuple(nested(child) for child in ast.iter_child_nodes(node))
            return children or vector(node)
    <BLANKLINE>
        X = [nested(tree) for tree in trees]
    """
    if type(obj) in (list, tuple):
        one = next((x for x in obj if isinstance(x, Mapping)), next(iter(obj), None))
        return None if type(one) in (list, tuple) else converter_hint(one)
    for kind in KINDS:
        if kind.is_one(obj):
            return kind.text.format_map(kind._asdict() | {"kind": type(obj).__name__})
    return None


def _has(*names):
    """Ask for all of some attributes, of the class: an object's own may be its data."""
    return lambda obj: all(hasattr(type(obj), name) for name in names)


def _has_children(obj):
    try:
        return hasattr(obj, "children") and not hasattr(type(obj), "__array__")
    except Exception:  # an attribute of somebody else's may raise anything
        return False


KINDS = (
    # ast.AST
    Kind(_has("_fields", "_attributes"), "ast.iter_child_nodes(node)"),
    # nltk.Tree, a list of subtrees and words
    Kind(_has("label", "subtrees"), "(node if hasattr(node, 'label') else ())"),
    # xml.etree.ElementTree.Element, and lxml's
    Kind(_has("tag", "attrib", "iterfind"), "node"),
    # scipy.cluster.hierarchy.ClusterNode
    Kind(
        _has("get_left", "get_right"),
        "(() if node.is_leaf() else (node.left, node.right))",
    ),
    # networkx.DiGraph, then Graph
    Kind(
        _has("successors", "in_degree"),
        "graph.successors(node)",
        arguments="graph, node",
        child="graph, child",
        call="nested(graph, root) for graph, root in zip(graphs, roots)",
    ),
    Kind(_has("neighbors", "adjacency"), text=UNDIRECTED),
    # data frames of pandas and polars
    Kind(_has("columns", "to_numpy", "shape"), text=FRAME),
    # JSON, as json.load gives it
    Kind(
        lambda obj: isinstance(obj, Mapping),
        "(node.values() if isinstance(node, dict) else\n"
        "                node if isinstance(node, list) else ())",
    ),
    # nodes of many libraries: attributes, or methods without arguments
    Kind(
        _has_children,
        "(node.children() if callable(node.children) else node.children or ())",
    ),
)
