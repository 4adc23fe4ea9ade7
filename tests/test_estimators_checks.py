"""scikit-learn's own checks; for an estimator of trees each row x is the tree (x,)."""

import pytest
from estimators import every_case
from sklearn.base import clone
from sklearn.preprocessing import StandardScaler
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import estimator_checks_generator

from sk_autoenc import (
    DenoisingAutoencoder,
    RAETransformer,
    RecursiveClassifier,
    RecursiveRegressor,
    TableDenoisingAutoencoder,
    UnfoldingRAETransformer,
)
from sk_autoenc.parts.activations import ACTIVATIONS
from sk_autoenc.parts.corruptions import CORRUPTIONS
from sk_autoenc.parts.losses import LOSSES
from sk_autoenc.parts.solvers import SOLVERS

pytestmark = pytest.mark.filterwarnings("ignore:Maximum iterations")


def drop(X, level, rng):
    return X * (rng.random(X.shape) > level)


# One setting at a time, and a few together. Wide noise on data of any scale diverges
# only with a rate that no one would choose for them: hence the smaller one for sgd.
SGD = {"solver": "sgd", "learning_rate_init": 1e-4}
OF_ROWS = [
    {},
    *(
        {"solver": solver, "learning_rate_init": 1e-4}
        for solver in SOLVERS
        if solver != "lbfgs"
    ),
    *({"loss": loss} for loss in LOSSES if loss != "cross_entropy"),
    *({"activation": name} for name in ACTIVATIONS),
    *({"output_activation": name} for name in ACTIVATIONS if name != "logistic"),
    *({"corruption": name} for name in CORRUPTIONS),
    {"corruption": drop},
    {"tied_weights": False},
    {"tied_weights": False, "activation": "relu", "alpha": 0.1},
    {"emphasis": (1.0, 0.5)},
    {"emphasis": (1.0, 0.0), "corruption": "swap"},
    {"early_stopping": True, "validation_fraction": 0.3},
    {"batch_size": 3, "shuffle": False},
    SGD | {"momentum": 0.0},
    SGD | {"nesterovs_momentum": False},
    SGD | {"learning_rate": "invscaling"},
    SGD | {"learning_rate": "adaptive", "tied_weights": False, "activation": "tanh"},
]
OF_TREES = [
    {},
    {"n_components": 3, "init": "glorot"},
    {"pooling": ("mean", "root"), "early_stopping": True, "validation_fraction": 0.3},
    {"corruption": "masking", "corruption_level": 0.3},
    {"solver": "lbfgs"},
    {"composition": "gated", "learn_leaves": True},
    {"composition": "lstm", "n_components": 3, "learn_leaves": True},
    SGD,
]
ALL = {"unfold_from": "all"}
NORMALIZE = {"normalize": True}
SETTINGS = {
    DenoisingAutoencoder: [
        {"n_components": 4, "max_iter": 3} | changes for changes in OF_ROWS
    ],
    UnfoldingRAETransformer: [
        *OF_TREES,
        ALL,
        ALL | SGD | {"momentum": 0.0, "n_components": 3},
        {"pooling": "max", "corruption": "swap"},
    ],
    RAETransformer: [
        *OF_TREES,
        NORMALIZE | {"alpha": 0.1, "init": "glorot"},
        NORMALIZE | SGD | {"learning_rate": "invscaling"},
        {"solver": "lbfgs", "n_components": 3, "early_stopping": True},
    ],
}
OF_LABELS = [
    {},
    {"n_components": 4, "composition": "lstm", "reconstruction": 0.3, "alpha": 0.01},
    {"composition": "blend", "pooling": ("root", "mean"), "child_weights": "leaves"},
    {"solver": "lbfgs", "dropout": 0.0, "early_stopping": False, "init": "average"},
]
QUICK = {"max_iter": 2, "tol": 0, "random_state": 0}
SMALL = DenoisingAutoencoder(4, corruption="swap", max_iter=2, tol=0)
OF_TABLES = [
    {},
    {"autoencoder": clone(SMALL).set_params(corruption="masking", tied_weights=False)},
    {"autoencoder": clone(SMALL).set_params(early_stopping=True)},
    {"add_indicator": False, "categorical_features": None},
    {"numeric_encoder": StandardScaler()},
]
ESTIMATORS = [
    *(
        (changes, Estimator(**QUICK | changes))
        for Estimator, settings in SETTINGS.items()
        for changes in settings
    ),
    *(
        (changes, TableDenoisingAutoencoder(**{"autoencoder": SMALL} | changes))
        for changes in OF_TABLES
    ),
]
LABELLED = [
    (changes, Estimator(random_state=0, **changes))
    for Estimator in (RecursiveClassifier, RecursiveRegressor)
    for changes in OF_LABELS
]
"""Trained in full: the checks ask what they have learned."""
CHECKS = [
    pytest.param(
        check,
        estimator,
        id=f"{type(estimator).__name__}-{changes}-{check.func.__name__}",
    )
    for changes, one in [*ESTIMATORS, *LABELLED]
    for estimator, check in estimator_checks_generator(one)
]
"""Not by parametrize_with_checks: that of 1.7 hands pytest a generator, which warns."""


# A loss may rise by chance in three epochs on a few random rows.
@pytest.mark.filterwarnings("ignore:Got `batch_size`", "ignore:The loss rose")
@pytest.mark.parametrize(("check", "estimator"), CHECKS)
def test_scikit_learns_checks_pass(check, estimator):
    check(estimator)


def test_every_setting_is_really_checked():
    assert len(CHECKS) > 40 * len(ESTIMATORS)


@every_case
def test_every_estimator_is_checked(case):
    assert case.Estimator in SETTINGS


@every_case
def test_the_default_constructor_passes_the_checks_of_parameters(case):
    for estimator, check in estimator_checks_generator(case.Estimator()):
        if "param" in check.func.__name__ or "init" in check.func.__name__:
            check(estimator)


@every_case
def test_no_check_is_switched_off_by_a_tag(case):
    tags = get_tags(case.Estimator())
    assert not tags.no_validation
    assert not tags.non_deterministic
    assert not tags._skip_test
    assert tags.input_tags.two_d_array
    assert tags.transformer_tags.preserves_dtype == ["float64", "float32"]


def test_a_table_may_have_holes_and_categories_and_no_check_is_switched_off():
    tags = get_tags(TableDenoisingAutoencoder())
    assert tags.input_tags.allow_nan
    assert tags.input_tags.categorical
    assert not tags.input_tags.sparse
    assert tags.input_tags.two_d_array
    assert tags.transformer_tags.preserves_dtype == ["float64", "float32"]
    assert not tags.no_validation
    assert not tags.non_deterministic
    assert not tags._skip_test


def test_rows_may_be_sparse():
    assert get_tags(DenoisingAutoencoder()).input_tags.sparse
