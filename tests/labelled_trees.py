"""Trees with labels in every container, for pipelines and searches."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tree_models import as_objects, grow

from sk_autoenc import UnfoldingRAETransformer
from sk_autoenc.trees.forest import Forest


def make(Estimator=UnfoldingRAETransformer, **changes):
    settings = {"max_iter": 2, "tol": 0, "random_state": 0}
    return Estimator(**settings | changes)


def make_trees(n_trees=40, n_features=2, seed=0):
    """Trees of mixed arity whose roots are inner nodes, no two with one vector."""
    rng = np.random.default_rng(seed)
    return [
        (grow(rng, 3, n_features), grow(rng, 2, n_features)) for _ in range(n_trees)
    ]


CONTAINERS = {
    "list": list,
    "object array": as_objects,
    "Series": lambda trees: pd.Series(trees, index=range(100, 100 + len(trees))),
    "Forest": Forest.from_nested,
}
every_container = pytest.mark.parametrize(
    "container", CONTAINERS.values(), ids=CONTAINERS.keys()
)
TREES = make_trees()


def labels():
    """What a linear model can see: the sign of the mean of the first entries."""
    forest = Forest.from_nested(TREES)
    means = [forest[i].leaf_vectors()[:, 0].mean() for i in range(len(forest))]
    return np.where(np.array(means) > 0, "rising", "falling")


Y = labels()


def make_classifier(Estimator=UnfoldingRAETransformer, **changes):
    # The mean over nodes, of which the label is nearly a linear function.
    changes = {"pooling": ("root", "mean"), **changes}
    return make_pipeline(
        make(Estimator, **changes), StandardScaler(), LogisticRegression(C=10)
    )
