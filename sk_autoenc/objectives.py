"""Objectives: (parameters, rows, scale) -> (mean value over the rows, gradient).

That is the method `value_and_gradient`. `scale`, 1 unless given, is what the gradient,
but not the value, is multiplied by.
"""

import numpy as np

from sk_autoenc.networks import levels, tied, tree, tree_gradients, tree_parameters

BLOCK_ENTRIES = 2**19
"""Entries worked on at a time outside training: few enough for the cache, enough for a
product on two threads. Sparse data are never dense as a whole."""


class DenoisingObjective:
    """The mean denoising loss of some rows of X, and its gradient.

    Buffers are made once and used again. The gradient is one of them: it is valid until
    the next call.
    """

    def __init__(self, X, parameters, architecture, make_corruption, emphasis, rng):
        """Keep what every batch needs.

        Parameters
        ----------
        X : ndarray or CSR matrix of shape (n_samples, n_features)
        parameters : networks.tied.Parameters
            Of the shape and dtype that every call will bring.
        architecture : networks.tied.Architecture
        make_corruption : callable
            ``make_corruption(rng)`` -> a corruption.
        emphasis : tuple of two floats or None
            Loss weights of corrupted and of untouched entries; None: both are 1.
        rng : numpy.random.Generator
            Decides the corruption in training.
        """
        self.dtype = X.dtype
        self.read = row_reader(X)
        self.architecture = architecture
        self.make_corruption = make_corruption
        self.corruption = make_corruption(rng)
        self.emphasis = emphasis
        self.stays_sparse = (
            not isinstance(X, np.ndarray)
            and self.corruption.elementwise_on_nonzeros
            and emphasis is None
        )
        self.gradient = tied.allocate_parameters(
            *parameters.weights.shape, architecture.tied, parameters.flat.dtype
        )
        self.networks = tied.Networks(parameters, architecture, self.gradient)

    def value_and_gradient(self, parameters, rows, scale=1.0):
        """Return (mean value, scale * gradient) under a corruption drawn anew."""
        network = self._networks(parameters)[len(rows)]
        inputs, weights = self._corrupt(rows, network, self.corruption)
        return network.value_and_gradient(inputs, weights, scale)

    def validation_loss(self, parameters, rows, rng):
        """Return the mean denoising loss of rows, without the penalty."""
        corruption = self.make_corruption(rng)
        total = 0.0
        networks = self._networks(parameters)
        for block in blocks_of_rows(len(rows), networks.row_entries):
            network = networks[block.stop - block.start]
            inputs, weights = self._corrupt(rows[block], network, corruption)
            values = network.forward(inputs)
            if weights is not None:
                values *= weights
            total += float(values.sum())
        return total / len(rows)

    def _networks(self, parameters):
        if parameters is not self.networks.parameters:
            self.networks = tied.Networks(parameters, self.architecture, self.gradient)
        return self.networks

    def _corrupt(self, rows, network, corruption):
        """Fill `network.clean`; return corrupted inputs and weights of losses."""
        clean = network.clean
        batch = self.read(rows, clean)
        if self.stays_sparse:
            inputs = batch.copy()
            corruption.corrupt(batch.data, inputs.data)
            return inputs, None
        untouched = corruption.corrupt(clean, network.corrupted)
        if self.emphasis is None:
            return network.corrupted, None
        on_corrupted, on_untouched = map(self.dtype.type, self.emphasis)
        return network.corrupted, np.where(untouched, on_untouched, on_corrupted)


class TreeObjective:
    """The mean loss of some trees of a forest, and its gradient.

    Buffers are made once and used again. The gradient is one of them: it is valid until
    the next call.
    """

    def __init__(self, forest, parameters, architecture, make_corruption, rng):
        """Keep what every batch needs.

        Parameters
        ----------
        forest : Forest
        parameters : networks.tree_parameters.Parameters
            Of the shape and dtype that every call will bring.
        architecture : networks.tree_parameters.Architecture
        make_corruption : callable or None
            ``make_corruption(rng)`` -> a corruption of leaf vectors; None: none.
        rng : numpy.random.Generator
            Decides the corruption in training.
        """
        self.forest = forest
        self.architecture = architecture
        self.make_corruption = make_corruption
        self.corruption = make_corruption and make_corruption(rng)
        self.work = tree.Workspace(forest.dtype)
        self.gradient = tree_parameters.allocate_parameters(
            parameters.n_components, forest.n_features, forest.dtype
        )

    def value_and_gradient(self, parameters, rows, scale=1.0):
        """Return (mean value, scale * gradient) under a corruption drawn anew."""
        batch = self.forest.select(rows)
        return tree_gradients.value_and_gradient(
            self._network(parameters),
            self._blocks(parameters, batch),
            self._corrupt(batch, self.corruption),
            scale,
        )

    def validation_loss(self, parameters, rows, rng):
        """Return the mean loss of trees, without the penalty."""
        batch = self.forest.select(rows)
        corruption = self.make_corruption and self.make_corruption(rng)
        inputs = self._corrupt(batch, corruption)
        network = self._network(parameters)
        total, n_leaves = 0.0, 0
        for block in self._blocks(parameters, batch):
            part = None if inputs is None else inputs[n_leaves:][: block.n_leaves]
            total += tree.tree_losses(network, block, part).sum()
            n_leaves += block.n_leaves
        return float(total / len(rows))

    def _network(self, parameters):
        return tree.Network(parameters, self.architecture, self.work, self.gradient)

    def _blocks(self, parameters, batch):
        return levels.blocks(batch, parameters.n_components, self.forest.dtype)

    def _corrupt(self, batch, corruption):
        """Return corrupted leaf vectors, or None for the clean ones."""
        if corruption is None:
            return None
        clean = batch.leaf_vectors()
        inputs = np.empty_like(clean)
        corruption.corrupt(clean, out=inputs)
        return inputs


def blocks_of_rows(n_rows, row_entries):
    """Yield slices of rows, of about `BLOCK_ENTRIES` entries each."""
    size = max(1, BLOCK_ENTRIES // row_entries)
    for start in range(0, n_rows, size):
        yield slice(start, min(start + size, n_rows))


def row_reader(X):
    """Return a function ``read(rows, out)`` that writes rows of X, dense, into `out`.

    It returns them as X has them: that is `out` itself for a dense X, and a sparse
    batch for a sparse one.
    """

    def read_dense(rows, out):
        return X.take(rows, 0, out, "clip")

    def read_sparse(rows, out):
        batch = X[rows]
        batch.toarray(out=out)
        return batch

    return read_dense if isinstance(X, np.ndarray) else read_sparse
