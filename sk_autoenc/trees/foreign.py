"""How nodes of other libraries are read, where an attribute does not do.

None of these libraries is imported. Each function says the trap that it avoids.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from sk_autoenc.trees.containers import is_kind, own_items
from sk_autoenc.trees.walking import Refused

CONTEXTS = ("Load", "Store", "Del")
WITH_ANY_VALUE = ("Constant", "MatchSingleton")
"""Types of ast whose field `value` may be anything, None too."""


class At(NamedTuple):
    """A node that is a place in something: a key of a graph, an entry of a dict."""

    whole: Any
    key: Any


# ast: identifiers and constants are fields, not children; lists of fields hold None.


def ast_children(node: Any) -> list[Any]:
    """Give nodes, identifiers and constants; neither contexts nor flags."""
    if not hasattr(type(node), "_fields"):
        return []
    if type(node).__name__ in WITH_ANY_VALUE:
        return [node.value]
    found: list[Any] = []
    for name in node._fields:
        value = getattr(node, name, None)
        found += value if isinstance(value, list) else [value]
        if name == "type_comment":
            found.pop()
    return [
        item
        for item in found
        if isinstance(item, str)
        or (hasattr(type(item), "_fields") and type(item).__name__ not in CONTEXTS)
    ]


def ast_leaf(node: Any) -> Any:
    """Give a type, or what is no node: an identifier, the value of a constant."""
    label = ast_label(node)
    if label is None:
        return repr(node) if is_kind(node, tuple) else node
    return label


def ast_label(node: Any) -> str | None:
    """Give the type of a node."""
    return type(node).__name__ if hasattr(type(node), "_fields") else None


# nltk: words have no children; a chunker's words are pairs (word, tag).


def nltk_children(node: Any) -> Any:
    """Give subtrees and words; a tagged word is a preterminal."""
    if hasattr(type(node), "label"):
        return own_items(node)
    return node[:1] if _is_tagged(node) else ()


def nltk_leaf(node: Any) -> Any:
    """Give a word, or the label of a node that is empty."""
    return nltk_label(node) if hasattr(type(node), "label") else node


def nltk_label(node: Any) -> str | None:
    """Give a label as a string: it may be a symbol of a grammar."""
    if hasattr(type(node), "label"):
        return str(node.label())
    return str(node[1]) if _is_tagged(node) else None


def _is_tagged(node: Any) -> bool:
    return is_kind(node, tuple) and len(node) == 2


# XML: text stands before and after elements; a comment has a function as its tag, and
# text after it; iterating over an element of lxml.objectify gives its siblings.


def xml_root(obj: Any) -> Any:
    """Give the element that a document begins with."""
    root = obj.getroot() if hasattr(type(obj), "getroot") else obj
    if root is None:
        raise ValueError("the document is empty: it has no root element")
    if callable(root.tag):
        raise ValueError(
            "a comment or processing instruction is no tree; pass an element, such as "
            "document.getroot()"
        )
    return root


def xml_children(node: Any) -> list[Any]:
    """Give elements and the text between them, without the white space around it."""
    if isinstance(node, str):
        return []
    parts: list[Any] = [node.text or ""]
    for child in node.iterchildren() if hasattr(node, "iterchildren") else node:
        if callable(child.tag):
            parts[-1] += child.tail or ""
        else:
            parts += [child, child.tail or ""]
    stripped = [part.strip() if isinstance(part, str) else part for part in parts]
    return [part for part in stripped if not isinstance(part, str) or part]


# networkx: no node knows the root, and a graph need not be a tree.

REMEDY_GRAPH = (
    "read_tree needs a directed tree with edges away from its root, such as "
    "networkx.bfs_tree(graph, root)"
)


def networkx_root(graph: Any) -> At:
    """Find the root, or refuse a graph that is no tree."""
    if not hasattr(type(graph), "successors"):
        raise ValueError(
            f"a {type(graph).__name__!r} does not say which node is the root; "
            f"{REMEDY_GRAPH}"
        )
    roots = [node for node, n_parents in graph.in_degree() if n_parents == 0]
    several = [node for node, n_parents in graph.in_degree() if n_parents > 1]
    problem = None
    if not len(graph):
        problem = "it has no nodes"
    elif several:
        problem = _several_edges(graph, several[0])
    elif not roots:
        problem = "every node has a parent, so that there is a cycle and no root"
    elif len(roots) > 1:
        problem = f"nodes {roots[0]!r} and {roots[1]!r} both have no parent"
    else:
        reached = list(roots)
        for node in reached:  # the list grows while it is walked
            reached += graph.successors(node)
        lost = set(graph) - set(reached)
        if lost:
            cut_off = next(node for node in graph if node in lost)
            problem = (
                f"no path leads from {roots[0]!r} to {cut_off!r}: there is a cycle"
            )
    if problem:
        raise ValueError(f"the graph is no tree: {problem}; {REMEDY_GRAPH}")
    return At(graph, roots[0])


def _several_edges(graph: Any, node: Any) -> str:
    """Say where edges to a node come from; in a multigraph it may be one parent."""
    parents = list(graph.predecessors(node))
    if len(parents) == 1:
        n_edges = graph.in_degree(node)
        return (
            f"there are {n_edges} edges from {parents[0]!r} to {node!r}, of which "
            "networkx.DiGraph(graph) keeps one"
        )
    return f"node {node!r} has parents {parents[0]!r} and {parents[1]!r}"


def networkx_leaf(node: At) -> Any:
    """Give the key of a node without children; a tuple would be an inner node."""
    if is_kind(node.key, tuple):
        raise Refused(
            f"the node {node.key!r} is a tuple, which would be an inner node; rename "
            "the nodes: networkx.relabel_nodes(graph, str)"
        )
    return node.key


# lark: a rule's optional part that is missing is None; a token is a subclass of str.


def lark_children(node: Any) -> list[Any]:
    """Give subtrees and tokens."""
    is_rule = hasattr(type(node), "iter_subtrees")
    return [c for c in node.children if c is not None] if is_rule else []


def lark_leaf(node: Any) -> Any:
    """Give a token as a plain string, or the name of a rule that matched nothing."""
    label = lark_label(node)
    if label is None:
        return str(node) if isinstance(node, str) else node
    return label


def lark_label(node: Any) -> str | None:
    """Give the name of a rule."""
    return str(node.data) if hasattr(type(node), "iter_subtrees") else None


# anytree and bigtree: a class of one's own need not have names; a binary node may lack
# one of its two children.


def children_but_none(node: Any) -> list[Any]:
    """Give the children that are there."""
    return [child for child in node.children if child is not None]


def name(node: Any) -> Any:
    """Give a node's name."""
    if not hasattr(node, "name"):
        raise Refused(
            f"a {type(node).__name__!r} has no name to read; say what stands for it: "
            "tree_from(obj, children='children', leaf=...), with the name of an "
            "attribute or a function"
        )
    return node.name


def name_or_none(node: Any) -> Any:
    """Give a name that may be empty: phylogenies seldom have names inside."""
    return node.name or None


def treelib_root(tree: Any) -> At:
    """Give the place of the root."""
    if tree.root is None:
        raise ValueError("the treelib.Tree is empty: add a root with create_node")
    return At(tree, tree.root)


def dendropy_name(node: Any) -> str:
    """Give the label of the taxon, or else that of the node."""
    named = node if node.taxon is None else node.taxon
    return named.label or ""


# tree_sitter: a node made from a callback does not have its text.


def tree_sitter_leaf(node: Any) -> str:
    """Give the text of a node, or its type where there is none."""
    return node.text.decode(errors="replace") if node.text else str(node.type)


# JSON: keys are content; empty containers are no inner nodes.


def json_children(node: Any) -> Any:
    """Give values, each below an entry if it has a key."""
    if type(node) is At:
        return [node.whole]
    if isinstance(node, Mapping):
        return [At(value, key) for key, value in node.items()]
    return own_items(node) if is_kind(node, list, tuple) else ()


def json_leaf(node: Any) -> Any:
    """Give a value, or a sign of an empty container."""
    if isinstance(node, Mapping):
        return "{}"
    return "[]" if is_kind(node, list, tuple) else node


def tuple_leaf(node: Any) -> Any:
    """Give a leaf of nested tuples as it is."""
    if is_kind(node, tuple):
        raise Refused("a tuple without children is no node; leave it out")
    return node
