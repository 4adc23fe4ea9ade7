"""Trees of other libraries with vectors at their leaves, to nested tuples.

What stands on inner nodes, such as labels, names and keys, is no vector: it is left
out.
"""

from collections.abc import Mapping
from numbers import Number
from typing import Any

import numpy as np

from sk_autoenc._typing import AnyTree
from sk_autoenc.trees.containers import is_kind, own_items
from sk_autoenc.trees.from_objects import place_labels
from sk_autoenc.trees.kinds import JSON
from sk_autoenc.trees.readers import find_kind
from sk_autoenc.trees.walking import convert

NATIVE = (tuple, list, float, int, np.ndarray)
"""What is a tree, or a row, as it is."""


def are_foreign(X: Any) -> bool:
    """Tell trees of other libraries from nested tuples and rows, by the first of them.

    Parameters
    ----------
    X : object

    Returns
    -------
    bool
        Whether X is a list, tuple, 1-D object array or Series of them.

    Examples
    --------
    >>> are_foreign([{"left": [1.0, 2.0], "right": [0.0, 1.0]}])
    True
    >>> are_foreign([([1.0, 2.0], [0.0, 1.0])]), are_foreign([[1.0, 2.0]])
    (False, False)
    """
    if is_kind(X, list, tuple):
        first = next(own_items(X), None)
    elif len(getattr(X, "shape", ())) == 1 and getattr(X.dtype, "kind", "") == "O":
        first = next(iter(X), None)
    else:
        return False
    if type(first) in NATIVE or is_kind(first, tuple, str, np.ndarray):
        return False
    kind = find_kind(first)
    return kind is not None and not (kind.name == JSON and is_kind(first, list))


def as_nested(X: Any) -> Any:
    """Give X, or, if these are trees of other libraries, nested tuples of them.

    Parameters
    ----------
    X : object

    Returns
    -------
    trees : object

    Raises
    ------
    TypeError, ValueError
        A tree is wrong; the message says which and where.

    Examples
    --------
    >>> as_nested([{"left": [1.0, 2.0], "right": {"only": [0.0, 1.0]}}])
    [([1.0, 2.0], ([0.0, 1.0],))]
    """
    return [_read(tree, n) for n, tree in enumerate(X)] if are_foreign(X) else X


def _read(obj: Any, number: int) -> AnyTree:
    """Read one tree; nested tuples and vectors are trees as they are."""
    kind = None if type(obj) in NATIVE else find_kind(obj)
    if kind is None or is_kind(obj, tuple, str):
        return obj
    children = _json_children if kind.name == JSON else kind.children
    leaf = (lambda node: node) if kind.name == JSON else kind.leaf
    try:
        return convert(kind.root(obj), children, *place_labels(leaf, None, "drop"))
    except (TypeError, ValueError) as error:
        raise type(error)(f"tree {number}, {error}") from error


def _json_children(node: Any) -> list[Any] | None:
    """Give values; a list of numbers is a vector."""
    if isinstance(node, Mapping):
        return list(node.values())
    if is_kind(node, list) and any(
        not isinstance(item, Number) for item in own_items(node)
    ):
        return list(own_items(node))
    return None
