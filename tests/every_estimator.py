"""Every public estimator with settings and data with which a fit takes milliseconds.

For what holds of all: tags, what is saved, what is refused. A new estimator becomes a
line of `EXAMPLES`, which a test asks for.
"""

from importlib import import_module
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse
from sklearn.base import BaseEstimator
from tabular_models import small

import sk_autoenc
from sk_autoenc import (
    DenoisingAutoencoder,
    DenoisingImputer,
    Forest,
    GreedyTrees,
    LeafVectorizer,
    MarginalizedDenoisingAutoencoder,
    NodeNeighbors,
    RAETransformer,
    ReconstructionOutlierDetector,
    RecursiveClassifier,
    RecursiveRegressor,
    StackedDenoisingAutoencoder,
    StackedDenoisingClassifier,
    StackedDenoisingRegressor,
    SubtreeCounts,
    TableDenoisingAutoencoder,
    TreePairFeatures,
    UnfoldingRAETransformer,
)

ESTIMATORS = [
    each
    for each in (getattr(sk_autoenc, name) for name in sk_autoenc.__all__)
    if isinstance(each, type) and issubclass(each, BaseEstimator)
]
every_estimator = pytest.mark.parametrize(
    "Estimator", ESTIMATORS, ids=lambda Estimator: Estimator.__name__
)


class Example(NamedTuple):
    """An estimator that is not fitted, and data."""

    model: Any
    X: Any
    """A dict of columns by the name of a library is a data frame of that."""
    y: Any = None

    def fitted(self):
        return self.model.fit(data_of(self.X), self.y)


RNG = np.random.default_rng(0)
ROWS = RNG.random((30, 4))
HOLES = np.where(RNG.random(ROWS.shape) < 0.1, np.nan, ROWS)
LEVELS = np.column_stack([HOLES.astype(object), RNG.choice(["a", "b"], len(ROWS))])
COLUMNS = {
    "size": HOLES[:, 0].tolist(),
    "count": [3, 1, 2] * 10,
    "kind": RNG.choice(["red", "blue"], len(ROWS)).tolist(),
}
A, B, C = np.eye(3)
TREES = [((A, B), C), (C, (B, B)), (A, (C, A)), ((A, A, B), (C,)), (B, C)]
PAIRS = [(TREES[0], TREES[1]), (TREES[2], TREES[0]), (TREES[4], TREES[3])]
WORDS = [(("a", "b"), "c"), ("c", ("b", "b")), ("a", "c")]
RECORDS = [({"word": "a", "size": 1.0}, {"word": "b", "size": 2.5})]
CLASSES, NUMBERS = np.array([0, 1] * 15), ROWS[:, 0].copy()

QUICK = {"max_iter": 2, "random_state": 0}
CODES = DenoisingAutoencoder(3, **QUICK)
CODES_OF_TREES = UnfoldingRAETransformer(2, init="glorot", **QUICK)
OF_TABLE = TableDenoisingAutoencoder(small(), random_state=0)
LAYERS = {"autoencoder": CODES, "random_state": 0}
IMPUTER = DenoisingImputer((8,), n_estimators=1, max_steps=10, random_state=0)

# The last of each estimator is stored of every version, in tests/pickles.
EXAMPLES = {
    "codes of rows with holes": Example(CODES, HOLES),
    "codes of sparse rows": Example(CODES, scipy.sparse.csr_array(ROWS)),
    "codes": Example(CODES, ROWS),
    "several layers": Example(StackedDenoisingAutoencoder((4, 3), **LAYERS), ROWS),
    "classes of rows": Example(
        StackedDenoisingClassifier((4,), max_iter=2, **LAYERS), ROWS, CLASSES
    ),
    "numbers of rows": Example(
        StackedDenoisingRegressor((4,), max_iter=2, **LAYERS), ROWS, NUMBERS
    ),
    "closed form, blocks": Example(
        MarginalizedDenoisingAutoencoder(block_size=2), ROWS
    ),
    "closed form": Example(MarginalizedDenoisingAutoencoder(2), ROWS),
    "imputer": Example(IMPUTER, HOLES),
    "imputer of levels": Example(IMPUTER, LEVELS),
    "imputer of a frame": Example(IMPUTER, {"pandas": COLUMNS}),
    "table": Example(OF_TABLE, HOLES),
    "table of levels": Example(OF_TABLE, LEVELS),
    "table, a frame of polars": Example(OF_TABLE, {"polars": COLUMNS}),
    "table, a frame of pandas": Example(OF_TABLE, {"pandas": COLUMNS}),
    "outliers": Example(ReconstructionOutlierDetector(CODES, random_state=0), ROWS),
    "outliers among trees": Example(
        ReconstructionOutlierDetector(CODES_OF_TREES, random_state=0), TREES
    ),
    "outliers, default": Example(ReconstructionOutlierDetector(random_state=0), HOLES),
    "trees": Example(CODES_OF_TREES, TREES),
    "trees, children": Example(RAETransformer(2, init="glorot", **QUICK), TREES),
    "classes of trees": Example(RecursiveClassifier(2, **QUICK), TREES, CLASSES[:5]),
    "numbers of trees": Example(RecursiveRegressor(2, **QUICK), TREES, NUMBERS[:5]),
    "subtrees": Example(SubtreeCounts(n_features=64), TREES),
    "neighbours": Example(NodeNeighbors(CODES_OF_TREES, n_neighbors=2), TREES),
    "pairs": Example(TreePairFeatures(CODES_OF_TREES, 2, standardize=True), PAIRS),
    "sequences": Example(
        GreedyTrees(RAETransformer(normalize=True, **QUICK)),
        [[A, B, C], [C, B], [A, A]],
    ),
    "words": Example(LeafVectorizer(n_features=5, random_state=0), WORDS),
    "records": Example(LeafVectorizer({"word": "one_hot", "size": "number"}), RECORDS),
}
every_example = pytest.mark.parametrize("name", EXAMPLES)

METHODS = (
    "transform",
    "reconstruct",
    "predict",
    "predict_proba",
    "decision_function",
    "score_samples",
    "kneighbors",
)


def data_of(X):
    """Columns as a data frame, all else as it is."""
    if not isinstance(X, dict):
        return X
    ((library, columns),) = X.items()
    return import_module(library).DataFrame(columns)


def answers(model, X):
    """What a fitted model gives of data: a dict of arrays."""
    found = {}
    for name in METHODS:
        if hasattr(model, name):
            found |= as_arrays(name, getattr(model, name)(data_of(X)))
    return found


def as_arrays(name, answer):
    """Arrays of numbers or of objects, by name."""
    if isinstance(answer, tuple):  # of neighbours
        distances, neighbors = answer
        return {name: distances, "nodes": neighbors["position"]}
    if isinstance(answer, pd.DataFrame | pl.DataFrame):
        return {f"{name} {part}": np.asarray(answer[part]) for part in answer.columns}
    if isinstance(answer, list):
        answer = Forest.from_nested(answer)
    if isinstance(answer, Forest):
        return {name: answer.leaf_vectors(), f"{name} shapes": answer.n_children}
    if scipy.sparse.issparse(answer):
        answer = answer.toarray()
    return {name: np.asarray(answer)}
