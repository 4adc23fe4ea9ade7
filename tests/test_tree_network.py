import copy
import pickle
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from oracles import normalised
from strategies import chain, tree_lists
from tree_cases import (
    LOSS_NAMES,
    N_FEATURES,
    PAIRS,
    TREES,
    X,
    Y,
    Z,
    assert_close,
    assert_same_gradient,
    corrupt,
    make_model,
    named,
)

from sk_autoenc.feeds import Batch
from sk_autoenc.networks.tree import blends, levels
from sk_autoenc.networks.tree.encoder import normalise
from sk_autoenc.networks.tree.parameters import Parameters
from sk_autoenc.parts.compositions import COMPOSITIONS
from sk_autoenc.trees.forest import Forest
from sk_autoenc.trees.nodes import Nodes

every_loss = pytest.mark.parametrize("loss", LOSS_NAMES)
every_composition = pytest.mark.parametrize("composition", COMPOSITIONS)
both_child_weights = pytest.mark.parametrize("child_weights", ["equal", "leaves"])

# The oracle


@every_composition
@both_child_weights
@pytest.mark.parametrize("normalize", [False, True])
@pytest.mark.parametrize("n_components", [2, N_FEATURES])
@every_loss
def test_oracle_gradient_equals_central_differences(
    loss, n_components, normalize, child_weights, composition
):
    options = {"normalize": normalize, "child_weights": child_weights}
    options |= {"composition": composition}
    model = make_model(loss, ("tanh", "logistic"), n_components, **options)
    trees = [((X, Y, Z), (Y,), X), Z]
    corrupted = corrupt(tuple(trees), np.random.default_rng(0))
    oracle = model.oracle(alpha=0.2)
    _, gradient = oracle.value_and_gradient(trees, corrupted)
    for name, part in oracle.parameters.items():
        differences = np.empty_like(part)
        for index in np.ndindex(part.shape):
            here, step = part[index], 1e-5
            part[index] = here + step
            above, _ = oracle.value_and_gradient(trees, corrupted)
            part[index] = here - step
            below, _ = oracle.value_and_gradient(trees, corrupted)
            part[index] = here
            differences[index] = (above - below) / (2 * step)
        scale = np.abs(differences).max()
        assert_allclose(gradient[name], differences, rtol=0, atol=1e-6 * scale)


# Batched passes equal the oracle


@every_composition
@every_loss
@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
@settings(max_examples=8, deadline=None, derandomize=True)
@given(
    trees=tree_lists(N_FEATURES, max_trees=4, max_leaves=20),
    n_components=st.sampled_from([2, N_FEATURES, 5]),
    normalize=st.booleans(),
    child_weights=st.sampled_from(["equal", "leaves"]),
    corrupted=st.booleans(),
    sizes=st.sampled_from([(1, 0), (50, 4), (10**6, 0), (10**6, 10**6)]),
    seed=st.integers(0, 99),
)
def test_total_and_gradient_equal_the_oracle(
    pair,
    loss,
    composition,
    trees,
    n_components,
    normalize,
    child_weights,
    corrupted,
    sizes,
    seed,
):
    options = {"normalize": normalize, "child_weights": child_weights}
    options |= {"composition": composition}
    model = make_model(loss, pair, n_components, seed, **options)
    changed = corrupt(tuple(trees), np.random.default_rng(seed)) if corrupted else None
    inputs = Forest.from_nested(changed).leaf_vectors() if corrupted else None
    with (
        patch.object(levels, "BLOCK_CODE_ENTRIES", sizes[0]),
        patch.object(blends, "DENSE_BLEND_SIZE", sizes[1]),
    ):
        total, gradient = model.gradient(trees, inputs)
        losses = model.losses(trees, inputs)
    mean, mean_gradient = model.oracle().value_and_gradient(trees, changed)
    expected = {name: len(trees) * part for name, part in mean_gradient.items()}
    assert_close(total, len(trees) * mean)
    assert_close(losses.sum(), len(trees) * mean)
    assert_same_gradient(gradient, expected)


@settings(max_examples=50, deadline=None, derandomize=True)
@given(
    trees=tree_lists(N_FEATURES),
    pair=st.sampled_from(PAIRS),
    n_components=st.sampled_from([2, N_FEATURES]),
    normalize=st.booleans(),
    child_weights=st.sampled_from(["equal", "leaves"]),
    composition=st.sampled_from(list(COMPOSITIONS)),
    block=st.sampled_from([1, 50, 10**6]),
)
def test_codes_and_reconstruction_equal_the_oracle(
    trees, pair, n_components, normalize, child_weights, composition, block
):
    options = {"normalize": normalize, "child_weights": child_weights}
    options |= {"composition": composition}
    model = make_model("unfold_root", pair, n_components, **options)
    oracle = model.oracle()
    codes = [oracle.codes(tree) for tree in trees]
    roots = np.array([of_tree[0] for of_tree in codes])
    pairs = zip(trees, roots, strict=True)
    leaves = [leaf for tree, root in pairs for leaf in oracle.reconstruct(tree, root)]
    errors = np.array(leaves) - Forest.from_nested(trees).leaf_vectors()
    with patch.object(levels, "BLOCK_CODE_ENTRIES", block):
        assert_close(model.node_codes(trees), np.concatenate(codes))
        assert_close(model.root_codes(trees), roots)
        assert_close(model.reconstruct(trees, roots), np.array(leaves))
        assert_close(model.squared_errors(trees), (errors**2).sum(axis=1))


@pytest.mark.parametrize("block", [1, 12, 10**6])
def test_codes_of_chosen_nodes_come_in_the_order_of_the_choice(block, rng):
    model = make_model()
    codes = model.node_codes(TREES)
    nodes = rng.permutation(len(codes))[: len(codes) // 2]
    with patch.object(levels, "BLOCK_CODE_ENTRIES", block):
        chosen = model.node_codes(TREES, nodes)
        nothing = model.node_codes(TREES, nodes[:0])
    assert_close(chosen, codes[nodes])
    assert nothing.shape == (0, N_FEATURES)


@pytest.mark.parametrize("n_components", [2, N_FEATURES])
@every_loss
def test_loss_of_each_tree_equals_the_oracle(loss, n_components):
    model = make_model(loss, n_components=n_components)
    oracle = model.oracle()
    expected = [oracle.tree_gradient(tree, tree)[0] for tree in TREES]
    assert_close(model.losses(TREES), np.array(expected))


@both_child_weights
@pytest.mark.parametrize("normalize", [False, True])
@every_loss
@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
def test_halving_the_step_quarters_the_error_of_the_linear_model(
    pair, loss, normalize, child_weights
):
    options = {"normalize": normalize, "child_weights": child_weights}
    model = make_model(loss, pair, 2, seed=3, **options)
    flat = model.parameters.flat
    here, direction = flat.copy(), np.random.default_rng(0).normal(size=flat.shape)
    total, gradient = model.gradient(TREES)
    slope, errors = float(gradient.flat @ direction), []
    for step in (1e-4, 5e-5):
        flat[:] = here + step * direction
        stepped, _ = model.gradient(TREES)
        errors.append(abs(stepped - total - step * slope))
    assert errors[0] / errors[1] == pytest.approx(4, rel=0.02)


# Sums over trees


@every_loss
def test_total_and_gradient_are_the_sums_of_those_of_chunks(loss):
    model = make_model(loss, n_components=2)
    forest = Forest.from_nested(TREES * 5)
    inputs = 0.9 * forest.leaf_vectors()
    leaf_start = np.append(0, forest.n_leaves.cumsum())
    whole, gradient = model.network.gradient(model.parameters, Batch(inputs, forest))
    expected, total = gradient.flat.copy(), 0.0
    summed = np.zeros_like(expected)
    for first, last in ((0, 3), (3, 4), (4, 17), (17, 20)):
        part = Batch(inputs[leaf_start[first] : leaf_start[last]], forest[first:last])
        value, gradient = model.network.gradient(model.parameters, part)
        total += value
        summed += gradient.flat
    assert_close(total, whole)
    assert_close(summed, expected)


@every_loss
def test_scale_multiplies_the_gradient_and_not_the_total(loss):
    model = make_model(loss, n_components=2)
    total, gradient = model.gradient(TREES)
    expected = 0.3 * gradient.flat
    same_total, gradient = model.gradient(TREES, scale=0.3)
    assert same_total == total
    assert_close(gradient.flat, expected)


# Copies


COPIES = {
    "pickle": lambda model: pickle.loads(pickle.dumps(model)),
    "deepcopy": copy.deepcopy,
    "copy": lambda model: model._replace(network=copy.copy(model.network)),
}


@every_loss
@pytest.mark.parametrize("duplicate", COPIES.values(), ids=COPIES)
def test_a_copy_gives_the_same_values_and_a_gradient_of_its_own(duplicate, loss):
    model = make_model(loss, n_components=2)
    total, gradient = model.gradient(TREES)
    expected = gradient.flat.copy()
    copied = duplicate(model)
    copied_total, copied_gradient = copied.gradient(TREES[::-1])
    copied_total, copied_gradient = copied.gradient(TREES)
    assert copied_total == total
    assert type(copied_gradient) is Parameters
    assert_array_equal(copied_gradient.flat, expected)
    assert_array_equal(gradient.flat, expected)
    for name, part in named(copied_gradient).items():
        assert np.shares_memory(part, copied_gradient.flat), name
        assert part.any(), name
    assert_array_equal(copied.losses(TREES), model.losses(TREES))
    assert_array_equal(copied.node_codes(TREES), model.node_codes(TREES))


def test_a_pickle_takes_no_buffers_along():
    network = make_model().network
    before = len(pickle.dumps(network))
    make_model()._replace(network=network).gradient([chain(1000, X)])
    assert len(pickle.dumps(network)) == before


# Independence of what a batch is made of, and of what was in the buffers


@every_loss
def test_buffers_carry_nothing_from_one_batch_to_the_next(loss):
    model = make_model(loss, n_components=2)
    total, gradient = model.gradient(TREES)
    first = gradient.flat.copy()
    model.gradient([(Z, chain(30, X)), Y])
    again, gradient = model.gradient(TREES)
    assert again == total
    assert_array_equal(gradient.flat, first)


def test_the_batch_does_not_change_a_tree_code():
    model = make_model(n_components=2)
    alone = np.concatenate([model.root_codes([tree]) for tree in TREES])
    assert_close(model.root_codes(TREES), alone)
    assert_close(model.root_codes(TREES[::-1]), alone[::-1])


def test_what_a_root_has_as_parent_does_not_matter():
    forest, model = Forest.from_nested(TREES), make_model("children")
    fields = {name: getattr(forest, name) for name in Nodes._fields}
    nodes = Nodes(**fields | {"parent": forest.parent.copy()})
    nodes.parent[forest.tree_start[:-1]] = 10**6
    total, _ = model.network.gradient(model.parameters, Batch(None, nodes))
    expected, _ = model.gradient(TREES)
    assert total == expected


@every_loss
def test_float32_stays_float32_and_agrees_with_float64(loss):
    total, gradient = make_model(loss).gradient(TREES)
    single = make_model(loss, dtype=np.float32)
    single_total, single_gradient = single.gradient(TREES)
    assert single.root_codes(TREES).dtype == np.float32
    assert single_gradient.flat.dtype == np.float32
    assert single_total == pytest.approx(total, rel=1e-5)
    assert_allclose(single_gradient.flat, gradient.flat, rtol=1e-4, atol=1e-4)


# Children by their share of leaves


def test_children_of_as_many_leaves_weigh_the_same_either_way():
    trees = [((X, Y, Z), (Y, X, Z)), (Z,), (((X,), (Y,)), ((Z,), Y))]
    equal, leaves = (make_model(child_weights=name) for name in ("equal", "leaves"))
    assert_close(leaves.node_codes(trees), equal.node_codes(trees))
    _, expected = equal.gradient(trees)
    _, gradient = leaves.gradient(trees)
    assert_close(gradient.flat, expected.flat)


def test_a_child_of_three_leaves_in_four_enters_one_and_a_half_times():
    model = make_model(child_weights="leaves")
    p = model.parameters
    below = model.root_codes([(X, Y, Z)])[0]
    a = p.encoder_left @ (1.5 * below) + p.encoder_right @ (0.5 * X)
    code = model.root_codes([((X, Y, Z), X)])[0]
    assert_close(code, np.tanh(a + p.encoder_intercept))


@pytest.mark.parametrize("child_weights", ["equal", "leaves"])
def test_the_decoder_does_not_weigh_children(child_weights):
    trees = [((X, Y, Z), X), (Y,)]
    model = make_model(child_weights=child_weights)
    codes = np.array([X, Y])
    assert_close(
        model.reconstruct(trees, codes), make_model().reconstruct(trees, codes)
    )


# Traps of theory.md, section 3


def test_an_only_child_gets_the_plain_mean_of_left_and_right():
    model = make_model()
    p = model.parameters
    mean = (p.encoder_left + p.encoder_right) / 2
    expected = np.tanh(mean @ X + p.encoder_intercept)
    assert_close(model.root_codes([(X,)])[0], expected)


def test_the_middle_of_three_children_gets_the_plain_mean_of_left_and_right():
    model = make_model()
    p = model.parameters
    mean = (p.encoder_left + p.encoder_right) / 2
    a = p.encoder_left @ X + mean @ Y + p.encoder_right @ Z + p.encoder_intercept
    assert_close(model.root_codes([(X, Y, Z)])[0], np.tanh(a))


def test_the_root_has_one_slope_and_the_leaf_one_decoder_delta():
    # One inner node and one leaf, so each intercept's gradient is one delta.
    model = make_model(pair=("tanh", "logistic"))
    p = model.parameters
    code = model.root_codes([(X,)])[0]
    decoder = (p.decoder_left + p.decoder_right) / 2
    output = 1 / (1 + np.exp(-decoder @ code - p.decoder_intercept))
    _, gradient = model.gradient([(X,)])
    delta_leaf = (output - X) * output * (1 - output)  # Eq. (25)
    delta_root = decoder.T @ delta_leaf * (1 - code**2)  # Eq. (27)
    assert_close(gradient.decoder_intercept, delta_leaf)
    assert_close(gradient.encoder_intercept, delta_root)


@every_loss
def test_a_batch_of_bare_leaves_costs_nothing_and_teaches_nothing(loss):
    model, trees = make_model(loss), [X, Y, Z]
    total, gradient = model.gradient(trees)
    assert total == 0
    assert not gradient.flat.any()
    assert_array_equal(model.root_codes(trees), trees)
    assert_array_equal(model.reconstruct(trees, np.array([Z, Y, X])), [Z, Y, X])
    assert_array_equal(model.losses(trees), [0, 0, 0])


def test_a_corrupted_bare_leaf_costs_but_teaches_nothing():
    total, gradient = make_model().gradient([X], Y[None])
    assert total == pytest.approx(((X - Y) ** 2).sum() / 2)
    assert not gradient.flat.any()


@pytest.mark.parametrize("loss", ["unfold_root", "unfold_all"])
def test_a_projected_bare_leaf_is_measured_where_it_leaves(loss):
    model = make_model(loss, n_components=2)
    p = model.parameters
    code = p.leaf_encoder @ X + p.leaf_encoder_intercept
    error = p.leaf_decoder @ code + p.leaf_decoder_intercept - X
    total, gradient = model.gradient([X])
    assert total == pytest.approx((error**2).sum() / 2)
    assert_close(gradient.leaf_decoder_intercept, error)
    assert_close(gradient.leaf_encoder_intercept, p.leaf_decoder.T @ error)
    assert not gradient.encoder.any()
    assert not gradient.decoder_intercept.any()


@pytest.mark.parametrize("n_components", [2, N_FEATURES])
def test_without_inner_nodes_there_are_no_children_to_reconstruct(n_components):
    model = make_model("children", n_components=n_components)
    total, gradient = model.gradient([X, Z], np.array([Y, Y]))
    assert total == 0
    assert not gradient.flat.any()


@every_loss
def test_preactivations_of_800_are_finite_and_right(loss):
    model = make_model(loss, ("logistic", "logistic"))
    model.parameters.encoder_intercept[:] = 800, -800, 800
    model.parameters.decoder_intercept[:] = -800, 800, 800
    total, gradient = model.gradient(TREES)
    assert np.isfinite(total)
    assert np.isfinite(gradient.flat).all()
    assert_array_equal(model.root_codes([(X, Y)])[0], [1, 0, 1])
    assert_array_equal(model.reconstruct([(X,)], X[None]), [[0, 1, 1]])


def test_a_length_of_zero_is_not_divided_by():
    model = make_model("children", ("relu", "identity"), normalize=True)
    model.parameters.encoder_intercept[:] = -100
    total, gradient = model.gradient(TREES)
    assert np.isfinite(total)
    assert np.isfinite(gradient.flat).all()
    assert not model.root_codes([(X,)]).any()


@pytest.mark.parametrize("name", ["identity", "relu"])
def test_codes_longer_than_the_greatest_number_are_normalised(name, dtype):
    model = make_model("children", (name, "identity"), dtype=dtype, normalize=True)
    greatest = np.finfo(dtype).max
    model.parameters.encoder_intercept[:] = greatest, greatest, -greatest
    code = model.root_codes([(X,)])[0]
    expected, _ = normalised(name, [1.0, 1.0, -1.0])
    assert_allclose(code, expected, rtol=4 * np.finfo(dtype).eps)
    with np.errstate(invalid="ignore"):  # as in training
        _, gradient = model.gradient([(X,)])
    assert np.isfinite(gradient.flat).all()


@pytest.mark.parametrize("size", [1e-30, 1e30])
def test_codes_of_extreme_length_are_normalised_without_overflow(size):
    codes = np.full((1, 4), size, np.float32)
    lengths = np.empty((1, 1), np.float32)
    normalise(codes, lengths)
    assert_allclose(codes, 0.5, rtol=1e-6)
    assert_allclose(lengths, 2 * size, rtol=1e-6)


@pytest.mark.parametrize("loss", ["unfold_root", "children"])
def test_a_chain_100_000_deep_has_a_gradient(loss):
    model = make_model(loss, ("tanh", "tanh"))
    total, gradient = model.gradient([chain(100_000, X)])
    assert np.isfinite(total)
    assert np.isfinite(gradient.flat).all()


@every_loss
def test_a_node_with_100_000_children_is_one_step(loss):
    model = make_model(loss)
    p = model.parameters
    p.encoder[:] *= 1e-5  # so that the tanh of so long a sum has a slope
    n_children = 100_000
    tree = ((X,),) * n_children
    both = p.encoder_left + p.encoder_right
    below = np.tanh(both / 2 @ X + p.encoder_intercept)
    expected = np.tanh(both * n_children / 2 @ below + p.encoder_intercept)
    assert_close(model.root_codes([tree])[0], expected)
    total, gradient = model.gradient([tree])
    assert np.isfinite(total)
    assert np.isfinite(gradient.flat).all()
