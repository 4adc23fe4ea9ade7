"""What the passes through encoder and decoder share: buffers, halves, sums of rows."""

from typing import NamedTuple

import numpy as np

from sk_autoenc.networks.buffers import Workspace
from sk_autoenc.networks.tree.parameters import Architecture, Parameters


class Context(NamedTuple):
    """What every pass over a block needs beside the block."""

    parameters: Parameters
    architecture: Architecture
    work: Workspace
    gradient: Parameters | None = None
    """What the backward passes add to; the others need none."""


def joined(rows, n_columns):
    """See rows 2p and 2p + 1 as the halves of row p; or more parts, by `n_columns`."""
    return rows.reshape(-1, n_columns)


def pairs(rows):
    """See rows 2p and 2p + 1 as the two halves of row p."""
    return joined(rows, 2 * rows.shape[1])


def halves(rows):
    """See row p as two rows 2p and 2p + 1."""
    return joined(rows, rows.shape[1] // 2)


def gather_leaves(gather, values, out):
    """Sum the leaves below each inner node: [s_L | s_R].

    Parameters
    ----------
    gather : csc_array of shape (n_weights * n_inner, n_leaves)
        `Structure.leaf_gather` or `leaf_enter`.
    values : ndarray of shape (n_leaves, n)
    out : ndarray of shape (n_inner, n_weights * n)
    """
    out[...] = joined(gather @ values, out.shape[1])
    return out


def read_leaves(structure, out):
    """Read the leaves' own vectors into `out`, (n_leaves, n_features), in its dtype."""
    table, rows = structure.trees.leaf_table, structure.leaf_table_rows
    if table.dtype == out.dtype:
        return table.take(rows, axis=0, out=out, mode="clip")
    out[...] = table.take(rows, axis=0)
    return out


def read_entering(context, structure, out):
    """Read what enters at the leaves into `out`: learned vectors where there are some.

    Those that are known to the trees are those that are learned.
    """
    learned = context.parameters.leaf_table
    if learned is None:
        return read_leaves(structure, out)
    rows = structure.known_rows
    is_learned = rows >= 0
    if is_learned.all():
        return learned.take(rows, axis=0, out=out, mode="clip")
    read_leaves(structure, out)
    out[is_learned] = learned[rows[is_learned]]
    return out


def add_product(out, left, right):
    """Add the sum over rows of outer products to a part of a gradient."""
    out += np.dot(left.T, right)


def add_to_table(gradient, structure, delta):
    """Add the gradient with respect to vectors of leaves to rows of the table.

    Parameters
    ----------
    gradient : Parameters
        Its `touched` grows by the rows.
    delta : ndarray of shape (n_leaves, n_features)
    """
    table, rows = gradient.leaf_table, structure.known_rows
    order = rows.argsort(kind="stable")
    order = order[rows[order].searchsorted(0) :]  # the others are not learned
    if not len(order):
        return
    ordered = rows[order]
    first = np.flatnonzero(np.diff(ordered, prepend=-1))
    touched = ordered[first]
    table[touched] += np.add.reduceat(delta[order], first, axis=0)
    gradient.touched = np.union1d(gradient.touched, touched)


def add_rows(out, rows):
    """Add the sum of rows to a part of a gradient."""
    out += np.add.reduce(rows, axis=0)
