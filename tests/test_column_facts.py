"""What columns of a table hold, learned part by part."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal

from sk_autoenc import DenoisingImputer
from sk_autoenc.shards import InProcess, fit_shards
from sk_autoenc.tables.column_facts import CategoryFacts, NumberFacts
from sk_autoenc.tables.columns import learn_numbers

numbers = arrays(float, st.integers(0, 6), elements=st.floats(-1e3, 1e3))


@given(first=numbers, second=numbers, size=st.sampled_from([1.0, 1e-200, 1e300]))
def test_mean_and_variance_add_up(first, second, size):
    parts = [NumberFacts.of("x", size * part) for part in (first, second)]
    column, n_observed = parts[0].added(parts[1])
    whole = learn_numbers("x", size * np.concatenate([first, second]))
    assert n_observed == len(first) + len(second)
    assert_allclose(column.mean, whole.mean, rtol=1e-9, atol=1e-9 * size)
    assert_allclose(column.scale, whole.scale, rtol=1e-6, atol=1e-9 * size)
    assert column.is_whole == whole.is_whole
    assert column.is_empty == whole.is_empty


def test_a_constant_stays_one():
    parts = [NumberFacts.of("x", np.full(n, 0.1)) for n in (3, 4)]
    assert parts[0].added(parts[1]).column == learn_numbers("x", np.full(7, 0.1))


def test_levels_are_counted_over_parts():
    parts = [["b", "a", "b"], ["c", "a", "a"]]
    facts = [CategoryFacts.of("x", np.array(part, object)) for part in parts]
    column = facts[0].added(facts[1]).described()
    whole = CategoryFacts.of("x", np.array(parts[0] + parts[1], object)).described()
    assert_array_equal(column.levels, whole.levels)
    assert column.most_frequent == whole.most_frequent == "a"


def mixed(n_rows=80):
    rng = np.random.default_rng(0)
    X = np.empty((n_rows, 3), object)
    X[:, 0] = rng.random(n_rows)
    X[:, 1] = rng.integers(5, size=n_rows)
    X[:, 2] = np.where(X[:, 0] > 0.5, "high", "low")
    X[3, 0] = X[70, 2] = np.nan
    return X


def imputer(**settings):
    return DenoisingImputer(n_estimators=1, max_steps=20, random_state=0, **settings)


def test_an_imputer_of_parts_is_that_of_the_whole():
    X = mixed()
    whole = imputer(add_indicator=True).fit(X)
    ours = fit_shards(imputer(add_indicator=True), InProcess([X[:30], X[30:]]))
    for one, other in zip(ours.statistics_, whole.statistics_, strict=True):
        assert one == other or one == pytest.approx(other)
    assert_array_equal(ours.indicator_.features_, whole.indicator_.features_)
    filled, expected = ours.transform(X), whole.transform(X)
    assert filled[3, 0] == pytest.approx(expected[3, 0], abs=1e-3)
    assert filled[70, 2] == expected[70, 2]


def test_a_column_that_is_a_category_in_one_part_is_one_in_all():
    X = mixed()
    X[:40, 2] = 1.0
    whole = imputer().fit(X)
    ours = fit_shards(imputer(), InProcess([X[:40], X[40:]]))
    assert ours.statistics_[2] == whole.statistics_[2] == 1.0
    assert_array_equal(
        ours._encoding.columns[2].levels, whole._encoding.columns[2].levels
    )


def test_networks_learn_from_as_many_rows_as_their_steps_can_see():
    X = np.random.default_rng(0).random((400, 3))
    X[::7, 1] = np.nan
    parts = [X[:100], X[100:]]
    few = imputer(batch_size=10)
    one, two = (
        fit_shards(few, InProcess(parts)).transform(X),
        fit_shards(few, InProcess(parts)).transform(X),
    )
    assert_array_equal(one, two)
    assert_allclose(few.statistics_, np.nanmean(X, axis=0))
    assert np.isfinite(one).all()
