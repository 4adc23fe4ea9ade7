"""Nested tuples to nested tuples of another shape, without recursion."""

from collections.abc import Callable, Sequence
from numbers import Integral
from typing import Any, Literal

from sk_autoenc._typing import AnyTree
from sk_autoenc.trees.containers import is_kind, own_items
from sk_autoenc.trees.foreign import tuple_leaf
from sk_autoenc.trees.hints import converter_hint
from sk_autoenc.trees.walking import Value, checked, convert


def collapse_unary(tree: AnyTree) -> AnyTree:
    """Put an only child in the place of its parent.

    Parameters
    ----------
    tree : tuple or leaf
        Nested tuples.

    Returns
    -------
    tree : tuple or leaf
        The same leaves in the same order; each inner node has two children or more.

    Raises
    ------
    TypeError
        It is not one tree of nested tuples.
    ValueError
        A tuple in it is empty; the message has the path.

    See Also
    --------
    binarize : At most two children.

    Examples
    --------
    >>> collapse_unary((("the",), (("cat",), ("sat",))))
    ('the', ('cat', 'sat'))
    """
    return _rebuild("collapse_unary", tree, lambda c: c[0] if len(c) == 1 else c)


def binarize(tree: AnyTree, direction: Literal["right", "left"] = "right") -> AnyTree:
    """Give each node two children at most, by new nodes in a chain.

    Parameters
    ----------
    tree : tuple or leaf
        Nested tuples.
    direction : {"right", "left"}, default="right"
        ``(a, b, c, d)`` becomes ``(a, (b, (c, d)))`` or ``(((a, b), c), d)``.

    Returns
    -------
    tree : tuple or leaf
        The same leaves in the same order. A node with one child stays one: see
        `collapse_unary`.

    Raises
    ------
    TypeError
        It is not one tree of nested tuples.
    ValueError
        The direction is unknown, or a tuple in the tree is empty; the message has the
        path.

    See Also
    --------
    limit_arity : Any number of children at most, by new nodes that are balanced.

    Examples
    --------
    >>> binarize(("a", "b", ("c", "d", "e")))
    ('a', ('b', ('c', ('d', 'e'))))
    >>> binarize(("a", "b", "c"), direction="left")
    (('a', 'b'), 'c')
    """
    if direction not in ("right", "left"):
        raise ValueError(f"direction is 'right' or 'left'; got {direction!r}")
    chain = _chain_right if direction == "right" else _chain_left
    return _rebuild("binarize", tree, chain)


def limit_arity(tree: AnyTree, max_children: int) -> AnyTree:
    """Give each node a number of children at most, by new nodes that are balanced.

    Children in excess are cut into runs of `max_children` at most and of about equal
    length, each of which becomes a node, until there are few enough. So the height
    grows by the logarithm of the number of children.

    Parameters
    ----------
    tree : tuple or leaf
        Nested tuples.
    max_children : int
        At least 2.

    Returns
    -------
    tree : tuple or leaf
        The same leaves in the same order. A node with few enough children keeps them,
        and no new node has one child.

    Raises
    ------
    TypeError
        It is not one tree of nested tuples, or `max_children` no integer.
    ValueError
        `max_children` is below 2, or a tuple in the tree is empty; the message has the
        path.

    See Also
    --------
    binarize : At most two children, by chains.

    Examples
    --------
    >>> limit_arity(("a", "b", "c", "d", "e"), 2)
    ((('a', 'b'), ('c', 'd')), 'e')
    >>> limit_arity(("a", "b", "c", "d", "e"), 3)
    (('a', 'b', 'c'), ('d', 'e'))
    """
    if not isinstance(max_children, Integral) or isinstance(max_children, bool):
        raise TypeError(f"max_children is an integer, at least 2; got {max_children!r}")
    if max_children < 2:
        raise ValueError(f"max_children is at least 2; got {max_children}")

    def group(children: tuple[AnyTree, ...]) -> tuple[AnyTree, ...]:
        while len(children) > max_children:
            children = _runs(children, -(-len(children) // max_children))
        return children

    return _rebuild("limit_arity", tree, group)


def map_leaves(function: Callable[[Any], Any], tree: AnyTree) -> AnyTree:
    """Put what a function gives of each leaf in its place.

    Parameters
    ----------
    function : callable
        Of a leaf. It gives anything that is a leaf: a token (hashable, no tuple) or a
        vector.
    tree : tuple or leaf
        Nested tuples.

    Returns
    -------
    tree : tuple or leaf
        The same shape. A tuple that stands at several places is one here too, and the
        function is called once for each of its leaves.

    Raises
    ------
    TypeError
        `function` is none, or `tree` not one tree of nested tuples.
    ValueError
        The function gave no leaf, or a tuple in the tree is empty; the message has the
        path.

    See Also
    --------
    tree_shape : The shape alone.

    Examples
    --------
    >>> map_leaves(str.upper, (("the", "cat"), "sat"))
    (('THE', 'CAT'), 'SAT')
    >>> vectors = {"the": [1.0, 0.0], "cat": [0.0, 1.0]}
    >>> map_leaves(vectors.get, ("the", "cat"))
    ([1.0, 0.0], [0.0, 1.0])
    """
    if not callable(function):
        raise TypeError(
            f"the first argument is a function of a leaf; got "
            f"{type(function).__name__!r}: write map_leaves(function, tree), and of a "
            "dict its method get"
        )
    return _rebuild(
        "map_leaves", tree, leaf=lambda leaf: checked(function(leaf), "the function")
    )


def tree_shape(tree: AnyTree) -> AnyTree:
    """Give the shape of a tree: the tree with None at each leaf.

    Parameters
    ----------
    tree : tuple or leaf
        Nested tuples.

    Returns
    -------
    shape : tuple or None
        Can be compared, counted and grouped, unless it is many thousand levels deep:
        Python compares and hashes tuples by recursion.

    Raises
    ------
    TypeError
        It is not one tree of nested tuples.
    ValueError
        A tuple in it is empty; the message has the path.

    See Also
    --------
    map_leaves : Any leaves in place of None.

    Examples
    --------
    >>> tree_shape((("the", "cat"), "sat"))
    ((None, None), None)
    """
    return _rebuild("tree_shape", tree, leaf=lambda leaf: None)


def _rebuild(
    caller: str,
    tree: AnyTree,
    inner: Callable[[tuple[AnyTree, ...]], AnyTree] = lambda children: children,
    leaf: Value = lambda leaf: leaf,
) -> AnyTree:
    """Build a tree anew, from functions of the children of a node and of a leaf."""
    if is_kind(tree, list) and any(is_kind(item, tuple) for item in own_items(tree)):
        arguments = {"map_leaves": "function, tree"}.get(caller, "tree")
        raise TypeError(
            f"{caller} takes one tree, got a list; write [{caller}({arguments}) for "
            "tree in trees], with its other arguments"
        )
    if hasattr(type(tree), "to_nested"):
        raise TypeError(
            f"{caller} takes nested tuples, got a {type(tree).__name__!r}; those of "
            "its trees are forest.to_nested()"
        )
    if converter_hint(tree) is not None:
        raise TypeError(
            f"{caller} takes nested tuples, got a {type(tree).__name__!r}; make them "
            "with read_tree first"
        )
    return convert(
        tree,
        lambda node: own_items(node) if is_kind(node, tuple) else None,
        lambda node: leaf(tuple_leaf(node)),
        lambda _, trees: inner(tuple(trees)),
        id,  # equal tuples may be told apart: 0.0 and -0.0 are equal
    )


def _chain_right(children: tuple[AnyTree, ...]) -> tuple[AnyTree, ...]:
    """Join the last two until two are left."""
    if len(children) <= 2:
        return children
    joined = children[-1]
    for child in children[-2::-1]:
        joined = (child, joined)
    return joined


def _chain_left(children: tuple[AnyTree, ...]) -> tuple[AnyTree, ...]:
    """Join the first two until two are left."""
    if len(children) <= 2:
        return children
    joined = children[0]
    for child in children[1:]:
        joined = (joined, child)
    return joined


def _runs(children: Sequence[AnyTree], n_runs: int) -> tuple[AnyTree, ...]:
    """Cut into runs, the longer ones first; a run of one is that child."""
    length, n_longer = divmod(len(children), n_runs)
    runs, start = [], 0
    for number in range(n_runs):
        stop = start + length + (number < n_longer)
        runs.append(
            tuple(children[start:stop]) if stop - start > 1 else children[start]
        )
        start = stop
    return tuple(runs)
