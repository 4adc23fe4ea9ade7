"""From nested tuples to flat arrays and back, without recursion.

A tuple is an inner node, anything else is a leaf. What a subclass of tuple or list says
of its own length and items does not count: nodes are what `tuple` itself holds.
"""

from itertools import chain

import numpy as np

from sk_autoenc.trees import guard
from sk_autoenc.trees.containers import can_be_listed, is_kind, own_items
from sk_autoenc.trees.hints import converter_hint
from sk_autoenc.trees.leaves import table_of_leaves
from sk_autoenc.trees.nodes import place
from sk_autoenc.trees.preorder import number_in_preorder
from sk_autoenc.trees.vectors import any_is_sized


def is_nested(X):
    """Tell trees from the rows of a 2-D array, in time linear in the elements of X.

    A list or tuple is trees if some element is a tuple that is empty or holds something
    other than scalars. A 1-D object array or a Series is trees if some element is not
    a scalar. Everything else is a 2-D array, or for scikit-learn to refuse. (Strings
    are scalars. So a list of lists, of 1-D arrays or of tuples of plain numbers is a
    2-D array, as everywhere in scikit-learn.)

    Parameters
    ----------
    X : object

    Returns
    -------
    bool

    Examples
    --------
    >>> is_nested([([1.0, 2.0], [3.0, 4.0])]), is_nested([(1.0, 2.0), (3.0, 4.0)])
    (True, False)
    """
    if is_kind(X, list, tuple):
        tuples = [item for item in own_items(X) if is_kind(item, tuple)]
        return not all(map(tuple.__len__, tuples)) or any_is_sized(
            chain.from_iterable(map(tuple.__iter__, tuples))
        )
    if len(getattr(X, "shape", ())) != 1:
        return False
    X = X.to_numpy() if hasattr(X, "to_numpy") else X
    return isinstance(X, np.ndarray) and X.dtype.kind == "O" and any_is_sized(X)


def flatten(X, dtype=None):
    """Read nested tuples into the arrays that make a `Forest`.

    Parameters
    ----------
    X : list, tuple, 1-D object array or Series of trees
    dtype : {float32, float64}, default=None
        Of the leaf table; None: see `Forest.from_nested`.

    Returns
    -------
    leaf_table : ndarray of shape (n_distinct_leaves, leaf_length)
        One row for each distinct leaf, in the order of their first appearance.
    tree_start : int64 array of shape (n_trees + 1,)
    columns : Columns

    Raises
    ------
    TypeError
        X is not a sequence of trees.
    ValueError
        X is empty, or a tree is wrong; the message says which tree and where.
    """
    tree_start, columns, leaf_at, leaves = unroll(_as_sequence(X))

    def where(number):
        return place(tree_start, columns, leaf_at[number])

    table, rows = table_of_leaves(leaves, dtype, where)
    return table, tree_start, columns.with_rows(leaf_at, rows, len(table))


def unroll(trees):
    """Read the structure of nested tuples, whatever their leaves are.

    Parameters
    ----------
    trees : list of object

    Returns
    -------
    tree_start : int64 array of shape (n_trees + 1,)
    columns : Columns
        All of `leaf_row` is -1.
    leaf_at : intp array of shape (n_leaves,)
        The nodes that are leaves, ascending.
    leaves : list of object
        In that order. An empty tuple is among them, if there is one.
    """
    objects, arities = _walk(trees)
    tree_start, columns, order = number_in_preorder(arities, len(trees))
    leaf_at = np.flatnonzero(columns.n_children == 0)
    objects = np.fromiter(objects, dtype=object, count=len(objects))
    return tree_start, columns, leaf_at, objects[order[leaf_at]].tolist()


def _as_sequence(X):
    """Give trees as a plain list."""
    hint = None if type(X) in (list, tuple) else converter_hint(X)
    given, X = X, X.to_numpy() if hasattr(X, "to_numpy") else X
    if isinstance(X, np.ndarray) and hint is None:
        if X.ndim != 1:
            raise ValueError(
                f"X has {X.ndim} dimensions, expected a sequence of trees; "
                "Forest.from_rows takes the rows of a 2-D array as trees"
            )
        X = X.tolist()
    if not is_kind(X, list, tuple) or hint is not None:
        remedy = "; write list(X)" if can_be_listed(given) else ""
        raise TypeError(
            f"X is of type {type(given).__name__!r}; expected a list, tuple, 1-D "
            "object array or Series of trees (nested tuples), or a Forest"
            + (remedy if hint is None else f".\n{hint}")
        )
    trees = list(own_items(X))
    if not trees:
        raise ValueError("X has no trees; at least one is needed")
    return trees


def _walk(trees):
    """List all nodes breadth first, with their numbers of children."""
    objects, arities = list(trees), []
    next_check = guard.FIRST_CHECK
    for node in objects:  # the list grows while it is walked
        kind = type(node)
        if kind is not tuple:
            if not issubclass(kind, tuple):
                arities.append(0)
                continue
            node = tuple(tuple.__iter__(node))
        objects += node
        arities.append(len(node))
        if len(objects) > next_check:
            shared = guard.some_tuple_is_shared(objects, arities)
            if shared:
                guard.refuse_more_nodes_than_fit(trees)
            next_check = float("inf") if shared else 4 * len(objects)
    return objects, arities


def nest(forest, leaf_of=None):
    """Make nested tuples of the trees of a `Forest`; see `Forest.to_nested`.

    Parameters
    ----------
    forest : Forest
    leaf_of : dict of int to object, default=None
        What stands for each row of the leaf table; None: the row.

    Returns
    -------
    trees : list of tuple or leaf
    """
    if leaf_of is None:
        rows = forest.leaf_row[forest.leaves]
        leaf_of = {row: forest.leaf_table[row] for row in set(rows.tolist())}
    done = []  # subtrees not yet taken by a parent, the leftmost last
    columns = zip(forest.leaf_row.tolist(), forest.n_children.tolist(), strict=True)
    for row, n_children in reversed(list(columns)):
        if n_children == 0:
            done.append(leaf_of[row])
        else:
            children = tuple(done[: -n_children - 1 : -1])
            del done[-n_children:]
            done.append(children)
    done.reverse()
    return done
