"""Helpers as plain values: what is saved of a model, and what is loaded."""

import pickle
from collections import OrderedDict
from typing import NamedTuple

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from sk_autoenc import (
    DenoisingAutoencoder,
    DenoisingImputer,
    LeafVectorizer,
    MarginalizedDenoisingAutoencoder,
    ReconstructionOutlierDetector,
    TableDenoisingAutoencoder,
    skops_types,
)
from sk_autoenc.parts.plain import KINDS, kept_plain, plain, revived
from sk_autoenc.parts.solvers import SOLVERS

RNG = np.random.default_rng(0)
X = RNG.random((60, 4)).astype(np.float32)
HOLES = np.where(RNG.random(X.shape) < 0.1, np.nan, X)
LEVELS = np.column_stack([HOLES.astype(object), RNG.choice(["a", "b"], 60)])
TREES = [(("a", "b"), "c"), ("c", ("b", "b")), ("a", "c")]
RECORDS = [({"word": "a", "size": 1.0}, {"word": "b", "size": 2.5})]
QUICK = DenoisingAutoencoder(3, max_iter=3, random_state=0)
MODELS = {
    "imputer": (DenoisingImputer(n_estimators=1, random_state=0), HOLES),
    "imputer of levels": (DenoisingImputer(n_estimators=1, random_state=0), LEVELS),
    "outliers": (ReconstructionOutlierDetector(QUICK, random_state=0), X),
    "outliers, default": (ReconstructionOutlierDetector(random_state=0), HOLES),
    "closed form": (MarginalizedDenoisingAutoencoder(2), X),
    "closed form, blocks": (MarginalizedDenoisingAutoencoder(block_size=2), X),
    "table": (TableDenoisingAutoencoder(QUICK, random_state=0), HOLES),
    "tokens": (LeafVectorizer(n_features=5, random_state=0), TREES),
    "records": (LeafVectorizer({"word": "one_hot", "size": "number"}), RECORDS),
}
every_model = pytest.mark.parametrize(("model", "data"), MODELS.values(), ids=MODELS)


def answer(model, data):
    method = "score_samples" if hasattr(model, "score_samples") else "transform"
    found = getattr(model, method)(data)
    return found.leaf_vectors() if hasattr(found, "leaf_vectors") else found


def assert_plain(value):
    assert (
        type(value).__name__ not in KINDS
        or type(value) is not KINDS[type(value).__name__].cls
    )
    parts = value.values() if isinstance(value, dict) else value
    if isinstance(value, dict | list | tuple):
        for part in parts:
            assert_plain(part)


@every_model
def test_a_pickled_model_holds_no_helper_and_answers_alike(model, data):
    model.fit(data)
    for value in model.__getstate__().values():
        assert_plain(value)
    twin = pickle.loads(pickle.dumps(model))
    assert_array_equal(answer(twin, data), answer(model, data))
    assert_array_equal(answer(model, data), answer(twin, data))  # it is as it was


@every_model
def test_skops_trusts_estimators_alone(model, data):
    skops = pytest.importorskip("skops.io")
    model.fit(data)
    saved = skops.dumps(model)
    trusted = skops.get_untrusted_types(data=saved)
    own = f"{type(model).__module__}.{type(model).__qualname__}"
    assert own in trusted
    inner = {"sk_autoenc.denoising.DenoisingAutoencoder"}
    if isinstance(model, TableDenoisingAutoencoder):
        inner.add("sk_autoenc.tables.numbers.BinnedNumbers")
    assert set(trusted) <= {own} | inner
    twin = skops.loads(saved, trusted=skops_types())
    assert_array_equal(answer(twin, data), answer(model, data))


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
