"""Residuals of any model that reconstructs: of what it sees, or of what is hidden.

Rows and trees are alike here: `vectors` are the rows, or the leaves of all trees.
"""

from typing import Any, NamedTuple

import numpy as np

from sk_autoenc.feeds import slices
from sk_autoenc.parts.plain import kept_plain
from sk_autoenc.table_validation import check_reconstruction
from sk_autoenc.trees.forest import Forest

N_GROUPS = 4
"""Parts of the features that are hidden in turn: a model sees three quarters of a row
while it says what the rest should be. ``doc/results.md`` compares other numbers."""
N_ROUNDS = 8
"""Times that every entry is hidden, each time together with others."""
ROUNDING = 1e-6
"""What part of a value a residual must be to be more than rounding in float32."""
REACH = 10.0
"""Times the width of the middle nine tenths of a column that values may lie outside of
them and still count as they are in its mean and standard deviation."""
STRAIGHT = 3.0
"""Standard deviations up to which squashing hardly bends."""
FARTHEST = 10.0
"""Where squashed values end: that of 42 standard deviations. Nothing trains on more."""


@kept_plain
class Scale(NamedTuple):
    """What is usual in each column of raw rows, as far as scaling needs to know."""

    center: np.ndarray
    width: np.ndarray

    @classmethod
    def learn(cls, X):
        """Measure each column without its wildest values.

        The mean and the standard deviation, after values far outside of the middle
        nine tenths were moved nearer: one gross outlier would make all other rows of a
        column equal. A column without width has width 1, one without values is 0.
        """
        seen = ~np.isnan(X).all(axis=0)
        values = np.where(seen, X.astype(np.float64), 0)
        low, high = np.nanquantile(values, [0.05, 0.95], axis=0)
        reach = np.where(high > low, REACH * (high - low), np.inf)
        values = np.clip(values, low - reach, high + reach)
        center, width = np.nanmean(values, axis=0), np.nanstd(values, axis=0)
        has_width = width > 10 * np.finfo(np.float64).eps * np.abs(center)
        return cls(center, np.where(has_width, width, 1.0))

    def __call__(self, X):
        """Standardise rows and squash what lies far out."""
        standardised = (X - self.center) / self.width
        squashed = STRAIGHT * np.arcsinh(standardised / STRAIGHT)
        return np.clip(squashed, -FARTHEST, FARTHEST).astype(X.dtype)


@kept_plain
class Residuals(NamedTuple):
    """Measures the residuals of a fitted model."""

    model: Any
    means: np.ndarray
    """Mean of each feature over the training vectors: what hides an entry."""
    was_seen: np.ndarray
    """Whether a feature had any value in training, (n_features,)."""
    groups: np.ndarray | None
    """The number of the group that each feature is hidden with, (N_ROUNDS, n_features);
    None: nothing is hidden."""

    @classmethod
    def of(cls, model, X, rng):
        """Get ready to measure a model that was trained on X.

        Without `rng` nothing is hidden.
        """
        vectors = vectors_of(X)
        n_values = count_values(vectors)
        means = np.nansum(vectors, axis=0, dtype=np.float64) / np.maximum(n_values, 1)
        groups = None if rng is None else draw_groups(vectors.shape[1], rng)
        return cls(model, means, n_values > 0, groups)

    def __call__(self, X):
        """Measure rows or trees.

        Returns
        -------
        residuals : ndarray of shape (n_vectors, n_features), float64
            Reconstruction minus X, or its root mean square over the times that an entry
            was hidden. 0 where nothing is to be compared.
        has_value : ndarray of bool, of the same shape
            Where something is: X is not missing, nor was the feature in training.
        """
        vectors = vectors_of(X)
        has_value = ~np.isnan(vectors) & self.was_seen
        filled = np.where(has_value, vectors, self.means).astype(vectors.dtype)
        if isinstance(X, Forest):
            residuals = self._measure(filled, X)
        else:
            residuals = np.empty(filled.shape)
            for rows in slices(*filled.shape):
                residuals[rows] = self._measure(filled[rows], None)
        is_rounding = np.abs(residuals) <= ROUNDING * np.abs(filled)
        residuals[is_rounding | ~has_value] = 0
        return residuals, has_value

    def _measure(self, vectors, forest):
        """Return the residuals of vectors without holes, on the leaves of a forest."""
        if self.groups is None:
            return self._reconstruct(vectors, forest) - vectors
        squares = np.zeros(vectors.shape)
        for groups in self.groups:
            for group in range(groups.max() + 1):
                hidden = groups == group
                shown = np.where(hidden, self.means, vectors).astype(vectors.dtype)
                restored = self._reconstruct(shown, forest)[:, hidden]
                squares[:, hidden] += np.square(restored - vectors[:, hidden])
        return np.sqrt(squares / len(self.groups))

    def _reconstruct(self, vectors, forest):
        model = self.model
        X = vectors if forest is None else forest.with_leaves(vectors)
        if hasattr(model, "reconstruct"):
            reconstruction = model.reconstruct(X)
        else:
            reconstruction = model.inverse_transform(model.transform(X))
        reconstruction = np.asarray(vectors_of(reconstruction), dtype=np.float64)
        check_reconstruction(reconstruction, vectors, model)
        return reconstruction


def vectors_of(X):
    """Return the vectors that are compared: rows, or the leaves of all trees."""
    return X.leaf_vectors() if isinstance(X, Forest) else X


def count_values(vectors):
    """Return the number of values in each column."""
    return len(vectors) - np.isnan(vectors).sum(axis=0)


def draw_groups(n_features, rng):
    """Draw which features are hidden together, in each round."""
    numbers = np.arange(n_features) % N_GROUPS
    return np.array([rng.permutation(numbers) for _ in range(N_ROUNDS)])


def mean_by_tree(vectors, X):
    """Return the mean over the leaves of each tree; of rows, themselves."""
    if not isinstance(X, Forest):
        return vectors
    n_leaves = X.n_leaves
    start = np.cumsum(n_leaves) - n_leaves
    return np.add.reduceat(vectors, start, axis=0) / n_leaves[:, None]
