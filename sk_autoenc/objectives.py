"""Objectives: (parameters, rows, scale, out) -> (mean value over the rows, gradient).

`scale`, 1 unless given, is what the gradient, but not the value, is multiplied by;
`out`, unless None, is what it is added to. A network gives sums, which add up over
blocks, chunks and processes; mean and penalty are here and nowhere else.
"""

from functools import partial

import numpy as np

from sk_autoenc.networks.parameters import penalise


class Objective:
    """The mean over rows of a network's loss, plus the L2 penalty.

    Parameters
    ----------
    network : object
        ``network.gradient(parameters, batch, scale, out)`` -> (SUM over the batch,
        scale * gradient of the sum) and ``network.losses(parameters, batch)`` ->
        (n_rows,).
    feed : feeds.RowFeed or feeds.TreeFeed
        ``feed(rows)`` -> Batch.
    alpha : float, default=0.0
        The penalty is (alpha / 2) times the sum of squares of each weight matrix.
    """

    def __init__(self, network, feed, alpha=0.0):
        self.network = network
        self.feed = feed
        self.alpha = alpha

    def __call__(self, parameters, rows, scale=1.0, out=None):
        """Return (mean + penalty, scale * gradient) of some rows.

        The gradient is of the same type as the parameters, and valid until the next
        call. With `out`, which may be `parameters`, it is added to that.
        """
        n_rows, alpha = len(rows), self.alpha
        batch = self.feed(rows)
        # The penalty's gradient is that of the old parameters, too.
        total, gradient = self.network.gradient(
            parameters, batch, scale / n_rows, None if alpha else out
        )
        value = total / n_rows
        if alpha:
            value += penalise(parameters, alpha, gradient, scale)
            gradient = added(gradient, out)
        return value, gradient

    def sum(self, parameters, rows, scale=1.0):
        """Return (SUM over rows, scale * gradient of the sum), without the penalty."""
        return self.network.gradient(parameters, self.feed(rows), scale)

    def losses(self, parameters, rows=None):
        """Return the loss of each row, or of all rows in order, without the penalty."""
        return np.concatenate(
            [
                self.network.losses(parameters, self.feed(block))
                for block in self.feed.blocks(rows)
            ]
        )

    def corrupting(self, corruption):
        """Make the objective of the same network and rows with another corruption."""
        return Objective(self.network, self.feed.corrupting(corruption), self.alpha)


class SumOverChunks:
    """The objective of data that lie in several chunks, each with its own `Objective`.

    Sums and gradients of the chunks are added up, and divided once: chunks may be
    blocks that fit into the cache, or held by threads or processes. Without corruption
    it equals, to rounding, the one objective of all rows; with corruption each chunk
    has draws of its own.

    Parameters
    ----------
    objectives : list of Objective
        Of the same parameters and the same `alpha`. They may share a network if `map`
        takes one result after the other, as the built-in does.
    map : callable, default=map
        ``map(function, *lists)`` -> iterable of results in that order, such as that of
        a `concurrent.futures.Executor`.
    """

    def __init__(self, objectives, map=map):
        self.objectives = list(objectives)
        self.map = map
        lengths = [len(objective.feed) for objective in self.objectives]
        self.start = np.concatenate([[0], np.cumsum(lengths)])

    def __call__(self, parameters, rows, scale=1.0, out=None):
        """Return (mean + penalty, scale * gradient) of some rows, in any order.

        Rows are numbered through all chunks; see `Objective`.
        """
        gradient = parameters.like(np.zeros_like(parameters.flat))
        chunk = np.searchsorted(self.start, rows, side="right") - 1
        chosen = np.unique(chunk)
        rows_of_chunks = [
            rows[chunk == number] - self.start[number] for number in chosen
        ]
        total = 0.0
        for part, part_gradient in self.map(
            partial(sum_of_chunk, parameters, scale / len(rows)),
            [self.objectives[number] for number in chosen],
            rows_of_chunks,
        ):
            total += part
            gradient.flat += part_gradient.flat
        alpha = self.objectives[0].alpha
        penalty = penalise(parameters, alpha, gradient, scale)
        return total / len(rows) + penalty, added(gradient, out)

    def losses(self, parameters):
        """Return the loss of each row of all chunks in order, without the penalty."""
        parts = (objective.losses(parameters) for objective in self.objectives)
        return np.concatenate(list(parts))


def sum_of_chunk(parameters, scale, objective, rows):
    """Call `Objective.sum`; a function of the module, so that processes can get it."""
    return objective.sum(parameters, rows, scale)


def added(gradient, out):
    """Add a gradient to `out` and return that; None: return the gradient."""
    if out is None:
        return gradient
    out.add(gradient)
    return out
