"""Losses of trees, each with its gradient in the decoder.

Equation numbers are those of ``doc/derivation.md``. A loss is a function of a block
that gives the loss of each tree and, if it gets a buffer for dE/dvec(.), adds the
decoder's gradient on the way: so its value is written once. To add one: write it and
add a line to `LOSSES`.
"""

import numpy as np

from sk_autoenc.networks.tree.decoder import (
    decode_children,
    decode_children_gradient,
    project_out,
    project_out_gradient,
    unfold,
    unfold_gradient,
)
from sk_autoenc.networks.tree.levels import subtrees
from sk_autoenc.networks.tree.passes import read_leaves


def unfold_root_losses(context, structure, encoding, buffer=None, tree_weights=None):
    """Eq. (24) of each tree.

    Parameters
    ----------
    context : Context
        The parts of the decoder in its gradient are added to, if there is a `buffer`.
    structure : Structure
    encoding : Encoding
    buffer : ndarray of shape (n_nodes, n_components), default=None
        dE/dvec(.) of the roots of what is unfolded is added to it.
    tree_weights : ndarray of shape (n_trees,), default=None
        What the loss of each tree is multiplied by; None: 1.

    Returns
    -------
    losses : ndarray of shape (n_trees,), float64
    """
    return unfolding_losses(
        context, structure, encoding, structure.root_rows, buffer, tree_weights
    )


def unfold_all_losses(context, structure, encoding, buffer=None, tree_weights=None):
    """Eq. (24) summed over all subtrees of each tree.

    Takes and gives what `unfold_root_losses` does.
    """
    losses = np.zeros(structure.n_trees)
    for roots, part in subtrees(
        structure.trees, encoding.codes.shape[1], encoding.codes.dtype
    ):
        rows = structure.row_of_node[roots]
        weights = None
        if tree_weights is not None:
            weights = tree_weights[structure.tree_of(roots)]
        by_root = unfolding_losses(context, part, encoding, rows, buffer, weights)
        losses += structure.sum_by_tree(roots, by_root)
    return losses


def unfolding_losses(context, structure, encoding, root_rows, buffer, tree_weights):
    """Eq. (24) of each tree of `structure`, unfolded from given rows of the codes.

    Parameters
    ----------
    root_rows : ndarray of int of shape (n_trees,)
        In the codes of `encoding` and in `buffer`; each once.
    """
    decoding = unfold(context, structure, encoding.codes[root_rows])
    errors = leaf_errors(context, structure, decoding.leaves)
    by_leaf = half_squares(errors)
    if tree_weights is not None:
        leaf_nodes = structure.node_of_row[structure.n_inner :]
        leaf_weights = tree_weights[structure.tree_of(leaf_nodes)].astype(errors.dtype)
        by_leaf *= leaf_weights
        errors *= leaf_weights[:, None]
    if buffer is not None:
        delta_leaves = project_out_gradient(context, decoding.leaves, errors)
        delta_roots = unfold_gradient(context, structure, decoding, delta_leaves)
        buffer[root_rows] += delta_roots
    return structure.sum_leaves_by_tree(by_leaf)


def children_losses(context, structure, encoding, buffer=None, tree_weights=None):
    """Eq. (40) summed over the inner nodes of each tree.

    Takes and gives what `unfold_root_losses` does. What is written into `buffer` is
    dE/dvec(.) as far as it comes from the node's own reconstruction of its children,
    and from its being a target of its parent.
    """
    n_inner = structure.n_inner
    decoding = decode_children(context, structure, encoding)
    inner_errors = context.work("inner_errors", *decoding.inner.shape)
    np.subtract(decoding.inner, encoding.inner, out=inner_errors)
    errors = leaf_errors(context, structure, decoding.leaves)
    shares = structure.shares_of_leaves(errors.dtype)
    if tree_weights is not None:
        shares *= tree_weights[structure.tree_of(structure.node_of_row)]
    values = np.concatenate([half_squares(inner_errors), half_squares(errors)])
    losses = structure.sum_by_tree(structure.node_of_row, shares * values)
    if buffer is not None:
        inner_errors *= shares[:n_inner, None]
        errors *= shares[n_inner:, None]
        delta_leaves = project_out_gradient(context, decoding.leaves, errors)
        inner = buffer[:n_inner]
        inner += decode_children_gradient(
            context, structure, encoding, decoding, inner_errors, delta_leaves
        )
        inner -= inner_errors  # the targets move
    return losses


LOSSES = {
    "unfold_root": unfold_root_losses,
    "unfold_all": unfold_all_losses,
    "children": children_losses,
}
"""By `Architecture.loss`."""


def leaf_errors(context, structure, leaves):
    """x'_l - x_l of all leaves, in a buffer of `context.work`: (n_leaves, n_features).

    Parameters
    ----------
    leaves : ndarray of shape (n_leaves, n_components)
        vec'(l).
    """
    n_features = structure.trees.leaf_table.shape[1]
    errors = context.work("leaf_errors", len(leaves), n_features)
    read_leaves(structure, errors)
    return np.subtract(project_out(context, leaves), errors, out=errors)


def half_squares(errors):
    """Half the squared length of each row."""
    return 0.5 * np.einsum("ij,ij->i", errors, errors)
