from itertools import product
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from oracles import TreeOracle
from strategies import chain, tree_lists

from sk_autoenc.networks import levels as levels_module
from sk_autoenc.networks.levels import blocks, subtrees
from sk_autoenc.networks.tree import (
    Network,
    Workspace,
    node_codes,
    normalise,
    reconstruct,
    root_codes,
    squared_errors,
    tree_losses,
)
from sk_autoenc.networks.tree_gradients import value_and_gradient
from sk_autoenc.networks.tree_parameters import (
    Architecture,
    allocate_parameters,
    initialise,
)
from sk_autoenc.parts.activations import ACTIVATIONS
from sk_autoenc.trees.forest import Forest
from sk_autoenc.trees.nodes import Nodes

N_FEATURES = 3
OBJECTIVES = ("unfold_root", "unfold_all", "children")
PAIRS = list(product(ACTIVATIONS, ACTIVATIONS))
X, Y, Z = np.random.default_rng(7).uniform(-1, 1, (3, N_FEATURES))
TREES = [((X, Y, Z), (Y,), X), X, (Y, ((Z, X), (X, (Y, Z, X, Y)))), (Z,)]


def make_network(
    objective="unfold_root",
    pair=("tanh", "identity"),
    n_components=N_FEATURES,
    seed=0,
    dtype=np.float64,
    **options,
):
    """A network with random parameters, intercepts included."""
    activations = [ACTIVATIONS[name] for name in pair]
    parameters = allocate_parameters(n_components, N_FEATURES, dtype)
    rng = np.random.default_rng(seed)
    parameters.flat[:] = rng.uniform(-0.8, 0.8, parameters.flat.shape)
    return Network(
        parameters,
        Architecture(*activations, objective, **options),
        Workspace(dtype),
        allocate_parameters(n_components, N_FEATURES, dtype),
    )


def named(parameters):
    """Parameters by the names of the equations."""
    names = {
        "WL": parameters.encoder_left,
        "WR": parameters.encoder_right,
        "b": parameters.encoder_intercept,
        "W'L": parameters.decoder_left,
        "W'R": parameters.decoder_right,
        "b'": parameters.decoder_intercept,
    }
    if parameters.projects:
        names |= {
            "U": parameters.leaf_encoder,
            "u": parameters.leaf_encoder_intercept,
            "U'": parameters.leaf_decoder,
            "u'": parameters.leaf_decoder_intercept,
        }
    return names


def oracle_of(network):
    architecture, names = network.architecture, {v: k for k, v in ACTIVATIONS.items()}
    return TreeOracle(
        named(network.parameters),
        names[architecture.encoder_activation],
        names[architecture.decoder_activation],
        architecture.objective,
        architecture.alpha,
        architecture.normalize,
    )


def batch(trees, dtype=np.float64):
    return list(blocks(Forest.from_nested(trees, dtype), N_FEATURES, dtype))


def whole(trees):
    (levels,) = batch(trees)
    return levels


def corrupt(tree, rng):
    """Set some entries of leaves to 0."""
    if isinstance(tree, tuple):
        return tuple(corrupt(child, rng) for child in tree)
    return tree * (rng.random(N_FEATURES) < 0.7)


def assert_close(actual, expected, what=""):
    """Equal to 1e-12 of the greatest entry."""
    scale = 1 + np.abs(expected).max(initial=0.0)
    assert_allclose(actual, expected, rtol=0, atol=1e-12 * scale, err_msg=what)


def assert_same_gradient(gradient, expected):
    for name, part in named(gradient).items():
        assert_close(part, expected[name], name)


# The oracle


@pytest.mark.parametrize("normalize", [False, True])
@pytest.mark.parametrize("n_components", [2, N_FEATURES])
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_oracle_gradient_equals_central_differences(objective, n_components, normalize):
    options = {"alpha": 0.2, "normalize": normalize}
    network = make_network(objective, ("tanh", "logistic"), n_components, **options)
    trees = [((X, Y, Z), (Y,), X), Z]
    corrupted = corrupt(tuple(trees), np.random.default_rng(0))
    oracle = oracle_of(network)
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


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
@settings(max_examples=15, deadline=None, derandomize=True)
@given(
    trees=tree_lists(N_FEATURES, max_trees=4, max_leaves=20),
    n_components=st.sampled_from([2, N_FEATURES, 5]),
    alpha=st.sampled_from([0.0, 0.3]),
    normalize=st.booleans(),
    corrupted=st.booleans(),
    sizes=st.sampled_from([(1, 0), (50, 4), (10**6, 0), (10**6, 10**6)]),
    seed=st.integers(0, 99),
)
def test_value_and_gradient_equal_the_oracle(
    pair, objective, trees, n_components, alpha, normalize, corrupted, sizes, seed
):
    options = {"alpha": alpha, "normalize": normalize}
    network = make_network(objective, pair, n_components, seed, **options)
    changed = corrupt(tuple(trees), np.random.default_rng(seed)) if corrupted else None
    inputs = Forest.from_nested(changed).leaf_vectors() if corrupted else None
    limits = {"BLOCK_ENTRIES": sizes[0], "DENSE_BLEND_SIZE": sizes[1]}
    with patch.multiple(levels_module, **limits):
        value, gradient = value_and_gradient(network, batch(trees), inputs)
    expected, expected_gradient = oracle_of(network).value_and_gradient(trees, changed)
    assert_close(value, expected)
    assert_same_gradient(gradient, expected_gradient)


@settings(max_examples=50, deadline=None, derandomize=True)
@given(
    trees=tree_lists(N_FEATURES),
    pair=st.sampled_from(PAIRS),
    n_components=st.sampled_from([2, N_FEATURES]),
    normalize=st.booleans(),
)
def test_codes_and_reconstruction_equal_the_oracle(
    trees, pair, n_components, normalize
):
    network = make_network("unfold_root", pair, n_components, normalize=normalize)
    oracle, levels = oracle_of(network), whole(trees)
    codes = [oracle.codes(tree) for tree in trees]
    roots = np.array([of_tree[0] for of_tree in codes])
    pairs = zip(trees, roots, strict=True)
    leaves = [leaf for tree, root in pairs for leaf in oracle.reconstruct(tree, root)]
    assert_close(node_codes(network, levels), np.concatenate(codes))
    assert_close(root_codes(network, levels), roots)
    assert_close(reconstruct(network, levels, roots), np.array(leaves))
    errors = np.array(leaves) - Forest.from_nested(trees).leaf_vectors()
    assert_close(squared_errors(network, levels), (errors**2).sum(axis=1))


@pytest.mark.parametrize("n_components", [2, N_FEATURES])
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_loss_of_each_tree_equals_the_oracle(objective, n_components):
    network = make_network(objective, n_components=n_components, alpha=1.0)
    oracle = oracle_of(network)
    expected = [oracle.tree_gradient(tree, tree)[0] for tree in TREES]
    assert_close(tree_losses(network, whole(TREES)), np.array(expected))


@pytest.mark.parametrize("normalize", [False, True])
@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
def test_halving_the_step_quarters_the_error_of_the_linear_model(
    pair, objective, normalize
):
    network = make_network(objective, pair, 2, normalize=normalize, seed=3)
    levels, flat = batch(TREES), network.parameters.flat
    here, direction = flat.copy(), np.random.default_rng(0).normal(size=flat.shape)
    value, gradient = value_and_gradient(network, levels)
    slope, errors = float(gradient.flat @ direction), []
    for step in (1e-4, 5e-5):
        flat[:] = here + step * direction
        stepped, _ = value_and_gradient(network, levels)
        errors.append(abs(stepped - value - step * slope))
    assert errors[0] / errors[1] == pytest.approx(4, rel=0.02)


# Independence of what a batch is made of, and of what was in the buffers


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_buffers_carry_nothing_from_one_batch_to_the_next(objective):
    network = make_network(objective, n_components=2)
    value, gradient = value_and_gradient(network, batch(TREES))
    first = gradient.flat.copy()
    value_and_gradient(network, batch([(Z, chain(30, X)), Y]))
    again, gradient = value_and_gradient(network, batch(TREES))
    assert again == value
    assert_array_equal(gradient.flat, first)


def test_the_batch_does_not_change_a_tree_code():
    network = make_network(n_components=2)
    alone = np.concatenate([root_codes(network, whole([tree])) for tree in TREES])
    assert_close(root_codes(network, whole(TREES)), alone)
    assert_close(root_codes(network, whole(TREES[::-1])), alone[::-1])


def test_what_a_root_has_as_parent_does_not_matter():
    forest, network = Forest.from_nested(TREES), make_network("children")
    fields = {name: getattr(forest, name) for name in Nodes._fields}
    nodes = Nodes(**fields | {"parent": forest.parent.copy()})
    nodes.parent[forest.tree_start[:-1]] = 10**6
    value, _ = value_and_gradient(network, blocks(nodes, N_FEATURES, np.float64))
    expected, _ = value_and_gradient(network, batch(TREES))
    assert value == expected


def test_blocks_keep_to_their_size_unless_one_tree_is_larger(monkeypatch):
    monkeypatch.setattr(levels_module, "BLOCK_ENTRIES", 5 * N_FEATURES)
    sizes = [1, 3, 2, 40, 1, 1, 5]
    trees = [X if n == 1 else (X,) * (n - 1) for n in sizes]
    parts = [np.diff(part.nodes.tree_start).tolist() for part in batch(trees)]
    assert parts == [[1, 3], [2], [40], [1, 1], [5]]


def test_subtrees_of_every_inner_node_come_in_bounded_blocks(monkeypatch):
    monkeypatch.setattr(levels_module, "BLOCK_ENTRIES", 120 * N_FEATURES)
    nodes = Forest.from_nested([chain(50, X), Y])
    parts = list(subtrees(nodes, N_FEATURES, np.float64))
    assert sum(len(roots) for roots, _ in parts) == 51
    assert len(parts) > 20
    assert all(len(part.position) <= 120 for _, part in parts)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_float32_stays_float32_and_agrees_with_float64(objective):
    value, gradient = value_and_gradient(make_network(objective), batch(TREES))
    single = make_network(objective, dtype=np.float32)
    levels = batch(TREES, dtype=np.float32)
    single_value, single_gradient = value_and_gradient(single, levels)
    assert root_codes(single, levels[0]).dtype == np.float32
    assert single_gradient.flat.dtype == np.float32
    assert single_value == pytest.approx(value, rel=1e-5)
    assert_allclose(single_gradient.flat, gradient.flat, rtol=1e-4, atol=1e-4)


# Traps of theory.md, section 3


def test_an_only_child_gets_the_plain_mean_of_left_and_right():
    network = make_network()
    p = network.parameters
    mean = (p.encoder_left + p.encoder_right) / 2
    expected = np.tanh(mean @ X + p.encoder_intercept)
    assert_close(root_codes(network, whole([(X,)]))[0], expected)


def test_the_middle_of_three_children_gets_the_plain_mean_of_left_and_right():
    network = make_network()
    p = network.parameters
    mean = (p.encoder_left + p.encoder_right) / 2
    a = p.encoder_left @ X + mean @ Y + p.encoder_right @ Z + p.encoder_intercept
    assert_close(root_codes(network, whole([(X, Y, Z)]))[0], np.tanh(a))


def test_the_root_has_one_slope_and_the_leaf_one_decoder_delta():
    # One inner node and one leaf, so each intercept's gradient is one delta.
    network = make_network(pair=("tanh", "logistic"))
    p = network.parameters
    code = root_codes(network, whole([(X,)]))[0]
    decoder = (p.decoder_left + p.decoder_right) / 2
    output = 1 / (1 + np.exp(-decoder @ code - p.decoder_intercept))
    _, gradient = value_and_gradient(network, batch([(X,)]))
    delta_leaf = (output - X) * output * (1 - output)  # Eq. (25)
    delta_root = decoder.T @ delta_leaf * (1 - code**2)  # Eq. (27)
    assert_close(gradient.decoder_intercept, delta_leaf)
    assert_close(gradient.encoder_intercept, delta_root)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_a_batch_of_bare_leaves_costs_nothing_and_teaches_nothing(objective):
    network, levels = make_network(objective), batch([X, Y, Z])
    value, gradient = value_and_gradient(network, levels)
    assert value == 0
    assert not gradient.flat.any()
    assert_array_equal(root_codes(network, levels[0]), [X, Y, Z])
    assert_array_equal(reconstruct(network, levels[0], np.array([Z, Y, X])), [Z, Y, X])
    assert_array_equal(tree_losses(network, levels[0]), [0, 0, 0])


def test_a_corrupted_bare_leaf_costs_but_teaches_nothing():
    network = make_network()
    value, gradient = value_and_gradient(network, batch([X]), Y[None])
    assert value == pytest.approx(((X - Y) ** 2).sum() / 2)
    assert not gradient.flat.any()


@pytest.mark.parametrize("objective", ["unfold_root", "unfold_all"])
def test_a_projected_bare_leaf_is_measured_where_it_leaves(objective):
    network = make_network(objective, n_components=2)
    p = network.parameters
    code = p.leaf_encoder @ X + p.leaf_encoder_intercept
    error = p.leaf_decoder @ code + p.leaf_decoder_intercept - X
    value, gradient = value_and_gradient(network, batch([X]))
    assert value == pytest.approx((error**2).sum() / 2)
    assert_close(gradient.leaf_decoder_intercept, error)
    assert_close(gradient.leaf_encoder_intercept, p.leaf_decoder.T @ error)
    assert not gradient.encoder.any()
    assert not gradient.decoder_intercept.any()


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_preactivations_of_800_are_finite_and_right(objective):
    network = make_network(objective, ("logistic", "logistic"))
    network.parameters.encoder_intercept[:] = 800, -800, 800
    network.parameters.decoder_intercept[:] = -800, 800, 800
    value, gradient = value_and_gradient(network, batch(TREES))
    assert np.isfinite(value)
    assert np.isfinite(gradient.flat).all()
    assert_array_equal(root_codes(network, whole([(X, Y)]))[0], [1, 0, 1])
    assert_array_equal(reconstruct(network, whole([(X,)]), X[None]), [[0, 1, 1]])


def test_a_length_of_zero_is_not_divided_by():
    network = make_network("children", ("relu", "identity"), normalize=True)
    network.parameters.encoder_intercept[:] = -100
    value, gradient = value_and_gradient(network, batch(TREES))
    assert np.isfinite(value)
    assert np.isfinite(gradient.flat).all()
    assert not root_codes(network, whole([(X,)])).any()


def test_the_penalty_leaves_intercepts_alone():
    network = make_network(n_components=2, alpha=0.5)
    plain = network._replace(architecture=network.architecture._replace(alpha=0.0))
    value, gradient = value_and_gradient(plain, batch(TREES))
    expected = {name: part.copy() for name, part in named(gradient).items()}
    for name, part in named(network.parameters).items():
        if name in ("WL", "WR", "W'L", "W'R", "U", "U'"):
            value += 0.25 * (part**2).sum()
            expected[name] += 0.5 * part
    penalised_value, gradient = value_and_gradient(network, batch(TREES))
    assert_close(penalised_value, value)
    assert_same_gradient(gradient, expected)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_scale_multiplies_the_gradient_with_its_penalty_and_not_the_value(objective):
    network = make_network(objective, n_components=2, alpha=0.5)
    value, gradient = value_and_gradient(network, batch(TREES))
    expected = 0.3 * gradient.flat
    same_value, gradient = value_and_gradient(network, batch(TREES), scale=0.3)
    assert same_value == value
    assert_close(gradient.flat, expected)


@pytest.mark.parametrize("objective", ["unfold_root", "children"])
def test_a_chain_100_000_deep_has_a_gradient(objective):
    network = make_network(objective, ("tanh", "tanh"))
    levels = batch([chain(100_000, X)])
    value, gradient = value_and_gradient(network, levels)
    assert np.isfinite(value)
    assert np.isfinite(gradient.flat).all()


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_a_node_with_100_000_children_is_one_step(objective):
    network = make_network(objective)
    p = network.parameters
    p.encoder[:] *= 1e-5  # so that the tanh of so long a sum has a slope
    n_children = 100_000
    tree = ((X,),) * n_children
    both = p.encoder_left + p.encoder_right
    below = np.tanh(both / 2 @ X + p.encoder_intercept)
    expected = np.tanh(both * n_children / 2 @ below + p.encoder_intercept)
    levels = batch([tree])
    assert_close(root_codes(network, levels[0])[0], expected)
    value, gradient = value_and_gradient(network, levels)
    assert np.isfinite(value)
    assert np.isfinite(gradient.flat).all()


# Initial parameters


def start(init, n_components=N_FEATURES, pair=("identity", "identity")):
    network = make_network("unfold_root", pair, n_components)
    network.parameters.flat[:] = 0
    rng = np.random.default_rng(0)
    initialise(network.parameters, network.architecture, init, rng)
    return network


@pytest.mark.parametrize("n_components", [N_FEATURES, 5])
def test_average_start_makes_codes_means_that_unfold_to_themselves(n_components):
    network, levels = start("average", n_components), whole([((X, Y), Z)])
    mean = ((X + Y) / 2 + Z) / 2
    found = reconstruct(network, levels, root_codes(network, levels))
    assert_allclose(found, [mean] * 3, atol=1e-3)


def test_average_start_projects_leaves_to_fewer_components_and_back():
    p = start("average", 2).parameters
    assert_close(p.leaf_encoder @ p.leaf_encoder.T, np.eye(2))
    assert_array_equal(p.leaf_decoder, p.leaf_encoder.T)


def test_average_start_unfolds_long_chains_without_overflow():
    network, levels = start("average"), whole([chain(100_000, X)])
    assert np.abs(reconstruct(network, levels, X[None])).max() < 1e6


def test_glorot_start_is_uniform_within_its_bounds():
    network = start("glorot", 60, ("logistic", "tanh"))
    parameters = named(network.parameters)
    for name in ("b", "b'", "u", "u'"):
        assert not parameters[name].any()
    square, projection = np.sqrt(6 / 120), np.sqrt(6 / 63)
    bounds = {"WL": 4 * square, "WR": 4 * square, "W'L": square, "W'R": square}
    for name, bound in (bounds | {"U": projection, "U'": projection}).items():
        assert 0.9 * bound < np.abs(parameters[name]).max() <= bound


@pytest.mark.parametrize("size", [1e-30, 1e30])
def test_codes_of_extreme_length_are_normalised_without_overflow(size):
    codes = np.full((1, 4), size, np.float32)
    lengths = np.empty((1, 1), np.float32)
    normalise(codes, lengths)
    assert_allclose(codes, 0.5, rtol=1e-6)
    assert_allclose(lengths, 2 * size, rtol=1e-6)
