"""A network of any number of layers: rows in, reconstructions of rows out.

    y_0 = x~,  y_k = s(W_k y_{k-1} + b_k),  a = W_{K+1} y_K + b_{K+1} + V x~     (50)

    L = sum_j w_j l(a_j, x_j)

V, a linear path past all layers, is there on request. Rows are samples; the loss says
what it makes of `a`. Backpropagation, with delta_k = dL/d(pre-activation of layer k):

    delta_{K+1} = dL/da,  delta_k = (W_{k+1}^T delta_{k+1}) * s'                 (51)

    dL/dW_k = delta_k y_{k-1}^T,  dL/db_k = delta_k,  dL/dV = delta_{K+1} x~^T   (52)
"""

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy import multiply

from sk_autoenc.networks.buffers import zeros
from sk_autoenc.networks.parameters import FlatParameters, uniform_weights
from sk_autoenc.networks.products import (
    add_product,
    add_product_of_transpose,
    add_product_with_transpose,
    add_rows,
)
from sk_autoenc.parts.activations import Activation
from sk_autoenc.parts.losses import Loss


class Parameters(FlatParameters):
    """Weights and intercepts of every layer, or a gradient with respect to them.

    Layer k, counted from 1, has ``weights_k``, (n_outputs, n_inputs), and
    ``intercept_k``, (n_outputs,); ``shortcut`` is V, (n_outputs, n_inputs).
    """

    def __init__(self, shapes, flat):
        super().__init__(shapes, flat)
        n_layers = sum(name.startswith("weights") for name in shapes)
        self.layers = [
            (getattr(self, f"weights_{k}"), getattr(self, f"intercept_{k}"))
            for k in range(1, n_layers + 1)
        ]
        """Weights and intercept of each layer, from the input on."""

    @property
    def matrices(self):
        """The weight matrices, which a penalty applies to."""
        weights = tuple(weights for weights, _ in self.layers)
        return (*weights, self.shortcut) if "shortcut" in self.shapes else weights


class Architecture(NamedTuple):
    """What the network computes, apart from its parameters."""

    sizes: tuple[int, ...]
    """Length of the input, of each hidden layer, of the output."""
    activation: Activation
    """Of the hidden layers."""
    output_activation: Activation
    """Handed to the loss."""
    loss: Loss
    shortcut: bool = False
    """Whether a linear path leads past the layers."""


def allocate_parameters(architecture, dtype):
    """Make zero parameters of the network."""
    sizes = architecture.sizes
    shapes = {}
    for k, (n_inputs, n_outputs) in enumerate(pairwise(sizes), 1):
        shapes[f"weights_{k}"] = (n_outputs, n_inputs)
        shapes[f"intercept_{k}"] = (n_outputs,)
    if architecture.shortcut:
        shapes["shortcut"] = (sizes[-1], sizes[0])
    return Parameters.zeros(shapes, dtype)


def initialise(parameters, architecture, rng):
    """Draw the weights; the intercepts, and the linear path, stay 0."""
    *hidden, output = parameters.layers
    for weights, _ in hidden:
        uniform_weights(weights, architecture.activation.initial_scale, rng)
    uniform_weights(output[0], architecture.output_activation.initial_scale, rng)


class Buffers:
    """Memory for batches of one size; an array per layer of each kind."""

    def __init__(self, n_rows, sizes, dtype):
        self.inputs = zeros((n_rows, sizes[0]), dtype)
        """For a feed to fill with what is encoded."""
        self.targets = zeros((n_rows, sizes[-1]), dtype)
        """For a feed to fill with what the output is compared with."""
        self.outputs = [zeros((n_rows, size), dtype) for size in sizes[1:]]
        """y_1, ..., y_K and a."""
        self.deltas = [zeros((n_rows, size), dtype) for size in sizes[1:]]
        self.slopes = [zeros((n_rows, size), dtype) for size in sizes[1:-1]]
        self.values = zeros((n_rows, sizes[-1]), dtype)
        self.ones = np.ones(n_rows, dtype)
        """The sum of rows is a product with these."""


class Network:
    """The network at work on batches of rows: outputs, losses, gradient of their sum.

    It holds memory, but no parameters. A copy or a pickle has memory of its own.

    Parameters
    ----------
    architecture : Architecture
    dtype : numpy dtype
        Of the parameters and batches that it will meet.
    """

    def __init__(self, architecture, dtype):
        self.architecture = architecture
        self.dtype = np.dtype(dtype)
        self._buffers = {}
        self._gradient = None  # made by the first call that needs it

    def __reduce__(self):
        return Network, (self.architecture, self.dtype)

    @property
    def row_entries(self):
        """Entries of memory that a row of a batch takes."""
        n_inputs, *sizes = self.architecture.sizes
        return n_inputs + 3 * sum(sizes)

    def flops(self, n_rows):
        """Count the floating-point operations of the largest product of a step."""
        sizes = self.architecture.sizes
        return 2 * n_rows * max(map(multiply, sizes, sizes[1:]))

    def buffers(self, n_rows):
        """Return the memory for batches of `n_rows` rows, the same at every call.

        A feed fills its `inputs` and `targets`, which saves a copy.
        """
        buffers = self._buffers.get(n_rows)
        if buffers is None:
            sizes = self.architecture.sizes
            buffers = self._buffers[n_rows] = Buffers(n_rows, sizes, self.dtype)
        return buffers

    def output(self, parameters, inputs):
        """Return a, the pre-activation of the output, Eq. (50).

        Parameters
        ----------
        parameters : Parameters
        inputs : ndarray of shape (n_rows, sizes[0])

        Returns
        -------
        output : ndarray of shape (n_rows, sizes[-1])
            Valid until the next call.
        """
        outputs = self.buffers(len(inputs)).outputs
        below = inputs
        for (weights, intercept), out in zip(parameters.layers, outputs, strict=True):
            out[...] = intercept
            add_product_with_transpose(below, weights, out)
            if out is not outputs[-1]:
                self.architecture.activation.value(out)
            below = out
        if self.architecture.shortcut:
            add_product_with_transpose(inputs, parameters.shortcut, below)
        return below

    def losses(self, parameters, batch):
        """Return the loss of each row, summed over the output, without a penalty.

        Parameters
        ----------
        parameters : Parameters
        batch : feeds.Batch

        Returns
        -------
        losses : ndarray of shape (n_rows,)
        """
        return np.add.reduce(self._forward(parameters, batch).values, axis=1)

    def gradient(self, parameters, batch, scale=1.0, out=None):
        """Return the SUM of the losses of a batch, and its gradient.

        Parameters
        ----------
        parameters : Parameters
        batch : feeds.Batch
        scale : float, default=1.0
            What the gradient, but not the sum, is multiplied by.
        out : Parameters, default=None
            What the scaled gradient is added to; it may be `parameters`. None: it is
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
        self._backward(parameters, buffers)
        # From here on, nothing reads `parameters`: they may be `out`.
        inputs = [batch.inputs, *buffers.outputs]
        for (weights, intercept), delta, below in zip(
            out.layers, buffers.deltas, inputs, strict=False
        ):
            add_product_of_transpose(delta, below, weights, scale, keep)  # Eq. (52)
            add_rows(delta, buffers.ones, intercept, scale, keep)
        if self.architecture.shortcut:
            delta = buffers.deltas[-1]
            add_product_of_transpose(delta, batch.inputs, out.shortcut, scale, keep)
        return float(np.add.reduce(buffers.values, axis=None, dtype=np.float64)), out

    def _forward(self, parameters, batch):
        """Fill `outputs`, `values` and, into the last of `deltas`, dL/da of every row.

        The loss takes `outputs[-1]`, a, as its own.
        """
        inputs, targets, entry_weights, _ = batch
        buffers = self.buffers(len(targets))
        self.architecture.loss.evaluate(
            self.output(parameters, inputs),
            targets,
            entry_weights,
            self.architecture.output_activation,
            (buffers.values, buffers.deltas[-1]),
        )
        return buffers

    def _backward(self, parameters, buffers):
        """Fill `deltas` from the last on, Eq. (51)."""
        slope = self.architecture.activation.slope
        deltas = buffers.deltas
        for k in range(len(deltas) - 1, 0, -1):
            weights, _ = parameters.layers[k]
            add_product(deltas[k], weights, deltas[k - 1], keep=0.0)
            slope(buffers.outputs[k - 1], buffers.slopes[k - 1])
            multiply(deltas[k - 1], buffers.slopes[k - 1], deltas[k - 1])

    def _own_gradient(self):
        if self._gradient is None:
            self._gradient = allocate_parameters(self.architecture, self.dtype)
        return self._gradient
