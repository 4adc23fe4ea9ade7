"""A feed of wide sparse rows, of which few features are compared with anything."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from sk_autoenc.feeds import RowFeed, clear_missing
from sk_autoenc.parts.sampling import ROWS_AT_A_TIME


class Part(NamedTuple):
    """Some rows of a batch, and what their reconstructions are compared with."""

    rows: slice
    """Of the batch."""
    targets: np.ndarray
    """(n_rows, n_chosen)."""
    entry_weights: np.ndarray | None
    """0 where an entry of the targets is missing, else 1; None: all 1."""
    sample: Any
    """Which features these are, a `parts.sampling.Sample`."""


class SampledBatch(NamedTuple):
    """What a network gets of some rows. Not to be changed."""

    inputs: Any
    """What is encoded: sparse rows, (n_rows, n_stored)."""
    stored: np.ndarray
    """int, (n_stored,): which features these are, each once."""
    parts: Iterator[Part]
    """All rows, a part at a time; each is valid until the next."""


class SampledRowFeed(RowFeed):
    """Reads the rows of a sparse matrix, and features to compare them on.

    Parameters
    ----------
    X : CSR matrix of shape (n_samples, n_features)
    corruption : parts.sampling.SampledCorruption
    network : networks.sampled.Network
        Whose memory for targets is filled.
    """

    def __call__(self, rows):
        """Read some rows; corrupt them and draw features, anew at each call."""
        clean, missing = self.X[rows], None
        if self.has_missing:
            clean = clean.copy()
            missing = clear_missing(clean.data)
        stored = np.unique(clean.indices)
        inputs = restricted(clean, slice(0, clean.shape[0]), stored).copy()
        self.corruption.corrupt(clean.data, inputs.data)
        return SampledBatch(inputs, stored, self._parts(clean, missing))

    def _parts(self, clean, missing):
        n_rows, n_features = clean.shape
        for start in range(0, n_rows, ROWS_AT_A_TIME):
            rows = slice(start, min(start + ROWS_AT_A_TIME, n_rows))
            values = slice(clean.indptr[rows.start], clean.indptr[rows.stop])
            sample = self.corruption.choose(clean.indices[values], n_features)
            part = restricted(clean, rows, sample.features)
            targets = part.toarray(out=self.network.targets(*part.shape))
            weights = None
            if missing is not None and missing[values].any():
                part.data = missing[values]
                weights = np.subtract(1, part.toarray(), dtype=self.dtype)
            yield Part(rows, targets, weights, sample)

    def blocks(self, rows=None):
        """Yield some rows, or all, at once: their parts bound the memory."""
        yield slice(None) if rows is None else rows


def restricted(matrix, rows, features):
    """Return some rows of a CSR matrix on features among which are all they store."""
    place = np.empty(matrix.shape[1], matrix.indices.dtype)
    place[features] = np.arange(len(features))
    start = matrix.indptr[rows.start : rows.stop + 1]
    values = slice(start[0], start[-1])
    return type(matrix)(
        (matrix.data[values], place[matrix.indices[values]], start - start[0]),
        shape=(len(start) - 1, len(features)),
    )


def sums_of_values(X):
    """Return the sum of what each feature of a CSR matrix has, and of how many rows."""
    observed = X.astype(np.float64)
    missing = observed.copy()
    missing.data = clear_missing(observed.data).astype(np.float64)
    n_observed = X.shape[0] - np.asarray(missing.sum(axis=0)).ravel()
    return np.asarray(observed.sum(axis=0)).ravel(), n_observed


def log_odds_of_means(total, n_observed):
    """Return log(p / (1 - p)) of the mean p of each feature.

    Half a one is added in one row more, and sums beyond [0, `n_observed`] are no more
    than that: so it is finite. A feature without values has p = 1/2.
    """
    total = np.clip(total, 0, n_observed)
    return np.log((total + 0.5) / (n_observed - total + 0.5))
