"""What training has to know of all trees before its first step.

As `row_facts`: facts of parts of the trees are `added` up to those of all.
"""

from types import SimpleNamespace
from typing import Any, NamedTuple, Self

import numpy as np

from sk_autoenc.row_facts import ROWS_DIGESTED, digest_of
from sk_autoenc.trees.forest import Forest
from sk_autoenc.trees.known import CountsOfForest
from sk_autoenc.trees.used import leaf_range, sum_of_squares


class TreeFacts(NamedTuple):
    """Facts of some trees, or of all."""

    n_trees: int
    n_features: int
    dtype: np.dtype[Any]
    n_inner: int
    """Inner nodes."""
    sum_of_squares: float
    """Of all entries of all leaves; 0 where nobody asks."""
    smallest: Any
    """(n_features,), of the leaves; None: nobody asks."""
    largest: Any
    leaf_counts: Any
    """`LeafCounts`; None: nobody asks."""
    digest: str
    """Of some trees: tells data apart."""

    @classmethod
    def of(cls, settings: SimpleNamespace, forest: Forest) -> Self:
        """Look at all trees; `settings` are those of an estimator of trees."""
        smallest = largest = None
        if getattr(settings, "corruption", None) is not None:
            smallest, largest = leaf_range(forest)
        return cls(
            len(forest),
            forest.n_features,
            forest.dtype,
            int(np.count_nonzero(forest.n_children)),
            sum_of_squares(forest) if settings.solver == "sgd" else 0.0,
            smallest,
            largest,
            CountsOfForest(forest) if settings.learn_leaves else None,
            digest_of_trees(forest),
        )

    def added(self, other: Self) -> Self:
        """Return the facts of the trees of both."""
        smallest, largest, leaf_counts = self.smallest, self.largest, self.leaf_counts
        if smallest is not None:
            smallest = np.minimum(smallest, other.smallest)
            largest = np.maximum(largest, other.largest)
        if leaf_counts is not None:
            leaf_counts = leaf_counts.added(other.leaf_counts)
        return self._replace(
            n_trees=self.n_trees + other.n_trees,
            dtype=np.result_type(self.dtype, other.dtype),
            n_inner=self.n_inner + other.n_inner,
            sum_of_squares=self.sum_of_squares + other.sum_of_squares,
            smallest=smallest,
            largest=largest,
            leaf_counts=leaf_counts,
            digest=self.digest + other.digest,
        )


def digest_of_trees(forest: Forest) -> str:
    """Return a digest of some trees, spread over all."""
    n_trees = len(forest)
    places = np.linspace(0, n_trees - 1, min(n_trees, ROWS_DIGESTED)).astype(int)
    some = forest.select(places)
    children = np.asarray(some.n_children, float)[:, None]
    return digest_of(some.leaf_vectors()) + digest_of(children)
