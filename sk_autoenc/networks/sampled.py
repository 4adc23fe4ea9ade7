"""One-hidden-layer autoencoder of wide sparse rows: its loss on some features of them.

It computes what `networks.one_hidden` does, Eqs. (1)-(14), where the loss is the sum
over the features of a sample, Eq. (48). All that belongs to a feature (its weights and
its visible intercept) is a row of one table: a batch reads the rows of its features,
and its gradient, Eq. (49), touches no others.
"""

from typing import NamedTuple

import numpy as np
from numpy import add, multiply

from sk_autoenc.networks.buffers import Workspace
from sk_autoenc.networks.parameters import FlatParameters
from sk_autoenc.networks.products import (
    add_product,
    add_product_of_transpose,
    add_product_with_transpose,
)
from sk_autoenc.parts.sampling import ROWS_AT_A_TIME


class Parameters(FlatParameters):
    """Parameters of the network, or a gradient with respect to them.

    They go by the names of `one_hidden.Parameters`, which are views on the columns of
    `features`: W, W' if it is free, b'.
    """

    intercept_hidden: np.ndarray
    """b, (n_components,)."""
    features: np.ndarray
    """(n_features, n_components + 1), or with free weights 2 n_components + 1."""

    def __init__(self, shapes, flat):
        super().__init__(shapes, flat)
        (n_components,) = shapes["intercept_hidden"]
        self.encoder_table = self.features[:, :n_components]
        """W, a row for each feature."""
        self.decoder_table = self.features[:, -1 - n_components :]
        """W' with b' behind it, a row for each feature."""
        self.weights = self.encoder_table.T
        self.decoder_weights = self.weights
        if self.features.shape[1] > n_components + 1:
            self.decoder_weights = self.decoder_table[:, :-1].T
        self.intercept_visible = self.features[:, -1]

    table_weights = np.s_[:-1]

    @property
    def table(self):
        """A row for each feature."""
        return self.features

    @property
    def matrices(self):
        """The distinct weight matrices, which a penalty applies to."""
        tied = self.decoder_weights is self.weights
        return (self.weights,) if tied else (self.weights, self.decoder_weights)


def allocate_parameters(n_components, n_features, tied, dtype):
    """Make zero parameters of the network."""
    n_columns = (1 if tied else 2) * n_components + 1
    shapes = {
        "intercept_hidden": (n_components,),
        "features": (n_features, n_columns),
    }
    return Parameters.zeros(shapes, dtype)


class Network:
    """The autoencoder at work on some features of batches of sparse rows.

    It holds memory, but no parameters. A copy or a pickle has memory of its own.

    Parameters
    ----------
    architecture : one_hidden.Architecture
        With a loss that is elementwise, and without contraction.
    n_components, n_features : int
    dtype : numpy dtype
        Of the parameters and batches that it will meet.
    features_per_row : float
        About how many features a part of a batch has for each of its rows, at most.
    """

    def __init__(self, architecture, n_components, n_features, dtype, features_per_row):
        self.architecture = architecture
        self.shape = n_components, n_features
        self.dtype = np.dtype(dtype)
        self.features_per_row = features_per_row
        self._work = Workspace(self.dtype)
        self._gradient = self._counts = None  # made by the first call that needs them

    def __reduce__(self):
        arguments = self.architecture, *self.shape, self.dtype, self.features_per_row
        return Network, arguments

    def flops(self, n_rows):
        """Count the floating-point operations of the largest product of a step."""
        n_components, n_features = self.shape
        n_rows = min(n_rows, ROWS_AT_A_TIME)
        n_features = min(n_features, n_rows * self.features_per_row)
        return 2 * n_rows * n_components * n_features

    def targets(self, n_rows, n_features):
        """Return memory for a feed to fill, used again for the next batch."""
        return self._work("targets", n_rows, n_features)

    def losses(self, parameters, batch):
        """Return the sampled loss of each row, without a penalty.

        Parameters
        ----------
        parameters : Parameters
        batch : sampled_feeds.SampledBatch

        Returns
        -------
        losses : ndarray of shape (n_rows,)
        """
        codes = self._encode(parameters, batch)
        return np.concatenate(
            [
                add.reduce(self._decode(parameters, codes, part).values, axis=1)
                for part in batch.parts
            ]
        )

    def gradient(self, parameters, batch, scale=1.0, out=None):
        """Return the SUM of the sampled losses of a batch, and its gradient.

        Parameters
        ----------
        parameters : Parameters
        batch : sampled_feeds.SampledBatch
        scale : float, default=1.0
            What the gradient, but not the sum, is multiplied by.
        out : Parameters, default=None
            What the scaled gradient is added to; it may be `parameters`. None: it is
            written to memory of the network.

        Returns
        -------
        total : float
        gradient : Parameters
            `out`; or, valid until the next call, the scaled gradient, 0 but for the
            rows `touched` of its table.
        """
        gradient = self._cleared_gradient(parameters)
        codes = self._encode(parameters, batch)
        delta_codes = self._work("delta_codes", *codes.shape)
        total, n_parts = 0.0, 0
        for part in batch.parts:
            decoded = self._decode(parameters, codes, part)
            total += float(add.reduce(decoded.values, axis=None, dtype=np.float64))
            delta_visible, decoder = decoded.delta_visible, decoded.decoder
            add_product(delta_visible, decoder, delta_codes[part.rows], 1.0, 0.0)
            rows = self._work("gradient_rows", *decoder.shape)
            add_product_of_transpose(delta_visible, codes[part.rows], rows, scale, 0.0)
            gradient.decoder_table[part.sample.features] += rows  # Eqs. (12, 14)
            self._count(part.sample)
            n_parts += 1
        penalty, delta_hidden = self._delta_hidden(codes, delta_codes)
        delta_hidden *= delta_hidden.dtype.type(scale)
        add.reduce(delta_hidden, axis=0, out=gradient.intercept_hidden)  # Eq. (13)
        gradient.encoder_table[batch.stored] += batch.inputs.T @ delta_hidden  # (12)
        gradient.touched = np.flatnonzero(self._counts)
        gradient.touched_weights = self._counts[gradient.touched] / n_parts
        if out is None:
            return total + penalty, gradient
        out.add(gradient)
        return total + penalty, out

    def _encode(self, parameters, batch):
        """Give y with a 1 behind it, which meets W' with b' behind it; Eqs. (1, 4)."""
        rows = parameters.encoder_table[batch.stored]
        codes = self._work("codes", batch.inputs.shape[0], self.shape[0] + 1)
        hidden = batch.inputs @ rows
        hidden += parameters.intercept_hidden
        codes[:, :-1] = self.architecture.activation.value(hidden)
        codes[:, -1] = 1
        return codes

    def _decode(self, parameters, codes, part):
        """Give values and dL/dh2 of the rows and features of a part, Eq. (48)."""
        rows, targets, entry_weights, sample = part
        preactivation, values, delta_visible = (
            self._work(name, *targets.shape)
            for name in ("preactivation", "values", "delta_visible")
        )
        decoder = parameters.decoder_table[sample.features]
        add_product_with_transpose(codes[rows], decoder, preactivation, 1.0, 0.0)
        self.architecture.loss.evaluate(
            preactivation,
            targets,
            entry_weights,
            self.architecture.output_activation,
            (values, delta_visible),
        )
        for array in (values, delta_visible):
            drawn = array[:, sample.n_stored :]
            multiply(drawn, array.dtype.type(sample.weight), drawn)
        return Decoded(values, delta_visible, decoder)

    def _delta_hidden(self, codes, delta_codes):
        """Give the penalty on hidden units, and Eq. (11) with it."""
        architecture = self.architecture
        hidden = np.ascontiguousarray(codes[:, :-1])
        delta_hidden = np.ascontiguousarray(delta_codes[:, :-1])
        penalty = 0.0
        if architecture.penalties is not None:  # sparsity: the weights have no part
            penalty, _ = architecture.penalties.add(
                hidden, None, architecture.activation, delta_hidden
            )
        slope = architecture.activation.slope(hidden, np.empty_like(hidden))
        return penalty, multiply(delta_hidden, slope, out=delta_hidden)

    def _count(self, sample):
        """Add by what each feature of a part counts."""
        self._counts[sample.features[: sample.n_stored]] += 1
        self._counts[sample.features[sample.n_stored :]] += sample.weight

    def _cleared_gradient(self, parameters):
        """Return the memory for the gradient, all 0; what is 0 is left alone."""
        gradient = self._gradient
        if gradient is None:
            gradient = self._gradient = parameters.like(np.zeros_like(parameters.flat))
            self._counts = np.zeros(self.shape[1], self.dtype)
        else:
            gradient.features[gradient.touched] = 0
            self._counts[gradient.touched] = 0
        return gradient


class Decoded(NamedTuple):
    """What is known of a part of a batch, and the rows of the table that it met."""

    values: np.ndarray
    delta_visible: np.ndarray
    decoder: np.ndarray
