"""The network of any number of layers, against the equations one unit at a time."""

import copy
import pickle
from itertools import product

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from oracles import FUNCTIONS, LayeredOracle

from sk_autoenc.feeds import Batch
from sk_autoenc.networks import layered
from sk_autoenc.parts.activations import ACTIVATIONS
from sk_autoenc.parts.losses import LOSSES, mixed_columns

N_ROWS, N_INPUTS, N_OUTPUTS = 4, 3, 6
HIDDEN = (4, 2, 3, 2)
N_NUMBERS, N_LEVELS = 2, (3, 1)
OUTPUTS = [
    *((name, output) for name in LOSSES for output in LOSSES[name].output_activations),
    ("mixed", "identity"),
]
NETWORKS = [
    ("identity", 0, output)
    for output in OUTPUTS  # without a hidden layer
] + list(product(ACTIVATIONS, (1, 2, 3, 4), OUTPUTS))


def word(value):
    return "-".join(value) if isinstance(value, tuple) else str(value)


every_network = pytest.mark.parametrize(
    ("activation", "depth", "output"), NETWORKS, ids=word
)
every_known_network = pytest.mark.parametrize(
    ("activation", "depth", "output"),
    [network for network in NETWORKS if network[0] in FUNCTIONS],
    ids=word,
)
with_or_without_a_path = pytest.mark.parametrize("shortcut", [True, False])
with_or_without_weights = pytest.mark.parametrize("is_weighted", [True, False])


class Problem:
    """A network with random parameters and a batch, away from every kink."""

    def __init__(
        self, activation, depth, output, shortcut=True, is_weighted=True, dtype=float
    ):
        loss, output_activation = output
        self.names = activation, output_activation, loss
        known = LOSSES | {"mixed": mixed_columns(N_NUMBERS, N_LEVELS)}
        self.architecture = layered.Architecture(
            (N_INPUTS, *HIDDEN[:depth], N_OUTPUTS),
            ACTIVATIONS[activation],
            ACTIVATIONS[output_activation],
            known[loss],
            shortcut,
        )
        for seed in range(200):
            self.draw(np.random.default_rng(seed), is_weighted, dtype)
            if self.distance_from_kinks() > 0.02:
                return
        raise AssertionError("no seed keeps away from the kinks")

    def draw(self, rng, is_weighted, dtype):
        self.parameters = layered.allocate_parameters(self.architecture, dtype)
        self.parameters.flat[:] = rng.uniform(-1, 1, self.parameters.flat.shape)
        self.batch = Batch(
            rng.uniform(-1, 1, (N_ROWS, N_INPUTS)).astype(dtype),
            rng.uniform(0.05, 0.95, (N_ROWS, N_OUTPUTS)).astype(dtype),
            rng.uniform(0, 2, (N_ROWS, N_OUTPUTS)).astype(dtype)
            if is_weighted
            else None,
        )

    def distance_from_kinks(self):
        """Smallest pre-activation; 0 where all of the output is dead."""
        pairs = [self.oracle().forward(x)[0] for x in self.batch.inputs]
        values = np.concatenate([np.concatenate(layers) for layers in pairs])
        outputs = np.array([layers[-1] for layers in pairs])
        alive = "relu" not in self.names or (outputs > 0).any()
        return np.abs(values).min() if alive else 0.0

    def oracle(self):
        parameters = self.parameters
        return LayeredOracle(
            parameters.layers,
            parameters.shortcut if self.architecture.shortcut else None,
            *self.names,
            N_NUMBERS,
            N_LEVELS,
        )

    def network(self):
        return layered.Network(self.architecture, self.parameters.flat.dtype)

    def evaluate(self, flat=None, **changes):
        """Sum and gradient, at other parameters if given."""
        parameters = self.parameters
        if flat is not None:
            parameters = parameters._replace(flat=flat)
        return self.network().gradient(parameters, self.batch, **changes)


TYPICAL = ("tanh", 2, ("mixed", "identity"))


@every_known_network
@with_or_without_a_path
@with_or_without_weights
def test_value_and_gradient_equal_the_sums_of_the_equations(
    activation, depth, output, shortcut, is_weighted
):
    problem = Problem(activation, depth, output, shortcut, is_weighted)
    value, gradient = problem.evaluate()
    expected_value, expected = problem.oracle().value_and_gradient(*problem.batch[:3])
    assert value == pytest.approx(expected_value, rel=1e-12)
    assert set(gradient.shapes) == set(expected)
    for name, part in expected.items():
        assert_allclose(getattr(gradient, name), part, rtol=0, atol=1e-12, err_msg=name)


@every_network
def test_gradient_equals_central_differences(activation, depth, output):
    problem = Problem(activation, depth, output)
    network, flat, step = problem.network(), problem.parameters.flat, 1e-5

    def value(flat):
        losses = network.losses(problem.parameters.like(flat), problem.batch)
        return losses.sum()

    numerical = [
        (value(flat + move) - value(flat - move)) / (2 * step)
        for move in step * np.eye(flat.size)
    ]
    _, gradient = problem.evaluate()
    assert_allclose(gradient.flat, numerical, rtol=1e-6, atol=1e-9)


@every_network
def test_taylor_error_quarters_when_the_step_halves(activation, depth, output):
    problem = Problem(activation, depth, output)
    flat = problem.parameters.flat
    value, gradient = problem.evaluate()

    def taylor_error(direction, step):
        moved, _ = problem.evaluate(flat + step * direction)
        return moved - value - step * gradient.flat @ direction

    # A direction without curvature has no quadratic error to look at.
    directions = np.random.default_rng(3).uniform(-1, 1, (8, flat.size))
    curved = max(directions, key=lambda direction: abs(taylor_error(direction, 1e-3)))
    ratio = taylor_error(curved, 4e-4) / taylor_error(curved, 2e-4)
    assert ratio == pytest.approx(4, rel=0.01)


@every_network
def test_single_precision_stays_and_agrees_with_double(activation, depth, output):
    double = Problem(activation, depth, output)
    single = Problem(activation, depth, output, dtype=np.float32)
    value, gradient = single.evaluate()
    assert gradient.flat.dtype == np.float32
    expected_value, expected = double.evaluate()
    assert value == pytest.approx(expected_value, rel=1e-5)
    assert_allclose(gradient.flat, expected.flat, rtol=1e-3, atol=1e-4)


@with_or_without_a_path
def test_scale_multiplies_the_gradient_and_not_the_sum(shortcut):
    problem = Problem(*TYPICAL, shortcut)
    value, gradient = problem.evaluate()
    for scale in (1.0, 0.3, -2.0, 0.0):
        same_value, scaled = problem.evaluate(scale=scale)
        assert same_value == value
        assert_allclose(scaled.flat, scale * gradient.flat, rtol=1e-12)


@with_or_without_a_path
@pytest.mark.parametrize("depth", [0, 1, 3])
def test_the_scaled_gradient_is_added_to_out(depth, shortcut):
    problem = Problem("tanh", depth, TYPICAL[2], shortcut)
    value, gradient = problem.evaluate()
    before = np.random.default_rng(0).normal(size=gradient.flat.shape)
    out = problem.parameters._replace(flat=before)
    same_value, returned = problem.evaluate(scale=0.3, out=out)
    assert same_value == value
    assert returned is out
    assert_allclose(out.flat, before + 0.3 * gradient.flat, rtol=1e-12, atol=1e-14)


@every_network
def test_out_may_be_the_parameters_themselves(activation, depth, output):
    problem = Problem(activation, depth, output)
    before = problem.parameters.flat.copy()
    value, gradient = problem.evaluate()
    expected = before - 0.1 * gradient.flat
    parameters = problem.parameters
    same_value, returned = problem.evaluate(scale=-0.1, out=parameters)
    assert same_value == value
    assert returned is parameters
    assert_allclose(parameters.flat, expected, rtol=1e-12, atol=1e-14)


def test_parameters_and_batch_stay_as_they_are():
    problem = Problem(*TYPICAL)
    before = copy.deepcopy((problem.parameters.flat, *problem.batch[:3]))
    problem.evaluate()
    problem.network().losses(problem.parameters, problem.batch)
    after = problem.parameters.flat, *problem.batch[:3]
    for part, unchanged in zip(after, before, strict=True):
        assert_array_equal(part, unchanged)


@with_or_without_weights
def test_losses_are_of_each_row_and_add_up_to_the_sum(is_weighted):
    problem = Problem(*TYPICAL, is_weighted=is_weighted)
    losses = problem.network().losses(problem.parameters, problem.batch)
    assert losses.shape == (N_ROWS,)
    assert losses.sum() == pytest.approx(problem.evaluate()[0], rel=1e-14)
    oracle = problem.oracle()
    weights = problem.batch.entry_weights if is_weighted else [None] * N_ROWS
    for row in range(N_ROWS):
        part = slice(row, row + 1)
        alone, _ = oracle.value_and_gradient(
            problem.batch.inputs[part],
            problem.batch.targets[part],
            weights[part] if is_weighted else None,
        )
        assert losses[row] == pytest.approx(alone, rel=1e-12)


def rows_of(batch, rows):
    return Batch(*(part if part is None else part[rows] for part in batch))


@every_network
def test_one_row_has_its_own_gradient_and_rows_add_up(activation, depth, output):
    problem = Problem(activation, depth, output)
    total, gradient = problem.evaluate()
    network, parameters = problem.network(), problem.parameters
    out = parameters.like(np.zeros_like(parameters.flat))
    values = [
        network.gradient(parameters, rows_of(problem.batch, [row]), out=out)[0]
        for row in range(N_ROWS)
    ]
    assert sum(values) == pytest.approx(total, rel=1e-13)
    assert_allclose(out.flat, gradient.flat, rtol=1e-11, atol=1e-13)


def test_a_network_serves_batches_of_changing_sizes():
    problem = Problem(*TYPICAL)
    network = problem.network()
    for n_rows in (4, 1, 3, 4, 2):
        batch = rows_of(problem.batch, slice(n_rows))
        value, gradient = network.gradient(problem.parameters, batch)
        fresh_value, fresh = problem.network().gradient(problem.parameters, batch)
        assert value == fresh_value
        assert_array_equal(gradient.flat, fresh.flat)


def test_the_memory_of_a_size_is_the_same_at_every_call():
    network = Problem(*TYPICAL).network()
    assert network.buffers(3) is network.buffers(3)
    assert network.buffers(3).inputs.shape == (3, N_INPUTS)
    assert network.buffers(3).targets.shape == (3, N_OUTPUTS)


def test_the_output_is_the_preactivation_of_the_last_layer():
    problem = Problem(*TYPICAL)
    output = problem.network().output(problem.parameters, problem.batch.inputs)
    expected = [problem.oracle().forward(x)[0][-1] for x in problem.batch.inputs]
    assert_allclose(output, expected, rtol=1e-12)


DUPLICATES = {
    "pickle": lambda thing: pickle.loads(pickle.dumps(thing)),
    "deepcopy": copy.deepcopy,
}
COPIES = DUPLICATES | {"_replace": lambda parameters: parameters._replace()}


@pytest.mark.parametrize("duplicate", COPIES.values(), ids=COPIES)
@with_or_without_a_path
def test_arrays_of_copied_parameters_are_views_on_their_own_flat(duplicate, shortcut):
    problem = Problem(*TYPICAL, shortcut)
    copied = duplicate(problem.parameters)
    assert type(copied) is layered.Parameters
    assert_array_equal(copied.flat, problem.parameters.flat)
    assert not np.shares_memory(copied.flat, problem.parameters.flat)
    assert len(copied.matrices) == 3 + shortcut
    for array in (*copied.matrices, *(intercept for _, intercept in copied.layers)):
        assert np.shares_memory(array, copied.flat)


@pytest.mark.parametrize("duplicate", DUPLICATES.values(), ids=DUPLICATES)
def test_a_copied_network_computes_alike_in_memory_of_its_own(duplicate):
    problem = Problem(*TYPICAL)
    network = problem.network()
    value, gradient = network.gradient(problem.parameters, problem.batch)
    other_value, other = duplicate(network).gradient(problem.parameters, problem.batch)
    assert other_value == value
    assert_array_equal(other.flat, gradient.flat)
    assert not np.shares_memory(other.flat, gradient.flat)


def test_a_pickled_network_leaves_its_memory_behind():
    architecture = layered.Architecture(
        (3, 4), ACTIVATIONS["tanh"], ACTIVATIONS["identity"], LOSSES["squared_error"]
    )
    network = layered.Network(architecture, np.float64)
    before = len(pickle.dumps(network))
    network.buffers(10_000)
    assert len(pickle.dumps(network)) == before


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_initial_weights_have_the_spread_of_their_activation(activation, rng):
    architecture = layered.Architecture(
        (60, 40, 50),
        ACTIVATIONS[activation],
        ACTIVATIONS["identity"],
        LOSSES["squared_error"],
        True,
    )
    parameters = layered.allocate_parameters(architecture, np.float64)
    layered.initialise(parameters, architecture, rng)
    scale = ACTIVATIONS[activation].initial_scale
    for weights, bound in (
        (parameters.weights_1, scale * (6 / 100) ** 0.5),
        (parameters.weights_2, (6 / 90) ** 0.5),
    ):
        assert np.abs(weights).max() == pytest.approx(bound, rel=0.01)
    for still in (parameters.intercept_1, parameters.intercept_2, parameters.shortcut):
        assert not still.any()


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("sign", [-1, 1])
def test_preactivations_of_800_give_finite_values(activation, sign, dtype):
    problem = Problem(activation, 2, TYPICAL[2], dtype=dtype)
    for _, intercept in problem.parameters.layers:
        intercept[...] = 800 * sign
    problem.parameters.intercept_3[2::2] *= -1  # levels of one block lie far apart
    value, gradient = problem.evaluate()
    assert np.isfinite(value)
    assert np.isfinite(gradient.flat).all()


def test_an_entry_without_weight_has_no_influence():
    problem = Problem(*TYPICAL)
    problem.batch.entry_weights[:, :N_NUMBERS] = 0
    value, gradient = problem.evaluate()
    problem.batch.targets[:, :N_NUMBERS] = 1e6
    same_value, same = problem.evaluate()
    assert same_value == value
    assert_array_equal(same.flat, gradient.flat)


def test_the_losses_of_a_batch_in_single_precision_are_summed_with_all_digits():
    architecture = layered.Architecture(
        (1, 200), ACTIVATIONS["tanh"], ACTIVATIONS["identity"], LOSSES["squared_error"]
    )
    parameters = layered.allocate_parameters(architecture, np.float32)
    network = layered.Network(architecture, np.float32)
    targets = np.full((20_000, 200), 0.1, np.float32)
    total, _ = network.gradient(
        parameters, Batch(np.zeros((20_000, 1), np.float32), targets)
    )
    one = np.float32(0.1) ** 2 / np.float32(2)
    assert total == pytest.approx(targets.size * float(one), rel=1e-12)
