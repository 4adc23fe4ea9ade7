"""Parameters of recursive autoencoders: storage, shape and initial values."""

from typing import NamedTuple

import numpy as np

from sk_autoenc.networks.parameters import FlatParameters, uniform_weights
from sk_autoenc.networks.tree.structure import Wiring
from sk_autoenc.parts.activations import Activation
from sk_autoenc.parts.compositions import COMPOSITIONS, Composition

AVERAGE_NOISE = 1e-4
"""Of the "average" start, in units of the "glorot" start. The eigenvalues of W'_L lie
about so far from 1, and their depth-th powers must not overflow in long chains."""


class Parameters(FlatParameters):
    """Parameters of the network, or a gradient with respect to them.

    Attributes
    ----------
    encoder : ndarray of shape (n_gates * n_components, 2 * n_components)
        [W_L | W_R] of the composition's gates, one below the other.
    encoder_intercept : ndarray of shape (n_gates * n_components,)
        b.
    decoder : ndarray of shape (2 * n_components, n_components) or None
        [W'_L; W'_R]. None: nothing is decoded.
    decoder_intercept : ndarray of shape (n_components,) or None
        b'.
    leaf_encoder : ndarray of shape (n_components, n_features) or None
        U. None, like the other three: leaf vectors are codes, not projected.
    leaf_decoder : ndarray of shape (n_features, n_components) or None
        U'.
    leaf_encoder_intercept : ndarray of shape (n_components,) or None
        u.
    leaf_decoder_intercept : ndarray of shape (n_features,) or None
        u'. None, like `leaf_decoder`, if nothing is decoded, too.
    head : ndarray of shape (n_outputs, n_pooled) or None
        V of Eq. (84). None, like its intercept: no labels.
    head_intercept : ndarray of shape (n_outputs,) or None
        v.
    leaf_table : ndarray of shape (n_learned, n_features) or None
        The vectors that enter at the leaves, instead of the first rows of the forest's
        table. None: those enter.
    """

    decoder = None
    decoder_intercept = None
    leaf_encoder = None
    leaf_decoder = None
    leaf_encoder_intercept = None
    leaf_decoder_intercept = None
    head = None
    head_intercept = None
    leaf_table = None

    @property
    def n_components(self):
        """D, the length of a code."""
        return self.encoder.shape[1] // 2

    @property
    def encoder_left(self):
        """W_L, (n_components, n_components)."""
        return self.encoder[:, : self.n_components]

    @property
    def encoder_right(self):
        """W_R."""
        return self.encoder[:, self.n_components :]

    @property
    def decoder_left(self):
        """W'_L."""
        return self.decoder[: self.n_components]

    @property
    def decoder_right(self):
        """W'_R."""
        return self.decoder[self.n_components :]

    @property
    def projects(self):
        """Whether leaves are projected: n_components != n_features."""
        return self.leaf_encoder is not None

    @property
    def learns_leaves(self):
        """Whether vectors that enter at the leaves are learned."""
        return self.leaf_table is not None

    @property
    def table(self):
        """The leaf table, the last array: a batch touches few of its rows."""
        return self.leaf_table

    @property
    def matrices(self):
        """The weight matrices, which a penalty applies to."""
        matrices = (
            self.encoder,
            self.decoder,
            self.leaf_encoder,
            self.leaf_decoder,
            self.head,
        )
        return [matrix for matrix in matrices if matrix is not None]


class Architecture(NamedTuple):
    """What the network computes, apart from its parameters."""

    encoder_activation: Activation
    decoder_activation: Activation
    loss: str
    """"unfold_root": Eq. (24). "unfold_all": Eq. (24) of the subtree of every inner
    node, and of a tree that is one bare leaf. "children": Eq. (40).

    A bare leaf is its own code. It costs nothing, but for what projecting it in and out
    again (not for Eq. (40)), or its corruption, makes it differ from itself."""
    normalize: bool = False
    """Divide the code of each inner node by its Euclidean length."""
    child_weights: str = "equal"
    """How children enter the encoder's sums. "equal": Eq. (22). "leaves": by their
    share of the parent's leaves, Eq. (41)."""
    composition: Composition = COMPOSITIONS["blend"]
    """How a code is made of the sums over children."""
    decodes: bool = True
    """Whether there is a decoder."""

    @property
    def wiring(self):
        """What the structure of a batch must know."""
        by_leaves = self.child_weights == "leaves"
        return Wiring(by_leaves, self.composition.means, self.decodes)


class Sizes(NamedTuple):
    """How many there are of what, which decides the shapes of the parameters."""

    n_components: int
    n_features: int
    n_gates: int = 1
    decodes: bool = True
    n_outputs: int = 0
    """Of the head; 0: none."""
    n_pooled: int = 0
    """Entries that go into the head."""
    n_learned: int = 0
    """Leaf vectors that are learned."""


def parameter_shapes(sizes):
    """Give the shape of each array of `Parameters`, in their order in `flat`."""
    n, n_features, n_gates, decodes, n_outputs, n_pooled, n_learned = sizes
    projects = n != n_features
    shapes = {
        "encoder": (n_gates * n, 2 * n),
        "decoder": (2 * n, n) if decodes else None,
        "encoder_intercept": (n_gates * n,),
        "decoder_intercept": (n,) if decodes else None,
        "leaf_encoder": (n, n_features) if projects else None,
        "leaf_decoder": (n_features, n) if projects and decodes else None,
        "leaf_encoder_intercept": (n,) if projects else None,
        "leaf_decoder_intercept": (n_features,) if projects and decodes else None,
        "head": (n_outputs, n_pooled) if n_outputs else None,
        "head_intercept": (n_outputs,) if n_outputs else None,
        "leaf_table": (n_learned, n_features) if n_learned else None,
    }
    return {name: shape for name, shape in shapes.items() if shape is not None}


def initialise(parameters, architecture, init, rng):
    """Draw the weights; set the intercepts of gates, and leave the others.

    Parameters
    ----------
    parameters : Parameters
        Its matrices, but for the head, are overwritten.
    architecture : Architecture
    init : {"average", "glorot"}
        "glorot": uniform. "average": W_L = W_R = I/2 and W'_L = W'_R = I plus a little
        of it, and leaf projections U with orthonormal rows or columns, U' = U^T: an
        untrained code of a pair is about f of its mean, and unfolds to that. Further
        gates have a little of "glorot" alone.
    rng : numpy.random.Generator
    """
    scale = AVERAGE_NOISE if init == "average" else 1.0
    encoder, decoder = architecture.encoder_activation, architecture.decoder_activation
    n = parameters.n_components
    squares = [
        (parameters.encoder_left[:n], encoder.initial_scale, 0.5),
        (parameters.encoder_right[:n], encoder.initial_scale, 0.5),
    ]
    if parameters.decoder is not None:
        squares += [
            (parameters.decoder_left, decoder.initial_scale, 1.0),
            (parameters.decoder_right, decoder.initial_scale, 1.0),
        ]
    for start in range(n, len(parameters.encoder), n):
        gate = slice(start, start + n)
        squares += [
            (parameters.encoder_left[gate], 1.0, 0.0),
            (parameters.encoder_right[gate], 1.0, 0.0),
        ]
    for weights, initial_scale, diagonal in squares:
        uniform_weights(weights, scale * initial_scale, rng)
        if init == "average":
            np.fill_diagonal(weights, weights.diagonal() + diagonal)
    starts = architecture.composition.gate_starts
    parameters.encoder_intercept.reshape(-1, n)[...] = np.reshape(starts, (-1, 1))
    if parameters.projects:
        initialise_projections(parameters, init, rng)


def initialise_projections(parameters, init, rng):
    """Draw U and, if there is one, U'."""
    uniform_weights(parameters.leaf_encoder, 1.0, rng)
    if parameters.leaf_decoder is not None:
        uniform_weights(parameters.leaf_decoder, 1.0, rng)
    if init == "average":
        u, _, v = np.linalg.svd(parameters.leaf_encoder, full_matrices=False)
        np.dot(u, v, out=parameters.leaf_encoder)
        if parameters.leaf_decoder is not None:
            parameters.leaf_decoder[...] = parameters.leaf_encoder.T
