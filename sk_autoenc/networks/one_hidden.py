"""One-hidden-layer autoencoder: encode, decode, losses and their gradient.

Equation numbers are those of ``doc/derivation.md``; rows are samples. Weights may be
tied (the decoder uses the encoder's matrix) or free; the two differ in the last lines
of the backward pass.
"""

from typing import NamedTuple

import numpy as np
from numpy import add, multiply

from sk_autoenc.networks.buffers import zeros
from sk_autoenc.networks.parameters import FlatParameters, uniform_weights
from sk_autoenc.parts.activations import Activation
from sk_autoenc.parts.losses import Loss


class Parameters(FlatParameters):
    """Parameters of the network, or a gradient with respect to them."""

    weights: np.ndarray
    """W, (n_components, n_features)."""
    intercept_hidden: np.ndarray
    """b, (n_components,)."""
    intercept_visible: np.ndarray
    """b', (n_features,)."""
    decoder_weights: np.ndarray
    """The transpose of W', (n_components, n_features); tied: `weights` itself."""

    def __init__(self, shapes, flat):
        super().__init__(shapes, flat)
        if "decoder_weights" not in shapes:
            self.decoder_weights = self.weights

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


def allocate_parameters(n_components, n_features, tied, dtype):
    """Make zero parameters of the network."""
    shapes = {
        "weights": (n_components, n_features),
        "intercept_hidden": (n_components,),
        "intercept_visible": (n_features,),
    }
    if not tied:
        shapes["decoder_weights"] = (n_components, n_features)
    return Parameters.zeros(shapes, dtype)


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


def encode(inputs, weights, intercept, activation, out):
    """Write y = s(W x + b), Eqs. (1, 4), of dense or sparse rows into `out`."""
    product(inputs, weights.T, out)
    out += intercept
    return activation.value(out)


def decode(hidden, decoder_weights, intercept, activation, out):
    """Write z = s(W' y + b'), Eqs. (2, 5), into `out`."""
    product(hidden, decoder_weights, out)
    out += intercept
    return activation.value(out)


class Buffers:
    """Memory for batches of one size. What is named after it belongs to one pass."""

    def __init__(self, n_rows, n_components, n_features, dtype):
        # delta_hidden above hidden, and the inputs above delta_visible: so the two
        # terms of Eq. (12) are one matrix product.
        self.hidden_stack = zeros((2 * n_rows, n_components), dtype)
        self.delta_hidden = self.hidden_stack[:n_rows]
        self.hidden = self.hidden_stack[n_rows:]
        self.visible_stack = zeros((2 * n_rows, n_features), dtype)
        self.inputs = self.visible_stack[:n_rows]
        """For a feed to fill with what is encoded, (n_rows, n_features)."""
        self.delta_visible = self.visible_stack[n_rows:]
        self.targets = zeros((n_rows, n_features), dtype)
        """For a feed to fill with what the reconstruction is compared with."""
        self.slope = zeros((n_rows, n_components), dtype)
        self.preactivation = zeros((n_rows, n_features), dtype)
        self.values = zeros((n_rows, n_features), dtype)
        # Sums are products with ones, which take a third of the time of `sum`. They go
        # row by row first: one long sum in single precision would lose digits.
        self.ones_features = np.ones(n_features, dtype)
        self.ones_rows = np.ones(n_rows, dtype)
        self.scale = np.ones((), dtype)  # see `HALF` in parts/activations.py


class Network:
    """The autoencoder at work on batches of rows: losses, gradient of their sum.

    It holds memory, but no parameters. A copy or a pickle has memory of its own.

    Parameters
    ----------
    architecture : Architecture
    n_components, n_features : int
    dtype : numpy dtype
        Of the parameters and batches that it will meet.
    """

    def __init__(self, architecture, n_components, n_features, dtype):
        self.architecture = architecture
        self.shape = n_components, n_features
        self.dtype = np.dtype(dtype)
        self._buffers = {}
        self._gradient = None  # made by the first call that needs it

    def __reduce__(self):
        return Network, (self.architecture, *self.shape, self.dtype)

    @property
    def row_entries(self):
        """Entries of memory that a row of a batch takes."""
        n_components, n_features = self.shape
        return 3 * n_components + 5 * n_features

    def flops(self, n_rows):
        """Count the floating-point operations of the largest product of a step."""
        n_components, n_features = self.shape
        return 4 * n_rows * n_components * n_features

    def buffers(self, n_rows):
        """Return the memory for batches of `n_rows` rows, the same at every call.

        A feed fills its `inputs` and `targets`, which saves a copy.
        """
        buffers = self._buffers.get(n_rows)
        if buffers is None:
            buffers = self._buffers[n_rows] = Buffers(n_rows, *self.shape, self.dtype)
        return buffers

    def losses(self, parameters, batch):
        """Return the loss of each row, summed over features, without a penalty.

        Parameters
        ----------
        parameters : Parameters
        batch : feeds.Batch
            Its inputs are dense or sparse rows, its targets dense ones.

        Returns
        -------
        losses : ndarray of shape (n_rows,)
        """
        buffers = self._forward(parameters, batch)
        return buffers.values.dot(buffers.ones_features)

    def gradient(self, parameters, batch, scale=1.0):
        """Return the SUM of the losses of a batch, and its gradient.

        Parameters
        ----------
        parameters : Parameters
        batch : feeds.Batch
            Its inputs are dense or sparse rows, its targets dense ones.
        scale : float, default=1.0
            What the gradient, but not the sum, is multiplied by.

        Returns
        -------
        total : float
        gradient : Parameters
            Overwritten by the next call.
        """
        buffers = self._forward(parameters, batch)
        architecture, gradient = self.architecture, self._gradient
        if gradient is None:
            gradient = self._gradient = allocate_parameters(
                *self.shape, architecture.tied, self.dtype
            )
        hidden, slope = buffers.hidden, buffers.slope
        delta_visible, delta_hidden = buffers.delta_visible, buffers.delta_hidden
        buffers.scale.fill(scale)
        multiply(delta_visible, buffers.scale, delta_visible)
        delta_visible.dot(parameters.decoder_weights.T, delta_hidden)
        architecture.activation.slope(hidden, slope)
        multiply(delta_hidden, slope, delta_hidden)  # Eq. (11)
        ones = buffers.ones_rows
        ones.dot(delta_hidden, gradient.intercept_hidden)  # Eq. (13)
        ones.dot(delta_visible, gradient.intercept_visible)  # Eq. (14)
        self._weight_gradients(batch.inputs, buffers, gradient)
        return float(ones.dot(buffers.values.dot(buffers.ones_features))), gradient

    def _forward(self, parameters, batch):
        """Fill `values`, `hidden` and, into `delta_visible`, dL/dh2 of every row."""
        inputs, targets, entry_weights, _ = batch
        buffers = self.buffers(len(targets))
        activation, output_activation, loss, _ = self.architecture
        hidden, slope = buffers.hidden, buffers.slope
        preactivation, values = buffers.preactivation, buffers.values
        product(inputs, parameters.weights.T, hidden)
        # Intercepts are assigned to memory that is not in use yet, and then added: that
        # takes half the time of the broadcast additions in `encode` and `decode`.
        slope[...] = parameters.intercept_hidden
        add(hidden, slope, hidden)  # Eq. (4)
        activation.value(hidden)  # Eq. (1)
        hidden.dot(parameters.decoder_weights, preactivation)
        values[...] = parameters.intercept_visible
        add(preactivation, values, preactivation)  # Eq. (5)
        loss.evaluate(
            preactivation,
            targets,
            entry_weights,
            output_activation,
            (values, buffers.delta_visible),
        )
        return buffers

    def _weight_gradients(self, inputs, buffers, gradient):
        """Write Eq. (12), both terms at once where weights are tied and rows dense."""
        tied, dense = self.architecture.tied, isinstance(inputs, np.ndarray)
        if tied and dense:
            if inputs is not buffers.inputs:
                np.copyto(buffers.inputs, inputs)
            buffers.hidden_stack.T.dot(buffers.visible_stack, gradient.weights)
            return
        buffers.hidden.T.dot(buffers.delta_visible, gradient.decoder_weights)
        if dense:
            buffers.delta_hidden.T.dot(inputs, gradient.weights)
        elif tied:
            gradient.weights[...] += (inputs.T @ buffers.delta_hidden).T
        else:
            gradient.weights[...] = (inputs.T @ buffers.delta_hidden).T
