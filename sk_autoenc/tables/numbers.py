"""The encoder of numbers that is used where none is given."""

import numpy as np
import scipy.sparse
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_array, check_is_fitted

LARGEST = np.finfo(np.float64).max


class BinnedNumbers(TransformerMixin, BaseEstimator):
    """A number, standardised, and the piece between quantiles in which it lies.

    The number is z = asinh((x - mean) / scale), which far outliers do not stretch.
    The pieces are one-hot: what a linear model of them can say of the column is any
    step function. A single piece says nothing and is left out.

    Parameters
    ----------
    max_bins : int, default=200
        Pieces, at most.
    rows_of_bin : int, default=50
        Rows that a piece has, at least on average.
    """

    def __init__(self, max_bins=200, rows_of_bin=50):
        self.max_bins = max_bins
        self.rows_of_bin = rows_of_bin

    def fit(self, X, y=None):
        """Learn mean, scale and quantiles of a column.

        Parameters
        ----------
        X : array of shape (n_values, 1)
        y : Ignored
        """
        column = check_array(X, dtype=np.float64)[:, 0]
        # Squares of very large or small numbers are no numbers.
        self.size_ = float(np.abs(column).max()) or 1.0
        self.mean_ = float((column / self.size_).mean())
        self.scale_ = float((column / self.size_).std()) or 1.0
        n_bins = min(self.max_bins, max(1, len(column) // self.rows_of_bin))
        ends = np.quantile(column, np.linspace(0, 1, n_bins + 1)[1:-1])
        ends = np.unique(ends)
        self.ends_ = ends[ends > column.min()]
        start = np.searchsorted(ordered := np.sort(column), self.ends_)
        self.smallest_ = ordered[np.concatenate([[0], start])]
        self.largest_ = ordered[np.concatenate([start - 1, [-1]])]
        return self

    def transform(self, X):
        """Encode numbers.

        Returns
        -------
        encoded : CSR array of shape (n_values, 1 + number of pieces)
        """
        check_is_fitted(self)
        column = check_array(X, dtype=np.float64)[:, 0]
        z = self._size(column)
        if not len(self.ends_):
            return scipy.sparse.csr_array(z[:, np.newaxis])
        piece = 1 + np.searchsorted(self.ends_, column, side="right")
        n = len(column)
        index = np.stack([np.zeros(n, piece.dtype), piece], axis=1).ravel()
        values = np.stack([z, np.ones(n)], axis=1).ravel()
        shape = n, 2 + len(self.ends_)
        return scipy.sparse.csr_array((values, index, np.arange(n + 1) * 2), shape)

    def inverse_transform(self, X):
        """Return the numbers, of shape (n_values, 1).

        That of z, within the numbers that training saw in the likeliest piece: exact
        where that is one number.
        """
        X = check_array(X, dtype=np.float64)
        with np.errstate(over="ignore"):  # far beyond training
            numbers = (np.sinh(X[:, 0]) * self.scale_ + self.mean_) * self.size_
        piece = X[:, 1:].argmax(axis=1) if len(self.ends_) else np.zeros(len(X), int)
        numbers = np.clip(numbers, self.smallest_[piece], self.largest_[piece])
        return numbers[:, np.newaxis]

    def _size(self, x):
        with np.errstate(over="ignore"):  # of what is far beyond training
            return np.arcsinh(finite((x / self.size_ - self.mean_) / self.scale_))


def finite(values):
    """Return values with the largest float in place of infinity."""
    return np.clip(values, -LARGEST, LARGEST)
