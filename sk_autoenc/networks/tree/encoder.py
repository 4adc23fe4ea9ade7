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

from functools import partial
from typing import NamedTuple

import numpy as np

from sk_autoenc.networks.tree.passes import (
    add_product,
    add_rows,
    add_to_table,
    gather_leaves,
    joined,
    read_entering,
)
from sk_autoenc.parts.compositions import Flow, Kept


class Encoding(NamedTuple):
    """The codes of a block and what their gradient needs."""

    states: tuple[np.ndarray, ...]
    """vec(.) of all inner nodes by level, then all leaves, (n_nodes, n_components);
    after it whatever else the composition sends up."""
    kept: Kept
    """Of the inner nodes."""
    lengths: np.ndarray | None
    """Of inner codes before normalisation, (n_inner, 1). None: not normalised."""
    slopes: np.ndarray | None
    """f'(a), (n_inner, n_components), of inner codes that were scaled before they were
    normalised (`Activation.scaled`). It is scaled alike, and so are `lengths`: a factor
    of a row changes neither its direction nor the gradient of that. None: not scaled.
    """
    inputs: np.ndarray | None
    """What was projected to codes of leaves, (n_leaves, n_features). None: nothing."""
    leaf_factors: np.ndarray | None
    """What codes of leaves were multiplied by, (n_leaves, n_components)."""

    @property
    def codes(self):
        """vec(.) of all nodes."""
        return self.states[0]

    @property
    def inner(self):
        """vec(p) of the inner nodes, by level."""
        return self.kept.states[0]


def encode(context, structure, inputs=None, leaf_factors=None):
    """Encode all nodes, leaves up: Eq. (22), (41), (80) or (82).

    Parameters
    ----------
    context : Context
    structure : Structure
    inputs : ndarray of shape (n_leaves, n_features), default=None
        What enters at the leaves in place of their own vectors, for instance these
        corrupted.
    leaf_factors : ndarray of shape (n_leaves, n_components), default=None
        What codes of leaves are multiplied by: dropout. None: nothing.

    Returns
    -------
    Encoding
        In buffers of `context.work`.
    """
    parameters, architecture, work, _ = context
    activation, normalize = architecture.encoder_activation, architecture.normalize
    composition = architecture.composition
    n_inner, n_components = structure.n_inner, parameters.n_components
    states = make_states(composition, work, structure.n_nodes, n_components)
    codes = states[0]
    inputs = encode_leaves(context, structure, inputs, codes[n_inner:])
    if leaf_factors is not None:
        codes[n_inner:] *= leaf_factors
    for other in states[1:]:
        other[n_inner:] = codes[n_inner:]
    lengths = work("lengths", n_inner, 1) if normalize else None
    slopes = None
    if normalize and composition.scales and activation.scaled:
        slopes = work("factors", n_inner, n_components)
    kept = make_kept(composition, work, states, n_inner)
    for state, total in zip(states, kept.sums, strict=True):
        gather_leaves(structure.leaf_enter, state[n_inner:], total)
    activate = activation.value
    weights, intercept = parameters.encoder, parameters.encoder_intercept
    for level in reversed(structure.levels):
        if level.enter is not None:
            for state, total in zip(states, kept.sums, strict=True):
                above = total[level.parents]
                above += joined(level.enter @ state[level.children], above.shape[1])
        if slopes is not None:
            activate = partial(activation.scaled, slope=slopes[level.rows])
        composition.forward(weights, intercept, activate, kept, level.rows)
        if normalize:
            normalise(codes[level.rows], lengths[level.rows])
    return Encoding(states, kept, lengths, slopes, inputs, leaf_factors)


def make_states(composition, work, n_nodes, n_components):
    """Take buffers for what a composition sends up, the codes first."""
    names = ("codes", "cells")[: composition.n_states]
    return tuple([work(name, n_nodes, n_components) for name in names])


def make_kept(composition, work, states, n_inner):
    """Take buffers for what is kept of the inner nodes."""
    n_components = states[0].shape[1]
    n_sums = (3 if composition.means else 2) * n_components
    names = ("sums", "cell_sums")[: len(states)]
    gates = None
    if composition.n_gates > 1:
        gates = work("gates", n_inner, composition.n_gates * n_components)
    return Kept(
        tuple([state[:n_inner] for state in states]),
        tuple([work(name, n_inner, n_sums) for name in names]),
        gates,
    )


def encode_leaves(context, structure, inputs, out):
    """Write vec(l) = U x_l + u, or x_l if there is no projection; x_l may be learned.

    Returns
    -------
    ndarray of shape (n_leaves, n_features) or None
        What was projected.
    """
    parameters = context.parameters
    if not parameters.projects:
        if inputs is None:
            read_entering(context, structure, out)
        else:
            out[...] = inputs
        return None
    if inputs is None:
        n_features = parameters.leaf_encoder.shape[1]
        buffer = context.work("inputs", structure.n_leaves, n_features)
        inputs = read_entering(context, structure, buffer)
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
        dE/dvec(.) but for what comes through the node's parent. Overwritten with the
        whole of it for leaves, before `leaf_factors`, and with anything for others.
    """
    parameters, architecture, work, gradient = context
    composition = architecture.composition
    n_inner, lengths, kept = structure.n_inner, encoding.lengths, encoding.kept
    factors = encoding.slopes
    if factors is None:
        factors = factors_of(context, encoding)
    deltas = (buffer, *(work("delta_cells", *buffer.shape) for _ in kept.states[1:]))
    for other in deltas[1:]:
        other.fill(0)
    delta_gates = buffer[:n_inner]
    if kept.gates is not None:
        delta_gates = work("delta_gates", *kept.gates.shape)
    names = ("pairs", "cell_pairs")[: len(kept.sums)]
    backs = [
        work(name, *total.shape) for name, total in zip(names, kept.sums, strict=True)
    ]
    flow = Flow(parameters.encoder, factors, deltas, delta_gates, tuple(backs))
    to_leaves = parameters.projects or parameters.learns_leaves
    for level in structure.levels:
        rows, above = level.rows, level.parents  # the first of `rows`
        if lengths is not None:
            normalise_gradient(encoding.inner[rows], lengths[rows], buffer[rows])
        composition.backward(flow, rows, rows if to_leaves else above)
        if level.leave is not None:
            for delta, back in zip(deltas, backs, strict=True):
                parts = joined(back[above], delta.shape[1])
                delta[level.children] += level.leave @ parts  # Eqs. (28), (42)
    sums = kept.sums[0][:, : 2 * parameters.n_components]
    add_product(gradient.encoder, delta_gates, sums)  # Eqs. (29, 43)
    add_rows(gradient.encoder_intercept, delta_gates)
    if to_leaves:
        delta_leaves = buffer[n_inner:]
        for delta, back in zip(deltas, backs, strict=True):
            delta_leaves += structure.leaf_leave @ joined(back, delta.shape[1])
        leaf_gradient(context, structure, encoding, delta_leaves, deltas[1:])


def factors_of(context, encoding):
    """Derive all inner codes, before they were normalised, by what they are made of."""
    _, architecture, work, _ = context
    kept, lengths = encoding.kept, encoding.lengths
    if lengths is not None:
        codes = kept.states[0]
        codes = np.multiply(codes, lengths, out=work("outputs", *codes.shape))
        kept = kept._replace(states=(codes, *kept.states[1:]))
    return architecture.composition.factors(architecture.encoder_activation, kept, work)


def leaf_gradient(context, structure, encoding, delta_leaves, others):
    """Backpropagate from codes of leaves to what made them: Eq. (31).

    Without its last term, since the targets are fixed.

    Parameters
    ----------
    delta_leaves : ndarray of shape (n_leaves, n_components)
        dE/dvec(l), overwritten.
    others : tuple of ndarray of shape (n_nodes, n_components)
        The same of what else starts as the code of a leaf.
    """
    parameters, _, work, gradient = context
    for other in others:
        delta_leaves += other[structure.n_inner :]
    if encoding.leaf_factors is not None:
        delta_leaves *= encoding.leaf_factors
    if parameters.projects:
        add_product(gradient.leaf_encoder, delta_leaves, encoding.inputs)
        add_rows(gradient.leaf_encoder_intercept, delta_leaves)
    if parameters.learns_leaves:
        delta = delta_leaves
        if parameters.projects:
            delta = work("delta_entering", *encoding.inputs.shape)
            np.dot(delta_leaves, parameters.leaf_encoder, out=delta)
        add_to_table(gradient, structure, delta)


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
