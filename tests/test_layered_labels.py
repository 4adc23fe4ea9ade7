"""Layers with dropout, sparse rows and a head for labels: Eqs. (58) and (59)."""

import pickle
from itertools import product

import numpy as np
import pytest
import scipy.sparse
from numpy.testing import assert_allclose, assert_array_equal
from oracles import FUNCTIONS, LayeredOracle

from sk_autoenc.feeds import Batch
from sk_autoenc.networks import layered
from sk_autoenc.networks.penalties import Penalties
from sk_autoenc.parts.activations import ACTIVATIONS
from sk_autoenc.parts.losses import LOSSES, mixed_columns

N_ROWS, N_INPUTS, N_LABELS = 5, 4, 3
HIDDEN = (5, 3, 4, 2)
LEVELS = [0.25, 0.5, 0.5, 0.5, 0.5]


def softmax_loss(c, labels):
    return np.log(np.exp(c).sum()) - labels @ c


def half_square(c, labels):
    return ((c - labels) ** 2).sum() / 2


HEADS = {
    "classes": (mixed_columns(0, [N_LABELS]), softmax_loss),
    "numbers": (LOSSES["squared_error"], half_square),
}


class Problem:
    """A network with a head, random parameters and a batch, away from every kink."""

    def __init__(
        self,
        depth=2,
        activation="tanh",
        kind="classes",
        reconstruction=None,
        class_weights=None,
        levels=LEVELS,
        is_sparse=False,
        penalties=None,
    ):
        self.kind, self.levels, self.is_sparse = kind, levels, is_sparse
        sizes = (N_INPUTS, *HIDDEN[:depth])
        loss = None
        if reconstruction is not None:
            sizes = (*sizes, *sizes[-2::-1])
            loss = LOSSES["squared_error"]
        head = layered.Head(
            HEADS[kind][0], N_LABELS, depth, reconstruction or 0.0, class_weights
        )
        self.architecture = layered.Architecture(
            sizes,
            ACTIVATIONS[activation],
            ACTIVATIONS["identity"],
            loss,
            head=head,
            penalties=penalties,
            n_penalised=depth,
        )
        self.names = activation, "identity", "squared_error"
        self.reconstruction = reconstruction
        for seed in range(300):
            self.draw(np.random.default_rng(seed))
            if activation != "relu" or self.distance_from_kinks() > 0.01:
                return
        raise AssertionError("no seed keeps away from the kinks")

    def draw(self, rng):
        self.parameters = layered.allocate_parameters(self.architecture, float)
        self.parameters.flat[:] = rng.uniform(-1, 1, self.parameters.flat.shape)
        inputs = rng.uniform(-1, 1, (N_ROWS, N_INPUTS))
        y = np.eye(N_LABELS)[rng.integers(N_LABELS, size=N_ROWS)]
        if self.is_sparse:
            inputs[rng.random(inputs.shape) < 0.4] = 0
        self.inputs = inputs
        targets = weights = None
        if self.reconstruction is not None:
            targets = rng.uniform(0, 1, inputs.shape)
            weights = rng.uniform(0, 2, inputs.shape)
        given = scipy.sparse.csr_array(inputs) if self.is_sparse else inputs
        self.batch = Batch(given, targets, weights, y)

    def distance_from_kinks(self):
        network = self.network()
        network.gradient(self.parameters, self.batch)
        codes = network.buffers(N_ROWS).outputs[: self.architecture.n_hidden]
        return min(
            abs(array[array != 0]).min() if array.any() else 0 for array in codes
        )

    def network(self):
        rng = np.random.Generator(np.random.SFC64(1))
        coins = layered.make_coins(self.levels, rng, float)
        return layered.Network(self.architecture, float, coins)

    def expected_penalty(self, network):
        """The penalties of each layer that encodes, of codes before any is dropped."""
        total, penalties = 0.0, self.architecture.penalties
        if penalties is None:
            return total
        codes = network.buffers(N_ROWS).outputs
        for k in range(self.architecture.n_penalised):
            weights, _ = self.parameters.layers[k]
            value, _ = penalties.add(
                codes[k],
                weights,
                self.architecture.activation,
                np.zeros_like(codes[k]),
            )
            total += value
        return total

    def value(self, flat):
        return self.network().gradient(self.parameters.like(flat), self.batch)[0]

    def expected(self, kept):
        parameters, head = self.parameters, self.architecture.head
        oracle = LayeredOracle(parameters.layers, None, *self.names)
        return oracle.value_with_labels(
            self.batch._replace(inputs=self.inputs),
            {
                "weights": parameters.head,
                "intercept": parameters.head_intercept,
                "reads": head.reads,
                "reconstruction": self.reconstruction,
                "class_weights": head.class_weights,
                "loss": HEADS[self.kind][1],
            },
            kept,
        )


WEIGHTS = np.array([0.5, 2.0, 0.0])
SETTINGS = [
    {"depth": depth, "activation": activation, "reconstruction": share}
    for depth, activation, share in product((1, 2, 3, 4), FUNCTIONS, (None, 0.3))
] + [
    {"kind": "numbers"},
    {"kind": "numbers", "reconstruction": 0.5},
    {"class_weights": WEIGHTS},
    {"class_weights": WEIGHTS, "reconstruction": 1.0},
    {"activation": "logistic", "penalties": Penalties(0.5, 0.1, 0.0)},
    {"activation": "logistic", "penalties": Penalties(0.5, 0.1, 0.3), "depth": 3},
    {"penalties": Penalties(contraction=0.3), "reconstruction": 0.5, "depth": 3},
    {"levels": []},
    {"levels": [0.4]},
    {"levels": [0.0, 0.5]},
    {"depth": 4, "levels": [0.0, 0.0, 0.5], "reconstruction": 0.0},
]
every_setting = pytest.mark.parametrize("settings", SETTINGS, ids=str)


@every_setting
def test_value_equals_the_equations_with_what_was_dropped(settings):
    problem = Problem(**settings)
    network = problem.network()
    value, _ = network.gradient(problem.parameters, problem.batch)
    kept = network.buffers(N_ROWS).kept
    assert set(kept) == {
        k
        for k, level in enumerate(problem.levels)
        if level and k <= problem.architecture.n_hidden
    }
    expected = problem.expected(kept) + problem.expected_penalty(network)
    assert value == pytest.approx(expected, rel=1e-12)


@every_setting
def test_gradient_equals_central_differences(settings):
    problem = Problem(**settings)
    flat, step = problem.parameters.flat, 1e-5
    _, gradient = problem.network().gradient(problem.parameters, problem.batch)
    numerical = [
        (problem.value(flat + move) - problem.value(flat - move)) / (2 * step)
        for move in step * np.eye(flat.size)
    ]
    assert_allclose(gradient.flat, numerical, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("levels", [[], [0.0, 0.5]], ids=str)
def test_sparse_rows_have_the_gradient_of_dense_ones(levels):
    dense, sparse = (
        Problem(levels=levels, is_sparse=True),
        Problem(levels=levels, is_sparse=True),
    )
    dense.batch = dense.batch._replace(inputs=dense.inputs)
    value, gradient = dense.network().gradient(dense.parameters, dense.batch)
    same_value, same = sparse.network().gradient(sparse.parameters, sparse.batch)
    assert same_value == pytest.approx(value, rel=1e-13)
    assert_allclose(same.flat, gradient.flat, rtol=1e-12, atol=1e-14)


def test_a_head_may_read_the_rows_themselves():
    head = layered.Head(*HEADS["classes"][:1], N_LABELS, 0)
    identity = ACTIVATIONS["identity"]
    architecture = layered.Architecture(
        (4, 2, 4), identity, identity, LOSSES["squared_error"], head=head
    )
    parameters = layered.allocate_parameters(architecture, np.float64)
    parameters.flat[:] = np.arange(parameters.flat.size)
    rows = np.eye(3, 4)
    outputs = rows @ parameters.head.T + parameters.head_intercept
    for container in (np.asarray, scipy.sparse.csr_array):
        network = layered.Network(architecture, np.float64)
        assert_allclose(network.labels(parameters, container(rows)), outputs)


def test_dropped_entries_of_sparse_rows_are_stored_ones():
    problem = Problem(is_sparse=True, levels=[0.5])
    flat, step = problem.parameters.flat, 1e-5
    _, gradient = problem.network().gradient(problem.parameters, problem.batch)
    numerical = [
        (problem.value(flat + move) - problem.value(flat - move)) / (2 * step)
        for move in step * np.eye(flat.size)
    ]
    assert_allclose(gradient.flat, numerical, rtol=1e-6, atol=1e-9)
    before = problem.batch.inputs.copy()
    assert (before != problem.batch.inputs).nnz == 0


def test_nothing_is_dropped_but_in_training():
    problem = Problem(reconstruction=0.3)
    network, without = problem.network(), Problem(reconstruction=0.3, levels=[])
    for name in ("losses", "labels"):
        argument = problem.batch if name == "losses" else problem.batch.inputs
        assert_array_equal(
            getattr(network, name)(problem.parameters, argument),
            getattr(without.network(), name)(without.parameters, argument),
        )


@pytest.mark.parametrize("level", [0.2, 0.5, 0.9])
def test_what_is_kept_makes_up_for_what_is_dropped(level):
    rng = np.random.Generator(np.random.SFC64(0))
    (coins,) = layered.make_coins([level], rng, np.float64)
    factors = coins.toss((1000, 200))
    assert set(np.unique(factors)) == {0.0, 1 / (1 - level)}
    assert factors.mean() == pytest.approx(1, abs=0.02)


def test_the_gradient_is_added_to_the_parameters_themselves():
    problem = Problem(reconstruction=0.3)
    parameters = problem.parameters
    _, gradient = problem.network().gradient(parameters, problem.batch)
    expected = parameters.flat - 0.1 * gradient.flat
    problem.network().gradient(parameters, problem.batch, -0.1, parameters)
    assert_allclose(parameters.flat, expected, rtol=1e-12, atol=1e-14)


def test_codes_and_their_decoding_are_parts_of_the_whole():
    problem = Problem(depth=3, reconstruction=0.3)
    network, parameters = problem.network(), problem.parameters
    output = network.output(parameters, problem.batch.inputs).copy()
    codes = [c.copy() for c in network.codes(parameters, problem.batch.inputs, 3)]
    assert [code.shape[1] for code in codes] == [5, 3, 4]
    decoded = network.decode(parameters, codes[-1], 3)
    assert_allclose(decoded, output, rtol=1e-13)


def test_a_copied_network_drops_what_the_first_would_drop_next():
    problem = Problem()
    network = problem.network()
    copied = pickle.loads(pickle.dumps(network))
    value, gradient = network.gradient(problem.parameters, problem.batch)
    same_value, same = copied.gradient(problem.parameters, problem.batch)
    assert same_value == value
    assert_array_equal(same.flat, gradient.flat)


def test_matrices_are_all_weights_and_no_intercepts():
    parameters = Problem(reconstruction=0.3).parameters
    assert [matrix.shape for matrix in parameters.matrices] == [
        (5, 4),
        (3, 5),
        (5, 3),
        (4, 5),
        (3, 3),
    ]
