"""Features of trees of tokens, and models of them: what a user would try first.

All are estimators that take lists of nested tuples.
"""

from collections import Counter
from itertools import pairwise

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.feature_extraction import DictVectorizer
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.model_selection import GridSearchCV, ShuffleSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVR

from sk_autoenc import Forest, UnfoldingRAETransformer, map_leaves


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


def subtrees(tree, label_first=True, n_rounds=3):
    """List (round, hash) of all nodes, by Weisfeiler and Lehman's rounds.

    A node has its label at first, and then in each round its own and its children's.
    """
    labels, children, waiting = [], [], [(tree, None)]
    while waiting:
        node, siblings = waiting.pop()
        if siblings is not None:
            siblings.append(len(labels))
        is_leaf = not isinstance(node, tuple)
        labels.append(label(node) if is_leaf or label_first else "")
        children.append([])
        if not is_leaf:
            below = node[1:] if label_first else node
            waiting.extend((child, children[-1]) for child in reversed(below))
    hashes, found = list(map(hash, labels)), []
    for number in range(n_rounds + 1):
        found.extend((number, value) for value in hashes)
        hashes = [
            hash((own, *(hashes[child] for child in below)))
            for own, below in zip(hashes, children, strict=True)
        ]
    return found


class Counts(TransformerMixin, BaseEstimator):
    """Count what functions list of a tree.

    Parameters
    ----------
    functions : tuple of callable
        From a tree to a list of hashable objects.
    min_count : int, default=2
        Trees that must have a thing for a column of it.
    log : bool, default=True
        Whether to give the logarithm of one plus each count.
    """

    def __init__(self, functions, min_count=2, log=True):
        self.functions = functions
        self.min_count = min_count
        self.log = log

    def bag(self, tree):
        """Count all by name."""
        things = Counter()
        for function in self.functions:
            things.update(function(tree))
        return {repr(thing): count for thing, count in things.items()}

    def fit(self, X, y=None):
        """Learn the columns."""
        self.fit_transform(X)
        return self

    def fit_transform(self, X, y=None):
        """Learn the columns, and give the counts."""
        self.columns_ = DictVectorizer(dtype=np.float32)
        counts = self.columns_.fit_transform(map(self.bag, X))
        trees = np.bincount(counts.indices, minlength=counts.shape[1])
        self.kept_ = np.flatnonzero(trees >= self.min_count)
        return self.scaled(counts)

    def transform(self, X):
        """Give the counts."""
        return self.scaled(self.columns_.transform(map(self.bag, X)))

    def scaled(self, counts):
        """Keep the columns that are frequent enough."""
        counts = counts[:, self.kept_]
        return counts.log1p() if self.log else counts


class Vectors(TransformerMixin, BaseEstimator):
    """Put vectors in the place of tokens: trees become a Forest.

    Parameters
    ----------
    vectors : dict of str to ndarray or None
        None: a unit vector for each token of the trees it is fitted to, zeros for
        others.
    """

    def __init__(self, vectors=None):
        self.vectors = vectors

    def fit(self, X, y=None):
        """Learn the tokens."""
        self.vectors_ = self.vectors
        if self.vectors is None:
            tokens = sorted({token for tree in X for token in leaves(tree)})
            units = np.eye(len(tokens), dtype=np.float32)
            self.vectors_ = dict(zip(tokens, units, strict=True))
        self.unknown_ = np.zeros_like(next(iter(self.vectors_.values())))
        return self

    def transform(self, X):
        """Return a Forest."""

        def vector(token):
            return self.vectors_.get(token, self.unknown_)

        return Forest.from_nested([map_leaves(vector, tree) for tree in X])


def mean_of_leaves(forest):
    """Give the mean of each tree's leaf vectors."""
    vectors = forest.leaf_table[forest.leaf_row[forest.leaves]]
    starts = np.cumsum(forest.n_leaves) - forest.n_leaves
    return np.add.reduceat(vectors, starts) / forest.n_leaves[:, None]


def codes(vectors, pooling, n_components):
    """Return what makes unsupervised codes of trees."""
    model = UnfoldingRAETransformer(
        n_components, child_weights="leaves", pooling=pooling, random_state=0
    )
    return make_pipeline(Vectors(vectors), model, StandardScaler())


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
