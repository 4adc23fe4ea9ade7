"""Recursive autoencoders over trees of any arity: codes, unfolding, losses.

Equation numbers are those of ``doc/derivation.md``. Rows are nodes. Every pass goes by
level (see `levels`), with one matrix product a level whatever the arities. The way back
is in `tree_gradients`.

References
----------
Socher, Huang, Pennington, Ng, Manning. Dynamic pooling and unfolding recursive
autoencoders for paraphrase detection. NIPS 2011.
Abe. Unfolding RAE and BPTS; RAE. 2015.
"""

from typing import NamedTuple

import numpy as np

from sk_autoenc.networks.levels import subtrees
from sk_autoenc.networks.tree_parameters import Architecture, Parameters


class Workspace:
    """Buffers by name, made once and used for every batch; they grow when needed.

    Large arrays that live together and are made anew for each batch are given back to
    the system after it, and the page faults of the next cost a quarter of the time. So
    a sparse product, which cannot write into a buffer, is copied into one at once.
    """

    def __init__(self, dtype):
        self.dtype = dtype
        self._buffers = {}

    def __call__(self, name, n_rows, n_columns):
        """Return the buffer `name` as a C-contiguous array, its contents undefined."""
        size = n_rows * n_columns
        buffer = self._buffers.get(name)
        if buffer is None or buffer.size < size:
            buffer = self._buffers[name] = np.empty(size + size // 4, self.dtype)
        return buffer[:size].reshape(n_rows, n_columns)


class Network(NamedTuple):
    """Parameters with what a pass over a batch needs."""

    parameters: Parameters
    architecture: Architecture
    work: Workspace
    gradient: Parameters | None = None
    """Overwritten by `value_and_gradient`; passes without a gradient need none."""


class Encoding(NamedTuple):
    """The codes of a batch and what their gradient needs."""

    codes: np.ndarray
    """vec(.) of all inner nodes by level, then all leaves, (n_nodes, n_components)."""
    sums: np.ndarray
    """[s_L | s_R] of each inner node's children, (n_inner, 2 * n_components)."""
    lengths: np.ndarray | None
    """Of inner codes before normalisation, (n_inner, 1). None: not normalised."""

    @property
    def inner(self):
        """vec(p) of the inner nodes, by level."""
        return self.codes[: len(self.sums)]

    @property
    def leaves(self):
        """vec(l) of the leaves."""
        return self.codes[len(self.sums) :]


class Decoding(NamedTuple):
    """What the decoder makes of codes, by unfolding or of direct children."""

    inner: np.ndarray
    """vec'(p), (n_inner, n_components)."""
    leaves: np.ndarray
    """vec'(l), (n_leaves, n_components)."""


def pairs(rows):
    """See rows 2p and 2p + 1 as the two halves of row p."""
    return rows.reshape(len(rows) // 2, 2 * rows.shape[1])


def halves(rows):
    """See row p as two rows 2p and 2p + 1."""
    return rows.reshape(2 * len(rows), rows.shape[1] // 2)


def leaf_vectors(network, levels, name="targets"):
    """Gather the leaves' own vectors, (n_leaves, n_features), in the buffer `name`."""
    table = levels.nodes.leaf_table
    vectors = network.work(name, levels.n_leaves, table.shape[1])
    rows = levels.nodes.leaf_row[levels.leaf_nodes]
    return table.take(rows, axis=0, out=vectors, mode="clip")


def sum_leaves(network, levels, values, name):
    """Sum the leaves below each inner node: [s_L | s_R], in the buffer `name`.

    Parameters
    ----------
    values : ndarray of shape (n_leaves, n)

    Returns
    -------
    ndarray of shape (n_inner, 2 * n)
    """
    sums = network.work(name, levels.n_inner, 2 * values.shape[1])
    sums[...] = pairs(levels.leaf_gather @ values)
    return sums


def encode(network, levels, inputs):
    """Encode all nodes, leaves up: Eq. (22).

    Parameters
    ----------
    network : Network
    levels : Levels
    inputs : ndarray of shape (n_leaves, n_features)
        Leaf vectors, perhaps corrupted.

    Returns
    -------
    Encoding
        In buffers of `network.work`.
    """
    parameters, architecture, work, _ = network
    n_inner = levels.n_inner
    codes = work("codes", len(levels.position), parameters.n_components)
    if parameters.projects:
        np.dot(inputs, parameters.leaf_encoder.T, out=codes[n_inner:])
        codes[n_inner:] += parameters.leaf_encoder_intercept
    else:
        codes[n_inner:] = inputs
    lengths = work("lengths", n_inner, 1) if architecture.normalize else None
    sums = sum_leaves(network, levels, codes[n_inner:], "sums")
    for level in reversed(levels.levels):
        if level.gather is not None:
            sums[level.parents] += pairs(level.gather @ codes[level.children])
        here = np.dot(sums[level.nodes], parameters.encoder.T, out=codes[level.nodes])
        here += parameters.encoder_intercept
        architecture.encoder_activation.value(here)
        if architecture.normalize:
            normalise(here, lengths[level.nodes])
    return Encoding(codes, sums, lengths)


def normalise(codes, lengths):
    """Divide each code by its length, in place; write the lengths, 1 for 0."""
    scale = np.abs(codes).max(axis=1, keepdims=True)
    scale[scale == 0] = 1
    codes /= scale  # so that no square overflows or vanishes
    np.sqrt(np.einsum("ij,ij->i", codes, codes), out=lengths[:, 0])
    lengths[lengths == 0] = 1
    codes /= lengths
    lengths *= scale


def unfold(network, levels, codes):
    """Decode all nodes of trees from codes of their roots, roots down: Eq. (23).

    Parameters
    ----------
    codes : ndarray of shape (n_trees, n_components)
        Of the roots.

    Returns
    -------
    Decoding
        In buffers of `network.work`.
    """
    parameters, architecture, work, _ = network
    activate = architecture.decoder_activation.value
    inner = work("decoded", levels.n_inner, parameters.n_components)
    pair = work("pairs", levels.n_inner, 2 * parameters.n_components)
    inner[: len(levels.root_trees)] = codes[levels.root_trees]
    for level in levels.levels:
        np.dot(inner[level.nodes], parameters.decoder.T, out=pair[level.nodes])
        if level.spread is not None:
            blend = level.spread @ halves(pair[level.parents])
            below = inner[level.children]
            activate(np.add(blend, parameters.decoder_intercept, out=below))
    leaves = work("decoded_leaves", levels.n_leaves, parameters.n_components)
    blend = levels.leaf_spread @ halves(pair)
    activate(np.add(blend, parameters.decoder_intercept, out=leaves))
    leaves[levels.bare_leaves] = codes[levels.bare_trees]
    return Decoding(inner, leaves)


def decode_children(network, levels, encoding):
    """Decode every node from its parent's code: the x'_m of Eq. (40).

    Returns
    -------
    Decoding
        A root has no parent: what it gets is finite and means nothing.
    """
    parameters, architecture, work, _ = network
    codes, n_roots = encoding.inner, len(levels.root_trees)
    pair = work("pairs", *encoding.sums.shape)
    np.dot(codes, parameters.decoder.T, out=pair)
    inner = work("decoded", *codes.shape)
    inner[:n_roots] = codes[:n_roots]
    for level in levels.levels:
        if level.spread is not None:
            inner[level.children] = level.spread @ halves(pair[level.parents])
    leaves = work("decoded_leaves", levels.n_leaves, parameters.n_components)
    leaves[...] = levels.leaf_spread @ halves(pair)
    for decoded in (inner[n_roots:], leaves):
        decoded += parameters.decoder_intercept
        architecture.decoder_activation.value(decoded)
    return Decoding(inner, leaves)


def project_out(network, leaves):
    """Leaf vectors from leaf codes: U' vec'(l) + u'; without a projection as is.

    Returns
    -------
    ndarray of shape (n_leaves, n_features)
        `leaves` itself or a buffer of `network.work`.
    """
    parameters = network.parameters
    if not parameters.projects:
        return leaves
    n_features = len(parameters.leaf_decoder_intercept)
    vectors = network.work("decoded_vectors", len(leaves), n_features)
    np.dot(leaves, parameters.leaf_decoder.T, out=vectors)
    vectors += parameters.leaf_decoder_intercept
    return vectors


def unfoldings(network, levels):
    """Yield what an unfolding objective unfolds: the roots (nodes), their trees."""
    if network.architecture.objective == "unfold_root":
        yield levels.nodes.tree_start[:-1], levels
    else:
        codes = network.parameters.encoder_intercept
        yield from subtrees(levels.nodes, len(codes), codes.dtype)


def node_codes(network, levels, nodes=slice(None)):
    """vec(.) of some nodes, numbered in preorder, or of all: (n, n_components)."""
    encoding = encode(network, levels, leaf_vectors(network, levels))
    return encoding.codes[levels.position[nodes]]


def root_codes(network, levels):
    """vec(root) of every tree, (n_trees, n_components)."""
    return node_codes(network, levels, levels.nodes.tree_start[:-1])


def reconstruct(network, levels, codes):
    """x'_l of every leaf, in the trees' order, unfolded from codes of the roots.

    Parameters
    ----------
    codes : ndarray of shape (n_trees, n_components)
        Of the roots.

    Returns
    -------
    ndarray of shape (n_leaves, n_features)
    """
    return project_out(network, unfold(network, levels, codes).leaves).copy()


def squared_errors(network, levels):
    """||x'_l - x_l||^2 of every leaf, unfolded from its tree's root, (n_leaves,)."""
    errors = reconstruct(network, levels, root_codes(network, levels))
    errors -= leaf_vectors(network, levels)
    return squares(errors)


def squares(rows):
    """Squared length of each row."""
    return np.einsum("ij,ij->i", rows, rows)


def tree_losses(network, levels, inputs=None):
    """Objective of each tree, without the penalty: Eq. (24) or (40).

    Parameters
    ----------
    inputs : ndarray of shape (n_leaves, n_features), default=None
        What enters at the leaves in place of their own vectors, for instance these
        corrupted.

    Returns
    -------
    ndarray of shape (n_trees,), float64
    """
    targets = leaf_vectors(network, levels)
    encoding = encode(network, levels, targets if inputs is None else inputs)
    if network.architecture.objective == "children":
        inner, leaves = decode_children(network, levels, encoding)
        leaf_errors = project_out(network, leaves) - targets
        errors = [squares(inner - encoding.inner), squares(leaf_errors)]
        shares = levels.shares_of_leaves(targets.dtype)
        return 0.5 * levels.sum_by_tree(levels.order, np.concatenate(errors) * shares)
    losses = np.zeros(levels.n_trees)
    for roots, part in unfoldings(network, levels):
        errors = reconstruct(network, part, encoding.codes[levels.position[roots]])
        errors -= leaf_vectors(network, part)
        by_root = part.sum_by_tree(part.leaf_nodes, squares(errors))
        losses += 0.5 * levels.sum_by_tree(roots, by_root)
    return losses
