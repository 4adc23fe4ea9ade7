"""The structure of a batch of trees, as the passes through the network need it.

The rows of the codes are by depth, inner nodes only, so that a level is a slice and
every inner child of a level is in the next slice; the leaves follow, in the trees'
order. Both ways, roots down and leaves up, a pass goes by depth: the levels are as many
as by height, and one numbering serves all four passes of a gradient.

A *node* is a place in the batch's preorder, a *row* one in the codes.
"""

from typing import NamedTuple

import numpy as np
from scipy.sparse import csc_array, csr_array

from sk_autoenc.networks.tree.blends import leaf_shares
from sk_autoenc.trees.nodes import Nodes


class Wiring(NamedTuple):
    """What a network needs to know of how children and parents are joined."""

    by_leaves: bool = False
    """Whether children enter by their share of leaves, Eq. (41)."""
    means: bool = False
    """Whether the leaf-weighted mean of the children is needed, Eq. (80)."""
    decodes: bool = True
    """Whether there is a decoder."""


DECODED = Wiring()
"""Of Eqs. (22) and (23)."""


class Level(NamedTuple):
    """The inner nodes of one depth, those with an inner child first."""

    rows: slice
    """Of all of them."""
    parents: slice
    """Of those with an inner child."""
    children: slice
    """Of the next level, all of it."""
    spread: np.ndarray | csr_array | None
    """(n_children, 2 * n_parents): parents' halves -> children. None: no children, or
    nothing is decoded."""
    gather: np.ndarray | csc_array | None
    """Its transpose: children -> parents' sums."""
    enter: np.ndarray | csc_array | None
    """(n_weights * n_parents, n_children): children -> the sums that a code is made of;
    `gather` itself if it is equal. None: no children."""
    leave: np.ndarray | csr_array | None
    """Its transpose."""


class Structure(NamedTuple):
    """A batch of trees, ready for passes up and down."""

    trees: Nodes
    levels: list[Level]
    """From the roots down."""
    leaf_spread: csr_array | None
    """(n_leaves, 2 * n_inner): parents' halves -> leaves; a bare leaf gets 0. None:
    nothing is decoded."""
    leaf_gather: csc_array | None
    """Its transpose."""
    leaf_enter: csc_array
    """(n_weights * n_inner, n_leaves): `leaf_gather` as `Level.enter` is `gather`."""
    leaf_leave: csr_array
    """Its transpose."""
    node_of_row: np.ndarray
    """(n_nodes,) int."""
    row_of_node: np.ndarray
    """(n_nodes,) int: the inverse."""
    root_trees: np.ndarray
    """(n_roots,) int: the tree of each root that is an inner node, by row."""
    bare_trees: np.ndarray
    """(n_bare,) int: the trees that are one bare leaf."""
    bare_leaves: np.ndarray
    """(n_bare,) int: the number of each one's leaf, among the leaves."""

    @property
    def n_trees(self):
        """Number of trees."""
        return len(self.trees.tree_start) - 1

    @property
    def n_nodes(self):
        """Number of nodes."""
        return len(self.row_of_node)

    @property
    def n_leaves(self):
        """Number of leaves."""
        return self.leaf_leave.shape[0]

    @property
    def n_inner(self):
        """Number of inner nodes."""
        return self.n_nodes - self.n_leaves

    @property
    def leaf_table_rows(self):
        """The row of each leaf in the leaf table, (n_leaves,) int."""
        return self.trees.leaf_row[self.node_of_row[self.n_inner :]]

    @property
    def known_rows(self):
        """Which of the known vectors each leaf is, (n_leaves,) int; negative: none."""
        return self.trees.known_row[self.leaf_table_rows]

    @property
    def root_rows(self):
        """The row of each tree's root, (n_trees,) int."""
        return self.row_of_node[self.trees.tree_start[:-1]]

    def shares_of_leaves(self, dtype):
        """Give beta of Eq. (40), leaves(c) / leaves(p), 0 for a root, by row."""
        return leaf_shares(self.trees)[self.node_of_row].astype(dtype)

    def tree_of(self, nodes):
        """Return the number of the tree of each node."""
        return np.searchsorted(self.trees.tree_start, nodes, side="right") - 1

    def sum_by_tree(self, nodes, values):
        """Sum values of some nodes in each tree, (n_trees,) float64."""
        by_node = np.zeros(self.n_nodes)
        by_node[nodes] = values
        return np.add.reduceat(by_node, self.trees.tree_start[:-1])

    def sum_leaves_by_tree(self, values):
        """Sum values of all leaves in each tree, (n_trees,) float64."""
        leaf_nodes = self.node_of_row[self.n_inner :]
        first = leaf_nodes.searchsorted(self.trees.tree_start[:-1])
        return np.add.reduceat(values, first, dtype=np.float64)
