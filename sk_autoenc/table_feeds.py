"""The feed of encoded tables, which hides entries and cuts numbers into pieces.

As in `feeds`: rows -> Batch.
"""

import copy
from typing import NamedTuple

import numpy as np

from sk_autoenc.feeds import Batch, slices
from sk_autoenc.parts.plain import kept_plain


@kept_plain
class Bins(NamedTuple):
    """Cuts numbers into pieces, so that a network bends at will where they lie dense.

    Piece t of a number x is min(max((x - start_t) / width_t, 0), 1), less its mean,
    Eq. (54): Gorishniy, Rubachev, Babenko, "On Embeddings for Numerical Features in
    Tabular Deep Learning", NeurIPS 2022, but clipped at both ends.
    """

    column: np.ndarray
    """int, (n_bins,): the column of values that each piece is of."""
    start: np.ndarray
    width: np.ndarray
    """Positive."""
    mean: np.ndarray

    def __call__(self, values):
        """Return the pieces of some rows, (n_rows, n_bins)."""
        pieces = values[:, self.column]
        pieces -= self.start
        pieces /= self.width
        np.clip(pieces, 0, 1, out=pieces)
        pieces -= self.mean
        return pieces


def cut_into_bins(values, observed, n_bins):
    """Put the ends of each column's bins at its quantiles.

    Parameters
    ----------
    values : float32 array of shape (n_rows, n_columns)
    observed : ndarray of bool, of the same shape
    n_bins : int
        Of each column, at most; equal quantiles make fewer, and 0 none.
    """
    quantiles = np.linspace(0, 1, n_bins + 1)
    nothing = np.empty(0, values.dtype)
    parts = [(np.empty(0, np.intp), nothing, nothing)]
    for k, (column, seen) in enumerate(zip(values.T, observed.T, strict=True)):
        ends = np.unique(np.quantile(column[seen], quantiles).astype(values.dtype))
        width = np.diff(ends)
        parts.append((np.full(len(width), k), ends[:-1], width))
    column, start, width = map(np.concatenate, zip(*parts, strict=True))
    bins = Bins(column, start, width, np.zeros_like(start))
    sums, counts = np.zeros(len(column)), np.zeros(len(column))
    for rows in slices(len(values), max(1, len(column))):
        seen = observed[rows][:, column]
        sums += np.where(seen, bins(values[rows]), 0).sum(axis=0, dtype=np.float64)
        counts += seen.sum(axis=0)
    return bins._replace(mean=(sums / counts).astype(values.dtype))


class HidingFeed:
    """Reads the rows of an encoded table, and hides some of their entries.

    The input is [value * visible, visible, pieces * visible]; the targets are all
    observed values. So the network learns to fill in. An entry is that of one column of
    the table, which may take several columns of `values`, such as the levels of a
    category: they are hidden together.

    Parameters
    ----------
    values : ndarray of shape (n_samples, n_values)
        0 where nothing is observed.
    observed : ndarray of bool, of shape (n_samples, n_entries)
    column_of : ndarray of int, of shape (n_values,)
        The entry that each column of `values` belongs to.
    bins : Bins
        Of columns of `values` that are an entry each, of the same number.
    network : networks.layered.Network
        Whose memory for batches is filled.
    hidden_fraction : tuple of two floats, default=(0.0, 0.0)
        Of each row an own share of entries is hidden, drawn between these.
    rng : numpy.random.Generator, default=None
        Draws what is hidden, anew at each call. None: nothing is.
    """

    def __init__(
        self,
        values,
        observed,
        column_of,
        bins,
        network,
        *,
        hidden_fraction=(0.0, 0.0),
        rng=None,
    ):
        self.values = values
        self.observed = observed
        self.column_of = column_of
        self.bins = bins
        self.network = network
        self.hidden_fraction = hidden_fraction
        self.rng = rng
        self.is_complete = bool(observed.all())

    def __len__(self):
        return len(self.values)

    @staticmethod
    def n_inputs(n_values, n_entries, bins):
        """Return the length of an input."""
        return n_values + n_entries + len(bins.column)

    def __call__(self, rows):
        """Read some rows; hide entries, others at each call."""
        values, observed = self.values[rows], self.observed[rows]
        visible = observed & ~self._hidden(observed.shape)
        inputs = self.network.buffers(len(values)).inputs
        n_values, n_entries = values.shape[1], observed.shape[1]
        np.multiply(values, visible[:, self.column_of], inputs[:, :n_values])
        inputs[:, n_values : n_values + n_entries] = visible
        pieces = inputs[:, n_values + n_entries :]
        np.multiply(self.bins(values), visible[:, self.bins.column], pieces)
        weights = None
        if not self.is_complete:
            weights = observed[:, self.column_of].astype(values.dtype)
        return Batch(inputs, values, weights)

    def blocks(self, rows=None):
        """Yield some rows, or slices of all, a block of bounded memory at a time."""
        if rows is None:
            return slices(len(self), self.network.row_entries)
        return (rows[block] for block in slices(len(rows), self.network.row_entries))

    def corrupting(self, rng):
        """Make a feed of the same rows that hides other entries."""
        feed = copy.copy(self)
        feed.rng = rng
        return feed

    def _hidden(self, shape):
        if self.rng is None:
            return np.broadcast_to(np.False_, shape)
        share = self.rng.uniform(*self.hidden_fraction, (shape[0], 1))
        return self.rng.random(shape, np.float32) < share
