import copy
import math
import pickle
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sk_autoenc.networks.parameters import FlatParameters
from sk_autoenc.parts import solvers as solvers_module
from sk_autoenc.parts.solvers import SOLVERS, step_where_touched

START = np.array([0.5, -1.0, 2.0])
GRADIENTS = np.random.default_rng(0).normal(size=(20, 3))

STEPPING = [name for name, solver in SOLVERS.items() if solver.by_minibatches]
SCHEDULES = ("constant", "invscaling", "adaptive", "cosine")

every_solver = pytest.mark.parametrize("name", STEPPING)


def make(name, dtype=np.float64, start=START, **changes):
    """A solver and parameters for it."""
    settings = {
        "learning_rate_init": 0.1,
        "learning_rate": "constant",
        "power_t": 0.5,
        "momentum": 0.9,
        "nesterovs_momentum": True,
        "beta_1": 0.9,
        "beta_2": 0.999,
        "epsilon": 1e-8,
    }
    parameters = start.astype(dtype)
    return SOLVERS[name](parameters, SimpleNamespace(**settings | changes)), parameters


def step(solver, parameters, gradient):
    """Step as the loop does, by a copy of a gradient."""
    scale = np.array(solver.gradient_scale, gradient.dtype)
    return solver.step(parameters, scale * gradient)


def run(name, gradients=GRADIENTS, **changes):
    """Parameters after each step."""
    solver, parameters = make(name, **changes)
    path = []
    for gradient in gradients:
        step(solver, parameters, gradient)
        path.append(parameters.copy())
    return np.array(path)


# Every solver


@every_solver
def test_a_step_moves_the_parameters_in_place_and_keeps_their_dtype(name, dtype):
    solver, parameters = make(name, dtype)
    assert step(solver, parameters, np.ones(3, dtype)) is None
    assert parameters.dtype == dtype
    assert (parameters < START).all()


@every_solver
def test_without_a_gradient_there_is_no_move(name, dtype):
    solver, parameters = make(name, dtype)
    step(solver, parameters, np.zeros(3, dtype))
    assert_array_equal(parameters, START)


@every_solver
def test_steps_descend_a_bowl(name):
    solver, parameters = make(name, learning_rate_init=0.05)
    for _ in range(300):
        step(solver, parameters, parameters)
    assert np.abs(parameters).max() < 0.05


@every_solver
def test_single_precision_agrees_with_double(name):
    paths = []
    for dtype in (np.float32, np.float64):
        solver, parameters = make(name, dtype)
        for gradient in GRADIENTS.astype(dtype):
            step(solver, parameters, gradient)
        paths.append(parameters)
    assert_allclose(paths[0], paths[1], rtol=1e-4, atol=1e-5)


@every_solver
@pytest.mark.parametrize(
    "duplicate", [copy.deepcopy, lambda s: pickle.loads(pickle.dumps(s))]
)
def test_a_copy_goes_on_alike_and_alone(name, duplicate):
    solver, parameters = make(name)
    step(solver, parameters, GRADIENTS[0])
    twin, twin_parameters = duplicate(solver), parameters.copy()
    for gradient in GRADIENTS[1:]:
        step(solver, parameters, gradient)
    for gradient in GRADIENTS[1:]:
        step(twin, twin_parameters, gradient)
    assert_array_equal(twin_parameters, parameters)


@every_solver
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_the_scale_stays_a_python_number_whatever_a_search_hands_over(name, schedule):
    solver, _ = make(
        name,
        learning_rate=schedule,
        **dict.fromkeys(("learning_rate_init", "power_t", "beta_2"), np.float64(0.1)),
    )
    solver.rate.begin_epoch(10, 0.5)
    if solver.rate.can_slow_down:
        solver.rate.slow_down()
    assert type(solver.gradient_scale) is float


# The formulas


def test_plain_sgd_steps_by_rate_times_gradient():
    path = run("sgd", momentum=0, learning_rate_init=0.3)
    assert_allclose(path, START - 0.3 * GRADIENTS.cumsum(axis=0), rtol=0, atol=1e-14)


def test_momentum_adds_to_the_velocity():
    theta, velocity, expected = START, np.zeros(3), []
    for gradient in GRADIENTS:
        velocity = 0.8 * velocity - 0.3 * gradient
        theta = theta + velocity
        expected.append(theta)
    path = run("sgd", momentum=0.8, learning_rate_init=0.3, nesterovs_momentum=False)
    assert_allclose(path, expected, rtol=0, atol=1e-13)


def test_nesterovs_momentum_looks_ahead():
    theta, velocity, expected = START, np.zeros(3), []
    for gradient in GRADIENTS:
        velocity = 0.8 * velocity - 0.3 * gradient
        theta = theta + 0.8 * velocity - 0.3 * gradient
        expected.append(theta)
    path = run("sgd", momentum=0.8, learning_rate_init=0.3)
    assert_allclose(path, expected, rtol=0, atol=1e-13)


@pytest.mark.parametrize(
    ("beta_1", "beta_2", "epsilon"), [(0.9, 0.999, 1e-8), (0, 0, 0.1), (0.5, 0.7, 1e-3)]
)
def test_adam_equals_the_formula_of_its_paper(beta_1, beta_2, epsilon):
    theta, mean, square, expected = list(START), [0.0] * 3, [0.0] * 3, []
    for t, gradient in enumerate(GRADIENTS, start=1):
        for i, g in enumerate(gradient):
            mean[i] = beta_1 * mean[i] + (1 - beta_1) * g
            square[i] = beta_2 * square[i] + (1 - beta_2) * g * g
            rate = 0.01 * math.sqrt(1 - beta_2**t) / (1 - beta_1**t)
            theta[i] -= rate * mean[i] / (math.sqrt(square[i]) + epsilon)
        expected.append(list(theta))
    path = run(
        "adam", learning_rate_init=0.01, beta_1=beta_1, beta_2=beta_2, epsilon=epsilon
    )
    assert_allclose(path, expected, rtol=0, atol=1e-13)


def test_adams_first_step_is_the_rate_whatever_the_gradient():
    path = run("adam", np.array([[1e-3, -5.0, 70.0]]), learning_rate_init=0.01)
    assert_allclose(START - path[0], [0.01, -0.01, 0.01], rtol=1e-3)


def decayed(gradients, weight_decay, **changes):
    """Parameters after each step of Adam with weight decay."""
    solver = SOLVERS["adam"](START, adam_settings(**changes), weight_decay)
    parameters, path = START.copy(), []
    for gradient in gradients:
        step(solver, parameters, gradient)
        path.append(parameters.copy())
    return np.array(path)


def adam_settings(**changes):
    settings = {
        "learning_rate_init": 0.1,
        "learning_rate": "constant",
        "power_t": 0.5,
        "beta_1": 0.9,
        "beta_2": 0.999,
        "epsilon": 1e-8,
    }
    return SimpleNamespace(**settings | changes)


def test_weight_decay_multiplies_the_parameters_beside_adams_update():
    path = decayed(GRADIENTS, 0.7, learning_rate_init=0.01)
    plain = run("adam", learning_rate_init=0.01)
    updates = np.diff(plain, axis=0, prepend=START[None])
    theta, expected = START, []
    for update in updates:
        theta = (1 - 0.01 * 0.7) * theta + update
        expected.append(theta)
    assert_allclose(path, expected, rtol=0, atol=1e-14)


def test_weight_decay_alone_shrinks_by_the_rate_of_the_schedule():
    solver = SOLVERS["adam"](START, adam_settings(learning_rate="cosine"), 0.5)
    parameters = START.copy()
    solver.rate.begin_epoch(0, 0.5)
    step(solver, parameters, np.zeros(3))
    assert_allclose(parameters, START * (1 - 0.05 * 0.5), rtol=1e-14)


def test_without_weight_decay_adam_is_as_it_was():
    assert_array_equal(decayed(GRADIENTS, 0.0), run("adam"))


def test_weight_decay_keeps_single_precision():
    parameters = START.astype(np.float32)
    solver = SOLVERS["adam"](parameters, adam_settings(), 0.3)
    step(solver, parameters, GRADIENTS[0].astype(np.float32))
    assert parameters.dtype == np.float32
    assert_allclose(parameters, decayed(GRADIENTS[:1], 0.3)[0], rtol=1e-5)


# The schedules


def step_length(solver):
    """How far a first step goes: that of plain sgd, and of Adam, is the rate."""
    solver, parameters = copy.deepcopy(solver), np.zeros(3)
    step(solver, parameters, np.ones(3))
    return -parameters[0]


def scheduled(name, schedule, rate=0.3, **changes):
    changes = {"learning_rate": schedule, "learning_rate_init": rate, **changes}
    return make(name, momentum=0, **changes)[0]


@every_solver
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_the_first_epoch_has_the_initial_rate(name, schedule):
    solver = scheduled(name, schedule)
    solver.rate.begin_epoch(0, 0.0)
    assert solver.rate.value == 0.3
    assert step_length(solver) == pytest.approx(0.3, rel=1e-6)


@every_solver
def test_a_constant_rate_stays(name):
    solver = scheduled(name, "constant")
    solver.rate.begin_epoch(10**6, 0.9)
    assert not solver.rate.can_slow_down
    assert step_length(solver) == pytest.approx(0.3, rel=1e-6)


@every_solver
def test_invscaling_divides_the_rate_by_a_power_of_the_samples_seen(name):
    solver = scheduled(name, "invscaling", power_t=0.7)
    for n_samples_seen in (60, 120, 10**6):
        solver.rate.begin_epoch(n_samples_seen, 0.0)
        expected = 0.3 / (n_samples_seen + 1) ** 0.7
        assert step_length(solver) == pytest.approx(expected, rel=1e-6)


@every_solver
def test_adaptive_divides_the_rate_by_five_until_it_is_a_millionth(name):
    solver = scheduled(name, "adaptive", 0.1)
    rate, n_reductions = 0.1, 0
    while solver.rate.can_slow_down:
        assert solver.rate.can_slow_down  # asking changes nothing
        solver.rate.slow_down()
        rate, n_reductions = rate / 5, n_reductions + 1
        solver.rate.begin_epoch(100, 0.5)
        assert step_length(solver) == pytest.approx(rate, rel=1e-6)
    assert n_reductions == math.ceil(math.log(0.1 / 1e-6, 5))


@every_solver
def test_cosine_falls_to_half_in_the_middle_and_towards_zero_at_the_end(name):
    solver, rates = scheduled(name, "cosine"), []
    for epoch in range(100):
        solver.rate.begin_epoch(10 * epoch, epoch / 100)
        rates.append(step_length(solver))
    assert (np.diff(rates) < 0).all()
    assert rates[50] == pytest.approx(0.15, rel=1e-6)
    assert 0 < rates[-1] < 0.001 * rates[0]


@every_solver
def test_cosine_does_not_count_the_samples_seen_before_the_run(name):
    solver = scheduled(name, "cosine")
    solver.rate.begin_epoch(1000, 0.75)
    solver.rate.begin_epoch(2000, 0.0)
    assert solver.rate.value == 0.3


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_only_the_cosine_needs_all_epochs_of_a_run(schedule):
    rate = scheduled("sgd", schedule).rate
    assert rate.needs_all_epochs == (schedule == "cosine")


class Few(FlatParameters):
    """Parameters of which the last array is a table."""

    @property
    def table(self):
        return self.words


def make_few(rng):
    return Few({"weights": (3,), "words": (5, 2)}, rng.standard_normal(13))


@every_solver
def test_a_step_where_touched_is_a_whole_step_if_all_is_touched(name):
    whole, few = (make_few(np.random.default_rng(0)) for _ in range(2))
    solvers = [make(name, start=whole.flat)[0] for _ in range(2)]
    for seed in range(3):
        gradients = [make_few(np.random.default_rng(9 + seed)) for _ in range(2)]
        gradients[1].touched = np.arange(5)
        solvers[0].step(whole.flat, gradients[0].flat)
        step_where_touched(solvers[1], few, gradients[1])
    assert_array_equal(few.flat, whole.flat)


@every_solver
def test_a_step_where_touched_does_not_depend_on_how_many_rows_go_together(
    name, monkeypatch
):
    results = []
    for n_entries in (2**15, 4, 1):
        monkeypatch.setattr(solvers_module, "ENTRIES_AT_A_TIME", n_entries)
        parameters = make_few(np.random.default_rng(0))
        solver, _ = make(name, start=parameters.flat)
        for seed in range(3):
            gradient = make_few(np.random.default_rng(seed))
            gradient.touched = np.array([0, 1, 4])
            step_where_touched(solver, parameters, gradient)
        results.append(parameters.flat)
    assert_array_equal(results[1], results[0])
    assert_array_equal(results[2], results[0])


@every_solver
def test_a_row_that_is_not_touched_keeps_its_value_and_its_moments(name):
    parameters = make_few(np.random.default_rng(0))
    solver, _ = make(name, start=parameters.flat)
    gradient = make_few(np.random.default_rng(1))
    gradient.touched = np.arange(5)
    step_where_touched(solver, parameters, gradient)
    before = parameters.flat.copy()
    moments = {moment: getattr(solver, moment).copy() for moment in solver.moments}
    gradient = make_few(np.random.default_rng(2))
    gradient.touched = np.array([1, 4])
    step_where_touched(solver, parameters, gradient)
    kept = np.s_[3 + 2 * 2 : 3 + 2 * 4]  # rows 2 and 3
    assert_array_equal(parameters.flat[kept], before[kept])
    for moment, values in moments.items():
        assert_array_equal(getattr(solver, moment)[kept], values[kept])
    moved = np.flatnonzero(parameters.flat != before)
    assert_array_equal(moved, [0, 1, 2, 5, 6, 11, 12])


def test_adding_a_gradient_adds_the_touched_rows_only():
    parameters = make_few(np.random.default_rng(0))
    gradient = make_few(np.random.default_rng(1))
    gradient.touched = np.array([3])
    before = parameters.flat.copy()
    parameters.add(gradient)
    expected = before.copy()
    expected[:3] += gradient.flat[:3]
    expected[9:11] += gradient.flat[9:11]
    assert_array_equal(parameters.flat, expected)
