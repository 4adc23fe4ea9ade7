"""Objectives: (parameters, rows) -> (mean value over the rows, gradient)."""

import numpy as np

from sk_autoenc.networks import tied

BLOCK = 512
"""Rows worked on at a time outside training: their arrays stay in cache."""


class DenoisingObjective:
    """The mean denoising loss of some rows of X, and its gradient.

    Buffers are made at the first batch of each size and used again. The gradient is
    one of them: it is valid until the next call.
    """

    def __init__(self, X, architecture, make_corruption, emphasis, rng):
        """Keep what every batch needs.

        Parameters
        ----------
        X : ndarray or CSR matrix of shape (n_samples, n_features)
        architecture : networks.tied.Architecture
        make_corruption : callable
            ``make_corruption(rng)`` -> a corruption.
        emphasis : tuple of two floats or None
            Loss weights of corrupted and of untouched entries; None: both are 1.
        rng : numpy.random.Generator
            Decides the corruption in training.
        """
        self.X = X
        self.architecture = architecture
        self.make_corruption = make_corruption
        self.corruption = make_corruption(rng)
        self.emphasis = emphasis
        self.workspaces = {}
        self.gradient = None

    def __call__(self, parameters, rows):
        """Return (mean value, gradient) under a corruption drawn anew."""
        if self.gradient is None:
            self.gradient = tied.allocate_parameters(
                *parameters.weights.shape, self.architecture.tied, self.X.dtype
            )
        work = self._workspace(parameters, len(rows))
        inputs, weights = self._corrupt(rows, work, self.corruption)
        return tied.value_and_gradient(
            parameters, self.architecture, inputs, work, self.gradient, weights
        )

    def validation_loss(self, parameters, rows, rng):
        """Return the mean denoising loss of rows, without the penalty."""
        corruption = self.make_corruption(rng)
        total = 0.0
        for block in range(0, len(rows), BLOCK):
            block_rows = rows[block : block + BLOCK]
            work = self._workspace(parameters, len(block_rows))
            inputs, weights = self._corrupt(block_rows, work, corruption)
            values = tied.forward(
                parameters, self.architecture, inputs, work.clean, work
            )
            if weights is not None:
                values *= weights
            total += float(values.sum())
        return total / len(rows)

    def _workspace(self, parameters, n_rows):
        if n_rows not in self.workspaces:
            self.workspaces[n_rows] = tied.Workspace(
                n_rows, parameters.weights.shape, self.X.dtype
            )
        return self.workspaces[n_rows]

    def _corrupt(self, rows, work, corruption):
        """Fill `work.clean`; return corrupted inputs and weights of entries' losses."""
        batch = take_rows(self.X, rows, work.clean)
        if (
            batch is not work.clean
            and corruption.elementwise_on_nonzeros
            and self.emphasis is None
        ):
            inputs = batch.copy()
            corruption(batch.data, out=inputs.data)
            return inputs, None
        untouched = corruption(work.clean, out=work.corrupted)
        if self.emphasis is None:
            return work.corrupted, None
        on_corrupted, on_untouched = map(self.X.dtype.type, self.emphasis)
        return work.corrupted, np.where(untouched, on_untouched, on_corrupted)


def take_rows(X, rows, out):
    """Write some rows of X, dense, into `out`; return them as X has them.

    That is `out` itself for a dense X, and a sparse batch for a sparse one.
    """
    if isinstance(X, np.ndarray):
        return X.take(rows, axis=0, out=out, mode="clip")
    batch = X[rows]
    batch.toarray(out=out)
    return batch
