"""Training on trees: the start, corruption of leaves, going on, attributes."""

import numpy as np
import pytest
from estimators import state_of
from numpy.testing import assert_allclose, assert_array_equal
from tree_models import (
    LEARNED,
    PROJECTIONS,
    ROWS,
    TREES,
    A,
    B,
    C,
    assert_same_model,
    every_corruption,
    every_estimator,
    leaves,
    make,
    make_trees,
    map_leaves,
    untrained,
)

from sk_autoenc.trees.forest import Forest

pytestmark = pytest.mark.filterwarnings("ignore:Maximum iterations")


# The start


def test_the_average_start_makes_codes_of_binary_trees_means_of_children():
    small = [map_leaves(lambda x: x / 20, ((A, B), (C, (A, C))))]  # tanh x is x
    codes, _ = untrained(trees=small).transform_nodes(small)
    root, left, a, b, right, c, last, a_again, c_again = codes
    assert_allclose(left, (a + b) / 2, atol=1e-3)
    assert_allclose(last, (a_again + c_again) / 2, atol=1e-3)
    assert_allclose(right, (c + last) / 2, atol=1e-3)
    assert_allclose(root, (left + right) / 2, atol=1e-3)
    assert np.abs(root).max() > 5e-3


@every_estimator
def test_the_average_start_unfolds_every_leaf_to_the_code_of_the_root(Estimator):
    model = untrained(Estimator)
    codes = model.transform(TREES)
    for code, tree in zip(codes, model.reconstruct(TREES), strict=True):
        assert_allclose(leaves(tree), np.tile(code, (len(leaves(tree)), 1)), atol=5e-3)


@every_estimator
def test_the_average_start_of_a_projection_keeps_the_mean_of_leaves(Estimator):
    small = [map_leaves(lambda x: x / 20, tree) for tree in ((A, B), (A, C))]
    model = untrained(Estimator, small, n_components=5)
    means = [(A + B) / 40, (A + C) / 40]
    decoded = model.transform(small) @ model.leaf_decoder_.T
    assert_allclose(decoded, means, atol=1e-3)


@every_estimator
def test_the_glorot_start_is_another_one(Estimator):
    glorot = untrained(Estimator, init="glorot")
    assert np.abs(glorot.encoder_left_ - np.eye(3) / 2).max() > 0.1
    average = untrained(Estimator)
    assert_allclose(average.encoder_left_, np.eye(3) / 2, atol=1e-3)
    assert_allclose(average.decoder_right_, np.eye(3), atol=1e-3)


@every_estimator
def test_another_seed_is_another_glorot_start(Estimator):
    first = untrained(Estimator, init="glorot")
    second = untrained(Estimator, init="glorot", random_state=1)
    assert not np.array_equal(first.encoder_left_, second.encoder_left_)


def test_the_average_start_is_random_too():
    first, second = untrained(), untrained(random_state=1)
    assert not np.array_equal(first.encoder_left_, second.encoder_left_)


# Corruption


@every_estimator
def test_masking_at_level_0_changes_nothing(Estimator):
    still = {"corruption": "masking", "corruption_level": 0.0, "shuffle": False}
    model = make(Estimator, **still).fit(TREES)
    assert_same_model(model, make(Estimator, shuffle=False).fit(TREES))


def test_masking_at_level_1_leaves_zeros_to_unfold():
    model = untrained(corruption="masking", corruption_level=1.0)
    squares = [(x**2).sum() for tree in TREES for x in leaves(tree)]
    assert model.loss_ == pytest.approx(sum(squares) / 2 / len(TREES), rel=1e-12)


@every_estimator
def test_a_corruption_is_given_the_leaf_vectors_of_a_batch_in_training_only(Estimator):
    shapes = []

    def record(X, level, rng):
        shapes.append(X.shape)
        return np.zeros_like(X)

    model = make(Estimator, corruption=record, batch_size=8, shuffle=False, max_iter=1)
    model.fit(TREES)
    counts = [len(leaves(tree)) for tree in TREES]
    sizes = [sum(counts[:8]), sum(counts[8:16]), sum(counts[16:])]
    assert shapes == [(size, 3) for size in sizes]
    codes = model.transform(TREES)
    model.inverse_transform(codes, structures=TREES)
    model.reconstruct(TREES)
    model.score(TREES)
    model.reconstruction_error(TREES)
    model.transform_nodes(TREES)
    assert len(shapes) == 3


def test_a_leaf_object_met_twice_is_corrupted_in_each_place_alone():
    seen = []

    def record(X, level, rng):
        seen.append(X.copy())
        return X + rng.normal(size=X.shape)

    make(corruption=record, max_iter=1).fit([(A, A, A)])
    assert_array_equal(seen[0], [A, A, A])


@every_corruption
def test_a_part_of_a_forest_is_corrupted_as_the_same_trees_in_a_list(corruption):
    """A forest shares its leaf table with its parts: what is not theirs is unknown."""
    forest = Forest.from_nested([*TREES, (100 * A, -100 * B)])
    settings = {"corruption": corruption, "corruption_level": 0.5}
    model = make(**settings).fit(forest[:20])
    assert_same_model(model, make(**settings).fit(TREES))


def test_a_probability_above_1_is_refused():
    with pytest.raises(ValueError, match="corruption_level must be in"):
        make(corruption="masking", corruption_level=1.5).fit(TREES)


# Going on


def test_partial_fit_takes_chunks_of_other_trees():
    model = make().partial_fit(TREES).partial_fit(make_trees(3, seed=3))
    model.partial_fit(Forest.from_nested([(A, B)])).partial_fit(ROWS)
    assert model.t_ == 20 + 3 + 1 + 20


@every_estimator
def test_a_wrong_tree_in_partial_fit_leaves_the_estimator_as_it_was(Estimator):
    model = make(Estimator).fit(TREES)
    before = state_of(model)
    for wrong in ([(A, B[:2])], [(A[:2], B[:2])], ROWS[:, :2]):
        with pytest.raises(ValueError, match=r"length|expecting 3"):
            model.partial_fit(wrong)
    assert state_of(model) == before


def test_no_number_of_components_means_that_of_the_model_when_going_on():
    model = make(n_components=2).fit(TREES).set_params(n_components=None)
    assert model.partial_fit(TREES).transform(TREES).shape == (20, 2)


# Attributes


@every_estimator
def test_attributes_have_their_shapes_without_a_projection(Estimator):
    model = make(Estimator).fit(TREES)
    for name in LEARNED:
        assert getattr(model, name).shape == ((3,) if "intercept" in name else (3, 3))
    assert not any(hasattr(model, name) for name in PROJECTIONS)
    assert model.n_features_in_ == 3
    assert not hasattr(model, "feature_names_in_")


@every_estimator
def test_attributes_have_their_shapes_with_a_projection(Estimator):
    model = make(Estimator, n_components=2).fit(TREES)
    for name in LEARNED:
        assert getattr(model, name).shape == ((2,) if "intercept" in name else (2, 2))
    assert model.leaf_encoder_.shape == (2, 3)
    assert model.leaf_encoder_intercept_.shape == (2,)
    assert model.leaf_decoder_.shape == (3, 2)
    assert model.leaf_decoder_intercept_.shape == (3,)
    assert model.n_features_in_ == 3


@every_estimator
def test_as_many_components_as_features_need_no_projection(Estimator):
    assert_same_model(
        make(Estimator, n_components=3).fit(TREES), make(Estimator).fit(TREES)
    )


def test_a_refit_without_a_projection_forgets_the_old_one():
    model = make(n_components=2).fit(TREES).set_params(n_components=None).fit(TREES)
    assert not any(hasattr(model, name) for name in PROJECTIONS)


@pytest.mark.parametrize(("X", "kind"), [(TREES, "trees"), (ROWS, "rows")])
def test_the_kind_of_input_is_told(X, kind):
    assert make().fit(X).input_kind_ == kind


def test_a_list_of_poolings_is_left_as_it_was_given():
    pooling = ["mean", "root"]
    model = make(pooling=pooling).fit(TREES)
    assert model.pooling is pooling
    assert pooling == ["mean", "root"]
