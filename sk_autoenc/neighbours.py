"""How far a row lies from the nearest rows of training: what no reconstruction says."""

from typing import Any, NamedTuple

import numpy as np

from sk_autoenc.feeds import slices
from sk_autoenc.parts.plain import kept_plain
from sk_autoenc.residuals import Scale

N_NEIGHBOURS = 5
"""The distance is that from so many of training: few outliers there have no company."""
MOST_ROWS = 2000
"""Of training that are kept, drawn at random."""


@kept_plain(fields=("scale", "kept", "mean_square"), make="of")
class Neighbours(NamedTuple):
    """Measures distances in standardised features; what is missing has the mean."""

    scale: Scale | None
    """None: vectors come scaled."""
    kept: np.ndarray
    """Rows of training, standardised."""
    tree: Any
    """A fitted `NearestNeighbors` of them, of one more than is asked for."""
    mean_square: float
    """Mean squared distance of kept rows from others of them."""

    @classmethod
    def learn(cls, vectors, rng, *, are_scaled=False):
        """Keep rows of training, NaN where missing."""
        scale = None if are_scaled else Scale.learn(vectors)
        rows = rng.permutation(len(vectors))[:MOST_ROWS]
        kept = standardised(scale, vectors[rows])
        near = cls.of(scale, kept, 1.0)
        n_neighbours = near.tree.n_neighbors - 1  # not from itself
        distance, _ = near.tree.kneighbors(n_neighbors=n_neighbours)
        mean_square = float(np.square(distance[:, -1]).mean())
        tiny = mean_square <= np.finfo(np.float32).tiny
        return near._replace(mean_square=1.0 if tiny else mean_square)

    @classmethod
    def of(cls, scale, kept, mean_square):
        """Plant the tree of the rows that are kept."""
        # Here, because it takes longer to import than the whole package.
        from sklearn.neighbors import NearestNeighbors

        n_neighbours = min(N_NEIGHBOURS, len(kept) - 1)
        tree = NearestNeighbors(n_neighbors=n_neighbours + 1).fit(kept)
        return cls(scale, kept, tree, mean_square)

    def __call__(self, vectors):
        """Return log(1 + d^2 / its mean) of each vector, (n_vectors,)."""
        logarithms = np.empty(len(vectors))
        for rows in slices(*vectors.shape):
            X = standardised(self.scale, vectors[rows])
            nearest = self.tree.kneighbors(X, return_distance=False)
            # A row of training is not its own neighbour.
            is_kept = (X == self.kept[nearest[:, 0]]).all(axis=1)
            neighbour = np.where(is_kept, nearest[:, -1], nearest[:, -2])
            square = np.square(X - self.kept[neighbour]).sum(axis=1)
            logarithms[rows] = np.log1p(square / self.mean_square)
        return logarithms


def standardised(scale, vectors):
    """Standardise and squash vectors, by a scale if any; what is missing becomes 0."""
    vectors = vectors.astype(np.float64)
    return np.nan_to_num(scale(vectors) if scale else vectors, nan=0.0)
