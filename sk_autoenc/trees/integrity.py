"""Whether arrays are a forest: what a damaged or hostile file must not get past.

Everything that reads a `Forest` trusts its arrays, down to compiled code that does not
check its indexes. So they are checked once, where they come from outside.
"""

from typing import NamedTuple

import numpy as np

from sk_autoenc.trees.nodes import PART_NODES, Columns, runs

SIZES = (np.int32,)
ROWS = (np.int32, np.int64)


def check_arrays(leaf_table, tree_start, nodes):
    """Check that arrays are a forest, in time linear in its nodes.

    It takes memory for some of its trees at a time, or for one larger tree. Values of
    the leaf table are not looked at: no index is made of them.

    Parameters
    ----------
    leaf_table, tree_start, nodes : object
        As for `Forest`.

    Returns
    -------
    leaf_table, tree_start : ndarray
    columns : Columns
        All in this machine's byte order, without a copy where they are so already.

    Raises
    ------
    ValueError
        They are not a forest; the message says what is wrong.
    """
    leaf_table = _array(leaf_table, "leaf_table", 2, (np.float32, np.float64))
    tree_start = _array(tree_start, "tree_start", 1, (np.int64,))
    columns = _columns(nodes)
    if leaf_table.shape[1] == 0:
        raise ValueError("no forest: leaf_table has 0 features")
    _check_tree_start(tree_start, len(columns.size))
    for first, last in runs(np.diff(tree_start), PART_NODES):
        start = tree_start[first : last + 1]
        nodes = slice(int(start[0]), int(start[-1]))
        part = Part(columns.part(nodes), start - start[0], nodes.start)
        _check_leaves(part, len(leaf_table))
        parent = _check_parents(part)
        _check_sizes(part, parent)
        _check_depths(part, parent)
        _check_ranks(part, parent)
        _check_heights(part, parent)
    return leaf_table, tree_start, columns


class Part(NamedTuple):
    """Some trees of a forest."""

    columns: Columns
    tree_start: np.ndarray
    """The first node of each tree, and the end, in `columns`."""
    first_node: int
    """Of the forest: the first one here."""

    @property
    def roots(self):
        """The nodes that are roots."""
        return self.tree_start[:-1]

    def require(self, fits, name, why):
        """Refuse the first node that does not fit."""
        if not fits.all():
            node = int(np.argmin(fits))
            value = getattr(self.columns, name)[node]
            where = f"{name}[{self.first_node + node}]"
            raise ValueError(f"no forest: {where} is {value}, but {why}")


def _columns(nodes):
    """Read the columns: the rows of one array, or a sequence of arrays."""
    if not isinstance(nodes, tuple | list):
        nodes = _array(nodes, "nodes", 2, SIZES)
    if len(nodes) != len(Columns._fields):
        raise ValueError(
            f"no forest: nodes has {len(nodes)} rows, not one for each of "
            f"{', '.join(Columns._fields)}"
        )
    named = zip(Columns._fields, nodes, strict=True)
    columns = Columns(
        *[_array(c, n, 1, ROWS if n == "leaf_row" else SIZES) for n, c in named]
    )
    for name, column in zip(Columns._fields, columns, strict=True):
        if len(column) != len(columns.size):
            raise ValueError(
                f"no forest: {name} is of {len(column)} nodes, but size of "
                f"{len(columns.size)}; all columns are of one length"
            )
    return columns


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


def _check_leaves(part, n_rows):
    columns = part.columns
    is_leaf = columns.n_children == 0
    part.require(columns.n_children >= 0, "n_children", "it is a number")
    row = columns.leaf_row
    part.require((row >= 0) == is_leaf, "leaf_row", "leaves alone have a row")
    part.require(row >= -1, "leaf_row", "an inner node has -1")
    part.require(row < n_rows, "leaf_row", f"the table has {n_rows} rows")


def _check_parents(part):
    """Check parents, and give them as nodes; a root's is itself."""
    columns, tree_start, _ = part
    n_nodes = len(columns.size)
    start = np.repeat(tree_start[:-1], np.diff(tree_start))
    is_root = np.zeros(n_nodes, dtype=bool)
    is_root[tree_start[:-1]] = True
    part.require((columns.parent == -1) | ~is_root, "parent", "a root has no parent")
    part.require((columns.parent >= 0) | is_root, "parent", "it is not a root")
    parent = columns.parent + start
    parent[is_root] = tree_start[:-1]
    fits = (parent < np.arange(n_nodes)) | is_root
    part.require(fits, "parent", "a parent stands before its children")
    n_children = np.bincount(parent[~is_root], minlength=n_nodes)
    fits = columns.n_children == n_children
    part.require(fits, "n_children", "as many nodes as that do not name it parent")
    return parent


def _check_sizes(part, parent):
    """Check that subtrees have their sizes, and each the places after its root.

    Sizes are right if each is 1 and the sum of the children's. No subtree reaches
    beyond its parent's: then the size nodes of each, none of which is before its root,
    fill the size places from it on, and that is preorder.
    """
    size, node, roots = part.columns.size, np.arange(len(parent)), part.roots
    part.require(size >= 1, "size", "a subtree has a node")
    children = np.bincount(parent, weights=size, minlength=len(parent))
    children[roots] -= size[roots]  # a root is no child of its own
    part.require(size == 1 + children, "size", "its children's sum up to another")
    end = node + size
    fits = end <= end[parent]
    part.require(fits, "size", "it reaches beyond its parent's subtree")


def _check_depths(part, parent):
    depth = part.columns.depth
    expected = depth[parent] + 1
    expected[part.roots] = 0
    fits = depth == expected
    part.require(fits, "depth", "it is one more than its parent's, 0 for a root")


def _check_ranks(part, parent):
    """Check the ranks of first children, then of each next sibling."""
    rank, node = part.columns.child_rank, np.arange(len(parent))
    expected = np.zeros(len(parent), dtype=np.int64)
    end = node + part.columns.size
    has_next = end < end[parent]
    expected[end[has_next]] = rank[has_next] + np.int64(1)
    part.require(rank == expected, "child_rank", "siblings count from 0")


def _check_heights(part, parent):
    """Check that each is 0 for a leaf, and one more than the highest child's."""
    height, is_inner = part.columns.height, part.columns.n_children > 0
    part.require((height == 0) | is_inner, "height", "it is a leaf")
    is_child = np.ones(len(parent), dtype=bool)
    is_child[part.roots] = False
    fits = (height < height[parent]) | ~is_child
    part.require(fits, "height", "its parent's is not more")
    attains = np.zeros(len(parent), dtype=bool)
    attains[parent[is_child & (height + np.int64(1) == height[parent])]] = True
    part.require(attains == is_inner, "height", "no child's is one less")
