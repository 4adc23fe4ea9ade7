"""Parameters of recursive autoencoders: storage, shape and initial values."""

from typing import NamedTuple

import numpy as np

from sk_autoenc.networks.parameters import FlatParameters, uniform_weights
from sk_autoenc.parts.activations import Activation

AVERAGE_NOISE = 1e-4
"""Of the "average" start, in units of the "glorot" start. The eigenvalues of W'_L lie
about so far from 1, and their depth-th powers must not overflow in long chains."""


class Parameters(FlatParameters):
    """Parameters of the network, or a gradient with respect to them.

    Attributes
    ----------
    encoder : ndarray of shape (n_components, 2 * n_components)
        [W_L | W_R].
    decoder : ndarray of shape (2 * n_components, n_components)
        [W'_L; W'_R].
    encoder_intercept, decoder_intercept : ndarray of shape (n_components,)
        b and b'.
    leaf_encoder : ndarray of shape (n_components, n_features) or None
        U. None, like the other three: leaf vectors are codes, not projected.
    leaf_decoder : ndarray of shape (n_features, n_components) or None
        U'.
    leaf_encoder_intercept : ndarray of shape (n_components,) or None
        u.
    leaf_decoder_intercept : ndarray of shape (n_features,) or None
        u'.
    """

    leaf_encoder = None
    leaf_decoder = None
    leaf_encoder_intercept = None
    leaf_decoder_intercept = None

    @property
    def n_components(self):
        """D, the length of a code."""
        return len(self.encoder)

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
    def matrices(self):
        """The weight matrices, which a penalty applies to."""
        matrices = (self.encoder, self.decoder, self.leaf_encoder, self.leaf_decoder)
        return matrices if self.projects else matrices[:2]


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


def parameter_shapes(n_components, n_features):
    """Give the shape of each array of `Parameters`, in their order in `flat`."""
    shapes = {
        "encoder": (n_components, 2 * n_components),
        "decoder": (2 * n_components, n_components),
        "encoder_intercept": (n_components,),
        "decoder_intercept": (n_components,),
    }
    if n_components != n_features:
        shapes |= {
            "leaf_encoder": (n_components, n_features),
            "leaf_decoder": (n_features, n_components),
            "leaf_encoder_intercept": (n_components,),
            "leaf_decoder_intercept": (n_features,),
        }
    return shapes


def initialise(parameters, architecture, init, rng):
    """Draw the weights; the intercepts stay as they are.

    Parameters
    ----------
    parameters : Parameters
        Its matrices are overwritten.
    architecture : Architecture
    init : {"average", "glorot"}
        "glorot": uniform. "average": W_L = W_R = I/2 and W'_L = W'_R = I plus a little
        of it, and leaf projections U with orthonormal rows or columns, U' = U^T: an
        untrained code of a pair is about f of its mean, and unfolds to that.
    rng : numpy.random.Generator
    """
    scale = AVERAGE_NOISE if init == "average" else 1.0
    encoder, decoder = architecture.encoder_activation, architecture.decoder_activation
    for weights, activation, diagonal in (
        (parameters.encoder_left, encoder, 0.5),
        (parameters.encoder_right, encoder, 0.5),
        (parameters.decoder_left, decoder, 1.0),
        (parameters.decoder_right, decoder, 1.0),
    ):
        uniform_weights(weights, scale * activation.initial_scale, rng)
        if init == "average":
            np.fill_diagonal(weights, weights.diagonal() + diagonal)
    if parameters.projects:
        uniform_weights(parameters.leaf_encoder, 1.0, rng)
        uniform_weights(parameters.leaf_decoder, 1.0, rng)
    if parameters.projects and init == "average":
        u, _, v = np.linalg.svd(parameters.leaf_encoder, full_matrices=False)
        np.dot(u, v, out=parameters.leaf_encoder)
        parameters.leaf_decoder[...] = parameters.leaf_encoder.T
