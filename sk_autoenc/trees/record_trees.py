"""Trees of records in records, as JSON has them: plans of a database, say."""

from collections.abc import Collection, Mapping
from typing import Any

from sk_autoenc._typing import AnyTree
from sk_autoenc.trees.containers import is_kind, own_items
from sk_autoenc.trees.walking import convert


def read_records(obj: Any, keys: Collection[Any]) -> AnyTree:
    """Make nested tuples of records that hold others.

    A node is a dict with one of the keys, and its children are the next ones below it,
    wherever in its values. Other dicts, and lists, are passed through.

    Parameters
    ----------
    obj : mapping or list
        The root, or what holds it.
    keys : collection
        What tells a record.

    Returns
    -------
    tree : tuple or mapping
        ``(record, *children)`` of a record with children, which is the first leaf; the
        record itself of others. `obj` if there is no record.

    Raises
    ------
    ValueError
        An object is among its own descendants.

    Examples
    --------
    >>> scan = {"op": "scan", "rows": 10}
    >>> plan = [{"plan": {"op": "sort", "of": [scan]}, "seconds": 1.5}]
    >>> read_records(plan, ["op"])
    ({'op': 'sort', 'of': [{'op': 'scan', 'rows': 10}]}, {'op': 'scan', 'rows': 10})
    """

    def is_record(node: Any) -> bool:
        return isinstance(node, Mapping) and any(key in node for key in keys)

    def leaf(node: Any) -> AnyTree:
        return node if is_record(node) else []

    def inner(node: Any, found: list[AnyTree]) -> AnyTree:
        below: list[AnyTree] = []  # a list stands for the records in a container
        for tree in found:
            below += tree if type(tree) is list else [tree]
        if not is_record(node):
            return below
        return (node, *below) if below else node

    tree = convert(obj, _containers, leaf, inner)
    if type(tree) is not list:
        return tree
    return tree[0] if len(tree) == 1 else tuple(tree) or obj


def _containers(node: Any) -> list[Any]:
    """Give the dicts and lists in a dict or list."""
    values = node.values() if isinstance(node, Mapping) else own_items(node)
    return [v for v in values if isinstance(v, Mapping) or is_kind(v, list)]
