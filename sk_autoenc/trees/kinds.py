"""The table of kinds of trees, told by what they can do: no library is imported.

A new kind is an entry of `KINDS`; what is unlike others is in `foreign`.
"""

from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any, NamedTuple

from sk_autoenc._typing import PlaceLabel
from sk_autoenc.trees import foreign, indexed
from sk_autoenc.trees.containers import is_kind, own_items
from sk_autoenc.trees.parsing import guess_bracketed, label_of_inner, parse_newick
from sk_autoenc.trees.walking import Children, Value


class Kind(NamedTuple):
    """A kind of tree, and how it is read: the arguments of `tree_from`."""

    name: str
    """For messages."""
    recognises: Callable[[Any], bool]
    """Whether an object is of that kind."""
    children: Children
    leaf: Value
    label: Value | None = None
    place_label: PlaceLabel = "drop"
    root: Value = lambda obj: obj
    """The node to begin at, where the object itself is none; or refuses the object."""


def is_text(obj: object) -> bool:
    """Tell a string that may be a tree from words."""
    return isinstance(obj, str) and obj.lstrip().startswith("(")


def _has(*names: str) -> Callable[[Any], bool]:
    """Ask for all of some attributes, of the class: an object's own may be its data."""
    return lambda obj: all(hasattr(type(obj), name) for name in names)


is_bigtree = _has("add_dict_by_path", "levelordergroup_iter")
"""Tell bigtree.Tree, which holds the root, from a node."""
JSON = "dicts and lists (JSON)"
TUPLES = "nested tuples"
BRACKETS = "strings in brackets"
NEWICK = "strings in Newick's format"
IN_A_LIST = (JSON, TUPLES, BRACKETS, NEWICK)
"""Kinds of items with which a list is JSON; a list of other trees is not one tree."""
FIRST: PlaceLabel = "first_leaf"
BY_NAME = (foreign.children_but_none, foreign.name, foreign.name)

# Recognised in this order: what is a list, dict or string too comes before these.
KINDS = (
    Kind(
        "ast",
        _has("_fields", "_attributes"),
        foreign.ast_children,
        foreign.ast_leaf,
        foreign.ast_label,
        FIRST,
    ),
    Kind(
        "nltk.Tree",
        _has("label", "subtrees", "treepositions"),
        foreign.nltk_children,
        foreign.nltk_leaf,
        foreign.nltk_label,
    ),
    Kind(
        "elements of xml.etree and lxml",
        lambda obj: (
            _has("tag", "attrib", "iterfind")(obj) or _has("getroot", "iterfind")(obj)
        ),
        foreign.xml_children,
        lambda node: node if isinstance(node, str) else node.tag,
        lambda node: None if isinstance(node, str) else node.tag,
        FIRST,
        foreign.xml_root,
    ),
    Kind(
        "scipy's ClusterNode",
        _has("get_left", "get_right"),
        lambda node: () if node.is_leaf() else (node.left, node.right),
        attrgetter("id"),
        lambda node: None if node.is_leaf() else float(node.dist),
    ),
    Kind(
        "scipy's linkage matrices",
        lambda obj: (
            getattr(obj, "ndim", 0) == 2
            and obj.shape[1] == 4
            and not hasattr(type(obj), "columns")
        ),
        indexed.linkage_children,
        attrgetter("key"),
        indexed.linkage_label,
        root=indexed.linkage_root,
    ),
    Kind(
        "networkx.DiGraph",
        _has("adjacency", "neighbors"),
        lambda node: [
            foreign.At(node.whole, n) for n in node.whole.successors(node.key)
        ],
        foreign.networkx_leaf,
        attrgetter("key"),
        root=foreign.networkx_root,
    ),
    Kind(
        "lark.Tree",
        _has("iter_subtrees", "scan_values"),
        foreign.lark_children,
        foreign.lark_leaf,
        foreign.lark_label,
        FIRST,
    ),
    Kind("anytree", _has("iter_path_reverse", "leaves"), *BY_NAME, FIRST),
    Kind(
        "bigtree",
        lambda obj: _has("go_to", "max_depth", "diameter")(obj) or is_bigtree(obj),
        *BY_NAME,
        FIRST,
        lambda obj: obj.node if is_bigtree(obj) else obj,
    ),
    Kind(
        "treelib.Tree",
        _has("expand_tree", "is_branch"),
        lambda node: [
            foreign.At(node.whole, child.identifier)
            for child in node.whole.children(node.key)
        ],
        lambda node: node.whole[node.key].tag,
        lambda node: node.whole[node.key].tag,
        FIRST,
        foreign.treelib_root,
    ),
    Kind(
        "tree_sitter.Node",
        lambda obj: (
            _has("named_children", "grammar_name")(obj)
            or _has("root_node", "changed_ranges")(obj)
        ),
        attrgetter("named_children"),
        foreign.tree_sitter_leaf,
        attrgetter("type"),
        FIRST,
        lambda obj: getattr(obj, "root_node", obj),
    ),
    Kind(
        "conllu's TokenTree and TokenList",
        lambda obj: (
            _has("print_tree", "set_metadata")(obj)
            or _has("to_tree", "head_to_token")(obj)
        ),
        attrgetter("children"),
        lambda node: node.token["form"],
        lambda node: node.token["form"],
        FIRST,
        indexed.conllu_root,
    ),
    Kind(
        "spaCy's Doc, Span and Token",
        lambda obj: (
            _has("retokenize", "sents")(obj)
            or _has("start_char", "root", "sents")(obj)
            or _has("nbor", "head")(obj)
        ),
        indexed.spacy_children,
        indexed.spacy_word,
        indexed.spacy_word,
        FIRST,
        indexed.spacy_root,
    ),
    Kind(
        "ete3 and ete4",
        _has("traverse", "ladderize", "robinson_foulds"),
        attrgetter("children"),
        attrgetter("name"),
        foreign.name_or_none,
    ),
    Kind(
        "dendropy",
        lambda obj: (
            _has("child_node_iter", "child_nodes")(obj)
            or _has("seed_node", "taxon_namespace")(obj)
        ),
        lambda node: node.child_nodes(),
        foreign.dendropy_name,
        lambda node: foreign.dendropy_name(node) or None,
        root=lambda obj: getattr(obj, "seed_node", obj),
    ),
    Kind(
        TUPLES,
        lambda obj: is_kind(obj, tuple),
        lambda node: own_items(node) if is_kind(node, tuple) else (),
        foreign.tuple_leaf,
    ),
    Kind(
        JSON,
        lambda obj: isinstance(obj, Mapping) or is_kind(obj, list),
        foreign.json_children,
        foreign.json_leaf,
        lambda node: node.key if type(node) is foreign.At else None,
        FIRST,
    ),
    Kind(
        NEWICK,
        lambda obj: is_text(obj) and obj.rstrip().endswith(";"),
        attrgetter("children"),
        attrgetter("label"),
        lambda node: node.label or None,
        root=parse_newick,
    ),
    Kind(
        BRACKETS,
        lambda obj: is_text(obj),
        attrgetter("children"),
        attrgetter("label"),
        label_of_inner,
        root=guess_bracketed,
    ),
)
