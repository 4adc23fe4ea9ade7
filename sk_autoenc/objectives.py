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

    @property
    def n_rows(self):
        """How many rows there are."""
        return len(self.feed)

    @property
    def draws(self):
        """All that the next random numbers follow from; can be set, too."""
        return self.feed.corruption

    @draws.setter
    def draws(self, draws):
        self.feed.corruption = draws

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

    def sum(self, parameters, rows, scale=1.0, out=None):
        """Return (SUM over rows, scale * gradient of the sum), without the penalty.

        There may be many rows: they are read in blocks. The gradient is added to `out`,
        or is a new one, the caller's.
        """
        if out is None:
            out = parameters.like(np.zeros_like(parameters.flat))
        value = 0.0
        for block in self.feed.blocks(rows):
            batch = self.feed(block)
            value += self.network.gradient(parameters, batch, scale, out)[0]
        return value, out

    def losses(self, parameters, rows=None):
        """Return the loss of each row, or of all in order, without the penalty.

        `rows` are indices; None or a slice: all.
        """
        return np.concatenate(
            [
                self.network.losses(parameters, self.feed(block))
                for block in self.feed.blocks(rows)
            ]
        )

    def corrupting(self, corruption):
        """Make the objective of the same network and rows with another corruption."""
        return Objective(self.network, self.feed.corrupting(corruption), self.alpha)


def in_turn(function, objectives, rows):
    """Take one chunk after the other; yield what all of them add up to.

    `function` adds its gradient to that of the chunks before.
    """
    value, gradient = 0.0, None
    for objective, some in zip(objectives, rows, strict=True):
        part, gradient = function(objective, some, gradient)
        value += part
    yield value, gradient


class SumOverChunks:
    """The objective of data that lie in several chunks, each with its own `Objective`.

    Sums and gradients of the chunks are added up, and divided once: chunks may be
    blocks that fit into the cache, or held by threads, processes or other machines.
    Without corruption it equals, to rounding, the one objective of all rows; with
    corruption each chunk has draws of its own.

    Parameters
    ----------
    objectives : list of Objective
        Of the same parameters and the same `alpha`. They may share a network if they
        are taken one after the other. A `map` that knows where the chunks are may be
        given what only stands for them, by `alpha` and `n_rows`.
    map : callable, default=in_turn
        ``map(function, objectives, rows)`` -> iterable of what ``function(objective,
        rows)`` returns for each, in any order, such as that of a
        `concurrent.futures.Executor`; or of what some of them add up to.
    """

    def __init__(self, objectives, map=in_turn):
        self.objectives = list(objectives)
        self.map = map
        self.alpha = self.objectives[0].alpha
        lengths = [objective.n_rows for objective in self.objectives]
        self.start = np.concatenate([[0], np.cumsum(lengths)])

    @property
    def n_rows(self):
        """How many rows there are in all chunks."""
        return int(self.start[-1])

    @property
    def draws(self):
        """As of an `Objective`; None unless `map` counts."""
        return getattr(self.map, "draws", None)

    @draws.setter
    def draws(self, draws):
        if draws is not None:
            self.map.draws = draws

    def __call__(self, parameters, rows, scale=1.0, out=None):
        """Return (mean + penalty, scale * gradient) of some rows, in any order.

        Rows are numbered through all chunks; see `Objective`.
        """
        n_rows = len(rows)
        value, gradient = self.sum(parameters, rows, scale / n_rows)
        penalty = penalise(parameters, self.alpha, gradient, scale)
        return value / n_rows + penalty, added(gradient, out)

    def sum(self, parameters, rows, scale=1.0, out=None):
        """Return (SUM over rows, scale * gradient of the sum), without the penalty."""
        of_chunk = partial(sum_of_chunk, parameters, scale)
        value, gradient = total(self._on_chunks(of_chunk, rows))
        return value, added(gradient, out)

    def losses(self, parameters):
        """Return the loss of each row of all chunks in order, without the penalty."""
        parts = (objective.losses(parameters) for objective in self.objectives)
        return np.concatenate(list(parts))

    def sum_of_losses(self, parameters, rows):
        """Return the SUM of the losses of some rows, without the penalty."""
        value, _ = total(self._on_chunks(partial(losses_of_chunk, parameters), rows))
        return value

    def _on_chunks(self, function, rows):
        if isinstance(rows, slice) or len(rows) == self.n_rows:  # each is there once
            n_rows = [objective.n_rows for objective in self.objectives]
            chosen = np.flatnonzero(n_rows)
            rows_of_chunks = [slice(0, n_rows[number]) for number in chosen]
        else:
            chunk = np.searchsorted(self.start, rows, side="right") - 1
            order = chunk.argsort(kind="stable")
            chosen, first = np.unique(chunk[order], return_index=True)
            rows_of_chunks = [
                rows[some] - self.start[number]
                for number, some in zip(chosen, np.split(order, first[1:]), strict=True)
            ]
        objectives = [self.objectives[number] for number in chosen]
        return self.map(function, objectives, rows_of_chunks)


# Functions of the module, so that processes can get them:


def sum_of_chunk(parameters, scale, objective, rows, out=None):
    """Call `Objective.sum`."""
    return objective.sum(parameters, rows, scale, out)


def losses_of_chunk(parameters, objective, rows, out=None):
    """Return the SUM of the losses of some rows, and no gradient."""
    losses = objective.losses(parameters, rows)
    return float(losses.sum(dtype=np.float64)), None


def total(results):
    """Add up values and gradients; these may be None. The first one is added to."""
    value, gradient = 0.0, None
    for part, part_gradient in results:
        value += part
        if part_gradient is None:
            continue
        if gradient is None:
            gradient = part_gradient
            if not gradient.flat.flags.writeable:  # it came from another process
                gradient = gradient.like(gradient.flat.copy())
        else:
            gradient.flat += part_gradient.flat
    return value, gradient


def added(gradient, out):
    """Add a gradient to `out` and return that; None: return the gradient."""
    if out is None:
        return gradient
    out.add(gradient)
    return out
