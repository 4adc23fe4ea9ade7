"""Features of trees of tokens, and models of them: what a user would try first.

All are estimators that take lists of nested tuples.
"""

from collections import Counter
from itertools import pairwise
from zlib import crc32

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.model_selection import GridSearchCV, ShuffleSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.svm import SVR


def leaves(tree):
    """List the leaves of a tree, in their order."""
    found, waiting = [], [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, tuple):
            waiting.extend(reversed(node))
        else:
            found.append(node)
    return found


def labels(tree):
    """List the leaves of a tree as `Bags` wants them."""
    return [(leaf,) for leaf in leaves(tree)]


def label(node):
    """Return the first leaf of a node: what it is, or its first word."""
    while isinstance(node, tuple):
        node = node[0]
    return node


def pairs_below(tree):
    """List (label of a node, label of its child) of all nodes."""
    found, waiting = [], [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, tuple):
            found.extend((label(node), label(child)) for child in node[1:])
            waiting.extend(node[1:])
    return found


def neighbours(tree):
    """List (leaf, next leaf)."""
    return list(pairwise(leaves(tree)))


class Bags(TransformerMixin, BaseEstimator):
    """Count what functions list of a tree.

    Parameters
    ----------
    functions : tuple of callable
        From a tree to a list of tokens, or of pairs of them.
    """

    def __init__(self, functions):
        self.functions = functions

    def fit(self, X, y=None):
        """Learn nothing."""
        return self

    def transform(self, X):
        """Return a dict of numbers for each tree."""

        def things(tree):
            return (thing for function in self.functions for thing in function(tree))

        return [Counter(map(" > ".join, things(tree))) for tree in X]


class Frequent(TransformerMixin, BaseEstimator):
    """Keep the columns that are not 0 in some rows, or their logarithms.

    Parameters
    ----------
    min_count : int
        How many rows.
    log : bool
        Whether to give the logarithm of one plus each count.
    """

    def __init__(self, min_count, log):
        self.min_count = min_count
        self.log = log

    def fit(self, X, y=None):
        """Choose the columns."""
        n_rows = np.bincount(X.tocsr().indices, minlength=X.shape[1])
        self.kept_ = np.flatnonzero(n_rows >= self.min_count)
        return self

    def transform(self, X):
        """Return them."""
        counts = X.tocsr()[:, self.kept_]
        return counts.log1p() if self.log else counts


def number(token):
    """Return a vector that tells a token from others, and no more."""
    return [float(crc32(token.encode()))]


def mean_of_leaves(forest):
    """Give the mean of each tree's leaf vectors."""
    vectors = forest.leaf_table[forest.leaf_row[forest.leaves]]
    starts = np.cumsum(forest.n_leaves) - forest.n_leaves
    return np.add.reduceat(vectors, starts) / forest.n_leaves[:, None]


def part():
    """Hold a fifth of what is trained on, to choose settings by."""
    return ShuffleSplit(1, test_size=0.2, random_state=0)


def logistic():
    """Return logistic regression that chooses its penalty."""
    model = LogisticRegression(max_iter=200, tol=1e-3)
    grid = {"C": (0.01, 0.03, 0.1, 0.3, 1)}
    return GridSearchCV(model, grid, scoring="neg_log_loss", cv=part())


def random_forest(is_number, seed):
    """Return a random forest that chooses how its trees grow."""
    kind = RandomForestRegressor if is_number else RandomForestClassifier
    model = kind(200, max_features="sqrt", random_state=seed)
    return GridSearchCV(model, {"min_samples_leaf": (1, 3)}, cv=part())


def boosting(is_number, seed):
    """Return gradient boosting that chooses the number of its trees."""
    kind = (
        HistGradientBoostingRegressor if is_number else HistGradientBoostingClassifier
    )
    model = kind(max_iter=300, early_stopping=True, random_state=seed)
    return make_pipeline(FunctionTransformer(dense, accept_sparse=True), model)


def dense(matrix):
    return matrix.toarray()


def ridge():
    """Return ridge regression that chooses its penalty."""
    return RidgeCV(np.logspace(-3, 3, 13))


def support_vectors():
    """Return support vector regression that chooses its settings."""
    grid = {"C": (1, 10, 100, 1000), "gamma": (0.001, 0.01, 0.1, 1)}
    return GridSearchCV(SVR(), grid, scoring="neg_mean_squared_error", cv=5)
