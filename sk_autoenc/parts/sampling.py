"""On which features of a wide sparse batch the loss is evaluated."""

from typing import NamedTuple

import numpy as np

ROWS_AT_A_TIME = 50
"""Rows of a batch that are compared on the same features. The fewer, the fewer features
they store together, on which all are evaluated; but the smaller are the products."""


class Sample(NamedTuple):
    """Some features: in the mean, their weighted losses add up to those of all."""

    features: np.ndarray
    """int, (n_chosen,): each once; first those that are stored, in order."""
    n_stored: int
    """How many of them are stored: each counts once."""
    weight: float
    """What each of the others counts: 1 / (the probability that it is drawn)."""


def choose_features(stored, n_features, ratio, rng):
    """Choose all features that some rows store, and draw some of the others, Eq. (48).

    Parameters
    ----------
    stored : ndarray of int
        Features of the values that the rows store, in any order, again and again.
    n_features : int
    ratio : float
        How many others are drawn, without replacement, for each feature that is
        stored; rounded, but at least one as long as there is any.
    rng : numpy.random.Generator

    Returns
    -------
    Sample
    """
    is_stored = np.zeros(n_features, bool)
    is_stored[stored] = True
    stored = np.flatnonzero(is_stored)
    n_others = n_features - len(stored)
    n_drawn = min(n_others, max(1, round(ratio * len(stored))))
    if not n_drawn:
        return Sample(stored, len(stored), 1.0)
    rank = rng.choice(n_others, n_drawn, replace=False, shuffle=False)
    rank.sort()  # so that memory is read in order
    # The r-th of the others has as many stored ones before it as have r others or
    # fewer before them.
    n_before = stored - np.arange(len(stored))
    drawn = rank + np.searchsorted(n_before, rank, side="right")
    return Sample(np.append(stored, drawn), len(stored), n_others / n_drawn)


class SampledCorruption:
    """A corruption, and the choice of features, by one source of draws.

    Parameters
    ----------
    make_corruption : callable
        ``make_corruption(rng)`` -> a corruption that is `elementwise_on_nonzeros`.
    ratio : float
        See `choose_features`.
    rng : numpy.random.Generator
    """

    def __init__(self, make_corruption, ratio, rng):
        self.corrupt = make_corruption(rng).corrupt
        self.ratio = ratio
        self.rng = rng

    def choose(self, stored, n_features):
        """Choose features anew; see `choose_features`."""
        return choose_features(stored, n_features, self.ratio, self.rng)
