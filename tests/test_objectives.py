import copy
import pickle
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from itertools import pairwise

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sk_autoenc import DenoisingAutoencoder, RAETransformer, UnfoldingRAETransformer
from sk_autoenc.feeds import RowFeed, TreeFeed
from sk_autoenc.objectives import Objective, SumOverChunks
from sk_autoenc.trees.forest import Forest

ALPHA = 0.1


def random_trees(n_trees):
    rng = np.random.default_rng(0)

    def tree(depth):
        if depth == 0 or rng.random() < 0.3:
            return rng.normal(size=3)
        return tuple(tree(depth - 1) for _ in range(rng.integers(1, 4)))

    return Forest.from_nested([tree(3) for _ in range(n_trees)])


def make_rows(tied):
    X = np.random.default_rng(0).random((40, 6))
    estimator = DenoisingAutoencoder(
        4, tied_weights=tied, corruption=None, alpha=ALPHA, random_state=0
    )
    return estimator, X, RowFeed


def make_trees(Estimator):
    estimator = Estimator(4, alpha=ALPHA, init="glorot", random_state=0)
    return estimator, random_trees(40), TreeFeed


CASES = {
    "tied rows": lambda: make_rows(True),
    "untied rows": lambda: make_rows(False),
    "unfolding trees": lambda: make_trees(UnfoldingRAETransformer),
    "trees": lambda: make_trees(RAETransformer),
}


def make_case(name):
    """An objective of all rows, its parameters, and the objectives of chunks."""
    estimator, data, feed = CASES[name]()
    problem = estimator._problem(data, None, True)
    network = problem.objective.network
    whole = Objective(network, feed(data), ALPHA)
    bounds = [0, 7, 20, 21, 40]
    chunks = [
        Objective(copy.deepcopy(network), feed(data[first:last]), ALPHA)
        for first, last in pairwise(bounds)
    ]
    return whole, problem.parameters, chunks


@pytest.fixture(params=CASES)
def case(request):
    return make_case(request.param)


def assert_equal_results(first, second):
    (value, gradient), (other_value, other_gradient) = first, second
    assert value == pytest.approx(other_value, rel=1e-13)
    scale = np.abs(other_gradient.flat).max()
    assert_allclose(gradient.flat / scale, other_gradient.flat / scale, atol=1e-13)


@pytest.mark.parametrize("alpha", [0.0, ALPHA])
@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("in_chunks", [False, True])
def test_a_gradient_is_added_to_what_is_given_be_it_the_parameters(
    name, in_chunks, alpha
):
    objective, parameters, chunks = make_case(name)
    rows = np.arange(30)
    if in_chunks:
        objective = SumOverChunks(chunks)
    for part in [objective, *chunks]:
        part.alpha = alpha
    value, gradient = objective(parameters, rows, -0.3)
    other = parameters.like(np.full_like(parameters.flat, 2.0))
    sums = {"other": other.flat + gradient.flat, "own": parameters.flat + gradient.flat}
    for out, expected in ((other, sums["other"]), (parameters, sums["own"])):
        same_value, added = objective(parameters, rows, -0.3, out)
        assert added is out
        assert same_value == pytest.approx(value, rel=1e-14)
        assert_allclose(out.flat, expected, rtol=1e-13, atol=1e-14)


DUPLICATES = {
    "itself": lambda objective: objective,
    "pickle": lambda objective: pickle.loads(pickle.dumps(objective)),
    "deepcopy": copy.deepcopy,
}
every_duplicate = pytest.mark.parametrize(
    "duplicate", DUPLICATES.values(), ids=DUPLICATES
)


@every_duplicate
def test_an_objective_survives_with_its_gradient(case, duplicate):
    whole, parameters, _ = case
    rows = np.arange(40)
    value, gradient = whole(parameters, rows, 0.5)
    again, parameters = duplicate((whole, parameters))
    same_value, same_gradient = again(parameters, rows, 0.5)
    assert gradient.flat.any()
    assert same_value == value
    assert type(same_gradient) is type(parameters)
    assert_array_equal(same_gradient.flat, gradient.flat)
    for array in same_gradient.matrices:
        assert np.shares_memory(array, same_gradient.flat)


@every_duplicate
@pytest.mark.parametrize("shuffled", [False, True])
def test_chunks_add_up_to_the_objective_of_all_rows(case, duplicate, shuffled):
    whole, parameters, chunks = case
    rows = np.random.default_rng(1).permutation(40)[:33] if shuffled else np.arange(40)
    by_chunks = duplicate(SumOverChunks(chunks))
    assert_equal_results(by_chunks(parameters, rows, 0.5), whole(parameters, rows, 0.5))


def test_chunks_without_a_chosen_row_are_not_asked(case):
    whole, parameters, chunks = case
    chunks[0].network = chunks[2].network = None
    rows = np.array([8, 9, 39])
    assert_equal_results(
        SumOverChunks(chunks)(parameters, rows), whole(parameters, rows)
    )


def test_chunks_of_threads_add_up_too(case):
    whole, parameters, chunks = case
    rows = np.arange(40)
    with ThreadPoolExecutor(2) as pool:
        by_chunks = SumOverChunks(chunks, map=pool.map)
        assert_equal_results(by_chunks(parameters, rows), whole(parameters, rows))


def test_chunks_of_processes_add_up_too():
    whole, parameters, chunks = make_case("unfolding trees")
    rows = np.arange(40)
    with ProcessPoolExecutor(1) as pool:
        by_chunks = SumOverChunks(chunks, map=pool.map)
        assert_equal_results(by_chunks(parameters, rows), whole(parameters, rows))


def test_the_losses_of_rows_have_the_mean_that_the_objective_gives(case):
    whole, parameters, _ = case
    rows = np.array([5, 39, 17])
    losses = whole.losses(parameters, rows)
    whole.alpha = 0
    assert losses.mean() == pytest.approx(whole(parameters, rows)[0], rel=1e-13)
    assert_allclose(whole.losses(parameters)[rows], losses, rtol=1e-13)


def test_the_penalty_counts_once_however_many_chunks(case):
    _, parameters, chunks = case
    with_penalty, _ = SumOverChunks(chunks)(parameters, np.arange(40))
    for chunk in chunks:
        chunk.alpha = 0
    without, _ = SumOverChunks(chunks)(parameters, np.arange(40))
    sum_of_squares = sum((matrix**2).sum() for matrix in parameters.matrices)
    assert with_penalty - without == pytest.approx(ALPHA / 2 * sum_of_squares)
