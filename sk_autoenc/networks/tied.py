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


def product(rows, matrix, out):
    """Write rows @ matrix into `out`, for dense or sparse rows."""
    if isinstance(rows, np.ndarray):
        rows.dot(matrix, out)
    else:
        out[...] = rows @ matrix


def encode(inputs, parameters, activation, out):
    """Write y = s(W x + b), Eqs. (1, 4), of dense or sparse rows into `out`."""
    product(inputs, parameters.weights.T, out)
    out += parameters.intercept_hidden
    return activation.value(out)


def decode(hidden, parameters, activation, out):
    """Write z = s(W' y + b'), Eqs. (2, 5), into `out`."""
    product(hidden, parameters.decoder_weights, out)
    out += parameters.intercept_visible
    return activation.value(out)


LONGEST_SUM = 2**13
"""Entries that may be summed in one go: in single precision with an error of 2e-6 at
worst, when all are equal."""


class Network:
    """The autoencoder at work on batches of one size, with the buffers for that.

    A caller fills `clean`, what the reconstruction is to be compared with, and, unless
    the inputs are sparse, `corrupted`, what is encoded; both of shape (n_rows,
    n_features). A sparse batch of inputs is handed over instead.

    What a step reads is kept as an attribute: at ten rows a batch, finding it again
    through the parameters and the architecture takes several per cent of the time.
    """

    def __init__(self, parameters, architecture, n_rows, gradient=None):
        """Make the buffers.

        Parameters
        ----------
        parameters : Parameters
            May change in place between calls.
        architecture : Architecture
        n_rows : int
        gradient : Parameters, default=None
            To be overwritten by every call of `value_and_gradient`, the only one that
            needs it.
        """
        self.parameters = parameters
        self.architecture = architecture
        self.n_rows = n_rows
        self.gradient = gradient
        self.encoder_weights = parameters.weights.T
        self.intercept_hidden = parameters.intercept_hidden
        self.decoder_weights = parameters.decoder_weights
        self.intercept_visible = parameters.intercept_visible
        self.activate, self.activation_slope, _ = architecture.activation
        self.evaluate_loss = architecture.loss.evaluate

        n_components, n_features = parameters.weights.shape
        dtype = parameters.weights.dtype
        hidden_shape, visible_shape = (n_rows, n_components), (n_rows, n_features)
        # delta_hidden above hidden, and the corrupted inputs above delta_visible: so
        # the two terms of Eq. (12) are one matrix product.
        stack = zeros((2 * n_rows, n_components), dtype)
        self.hidden_stack_transposed = stack.T
        self.delta_hidden, self.hidden = stack[:n_rows], stack[n_rows:]
        self.visible_stack = stack = zeros((2 * n_rows, n_features), dtype)
        self.corrupted, self.delta_visible = stack[:n_rows], stack[n_rows:]
        self.slope = zeros(hidden_shape, dtype)
        self.clean = zeros(visible_shape, dtype)
        self.preactivation = zeros(visible_shape, dtype)
        self.values = zeros(visible_shape, dtype)
        # Sums are products with ones, which take a third of the time of `sum`. The
        # values of a small batch are summed in one; those of a large one row by row
        # first, since long sums in single precision lose digits.
        self.ones = np.ones(n_rows, dtype)
        small = self.values.size <= LONGEST_SUM
        self.summed = self.values.reshape(-1) if small else self.values
        self.summing_ones = np.ones(self.summed.shape[-1], dtype)
        # An array of no dimensions: see `HALF` in parts/activations.py.
        self.scale_of_a_row = np.empty((), dtype)
        self.scale = None

    def forward(self, inputs):
        """Compute the loss of every entry, and its slope, for a batch.

        Parameters
        ----------
        inputs : ndarray or sparse matrix of shape (n_rows, n_features)
            What is encoded: `self.corrupted` or other rows.

        Returns
        -------
        values : ndarray of shape (n_rows, n_features)
            `self.values`. Left besides are `hidden` and, in `delta_visible`, dL/dh2 of
            every row. `clean` is used up.
        """
        hidden, preactivation, values = self.hidden, self.preactivation, self.values
        # Intercepts are assigned to memory that is not in use yet, and then added: that
        # takes half the time of the broadcast additions in `encode` and `decode`.
        intercepts = self.slope
        product(inputs, self.encoder_weights, hidden)
        intercepts[...] = self.intercept_hidden
        hidden += intercepts  # Eq. (4)
        self.activate(hidden)  # Eq. (1)
        hidden.dot(self.decoder_weights, preactivation)
        values[...] = self.intercept_visible
        preactivation += values  # Eq. (5)
        output = self.architecture.output_activation
        self.evaluate_loss(
            preactivation, self.clean, output, values, self.delta_visible
        )
        return values

    def backward(self, inputs, scale):
        """Write `scale` times the gradient of the mean over rows, after `forward`.

        Parameters
        ----------
        inputs : ndarray or sparse matrix
            As for `forward`, but a dense one must be `self.corrupted`.
        scale : float
        """
        delta_visible, delta_hidden = self.delta_visible, self.delta_hidden
        gradient = self.gradient
        if scale != self.scale:
            self.scale = scale
            self.scale_of_a_row.fill(scale / self.n_rows)
        delta_visible *= self.scale_of_a_row  # the mean of Eqs. (15)-(17)
        delta_visible.dot(self.decoder_weights.T, delta_hidden)
        delta_hidden *= self.activation_slope(self.hidden, self.slope)  # Eq. (11)
        self.ones.dot(delta_hidden, gradient.intercept_hidden)  # Eq. (13)
        self.ones.dot(delta_visible, gradient.intercept_visible)  # Eq. (14)
        dense = isinstance(inputs, np.ndarray)
        tied = self.architecture.tied
        if dense and tied:
            # Both terms of Eq. (12) in one product.
            self.hidden_stack_transposed.dot(self.visible_stack, gradient.weights)
            return
        self.hidden.T.dot(delta_visible, gradient.decoder_weights)
        if dense:
            delta_hidden.T.dot(inputs, gradient.weights)
        elif tied:
            gradient.weights[...] += (inputs.T @ delta_hidden).T
        else:
            gradient.weights[...] = (inputs.T @ delta_hidden).T

    def value_and_gradient(self, inputs, weights=None, scale=1.0):
        """Value and gradient of the mean loss of a batch, in one pass each way.

        Parameters
        ----------
        inputs : ndarray or sparse matrix of shape (n_rows, n_features)
            The corrupted rows; dense ones must be `self.corrupted`. The clean rows are
            in `self.clean`, which is used up.
        weights : ndarray of shape (n_rows, n_features), default=None
            Weight of each entry's loss (Vincent et al. 2010, section 4); None: all 1.
        scale : float, default=1.0
            What the gradient, but not the value, is multiplied by.

        Returns
        -------
        value : float
            Sum over features, mean over rows, plus the penalty.
        gradient : Parameters
            `self.gradient`.
        """
        values = self.forward(inputs)
        if weights is not None:
            values *= weights
            self.delta_visible *= weights
        self.backward(inputs, scale)
        sums = self.summed.dot(self.summing_ones)
        value = float(sums if sums.ndim == 0 else self.ones.dot(sums)) / self.n_rows
        alpha = self.architecture.alpha
        value += penalise(self.parameters, alpha, self.gradient, scale)
        return value, self.gradient


class Networks(dict):
    """Networks by number of rows, each made when it is first asked for."""

    def __init__(self, parameters, architecture, gradient=None):
        self.parameters = parameters
        self.architecture = architecture
        self.gradient = gradient
        n_components, n_features = parameters.weights.shape
        self.row_entries = 3 * n_components + 5 * n_features  # of a `Network`

    def __missing__(self, n_rows):
        self[n_rows] = Network(
            self.parameters, self.architecture, n_rows, self.gradient
        )
        return self[n_rows]
