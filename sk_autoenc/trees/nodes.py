"""The nodes of a batch of trees as flat arrays, and batches made from them."""

from typing import NamedTuple

import numpy as np

LONGEST_PATH = 20
"""Steps of a path that a message shows in full."""
MOST_ROWS = 2**31
"""Rows of a table that int32 numbers."""
PART_ENTRIES = 2**20
"""Numbers of leaf vectors that are gathered at a time where all of a forest's nodes are
looked at: a forest may be larger than memory."""
PART_NODES = 2**17
"""Nodes, the same."""


class Columns(NamedTuple):
    """What a `Forest` knows of every node: int32 arrays of shape (n_nodes,).

    `Forest` says what each means. All but `leaf_row` count within a tree; that is int64
    if int32 does not number the rows of the table.
    """

    leaf_row: np.ndarray
    parent: np.ndarray
    child_rank: np.ndarray
    n_children: np.ndarray
    depth: np.ndarray
    height: np.ndarray
    size: np.ndarray

    def take(self, nodes):
        """Copy those of some nodes, in that order."""
        return Columns(*[column.take(nodes) for column in self])

    def part(self, nodes):
        """Take those of a slice of the nodes, without copying."""
        return Columns(*[column[nodes] for column in self])

    def with_rows(self, leaves, rows, n_rows):
        """Put other rows, of a table of `n_rows`, at the leaves; share all else."""
        leaf_row = np.full(len(self.leaf_row), -1, row_dtype(n_rows))
        leaf_row[leaves] = rows
        return self._replace(leaf_row=leaf_row)


def row_dtype(n_rows):
    """Choose the dtype of `leaf_row`: the smallest that numbers so many rows."""
    return np.dtype(np.int32 if n_rows <= MOST_ROWS else np.int64)


class Nodes(NamedTuple):
    """The nodes of a batch, in preorder, trees one after the other.

    A `Forest` has these attributes too.
    """

    leaf_table: np.ndarray
    """(n_distinct, n_features): the distinct leaf vectors."""
    tree_start: np.ndarray
    """(n_trees + 1,) int: first node of each tree."""
    leaf_row: np.ndarray
    """(n_nodes,) int: row of a leaf's vector in `leaf_table`; negative: inner node."""
    parent: np.ndarray
    """(n_nodes,) int: the parent's position in its tree; a root's is not used."""
    child_rank: np.ndarray
    """(n_nodes,) int: m - 1 of a node that is the m-th child."""
    n_children: np.ndarray
    """(n_nodes,) int."""
    depth: np.ndarray
    """(n_nodes,) int: 0 for a root."""
    size: np.ndarray
    """(n_nodes,) int: number of nodes in the subtree, the node included."""
    known_row: np.ndarray | None = None
    """(n_distinct,) int: which of some known vectors each row of `leaf_table` is;
    negative: none. None: none is known."""


def parents(nodes):
    """Give the node that is each node's parent; some node for a root."""
    root_nodes = nodes.tree_start[:-1]
    parent = nodes.parent + np.repeat(root_nodes, np.diff(nodes.tree_start))
    parent[root_nodes] = 0
    return parent


def between(nodes, first, last):
    """Take the trees from `first` to before `last`, without copying."""
    start = nodes.tree_start[first : last + 1]
    part = slice(start[0], start[-1])
    per_node = [getattr(nodes, name)[part] for name in Nodes._fields[2:-1]]
    return Nodes(nodes.leaf_table, start - start[0], *per_node, nodes.known_row)


def below(nodes, roots):
    """Make a tree of each of the nodes `roots` and all nodes below it."""
    size = nodes.size[roots]
    node, start = ranges(roots, size)
    tree = np.searchsorted(nodes.tree_start, roots, side="right") - 1
    return Nodes(
        nodes.leaf_table,
        start,
        nodes.leaf_row[node],
        nodes.parent[node] - np.repeat(roots - nodes.tree_start[tree], size),
        nodes.child_rank[node],
        nodes.n_children[node],
        nodes.depth[node] - np.repeat(nodes.depth[roots], size),
        nodes.size[node],
        nodes.known_row,
    )


def parts(forest):
    """Cut a forest into trees (first, last) whose leaf vectors may be gathered at once.

    Parameters
    ----------
    forest : Forest

    Returns
    -------
    iterator of (int, int)
        Runs of trees of bounded size, or of one larger tree.
    """
    most_nodes = max(1, min(PART_NODES, PART_ENTRIES // forest.n_features))
    return runs(forest.n_nodes, most_nodes)


def runs(sizes, max_size):
    """Cut a sequence into runs (first, last) of total size <= max_size, or of one."""
    start, first = starts(sizes), 0
    while first < len(sizes):
        end = start.searchsorted(start[first] + max_size, side="right") - 1
        last = max(first + 1, int(end))
        yield first, last
        first = last


def padded_runs(sizes, max_size):
    """Cut descending sizes into runs that fit when padded to their first, or of one."""
    first = 0
    while first < len(sizes):
        last = min(first + max(1, max_size // int(sizes[first])), len(sizes))
        yield first, last
        first = last


def starts(sizes):
    """Offsets of runs of these sizes: 0 and the running totals."""
    offsets = np.zeros(len(sizes) + 1, dtype=np.int64)
    np.cumsum(sizes, out=offsets[1:])
    return offsets


def ranges(first, sizes):
    """Give the members of runs of numbers, such as the nodes of chosen trees.

    Parameters
    ----------
    first : int array of shape (n_runs,)
        The first member of each.
    sizes : int array of shape (n_runs,)
        How many follow each other, that one included.

    Returns
    -------
    members : int array of shape (sizes.sum(),)
        Run after run.
    start : int64 array of shape (n_runs + 1,)
        Where each begins among them.
    """
    start = starts(sizes)
    members = np.repeat(first - start[:-1], sizes)
    members += np.arange(len(members))
    return members, start


def place(tree_start, columns, node):
    """Word the place of a node: ``tree 17, at [0][2]``.

    Parameters
    ----------
    tree_start : int array of shape (n_trees + 1,)
    columns : Columns or Forest
    node : int

    Returns
    -------
    str
        Its tree, and how to index the nested tuples to come to it.
    """
    tree = int(np.searchsorted(tree_start, node, side="right")) - 1
    start, steps = int(tree_start[tree]), []
    while columns.parent[node] >= 0:
        steps.append(int(columns.child_rank[node]))
        node = start + int(columns.parent[node])
    steps.reverse()
    return f"tree {tree}, at {path_in_words(steps)}"


def path_in_words(steps):
    """Word the way from a root to a node: ``[0][2]``, or ``the root``.

    Parameters
    ----------
    steps : list of int
        Which child to go to, from the root on.

    Returns
    -------
    str
        Long ways are cut in their middle.
    """
    words = [f"[{step}]" for step in steps]
    if len(words) > LONGEST_PATH:
        words[LONGEST_PATH - 1 : -1] = [f"...({len(words) - LONGEST_PATH} more)..."]
    return "".join(words) or "the root"
