"""The decoder, by unfolding or of direct children, and the way back through it.

Equation numbers are those of ``doc/derivation.md``. Every pass goes by level (see
`levels`), with one matrix product a level whatever the arities.
"""

from typing import NamedTuple

import numpy as np

from sk_autoenc.networks.tree.passes import (
    add_product,
    add_rows,
    gather_leaves,
    halves,
    pairs,
)
from sk_autoenc.parts.activations import identity_slope


class Decoding(NamedTuple):
    """What the decoder makes of codes, by unfolding or of direct children."""

    inner: np.ndarray
    """vec'(p), (n_inner, n_components)."""
    leaves: np.ndarray
    """vec'(l), (n_leaves, n_components)."""


def unfold(context, structure, codes):
    """Decode all nodes of trees from codes of their roots, roots down: Eq. (23).

    Parameters
    ----------
    context : Context
    structure : Structure
    codes : ndarray of shape (n_trees, n_components)
        Of the roots.

    Returns
    -------
    Decoding
        In buffers of `context.work`.
    """
    parameters, architecture, work, _ = context
    activate = architecture.decoder_activation.value
    inner = work("decoded", structure.n_inner, parameters.n_components)
    pair = work("pairs", structure.n_inner, 2 * parameters.n_components)
    inner[: len(structure.root_trees)] = codes[structure.root_trees]
    for level in structure.levels:
        np.dot(inner[level.rows], parameters.decoder.T, out=pair[level.rows])
        if level.spread is not None:
            blend = level.spread @ halves(pair[level.parents])
            below = inner[level.children]
            activate(np.add(blend, parameters.decoder_intercept, out=below))
    leaves = work("decoded_leaves", structure.n_leaves, parameters.n_components)
    blend = structure.leaf_spread @ halves(pair)
    activate(np.add(blend, parameters.decoder_intercept, out=leaves))
    leaves[structure.bare_leaves] = codes[structure.bare_trees]
    return Decoding(inner, leaves)


def unfold_gradient(context, structure, decoding, delta_leaves):
    """Backpropagate through `unfold`, leaves up: Eqs. (25), (26), (30).

    Parameters
    ----------
    delta_leaves : ndarray of shape (n_leaves, n_components)
        dE/dvec'(l).

    Returns
    -------
    delta_roots : ndarray of shape (n_trees, n_components)
        dE/dvec(root).
    """
    parameters, architecture, work, gradient = context
    activation, inner = architecture.decoder_activation, decoding.inner
    delta_roots = work("delta_roots", structure.n_trees, parameters.n_components)
    delta_roots[structure.bare_trees] = delta_leaves[structure.bare_leaves]
    delta_leaves = through_slope(context, decoding.leaves, delta_leaves, "leaf_slope")
    slope = None
    if activation.slope is not identity_slope:
        slope = activation.slope(inner, work("decoder_slope", *inner.shape))
    delta = work("delta_decoded", *inner.shape)
    sums = work("delta_sums", structure.n_inner, 2 * parameters.n_components)
    gather_leaves(structure.leaf_gather, delta_leaves, sums)
    for level in reversed(structure.levels):
        if level.gather is not None:
            sums[level.parents] += pairs(level.gather @ delta[level.children])
        here = np.dot(sums[level.rows], parameters.decoder, out=delta[level.rows])
        if slope is not None and level.rows.start:
            here *= slope[level.rows]  # Eq. (26); a'(root) does not exist
    add_decoder_gradient(gradient, sums, inner)
    delta_roots[structure.root_trees] = delta[: len(structure.root_trees)]
    return delta_roots


def decode_children(context, structure, encoding):
    """Decode every node from its parent's code: the x'_m of Eq. (40).

    Returns
    -------
    Decoding
        A root has no parent: what it gets is finite and means nothing.
    """
    parameters, architecture, work, _ = context
    codes, n_roots = encoding.inner, len(structure.root_trees)
    pair = work("pairs", structure.n_inner, 2 * parameters.n_components)
    np.dot(codes, parameters.decoder.T, out=pair)
    inner = work("decoded", *codes.shape)
    inner[:n_roots] = codes[:n_roots]
    for level in structure.levels:
        if level.spread is not None:
            inner[level.children] = level.spread @ halves(pair[level.parents])
    leaves = work("decoded_leaves", structure.n_leaves, parameters.n_components)
    leaves[...] = structure.leaf_spread @ halves(pair)
    for decoded in (inner[n_roots:], leaves):
        decoded += parameters.decoder_intercept
        architecture.decoder_activation.value(decoded)
    return Decoding(inner, leaves)


def decode_children_gradient(
    context, structure, encoding, decoding, delta_inner, delta_leaves
):
    """Backpropagate through `decode_children`: Eq. (30).

    Parameters
    ----------
    delta_inner : ndarray of shape (n_inner, n_components)
        dE/dx'_m of inner nodes; 0 for roots.
    delta_leaves : ndarray of shape (n_leaves, n_components)
        dE/dx'_m of leaves, before they are projected out.

    Returns
    -------
    ndarray of shape (n_inner, n_components)
        dE/dvec(p) as far as it comes from decoding p. In a buffer of `context.work`.
    """
    parameters, _, work, gradient = context
    delta_inner = through_slope(context, decoding.inner, delta_inner, "decoder_slope")
    delta_leaves = through_slope(context, decoding.leaves, delta_leaves, "leaf_slope")
    sums = work("delta_sums", structure.n_inner, 2 * parameters.n_components)
    gather_leaves(structure.leaf_gather, delta_leaves, sums)
    for level in structure.levels:
        if level.gather is not None:
            sums[level.parents] += pairs(level.gather @ delta_inner[level.children])
    add_decoder_gradient(gradient, sums, encoding.inner)
    delta = work("delta_decoded", *encoding.inner.shape)
    return np.dot(sums, parameters.decoder, out=delta)


def add_decoder_gradient(gradient, sums, codes):
    """Add Eq. (30), given [sum (1 - alpha) delta' | sum alpha delta'] of each parent.

    The two halves together are the sum of delta': a child's two weights add up to 1.
    """
    add_product(gradient.decoder, sums, codes)
    both = np.add.reduce(sums, axis=0)
    add_rows(gradient.decoder_intercept, both.reshape(2, -1))


def through_slope(context, outputs, delta, name):
    """Turn dE/dg(a'), given g(a'), into dE/da'.

    Returns
    -------
    ndarray
        The buffer `name` of `context.work`, or `delta` itself for the identity.
    """
    activation = context.architecture.decoder_activation
    if activation.slope is identity_slope:
        return delta
    slope = activation.slope(outputs, context.work(name, *outputs.shape))
    return np.multiply(delta, slope, out=slope)


def project_out(context, leaves):
    """Leaf vectors from leaf codes: U' vec'(l) + u'; without a projection as is.

    Returns
    -------
    ndarray of shape (n_leaves, n_features)
        `leaves` itself or a buffer of `context.work`.
    """
    parameters = context.parameters
    if not parameters.projects:
        return leaves
    n_features = len(parameters.leaf_decoder_intercept)
    vectors = context.work("decoded_vectors", len(leaves), n_features)
    np.dot(leaves, parameters.leaf_decoder.T, out=vectors)
    vectors += parameters.leaf_decoder_intercept
    return vectors


def project_out_gradient(context, leaves, delta):
    """Backpropagate through `project_out`.

    Parameters
    ----------
    leaves : ndarray of shape (n_leaves, n_components)
        vec'(l).
    delta : ndarray of shape (n_leaves, n_features)
        dE/dx'_l.

    Returns
    -------
    ndarray of shape (n_leaves, n_components)
        dE/dvec'(l): `delta` itself or a buffer of `context.work`.
    """
    parameters, _, work, gradient = context
    if not parameters.projects:
        return delta
    add_product(gradient.leaf_decoder, delta, leaves)
    add_rows(gradient.leaf_decoder_intercept, delta)
    delta_leaves = work("delta_leaves", *leaves.shape)
    return np.dot(delta, parameters.leaf_decoder, out=delta_leaves)
