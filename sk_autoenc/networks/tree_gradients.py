"""Value and gradient of recursive autoencoders: backpropagation through structure.

Equation numbers are those of ``doc/derivation.md``. Every pass goes by level; gradients
of weights are one matrix product each over all inner nodes of a block.
"""

import numpy as np

from sk_autoenc.networks.parameters import penalise
from sk_autoenc.networks.tree import (
    decode_children,
    encode,
    halves,
    leaf_vectors,
    pairs,
    project_out,
    sum_leaves,
    unfold,
    unfoldings,
)
from sk_autoenc.parts.activations import identity_slope


def value_and_gradient(network, blocks, inputs=None, scale=1.0):
    """Value and gradient of the mean over trees of the objective, plus the penalty.

    Parameters
    ----------
    network : Network
        Its gradient is overwritten.
    blocks : iterable of Levels
        The batch, in one or more blocks.
    inputs : ndarray of shape (n_leaves, n_features), default=None
        What enters at the leaves of the whole batch in place of their own vectors, for
        instance these corrupted. A leaf's target is always its own vector; the moving
        target of an inner node, Eq. (40), is its code, made of `inputs`.
    scale : float, default=1.0
        What the gradient, but not the value, is multiplied by.

    Returns
    -------
    value : float
    gradient : Parameters
    """
    parameters, architecture, _, gradient = network
    gradient.flat.fill(0)
    value, n_trees, n_leaves = 0.0, 0, 0
    for levels in blocks:
        if inputs is None:
            vectors = leaf_vectors(network, levels, "inputs")
        else:
            vectors = inputs[n_leaves : n_leaves + levels.n_leaves]
        value += add_block(network, levels, vectors)
        n_trees += levels.n_trees
        n_leaves += levels.n_leaves
    np.multiply(gradient.flat, scale / n_trees, out=gradient.flat)
    penalty = penalise(parameters, architecture.alpha, gradient, scale)
    return value / n_trees + penalty, gradient


def add_block(network, levels, inputs):
    """Give the value summed over the trees of a block; add its gradient."""
    encoding = encode(network, levels, inputs)
    delta = network.work("delta", *encoding.codes.shape)
    delta.fill(0)
    value = OBJECTIVES[network.architecture.objective](network, levels, encoding, delta)
    encoder_gradient(network, levels, encoding, delta)
    if network.parameters.projects:
        delta_leaves = delta[levels.n_inner :]
        add_product(network.gradient.leaf_encoder, delta_leaves, inputs)
        add_rows(network.gradient.leaf_encoder_intercept, delta_leaves)
    return value


def unfolding_objective(network, levels, encoding, delta):
    """Value of (24), summed over what is unfolded; gradient in the decoder.

    Parameters
    ----------
    delta : ndarray of shape (n_nodes, n_components)
        Zeros; dE/dvec(.) of the roots of what is unfolded is written into it.
    """
    value = 0.0
    for roots, part in unfoldings(network, levels):
        rows = levels.position[roots]
        part_value, delta[rows] = add_unfolding(network, part, encoding.codes[rows])
        value += part_value
    return value


def add_unfolding(network, levels, codes):
    """Unfold trees and backpropagate through the decoder: Eqs. (24)-(26), (30).

    Parameters
    ----------
    codes : ndarray of shape (n_trees, n_components)
        Of the roots.

    Returns
    -------
    value : float
        Sum over trees.
    delta_roots : ndarray of shape (n_trees, n_components)
        dE/dvec(root).
    """
    parameters, architecture, work, gradient = network
    activation, n_roots = architecture.decoder_activation, len(levels.root_trees)
    inner, leaves = unfold(network, levels, codes)
    leaf_slope = slope_or_none(activation, leaves, work("leaf_slope", *leaves.shape))
    value, delta_leaves = leaf_value_and_delta(network, levels, leaves)
    delta_roots = work("delta_roots", *codes.shape)
    delta_roots[levels.bare_trees] = delta_leaves[levels.bare_leaves]
    multiply_slope(delta_leaves, leaf_slope)  # Eq. (25)
    slope = slope_or_none(activation, inner, work("slope", *inner.shape))
    delta = work("delta_decoded", *inner.shape)
    sums = sum_leaves(network, levels, delta_leaves, "delta_sums")
    for level in reversed(levels.levels):
        if level.gather is not None:
            sums[level.parents] += pairs(level.gather @ delta[level.children])
        here = np.dot(sums[level.nodes], parameters.decoder, out=delta[level.nodes])
        if slope is not None and level.nodes.start:
            here *= slope[level.nodes]  # Eq. (26); a'(root) does not exist
    add_decoder_gradient(gradient, sums, inner)
    delta_roots[levels.root_trees] = delta[:n_roots]
    return value, delta_roots


def children_objective(network, levels, encoding, delta):
    """Value of (40), summed over trees; gradient in the decoder.

    Parameters
    ----------
    delta : ndarray of shape (n_nodes, n_components)
        Zeros; dE/dvec(.) is written into it, as far as it comes from the node's own
        reconstruction of its children, and from its being a target of its parent.
    """
    parameters, architecture, work, gradient = network
    activation, n_inner = architecture.decoder_activation, levels.n_inner
    inner, leaves = decode_children(network, levels, encoding)
    inner_shares, leaf_shares = np.split(
        levels.shares_of_leaves(inner.dtype)[:, None], [n_inner]
    )
    leaf_slope = slope_or_none(activation, leaves, work("leaf_slope", *leaves.shape))
    slope = slope_or_none(activation, inner, work("slope", *inner.shape))
    value, delta_leaves = leaf_value_and_delta(network, levels, leaves, leaf_shares)
    multiply_slope(delta_leaves, leaf_slope)

    inner -= encoding.inner
    delta_decoded = np.multiply(
        inner, inner_shares, out=work("delta_decoded", *inner.shape)
    )
    value += 0.5 * float(np.vdot(inner, delta_decoded))
    delta[:n_inner] -= delta_decoded  # the targets move
    multiply_slope(delta_decoded, slope)
    sums = sum_leaves(network, levels, delta_leaves, "delta_sums")
    for level in levels.levels:
        if level.gather is not None:
            sums[level.parents] += pairs(level.gather @ delta_decoded[level.children])
    delta[:n_inner] += np.dot(sums, parameters.decoder, out=inner)  # a free buffer
    add_decoder_gradient(gradient, sums, encoding.inner)
    return value


OBJECTIVES = {
    "unfold_root": unfolding_objective,
    "unfold_all": unfolding_objective,
    "children": children_objective,
}


def leaf_value_and_delta(network, levels, leaves, weights=None):
    """Value of 1/2 sum_l weight_l ||x'_l - x_l||^2, and dE/dvec'(l).

    Parameters
    ----------
    leaves : ndarray of shape (n_leaves, n_components)
        vec'(l). Overwritten, with dE/dvec'(l) or otherwise.
    weights : ndarray of shape (n_leaves, 1), default=None
        None is all ones.
    """
    parameters, _, work, gradient = network
    residual = project_out(network, leaves)
    residual -= leaf_vectors(network, levels)
    delta = residual
    if weights is not None:
        delta = np.multiply(residual, weights, out=work("weighted", *residual.shape))
    value = 0.5 * float(np.vdot(residual, delta))
    if parameters.projects:
        add_product(gradient.leaf_decoder, delta, leaves)
        add_rows(gradient.leaf_decoder_intercept, delta)
        delta = np.dot(delta, parameters.leaf_decoder, out=leaves)
    return value, delta


def encoder_gradient(network, levels, encoding, delta):
    """Backpropagate through the encoder, roots down: Eqs. (27)-(29).

    Parameters
    ----------
    delta : ndarray of shape (n_nodes, n_components)
        dE/dvec(.) but for what comes through the node's parent. Overwritten with dE/da
        of inner nodes and, with a projection, dE/dvec(l) of leaves.
    """
    parameters, architecture, work, gradient = network
    inner, sums, lengths = encoding.inner, encoding.sums, encoding.lengths
    outputs = inner
    if lengths is not None:
        outputs = np.multiply(inner, lengths, out=work("outputs", *inner.shape))
    slope = architecture.encoder_activation.slope(outputs, work("slope", *inner.shape))
    back = work("pairs", *sums.shape)
    for level in levels.levels:
        here = delta[level.nodes]
        if lengths is not None:
            normalise_delta(here, inner[level.nodes], lengths[level.nodes])
        here *= slope[level.nodes]  # Eqs. (27, 28)
        if level.spread is not None:
            np.dot(delta[level.parents], parameters.encoder, out=back[level.parents])
            delta[level.children] += level.spread @ halves(back[level.parents])
    delta, delta_leaves = np.split(delta, [levels.n_inner])
    add_product(gradient.encoder, delta, sums)  # Eq. (29)
    add_rows(gradient.encoder_intercept, delta)
    if parameters.projects:  # Eq. (31) without its last term: the targets are fixed
        np.dot(delta, parameters.encoder, out=back)
        delta_leaves += levels.leaf_spread @ halves(back)


def normalise_delta(delta, codes, lengths):
    """Turn dE/dvec(p), vec(p) = v / ||v||, into dE/dv, in place.

    The Jacobian of v / ||v|| is (I - vec vec^T) / ||v||.
    """
    delta -= codes * np.einsum("ij,ij->i", codes, delta)[:, None]
    delta /= lengths


def add_decoder_gradient(gradient, sums, codes):
    """Add Eq. (30), given [sum (1 - alpha) delta' | sum alpha delta'] of each parent.

    The two halves together are the sum of delta': a child's two weights add up to 1.
    """
    add_product(gradient.decoder, sums, codes)
    both = np.add.reduce(sums, axis=0)
    add_rows(gradient.decoder_intercept, both.reshape(2, -1))


def add_product(slot, left, right):
    """Add the sum over rows of outer products to a part of a gradient."""
    slot += np.dot(left.T, right)


def add_rows(slot, rows):
    """Add the sum of rows to a part of a gradient."""
    slot += np.add.reduce(rows, axis=0)


def slope_or_none(activation, output, out):
    """Slope of an activation, written into `out`; None for the identity, all ones."""
    if activation.slope is identity_slope:
        return None
    return activation.slope(output, out)


def multiply_slope(delta, slope):
    """Multiply by a slope that may be None, in place."""
    if slope is not None:
        delta *= slope
