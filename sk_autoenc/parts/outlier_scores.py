"""Outlier scores: how unusual each entry of a row is, from what a model made of it.

To add one: write a function and add a line to `OUTLIER_SCORES`. Every test of a score
runs over that dict.

A score's function takes ``(residuals, learned)``: reconstruction minus row, of shape
(n_rows, n_features), 0 where the row has no value, and what `learn` made of the
residuals of the training rows and of the number of values in each of their columns. It
returns what each entry adds, (n_rows, n_features). How unusual a row is, is the mean of
that over the entries that have a value. Where a score hides entries, a residual is the
root mean square over the times that its entry was hidden.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

SHRINKAGE = 1e-3
"""Weight of the unit matrix in a correlation, which then has an inverse."""


class OutlierScore(NamedTuple):
    """A score's function, what it learns from training rows, and how it looks."""

    contributions: Callable
    learn: Callable
    hides: bool = False
    """Whether it looks at entries while they are hidden from the model."""
    looks_near: bool = False
    """Whether the distance from the nearest rows of training is added."""


def nothing(residuals, n_values):
    """Learn nothing."""
    return


def mean_squares(residuals, n_values):
    """Learn the mean squared residual of each feature.

    A feature that came back without any error, such as a constant one, has 1.
    """
    # A feature without any value has the sum 0.
    means = np.einsum("ij,ij->j", residuals, residuals) / np.maximum(n_values, 1)
    # Any change of it then counts by its own size.
    return np.where(means > np.finfo(np.float32).tiny, means, 1.0)


def spread_and_precision(residuals, n_values):
    """Learn the spread of each feature's residuals and the inverse of what they share.

    S = D R D, of which R is the correlation about 0; kept are the diagonal of D and
    R^-1.
    """
    spread = np.sqrt(mean_squares(residuals, n_values))
    standardised = residuals / spread
    correlation = standardised.T @ standardised / len(residuals)
    unit = np.eye(len(spread))
    return spread, np.linalg.inv((1 - SHRINKAGE) * correlation + SHRINKAGE * unit)


def squared_error(residuals, learned):
    """Return r^2: features count by their unit."""
    return np.square(residuals)


def ratio(residuals, mean_squared):
    """Return r^2 over its mean in training: features count alike."""
    return np.square(residuals) / mean_squared


def log_ratio(residuals, mean_squared):
    """Return log(1 + r^2 / its mean): no single entry decides alone."""
    return np.log1p(ratio(residuals, mean_squared))


def mahalanobis(residuals, spread_and_precision):
    """Return r_j (S^-1 r)_j, which may be negative; their sum is r' S^-1 r."""
    spread, precision = spread_and_precision
    standardised = residuals / spread
    return standardised * (standardised @ precision)


OUTLIER_SCORES = {
    "hidden_near": OutlierScore(log_ratio, mean_squares, hides=True, looks_near=True),
    "hidden": OutlierScore(log_ratio, mean_squares, hides=True),
    "log": OutlierScore(log_ratio, mean_squares),
    "ratio": OutlierScore(ratio, mean_squares),
    "squared_error": OutlierScore(squared_error, nothing),
    "mahalanobis": OutlierScore(mahalanobis, spread_and_precision),
}
