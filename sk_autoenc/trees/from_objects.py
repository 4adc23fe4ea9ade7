"""From objects that have children to nested tuples, and where their labels stand."""

from collections.abc import Callable, Iterable
from typing import Any, get_args

from sk_autoenc._typing import AnyTree, PlaceLabel
from sk_autoenc.trees.walking import Build, Children, Refused, Value, checked, convert


def tree_from(
    obj: object,
    *,
    children: str | Callable[[Any], Iterable[Any] | None],
    leaf: str | Callable[[Any], Any],
    label: str | Callable[[Any], Any] | None = None,
    place_label: PlaceLabel = "drop",
) -> AnyTree:
    """Make nested tuples of a tree of any objects.

    The depth is bounded by memory only. An object may stand at several places, and
    then so does the tuple made of it.

    Parameters
    ----------
    obj : object
        The root.
    children : str or callable
        The children of a node, in order: a function of the node, or the name of an
        attribute or of a method without arguments. None or nothing: it has none.
    leaf : str or callable
        What stands for a node without children: a token (anything hashable but a
        tuple), a vector (a list of numbers or an array) or a record (a dict, for
        `LeafVectorizer`). A function or a name too.
    label : str or callable, default=None
        The label of a node, where `place_label` needs it; None is no label. A function
        or a name too.
    place_label : {"drop", "first_leaf", "only_leaves"}, default="drop"
        Where labels stand in the result:

        - "drop": nowhere. A node with children is the tuple of these, a node without
          is its `leaf`.
        - "first_leaf": before the children. A node with children is ``(label,
          *children)``, a node without is its `leaf` alone.
        - "only_leaves": beside the leaves. A node with children is the tuple of these,
          a node without is ``(label, leaf)``.

        A node whose label is None is as with "drop".

    Returns
    -------
    tree : tuple, token or vector
        The nested tuples; what `leaf` gave if the root has no children.

    Raises
    ------
    TypeError
        An argument is of the wrong type, or `children` gave no children.
    ValueError
        An object is among its own descendants, a leaf or label cannot be a leaf, or
        `place_label` is unknown. The message has the path: ``[0][2]`` is the third
        child of the root's first child.

    See Also
    --------
    read_tree : The same for the trees of many libraries, without being told how.

    Examples
    --------
    >>> from types import SimpleNamespace as Node
    >>> tree = Node(op="+", args=[Node(op="x", args=[]), Node(op="y", args=[])])
    >>> tree_from(tree, children="args", leaf="op")
    ('x', 'y')
    >>> tree_from(
    ...     tree, children="args", leaf="op", label="op", place_label="first_leaf"
    ... )
    ('+', 'x', 'y')
    """
    if place_label not in get_args(PlaceLabel):
        raise ValueError(
            f"place_label is one of {', '.join(map(repr, get_args(PlaceLabel)))}; "
            f"got {place_label!r}"
        )
    if label is None and place_label != "drop":
        raise ValueError(
            f"place_label={place_label!r} needs the labels; pass label=, the name of "
            "an attribute or a function"
        )
    labels = None if label is None else getter("label", label)
    build = place_labels(getter("leaf", leaf), labels, place_label)
    return convert(obj, getter("children", children), *build)


def getter(parameter: str, name: str | Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Make a function of a node of the name of an attribute or method.

    Parameters
    ----------
    parameter : str
        Whose value `name` is, for messages.
    name : str or callable

    Returns
    -------
    callable
        `name` itself if it is one.
    """
    if callable(name):
        return name
    if not isinstance(name, str):
        raise TypeError(
            f"{parameter} is the name of an attribute or a function of a node; got "
            f"{type(name).__name__!r}"
        )

    def get(node: Any) -> Any:
        try:
            value = getattr(node, name)
        except AttributeError as error:
            raise Refused(
                f"a {type(node).__name__!r} has no attribute {name!r}, asked for by "
                f"{parameter}={name!r}; for nodes of several types pass a function",
                TypeError,
            ) from error
        return value() if callable(value) else value

    return get


def place_labels(
    leaf: Value, label: Value | None, place_label: PlaceLabel
) -> tuple[Value, Build]:
    """Make functions that give the tree of a leaf, and that of a node with children."""

    def plain_leaf(node: Any) -> AnyTree:
        return checked(leaf(node), "leaf")

    def plain_inner(node: Any, trees: list[AnyTree]) -> AnyTree:
        return tuple(trees)

    def tagged_leaf(node: Any) -> AnyTree:
        tag = label and label(node)
        only = plain_leaf(node)
        return only if tag is None else (checked(tag, "label"), only)

    def tagged_inner(node: Any, trees: list[AnyTree]) -> AnyTree:
        tag = label and label(node)
        return tuple(trees) if tag is None else (checked(tag, "label"), *trees)

    return (
        tagged_leaf if place_label == "only_leaves" else plain_leaf,
        tagged_inner if place_label == "first_leaf" else plain_inner,
    )


def labels_in_preorder(
    root: Any,
    children: Children,
    label: Value | None,
    place_label: PlaceLabel,
) -> list[Any]:
    """List the labels of all nodes of what `convert` makes, which must have worked.

    A leaf that is a label, and the leaf beside it, have none.
    """
    found, stack = [], [root]
    while stack:
        node = stack.pop()
        below = list(children(node) or ())
        tag = None if label is None else label(node)
        found.append(tag)
        if tag is not None and below and place_label == "first_leaf":
            found.append(None)
        if tag is not None and not below and place_label == "only_leaves":
            found += [None, None]
        stack += reversed(below)
    return found
