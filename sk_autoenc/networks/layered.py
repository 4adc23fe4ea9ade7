"""A network of any number of layers: rows in, reconstructions or labels of rows out.

    y_0 = x~,  y_k = s(W_k y_{k-1} + b_k),  a = W_{K+1} y_K + b_{K+1} + V x~     (50)

    L = sum_j w_j l(a_j, x_j)

V, a linear path past all layers, is there on request. Rows are samples; the loss says
what it makes of `a`. Backpropagation, with delta_k = dL/d(pre-activation of layer k):

    delta_{K+1} = dL/da,  delta_k = (W_{k+1}^T delta_{k+1}) * s'                 (51)

    dL/dW_k = delta_k y_{k-1}^T,  dL/db_k = delta_k,  dL/dV = delta_{K+1} x~^T   (52)

While it is trained, entries of y_0, ..., y_K may be dropped: layer k + 1 then reads
m_k * y_k, and so does the way back, Eq. (58). A head may read one of the codes, y_H,
and compare what it makes of it with labels t:

    c = W_c (m_H * y_H) + b_c,  L = (1 - r) v l_c(c, t) + (r / d) sum_j w_j l(a_j, x_j)
                                                                                 (59)
where v is the weight of the label's class and d the length of `a`. With r = 0 there is
nothing above the head.
"""

from functools import partial
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy import multiply

from sk_autoenc.networks.buffers import make_room, zeros
from sk_autoenc.networks.parameters import FlatParameters, uniform_weights
from sk_autoenc.networks.penalties import Penalties
from sk_autoenc.networks.products import (
    add_product,
    add_product_of_inputs,
    add_product_with_inputs,
    add_rows,
)
from sk_autoenc.parts.activations import ACTIVATIONS, Activation
from sk_autoenc.parts.corruptions import Coins
from sk_autoenc.parts.losses import Loss


class Parameters(FlatParameters):
    """Weights and intercepts of every layer, or a gradient with respect to them.

    Layer k, counted from 1, has ``weights_k``, (n_outputs, n_inputs), and
    ``intercept_k``, (n_outputs,); ``shortcut`` is V, (n_outputs, n_inputs); ``head``
    is W_c, (n_labels, n_code), and ``head_intercept`` b_c, (n_labels,).
    """

    head: np.ndarray
    head_intercept: np.ndarray

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
        others = (name for name in ("shortcut", "head") if name in self.shapes)
        return (
            *(weights for weights, _ in self.layers),
            *(getattr(self, name) for name in others),
        )


class Head(NamedTuple):
    """What is made of a code, and how it is compared with labels: Eq. (59)."""

    loss: Loss
    """Of c, whose targets are rows of numbers; a class is a row with one 1."""
    n_outputs: int
    reads: int
    """H, from 0 (the input) on; without a loss of the output, the last layer."""
    reconstruction: float = 0.0
    """r, in [0, 1]."""
    class_weights: np.ndarray | None = None
    """v of each output, (n_outputs,). None: 1."""


class Architecture(NamedTuple):
    """What the network computes, apart from its parameters."""

    sizes: tuple[int, ...]
    """Length of the input, of each hidden layer, of the output."""
    activation: Activation
    """Of the hidden layers."""
    output_activation: Activation
    """Handed to the loss."""
    loss: Loss | None
    """None: there is no output but the head's; all layers are hidden."""
    shortcut: bool = False
    """Whether a linear path leads past the layers."""
    head: Head | None = None
    penalties: Penalties | None = None
    n_penalised: int = 0
    """Of so many layers, from the first on, the codes have penalties."""

    @property
    def n_hidden(self):
        """How many layers have the activation of hidden ones."""
        return len(self.sizes) - 1 - (self.loss is not None)


def parameter_shapes(architecture):
    """Return name and shape of each array of parameters."""
    sizes, head = architecture.sizes, architecture.head
    shapes = {}
    for k, (n_inputs, n_outputs) in enumerate(pairwise(sizes), 1):
        shapes[f"weights_{k}"] = (n_outputs, n_inputs)
        shapes[f"intercept_{k}"] = (n_outputs,)
    if architecture.shortcut:
        shapes["shortcut"] = (sizes[-1], sizes[0])
    if head is not None:
        shapes["head"] = (head.n_outputs, sizes[head.reads])
        shapes["head_intercept"] = (head.n_outputs,)
    return shapes


def allocate_parameters(architecture, dtype):
    """Make zero parameters of the network."""
    return Parameters.zeros(parameter_shapes(architecture), dtype)


def initialise(parameters, architecture, rng):
    """Draw the weights; the intercepts, and the linear path, stay 0."""
    n_hidden = architecture.n_hidden
    for weights, _ in parameters.layers[:n_hidden]:
        uniform_weights(weights, architecture.activation.initial_scale, rng)
    for weights, _ in parameters.layers[n_hidden:]:
        scale = architecture.output_activation.initial_scale
        uniform_weights(weights, scale, rng)
    if architecture.head is not None:
        uniform_weights(parameters.head, ACTIVATIONS["identity"].initial_scale, rng)


def make_coins(levels, rng, dtype):
    """Make what draws m_k, 0 or 1 / (1 - level), of Eq. (58).

    Parameters
    ----------
    levels : sequence of float
        The share of entries of y_0, y_1, ... that are dropped, in [0, 1).
    rng : numpy.random.Generator
    dtype : numpy dtype

    Returns
    -------
    coins : list of (Coins or None)
    """
    return [
        Coins(1 - level, rng, np.dtype(dtype), value=1 / (1 - level)) if level else None
        for level in levels
    ]


class Buffers:
    """Memory for batches of one size; an array per layer of each kind."""

    def __init__(self, n_rows, architecture, dtype):
        sizes, head = architecture.sizes, architecture.head
        self.inputs = zeros((n_rows, sizes[0]), dtype)
        """For a feed to fill with what is encoded."""
        self.targets = zeros((n_rows, sizes[-1]), dtype)
        """For a feed to fill with what the output is compared with."""
        self.outputs = [zeros((n_rows, size), dtype) for size in sizes[1:]]
        """y_1, ..., y_K and a."""
        self.deltas = [zeros((n_rows, size), dtype) for size in sizes[1:]]
        self.slopes = [zeros((n_rows, size), dtype) for size in sizes[1:]]
        """s' of y_1, ..., y_K; the values of the loss."""
        self.values = self.slopes[-1]
        self.ones = np.ones(n_rows, dtype)
        """The sum of rows is a product with these."""
        self.kept = {}
        """m_k by k, of the last pass, where entries are dropped; Eq. (58)."""
        self.dropped = {}
        """Memory for m_k * y_k by k."""
        self.head = None
        """c, dL/dc and the values of the head's loss."""
        if head is not None:
            self.head = [zeros((n_rows, head.n_outputs), dtype) for _ in range(3)]


class Network:
    """The network at work on batches of rows: outputs, losses, gradient of their sum.

    It holds memory, but no parameters. A copy or a pickle has memory of its own.

    Parameters
    ----------
    architecture : Architecture
    dtype : numpy dtype
        Of the parameters and batches that it will meet.
    dropout : list of (Coins or None), default=()
        What drops entries of y_0, y_1, ... in `gradient`, and nowhere else.
    """

    def __init__(self, architecture, dtype, dropout=()):
        self.architecture = architecture
        self.dtype = np.dtype(dtype)
        self.dropout = list(dropout)
        self._buffers = {}
        self._gradient = None  # made by the first call that needs it

    def __reduce__(self):
        return Network, (self.architecture, self.dtype, self.dropout)

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
            make_room(self._buffers)
            buffers = Buffers(n_rows, self.architecture, self.dtype)
            self._buffers[n_rows] = buffers
        return buffers

    def output(self, parameters, inputs):
        """Return a, the pre-activation of the output, Eq. (50).

        Parameters
        ----------
        parameters : Parameters
        inputs : ndarray or sparse matrix of shape (n_rows, sizes[0])

        Returns
        -------
        output : ndarray of shape (n_rows, sizes[-1])
            Valid until the next call.
        """
        return self._run(parameters, inputs)[-1]

    def codes(self, parameters, inputs, n_layers):
        """Return y_1, ..., of so many layers.

        Parameters
        ----------
        parameters : Parameters
        inputs : ndarray or sparse matrix of shape (n_rows, sizes[0])
        n_layers : int

        Returns
        -------
        codes : list of ndarray of shape (n_rows, sizes[k])
            Valid until the next call.
        """
        return self._run(parameters, inputs, stop=n_layers)[1:]

    def decode(self, parameters, codes, layer):
        """Return a, the pre-activation of the output, from y_k, the codes of a layer.

        Parameters
        ----------
        parameters : Parameters
        codes : ndarray of shape (n_rows, sizes[layer])
        layer : int

        Returns
        -------
        output : ndarray of shape (n_rows, sizes[-1])
            Valid until the next call.
        """
        return self._run(parameters, codes, layer)[-1]

    def labels(self, parameters, inputs):
        """Return c, what the head makes of the code that it reads, Eq. (59).

        Parameters
        ----------
        parameters : Parameters
        inputs : ndarray or sparse matrix of shape (n_rows, sizes[0])

        Returns
        -------
        labels : ndarray of shape (n_rows, n_outputs)
            Valid until the next call.
        """
        head = self.architecture.head
        reads = self._run(parameters, inputs, stop=head.reads)
        return self._head_output(parameters, reads[-1])

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
        _, _, values = self._forward(parameters, batch)
        return sum(np.add.reduce(part, axis=1) for part in values)

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
            Penalties on the codes included.
        gradient : Parameters
            `out`; or, valid until the next call, the scaled gradient.
        """
        buffers, reads, values = self._forward(parameters, batch, self.dropout)
        total = sum(
            float(np.add.reduce(part, axis=None, dtype=np.float64)) for part in values
        )
        keep = 1.0
        if out is None:
            out, keep = self._own_gradient(), 0.0
        penalty, of_weights = self._backward(parameters, buffers)
        # From here on, nothing reads `parameters`: they may be `out`.
        ones = buffers.ones
        for (weights, intercept), delta, below in zip(
            out.layers, buffers.deltas, reads, strict=False
        ):
            add_product_with_inputs(delta, below, weights, scale, keep)  # Eq. (52)
            add_rows(delta, ones, intercept, scale, keep)
        for (weights, _), part in zip(out.layers, of_weights, strict=False):
            part *= scale
            weights += part
        if self.architecture.shortcut:
            add_product_with_inputs(
                buffers.deltas[-1], reads[0], out.shortcut, scale, keep
            )
        head = self.architecture.head
        if head is not None:
            delta = buffers.head[1]
            add_product_with_inputs(delta, reads[head.reads], out.head, scale, keep)
            add_rows(delta, ones, out.head_intercept, scale, keep)
        return total + penalty, out

    def _run(self, parameters, inputs, start=0, stop=None, dropout=()):
        """Go up from the layer `start`, whose codes are given, to the layer `stop`.

        Returns
        -------
        reads : list of ndarray
            What the layers after `start` read; at the end, the codes or output of
            `stop`. Entries are dropped.
        """
        n_hidden, buffers = self.architecture.n_hidden, self.buffers(inputs.shape[0])
        drop = partial(drop_entries, dropout, buffers)
        reads = [drop(start, inputs)]
        layers = list(zip(parameters.layers, buffers.outputs, strict=True))[start:stop]
        for k, ((weights, intercept), out) in enumerate(layers, start + 1):
            out[...] = intercept
            add_product_of_inputs(reads[-1], weights, out)
            if k <= n_hidden:
                out = drop(k, self.architecture.activation.value(out))
            reads.append(out)
        if self.architecture.shortcut and stop is None:
            add_product_of_inputs(reads[0], parameters.shortcut, reads[-1])
        return reads

    def _head_output(self, parameters, code):
        out = self.buffers(code.shape[0]).head[0]
        out[...] = parameters.head_intercept
        add_product_of_inputs(code, parameters.head, out)
        return out

    def _forward(self, parameters, batch, dropout=()):
        """Evaluate the losses; fill the last delta, dL/da, and the head's, dL/dc.

        A loss takes its pre-activation as its own.

        Returns
        -------
        buffers : Buffers
        reads : list of ndarray
            What each layer reads.
        values : list of ndarray
            Each of as many rows; summed over a row, and over all, its loss.
        """
        inputs, targets, entry_weights, y = batch
        architecture = self.architecture
        buffers = self.buffers(inputs.shape[0])
        reads = self._run(parameters, inputs, dropout=dropout)
        values = []
        if architecture.loss is not None:
            results = buffers.values, buffers.deltas[-1]
            architecture.loss.evaluate(
                reads[-1],
                targets,
                entry_weights,
                architecture.output_activation,
                results,
            )
            values.append(buffers.values)
        head = architecture.head
        if head is not None:
            if architecture.loss is not None:  # r / d of Eq. (59)
                share = self.dtype.type(head.reconstruction / architecture.sizes[-1])
                for part in results:
                    multiply(part, share, part)
            weights = np.full((len(y), 1), 1 - head.reconstruction, self.dtype)
            if head.class_weights is not None:
                # Not a product: numpy's BLAS is not to run beside scipy's.
                of_label = (y * head.class_weights).sum(axis=1, keepdims=True)
                weights *= of_label.astype(self.dtype)
            output = self._head_output(parameters, reads[head.reads])
            _, delta, of_labels = buffers.head
            identity = ACTIVATIONS["identity"]
            head.loss.evaluate(output, y, weights, identity, (of_labels, delta))
            values.append(of_labels)
        return buffers, reads, values

    def _backward(self, parameters, buffers):
        """Fill `deltas` from the last on, Eq. (51).

        Returns
        -------
        penalty : float
            The sum over rows of the penalties on codes.
        of_weights : list of ndarray
            Their derivatives with respect to the weights of the first layers.
        """
        architecture, deltas = self.architecture, buffers.deltas
        head, slope = architecture.head, architecture.activation.slope
        penalties, total, of_weights = architecture.penalties, 0.0, []
        for k in range(architecture.n_hidden, 0, -1):
            delta, keep = deltas[k - 1], 0.0
            if k < len(deltas):
                add_product(deltas[k], parameters.layers[k][0], delta, keep=0.0)
                keep = 1.0
            if head is not None and head.reads == k:
                add_product(buffers.head[1], parameters.head, delta, keep=keep)
            if k in buffers.kept:  # Eq. (58)
                multiply(delta, buffers.kept[k], delta)
            codes, (weights, _) = buffers.outputs[k - 1], parameters.layers[k - 1]
            if penalties is not None and k <= architecture.n_penalised:
                value, factors = penalties.add(
                    codes, weights, architecture.activation, delta
                )
                total += value
                if factors is not None:
                    of_weights.insert(0, factors[:, None] * weights)
            multiply(delta, slope(codes, buffers.slopes[k - 1]), delta)
        return total, of_weights

    def _own_gradient(self):
        if self._gradient is None:
            self._gradient = allocate_parameters(self.architecture, self.dtype)
        return self._gradient


def drop_entries(dropout, buffers, k, codes):
    """Return m_k * y_k, or y_k where nothing drops entries of it."""
    coins = dropout[k] if k < len(dropout) else None
    if coins is None:
        return codes
    if isinstance(codes, np.ndarray):
        kept = buffers.kept[k] = coins.toss(codes.shape)
        if k not in buffers.dropped:
            buffers.dropped[k] = zeros(codes.shape, codes.dtype)
        return multiply(codes, kept, buffers.dropped[k])
    codes = codes.copy()
    codes.data *= coins.toss(codes.data.shape)
    return codes
