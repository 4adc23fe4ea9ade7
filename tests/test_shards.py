"""Data in parts: facts add up, and sums over parts are the objective of all."""

import copy
import pickle
from types import SimpleNamespace

import numpy as np
import pytest
import scipy.sparse
from numpy.testing import assert_allclose, assert_array_equal
from shard_cases import (
    assert_same,
    every_case,
    make_case,
    rows,
    rows_model,
    sparse_rows,
    split,
    trees,
    with_holes,
)
from sklearn.base import clone

from sk_autoenc import Forest
from sk_autoenc.networks.one_hidden import allocate_parameters
from sk_autoenc.row_facts import RowFacts
from sk_autoenc.shards import InProcess, aligned, facts_of_all, fit_shards
from sk_autoenc.tree_facts import TreeFacts
from sk_autoenc.trees.known import CountsOfForest

pytestmark = pytest.mark.filterwarnings("ignore:Maximum iterations")


@every_case
def test_without_corruption_it_is_what_fit_gives(name):
    model, X = make_case(name)
    if "corruption" in model.get_params():
        model.set_params(corruption=None)
    tolerance = 1e-4 if name == "float32" else 1e-10
    whole = clone(model).fit(X)
    assert_same(fit_shards(model, InProcess(split(X))), whole, tolerance)


@every_case
def test_empty_parts_change_nothing(name):
    model, X = make_case(name)
    parts = split(X)
    empty = parts[1]
    other = fit_shards(clone(model), InProcess([empty, *parts, empty]))
    filled = [part for part in parts if part is not empty]
    assert_same(fit_shards(model, InProcess(filled)), other, 0)


def test_draws_depend_on_the_step_and_the_part():
    seen = []

    def watch(X, level, rng):
        seen.append(rng.random())
        return X.copy()

    model = rows_model(corruption=watch, batch_size=200, max_iter=2)
    for _ in range(2):
        fit_shards(clone(model), InProcess(split(rows())))
    first, again = seen[: len(seen) // 2], seen[len(seen) // 2 :]
    assert len(set(first)) == len(first) == 2 * 4  # two steps on four parts
    assert first == again


def test_an_error_names_the_part_and_leaves_the_model():
    X = rows()
    X[120, 3] = np.inf
    model = rows_model()
    with pytest.raises(ValueError, match="infinity") as raised:
        fit_shards(model, InProcess(split(X)))
    assert raised.value.__notes__ == ["This is about partition 3 of X, counted from 0."]
    assert not hasattr(model, "n_iter_")


# Facts


def settings(**changes):
    usual = {
        "feature_groups": [0, 0, 1, 2, 2, 2, 3, 4],
        "reconstruction_sampling": 1.0,
        "solver": "sgd",
        "corruption": "masking",
        "learn_leaves": True,
    }
    return SimpleNamespace(**usual | changes)


def assert_same_facts(one, other):
    for name, value in one._asdict().items():
        if value is not None and name != "digest":
            assert_allclose(value, getattr(other, name), err_msg=name)


@pytest.mark.parametrize("make", [rows, with_holes, sparse_rows])
def test_facts_of_rows_add_up(make):
    X = make()
    filled = [part for part in split(X) if part.shape[0]]
    whole = RowFacts.of(settings(), X)
    added = facts_of_all([RowFacts.of(settings(), part) for part in filled])
    assert added.dtype == whole.dtype
    assert_same_facts(whole._replace(dtype=None), added._replace(dtype=None))


def test_a_part_in_which_nothing_is_said_of_a_group_decides_nothing():
    X = np.tile([1.0, 0.0, 0.5], (20, 1))
    X[:10, :2] = np.nan
    given = settings(feature_groups=[0, 0, 1], reconstruction_sampling=None)
    silent, telling = (RowFacts.of(given, part) for part in (X[:10], X[10:]))
    assert not silent.layout[1][0]
    assert silent.added(telling).layout[1][0]
    assert telling.added(silent).layout[1][0]


def test_facts_of_trees_add_up():
    forest = Forest.from_nested(trees())
    whole = TreeFacts.of(settings(), forest)
    parts = [
        TreeFacts.of(settings(), forest[a:b]) for a, b in ((0, 7), (7, len(forest)))
    ]
    added = facts_of_all(parts)
    plain = {"dtype": None, "leaf_counts": None}
    assert_same_facts(whole._replace(**plain), added._replace(**plain))


@pytest.mark.parametrize("min_count", [1, 2, 3])
def test_leaves_that_are_frequent_only_together_are_found(min_count):
    a, b, c = np.eye(3)
    first, second = (
        Forest.from_nested([(a, b)]),
        Forest.from_nested([(b, (a, c)), (a,)]),
    )
    together = Forest.from_nested([(a, b), (b, (a, c)), (a,)])
    added = CountsOfForest(first).added(
        pickle.loads(pickle.dumps(CountsOfForest(second)))
    )
    expected = CountsOfForest(together).frequent(min_count)
    assert_array_equal(added.frequent(min_count), expected)


# What came over a network


def misaligned(array):
    """Make the same array, three bytes off."""
    memory = np.empty(array.nbytes + 3, np.uint8)
    copied = memory[3:].view(array.dtype).reshape(array.shape)
    copied[...] = array
    assert not copied.flags.aligned
    return copied


def test_numbers_at_any_byte_are_put_in_their_place():
    X = misaligned(rows())
    assert aligned(X).flags.aligned
    assert_array_equal(aligned(X), X)
    sparse = sparse_rows()
    sparse.data = misaligned(sparse.data)
    assert aligned(sparse).data.flags.aligned
    assert aligned(sparse_rows()[:0]).shape == (0, 8)
    whole = rows()
    assert aligned(whole) is whole


def test_parameters_at_any_byte_are_put_in_their_place():
    parameters = allocate_parameters(3, 5, True, np.float64)
    parameters.flat[...] = np.arange(parameters.flat.size)
    make, (kind, shapes, flat) = parameters.__reduce__()
    again = make(kind, shapes, misaligned(flat))
    assert again.flat.flags.aligned
    assert_array_equal(again.weights, parameters.weights)
    assert np.shares_memory(again.weights, again.flat)
    assert_array_equal(copy.deepcopy(parameters).flat, parameters.flat)


def test_a_sum_can_be_of_read_only_gradients():
    parts = split(sparse_rows())
    filled = [part for part in parts if part.shape[0]]

    class ReadOnly(InProcess):
        def totals(self, function, tasks):
            for task in tasks:
                value, gradient = self.workshop.total(
                    function, [task], [self.data[task.number]]
                )
                gradient.flat.flags.writeable = False
                yield value, gradient

    ours = fit_shards(rows_model(), ReadOnly(filled))
    assert_same(ours, fit_shards(rows_model(), InProcess(filled)))
    assert scipy.sparse.issparse(filled[0])
