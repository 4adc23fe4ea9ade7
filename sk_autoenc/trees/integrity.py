"""Whether arrays are a forest: what a damaged or hostile file must not get past.

Everything that reads a `Forest` trusts its arrays, down to compiled code that does not
check its indexes. So they are checked once, where they come from outside.
"""

import numpy as np

from sk_autoenc.trees.nodes import Columns


def check_arrays(leaf_table, tree_start, stacked):
    """Check that three arrays are a forest, in time and memory linear in its nodes.

    Values of the leaf table are not looked at: no index is made of them.

    Parameters
    ----------
    leaf_table, tree_start, stacked : object
        As for `Forest`.

    Returns
    -------
    leaf_table, tree_start, stacked : ndarray
        The same in this machine's byte order, without a copy where it is so already.

    Raises
    ------
    ValueError
        They are not a forest; the message says what is wrong.
    """
    leaf_table = _array(leaf_table, "leaf_table", 2, (np.float32, np.float64))
    tree_start = _array(tree_start, "tree_start", 1, (np.int64,))
    stacked = _array(stacked, "nodes", 2, (np.int32,))
    if leaf_table.shape[1] == 0:
        raise ValueError("no forest: leaf_table has 0 features")
    if len(stacked) != len(Columns._fields):
        raise ValueError(
            f"no forest: nodes has {len(stacked)} rows, not one for each of "
            f"{', '.join(Columns._fields)}"
        )
    columns = Columns(*stacked)
    _check_tree_start(tree_start, len(columns.size))
    _check_leaves(columns, len(leaf_table))
    roots = tree_start[:-1]
    parent = _check_parents(columns, tree_start)
    _check_sizes(columns, parent, roots)
    _check_depths(columns, parent, roots)
    _check_ranks(columns, parent, roots)
    _check_heights(columns, parent, roots)
    return leaf_table, tree_start, stacked


def _array(array, name, ndim, dtypes):
    if not isinstance(array, np.ndarray) or isinstance(array, np.ma.MaskedArray):
        raise ValueError(f"no forest: {name} is of type {type(array).__name__!r}")
    array = np.asarray(array)
    if array.ndim != ndim:
        raise ValueError(
            f"no forest: {name} has {array.ndim} dimensions, expected {ndim}"
        )
    native = array.dtype.newbyteorder("=")
    if native not in dtypes:
        expected = " or ".join(np.dtype(dtype).name for dtype in dtypes)
        raise ValueError(f"no forest: {name} is {array.dtype}, expected {expected}")
    return np.ascontiguousarray(array, native)


def _require(fits, name, columns, why):
    """Refuse the first node that does not fit."""
    if not fits.all():
        node = int(np.argmin(fits))
        value = getattr(columns, name)[node]
        raise ValueError(f"no forest: {name}[{node}] is {value}, but {why}")


def _check_tree_start(tree_start, n_nodes):
    if len(tree_start) == 0 or tree_start[0] != 0 or tree_start[-1] != n_nodes:
        raise ValueError(
            f"no forest: tree_start does not go from 0 to the number of nodes, "
            f"{n_nodes}"
        )
    ascends = tree_start[1:] > tree_start[:-1]
    if not ascends.all():
        tree = int(np.argmin(ascends))
        raise ValueError(f"no forest: tree {tree} has no nodes, by tree_start")


def _check_leaves(columns, n_rows):
    is_leaf = columns.n_children == 0
    _require(columns.n_children >= 0, "n_children", columns, "it is a number")
    row = columns.leaf_row
    _require((row >= 0) == is_leaf, "leaf_row", columns, "leaves alone have a row")
    _require(row >= -1, "leaf_row", columns, "an inner node has -1")
    _require(row < n_rows, "leaf_row", columns, f"the table has {n_rows} rows")


def _check_parents(columns, tree_start):
    """Check parents, and give them as nodes; a root's is itself."""
    n_nodes = len(columns.size)
    start = np.repeat(tree_start[:-1], np.diff(tree_start))
    is_root = np.zeros(n_nodes, dtype=bool)
    is_root[tree_start[:-1]] = True
    _require(
        (columns.parent == -1) | ~is_root, "parent", columns, "a root has no parent"
    )
    _require((columns.parent >= 0) | is_root, "parent", columns, "it is not a root")
    parent = columns.parent + start
    parent[is_root] = tree_start[:-1]
    fits = (parent < np.arange(n_nodes)) | is_root
    _require(fits, "parent", columns, "a parent stands before its children")
    n_children = np.bincount(parent[~is_root], minlength=n_nodes)
    fits = columns.n_children == n_children
    _require(fits, "n_children", columns, "as many nodes as that do not name it parent")
    return parent


def _check_sizes(columns, parent, roots):
    """Check that subtrees have their sizes, and each the places after its root.

    Sizes are right if each is 1 and the sum of the children's. No subtree reaches
    beyond its parent's: then the size nodes of each, none of which is before its root,
    fill the size places from it on, and that is preorder.
    """
    size, node = columns.size, np.arange(len(parent))
    _require(size >= 1, "size", columns, "a subtree has a node")
    children = np.bincount(parent, weights=size, minlength=len(parent))
    children[roots] -= size[roots]  # a root is no child of its own
    _require(size == 1 + children, "size", columns, "its children's sum up to another")
    end = node + size
    fits = end <= end[parent]
    _require(fits, "size", columns, "it reaches beyond its parent's subtree")


def _check_depths(columns, parent, roots):
    expected = columns.depth[parent] + 1
    expected[roots] = 0
    fits = columns.depth == expected
    _require(fits, "depth", columns, "it is one more than its parent's, 0 for a root")


def _check_ranks(columns, parent, roots):
    """Check the ranks of first children, then of each next sibling."""
    rank, node = columns.child_rank, np.arange(len(parent))
    expected = np.zeros(len(parent), dtype=np.int64)
    end = node + columns.size
    has_next = end < end[parent]
    expected[end[has_next]] = rank[has_next] + np.int64(1)
    _require(rank == expected, "child_rank", columns, "siblings count from 0")


def _check_heights(columns, parent, roots):
    """Check that each is 0 for a leaf, and one more than the highest child's."""
    height, is_inner = columns.height, columns.n_children > 0
    _require((height == 0) | is_inner, "height", columns, "it is a leaf")
    is_child = np.ones(len(parent), dtype=bool)
    is_child[roots] = False
    fits = (height < height[parent]) | ~is_child
    _require(fits, "height", columns, "its parent's is not more")
    attains = np.zeros(len(parent), dtype=bool)
    attains[parent[is_child & (height + np.int64(1) == height[parent])]] = True
    _require(attains == is_inner, "height", columns, "no child's is one less")
