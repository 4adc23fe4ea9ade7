import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from strategies import chain
from tree_cases import (
    N_FEATURES,
    TREES,
    X,
    Y,
    Z,
    assert_close,
    assert_same_gradient,
    make_model,
    named,
)

from sk_autoenc.networks.parameters import penalise
from sk_autoenc.networks.tree.parameters import initialise


def start(init, n_components=N_FEATURES, pair=("identity", "identity"), **options):
    model = make_model("unfold_root", pair, n_components, **options)
    model.parameters.flat[:] = 0
    rng = np.random.default_rng(0)
    initialise(model.parameters, model.network.architecture, init, rng)
    return model


@pytest.mark.parametrize("n_components", [N_FEATURES, 5])
def test_average_start_makes_codes_means_that_unfold_to_themselves(n_components):
    model, trees = start("average", n_components), [((X, Y), Z)]
    mean = ((X + Y) / 2 + Z) / 2
    found = model.reconstruct(trees, model.root_codes(trees))
    assert_allclose(found, [mean] * 3, atol=1e-3)


def test_average_start_makes_binary_codes_means_of_leaves_if_these_weigh_children():
    model, trees = start("average", child_weights="leaves"), [(((X, Y), Z), Z)]
    assert_allclose(model.root_codes(trees)[0], (X + Y + 2 * Z) / 4, atol=1e-3)


def test_average_start_projects_leaves_to_fewer_components_and_back():
    p = start("average", 2).parameters
    assert_close(p.leaf_encoder @ p.leaf_encoder.T, np.eye(2))
    assert_array_equal(p.leaf_decoder, p.leaf_encoder.T)


def test_average_start_unfolds_long_chains_without_overflow():
    found = start("average").reconstruct([chain(100_000, X)], X[None])
    assert np.abs(found).max() < 1e6


def test_glorot_start_is_uniform_within_its_bounds():
    model = start("glorot", 60, ("logistic", "tanh"))
    parameters = named(model.parameters)
    for name in ("b", "b'", "u", "u'"):
        assert not parameters[name].any()
    square, projection = np.sqrt(6 / 120), np.sqrt(6 / 63)
    bounds = {"WL": 4 * square, "WR": 4 * square, "W'L": square, "W'R": square}
    for name, bound in (bounds | {"U": projection, "U'": projection}).items():
        assert 0.9 * bound < np.abs(parameters[name]).max() <= bound


@pytest.mark.parametrize("n_components", [2, N_FEATURES])
def test_the_penalty_leaves_intercepts_alone(n_components):
    model = make_model(n_components=n_components)
    _, gradient = model.gradient(TREES)
    expected = {name: part.copy() for name, part in named(gradient).items()}
    penalty = 0.0
    for name, part in named(model.parameters).items():
        if name in ("WL", "WR", "W'L", "W'R", "U", "U'"):
            penalty += 0.25 * (part**2).sum()
            expected[name] += 0.5 * part
    assert penalise(model.parameters, 0.5, gradient) == pytest.approx(penalty)
    assert_same_gradient(gradient, expected)
