"""Feeds: rows -> Batch. The only readers of what a user passed, in training and after.

`rows` are an index array, as in training, or a slice, as after it: of a dense array
without missing entries that is a view, and nothing is copied.

A missing entry, NaN, is 0 in the inputs and in the targets, and its weight is 0: no
network meets a NaN.
"""

import copy
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse

from sk_autoenc.trees.nodes import PART_NODES, runs

BLOCK_ENTRIES = 2**19
"""Entries worked on at a time outside training: few enough for the cache, enough for a
product on two threads. Sparse data are never dense as a whole."""


class Batch(NamedTuple):
    """What a network gets of some rows. Not to be changed."""

    inputs: Any
    """What is encoded: dense or sparse rows, (n_rows, n_features). Of trees the vectors
    that enter at the leaves, (n_leaves, n_features), or None: the leaves' own."""
    targets: Any
    """What the reconstruction is compared with: dense rows, (n_rows, n_features), or
    the trees as a `Forest`."""
    entry_weights: np.ndarray | None = None
    """The weight of the loss of each entry of the targets; None: all 1."""
    y: Any = None
    """The rows of y, if the feed has one."""


class RowFeed:
    """Reads the rows of a dense or sparse matrix.

    Parameters
    ----------
    X : ndarray or CSR matrix of shape (n_samples, n_features), or Windows
        NaN is a missing entry; of a sparse matrix, too, where what is not stored is 0.
    dtype : numpy dtype, default=None
        Of the batches; None: that of X.
    corruption : corruption or None, default=None
        As `parts.corruptions.make_corruption` makes them. None: the inputs are clean.
    emphasis : tuple of two floats or None, default=None
        Loss weights of corrupted and of untouched entries; None: both are 1.
    network : networks.one_hidden.Network, default=None
        Whose memory for batches is filled, and used again for the next batch. None:
        each batch gets memory of its own.
    y : array of shape (n_samples, ...), default=None
        Travels along.
    has_missing : bool, default=None
        Whether there may be NaN. None: look.
    """

    def __init__(
        self,
        X,
        dtype=None,
        *,
        corruption=None,
        emphasis=None,
        network=None,
        y=None,
        has_missing=None,
    ):
        self.X = X
        self.dtype = np.dtype(dtype or X.dtype)
        self.corruption = corruption
        self.emphasis = emphasis
        self.network = network
        self.y = y
        self.is_sparse = scipy.sparse.issparse(X)
        self.keeps_dtype = X.dtype == self.dtype
        self.has_missing = has_missing
        if has_missing is None:
            self.has_missing = may_have_missing(X.data if self.is_sparse else X)

    def __len__(self):
        return self.X.shape[0]

    def __call__(self, rows):
        """Read some rows; corrupt them, anew at each call."""
        y = None if self.y is None else self.y[rows]
        if self.corruption is None and self._is_view(rows):
            clean = self.X[rows].astype(self.dtype, copy=False)
            return Batch(clean, clean, None, y)
        sparse, buffers = self._read(rows)
        inputs, targets = buffers.inputs, buffers.targets
        missing = clear_missing(targets) if self.has_missing else None
        untouched = None
        if self.corruption is None:
            inputs = targets if sparse is None else sparse
        elif sparse is not None and self._stays_sparse:
            inputs = sparse.copy()
            self.corruption.corrupt(sparse.data, inputs.data)
        else:
            untouched = self.corruption.corrupt(targets, inputs)
            if missing is not None:
                inputs[missing] = 0
        weights = None
        if missing is not None or self.emphasis is not None:
            weights = self._weights(untouched, missing)
        # In half the time of the class itself, which tells at ten rows a batch.
        return tuple.__new__(Batch, (inputs, targets, weights, y))

    def inputs(self, rows):
        """Read some rows to encode and no more: sparse ones are not made dense."""
        rows = self.X[rows].astype(self.dtype, copy=False)
        if self.has_missing:
            rows = rows.copy()
            clear_missing(rows.data if self.is_sparse else rows)
        return rows

    def observed_share(self):
        """Return the share of each row that is not missing: (n_samples,), or 1.0."""
        if not self.has_missing:
            return 1.0
        if self.is_sparse:
            missing = self.X.astype(bool)
            missing.data = np.isnan(self.X.data)
            n_missing = np.asarray(missing.sum(axis=1)).ravel()
        else:
            n_missing = np.isnan(self.X).sum(axis=1)
        return 1 - n_missing / self.X.shape[1]

    def blocks(self, rows=None):
        """Yield some rows, or slices of all, a block of bounded memory at a time.

        `rows` are indices; None or a slice: all.
        """
        row_entries = self.network.row_entries if self.network else self.X.shape[1]
        if rows is None or isinstance(rows, slice):
            return slices(len(self), row_entries)
        return (rows[block] for block in slices(len(rows), row_entries))

    def part(self, rows):
        """Make a feed of the rows of a slice, which shares all else with this one."""
        part = copy.copy(self)
        part.X = self.X[rows]
        part.y = None if self.y is None else self.y[rows]
        return part

    def corrupting(self, corruption):
        """Make a feed of the same rows with another corruption."""
        feed = copy.copy(self)
        feed.corruption = corruption
        return feed

    @property
    def _stays_sparse(self):
        return self.corruption.elementwise_on_nonzeros and self.emphasis is None

    def _is_view(self, rows):
        """Tell whether some rows, not to be corrupted, need nothing done to them."""
        return isinstance(rows, slice) and not self.is_sparse and not self.has_missing

    def _weights(self, untouched, missing):
        """Return the weights of the entries of a batch, or None if all are 1."""
        weights = None
        if untouched is not None and self.emphasis is not None:
            on_corrupted, on_untouched = map(self.dtype.type, self.emphasis)
            weights = np.where(untouched, on_untouched, on_corrupted)
        if missing is None:
            return weights
        if weights is None:
            return np.subtract(1, missing, dtype=self.dtype)
        weights[missing] = 0
        return weights

    def _read(self, rows):
        """Fill `targets` of some buffers; return the sparse rows or None, and them."""
        if not self.is_sparse:
            if isinstance(rows, slice):
                rows = np.arange(*rows.indices(len(self)))
            buffers = self._buffers(len(rows))
            if self.keeps_dtype:
                self.X.take(rows, 0, buffers.targets, "clip")  # "raise" would copy
            else:
                buffers.targets[...] = self.X[rows]
            return None, buffers
        sparse = self.X[rows].astype(self.dtype, copy=False)
        buffers = self._buffers(sparse.shape[0])
        sparse.toarray(out=buffers.targets)
        return (self.inputs(rows) if self.has_missing else sparse), buffers

    def _buffers(self, n_rows):
        if self.network is not None:
            return self.network.buffers(n_rows)
        shape = n_rows, self.X.shape[1]
        return RowBuffers(np.empty(shape, self.dtype), np.empty(shape, self.dtype))


class LabelledRowFeed(RowFeed):
    """Reads rows and their labels, and nothing to reconstruct."""

    def __call__(self, rows):
        """Read some rows."""
        return Batch(self.inputs(rows), None, None, self.y[rows])


def may_have_missing(values):
    """Tell, in one pass and without memory, whether there may be NaN among values."""
    with np.errstate(over="ignore", invalid="ignore"):
        return bool(np.isnan(values.sum()))


def clear_missing(values):
    """Set NaN to 0, in place; return where it was."""
    missing = np.isnan(values)
    np.copyto(values, 0, where=missing)
    return missing


def one_hot_groups(X, start):
    """Tell which groups of features are, in every row, a single 1 among zeros.

    Parameters
    ----------
    X : ndarray or CSR matrix of shape (n_samples, n_features)
        A row in which something of a group is missing says nothing of the group.
    start : ndarray of int, of shape (n_groups,)
        The first feature of each group.

    Returns
    -------
    one_hot : ndarray of bool, of shape (n_groups,)
        True where no row says otherwise.
    n_rows : ndarray of int, of shape (n_groups,)
        How many rows say anything.
    """
    feed = RowFeed(X)
    n_rows = np.zeros(len(start), int)
    one_hot = np.ones(len(start), bool)
    for rows in feed.blocks():
        _, targets, weights, _ = feed(rows)
        binary = ((targets == 0) | (targets == 1)).all(axis=0)
        total = np.add.reduceat(targets, start, axis=1)
        complete = np.ones(total.shape, bool)
        if weights is not None:
            complete = np.logical_and.reduceat(weights != 0, start, axis=1)
        n_rows += complete.sum(axis=0)
        one_hot &= np.logical_and.reduceat(binary, start)
        one_hot &= ((total == 1) | ~complete).all(axis=0)
    return one_hot, n_rows


class RowBuffers(NamedTuple):
    """Memory for a batch of rows."""

    inputs: np.ndarray
    targets: np.ndarray


class TreeFeed:
    """Reads the trees of a forest.

    Parameters
    ----------
    forest : Forest
    dtype : numpy dtype, default=None
        Of the inputs; None: that of the forest. The targets keep theirs.
    corruption : corruption of leaf vectors or None, default=None
    y : array of shape (n_trees, ...), default=None
        Travels along.
    """

    def __init__(self, forest, dtype=None, *, corruption=None, y=None):
        self.forest = forest
        self.dtype = np.dtype(dtype or forest.dtype)
        self.corruption = corruption
        self.y = y

    def __len__(self):
        return len(self.forest)

    def __call__(self, rows):
        """Read some trees, or all (a slice); corrupt leaves, anew at each call."""
        trees = self._trees(rows)
        y = None if self.y is None else self.y[rows]
        if self.corruption is None:
            return Batch(None, trees, None, y)
        clean = trees.leaf_vectors().astype(self.dtype, copy=False)
        inputs = np.empty_like(clean)
        self.corruption.corrupt(clean, inputs)
        return Batch(inputs, trees, None, y)

    def blocks(self, rows=None):
        """Yield all trees at once, which networks make blocks of, or some by blocks.

        `rows` are indices; None or a slice: all.
        """
        if rows is None or isinstance(rows, slice):
            yield slice(None)
            return
        for first, last in runs(self.forest.n_nodes[rows], PART_NODES):
            yield rows[first:last]

    def corrupting(self, corruption):
        """Make a feed of the same trees with another corruption."""
        feed = copy.copy(self)
        feed.corruption = corruption
        return feed

    def _trees(self, rows):
        """Choose trees; all of them, in their order, are not copied."""
        if isinstance(rows, slice):
            return self.forest
        is_all = len(rows) == len(self) and rows[0] == 0 and (np.diff(rows) == 1).all()
        return self.forest if is_all else self.forest.select(rows)


class LabelledTreeFeed(TreeFeed):
    """Reads trees and their labels; of a batch, `inputs` is what draws the dropout."""

    def __call__(self, rows):
        """Read some trees, or all (a slice)."""
        return Batch(self.corruption, self._trees(rows), None, self.y[rows])


def slices(n_rows, row_entries):
    """Yield slices of rows, of about `BLOCK_ENTRIES` entries each."""
    size = max(1, BLOCK_ENTRIES // row_entries)
    for start in range(0, n_rows, size):
        yield slice(start, min(start + size, n_rows))
