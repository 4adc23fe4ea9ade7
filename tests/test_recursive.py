"""The autoencoders of trees: their equations, the start, their attributes."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from tree_models import (
    EQUATION_NAMES,
    LEARNED,
    TREES,
    A,
    B,
    C,
    assert_same_model,
    every_estimator,
    every_setting,
    is_leaf,
    learned,
    leaves,
    loss,
    make,
    make_trees,
    map_leaves,
    oracle_of,
    structure,
    untrained,
)

from sk_autoenc import RAETransformer, UnfoldingRAETransformer
from sk_autoenc.parts.activations import ACTIVATIONS
from sk_autoenc.trees.forest import Forest

pytestmark = pytest.mark.filterwarnings("ignore:Maximum iterations")


# What comes out


@every_setting
def test_codes_are_those_of_the_equations(Estimator, changes):
    model = make(Estimator, **changes).fit(TREES)
    oracle = oracle_of(model)
    expected = [oracle.codes(tree)[0] for tree in TREES]
    assert_allclose(model.transform(TREES), expected, rtol=0, atol=1e-12)


@every_setting
def test_codes_of_all_nodes_are_those_of_the_equations_in_preorder(Estimator, changes):
    model = make(Estimator, **changes).fit(TREES)
    oracle = oracle_of(model)
    codes, _ = model.transform_nodes(TREES)
    expected = np.vstack([oracle.codes(tree) for tree in TREES])
    assert_allclose(codes, expected, rtol=0, atol=1e-12)


@every_setting
def test_trees_are_unfolded_by_the_equations(Estimator, changes):
    model = make(Estimator, **changes).fit(TREES)
    oracle = oracle_of(model)
    decoded = model.reconstruct(TREES)
    assert [structure(tree) for tree in decoded] == [structure(tree) for tree in TREES]
    for tree, copy in zip(TREES, decoded, strict=True):
        expected = oracle.reconstruct(tree, oracle.codes(tree)[0])
        assert_allclose(leaves(copy), expected, rtol=0, atol=1e-12)


@every_setting
def test_score_samples_are_minus_the_losses_of_the_equations(Estimator, changes):
    model = make(Estimator, alpha=0.5, **changes).fit(TREES)  # not in the score
    oracle = oracle_of(model)
    expected = [-loss(oracle, tree) for tree in TREES]
    assert_allclose(model.score_samples(TREES), expected, rtol=1e-12, atol=1e-13)


@every_setting
def test_reconstruction_error_is_the_squared_error_in_leaf_order(Estimator, changes):
    model = make(Estimator, **changes).fit(TREES)
    expected = [
        ((x - decoded) ** 2).sum()
        for tree, copy in zip(TREES, model.reconstruct(TREES), strict=True)
        for x, decoded in zip(leaves(tree), leaves(copy), strict=True)
    ]
    errors = model.reconstruction_error(TREES)
    assert errors.shape == (Forest.from_nested(TREES).n_leaves.sum(),)
    assert_allclose(errors, expected, rtol=1e-12, atol=1e-28)


def test_reconstruction_error_finds_the_guilty_leaf():
    model = make(max_iter=30).fit(TREES)
    trees = [((A / 9, B / 9), (A / 9, C / 9, 9 * B))]
    assert model.reconstruction_error(trees).argmax() == 4


def test_half_the_errors_of_leaves_are_the_loss_of_an_unfolding_model():
    model = make().fit(TREES)
    loss_of_leaves = model.reconstruction_error(TREES).sum() / 2
    assert loss_of_leaves == pytest.approx(-model.score_samples(TREES).sum())


# What is trained


@every_setting
def test_a_full_batch_step_of_plain_sgd_is_one_step_of_the_equations(
    Estimator, changes
):
    plain = {"solver": "sgd", "momentum": 0, "learning_rate_init": 0.1, "alpha": 0.2}
    model = make(Estimator, batch_size=20, init="glorot", **plain, **changes)
    # The first step takes the intercepts away from 0.
    before = model.partial_fit(TREES)
    oracle, start = oracle_of(before), learned(before)
    value, gradient = oracle.value_and_gradient(TREES)
    model.partial_fit(TREES)
    assert model.loss_ == pytest.approx(value, rel=1e-12)
    for name, values in learned(model).items():
        expected = start[name] - 0.1 * gradient[EQUATION_NAMES[name]]
        assert_allclose(values, expected, rtol=0, atol=1e-12, err_msg=name)


@every_setting
def test_a_step_on_corrupted_leaves_reconstructs_the_clean_ones(Estimator, changes):
    plain = {"solver": "sgd", "momentum": 0, "learning_rate_init": 0.01}
    corruption = {"corruption": lambda X, level, rng: level * X + 0.1}
    changes = {"corruption_level": 0.5, **corruption, **plain, **changes}
    model = make(Estimator, batch_size=20, shuffle=False, **changes).partial_fit(TREES)
    oracle, start = oracle_of(model), learned(model)
    corrupted = [map_leaves(lambda x: 0.5 * x + 0.1, tree) for tree in TREES]
    value, gradient = oracle.value_and_gradient(TREES, corrupted)
    model.partial_fit(TREES)
    assert model.loss_ == pytest.approx(value, rel=1e-12)
    for name, values in learned(model).items():
        expected = start[name] - 0.01 * gradient[EQUATION_NAMES[name]]
        assert_allclose(values, expected, rtol=0, atol=1e-12, err_msg=name)


@every_estimator
def test_minibatches_are_steps_of_their_own(Estimator):
    plain = {"solver": "sgd", "momentum": 0, "shuffle": False, "batch_size": 15}
    together = make(Estimator, **plain).partial_fit(TREES)
    apart = pickle.loads(pickle.dumps(together))
    first = apart.partial_fit(TREES[:15]).loss_
    last = apart.partial_fit(TREES[15:]).loss_
    assert_same_weights(together.partial_fit(TREES), apart)
    assert together.loss_ == pytest.approx((15 * first + 5 * last) / 20, rel=1e-12)


def assert_same_weights(left, right):
    for name, values in learned(left).items():
        assert_allclose(values, getattr(right, name), rtol=1e-12, atol=1e-14)


@every_estimator
def test_lbfgs_ends_where_the_gradient_of_the_equations_is_small(Estimator):
    settings = {"tol": 1e-3, "max_iter": 10_000, "alpha": 0.1}
    model = make(Estimator, solver="lbfgs", **settings).fit(TREES)
    value, gradient = oracle_of(model).value_and_gradient(TREES)
    assert max(np.abs(part).max() for part in gradient.values()) < 3e-3
    assert model.loss_ == pytest.approx(value, rel=1e-12)


@every_estimator
@pytest.mark.parametrize("encoder", ACTIVATIONS)
@pytest.mark.parametrize("decoder", ACTIVATIONS)
def test_every_pair_of_activations_learns(Estimator, encoder, decoder):
    model = make(
        Estimator,
        n_components=4,
        encoder_activation=encoder,
        decoder_activation=decoder,
        learning_rate_init=0.003,
        max_iter=30,
    )
    curve = model.fit(TREES).loss_curve_
    assert curve[-1] < 0.95 * curve[0]


def test_training_lowers_the_error_of_unseen_trees():
    held_out = make_trees(20, seed=1)
    before = untrained().score(held_out)
    assert make(max_iter=60).fit(make_trees(100, seed=2)).score(held_out) > before


# The two objectives


def test_unfolding_all_subtrees_costs_the_sum_over_inner_nodes():
    tree = ((A, B), (C, (A, C)))
    root = make().fit([tree, B])
    every = make(unfold_from="all", random_state=0)
    every.fit([tree, B])
    for name in LEARNED:  # the same parameters, whatever they were trained for
        setattr(every, name, getattr(root, name))
    subtrees = [tree, tree[0], tree[1], tree[1][1]]
    expected = sum(root.score_samples(subtrees))
    assert every.score_samples([tree]) == pytest.approx(expected, rel=1e-12)
    assert every.score_samples([tree]) < root.score_samples([tree])


def test_unfolding_all_subtrees_is_unfolding_the_root_if_no_other_node_is_inner():
    trees = [(A, B), (C,), (A, B, C)]
    every = make(unfold_from="all").fit(trees)
    assert_same_model(every, make().fit(trees))
    assert_array_equal(
        every.score_samples(trees), make().fit(trees).score_samples(trees)
    )


def test_normalised_codes_of_inner_nodes_have_length_1_and_leaves_are_left_alone():
    model = make(RAETransformer, normalize=True).fit(TREES)
    codes, index = model.transform_nodes(TREES)
    inner = index["height"] > 0
    assert_allclose(np.linalg.norm(codes[inner], axis=1), 1, rtol=1e-12)
    vectors = np.vstack([x for tree in TREES for x in leaves(tree)])
    assert_array_equal(codes[~inner], vectors)


def test_codes_that_are_not_normalised_have_lengths_of_their_own():
    codes, index = make(RAETransformer).fit(TREES).transform_nodes(TREES)
    lengths = np.linalg.norm(codes[index["height"] > 0], axis=1)
    assert lengths.min() < 0.9


def test_normalising_keeps_codes_from_shrinking():
    """The targets of the plain objective move, and shrinking them is one way down."""
    settings = {"max_iter": 300, "learning_rate_init": 0.01, "n_components": 3}
    trees = [tree for tree in TREES if not is_leaf(tree)]
    shrunk = make(RAETransformer, **settings).fit(trees).transform(trees)
    kept = make(RAETransformer, normalize=True, **settings).fit(trees)
    assert np.linalg.norm(shrunk, axis=1).mean() < 0.9
    assert_allclose(np.linalg.norm(kept.transform(trees), axis=1), 1, rtol=1e-12)


def test_only_the_unfolding_model_has_unfold_from_and_only_the_plain_normalize():
    with pytest.raises(TypeError, match="normalize"):
        UnfoldingRAETransformer(normalize=True)
    with pytest.raises(TypeError, match="unfold_from"):
        RAETransformer(unfold_from="all")
    unfolding = UnfoldingRAETransformer().get_params().keys()
    assert unfolding ^ RAETransformer().get_params().keys() == {
        "unfold_from",
        "normalize",
    }


@every_estimator
def test_settings_but_the_number_of_components_are_keyword_only(Estimator):
    assert Estimator(4).n_components == 4
    with pytest.raises(TypeError, match="positional"):
        Estimator(4, "tanh")
