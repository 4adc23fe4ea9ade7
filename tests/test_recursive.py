import pickle
import warnings
from unittest.mock import patch

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from oracles import TreeOracle
from sklearn.exceptions import ConvergenceWarning, NotFittedError

import sk_autoenc.objectives
from sk_autoenc import RAETransformer, UnfoldingRAETransformer
from sk_autoenc.base import warn_unless_converged
from sk_autoenc.networks.tree import levels
from sk_autoenc.objectives import TreeObjective
from sk_autoenc.parts.activations import ACTIVATIONS
from sk_autoenc.parts.corruptions import CORRUPTIONS
from sk_autoenc.parts.poolings import POOLINGS
from sk_autoenc.parts.solvers import SOLVERS
from sk_autoenc.training import TrainingResult
from sk_autoenc.trees.forest import Forest

# Most fits here are short on purpose; those about the warning ask for it by name.
pytestmark = pytest.mark.filterwarnings("ignore:Maximum iterations")

ESTIMATORS = (UnfoldingRAETransformer, RAETransformer)
SETTINGS = [
    (UnfoldingRAETransformer, {}),
    (UnfoldingRAETransformer, {"n_components": 2}),
    (UnfoldingRAETransformer, {"n_components": 5, "decoder_activation": "tanh"}),
    (UnfoldingRAETransformer, {"unfold_from": "all"}),
    (UnfoldingRAETransformer, {"unfold_from": "all", "n_components": 2}),
    (UnfoldingRAETransformer, {"encoder_activation": "logistic"}),
    (RAETransformer, {}),
    (RAETransformer, {"n_components": 2, "decoder_activation": "logistic"}),
    (RAETransformer, {"normalize": True}),
    (RAETransformer, {"normalize": True, "n_components": 5}),
]

every_estimator = pytest.mark.parametrize("Estimator", ESTIMATORS)
every_setting = pytest.mark.parametrize(
    ("Estimator", "changes"), SETTINGS, ids=lambda value: getattr(value, "__name__", "")
)
every_solver = pytest.mark.parametrize("solver", [*SOLVERS, "lbfgs"])
every_corruption = pytest.mark.parametrize(
    "corruption", [name for name in CORRUPTIONS if name]
)


def make(Estimator=UnfoldingRAETransformer, **changes):
    # At the default rate of "sgd" deep trees diverge.
    settings = {"learning_rate_init": 1e-3, "max_iter": 3, "tol": 0, "random_state": 0}
    return Estimator(**settings | changes)


def grow(rng, depth, n_features=3, dtype=float):
    if depth == 0 or rng.random() < 0.3:
        return rng.uniform(-1, 1, n_features).astype(dtype)
    n_children = rng.integers(1, 5)
    return tuple(grow(rng, depth - 1, n_features, dtype) for _ in range(n_children))


def make_trees(n_trees, seed=0, n_features=3, dtype=float):
    """Trees of mixed arity, bare leaves among them."""
    rng = np.random.default_rng(seed)
    return [grow(rng, 4, n_features, dtype) for _ in range(n_trees)]


TREES = make_trees(20)
A, B, C = np.random.default_rng(1).uniform(-1, 1, (3, 3))
ROWS = np.random.default_rng(2).uniform(-1, 1, (20, 3))
LEARNED = (
    "encoder_left_",
    "encoder_right_",
    "encoder_intercept_",
    "decoder_left_",
    "decoder_right_",
    "decoder_intercept_",
)
PROJECTIONS = (
    "leaf_encoder_",
    "leaf_encoder_intercept_",
    "leaf_decoder_",
    "leaf_decoder_intercept_",
)


def learned(model):
    names = LEARNED + (PROJECTIONS if hasattr(model, "leaf_encoder_") else ())
    return {name: getattr(model, name).copy() for name in names}


def assert_same_model(left, right):
    """Bitwise."""
    assert learned(left).keys() == learned(right).keys()
    for name, values in learned(left).items():
        assert_array_equal(values, getattr(right, name), err_msg=name)
    assert left.loss_curve_ == right.loss_curve_


def is_leaf(tree):
    return not isinstance(tree, tuple)


def leaves(tree):
    """In preorder."""
    return [tree] if is_leaf(tree) else [x for child in tree for x in leaves(child)]


def structure(tree):
    return 0 if is_leaf(tree) else tuple(structure(child) for child in tree)


def map_leaves(function, tree):
    if is_leaf(tree):
        return function(tree)
    return tuple(map_leaves(function, child) for child in tree)


def as_objects(trees):
    return np.fromiter(trees, dtype=object, count=len(trees))


EQUATION_NAMES = dict(
    zip(
        LEARNED + PROJECTIONS,
        ("WL", "WR", "b", "W'L", "W'R", "b'", "U", "u", "U'", "u'"),
        strict=True,
    )
)


def oracle_of(model):
    """The slow implementation with the parameters of a fitted model."""
    objective = "children"
    if isinstance(model, UnfoldingRAETransformer):
        objective = f"unfold_{model.unfold_from}"
    return TreeOracle(
        {EQUATION_NAMES[name]: values for name, values in learned(model).items()},
        model.encoder_activation,
        model.decoder_activation,
        objective,
        model.alpha,
        getattr(model, "normalize", False),
    )


def loss(oracle, tree):
    return oracle.tree_gradient(tree, tree)[0]


def untrained(Estimator=UnfoldingRAETransformer, trees=TREES, **changes):
    """A model that is fitted, but still where it started."""
    still = {"solver": "sgd", "learning_rate_init": 1e-300, "momentum": 0}
    return make(Estimator, max_iter=1, **still | changes).fit(trees)


def state_of(estimator):
    """Everything the estimator holds, frozen."""
    return pickle.dumps(vars(estimator))


# The equations


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


@every_estimator
def test_score_is_the_mean_of_the_scores_of_samples(Estimator):
    model = make(Estimator).fit(TREES)
    score = model.score(TREES)
    assert isinstance(score, float)
    assert score == pytest.approx(model.score_samples(TREES).mean(), rel=1e-14)
    assert score < 0


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


@every_estimator
def test_alpha_shrinks_the_weights(Estimator):
    def size(alpha):
        model = make(Estimator, alpha=alpha, max_iter=20, learning_rate_init=0.01)
        return np.abs(model.fit(TREES).decoder_left_).sum()

    assert size(1.0) < size(0.0)


@every_estimator
def test_outputs_do_not_depend_on_the_size_of_blocks(Estimator):
    settings = {"pooling": ("mean", "root", "max"), "early_stopping": True}
    model = make(Estimator, **settings).fit(TREES)
    with patch.object(levels, "BLOCK_ENTRIES", 30):
        n_blocks = len(list(levels.blocks(Forest.from_nested(TREES), 3, np.float64)))
        assert n_blocks > 5
        twin = make(Estimator, **settings).fit(TREES)
        codes = twin.transform(TREES)
        decoded = twin.inverse_transform(codes, structures=Forest.from_nested(TREES))
        by_node, index = twin.transform_nodes(TREES)
        scores, errors = twin.score_samples(TREES), twin.reconstruction_error(TREES)
    close = {"rtol": 1e-9, "atol": 1e-12}
    assert_allclose(twin.validation_loss_curve_, model.validation_loss_curve_, **close)
    assert_allclose(codes, model.transform(TREES), **close)
    expected = model.reconstruct(Forest.from_nested(TREES)).leaf_vectors()
    assert_allclose(decoded.leaf_vectors(), expected, **close)
    expected, expected_index = model.transform_nodes(TREES)
    assert_allclose(by_node, expected, **close)
    assert_array_equal(index, expected_index)
    assert_allclose(scores, model.score_samples(TREES), **close)
    assert_allclose(errors, model.reconstruction_error(TREES), **close)


@every_estimator
def test_corrupted_losses_do_not_depend_on_the_size_of_blocks(Estimator):
    changes = {"corruption": "masking", "corruption_level": 0.5, "batch_size": 10}
    halves = {"early_stopping": True, "validation_fraction": 0.5}
    model = make(Estimator, **changes, **halves).fit(TREES)
    with patch.object(levels, "BLOCK_ENTRIES", 30):
        twin = make(Estimator, **changes, **halves).fit(TREES)
    close = {"rtol": 1e-9}
    assert_allclose(twin.validation_loss_curve_, model.validation_loss_curve_, **close)
    assert_allclose(twin.loss_curve_, model.loss_curve_, **close)


# Nodes and poolings


def describe(tree, depth=0):
    """Yield (height, depth, size) of every node, in preorder."""
    below = [] if is_leaf(tree) else [list(describe(c, depth + 1)) for c in tree]
    height = max((1 + child[0][0] for child in below), default=0)
    yield height, depth, 1 + sum(map(len, below))
    for child in below:
        yield from child


@every_estimator
def test_the_index_of_nodes_is_what_plain_recursion_finds(Estimator):
    _, index = make(Estimator).fit(TREES).transform_nodes(TREES)
    expected = [
        (number, position, *facts)
        for number, tree in enumerate(TREES)
        for position, facts in enumerate(describe(tree))
    ]
    assert index.dtype.names == ("tree", "position", "height", "depth", "size")
    assert index.tolist() == expected


def test_the_nodes_of_one_tree_are_found_by_the_index():
    model = make().fit(TREES)
    codes, index = model.transform_nodes(TREES)
    is_root = index["position"] == 0
    assert_array_equal(index["tree"][is_root], range(len(TREES)))
    assert_allclose(codes[is_root], model.transform(TREES), rtol=1e-12)


def inner_codes(model, tree):
    """The codes of inner nodes, or that of a bare leaf."""
    codes = oracle_of(model).codes(tree)
    heights = [height for height, *_ in describe(tree)]
    inner = [code for code, height in zip(codes, heights, strict=True) if height]
    return np.array(inner or codes)


@every_setting
def test_pooling_is_over_the_codes_of_inner_nodes(Estimator, changes):
    model = make(Estimator, pooling=("mean", "max", "root"), **changes).fit(TREES)
    expected = [
        np.hstack([codes.mean(axis=0), codes.max(axis=0), codes[0]])
        for codes in (inner_codes(model, tree) for tree in TREES)
    ]
    assert_allclose(model.transform(TREES), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("pooling", POOLINGS)
def test_a_bare_leaf_is_its_own_code_in_every_pooling(pooling):
    model = make(pooling=pooling).fit([A, (B, C), ((A, B), C)])
    assert_array_equal(model.transform([A, (B, C)])[0], A)


@pytest.mark.parametrize("pooling", POOLINGS)
def test_a_projected_bare_leaf_has_its_projection_in_every_pooling(pooling):
    model = make(pooling=pooling, n_components=2).fit([A, (B, C), ((A, B), C)])
    expected = model.leaf_encoder_ @ A + model.leaf_encoder_intercept_
    assert_allclose(model.transform([A, (B, C)])[0], expected, rtol=1e-12)


@pytest.mark.parametrize("pooling", POOLINGS)
def test_all_poolings_of_a_tree_with_one_inner_node_are_its_code(pooling):
    model = make(pooling=pooling).fit(TREES)
    expected = inner_codes(model, (A, B, C))
    assert_allclose(model.transform([(A, B, C)]), expected, rtol=1e-12)


@pytest.mark.parametrize("pooling", POOLINGS)
def test_a_pooling_and_a_tuple_or_list_of_it_alone_are_the_same(pooling):
    expected = make(pooling=pooling).fit(TREES).transform(TREES)
    for several in ((pooling,), [pooling]):
        assert_array_equal(make(pooling=several).fit(TREES).transform(TREES), expected)


@pytest.mark.parametrize("pooling", POOLINGS)
def test_rows_have_one_inner_node_so_that_poolings_agree(pooling):
    expected = make().fit(ROWS).transform(ROWS)
    pooled = make(pooling=pooling).fit(ROWS).transform(ROWS)
    assert_allclose(pooled, expected, rtol=1e-12)


def test_pooling_does_not_change_what_is_learned():
    assert_same_model(make(pooling=("mean", "max")).fit(TREES), make().fit(TREES))


@pytest.mark.parametrize(
    "pooling", ["median", (), ("root", "median"), ("root", "root"), None, 3, [["root"]]]
)
def test_an_unknown_pooling_is_refused_with_a_list_of_the_known_ones(pooling):
    with pytest.raises(ValueError, match="pooling must be one of") as error:
        make(pooling=pooling).fit(TREES)
    assert all(repr(name) in str(error.value) for name in POOLINGS)
    assert repr(pooling) in str(error.value)


# inverse_transform and reconstruct


@every_setting
def test_unfolding_codes_into_their_trees_is_reconstructing_them(Estimator, changes):
    model = make(Estimator, **changes).fit(TREES)
    forest = Forest.from_nested(TREES)
    decoded = model.inverse_transform(model.transform(forest), structures=forest)
    expected = model.reconstruct(forest)
    assert_allclose(decoded.leaf_vectors(), expected.leaf_vectors(), rtol=1e-12)


def test_a_code_unfolds_into_any_shape():
    model = make().fit(TREES)
    code = model.transform(TREES[:1])
    shape = ((A, B, C), (A,), ((B,), C))
    (decoded,) = model.inverse_transform(code, structures=[shape])
    assert structure(decoded) == structure(shape)
    expected = oracle_of(model).reconstruct(shape, code[0])
    assert_allclose(leaves(decoded), expected, rtol=0, atol=1e-12)


def test_a_code_unfolds_into_a_bare_leaf_as_it_is():
    model = make().fit(TREES)
    codes = model.transform(TREES[:2])
    decoded = model.inverse_transform(codes, structures=[(A, B), C])
    assert_allclose(decoded[1], codes[1], rtol=1e-12)


def test_the_values_of_leaves_in_structures_do_not_matter():
    model = make().fit(TREES)
    codes = model.transform(TREES)
    others = [map_leaves(lambda x: 9 * x + 1, tree) for tree in TREES]
    for left, right in zip(
        model.inverse_transform(codes, structures=TREES),
        model.inverse_transform(codes, structures=others),
        strict=True,
    ):
        assert_array_equal(leaves(left), leaves(right))


@pytest.mark.parametrize(
    ("container", "kind"),
    [
        (list, list),
        (tuple, list),
        (as_objects, list),
        (pd.Series, list),
        (Forest.from_nested, Forest),
    ],
)
def test_a_forest_unfolds_to_a_forest_and_other_trees_to_a_list(container, kind):
    model = make().fit(TREES)
    X = container(TREES)
    for decoded in (
        model.reconstruct(X),
        model.inverse_transform(model.transform(X), structures=X),
        model.inverse_transform(model.transform(X), X),
    ):
        assert isinstance(decoded, kind)
        assert [structure(tree) for tree in decoded] == [structure(t) for t in TREES]


@every_estimator
def test_after_trees_codes_do_not_unfold_without_structures(Estimator):
    model = make(Estimator).fit(TREES)
    with pytest.raises(ValueError, match="the model was fitted on trees") as error:
        model.inverse_transform(model.transform(TREES))
    assert "Pass structures=<trees of the wanted shapes>" in str(error.value)


@every_estimator
def test_after_rows_codes_unfold_to_a_two_dimensional_array(Estimator):
    model = make(Estimator, n_components=2).fit(ROWS)
    decoded = model.inverse_transform(model.transform(ROWS))
    assert isinstance(decoded, np.ndarray)
    assert decoded.shape == ROWS.shape
    assert_allclose(decoded, model.reconstruct(ROWS), rtol=1e-12)
    expected = [
        oracle_of(model).reconstruct((x,), code)[0]
        for x, code in zip(ROWS, model.transform(ROWS), strict=True)
    ]
    assert_allclose(decoded, expected, rtol=0, atol=1e-12)


def test_rows_as_structures_unfold_to_rows():
    model = make().fit(TREES)
    decoded = model.inverse_transform(model.transform(ROWS), structures=ROWS)
    assert isinstance(decoded, np.ndarray)
    assert_allclose(decoded, model.reconstruct(ROWS), rtol=1e-12)


def test_trees_are_unfolded_after_fitting_on_rows_too():
    model = make().fit(ROWS)
    codes = model.transform(TREES)
    decoded = model.inverse_transform(codes, structures=TREES)
    assert [structure(tree) for tree in decoded] == [structure(tree) for tree in TREES]


@pytest.mark.parametrize("kind", [list, Forest.from_nested])
@pytest.mark.parametrize("n_structures", [1, 19])
def test_another_number_of_structures_than_codes_is_refused(n_structures, kind):
    model = make().fit(TREES)
    with pytest.raises(ValueError, match=f"{n_structures} trees for 20 codes"):
        model.inverse_transform(
            model.transform(TREES), structures=kind(TREES[-n_structures:])
        )


@pytest.mark.parametrize("pooling", ["mean", "max", ("max", "mean")])
@pytest.mark.parametrize("structures", [None, TREES])
def test_codes_without_the_root_do_not_unfold(structures, pooling):
    model = make(pooling=pooling).fit(TREES)
    codes = model.transform(TREES)
    with pytest.raises(ValueError, match="unfolds the code of the root") as error:
        model.inverse_transform(codes, structures=structures)
    assert f"pooling={pooling!r} has none" in str(error.value)


@pytest.mark.parametrize(
    "pooling", [("root", "mean"), ("mean", "root"), ("max", "root", "mean")]
)
def test_the_part_of_the_root_in_several_poolings_is_unfolded(pooling):
    model = make(pooling=pooling, n_components=2).fit(TREES)
    forest = Forest.from_nested(TREES)
    codes = model.transform(forest)
    decoded = model.inverse_transform(codes, structures=forest)
    expected = model.reconstruct(forest)
    assert_allclose(decoded.leaf_vectors(), expected.leaf_vectors(), rtol=1e-12)
    codes[:, [i for i in range(codes.shape[1]) if not is_of_root(i, pooling)]] = 99
    again = model.inverse_transform(codes, structures=forest)
    assert_array_equal(again.leaf_vectors(), decoded.leaf_vectors())


def is_of_root(column, pooling):
    return pooling[column // 2] == "root"


@pytest.mark.parametrize("width", [2, 4, 6])
def test_codes_of_another_width_are_refused(width):
    model = make().fit(TREES)
    with pytest.raises(ValueError, match=f"X has {width} features, but") as error:
        model.inverse_transform(np.zeros((20, width)), structures=TREES)
    assert "is expecting 3 features as input" in str(error.value)


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_codes_that_are_not_finite_are_refused(wrong):
    with pytest.raises(ValueError, match=r"NaN|infinity"):
        make().fit(ROWS).inverse_transform(np.full((1, 3), wrong))


def test_unfolding_does_not_change_the_codes():
    model = make(decoder_activation="tanh").fit(TREES)
    codes = model.transform(TREES)
    before = codes.copy()
    model.inverse_transform(codes, structures=TREES)
    assert_array_equal(codes, before)


def test_reconstructing_does_not_change_a_forest():
    forest = Forest.from_nested(TREES)
    before = pickle.dumps(forest)
    model = make(corruption="masking", corruption_level=0.5).fit(forest)
    model.reconstruct(forest)
    model.transform(forest)
    assert pickle.dumps(forest) == before


def test_reconstructed_rows_may_be_written():
    model = make().fit(ROWS)
    model.reconstruct(ROWS)[:] = 0
    model.inverse_transform(model.transform(ROWS))[:] = 0


# Parsing


@every_estimator
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_a_forest_is_never_parsed(Estimator, solver):
    forest = Forest.from_nested(TREES)
    with patch("sk_autoenc.trees.forest.flatten", side_effect=AssertionError):
        model = make(Estimator, solver=solver).fit(forest)
        codes = model.transform(forest)
        model.inverse_transform(codes, structures=forest)
        model.reconstruct(forest)
        model.score(forest)
        model.reconstruction_error(forest)
        model.transform_nodes(forest)
    make(Estimator).fit(TREES)  # the patch is gone


def test_the_leaf_table_of_a_forest_reaches_the_objective_uncopied():
    forest = Forest.from_nested(TREES)
    seen = objectives_of(lambda: make().fit(forest).partial_fit(forest))
    assert [objective.forest.leaf_table is forest.leaf_table for objective in seen] == [
        True,
        True,
    ]


def test_rows_reach_the_objective_uncopied():
    (objective,) = objectives_of(lambda: make().fit(ROWS))
    assert np.shares_memory(objective.forest.leaf_table, ROWS)


def objectives_of(train):
    """The objectives that are made in training."""
    seen = []

    class Recorded(TreeObjective):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            seen.append(self)

    with patch("sk_autoenc.base_tree.TreeObjective", Recorded):
        train()
    return seen


def test_nested_tuples_are_parsed_once_a_fit():
    with patch(
        "sk_autoenc.trees.forest.flatten", wraps=sk_autoenc.trees.forest.flatten
    ) as flatten:
        make(max_iter=7, early_stopping=True).fit(TREES)
    assert flatten.call_count == 1


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


def test_attributes_tell_the_story_of_the_training():
    model = make(max_iter=5).fit(TREES)
    assert model.n_iter_ == len(model.loss_curve_) == 5
    assert model.t_ == 100
    assert model.loss_ == model.loss_curve_[-1]
    assert model.best_loss_ == min(model.loss_curve_)
    assert model.validation_loss_curve_ is None


@pytest.mark.parametrize(("X", "kind"), [(TREES, "trees"), (ROWS, "rows")])
def test_the_kind_of_input_is_told(X, kind):
    assert make().fit(X).input_kind_ == kind


def test_parameters_given_at_construction_are_left_alone():
    pooling = ["mean", "root"]
    model = make(pooling=pooling, n_components=None, learning_rate_init=None)
    before = model.get_params()
    assert model.fit(TREES).get_params() == before
    assert model.pooling is pooling


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


# lbfgs


@every_setting
def test_lbfgs_lowers_the_loss_at_every_iteration(Estimator, changes):
    model = make(Estimator, solver="lbfgs", max_iter=20, **changes).fit(TREES)
    curve = np.array(model.loss_curve_)
    assert len(curve) > 2
    assert (np.diff(curve) <= 0).all()
    # Of the end, not of the last trial step.
    assert model.loss_ == pytest.approx(-model.score(TREES), rel=1e-12)
    assert model.best_loss_ == model.loss_


@every_estimator
def test_lbfgs_ends_where_the_gradient_of_the_equations_is_small(Estimator):
    settings = {"tol": 1e-3, "max_iter": 10_000, "alpha": 0.1}
    model = make(Estimator, solver="lbfgs", **settings).fit(TREES)
    value, gradient = oracle_of(model).value_and_gradient(TREES)
    assert max(np.abs(part).max() for part in gradient.values()) < 3e-3
    assert model.loss_ == pytest.approx(value, rel=1e-12)


def test_lbfgs_beats_a_few_epochs_of_adam():
    few = make(max_iter=20).fit(TREES)
    assert make(solver="lbfgs", max_iter=20).fit(TREES).score(TREES) > few.score(TREES)


@every_estimator
@pytest.mark.parametrize(
    "corruption", [*filter(None, CORRUPTIONS), lambda X, level, rng: X]
)
def test_lbfgs_refuses_corruption(corruption, Estimator):
    model = make(Estimator, solver="lbfgs", corruption=corruption)
    with pytest.raises(ValueError, match="solver='lbfgs' needs the same loss") as error:
        model.fit(TREES)
    assert f"corruption={corruption!r}" in str(error.value)
    assert "Use corruption=None, or solver='adam' or 'sgd'" in str(error.value)
    assert not model.__sklearn_is_fitted__()


@every_estimator
def test_lbfgs_has_no_partial_fit(Estimator):
    model = make(Estimator, solver="lbfgs")
    assert not hasattr(model, "partial_fit")
    with pytest.raises(AttributeError, match="partial_fit") as error:
        model.partial_fit(TREES)
    reason = f"{error.value} {error.value.__cause__}"
    assert "solver='lbfgs' needs all trees at once" in reason
    assert hasattr(model.set_params(solver="adam"), "partial_fit")
    assert hasattr(model.set_params(solver="sgd"), "partial_fit")


@every_estimator
def test_lbfgs_ignores_early_stopping(Estimator):
    model = make(Estimator, solver="lbfgs", early_stopping=True).fit(TREES)
    assert_same_model(model, make(Estimator, solver="lbfgs").fit(TREES))
    assert model.validation_loss_curve_ is None


def test_lbfgs_ignores_the_settings_of_the_other_solvers():
    others = {
        "learning_rate_init": 1e9,
        "momentum": 0.1,
        "beta_1": 0.1,
        "learning_rate": "adaptive",
        "shuffle": False,
        "batch_size": 1,
        "n_iter_no_change": 1,
    }
    model = make(solver="lbfgs", **others).fit(TREES)
    assert_same_model(model, make(solver="lbfgs").fit(TREES))


def test_lbfgs_has_no_use_for_a_batch_size_and_does_not_warn_of_one():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", ConvergenceWarning)
        make(solver="lbfgs", batch_size=1000).fit(TREES)


def test_lbfgs_stops_at_max_iter_with_a_warning():
    with pytest.warns(ConvergenceWarning, match=r"Maximum iterations \(4\) reached"):
        model = make(solver="lbfgs", max_iter=4).fit(TREES)
    assert model.n_iter_ == len(model.loss_curve_) == 4
    assert model.t_ == 80


def test_lbfgs_that_converged_does_not_warn():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = make(solver="lbfgs", max_iter=1000, tol=0.1).fit(TREES)
    assert model.n_iter_ < 1000


def test_a_stuck_run_warns_of_what_to_do():
    stuck = TrainingResult(40, loss_curve=[3.0, 2.0], ran_out=False, stuck=True)
    with pytest.warns(
        ConvergenceWarning, match="line search of lbfgs failed .* raise tol"
    ):
        warn_unless_converged(stuck, 200)


def test_a_start_that_satisfies_lbfgs_is_kept():
    model = make(solver="lbfgs", tol=1e9).fit(TREES)
    assert model.n_iter_ == len(model.loss_curve_) == 1
    assert model.loss_ == pytest.approx(-model.score(TREES), rel=1e-12)
    assert_allclose(model.encoder_left_, np.eye(3) / 2, atol=1e-3)


def test_lbfgs_goes_on_from_a_warm_start():
    model = make(solver="lbfgs", warm_start=True, max_iter=5).fit(TREES)
    first = model.loss_curve_
    model.fit(TREES)
    assert model.loss_curve_[:5] == first
    assert model.n_iter_ == 10
    assert model.loss_ < first[-1]


@pytest.mark.parametrize("solver", SOLVERS)
def test_training_goes_on_by_minibatches_after_lbfgs(solver):
    model = make(solver="lbfgs").fit(TREES)
    model.set_params(solver=solver, learning_rate_init=1e-4).partial_fit(TREES)
    assert model.n_iter_ == 4
    assert np.isfinite(model.score(TREES))


def test_lbfgs_goes_on_from_where_minibatches_ended():
    model = make(warm_start=True, max_iter=20).fit(TREES)
    before = model.score(TREES)
    assert model.set_params(solver="lbfgs").fit(TREES).score(TREES) > before


def test_lbfgs_says_that_it_diverged():
    huge = [map_leaves(lambda x: 1e200 * x, tree) for tree in TREES]
    model = make(solver="lbfgs", encoder_activation="identity")
    with pytest.raises(ValueError, match="Training diverged: in epoch 1 ") as error:
        model.fit(huge)
    assert ". Scale X" in str(error.value)
    assert "learning_rate_init" not in str(error.value)  # it is not used
    assert not model.__sklearn_is_fitted__()


def test_lbfgs_prints_each_iteration(capsys):
    model = make(solver="lbfgs", verbose=1).fit(TREES)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == model.n_iter_ == 3
    for number, (line, value) in enumerate(
        zip(lines, model.loss_curve_, strict=True), start=1
    ):
        assert line.startswith(f"Epoch {number}: loss {value:.6g} (")


# Corruption


@every_estimator
@every_corruption
def test_every_corruption_trains(corruption, Estimator):
    changes = {"corruption": corruption, "corruption_level": 0.3, "max_iter": 30}
    model = make(Estimator, learning_rate_init=0.01, **changes).fit(TREES)
    assert model.loss_curve_[-1] < model.loss_curve_[0]
    plain = make(Estimator, learning_rate_init=0.01, max_iter=30).fit(TREES)
    assert not np.array_equal(model.encoder_left_, plain.encoder_left_)


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


@every_estimator
@every_corruption
def test_nothing_after_fit_is_corrupted(corruption, Estimator):
    model = make(Estimator, corruption=corruption, corruption_level=1.0).fit(TREES)
    oracle = oracle_of(model)
    expected = [oracle.codes(tree)[0] for tree in TREES]
    assert_allclose(model.transform(TREES), expected, rtol=0, atol=1e-12)
    expected = [-loss(oracle, tree) for tree in TREES]
    assert_allclose(model.score_samples(TREES), expected, rtol=1e-12, atol=1e-13)


def test_a_leaf_object_met_twice_is_corrupted_in_each_place_alone():
    seen = []

    def record(X, level, rng):
        seen.append(X.copy())
        return X + rng.normal(size=X.shape)

    make(corruption=record, max_iter=1).fit([(A, A, A)])
    assert_array_equal(seen[0], [A, A, A])


def test_epochs_are_corrupted_anew():
    seen = []

    def record(X, level, rng):
        seen.append(rng.random())
        return X

    make(corruption=record, batch_size=20).fit(TREES)
    assert len(set(seen)) == 3


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


# Randomness


@every_estimator
@every_solver
@pytest.mark.parametrize("early_stopping", [False, True])
def test_two_fits_are_bitwise_equal(Estimator, solver, early_stopping):
    settings = {"solver": solver, "early_stopping": early_stopping, "n_components": 2}
    if solver != "lbfgs":
        settings |= {"corruption": "masking", "corruption_level": 0.3}
    first, second = (make(Estimator, **settings).fit(TREES) for _ in range(2))
    assert_same_model(first, second)
    assert_array_equal(first.transform(TREES), second.transform(TREES))


@every_estimator
@every_solver
def test_another_seed_is_another_model(Estimator, solver):
    first = make(Estimator, solver=solver, init="glorot").fit(TREES)
    second = make(Estimator, solver=solver, init="glorot", random_state=1).fit(TREES)
    assert not np.array_equal(first.encoder_left_, second.encoder_left_)


def test_the_average_start_is_random_too():
    first, second = untrained(), untrained(random_state=1)
    assert not np.array_equal(first.encoder_left_, second.encoder_left_)


@every_estimator
def test_a_refit_starts_afresh(Estimator):
    model = make(Estimator).fit(make_trees(9, seed=5, n_features=4))
    assert_same_model(model.fit(TREES), make(Estimator).fit(TREES))


@every_estimator
@every_solver
@pytest.mark.parametrize("random_state", [0, None])
def test_numpys_global_generator_is_left_alone(Estimator, solver, random_state):
    before = np.random.get_state()
    model = make(Estimator, solver=solver, random_state=random_state).fit(TREES)
    if solver != "lbfgs":
        model.set_params(early_stopping=True).fit(TREES)
        model.set_params(corruption="swap", corruption_level=0.5).partial_fit(TREES)
    model.score(TREES)
    after = np.random.get_state()
    assert before[2:] == after[2:]
    assert_array_equal(before[1], after[1])


def test_a_random_state_instance_is_accepted_and_moves_on():
    random_state = np.random.RandomState(3)
    first, second = (make(random_state=random_state).fit(TREES) for _ in range(2))
    assert not np.array_equal(first.encoder_left_, second.encoder_left_)
    assert_same_model(first, make(random_state=np.random.RandomState(3)).fit(TREES))


@pytest.mark.parametrize("is_shuffled", [True, False])
def test_shuffle_decides_whether_trees_keep_their_order(is_shuffled):
    """Each tree's leaves are its number, so that batches tell which trees they are."""
    trees = [(np.full(2, i + 1.0), np.full(2, i + 1.0)) for i in range(20)]
    seen = []

    def record(X, level, rng):
        seen.extend(X[::2, 0].tolist())
        return X

    make(corruption=record, shuffle=is_shuffled, max_iter=1).fit(trees)
    assert sorted(seen) == list(range(1, 21))
    assert (seen == sorted(seen)) is not is_shuffled


# partial_fit and warm_start


@every_estimator
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("corruption", CORRUPTIONS, ids=str)
def test_the_first_partial_fit_is_the_first_epoch_of_fit(Estimator, solver, corruption):
    settings = {"solver": solver, "corruption": corruption, "corruption_level": 0.3}
    fitted = make(Estimator, max_iter=1, **settings).fit(TREES)
    assert_same_model(fitted, make(Estimator, **settings).partial_fit(TREES))


@every_estimator
def test_the_first_partial_fit_on_a_forest_or_rows_is_the_first_epoch_of_fit(Estimator):
    for X in (Forest.from_nested(TREES), ROWS):
        fitted = make(Estimator, n_components=2, max_iter=1).fit(X)
        assert_same_model(fitted, make(Estimator, n_components=2).partial_fit(X))


def test_partial_fit_goes_on_and_curves_grow():
    model = make(learning_rate_init=0.01)
    for n_calls in range(1, 30):
        model.partial_fit(TREES)
        assert model.n_iter_ == len(model.loss_curve_) == n_calls
        assert model.t_ == 20 * n_calls
    assert model.loss_curve_[-1] < 0.9 * model.loss_curve_[0]


def test_partial_fit_draws_a_new_corruption_each_time():
    seen = []

    def record(X, level, rng):
        seen.append(rng.random())
        return X

    model = make(corruption=record, batch_size=20)
    model.partial_fit(TREES).partial_fit(TREES)
    assert len(set(seen)) == 2


def test_partial_fit_takes_chunks_of_other_trees():
    model = make().partial_fit(TREES).partial_fit(make_trees(3, seed=3))
    model.partial_fit(Forest.from_nested([(A, B)])).partial_fit(ROWS)
    assert model.t_ == 20 + 3 + 1 + 20


def test_partial_fit_goes_on_after_fit():
    model = make().fit(TREES)
    before = model.encoder_left_.copy()
    assert model.partial_fit(TREES).n_iter_ == 4
    assert not np.array_equal(model.encoder_left_, before)


def test_arrays_handed_out_do_not_change_in_later_training():
    model = make().partial_fit(TREES)
    handed_out = model.encoder_left_
    before = handed_out.copy()
    model.partial_fit(TREES)
    assert_array_equal(handed_out, before)


def test_partial_fit_never_speaks_of_convergence():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        make(max_iter=1).partial_fit(TREES)


def fail_in_the_last_batch(X, level, rng):
    """Of TREES in order in batches of 15, if the level says so."""
    if level == 1 and len(X) == sum(len(leaves(tree)) for tree in TREES[15:]):
        raise RuntimeError("on purpose")
    return X.copy()


@every_estimator
@pytest.mark.parametrize("solver", SOLVERS)
def test_a_failing_partial_fit_leaves_the_estimator_as_it_was(Estimator, solver):
    batches = {"batch_size": 15, "shuffle": False, "solver": solver}
    model = make(Estimator, corruption=fail_in_the_last_batch, **batches)
    before = state_of(model.partial_fit(TREES))
    model.set_params(corruption_level=1.0)
    with pytest.raises(RuntimeError, match="on purpose"):
        model.partial_fit(TREES)
    model.set_params(corruption_level=0.0)
    assert state_of(model) == before


@every_estimator
def test_a_wrong_tree_in_partial_fit_leaves_the_estimator_as_it_was(Estimator):
    model = make(Estimator).fit(TREES)
    before = state_of(model)
    for wrong in ([(A, B[:2])], [(A[:2], B[:2])], ROWS[:, :2]):
        with pytest.raises(ValueError, match=r"length|expecting 3"):
            model.partial_fit(wrong)
    assert state_of(model) == before


def test_warm_start_goes_on_where_the_last_fit_ended():
    model = make(warm_start=True).fit(TREES)
    first = model.loss_curve_
    model.fit(TREES)
    assert model.loss_curve_[:3] == first
    assert model.n_iter_ == len(model.loss_curve_) == 6
    assert model.t_ == 120


@every_estimator
@every_solver
def test_warm_start_of_an_unfitted_estimator_is_a_fit(Estimator, solver):
    assert_same_model(
        make(Estimator, solver=solver, warm_start=True).fit(TREES),
        make(Estimator, solver=solver).fit(TREES),
    )


def test_warm_start_learns_further():
    model = make(warm_start=True, max_iter=20, learning_rate_init=0.01).fit(TREES)
    before = model.score(TREES)
    assert model.fit(TREES).score(TREES) > before


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize(("before", "after"), [(2, 5), (None, 2)])
def test_another_number_of_components_is_refused_when_going_on(method, before, after):
    model = make(warm_start=True, n_components=before).fit(TREES)
    model.set_params(n_components=after)
    with pytest.raises(ValueError, match=f"n_components={after}, but the model"):
        getattr(model, method)(TREES)


def test_no_number_of_components_means_that_of_the_model_when_going_on():
    model = make(n_components=2).fit(TREES).set_params(n_components=None)
    assert model.partial_fit(TREES).transform(TREES).shape == (20, 2)


# Precision


@every_setting
@every_solver
def test_precision_is_kept_end_to_end(Estimator, changes, solver, dtype):
    trees = make_trees(20, dtype=dtype)
    model = make(Estimator, solver=solver, learning_rate_init=1e-3, **changes)
    model.fit(trees)
    assert {values.dtype for values in learned(model).values()} == {np.dtype(dtype)}
    codes = model.transform(trees)
    decoded = model.inverse_transform(codes, structures=trees)
    assert codes.dtype == dtype
    assert {x.dtype for tree in decoded for x in leaves(tree)} == {np.dtype(dtype)}
    assert model.reconstruct(Forest.from_nested(trees)).dtype == dtype
    assert model.transform_nodes(trees)[0].dtype == dtype
    assert model.reconstruction_error(trees).dtype == dtype
    assert isinstance(model.loss_, float)


@every_corruption
@pytest.mark.parametrize("pooling", POOLINGS)
def test_precision_is_kept_by_corruptions_and_poolings(corruption, pooling, dtype):
    trees = make_trees(20, dtype=dtype)
    changes = {"corruption": corruption, "corruption_level": 0.3, "pooling": pooling}
    model = make(**changes, early_stopping=True).fit(trees)
    assert model.encoder_left_.dtype == dtype
    assert model.transform(trees).dtype == dtype


@every_setting
def test_single_precision_gives_about_the_codes_of_double(Estimator, changes):
    single = make(Estimator, **changes).fit(make_trees(20, dtype=np.float32))
    double = make(Estimator, **changes).fit(TREES)
    start = {"rtol": 1e-3, "atol": 1e-3}
    assert_allclose(single.transform(TREES), double.transform(TREES), **start)


def test_one_leaf_of_double_precision_makes_the_model_double():
    trees = [*make_trees(20, dtype=np.float32), (A, B)]
    assert make().fit(trees).encoder_left_.dtype == np.float64


@pytest.mark.parametrize("kind", [list, Forest.from_nested])
def test_a_model_takes_trees_of_the_other_precision(kind):
    low, high = kind(make_trees(20, dtype=np.float32)), kind(TREES)
    for model in (make().fit(low), make().fit(high)):
        assert model.transform(high).dtype == np.float64
        assert_allclose(model.transform(low), model.transform(high), atol=1e-6)
    assert make().fit(low).transform(low).dtype == np.float32
    assert make().fit(high).transform(low).dtype == np.float64


def test_single_codes_unfold_into_double_structures_and_the_reverse():
    model = make().fit(make_trees(20, dtype=np.float32))
    codes = model.transform(TREES)
    wide = model.inverse_transform(codes, structures=make_trees(20, dtype=np.float32))
    narrow = model.inverse_transform(codes.astype(np.float32), structures=TREES)
    for left, right in zip(wide, narrow, strict=True):
        assert_allclose(leaves(left), leaves(right), atol=1e-5)


@pytest.mark.parametrize(("first", "then"), [(float, np.float32), (np.float32, float)])
def test_partial_fit_keeps_the_precision_of_the_model(first, then):
    model = make().partial_fit(make_trees(20, dtype=first))
    model.partial_fit(Forest.from_nested(make_trees(20, dtype=then)))
    assert {values.dtype for values in learned(model).values()} == {np.dtype(first)}


def test_joined_forests_of_both_precisions_are_trained_in_double():
    forests = [Forest.from_nested(make_trees(9, dtype=d)) for d in (np.float32, float)]
    model = make().fit(Forest.concatenate(forests))
    assert model.encoder_left_.dtype == np.float64


def test_leaves_of_integers_and_lists_are_trained_in_double():
    model = make().fit([([1, 0], [0, 1]), (np.array([1, 1]), [0.5, 0])])
    assert model.encoder_left_.dtype == np.float64


# Stopping, divergence, interrupts


@every_estimator
def test_a_convergence_warning_shows_the_line_that_called_fit(Estimator):
    with pytest.warns(ConvergenceWarning, match=r"Maximum iterations \(3\)") as caught:
        make(Estimator).fit(TREES)
    assert caught[0].filename == __file__


def test_a_converged_fit_does_not_warn():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = make(max_iter=50, tol=100.0, n_iter_no_change=4).fit(TREES)
    assert model.n_iter_ == 6


def test_early_stopping_keeps_the_curve_and_the_best_loss():
    model = make(early_stopping=True, max_iter=10).fit(TREES)
    assert len(model.validation_loss_curve_) == len(model.loss_curve_) == 10
    assert model.best_loss_ == min(model.validation_loss_curve_)
    assert model.t_ == 180


@every_estimator
def test_early_stopping_restores_the_best_parameters(Estimator):
    settings = {"early_stopping": True, "learning_rate_init": 0.2, "batch_size": 3}
    long = make(Estimator, max_iter=30, **settings).fit(TREES)
    best_epoch = int(np.argmin(long.validation_loss_curve_)) + 1
    assert best_epoch < 30  # or there is nothing to restore
    stopped_there = make(Estimator, max_iter=best_epoch, **settings).fit(TREES)
    for name, values in learned(long).items():
        assert_array_equal(values, getattr(stopped_there, name))


@every_estimator
@pytest.mark.parametrize("corruption", CORRUPTIONS, ids=str)
def test_early_stopping_measures_under_one_fixed_corruption(Estimator, corruption):
    still = {"solver": "sgd", "momentum": 0, "learning_rate_init": 1e-300}
    corrupted = {"corruption": corruption, "corruption_level": 0.5}
    model = make(Estimator, early_stopping=True, **still, **corrupted).fit(TREES)
    assert len(model.validation_loss_curve_) == 3
    assert len(set(model.validation_loss_curve_)) == 1


def test_held_out_trees_are_not_trained_on_and_their_loss_is_the_curve():
    """Each tree's leaves are its number, so that batches tell which trees they are."""
    trees = [(np.full(2, i / 20), np.full(2, i / 20)) for i in range(20)]
    seen = []

    def record(X, level, rng):
        seen.append({round(20 * x) for x in X[:, 0]})
        return X

    settings = {"early_stopping": True, "validation_fraction": 0.2, "max_iter": 1}
    model = make(corruption=record, batch_size=16, alpha=0.1, **settings).fit(trees)
    trained, held_out = seen
    assert len(held_out) == 4
    assert trained | held_out == set(range(20))
    oracle = oracle_of(model)
    expected = np.mean([loss(oracle, trees[i]) for i in held_out])
    assert model.validation_loss_curve_ == [pytest.approx(expected, rel=1e-12)]


def test_early_stopping_stops():
    settings = {"early_stopping": True, "tol": 100.0, "n_iter_no_change": 3}
    assert make(max_iter=99, **settings).fit(TREES).n_iter_ == 5


@every_estimator
def test_early_stopping_needs_trees_to_train_on(Estimator):
    with pytest.raises(ValueError, match="leaves none to train on"):
        make(Estimator, early_stopping=True).fit([(A, B)])


@every_estimator
@pytest.mark.parametrize("already_fitted", [False, True])
def test_a_diverging_fit_says_where_and_what_to_do_and_leaves_nothing(
    already_fitted, Estimator
):
    model = make(Estimator, solver="sgd", learning_rate_init=1e-3)
    if already_fitted:
        model.fit(TREES)
    model.set_params(learning_rate_init=1e6, encoder_activation="identity", max_iter=99)
    with pytest.raises(ValueError, match=r"in epoch \d+") as error:
        model.fit(TREES)
    assert "learning_rate_init" in str(error.value)
    assert "scale X" in str(error.value)
    assert not [name for name in vars(model) if name.endswith("_")]
    with pytest.raises(NotFittedError):
        model.transform(TREES)


def test_divergence_is_an_error_in_single_precision_too():
    model = make(solver="sgd", encoder_activation="relu", learning_rate_init=1e20)
    with pytest.raises(ValueError, match=r"in epoch \d+"):
        model.fit(make_trees(20, dtype=np.float32))


def test_a_wrong_tree_leaves_a_refitted_estimator_unfitted():
    model = make().fit(TREES)
    with pytest.raises(ValueError, match="leaf has length"):
        model.fit([(A, B[:2])])
    with pytest.raises(NotFittedError):
        model.transform(TREES)


def test_an_interrupt_keeps_the_completed_epochs():
    n_calls = 0

    def interrupt(X, level, rng):
        nonlocal n_calls
        n_calls += 1
        if n_calls == 6:  # the last of three batches in the second epoch
            raise KeyboardInterrupt
        return X

    model = make(corruption=interrupt, batch_size=8, max_iter=50)
    with pytest.warns(UserWarning, match="interrupted"):
        model.fit(TREES)
    assert model.n_iter_ == 1
    assert np.isfinite(model.transform(TREES)).all()


def test_verbose_prints_each_epoch(capsys):
    model = make(verbose=1).fit(TREES)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(" (")[0] for line in lines] == [
        f"Epoch {i}: loss {value:.6g}" for i, value in enumerate(model.loss_curve_, 1)
    ]


def test_training_is_silent_by_default(capsys):
    make().fit(TREES)
    make(solver="lbfgs").fit(TREES)
    captured = capsys.readouterr()
    assert captured.out == captured.err == ""


# Small and odd data


@every_setting
@every_solver
def test_one_tree_is_enough(Estimator, changes, solver):
    tree = ((A, B), (C,))
    settings = {"solver": solver, "batch_size": "auto", "learning_rate_init": 1e-3}
    model = make(Estimator, **settings | changes).fit([tree])
    assert model.transform([tree]).shape == (1, changes.get("n_components", 3))
    assert structure(model.reconstruct([tree])[0]) == structure(tree)


BARE = as_objects([A, B, C])


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


@every_setting
def test_one_feature_and_one_component_work(Estimator, changes):
    trees = make_trees(20, n_features=1)
    model = make(Estimator, **changes | {"n_components": None}).fit(trees)
    assert model.transform(trees).shape == (20, 1)


@every_estimator
@every_corruption
def test_equal_trees_of_equal_leaves_work(Estimator, corruption):
    model = make(Estimator, corruption=corruption, corruption_level=0.3)
    assert np.isfinite(model.fit([(A, (A, A))] * 20).score([(A, A)]))


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


@every_estimator
def test_read_only_leaves_work(Estimator):
    rows = ROWS.copy()
    rows.flags.writeable = False
    trees = [(rows[0], (rows[1], rows[2])), (rows[3], rows[4])]
    for X in (trees, rows):
        model = make(Estimator, corruption="masking", corruption_level=0.5)
        assert np.isfinite(model.set_params(batch_size=2).fit(X).score(X))


# Refusals


METHODS = (
    "fit",
    "partial_fit",
    "transform",
    "reconstruct",
    "score",
    "score_samples",
    "reconstruction_error",
    "transform_nodes",
)
WRONG = {
    r"tree 1, at \[0\]\[2\]: leaf has length 2, expected 3": [(A, B), ((A, B, C[:2]),)],
    r"tree 0, at \[1\]: an empty tuple": [(A, ())],
    r"tree 2, at \[0\]: leaf contains NaN": [(A, B), B, (A * np.nan, B)],
    r"tree 1, at \[1\]\[0\]: leaf contains infinity": [A, (B, (A * np.inf, C))],
    r"tree 0, at \[1\]: leaf is of type str": [(A, "word")],
    r"tree 0, at \[0\]: leaf is of type NoneType": [(None, A)],
    r"tree 0, at \[1\]: leaf is a scalar of type float": [(A, 1.5)],
    r"tree 0, at \[1\]: nodes are tuples": [(A, [B, C])],
    r"tree 1, at the root: leaf is of type NoneType": [(A, B), None],
}


@every_estimator
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("message", "X"), WRONG.items())
def test_a_wrong_tree_is_refused_with_its_place(message, X, method, Estimator):
    model = make(Estimator).fit(TREES)
    with pytest.raises(ValueError, match=message):
        getattr(model, method)(X)


@pytest.mark.parametrize(("message", "X"), WRONG.items())
def test_a_wrong_structure_is_refused_with_its_place(message, X):
    model = make().fit(TREES)
    with pytest.raises(ValueError, match=message):
        model.inverse_transform(np.zeros((len(X), 3)), structures=X)


@every_estimator
@pytest.mark.parametrize("method", [name for name in METHODS if name != "fit"])
@pytest.mark.parametrize("n_features", [2, 4])
def test_leaves_of_another_length_are_refused_in_scikit_learns_words(
    n_features, method, Estimator
):
    model = make(Estimator).fit(TREES)
    message = (
        rf"^X has {n_features} features, but {Estimator.__name__} is expecting 3 "
        "features as input"
    )
    other = make_trees(5, n_features=n_features)
    for X in (other, as_objects(other), Forest.from_nested(other)):
        with pytest.raises(ValueError, match=message):
            getattr(model, method)(X)
    with pytest.raises(ValueError, match=message):
        getattr(model, method)(np.zeros((5, n_features)))


def test_three_features_where_two_are_expected_are_refused_in_those_very_words():
    model = make().fit(make_trees(20, n_features=2))
    with pytest.raises(ValueError, match="X has 3 features") as error:
        model.transform(TREES)
    assert str(error.value).startswith(
        "X has 3 features, but UnfoldingRAETransformer is expecting 2 features as input"
    )


@pytest.mark.parametrize("method", METHODS)
def test_an_empty_forest_is_refused(method):
    model = make().fit(TREES)
    empty = Forest.from_nested(TREES)[:0]
    with pytest.raises(ValueError, match="0 trees, while at least 1 is required"):
        getattr(model, method)(empty)


@pytest.mark.parametrize(
    "empty",
    [[], (), np.empty((0, 3)), as_objects([]), pd.Series([], dtype=object)],
    ids=["list", "tuple", "rows", "object array", "Series"],
)
@pytest.mark.parametrize("method", METHODS)
def test_an_empty_x_is_refused(method, empty):
    model = make().fit(TREES)
    with pytest.raises(ValueError):  # noqa: PT011 (scikit-learn words some of them)
        getattr(model, method)(empty)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("X", [None, "words", 3.0, {"a": 1}, iter(TREES)])
def test_what_is_no_data_is_refused(method, X):
    model = make().fit(TREES)
    with pytest.raises((TypeError, ValueError)):
        getattr(model, method)(X)


@pytest.mark.parametrize("method", METHODS)
def test_a_tree_doubled_sixty_times_is_refused(method):
    model = make().fit(TREES)
    tree = (A, B)
    for _ in range(60):
        tree = (tree, tree)
    with pytest.raises(ValueError, match=f"unfolds to {3 * 2**60 + 2**60 - 1} nodes"):
        getattr(model, method)([tree])


@every_estimator
@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("n_components", 0),
        ("n_components", 2.5),
        ("encoder_activation", "sigmoid"),
        ("decoder_activation", None),
        ("init", "zeros"),
        ("solver", "newton"),
        ("corruption", "dropout"),
        ("corruption_level", -0.1),
        ("alpha", -1.0),
        ("batch_size", 0),
        ("max_iter", 0),
        ("momentum", 1.5),
        ("validation_fraction", 1.0),
        ("learning_rate", "fast"),
        ("warm_start", "yes"),
    ],
)
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_a_parameter_out_of_range_is_refused_by_its_name(
    method, parameter, value, Estimator
):
    if parameter == "solver" and method == "partial_fit":
        method = "fit"
    with pytest.raises(ValueError, match=f"'{parameter}' parameter of"):
        getattr(make(Estimator, **{parameter: value}), method)(TREES)


@pytest.mark.parametrize(
    ("Estimator", "parameter", "value", "known"),
    [
        (UnfoldingRAETransformer, "unfold_from", "leaves", ("root", "all")),
        (UnfoldingRAETransformer, "solver", "newton", ("adam", "sgd", "lbfgs")),
        (UnfoldingRAETransformer, "init", "zeros", ("average", "glorot")),
        (UnfoldingRAETransformer, "encoder_activation", "sigmoid", tuple(ACTIVATIONS)),
        (RAETransformer, "solver", "newton", ("adam", "sgd", "lbfgs")),
    ],
)
def test_an_unknown_name_is_refused_with_a_list_of_the_known_ones(
    Estimator, parameter, value, known
):
    with pytest.raises(ValueError, match=f"'{parameter}' parameter") as error:
        make(Estimator, **{parameter: value}).fit(TREES)
    assert all(repr(name) in str(error.value) for name in known)


def test_normalize_is_a_boolean():
    with pytest.raises(ValueError, match="'normalize' parameter of RAETransformer"):
        make(RAETransformer, normalize="l2").fit(TREES)


@pytest.mark.parametrize(
    "trees", [[[[1.0, 2.0], [3.0, 4.0]]], [[[1.0, 2.0], [[3.0, 4.0], [1.0, 1.0]]]], []]
)
def test_trees_written_as_lists_are_refused_with_a_hint_at_tuples(trees):
    with pytest.raises(ValueError, match=r"write \(a, b\), not \[a, b\]"):
        make().fit(trees)


@pytest.mark.parametrize(
    ("X", "hint"),
    [
        (np.array([(A, B), (B, C)], dtype=object), "pass the list of trees itself"),
        (np.array([((A, B), C)] * 2, dtype=object), "pass the list of trees itself"),
        (np.array([(A, B), (B, C)]), "pass the list of trees itself"),
        (
            pd.DataFrame({"tree": [(A, B), ((A, B), C)]}),
            r"pass the column .* X\['tree'\]",
        ),
    ],
    ids=["objects", "ragged", "numbers", "data frame"],
)
def test_trees_in_another_container_are_refused_with_a_hint(X, hint):
    with pytest.raises(ValueError, match=f"If X holds trees: .*{hint}"):
        make().fit(X)


@pytest.mark.parametrize(
    "X", [(tree for tree in TREES), dict(enumerate(TREES))], ids=["generator", "dict"]
)
def test_trees_that_can_be_gone_through_but_not_indexed_are_refused_with_a_hint(X):
    with pytest.raises(TypeError, match="If X holds trees: pass a list of them"):
        make().fit(X)


@pytest.mark.parametrize("X", [np.array([[1.0, np.nan]]), np.eye(3)[:0]])
def test_an_array_of_numbers_is_refused_without_a_word_of_trees(X):
    with pytest.raises(ValueError, match=r"NaN|0 sample") as error:
        make().fit(X)
    assert "trees" not in str(error.value)


def test_structures_of_another_leaf_length_are_called_structures():
    model = make().fit(TREES)
    leaf = np.zeros(model.n_features_in_ + 1)
    with pytest.raises(ValueError, match=r"structures has \d+ features"):
        model.inverse_transform(model.transform(TREES)[:1], structures=[(leaf, leaf)])
