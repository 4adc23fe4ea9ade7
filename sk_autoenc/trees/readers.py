"""Trees of other libraries to nested tuples, and the labels of their nodes."""

from collections.abc import Iterator
from typing import Any

from sk_autoenc._typing import AnyTree
from sk_autoenc.trees.containers import can_be_listed, is_kind, own_items
from sk_autoenc.trees.from_objects import labels_in_preorder, place_labels
from sk_autoenc.trees.guard import refuse_more_nodes_than_fit
from sk_autoenc.trees.kinds import IN_A_LIST, JSON, KINDS, Kind
from sk_autoenc.trees.walking import convert


def read_tree(obj: object) -> AnyTree:
    """Make nested tuples of a tree of another library.

    Which library is told by what the object can do, and none is imported.

    Parameters
    ----------
    obj : object
        One tree: a node, which is then the root, or what the library calls a tree. The
        notes list the libraries.

    Returns
    -------
    tree : tuple or token
        Nested tuples of tokens, such as words, names and types.

    Raises
    ------
    TypeError
        It is no tree, or of a kind that is not known; the message says which are.
    ValueError
        It is no tree though it is of such a kind: an empty one, a graph with two roots
        or a cycle, a sentence that is not parsed, an array that is no linkage matrix.

    See Also
    --------
    node_labels : The labels of the nodes.
    tree_from : For any other objects, or other leaves and labels of these.
    from_bracketed, from_newick : For trees in text, with the place of an error.

    Notes
    -----
    With *label first*, an inner node is ``(label, *children)``, since the label says
    what the children do not; else it is the tuple of its children.

    - nltk: words. A preterminal is a tuple of one word (see `collapse_unary`), and so
      is a tagged word ``(word, tag)``.
    - `ast`: types, label first; identifiers and constants are leaves. Left out are
      the contexts (Load, Store, Del), which follow from the place.
    - `xml.etree`, lxml: pieces of text, stripped, and tags, label first, in the order
      of the document. Without attributes, comments and processing instructions.
    - Mappings and lists, as from JSON: values. An entry is ``(key, value)``; an empty
      container is the leaf ``"{}"`` or ``"[]"``.
    - networkx: the keys of the leaves of a directed tree whose edges lead away from the
      root. Children are in the order in which their edges were added.
    - lark: tokens, and rules, label first.
    - anytree, bigtree, treelib: names (treelib: tags), label first.
    - scipy's `ClusterNode` and linkage matrices: numbers of observations.
    - tree_sitter: the texts of named nodes, and types, label first.
    - conllu, spaCy: words, each before its dependents, which are in the order of the
      sentence. Several sentences, or the parts of a span, stand in one tuple.
    - ete3, ete4, dendropy: names of leaves.
    - A string of one tree in brackets, or in Newick's format.
    - Nested tuples, as they are.

    Examples
    --------
    >>> import ast, json
    >>> from xml.etree import ElementTree
    >>> read_tree(ast.parse("x = 1"))
    ('Module', ('Assign', ('Name', 'x'), ('Constant', 1)))
    >>> read_tree(ElementTree.fromstring("<p>See <b>here</b> and <br/></p>"))
    ('p', 'See', ('b', 'here'), 'and', 'br')
    >>> read_tree(json.loads('{"a": [1, 2], "b": {}}'))
    (('a', (1, 2)), ('b', '{}'))
    """
    kind = kind_of(obj)
    return _convert(kind, kind.root(obj))


def node_labels(obj: object) -> list[Any]:
    """List the labels of a tree's nodes: nltk's labels, types of ast, tags of XML.

    Parameters
    ----------
    obj : object
        As for `read_tree`.

    Returns
    -------
    labels : list
        One for each node of ``read_tree(obj)``, in preorder (a node, then its
        children's subtrees from the first to the last). None where there is none: of
        words, and of leaves that are labels themselves. The labels of clusters are
        their distances.

    Raises
    ------
    TypeError, ValueError
        As `read_tree`; or it has parts at several places, and more nodes than memory
        holds.

    See Also
    --------
    read_tree : The tree itself.

    Examples
    --------
    >>> node_labels("(S (NP the cat) (VP sat))")
    ['S', 'NP', None, None, 'VP', None]
    """
    kind = kind_of(obj)
    root = kind.root(obj)
    refuse_more_nodes_than_fit([_convert(kind, root)])
    return labels_in_preorder(root, kind.children, kind.label, kind.place_label)


def _convert(kind: Kind, root: Any) -> AnyTree:
    build = place_labels(kind.leaf, kind.label, kind.place_label)
    return convert(root, kind.children, *build)


def kind_of(obj: object) -> Kind:
    """Find the kind of a tree, or say which there are."""
    kind = find_kind(obj)
    if kind is None:
        raise TypeError(_unknown(obj))
    if kind.name == JSON and is_kind(obj, list):
        item = next(own_items(obj), None)
        kind_of_item = find_kind(item)
        if kind_of_item is not None and kind_of_item.name not in IN_A_LIST:
            raise TypeError(
                f"read_tree reads one tree, got a list of {type(item).__name__!r}; "
                "write [read_tree(tree) for tree in trees]"
            )
    return kind


def find_kind(obj: Any) -> Kind | None:
    """Find the kind of a tree; None of what is no tree."""
    return next((kind for kind in KINDS if kind.recognises(obj)), None)


def _unknown(obj: Any) -> str:
    """Say what an object that is no known tree is, and what to do."""
    name = type(obj).__name__
    known = ", ".join(kind.name for kind in KINDS)
    if isinstance(obj, str):
        remedy = "A text that is no tree in brackets needs a parser first"
    elif hasattr(type(obj), "to_nested"):
        remedy = "Trees of a Forest are nested tuples already: forest.to_nested()"
    elif hasattr(type(obj), "to_numpy"):
        remedy = "Take one tree out of it, such as X['tree'][0]"
    elif isinstance(obj, Iterator):
        remedy = "Write [read_tree(tree) for tree in trees] if it yields trees"
    elif can_be_listed(obj) and find_kind(next(iter(obj), None)):
        remedy = "It holds trees; read each: [read_tree(tree) for tree in trees]"
    else:
        remedy = (
            "For any other, say how its nodes are read: "
            "tree_from(obj, children='children', leaf='name'), with the names of "
            "attributes or methods, or functions"
        )
    return f"no tree that read_tree knows: got {name!r}. It knows {known}. {remedy}."
