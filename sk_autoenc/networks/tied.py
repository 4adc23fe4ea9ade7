"""One-hidden-layer autoencoder: encode, decode, value and gradient.

Equation numbers are those of ``doc/derivation.md``; rows are samples. Weights may be
tied (the decoder uses the encoder's matrix) or free; the two differ in the last lines
of the backward pass.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy import add, multiply

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
"""Entries that may be summed in one go: in single precision the relative error is 1e-6
at worst, when all are equal. (A single row of 1e5 entries comes to 2e-5 then.)"""


class Network(NamedTuple):
    """The autoencoder at work on batches of one size: what to fill, what to call.

    `make_network` makes it.
    """

    clean: np.ndarray
    """To be filled with what the reconstruction is compared with, (n_rows,
    n_features). Every call uses it up."""
    corrupted: np.ndarray
    """To be filled with what is encoded, (n_rows, n_features), unless that is
    sparse."""
    forward: Callable
    """``forward(inputs)`` -> the loss of every entry, (n_rows, n_features).

    The inputs are any dense or sparse rows; `clean` itself too."""
    value_and_gradient: Callable
    """``value_and_gradient(inputs, weights=None, scale=1.0)`` -> (value, gradient).

    The inputs are `corrupted` or sparse rows; the weights, of shape (n_rows,
    n_features), those of each entry's loss (Vincent et al. 2010, section 4), None: all
    1. The value is the sum over features and mean over rows, plus the penalty; the
    gradient is multiplied by `scale`, the value is not."""


def make_network(parameters, architecture, n_rows, gradient=None):
    """Make a network for batches of `n_rows` rows, with the buffers for that.

    Its arrays are variables of this function, and numpy's operations go by name: at ten
    rows a batch, attributes and operators would cost 5 % of a step.

    Parameters
    ----------
    parameters : Parameters
        May change in place between calls.
    architecture : Architecture
    n_rows : int
    gradient : Parameters, default=None
        To be overwritten and returned by every call of `value_and_gradient`, the only
        one that needs it.

    Returns
    -------
    network : Network
    """
    components, intercept_hidden, intercept_visible, decoder_weights = parameters[1:]
    encoder_weights, decoder_weights_transposed = components.T, decoder_weights.T
    activate, activation_slope, _ = architecture.activation
    output_activation, loss = architecture.output_activation, architecture.loss.evaluate
    alpha, tied = architecture.alpha, architecture.tied

    n_components, n_features = components.shape
    dtype = components.dtype
    # delta_hidden above hidden, and the corrupted inputs above delta_visible: so the
    # two terms of Eq. (12) are one matrix product.
    hidden_stack = zeros((2 * n_rows, n_components), dtype)
    delta_hidden, hidden = hidden_stack[:n_rows], hidden_stack[n_rows:]
    visible_stack = zeros((2 * n_rows, n_features), dtype)
    corrupted, delta_visible = visible_stack[:n_rows], visible_stack[n_rows:]
    hidden_stack_transposed = hidden_stack.T
    slope = zeros((n_rows, n_components), dtype)
    clean = zeros((n_rows, n_features), dtype)
    preactivation = zeros((n_rows, n_features), dtype)
    values = zeros((n_rows, n_features), dtype)
    # Sums are products with ones, which take a third of the time of `sum`. The values
    # of a small batch are summed in one; those of a large one row by row first, since
    # long sums in single precision lose digits.
    ones = np.ones(n_rows, dtype)
    small = values.size <= LONGEST_SUM
    summed = values.reshape(-1) if small else values
    summing_ones = np.ones(summed.shape[-1], dtype)
    # An array of no dimensions: see `HALF` in parts/activations.py.
    scale_of_a_row, present_scale = np.empty((), dtype), None

    def forward(inputs):
        """Write `values`, `hidden` and, into `delta_visible`, dL/dh2 of every row."""
        if inputs is corrupted:  # as in every dense step: without a call, 1 % of it
            corrupted.dot(encoder_weights, hidden)
        else:
            product(inputs, encoder_weights, hidden)
        # Intercepts are assigned to memory that is not in use yet, and then added: that
        # takes half the time of the broadcast additions in `encode` and `decode`.
        slope[...] = intercept_hidden
        add(hidden, slope, hidden)  # Eq. (4)
        activate(hidden)  # Eq. (1)
        hidden.dot(decoder_weights, preactivation)
        values[...] = intercept_visible
        add(preactivation, values, preactivation)  # Eq. (5)
        loss(preactivation, clean, output_activation, values, delta_visible)
        return values

    def weight_gradients(inputs):
        """Write the two terms of Eq. (12) apart: free weights, or sparse inputs."""
        hidden.T.dot(delta_visible, gradient.decoder_weights)
        if inputs is corrupted:
            delta_hidden.T.dot(inputs, gradient.weights)
        elif tied:
            gradient.weights[...] += (inputs.T @ delta_hidden).T
        else:
            gradient.weights[...] = (inputs.T @ delta_hidden).T

    def value_and_gradient(inputs, weights=None, scale=1.0):
        nonlocal present_scale
        forward(inputs)
        if weights is not None:
            multiply(values, weights, values)
            multiply(delta_visible, weights, delta_visible)
        if scale != present_scale:
            present_scale = scale
            scale_of_a_row.fill(scale / n_rows)
        # The mean of Eqs. (15)-(17).
        multiply(delta_visible, scale_of_a_row, delta_visible)
        delta_visible.dot(decoder_weights_transposed, delta_hidden)
        activation_slope(hidden, slope)
        multiply(delta_hidden, slope, delta_hidden)  # Eq. (11)
        ones.dot(delta_hidden, gradient.intercept_hidden)  # Eq. (13)
        ones.dot(delta_visible, gradient.intercept_visible)  # Eq. (14)
        if tied and inputs is corrupted:
            hidden_stack_transposed.dot(visible_stack, gradient.weights)  # Eq. (12)
        else:
            weight_gradients(inputs)
        total = summed.dot(summing_ones)
        value = float(total if small else ones.dot(total)) / n_rows
        if alpha:
            value += penalise(parameters, alpha, gradient, scale)
        return value, gradient

    return Network(clean, corrupted, forward, value_and_gradient)


class Networks(dict):
    """Networks by number of rows, each made when it is first asked for."""

    def __init__(self, parameters, architecture, gradient=None):
        self.parameters = parameters
        self.architecture = architecture
        self.gradient = gradient
        n_components, n_features = parameters.weights.shape
        self.row_entries = 3 * n_components + 5 * n_features  # of a `Network`

    def __missing__(self, n_rows):
        self[n_rows] = make_network(
            self.parameters, self.architecture, n_rows, self.gradient
        )
        return self[n_rows]
