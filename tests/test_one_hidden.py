from itertools import product

import numpy as np
import pytest
import scipy.sparse
from numpy.testing import assert_allclose, assert_array_equal
from oracles import FUNCTIONS, Oracle

from sk_autoenc.feeds import Batch, RowFeed
from sk_autoenc.networks import one_hidden
from sk_autoenc.objectives import Objective
from sk_autoenc.parts.activations import ACTIVATIONS
from sk_autoenc.parts.losses import LOSSES

N_ROWS, N_FEATURES, N_COMPONENTS = 5, 4, 3
OUTPUTS = [
    (name, output) for name in LOSSES for output in LOSSES[name].output_activations
]
NETWORKS = list(product(ACTIVATIONS, OUTPUTS, [True, False], [0.0, 0.3]))
KNOWN = [network for network in NETWORKS if network[0] in FUNCTIONS]

every_network = pytest.mark.parametrize(
    ("activation", "output", "is_tied", "alpha"),
    NETWORKS,
    ids=lambda value: "-".join(value) if isinstance(value, tuple) else str(value),
)
every_known_network = pytest.mark.parametrize(
    ("activation", "output", "is_tied", "alpha"),
    KNOWN,
    ids=lambda value: "-".join(value) if isinstance(value, tuple) else str(value),
)
with_and_without_emphasis = pytest.mark.parametrize(
    "emphasis", [None, (1.0, 0.5), (1.0, 0.0)], ids=str
)


def encode(inputs, parameters, activation, out):
    intercept = parameters.intercept_hidden
    return one_hidden.encode(inputs, parameters.weights, intercept, activation, out)


def decode(hidden, parameters, activation, out):
    weights, intercept = parameters.decoder_weights, parameters.intercept_visible
    return one_hidden.decode(hidden, weights, intercept, activation.value, out)


class Problem:
    """A network with random parameters and a corrupted batch, away from every kink."""

    def __init__(self, activation, output, is_tied, alpha, emphasis=None, dtype=float):
        loss, output_activation = output
        self.names = (activation, output_activation, loss)
        self.architecture = one_hidden.Architecture(
            ACTIVATIONS[activation],
            ACTIVATIONS[output_activation],
            LOSSES[loss],
            is_tied,
        )
        self.alpha = alpha
        for seed in range(100):
            self.draw(np.random.default_rng(seed), is_tied, emphasis, dtype)
            if self.distance_from_kinks() > 0.02:
                return
        raise AssertionError("no seed keeps away from the kinks")

    def draw(self, rng, is_tied, emphasis, dtype):
        shape = (N_ROWS, N_FEATURES)
        self.clean = rng.uniform(0.05, 0.95, shape).astype(dtype)
        untouched = rng.random(shape) < 0.6
        self.corrupted = self.clean * untouched
        self.entry_weights = None
        if emphasis:
            on_corrupted, on_untouched = emphasis
            self.entry_weights = np.where(untouched, on_untouched, on_corrupted)
        self.parameters = self.allocate(dtype)
        self.parameters.flat[:] = rng.uniform(-1, 1, self.parameters.flat.shape)

    def allocate(self, dtype=float):
        return one_hidden.allocate_parameters(
            N_COMPONENTS, N_FEATURES, self.architecture.tied, dtype
        )

    def distance_from_kinks(self):
        """Smallest pre-activation, by the module's own encoder and decoder."""
        identity = ACTIVATIONS["identity"]
        hidden = np.empty((N_ROWS, N_COMPONENTS), self.clean.dtype)
        h1 = encode(self.corrupted, self.parameters, identity, hidden).copy()
        self.architecture.activation.value(hidden)
        h2 = decode(hidden, self.parameters, identity, np.empty_like(self.clean))
        return min(np.abs(h1).min(), np.abs(h2).min())

    def network(self):
        shape = self.parameters.weights.shape
        return one_hidden.Network(self.architecture, *shape, self.clean.dtype)

    def batch(self, inputs=None):
        inputs = self.corrupted if inputs is None else inputs
        return Batch(inputs, self.clean, self.entry_weights)

    def evaluate(self, flat=None, inputs=None, scale=1.0):
        """Mean with penalty, and gradient, at other parameters if given."""
        parameters = self.parameters
        if flat is not None:
            parameters = parameters._replace(flat=flat)
        objective = Objective(
            self.network(), lambda rows: self.batch(inputs), self.alpha
        )
        return objective(parameters, np.arange(N_ROWS), scale)

    def oracle(self):
        parameters = self.parameters
        return Oracle(
            parameters.weights,
            parameters.intercept_hidden,
            parameters.intercept_visible,
            None if self.architecture.tied else parameters.decoder_weights,
            *self.names,
            self.alpha,
        )


@every_network
@with_and_without_emphasis
def test_gradient_equals_central_differences(
    activation, output, is_tied, alpha, emphasis
):
    problem = Problem(activation, output, is_tied, alpha, emphasis)
    flat, step = problem.parameters.flat, 1e-5
    numerical = [
        (problem.evaluate(flat + move)[0] - problem.evaluate(flat - move)[0])
        / (2 * step)
        for move in step * np.eye(flat.size)
    ]
    _, gradient = problem.evaluate()
    assert_allclose(gradient.flat, numerical, rtol=1e-6, atol=1e-9)


@every_network
@with_and_without_emphasis
def test_taylor_error_quarters_when_the_step_halves(
    activation, output, is_tied, alpha, emphasis
):
    problem = Problem(activation, output, is_tied, alpha, emphasis)
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


@every_known_network
@with_and_without_emphasis
def test_value_and_gradient_equal_the_sums_of_the_note(
    activation, output, is_tied, alpha, emphasis
):
    problem = Problem(activation, output, is_tied, alpha, emphasis)
    value, gradient = problem.evaluate()
    expected_value, expected = problem.oracle().value_and_gradient(
        problem.clean, problem.corrupted, problem.entry_weights
    )
    assert value == pytest.approx(expected_value, rel=1e-12)
    parts = {
        "weights": gradient.weights,
        "intercept_hidden": gradient.intercept_hidden,
        "intercept_visible": gradient.intercept_visible,
    }
    if not is_tied:
        parts["decoder"] = gradient.decoder_weights
    assert set(parts) == set(expected)
    for name, part in parts.items():
        assert_allclose(part, expected[name], rtol=0, atol=1e-12, err_msg=name)


NOTE = ("logistic", ("cross_entropy", "logistic"))
either_tied = pytest.mark.parametrize("is_tied", [True, False])


@either_tied
@pytest.mark.parametrize("kind", [scipy.sparse.csr_matrix, scipy.sparse.csr_array])
def test_sparse_inputs_give_the_gradient_of_dense_ones(is_tied, kind):
    problem = Problem(*NOTE, is_tied, 0.1)
    value, gradient = problem.evaluate()
    sparse_value, sparse_gradient = problem.evaluate(inputs=kind(problem.corrupted))
    assert sparse_value == pytest.approx(value, rel=1e-14)
    assert_allclose(sparse_gradient.flat, gradient.flat, rtol=1e-12, atol=1e-14)


@every_network
def test_single_precision_stays_and_agrees_with_double(
    activation, output, is_tied, alpha
):
    double = Problem(activation, output, is_tied, alpha)
    single = Problem(activation, output, is_tied, alpha, dtype=np.float32)
    value, gradient = single.evaluate()
    assert gradient.flat.dtype == np.float32
    assert value == pytest.approx(double.evaluate()[0], rel=1e-5)
    assert_allclose(gradient.flat, double.evaluate()[1].flat, rtol=1e-3, atol=1e-4)


@either_tied
def test_penalty_is_on_the_weights_and_never_on_the_intercepts(is_tied):
    without, with_penalty = (Problem(*NOTE, is_tied, alpha) for alpha in (0.0, 0.5))
    value, gradient = without.evaluate()
    penalised_value, penalised = with_penalty.evaluate()
    matrices = without.parameters.matrices
    assert len(matrices) == 2 - is_tied
    expected = sum(0.25 * (matrix**2).sum() for matrix in matrices)
    assert penalised_value - value == pytest.approx(expected)
    for part in ("intercept_hidden", "intercept_visible"):
        assert_array_equal(getattr(penalised, part), getattr(gradient, part))
    assert_allclose(penalised.weights - gradient.weights, 0.5 * matrices[0], atol=1e-14)


@either_tied
def test_scale_multiplies_the_gradient_with_its_penalty_and_not_the_value(is_tied):
    problem = Problem(*NOTE, is_tied, 0.2)
    sparse = scipy.sparse.csr_array(problem.corrupted)
    value, gradient = problem.evaluate()
    for inputs in (None, sparse):
        same_value, scaled = problem.evaluate(inputs=inputs, scale=0.3)
        assert same_value == pytest.approx(value, rel=1e-14)
        assert_allclose(scaled.flat, 0.3 * gradient.flat, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("n_rows", [1, 40, 41, 20_000])
def test_the_loss_of_a_batch_in_single_precision_is_summed_with_all_its_digits(n_rows):
    n_features = 200
    architecture = one_hidden.Architecture(
        ACTIVATIONS["identity"],
        ACTIVATIONS["identity"],
        LOSSES["squared_error"],
        True,
    )
    parameters = one_hidden.allocate_parameters(1, n_features, True, np.float32)
    network = one_hidden.Network(architecture, 1, n_features, np.float32)
    clean = np.full((n_rows, n_features), 0.1, np.float32)
    total, _ = network.gradient(parameters, Batch(np.zeros_like(clean), clean))
    expected = n_rows * n_features * np.float32(0.1) ** 2 / 2
    assert total == pytest.approx(expected, rel=3e-6)


def test_a_network_serves_one_batch_after_another_and_a_new_scale():
    problem = Problem(*NOTE, True, 0.2)
    network, batch = problem.network(), problem.batch()
    total, gradient = network.gradient(problem.parameters, batch)
    expected = gradient.flat.copy()
    for scale in (1.0, 0.3, 0.3, 2.0):
        same_total, scaled = network.gradient(problem.parameters, batch, scale)
        assert same_total == total
        assert_allclose(scaled.flat, scale * expected, rtol=1e-12)


@either_tied
@pytest.mark.parametrize("emphasis", [None, (1.0, 0.5)])
def test_losses_are_of_each_row_and_add_up_to_the_total_of_the_gradient(
    is_tied, emphasis
):
    problem = Problem(*NOTE, is_tied, 0.2, emphasis)
    losses = problem.network().losses(problem.parameters, problem.batch())
    assert losses.shape == (N_ROWS,)
    total, _ = problem.network().gradient(problem.parameters, problem.batch())
    assert losses.sum() == pytest.approx(total, rel=1e-14)
    first = Batch(*(part if part is None else part[:1] for part in problem.batch()))
    alone = problem.network().losses(problem.parameters, first)
    assert_allclose(alone, losses[:1], rtol=1e-14)


@either_tied
def test_a_batch_stays_as_it_is(is_tied):
    problem = Problem(*NOTE, is_tied, 0.2, (1.0, 0.5))
    batch = problem.batch()
    before = [part if part is None else part.copy() for part in batch]
    problem.network().gradient(problem.parameters, batch)
    for part, unchanged in zip(batch, before, strict=True):
        assert_array_equal(part, unchanged)


@either_tied
def test_duplicated_rows_change_neither_value_nor_gradient(is_tied):
    """Means over rows, for the weights as for both intercepts, not sums."""
    problem = Problem(*NOTE, is_tied, 0.2)
    value, gradient = problem.evaluate()
    twice = RowFeed(np.tile(problem.clean, (2, 1)), corruption=Given(problem.corrupted))
    objective = Objective(problem.network(), twice, problem.alpha)
    twice_value, twice_gradient = objective(problem.parameters, np.arange(2 * N_ROWS))
    assert twice_value == pytest.approx(value, rel=1e-14)
    assert_allclose(twice_gradient.flat, gradient.flat, atol=1e-14)


class Given:
    """The corruption that gives these rows, again and again."""

    elementwise_on_nonzeros = False

    def __init__(self, corrupted):
        self.corrupted = corrupted

    def corrupt(self, clean, out):
        out[...] = np.resize(self.corrupted, clean.shape)
        return out == clean


@either_tied
@pytest.mark.parametrize("sign", [-1, 1])
def test_visible_preactivations_of_800_give_finite_and_right_values(
    is_tied, sign, dtype
):
    problem = Problem(*NOTE, is_tied, 0.0, dtype=dtype)
    problem.parameters.weights[...] = 0
    problem.parameters.decoder_weights[...] = 0
    problem.parameters.intercept_visible[...] = 800 * sign
    value, gradient = problem.evaluate()
    missed = 1 - problem.clean if sign > 0 else problem.clean
    assert value == pytest.approx(800 * missed.sum(axis=1).mean(), rel=1e-6)
    expected = ((sign > 0) - problem.clean).mean(axis=0)
    assert_allclose(gradient.intercept_visible, expected, rtol=1e-5)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("sign", [-1, 1])
def test_hidden_preactivations_of_800_give_finite_values(activation, sign, dtype):
    problem = Problem(activation, NOTE[1], True, 0.0, dtype=dtype)
    problem.parameters.intercept_hidden[...] = 800 * sign
    value, gradient = problem.evaluate()
    assert np.isfinite(value)
    assert np.isfinite(gradient.flat).all()


def test_a_saturated_hidden_layer_passes_no_gradient_on(dtype):
    problem = Problem(*NOTE, False, 0.0, dtype=dtype)
    problem.parameters.intercept_hidden[...] = 800
    _, gradient = problem.evaluate()
    assert not gradient.weights.any()
    assert not gradient.intercept_hidden.any()
    assert gradient.decoder_weights.any()


def test_tied_decoder_weights_are_the_weights_themselves():
    parameters = one_hidden.allocate_parameters(3, 4, True, np.float64)
    assert parameters.decoder_weights is parameters.weights
    assert parameters.flat.size == 3 * 4 + 3 + 4


def test_free_decoder_weights_have_their_own_place():
    parameters = one_hidden.allocate_parameters(3, 4, False, np.float64)
    assert not np.shares_memory(parameters.decoder_weights, parameters.weights)
    assert parameters.flat.size == 2 * 3 * 4 + 3 + 4


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_initial_weights_have_the_spread_of_their_activation(activation, rng):
    architecture = one_hidden.Architecture(
        ACTIVATIONS[activation],
        ACTIVATIONS["identity"],
        LOSSES["squared_error"],
        False,
    )
    parameters = one_hidden.allocate_parameters(40, 60, False, np.float64)
    one_hidden.initialise(parameters, architecture, rng)
    bound = (6 / 100) ** 0.5
    scale = ACTIVATIONS[activation].initial_scale
    assert np.abs(parameters.weights).max() == pytest.approx(scale * bound, rel=0.01)
    assert np.abs(parameters.decoder_weights).max() == pytest.approx(bound, rel=0.01)
    assert not parameters.intercept_hidden.any()
    assert not parameters.intercept_visible.any()


@pytest.mark.parametrize("activation", FUNCTIONS)
def test_encode_and_decode_equal_the_equations(activation):
    problem = Problem(activation, ("squared_error", activation), False, 0.0)
    function = ACTIVATIONS[activation]
    hidden = np.empty((N_ROWS, N_COMPONENTS))
    hidden = encode(problem.clean, problem.parameters, function, hidden)
    decoded = np.empty((N_ROWS, N_FEATURES))
    decoded = decode(hidden, problem.parameters, function, decoded)
    oracle = problem.oracle()
    assert_allclose(hidden, [oracle.encode(x) for x in problem.clean], atol=1e-13)
    assert_allclose(decoded, [oracle.reconstruct(x) for x in problem.clean], atol=1e-13)
