"""Small and odd trees, and leaves of several kinds of numbers."""

import numpy as np
import pandas as pd
import pytest
from estimators import MINIBATCH_SOLVERS
from numpy.testing import assert_allclose, assert_array_equal
from tree_models import (
    ROWS,
    TREES,
    A,
    B,
    C,
    as_objects,
    assert_same_model,
    every_corruption,
    every_estimator,
    every_setting,
    is_leaf,
    make,
    make_trees,
    structure,
    untrained,
)

from sk_autoenc import RAETransformer
from sk_autoenc.trees.forest import Forest

pytestmark = pytest.mark.filterwarnings("ignore:Maximum iterations")

every_solver = pytest.mark.parametrize("solver", [*MINIBATCH_SOLVERS, "lbfgs"])
BARE = as_objects([A, B, C])


# Trees


@every_setting
@every_solver
def test_one_tree_is_enough(Estimator, changes, solver):
    tree = ((A, B), (C,))
    settings = {"solver": solver, "batch_size": "auto", "learning_rate_init": 1e-3}
    model = make(Estimator, **settings | changes).fit([tree])
    assert model.transform([tree]).shape == (1, changes.get("n_components", 3))
    assert structure(model.reconstruct([tree])[0]) == structure(tree)


@every_estimator
@every_corruption
def test_equal_trees_of_equal_leaves_work(Estimator, corruption):
    model = make(Estimator, corruption=corruption, corruption_level=0.3)
    assert np.isfinite(model.fit([(A, (A, A))] * 20).score([(A, A)]))


@every_estimator
def test_a_shared_subtree_is_trained_as_copies_of_it(Estimator):
    shared = (A, (B, C))
    copies = [((A, (B, C)), (A, (B, C))), (A.copy(), (B.copy(), C.copy()))]
    model = make(Estimator).fit([(shared, shared), shared])
    assert_same_model(model, make(Estimator).fit(copies))


def test_a_row_is_the_tree_of_one_leaf():
    trees = [(x,) for x in ROWS]
    assert_same_model(make().fit(ROWS), make().fit(trees))
    model = make().fit(TREES)
    assert_array_equal(model.transform(ROWS), model.transform(trees))


def test_an_only_child_is_blended_half_and_half():
    model = make().fit(TREES)
    blend = (model.encoder_left_ + model.encoder_right_) / 2
    expected = np.tanh(blend @ A + model.encoder_intercept_)
    assert_allclose(model.transform([(A,)])[0], expected, rtol=1e-12)


# Bare leaves


@every_estimator
@every_solver
@pytest.mark.parametrize("kind", [as_objects, Forest.from_nested, pd.Series])
def test_bare_leaves_alone_cost_nothing_and_are_their_own_codes(
    kind, solver, Estimator
):
    X = kind([A, B, C])
    model = make(Estimator, solver=solver, batch_size=3).fit(X)
    assert model.loss_ == 0
    assert_array_equal(model.transform(X), [A, B, C])
    assert_array_equal(model.score_samples(X), [0, 0, 0])
    assert_array_equal(list(model.reconstruct(X)), [A, B, C])
    assert_allclose(model.encoder_left_, np.eye(3) / 2, atol=1e-3)


def test_projected_bare_leaves_have_something_to_learn():
    settings = {"n_components": 2, "batch_size": 3, "learning_rate_init": 0.01}
    for unfold_from in ("root", "all"):
        model = make(max_iter=50, unfold_from=unfold_from, **settings).fit(BARE)
        assert 0 < model.loss_ < model.loss_curve_[0]


def test_bare_leaves_in_a_batch_do_not_change_the_codes_of_other_trees():
    model = make().fit(TREES)
    trees = [tree for tree in TREES if not is_leaf(tree)]
    mixed = [part for tree in trees for part in (A, tree)]
    assert_allclose(model.transform(mixed)[1::2], model.transform(trees), rtol=1e-12)


# Vectors


@every_setting
def test_one_feature_and_one_component_work(Estimator, changes):
    trees = make_trees(20, n_features=1)
    model = make(Estimator, **changes | {"n_components": None}).fit(trees)
    assert model.transform(trees).shape == (20, 1)


@every_estimator
def test_leaves_of_zeros_work(Estimator):
    zero = np.zeros(3)
    model = make(Estimator).fit([(zero, zero), (zero,)] * 5)
    assert np.isfinite(model.transform([(zero, zero)])).all()


def test_zero_codes_are_normalised_to_zero():
    zero = np.zeros(3)
    trees = [(zero, zero), (zero, (zero,))] * 5
    model = untrained(RAETransformer, trees, normalize=True)
    assert_array_equal(model.transform(trees), np.zeros((10, 3)))


# Kinds of numbers


def test_one_leaf_of_double_precision_makes_the_model_double():
    trees = [*make_trees(20, dtype=np.float32), (A, B)]
    with pytest.warns(UserWarning, match="all become float64"):
        model = make().fit(trees)
    assert model.encoder_left_.dtype == np.float64


def test_joined_forests_of_both_precisions_are_trained_in_double():
    forests = [Forest.from_nested(make_trees(9, dtype=d)) for d in (np.float32, float)]
    model = make().fit(Forest.concatenate(forests))
    assert model.encoder_left_.dtype == np.float64


def test_leaves_of_integers_and_lists_are_trained_in_double():
    model = make().fit([([1, 0], [0, 1]), (np.array([1, 1]), [0.5, 0])])
    assert model.encoder_left_.dtype == np.float64
