"""One-hidden-layer autoencoder: encode, decode, value and gradient.

Equation numbers are those of ``doc/derivation.md``; rows are samples. Weights may be
tied (the decoder uses the encoder's matrix) or free; the two differ in the last lines
of the backward pass.
"""

from typing import NamedTuple

import numpy as np

from sk_autoenc.networks.buffers import zeros
from sk_autoenc.networks.parameters import allocate, penalise, uniform_weights
from sk_autoenc.parts.activations import Activation
from sk_autoenc.parts.losses import Loss


class Parameters(NamedTuple):
    """Parameters of the network, or a gradient with respect to them."""

    flat: np.ndarray
    """All of them in one array of shape (n_parameters,); the others are views on it."""
    weights: np.ndarray
    """W, (n_components, n_features)."""
    intercept_hidden: np.ndarray
    """b, (n_components,)."""
    intercept_visible: np.ndarray
    """b', (n_features,)."""
    decoder_weights: np.ndarray | None = None
    """The transpose of W', (n_components, n_features); tied: `weights` itself."""

    @property
    def matrices(self):
        """The distinct weight matrices, which a penalty applies to."""
        tied = self.decoder_weights is self.weights
        return (self.weights,) if tied else (self.weights, self.decoder_weights)


class Architecture(NamedTuple):
    """What the network computes, apart from its parameters."""

    activation: Activation
    output_activation: Activation
    loss: Loss
    tied: bool
    alpha: float
    """L2 penalty: (alpha / 2) * (sum of squares of each weight matrix), per sample."""


def allocate_parameters(n_components, n_features, tied, dtype):
    """Make zero parameters of the network."""
    shapes = {
        "weights": (n_components, n_features),
        "intercept_hidden": (n_components,),
        "intercept_visible": (n_features,),
    }
    if not tied:
        shapes["decoder_weights"] = (n_components, n_features)
    parameters = allocate(Parameters, shapes, dtype)
    if tied:
        parameters = parameters._replace(decoder_weights=parameters.weights)
    return parameters


def initialise(parameters, architecture, rng):
    """Draw the weights; the intercepts stay 0."""
    uniform_weights(parameters.weights, architecture.activation.initial_scale, rng)
    if not architecture.tied:
        scale = architecture.output_activation.initial_scale
        uniform_weights(parameters.decoder_weights, scale, rng)


def add_rowwise(row, out, scratch):
    """Add a row to every row of `out`.

    To assign the row to an array of the shape of `out`, if there is one to spare, and
    to add that takes half the time of a broadcast addition.
    """
    if scratch is None:
        out += row
    else:
        scratch[...] = row
        out += scratch


def encode(inputs, parameters, activation, out, scratch=None):
    """Write y = s(W x + b), Eqs. (1, 4), of dense or sparse rows into `out`.

    `scratch` is another array of its shape, to be overwritten.
    """
    if isinstance(inputs, np.ndarray):
        inputs.dot(parameters.weights.T, out=out)
    else:
        out[...] = inputs @ parameters.weights.T
    add_rowwise(parameters.intercept_hidden, out, scratch)
    return activation.value(out)


def preactivate_visible(hidden, parameters, out, scratch=None):
    """Write h2 = W' y + b', Eq. (5), into `out`; `scratch` as for `encode`."""
    hidden.dot(parameters.decoder_weights, out=out)
    add_rowwise(parameters.intercept_visible, out, scratch)
    return out


def decode(hidden, parameters, activation, out):
    """Write z = s(W' y + b'), Eq. (2), into `out`."""
    return activation.value(preactivate_visible(hidden, parameters, out))


class Workspace:
    """Buffers for batches of one size, made once and used for every batch.

    `hidden_stack` holds delta_hidden above hidden, `visible_stack` the corrupted inputs
    above delta_visible: so the two terms of Eq. (12) are one matrix product.
    """

    def __init__(self, n_rows, weights_shape, dtype):
        n_components, n_features = weights_shape
        self.n_rows = n_rows
        # An array of no dimensions: see `HALF` in parts/activations.py.
        self.scale_of_a_row = np.empty((), dtype)
        self.ones = np.ones(n_rows, dtype)
        self.ones_visible = np.ones(n_features, dtype)
        self.hidden_stack = zeros((2 * n_rows, n_components), dtype)
        self.delta_hidden = self.hidden_stack[:n_rows]
        self.hidden = self.hidden_stack[n_rows:]
        self.visible_stack = zeros((2 * n_rows, n_features), dtype)
        self.corrupted = self.visible_stack[:n_rows]
        self.delta_visible = self.visible_stack[n_rows:]
        self.slope = zeros((n_rows, n_components), dtype)
        self.clean = zeros((n_rows, n_features), dtype)
        self.preactivation = zeros((n_rows, n_features), dtype)
        self.values = zeros((n_rows, n_features), dtype)


class Workspaces(dict):
    """Workspaces by number of rows, each made when it is first asked for."""

    def __init__(self, weights_shape, dtype):
        self.weights_shape = weights_shape
        self.dtype = dtype
        n_components, n_features = weights_shape
        self.row_entries = 3 * n_components + 5 * n_features  # of a `Workspace`

    def __missing__(self, n_rows):
        self[n_rows] = Workspace(n_rows, self.weights_shape, self.dtype)
        return self[n_rows]


def forward(parameters, architecture, inputs, work):
    """Compute the loss of every entry, and its slope, for a batch.

    Parameters
    ----------
    inputs : ndarray or sparse matrix of shape (n_rows, n_features)
        What is encoded: the corrupted rows.
    work : Workspace
        Its `clean` rows are what the reconstruction is compared with. Left with
        `hidden`, and with dL/dh2 of each row in `delta_visible`.

    Returns
    -------
    values : ndarray of shape (n_rows, n_features)
        `work.values`.
    """
    activation = architecture.activation
    hidden = encode(inputs, parameters, activation, work.hidden, work.slope)
    preactivation = preactivate_visible(
        hidden, parameters, work.preactivation, work.values
    )
    architecture.loss.evaluate(
        preactivation,
        work.clean,
        architecture.output_activation,
        work.values,
        work.delta_visible,
    )
    return work.values


def backward(parameters, architecture, inputs, work, gradient, scale=1.0):
    """Write `scale` times the gradient of the mean over rows, after `forward`.

    Parameters
    ----------
    inputs : ndarray or sparse matrix
        As for `forward`. A dense one must be `work.corrupted`.
    work : Workspace
        As `forward` left it.
    gradient : Parameters
        Overwritten.
    """
    delta_visible, delta_hidden = work.delta_visible, work.delta_hidden
    work.scale_of_a_row.fill(scale / work.n_rows)
    delta_visible *= work.scale_of_a_row  # the mean of Eqs. (15)-(17)
    delta_visible.dot(parameters.decoder_weights.T, out=delta_hidden)
    delta_hidden *= architecture.activation.slope(work.hidden, work.slope)  # Eq. (11)
    work.ones.dot(delta_hidden, out=gradient.intercept_hidden)  # Eq. (13)
    work.ones.dot(delta_visible, out=gradient.intercept_visible)  # Eq. (14)
    dense = isinstance(inputs, np.ndarray)
    if dense and architecture.tied:
        # Both terms of Eq. (12) in one product.
        work.hidden_stack.T.dot(work.visible_stack, out=gradient.weights)
        return
    work.hidden.T.dot(delta_visible, out=gradient.decoder_weights)
    if dense:
        delta_hidden.T.dot(inputs, out=gradient.weights)
    elif architecture.tied:
        gradient.weights[...] += (inputs.T @ delta_hidden).T
    else:
        gradient.weights[...] = (inputs.T @ delta_hidden).T


def value_and_gradient(
    parameters, architecture, inputs, work, gradient, weights=None, scale=1.0
):
    """Value and gradient of the mean loss of a batch, in one pass each way.

    Parameters
    ----------
    parameters, gradient : Parameters
        `gradient` is overwritten.
    architecture : Architecture
    inputs : ndarray or sparse matrix of shape (n_rows, n_features)
        The corrupted rows; a dense one must be `work.corrupted`. The clean rows are in
        `work.clean`.
    work : Workspace
    weights : ndarray of shape (n_rows, n_features), default=None
        Weight of each entry's loss (Vincent et al. 2010, section 4); None: all 1.
    scale : float, default=1.0
        What the gradient, but not the value, is multiplied by.

    Returns
    -------
    value : float
        Sum over features, mean over rows, plus the penalty.
    gradient : Parameters
    """
    values = forward(parameters, architecture, inputs, work)
    if weights is not None:
        values *= weights
        work.delta_visible *= weights
    backward(parameters, architecture, inputs, work, gradient, scale)
    value = float(work.ones.dot(values.dot(work.ones_visible))) / work.n_rows
    return value + penalise(parameters, architecture.alpha, gradient, scale), gradient
