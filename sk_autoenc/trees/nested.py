"""From nested tuples to flat arrays, a whole data set at a time and without recursion.

A tuple is an inner node, anything else is a leaf. Everything a user can get wrong in a
list of trees is found, and worded, here.
"""

import os
from functools import partial
from itertools import chain, compress, count, pairwise
from numbers import Real
from operator import attrgetter

import numpy as np

FIRST_CHECK = 1_000_000
"""Nodes unfolded before shared subtuples are looked for."""
BYTES_PER_NODE = 250
"""Memory that flattening takes at its peak, rounded up."""
UNCOUNTABLE = 10**100
"""Counts of nodes are exact below it: a DAG can spell numbers that fill the memory."""
LONGEST_PATH = 20
"""Steps of a path that a message shows in full."""


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
    if isinstance(X, list | tuple):
        tuples = [element for element in X if isinstance(element, tuple)]
        return not all(tuples) or _any_has_length(chain.from_iterable(tuples))
    if len(getattr(X, "shape", ())) != 1:
        return False
    X = X.to_numpy() if hasattr(X, "to_numpy") else X
    return isinstance(X, np.ndarray) and X.dtype.kind == "O" and _any_has_length(X)


def _any_has_length(elements):
    return any(
        hasattr(kind, "__len__") and not issubclass(kind, str | bytes)
        for kind in set(map(type, elements))
    )


def flatten(X, dtype=None):
    """Read nested tuples into the arrays that make a `Forest`.

    Parameters
    ----------
    X : list, tuple, 1-D object array or Series of trees
    dtype : {float32, float64}, default=None
        Of the leaf table; None is float32 if every leaf is float32, else float64.

    Returns
    -------
    leaf_table : ndarray of shape (n_distinct_leaves, leaf_length)
        One row for each leaf object, in the order of their first appearance.
    tree_start : int64 array of shape (n_trees + 1,)
    nodes : int32 array of shape (7, n_nodes)
        See `Forest`, whose constructor takes these three.

    Raises
    ------
    TypeError
        X is not a sequence of trees.
    ValueError
        X is empty, or a tree is wrong; the message says which tree and where.
    """
    trees = _as_sequence(X)
    objects, arities = _walk(trees)
    tree_start, nodes, order = _number_in_preorder(arities, len(trees))
    leaf_row, n_children = nodes[0], nodes[3]
    leaf_at = np.flatnonzero(n_children == 0)
    objects = np.fromiter(objects, dtype=object, count=len(objects))
    leaves = objects[order[leaf_at]].tolist()
    # `leaves` keeps the objects alive, so equal ids are one object.
    first = np.fromiter(
        map({}.setdefault, map(id, leaves), count()), dtype=np.intp, count=len(leaves)
    )
    is_first = first == np.arange(len(leaves))
    leaf_row[leaf_at] = (np.cumsum(is_first) - 1)[first]
    where = partial(_where, tree_start, nodes, leaf_at[is_first])
    table = _leaf_table(list(compress(leaves, is_first.tolist())), dtype, where)
    return table, tree_start, nodes


def _as_sequence(X):
    X = X.to_numpy() if hasattr(X, "to_numpy") else X
    if isinstance(X, np.ndarray):
        if X.ndim != 1:
            raise ValueError(
                f"X has {X.ndim} dimensions, expected a sequence of trees; "
                "Forest.from_rows takes the rows of a 2-D array as trees"
            )
        X = X.tolist()
    if not isinstance(X, list | tuple):
        raise TypeError(
            f"X is of type {type(X).__name__!r}; expected a list, tuple, 1-D object "
            "array or Series of trees (nested tuples), or a Forest"
        )
    if len(X) == 0:
        raise ValueError("X has no trees; at least one is needed")
    return X


def _walk(trees):
    """List all nodes breadth first, with their numbers of children."""
    objects, arities = list(trees), []
    next_check = FIRST_CHECK
    for node in objects:  # the list grows while it is walked
        if isinstance(node, tuple):
            objects += node
            arities.append(len(node))
            if len(objects) > next_check:
                shared = _some_tuple_is_shared(objects, arities)
                if shared:
                    _refuse_more_nodes_than_fit(trees)
                next_check = float("inf") if shared else 4 * len(objects)
        else:
            arities.append(0)
    return objects, arities


def _some_tuple_is_shared(objects, arities):
    """Without sharing, what is walked is no larger than what the user already holds."""
    ids = np.fromiter(map(id, compress(objects, arities)), dtype=np.uintp)
    ids.sort()
    return bool((ids[1:] == ids[:-1]).any())


def _refuse_more_nodes_than_fit(trees):
    sizes = _unfolded_sizes(trees)
    memory = _physical_memory() // BYTES_PER_NODE
    limit = min(memory, np.iinfo(np.int32).max)  # positions in a tree are int32
    for tree, size in enumerate(sizes):
        if size > limit:
            n_nodes = size if size < UNCOUNTABLE else "more than 10**100"
            raise ValueError(
                f"tree {tree}, at the root: unfolds to {n_nodes} nodes, "
                f"more than memory holds (about {limit})"
            )
    if sum(sizes) > memory:
        raise ValueError(
            f"the {len(trees)} trees unfold to {sum(sizes)} nodes together, "
            f"more than memory holds (about {memory})"
        )


def _unfolded_sizes(trees):
    """Count each tree's nodes as if shared tuples were copied, visiting each once."""
    sizes = {}  # of the distinct tuples, by id
    stack = [tree for tree in trees if isinstance(tree, tuple)]
    while stack:
        node = stack[-1]
        if id(node) in sizes:
            stack.pop()
            continue
        inner = [child for child in node if isinstance(child, tuple)]
        uncounted = [child for child in inner if id(child) not in sizes]
        stack += uncounted
        if not uncounted:
            n_leaves = len(node) - len(inner)
            size = 1 + n_leaves + sum(sizes[id(child)] for child in inner)
            sizes[id(node)] = min(size, UNCOUNTABLE)
    return [sizes.get(id(tree), 1) for tree in trees]


def _physical_memory():
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError):  # not a POSIX system
        return 16 * 2**30


def _number_in_preorder(arities, n_trees):
    """Turn breadth-first arities into `tree_start`, `nodes` (leaf_row = -1), order.

    ``order[i]`` is the breadth-first number of the node at preorder place i.
    """
    n_children = np.array(arities, dtype=np.intp)
    n_nodes = len(n_children)
    # Breadth first, the children of consecutive nodes are consecutive.
    end = n_trees + np.cumsum(n_children)
    first_child = end - n_children
    parent = np.repeat(np.arange(n_nodes), n_children)  # of the nodes from n_trees on
    levels = [0, n_trees]
    while levels[-1] < n_nodes:
        levels.append(int(end[levels[-1] - 1]))
    size, height = _sizes_and_heights(n_children, first_child, levels)
    place = _preorder_places(size, parent, first_child, levels)
    order = np.empty(n_nodes, dtype=np.intp)
    order[place] = np.arange(n_nodes)

    tree_start = np.append(place[:n_trees], n_nodes).astype(np.int64)
    nodes = np.full((7, n_nodes), -1, dtype=np.int32)
    # A root's "parent" is the place before it, which is -1 inside its tree.
    parent_place = np.append(place[:n_trees] - 1, place[parent])[order]
    nodes[1] = parent_place - np.repeat(tree_start[:-1], size[:n_trees])
    nodes[2, place[:n_trees]] = 0
    nodes[2, place[n_trees:]] = np.arange(n_trees, n_nodes) - first_child[parent]
    depth = np.repeat(np.arange(len(levels) - 1), np.diff(levels))
    for row, values in enumerate((n_children, depth, height, size), start=3):
        nodes[row, place] = values
    return tree_start, nodes, order


def _sizes_and_heights(n_children, first_child, levels):
    """Both from the leaves up, a level at a time, breadth first as the arguments."""
    size = np.ones(len(n_children), dtype=np.intp)
    height = np.zeros(len(n_children), dtype=np.intp)
    inner = np.flatnonzero(n_children)
    first_child = first_child[inner]
    inner_start = np.searchsorted(inner, levels).tolist()
    for level in range(len(levels) - 3, -1, -1):  # the last level is all leaves
        start, stop = levels[level + 1], levels[level + 2]
        here = slice(inner_start[level], inner_start[level + 1])
        parents, first = inner[here], first_child[here] - start
        size[parents] += np.add.reduceat(size[start:stop], first)
        height[parents] = np.maximum.reduceat(height[start:stop], first) + 1
    return size, height


def _preorder_places(size, parent, first_child, levels):
    """From the roots down: a child follows its parent and its older siblings' nodes."""
    n_trees = levels[1]
    before = np.cumsum(size) - size  # of a root: the nodes of the trees before it
    place = before.copy()
    place[n_trees:] += 1 - before[first_child[parent]]
    for start, stop in pairwise(levels[1:]):
        place[start:stop] += place[parent[start - n_trees : stop - n_trees]]
    return place


def _leaf_table(leaves, dtype, where):
    """Stack leaf objects; ``where(number)`` words the place of one of them."""
    vectors = leaves if _are_plain_vectors(leaves) else _as_vectors(leaves, where)
    if dtype is None:
        dtypes = set(map(attrgetter("dtype"), vectors))
        dtype = np.float32 if dtypes == {np.dtype(np.float32)} else np.float64
    with np.errstate(over="ignore", invalid="ignore"):
        table = np.concatenate(vectors, dtype=dtype, casting="unsafe")
        total = table.sum()  # finite only if all entries are; no array of booleans
    table = table.reshape(len(vectors), -1)
    if not np.isfinite(total):
        _refuse_infinite(table, vectors, where)
    return table


def _refuse_infinite(table, vectors, where):
    is_finite = np.isfinite(table).all(axis=1)
    if is_finite.all():
        return
    number = int(np.argmin(is_finite))
    if np.isnan(table[number]).any():
        what = "NaN"
    elif np.isinf(vectors[number]).any():
        what = "infinity"
    else:
        what = f"a value too large for {table.dtype}"
    raise ValueError(f"{where(number)}: leaf contains {what}")


def _are_plain_vectors(leaves):
    """Whether all are real arrays of one length, asked without a Python loop."""
    if set(map(type, leaves)) != {np.ndarray}:
        return False
    shapes = set(map(attrgetter("shape"), leaves))
    dtypes = set(map(attrgetter("dtype"), leaves))
    return len(shapes) == 1 and all(
        _is_vector(leaves[0].shape, dtype) for dtype in dtypes
    )


def _is_vector(shape, dtype):
    return len(shape) == 1 and shape[0] > 0 and dtype.kind in "buif"


def _as_vectors(leaves, where):
    """Convert leaf by leaf, and refuse the first wrong one."""
    vectors = []
    for number, leaf in enumerate(leaves):
        vector = _as_array(leaf)
        if not _is_vector(vector.shape, vector.dtype):
            raise ValueError(f"{where(number)}: {_why_no_vector(leaf, vector)}")
        expected = len(vectors[0]) if vectors else len(vector)
        if len(vector) != expected:
            raise ValueError(
                f"{where(number)}: leaf has length {len(vector)}, expected {expected}"
            )
        vectors.append(vector)
    return vectors


def _as_array(leaf):
    """Give a real array if `leaf` can be one, else any array that cannot be a leaf."""
    try:
        array = np.asarray(leaf)
        if array.dtype.kind == "O" and all(
            isinstance(item, Real) for item in array.flat
        ):
            array = array.astype(np.float64)
    except (TypeError, ValueError, OverflowError):
        return np.array(None)
    return array


def _why_no_vector(leaf, array):
    if isinstance(leaf, tuple):
        return "an empty tuple; an inner node has at least one child"
    is_list = isinstance(leaf, list) or (array.ndim == 1 and array.dtype.kind == "O")
    if is_list and _any_has_length(leaf):
        return "nodes are tuples: write (a, b), not [a, b]"
    if array.ndim == 0:
        what = "a scalar of" if array.dtype.kind in "buifc" else "of"
        return (
            f"leaf is {what} type {type(leaf).__name__}, "
            "expected a vector of numbers (a tuple is an inner node)"
        )
    if array.ndim > 1:
        return f"leaf has {array.ndim} dimensions, expected 1"
    if array.dtype.kind == "c":
        return "leaf is complex, expected real numbers"
    if len(array) == 0:
        return "leaf is an empty vector"
    return "leaf holds something other than numbers"


def _where(tree_start, nodes, leaf_at, number):
    """Word the place of a leaf: ``tree 17, at [0][2]``."""
    node = leaf_at[number]
    tree = int(np.searchsorted(tree_start, node, side="right")) - 1
    parent, child_rank = nodes[1:3, tree_start[tree] : tree_start[tree + 1]]
    node -= tree_start[tree]
    steps = []
    while parent[node] >= 0:
        steps.append(f"[{child_rank[node]}]")
        node = parent[node]
    steps.reverse()
    if len(steps) > LONGEST_PATH:
        steps[LONGEST_PATH - 1 : -1] = [f"...({len(steps) - LONGEST_PATH} more)..."]
    return f"tree {tree}, at {''.join(steps) or 'the root'}"
