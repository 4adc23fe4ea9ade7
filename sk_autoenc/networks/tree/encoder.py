"""The encoder, from the leaves up, and the way back through it.

Equation numbers are those of ``doc/derivation.md``. Every pass goes by level (see
`levels`), with one matrix product a level whatever the arities; the gradient of the
weights is one product over all inner nodes.

References
----------
Socher, Huang, Pennington, Ng, Manning. Dynamic pooling and unfolding recursive
autoencoders for paraphrase detection. NIPS 2011.
Abe. Unfolding RAE and BPTS; RAE. 2015.
"""

from typing import NamedTuple

import numpy as np

from sk_autoenc.networks.tree.passes import (
    add_product,
    add_rows,
    gather_leaves,
    halves,
    pairs,
    read_leaves,
)


class Encoding(NamedTuple):
    """The codes of a block and what their gradient needs."""

    codes: np.ndarray
    """vec(.) of all inner nodes by level, then all leaves, (n_nodes, n_components)."""
    sums: np.ndarray
    """[s_L | s_R] of each inner node's children, (n_inner, 2 * n_components)."""
    lengths: np.ndarray | None
    """Of inner codes before normalisation, (n_inner, 1). None: not normalised."""
    slopes: np.ndarray | None
    """f'(a), (n_inner, n_components), of inner codes that were scaled before they were
    normalised (`Activation.scaled`). It is scaled alike, and so are `lengths`: a factor
    of a row changes neither its direction nor the gradient of that. None: not scaled.
    """
    inputs: np.ndarray | None
    """What was projected to codes of leaves, (n_leaves, n_features). None: nothing."""
    factors: np.ndarray | None
    """What each node is multiplied by as a child, (n_nodes, 1). None: all 1."""

    @property
    def inner(self):
        """vec(p) of the inner nodes, by level."""
        return self.codes[: len(self.sums)]

    @property
    def leaves(self):
        """vec(l) of the leaves."""
        return self.codes[len(self.sums) :]


def encode(context, structure, inputs=None):
    """Encode all nodes, leaves up: Eq. (22) or (41).

    Parameters
    ----------
    context : Context
    structure : Structure
    inputs : ndarray of shape (n_leaves, n_features), default=None
        What enters at the leaves in place of their own vectors, for instance these
        corrupted.

    Returns
    -------
    Encoding
        In buffers of `context.work`.
    """
    parameters, architecture, work, _ = context
    activation, normalize = architecture.encoder_activation, architecture.normalize
    n_inner, n_components = structure.n_inner, parameters.n_components
    codes = work("codes", structure.n_nodes, n_components)
    inputs = encode_leaves(context, structure, inputs, codes[n_inner:])
    lengths = work("lengths", n_inner, 1) if normalize else None
    slopes = None
    if normalize and activation.scaled:
        slopes = work("encoder_slope", n_inner, n_components)
    factors = None
    if architecture.child_weights == "leaves":
        factors = structure.child_factors(codes.dtype)[:, None]
    sums = work("sums", n_inner, 2 * n_components)
    leaves = as_children(codes, factors, slice(n_inner, None))
    gather_leaves(structure, leaves, sums)
    for level in reversed(structure.levels):
        if level.gather is not None:
            children = as_children(codes, factors, level.children)
            sums[level.parents] += pairs(level.gather @ children)
        here = np.dot(sums[level.rows], parameters.encoder.T, out=codes[level.rows])
        here += parameters.encoder_intercept
        if slopes is None:
            activation.value(here)
        else:
            activation.scaled(here, slopes[level.rows])
        if normalize:
            normalise(here, lengths[level.rows])
    return Encoding(codes, sums, lengths, slopes, inputs, factors)


def as_children(values, factors, rows):
    """Take some rows, times their factors if there are any."""
    return values[rows] if factors is None else values[rows] * factors[rows]


def encode_leaves(context, structure, inputs, out):
    """Write vec(l) = U x_l + u, or x_l if there is no projection.

    Returns
    -------
    ndarray of shape (n_leaves, n_features) or None
        What was projected.
    """
    parameters = context.parameters
    if not parameters.projects:
        if inputs is None:
            read_leaves(structure, out)
        else:
            out[...] = inputs
        return None
    if inputs is None:
        n_features = parameters.leaf_encoder.shape[1]
        buffer = context.work("inputs", structure.n_leaves, n_features)
        inputs = read_leaves(structure, buffer)
    np.dot(inputs, parameters.leaf_encoder.T, out=out)
    out += parameters.leaf_encoder_intercept
    return inputs


def encoder_gradient(context, structure, encoding, buffer):
    """Backpropagate through the encoder, roots down: Eqs. (27)-(29), (42), (43).

    Parameters
    ----------
    context : Context
        The parts of the encoder in its gradient are added to.
    structure : Structure
    encoding : Encoding
    buffer : ndarray of shape (n_nodes, n_components)
        dE/dvec(.) but for what comes through the node's parent. Overwritten with dE/da
        of inner nodes and, with a projection, dE/dvec(l) of leaves.
    """
    parameters, architecture, work, gradient = context
    inner, sums, lengths = encoding.inner, encoding.sums, encoding.lengths
    factors = encoding.factors
    slope = encoder_slope(architecture.encoder_activation, encoding, work)
    back = work("pairs", *sums.shape)
    for level in structure.levels:
        here = buffer[level.rows]
        if lengths is not None:
            normalise_gradient(inner[level.rows], lengths[level.rows], here)
        here *= slope[level.rows]  # Eqs. (27, 28)
        if level.spread is not None:
            np.dot(buffer[level.parents], parameters.encoder, out=back[level.parents])
            down = level.spread @ halves(back[level.parents])
            if factors is not None:
                down *= factors[level.children]  # Eq. (42)
            buffer[level.children] += down
    delta, delta_leaves = np.split(buffer, [structure.n_inner])
    add_product(gradient.encoder, delta, sums)  # Eqs. (29, 43)
    add_rows(gradient.encoder_intercept, delta)
    if parameters.projects:  # Eq. (31) without its last term: the targets are fixed
        np.dot(delta, parameters.encoder, out=back)
        down = structure.leaf_spread @ halves(back)
        if factors is not None:
            down *= factors[structure.n_inner :]
        delta_leaves += down
        add_product(gradient.leaf_encoder, delta_leaves, encoding.inputs)
        add_rows(gradient.leaf_encoder_intercept, delta_leaves)


def encoder_slope(activation, encoding, work):
    """f'(a) of inner nodes, (n_inner, n_components); scaled if codes were."""
    outputs, lengths = encoding.inner, encoding.lengths
    if encoding.slopes is not None:
        return encoding.slopes
    if lengths is not None:
        outputs = np.multiply(outputs, lengths, out=work("outputs", *outputs.shape))
    return activation.slope(outputs, work("encoder_slope", *outputs.shape))


def normalise(buffer, lengths_out):
    """Divide each row of `buffer` by its length; write the lengths, 1 for 0.

    A length beyond the greatest number is infinite: a gradient over it is 0.
    """
    scale = np.abs(buffer).max(axis=1, keepdims=True)
    scale[scale == 0] = 1
    buffer /= scale  # so that no square overflows or vanishes
    np.sqrt(np.einsum("ij,ij->i", buffer, buffer), out=lengths_out[:, 0])
    lengths_out[lengths_out == 0] = 1
    buffer /= lengths_out
    with np.errstate(over="ignore"):
        lengths_out *= scale


def normalise_gradient(codes, lengths, buffer):
    """Turn dE/dvec(p), vec(p) = v / ||v||, in `buffer` into dE/dv.

    The Jacobian of v / ||v|| is (I - vec vec^T) / ||v||.
    """
    buffer -= codes * np.einsum("ij,ij->i", codes, buffer)[:, None]
    buffer /= lengths
