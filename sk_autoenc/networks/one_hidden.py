"""One-hidden-layer autoencoder: encode, decode, losses and their gradient.

Equation numbers are those of ``doc/derivation.md``; rows are samples. Weights may be
tied (the decoder uses the encoder's matrix) or free; the two differ in the last lines
of the backward pass.
"""

from typing import NamedTuple

import numpy as np
from numpy import add, multiply

from sk_autoenc.networks.buffers import make_room, zeros
from sk_autoenc.networks.parameters import FlatParameters, uniform_weights
from sk_autoenc.networks.penalties import Penalties
from sk_autoenc.networks.products import (
    add_product,
    add_product_of_inputs,
    add_product_of_transpose,
    add_product_with_inputs,
    add_product_with_transpose,
    add_rows,
)
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
    penalties: Penalties | None = None
    """On the hidden units."""


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


def encode(inputs, weights, intercept, activation, out):
    """Write y = s(W x + b), Eqs. (1, 4), of dense or sparse rows into `out`."""
    out[...] = intercept
    add_product_of_inputs(inputs, weights, out)
    return activation.value(out)


def decode(hidden, decoder_weights, intercept, output, out):
    """Write z = s(W' y + b'), Eqs. (2, 5), into `out`; ``output(a)`` is s, in place."""
    out[...] = intercept
    add_product(hidden, decoder_weights, out)
    return output(out)


LONGEST_SUM = 2**13
"""Entries that may be summed in single precision: the error is a millionth at worst."""


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
        self.out = self.values, self.delta_visible
        """What a loss writes into."""
        self.ones = np.ones(n_rows, dtype)
        """The sum of rows is a product with these."""
        self.summing_ones = None
        if self.values.size <= LONGEST_SUM:
            self.summing_ones = np.ones(self.values.size, dtype)

    def total(self):
        """Return the sum of `values`."""
        if self.summing_ones is not None:  # in a third of the time
            return float(self.values.ravel().dot(self.summing_ones))
        # numpy 2.0 loses digits of a long sum in single precision.
        return float(add.reduce(self.values, axis=None, dtype=np.float64))


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
        # At ten rows a batch, looking these up in `architecture` tells.
        self._activation, self._output_activation, loss, self._tied, penalties = (
            architecture
        )
        self._penalties = penalties
        self._slope, self._evaluate = self._activation.slope, loss.evaluate
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
        """Count the floating-point operations of the largest product of a step.

        Where weights are free or rows sparse it is half of that.
        """
        n_components, n_features = self.shape
        return 4 * n_rows * n_components * n_features

    def buffers(self, n_rows):
        """Return the memory for batches of `n_rows` rows, the same at every call.

        A feed fills its `inputs` and `targets`, which saves a copy.
        """
        buffers = self._buffers.get(n_rows)
        if buffers is None:
            make_room(self._buffers)
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
        return add.reduce(self._forward(parameters, batch).values, axis=1)

    def gradient(self, parameters, batch, scale=1.0, out=None):
        """Return the SUM of the losses of a batch, and its gradient.

        With penalties on the hidden units both include them.

        Parameters
        ----------
        parameters : Parameters
        batch : feeds.Batch
            Its inputs are dense or sparse rows, its targets dense ones.
        scale : float, default=1.0
            What the gradient, but not the sum, is multiplied by.
        out : Parameters, default=None
            What the scaled gradient is added to. It may be `parameters`, which saves a
            pass over all weights where a step is no more than that. None: it is
            written to memory of the network.

        Returns
        -------
        total : float
        gradient : Parameters
            `out`; or, valid until the next call, the scaled gradient.
        """
        buffers = self._forward(parameters, batch)
        keep = 1.0
        if out is None:
            out, keep = self._own_gradient(), 0.0
        delta_visible, delta_hidden = buffers.delta_visible, buffers.delta_hidden
        add_product_with_transpose(
            delta_visible, parameters.decoder_weights, delta_hidden, 1.0, 0.0
        )
        total, pull = buffers.total(), None
        if self._penalties is not None:
            penalty, pull = self._penalise(parameters, buffers, scale)
            total += penalty
        slope = self._slope(buffers.hidden, buffers.slope)
        multiply(delta_hidden, slope, delta_hidden)  # Eq. (11)
        # From here on, nothing reads `parameters`: they may be `out`.
        ones = buffers.ones
        add_rows(delta_hidden, ones, out.intercept_hidden, scale, keep)  # (13)
        add_rows(delta_visible, ones, out.intercept_visible, scale, keep)  # (14)
        if self._tied and batch.inputs is buffers.inputs:  # without a call
            add_product_of_transpose(
                buffers.hidden_stack, buffers.visible_stack, out.weights, scale, keep
            )
        else:
            self._weight_gradients(batch.inputs, buffers, out, scale, keep)
        if pull is not None:
            out.weights += pull
        return total, out

    def _forward(self, parameters, batch):
        """Fill `values`, `hidden` and, into `delta_visible`, dL/dh2 of every row."""
        inputs, targets, entry_weights, _ = batch
        buffers = self.buffers(len(targets))
        hidden, preactivation = buffers.hidden, buffers.preactivation
        encode(
            inputs,
            parameters.weights,
            parameters.intercept_hidden,
            self._activation,
            hidden,
        )
        preactivation[...] = parameters.intercept_visible
        add_product(hidden, parameters.decoder_weights, preactivation)  # Eq. (5)
        self._evaluate(
            preactivation,
            targets,
            entry_weights,
            self._output_activation,
            buffers.out,
        )
        return buffers

    def _penalise(self, parameters, buffers, scale):
        """Add to dL/dy; return the penalty, and its own scaled gradient of W or None.

        The latter is memory of its own: once it may be added, W may be overwritten.
        """
        penalty, row_factors = self._penalties.add(
            buffers.hidden, parameters.weights, self._activation, buffers.delta_hidden
        )
        if row_factors is None:
            return penalty, None
        return penalty, (float(scale) * row_factors)[:, None] * parameters.weights

    def _own_gradient(self):
        if self._gradient is None:
            self._gradient = allocate_parameters(
                *self.shape, self.architecture.tied, self.dtype
            )
        return self._gradient

    def _weight_gradients(self, inputs, buffers, out, scale, keep):
        """Give Eq. (12), both terms at once where weights are tied and rows dense."""
        if self._tied and isinstance(inputs, np.ndarray):
            if inputs is not buffers.inputs:
                np.copyto(buffers.inputs, inputs)
            add_product_of_transpose(
                buffers.hidden_stack, buffers.visible_stack, out.weights, scale, keep
            )
            return
        add_product_of_transpose(
            buffers.hidden, buffers.delta_visible, out.decoder_weights, scale, keep
        )
        if self._tied:  # to what the decoder has written just now
            keep = 1.0
        add_product_with_inputs(buffers.delta_hidden, inputs, out.weights, scale, keep)
