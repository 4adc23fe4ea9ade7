"""The blend of Eq. (21) as matrices between parents and children.

With ``halves`` of shape (2 * n_parents, n), whose rows 2p and 2p + 1 are the left and
right half of parent p, ``spread @ halves`` is (1 - alpha) left + alpha right for each
child, and ``gather @ values`` with ``gather = spread.T`` is [s_L | s_R] of each parent.
With a third weight of each child there are three parts of a parent instead of two.
"""

from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array

from sk_autoenc.trees.nodes import parents, starts

DENSE_BLEND_SIZE = 2048
"""A blend of at most this many parents times children is a dense matrix: a product
with it takes no longer than with a sparse one, and making it takes a tenth."""
DENSE_BYTES = 2**20
DENSE_BYTES_PER_NODE = 128
"""The dense blends of a block take at most the greater of the two, for all its nodes:
in deep trees of wide nodes they would take many times what the codes do."""


class Blends(NamedTuple):
    """The rows (1 - alpha, alpha) of many children, at the two halves of their parents.

    Kept in CSR form without the zeros. There may be more weights than two.
    """

    parent: np.ndarray
    """(n_children,) int32."""
    weights: np.ndarray
    """(n_children, n_weights)."""
    data: np.ndarray
    """The weights that are not 0, (n_entries,)."""
    columns: np.ndarray
    """n_weights * parent, or so much more for another weight, (n_entries,) int."""
    child_start: np.ndarray
    """First entry of each child, (n_children + 1,) int."""

    @classmethod
    def of(cls, parent, weights):
        """Make the CSR form."""
        kept = weights != 0
        n_weights = weights.shape[1]
        columns = n_weights * parent[:, None] + np.arange(n_weights, dtype=np.int32)
        child_start = np.zeros(len(parent) + 1, np.int32)
        np.cumsum(kept.sum(axis=1, dtype=np.int32), out=child_start[1:])
        return cls(parent, weights, weights[kept], columns[kept], child_start)

    def sparse(self, first, n_children, n_parents):
        """Make the matrix (n_children, n_weights * n_parents) of some children."""
        start = self.child_start[first : first + n_children + 1]
        part = slice(start[0], start[-1])
        return csr_array(
            (self.data[part], self.columns[part], start - start[0]),
            shape=(n_children, self.weights.shape[1] * n_parents),
        )

    def dense(self, n_children, n_parents, chosen):
        """Make the matrices of some of the first levels of children, end to end.

        Parameters
        ----------
        n_children, n_parents : ndarray of int of shape (n_levels,)
            Each level's shape; the children are by level.
        chosen : ndarray of bool of shape (n_levels,)

        Returns
        -------
        dense : ndarray
            The entries of all matrices (n_children, n_weights * n_parents).
        level_start : ndarray of int of shape (n_levels + 1,)
            Where each level's begin.
        """
        n_weights = self.weights.shape[1]
        level_start = starts(n_weights * n_parents * n_children * chosen)
        dense = np.zeros(level_start[-1], self.weights.dtype)
        level = np.repeat(np.arange(len(n_children), dtype=np.int32), n_children)
        child = np.flatnonzero(chosen[level])
        level = level[child]
        row = child - starts(n_children)[level]
        place = row * n_parents[level] + self.parent[child]
        first = level_start[level] + n_weights * place
        for number, weight in enumerate(self.weights[child].T):
            dense[first + number] = weight
        return dense, level_start


def weigh(trees, children, parent, dtype):
    """(1 - alpha, alpha) of Eq. (20) for each child, (n_children, 2)."""
    last_rank = trees.n_children[parent[children]] - 1
    weights = np.full((len(children), 2), 0.5, dtype)
    left, right = weights.T
    rank = trees.child_rank[children]
    np.divide(rank, last_rank, out=right, where=last_rank > 0, casting="same_kind")
    np.subtract(1, right, out=left)
    return weights


def weigh_entering(trees, children, weights, *, by_leaves, means):
    """Weights of the children as they enter the encoder.

    Parameters
    ----------
    trees : Nodes or Forest
    children : ndarray of int of shape (n_children,)
    weights : ndarray of shape (n_children, 2)
        (1 - alpha, alpha).
    by_leaves : bool
        Multiply them by M beta, Eq. (41).
    means : bool
        Put beta beside them, for the leaf-weighted mean of Eq. (80).

    Returns
    -------
    ndarray of shape (n_children, 2 or 3)
        `weights` itself if neither is asked for.
    """
    if not (by_leaves or means):
        return weights
    share = leaf_shares(trees)[children].astype(weights.dtype)
    if by_leaves:
        n_siblings = trees.n_children[parents(trees)[children]]
        weights = weights * (n_siblings.astype(weights.dtype) * share)[:, None]
    return np.column_stack([weights, share]) if means else weights


def leaf_shares(trees):
    """Give beta of Eq. (40), leaves(c) / leaves(p), of every node; 0 for a root."""
    before = starts(trees.leaf_row >= 0)
    first = np.arange(len(trees.leaf_row))
    n_leaves = before[first + trees.size] - before[first]
    share = n_leaves / n_leaves[parents(trees)]
    share[trees.tree_start[:-1]] = 0
    return share


def choose_dense(n_parents, n_children, n_nodes, entry_bytes):
    """Choose the levels whose blends are dense matrices, the smallest first.

    Parameters
    ----------
    n_parents, n_children : ndarray of int of shape (n_levels,)
    n_nodes : int
        All nodes of the block.
    entry_bytes : int
        Of all weights of a child.

    Returns
    -------
    ndarray of bool of shape (n_levels,)
    """
    size = n_parents * n_children
    chosen = size <= DENSE_BLEND_SIZE
    limit = max(DENSE_BYTES, DENSE_BYTES_PER_NODE * n_nodes) // entry_bytes
    if size @ chosen > limit:
        by_size = size.argsort(kind="stable")
        chosen[by_size] &= size[by_size].cumsum() <= limit
    return chosen
