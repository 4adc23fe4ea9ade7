"""The estimators as a table of cases: what they share is tested once, over all.

A new estimator becomes a `Case` here, and every test of `test_estimators_*.py` is run
on it.
"""

import pickle
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
import row_models
import scipy.sparse
import tree_models
from numpy.testing import assert_array_equal
from oracles import Oracle

from sk_autoenc import DenoisingAutoencoder, RAETransformer, UnfoldingRAETransformer
from sk_autoenc.parts.corruptions import CORRUPTIONS
from sk_autoenc.parts.solvers import SOLVERS
from sk_autoenc.trees.forest import Forest

MINIBATCH_SOLVERS = [name for name in SOLVERS if name != "lbfgs"]


class Case(NamedTuple):
    """An estimator, the data that it is tested on, and how to read what comes out."""

    Estimator: type
    quick: dict
    """Settings with which a fit takes milliseconds, in several batches."""
    X: Any
    """Samples; slices of them are samples too."""
    X_of_others: Any
    """Samples with another number of features."""
    containers: dict[str, Callable]
    """Ways to hand X over that are learned alike, by name."""
    data: dict[str, Any]
    """Kinds of data that take another way through the code, by name."""
    map_vectors: Callable
    """``(function, X)``: the same samples with other rows, or leaves."""
    single: Callable
    """From a number: a sample of which every entry is that number."""
    outputs: Callable
    """``(model, X)`` -> dict of arrays: what every method gives, by its name."""
    wide_outputs: tuple[str, ...]
    """Names of outputs that are sums in double precision, whatever the model's."""
    decode: Callable
    """``(model, codes)`` -> array of the rows or leaves that the codes of X mean."""
    readers: tuple[str, ...]
    """Methods of a fitted model that are given X."""
    learned: Callable
    """From a fitted model: a dict with copies of the arrays that were trained."""
    codes_by_equations: Callable
    losses_by_equations: Callable
    scores_by_equations: Callable
    """``(model, X)`` -> of each sample, by the slow oracle."""
    linear: dict
    """Settings without a nonlinearity that would keep values small."""
    solvers: tuple[str, ...]
    variants: tuple[dict, ...]
    """Settings by which the estimator takes another way through the code."""

    def __repr__(self):
        return self.name

    @property
    def name(self):
        return self.Estimator.__name__

    @property
    def n_batches(self):
        """Of an epoch over X."""
        return -(-len(self.X) // self.quick["batch_size"])

    @property
    def code_name(self):
        """Before the number of a column of codes."""
        return self.name.lower()

    def make(self, **changes):
        return self.Estimator(**self.quick | changes)

    def vectors(self, X=None):
        """All rows or leaves, in their order, as one array."""
        seen = []
        self.map_vectors(seen.append, self.X if X is None else X)
        return np.vstack(seen)

    def astype(self, dtype, kind=None):
        """X, or data of some kind, in another precision."""
        X = self.data[kind] if kind else self.X
        if hasattr(X, "astype"):
            return X.astype(dtype)
        return self.map_vectors(lambda x: x.astype(dtype), X)

    def single_samples(self, values):
        return self.join([self.single(value) for value in values])

    def join(self, samples):
        """Samples in the type of X."""
        return np.array(samples) if isinstance(self.X, np.ndarray) else list(samples)

    def assert_same_model(self, left, right):
        """Bitwise."""
        expected = self.learned(right)
        assert self.learned(left).keys() == expected.keys()
        for name, values in self.learned(left).items():
            assert_array_equal(values, expected[name], err_msg=name)
        assert left.loss_curve_ == right.loss_curve_

    def weights(self, model):
        """All that was trained, as one vector."""
        return np.concatenate([part.ravel() for part in self.learned(model).values()])


ROWS = Case(
    Estimator=DenoisingAutoencoder,
    quick=row_models.QUICK,
    X=row_models.make_rows(),
    X_of_others=row_models.make_rows()[:30, :5],
    containers={"array": np.asarray, "list": np.ndarray.tolist, "frame": pd.DataFrame},
    data={
        "dense": row_models.make_rows(),
        "sparse": row_models.make_sparse_rows(),
    },
    map_vectors=lambda function, X: np.array([function(x) for x in X]),
    single=lambda value: np.full(8, float(value)),
    outputs=row_models.outputs,
    wide_outputs=(),
    decode=lambda model, codes: model.inverse_transform(codes),
    readers=(
        "transform",
        "reconstruct",
        "score_samples",
        "score",
        "reconstruction_error",
    ),
    learned=row_models.learned,
    codes_by_equations=lambda model, X: [Oracle.of(model).encode(x) for x in X],
    losses_by_equations=lambda model, X: [
        Oracle.of(model).entry_losses(x, x).sum() for x in X
    ],
    scores_by_equations=lambda model, X: [
        -((Oracle.of(model).reconstruct(x) - x) ** 2).sum() / 2 for x in X
    ],
    linear={"activation": "identity", "loss": "squared_error"},
    solvers=(*MINIBATCH_SOLVERS, "lbfgs"),
    variants=({}, {"emphasis": (1.0, 0.5)}, {"tied_weights": False}),
)


def tree_case(Estimator):
    return Case(
        Estimator=Estimator,
        quick=tree_models.QUICK | {"batch_size": 8},
        X=tree_models.TREES,
        X_of_others=tree_models.make_trees(9, seed=5, n_features=4),
        containers={
            "list": list,
            "Forest": Forest.from_nested,
            "object array": tree_models.as_objects,
            "Series": lambda trees: pd.Series(trees, range(100, 100 + len(trees))),
        },
        data={
            "trees": tree_models.TREES,
            "Forest": Forest.from_nested(tree_models.TREES),
            "rows": tree_models.ROWS,
        },
        map_vectors=lambda function, X: [
            tree_models.map_leaves(function, x) for x in X
        ],
        single=lambda value: (np.full(3, float(value)), np.full(3, float(value))),
        outputs=tree_models.outputs,
        wide_outputs=("score_samples",),
        decode=lambda model, codes: model.inverse_transform(
            codes, tree_models.as_forest(tree_models.TREES)
        ).leaf_vectors(),
        readers=(*ROWS.readers, "transform_nodes"),
        learned=tree_models.learned,
        codes_by_equations=lambda model, X: [
            tree_models.oracle_of(model).codes(tree)[0] for tree in X
        ],
        losses_by_equations=lambda model, X: [
            tree_models.loss(tree_models.oracle_of(model), tree) for tree in X
        ],
        scores_by_equations=lambda model, X: [
            -tree_models.loss(tree_models.oracle_of(model), tree) for tree in X
        ],
        linear={"encoder_activation": "identity", "decoder_activation": "identity"},
        solvers=(*MINIBATCH_SOLVERS, "lbfgs"),
        variants=(
            *(changes for other, changes in tree_models.SETTINGS if other is Estimator),
            {"pooling": ("root", "mean", "max")},
        ),
    )


CASES = (ROWS, tree_case(UnfoldingRAETransformer), tree_case(RAETransformer))


def over(names, combinations):
    """Parametrise over tuples, with ids of plain words."""
    return pytest.mark.parametrize(
        names,
        [
            pytest.param(*values, id="-".join(map(word, values)))
            for values in combinations
        ],
    )


def word(value):
    if isinstance(value, Case):
        return value.name
    if isinstance(value, dict):
        return ",".join(f"{name}={setting}" for name, setting in value.items()) or "{}"
    return str(value)


every_case = over("case", [(case,) for case in CASES])
every_case_and_solver = over(
    ("case", "solver"), [(case, solver) for case in CASES for solver in case.solvers]
)
every_case_and_container = over(
    ("case", "container"), [(case, name) for case in CASES for name in case.containers]
)
every_case_and_data = over(
    ("case", "kind"), [(case, kind) for case in CASES for kind in case.data]
)
every_case_and_reader = over(
    ("case", "method"), [(case, name) for case in CASES for name in case.readers]
)
every_case_and_variant = over(
    ("case", "changes"),
    [(case, changes) for case in CASES for changes in case.variants],
)
every_case_with_lbfgs = over(
    "case", [(case,) for case in CASES if "lbfgs" in case.solvers]
)
every_minibatch_solver = pytest.mark.parametrize("solver", MINIBATCH_SOLVERS)
every_corruption = pytest.mark.parametrize("corruption", CORRUPTIONS, ids=str)

STILL = {"solver": "sgd", "momentum": 0, "learning_rate_init": 1e-300}
"""Settings that train nothing."""
DIVERGING = {"solver": "sgd", "learning_rate_init": 1e300}
"""Settings that, together with `linear`, make the loss infinite at once."""


def state_of(estimator):
    """Everything that the estimator holds beside its parameters, frozen."""
    parameters = estimator.get_params()
    return pickle.dumps(
        {
            name: value
            for name, value in vars(estimator).items()
            if name not in parameters
        }
    )


class Failing:
    """A corruption that does nothing, but raises in the n-th batch from now."""

    def __init__(self, error, n):
        self.error, self.n = error, n

    def __call__(self, X, level, rng):
        self.n -= 1
        if self.n == 0:
            raise self.error
        return X.copy()


class Recording:
    """A corruption that does nothing, but keeps what it was given, and random numbers.

    `numbers` is one a call, `vectors` a copy of the rows or leaves of a batch.
    """

    def __init__(self):
        self.numbers, self.vectors = [], []

    def __call__(self, X, level, rng):
        self.numbers.append(rng.random())
        self.vectors.append(X.copy())
        return X


def freeze(X):
    """Make the arrays of X read-only, and give X."""
    if isinstance(X, np.ndarray) and X.dtype != object:
        X.flags.writeable = False
    elif scipy.sparse.issparse(X):
        for array in (X.data, X.indices):
            array.flags.writeable = False
    else:
        for part in X:
            freeze(part)
    return X
