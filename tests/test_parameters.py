import copy
import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sk_autoenc.networks.parameters import FlatParameters, uniform_weights

SHAPES = {"first": (2, 3), "second": (4,)}


class Named(FlatParameters):
    @property
    def both(self):
        return self.first, self.second


def test_named_arrays_are_views_on_flat_one_after_the_other(dtype):
    parameters = Named.zeros(SHAPES, dtype)
    parameters.flat[:] = np.arange(10)
    assert_array_equal(parameters.first, [[0, 1, 2], [3, 4, 5]])
    assert_array_equal(parameters.second, [6, 7, 8, 9])


def test_writing_a_named_array_writes_flat(dtype):
    parameters = Named.zeros(SHAPES, dtype)
    parameters.second[...] = 5
    assert_array_equal(parameters.flat, [0] * 6 + [5] * 4)


def test_parameters_are_zeros_contiguous_and_of_the_dtype(dtype):
    parameters = Named.zeros(SHAPES, dtype)
    assert not parameters.flat.any()
    for name in ("flat", *SHAPES):
        array = getattr(parameters, name)
        assert array.flags.c_contiguous
        assert array.flags.writeable
        assert array.dtype == dtype


def test_uniform_weights_fill_the_interval_of_their_fans(rng):
    weights = np.empty((100, 200))
    uniform_weights(weights, 4.0, rng)
    bound = 4 * (6 / 300) ** 0.5
    assert np.abs(weights).max() <= bound
    assert np.abs(weights).max() == pytest.approx(bound, rel=1e-3)
    assert weights.mean() == pytest.approx(0, abs=5 * bound / (3 * weights.size) ** 0.5)
    assert weights.var() == pytest.approx(bound**2 / 3, rel=0.03)


def test_weights_of_one_seed_agree_in_both_precisions():
    single, double = np.empty((5, 7), np.float32), np.empty((5, 7))
    for weights in (single, double):
        uniform_weights(weights, 1.0, np.random.default_rng(0))
    assert_allclose(single, double, rtol=1e-6)


def named():
    parameters = Named.zeros(SHAPES, np.float64)
    parameters.flat[:] = np.arange(10)
    return parameters


COPIES = {
    "pickle": lambda parameters: pickle.loads(pickle.dumps(parameters)),
    "deepcopy": copy.deepcopy,
    "copy": copy.copy,
    "_replace": lambda parameters: parameters._replace(second=np.arange(6, 10)),
    "_replace flat": lambda parameters: parameters._replace(flat=np.arange(10)),
}


@pytest.mark.parametrize("duplicate", COPIES.values(), ids=COPIES)
def test_arrays_of_a_copy_are_views_on_its_own_flat(duplicate):
    parameters = duplicate(named())
    assert type(parameters) is Named
    assert_array_equal(parameters.flat, np.arange(10))
    for array in parameters.both:
        assert np.shares_memory(array, parameters.flat)
    parameters.first[...] = 7
    assert_array_equal(parameters.flat, [7] * 6 + [6, 7, 8, 9])


@pytest.mark.parametrize("name", ["pickle", "deepcopy", "_replace", "_replace flat"])
def test_a_copy_has_memory_of_its_own(name):
    original = named()
    assert not np.shares_memory(COPIES[name](original).flat, original.flat)


def test_replace_changes_the_named_array_alone():
    replaced = named()._replace(second=[0, 0, 0, 0])
    assert_array_equal(replaced.flat, [0, 1, 2, 3, 4, 5, 0, 0, 0, 0])
