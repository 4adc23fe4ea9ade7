"""Trees and networks that tests of the tree network share."""

from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.testing import assert_allclose
from oracles import TreeOracle

from sk_autoenc.feeds import Batch
from sk_autoenc.networks.tree.network import Network
from sk_autoenc.networks.tree.parameters import (
    Architecture,
    Parameters,
    Sizes,
    parameter_shapes,
)
from sk_autoenc.parts.activations import ACTIVATIONS
from sk_autoenc.parts.compositions import COMPOSITIONS
from sk_autoenc.trees.forest import Forest

N_FEATURES = 3
LOSS_NAMES = ("unfold_root", "unfold_all", "children")
PAIRS = list(product(ACTIVATIONS, ACTIVATIONS))
X, Y, Z = np.random.default_rng(7).uniform(-1, 1, (3, N_FEATURES))
TREES = [((X, Y, Z), (Y,), X), X, (Y, ((Z, X), (X, (Y, Z, X, Y)))), (Z,)]


class Model(NamedTuple):
    """A network with parameters."""

    network: Network
    parameters: Parameters

    def gradient(self, trees, inputs=None, scale=1.0):
        return self.network.gradient(self.parameters, self.batch(trees, inputs), scale)

    def losses(self, trees, inputs=None):
        return self.network.losses(self.parameters, self.batch(trees, inputs))

    def node_codes(self, trees, nodes=None):
        return self.network.node_codes(self.parameters, self.forest(trees), nodes)

    def root_codes(self, trees):
        return self.network.root_codes(self.parameters, self.forest(trees))

    def reconstruct(self, trees, codes):
        return self.network.reconstruct(self.parameters, self.forest(trees), codes)

    def squared_errors(self, trees):
        return self.network.squared_errors(self.parameters, self.forest(trees))

    def forest(self, trees):
        return Forest.from_nested(trees, self.network.dtype)

    def batch(self, trees, inputs=None):
        return Batch(inputs, self.forest(trees))

    def oracle(self, alpha=0.0):
        architecture = self.network.architecture
        names = {activation: name for name, activation in ACTIVATIONS.items()}
        compositions = {value: name for name, value in COMPOSITIONS.items()}
        parameters = named(self.parameters).items()
        return TreeOracle(
            {name: part.astype(float) for name, part in parameters},
            names[architecture.encoder_activation],
            names[architecture.decoder_activation],
            architecture.loss,
            alpha,
            architecture.normalize,
            architecture.child_weights,
            compositions[architecture.composition],
        )


def make_model(
    loss="unfold_root",
    pair=("tanh", "identity"),
    n_components=N_FEATURES,
    seed=0,
    dtype=np.float64,
    composition="blend",
    **options,
):
    """A network and random parameters, intercepts included."""
    activations = [ACTIVATIONS[name] for name in pair]
    composition = COMPOSITIONS[composition]
    shapes = parameter_shapes(Sizes(n_components, N_FEATURES, composition.n_gates))
    parameters = Parameters.zeros(shapes, dtype)
    rng = np.random.default_rng(seed)
    parameters.flat[:] = rng.uniform(-0.8, 0.8, parameters.flat.shape)
    options |= {"composition": composition}
    architecture = Architecture(*activations, loss, **options)
    return Model(Network(architecture, n_components, N_FEATURES, dtype), parameters)


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


def corrupt(tree, rng):
    """Set some entries of leaves to 0."""
    if isinstance(tree, tuple):
        return tuple(corrupt(child, rng) for child in tree)
    return tree * (rng.random(N_FEATURES) < 0.7)


def assert_close(actual, expected, what=""):
    """Equal to 1e-12 of the greatest entry."""
    scale = 1 + np.abs(expected).max(initial=0.0)
    assert_allclose(actual, expected, rtol=0, atol=1e-12 * scale, err_msg=what)


def assert_right_to_rounding(actual, expected, dtype):
    """Each entry to a few units in its last place, below normal numbers to theirs."""
    finfo = np.finfo(dtype)
    assert_allclose(actual, expected, rtol=8 * float(finfo.eps), atol=float(finfo.tiny))


def assert_same_gradient(gradient, expected):
    for name, part in named(gradient).items():
        assert_close(part, expected[name], name)
