"""Helpers as plain values: what is saved of a model, and what is loaded."""

import pickle
from collections import OrderedDict
from typing import NamedTuple

import numpy as np
import pytest
from every_estimator import ESTIMATORS, EXAMPLES, answers, every_example
from numpy.testing import assert_array_equal

from sk_autoenc import (
    DenoisingAutoencoder,
    MarginalizedDenoisingAutoencoder,
    skops_types,
)
from sk_autoenc.parts.plain import KINDS, kept_plain, plain, revived
from sk_autoenc.parts.solvers import SOLVERS

X = np.random.default_rng(0).random((60, 4)).astype(np.float32)


def assert_same(answers, expected):
    assert answers.keys() == expected.keys()
    for name, values in answers.items():
        assert_array_equal(values, expected[name], err_msg=name)


def assert_plain(value):
    assert (
        type(value).__name__ not in KINDS
        or type(value) is not KINDS[type(value).__name__].cls
    )
    parts = value.values() if isinstance(value, dict) else value
    if isinstance(value, dict | list | tuple):
        for part in parts:
            assert_plain(part)


def test_every_estimator_has_an_example():
    assert {type(example.model) for example in EXAMPLES.values()} == set(ESTIMATORS)


@every_example
def test_a_pickled_model_holds_no_helper_and_answers_alike(name):
    model, X = EXAMPLES[name].fitted(), EXAMPLES[name].X
    expected = answers(model, X)
    for value in model.__getstate__().values():
        assert_plain(value)
    twin = pickle.loads(pickle.dumps(model))
    assert_same(answers(twin, X), expected)
    assert_same(answers(model, X), expected)  # it is as it was
    assert vars(twin).keys() == vars(model).keys()


@every_example
def test_skops_trusts_estimators_and_forests_alone(name):
    skops = pytest.importorskip("skops.io")
    model, X = EXAMPLES[name].fitted(), EXAMPLES[name].X
    saved = skops.dumps(model)
    trusted = skops.get_untrusted_types(data=saved)
    assert f"{type(model).__module__}.{type(model).__qualname__}" in trusted
    assert set(trusted) <= set(skops_types())
    twin = skops.loads(saved, trusted=skops_types())
    assert_same(answers(twin, X), answers(model, X))


def test_a_closed_form_that_was_loaded_takes_more_rows():
    model = MarginalizedDenoisingAutoencoder().partial_fit(X[:30])
    twin = pickle.loads(pickle.dumps(model))
    expected = model.partial_fit(X[30:]).transform(X)
    assert_array_equal(twin.partial_fit(X[30:]).transform(X), expected)


@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_a_solver_is_an_object_in_memory_and_plain_in_a_pickle(solver):
    model = DenoisingAutoencoder(3, solver=solver, max_iter=3)
    model.fit(X)
    assert type(model._solver) is SOLVERS[solver]
    assert_plain(model.__getstate__()["_solver"])
    twin = pickle.loads(pickle.dumps(model))
    assert type(twin._solver) is SOLVERS[solver]
    assert plain(twin._solver).keys() == plain(model._solver).keys()


def test_helpers_are_found_however_deep_they_lie():
    @kept_plain
    class Inner(NamedTuple):
        value: list

    @kept_plain(fields=("inner",), make="of")
    class Outer:
        @classmethod
        def of(cls, inner):
            outer = cls()
            outer.inner, outer.derived = inner, len(inner[0].value)
            return outer

    @kept_plain(fields="all")
    class Whole:
        def __init__(self, cls):  # the name of an attribute is free
            self.cls = cls, Inner([2])

    try:
        assert_plain(kept := plain(Whole(1)))
        assert revived(kept).cls == (1, Inner([2]))
        outer = Outer.of((Inner([1, Inner(["x"])]), None))
        there = {"a": [outer], 2: OrderedDict(b=1)}
        assert_plain(kept := plain(there))
        assert kept[2] is there[2]  # what is no list, tuple, dict or helper stays
        back = revived(kept)
        assert back["a"][0].inner == outer.inner
        assert back["a"][0].derived == 2
        with pytest.raises(TypeError, match="another helper of the name Inner"):
            kept_plain(Inner)
    finally:
        del KINDS["Inner"], KINDS["Outer"], KINDS["Whole"]
