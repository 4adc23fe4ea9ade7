"""DenoisingImputer: what it fills in, and that it fills well."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.impute import MissingIndicator, SimpleImputer
from table_models import (
    THOROUGH,
    correlated,
    fill,
    holes,
    make,
    mixed_frame,
    mixed_polars,
    outputs,
    punch,
)

from sk_autoenc import DenoisingImputer

TABLES = {
    "float64": holes(),
    "float32": holes(dtype=np.float32),
    "list": holes().tolist(),
    "object": mixed_frame().astype(object).to_numpy(),
    "pandas": mixed_frame(),
    "polars": mixed_polars(),
}
every_table = pytest.mark.parametrize("X", TABLES.values(), ids=TABLES)


def entries(X):
    """All entries, as objects."""
    if isinstance(X, pl.DataFrame):
        return np.array(X.rows(), object)
    return np.asarray(X).astype(object)


def is_hole(X):
    return pd.isna(entries(X))


# What stays, and what is filled


@every_table
def test_what_was_observed_comes_back_as_it_was_and_no_hole_is_left(X):
    filled = fill(X)
    observed = ~is_hole(X)
    assert_array_equal(entries(filled)[observed], entries(X)[observed])
    assert not is_hole(filled).any()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_observed_numbers_come_back_bit_by_bit_in_their_type(dtype):
    X = holes(dtype=dtype)
    X[~np.isnan(X)] *= dtype(1 / 3)
    filled = fill(X)
    assert filled.dtype == dtype
    observed = ~np.isnan(X)
    assert filled[observed].tobytes() == X[observed].tobytes()


def test_a_pandas_frame_keeps_types_names_and_index():
    X = mixed_frame()
    before = X.copy(deep=True)
    filled = fill(X)
    assert isinstance(filled, pd.DataFrame)
    pd.testing.assert_series_equal(filled.dtypes, X.dtypes)
    assert_array_equal(filled.index, X.index)
    pd.testing.assert_frame_equal(X, before)


@pytest.mark.parametrize("dtype", ["double", "float", "int8", "bool", "string"])
def test_types_of_pyarrow_in_a_pandas_frame_are_kept(dtype):
    pytest.importorskip("pyarrow")
    values = ["0", "1", None] * 9 if dtype == "string" else [0, 1, None] * 9
    X = pd.DataFrame({"a": pd.array(values, f"{dtype}[pyarrow]"), "b": range(27)})
    filled = fill(X)
    pd.testing.assert_series_equal(filled.dtypes, X.dtypes)
    assert not filled.isna().any(axis=None)


def test_a_polars_frame_keeps_types_and_names():
    X = mixed_polars()
    before = X.clone()
    filled = fill(X)
    assert isinstance(filled, pl.DataFrame)
    assert filled.schema == X.schema
    assert X.equals(before)


@every_table
def test_filled_levels_are_levels_that_were_seen(X):
    if not isinstance(X, pd.DataFrame | pl.DataFrame):
        X = mixed_frame().astype(object)
    filled = fill(X)
    assert set(filled["c"]) == {"up", "down"}
    assert set(filled["s"]) == {"plus", "minus"}
    assert set(filled["b"]) == {True, False}


def test_pandas_and_polars_are_filled_alike():
    one, other = fill(mixed_frame()), fill(mixed_polars())
    for name in ("c", "s", "b", "i"):
        assert one[name].tolist() == other[name].to_list()
    for name in ("x", "f"):
        assert_allclose(one[name], other[name].to_numpy(), rtol=1e-6)


def test_a_table_without_holes_comes_back_as_it_is():
    X = correlated()
    assert_array_equal(fill(X), X)


def test_read_only_rows_are_filled_and_stay():
    X = holes()
    before = X.copy()
    X.flags.writeable = False
    outputs(make().fit(X), X)
    assert_array_equal(X, before)


@pytest.mark.parametrize("order", ["C", "F"])
def test_the_order_of_the_memory_does_not_matter(order):
    X = np.array(holes(), order=order)
    assert_array_equal(fill(X), fill(holes()))
    sliced = np.repeat(np.repeat(holes(), 2, axis=0), 2, axis=1)[::2, ::2]
    assert_array_equal(fill(sliced), fill(holes()))


# How well


def error_of(imputer, X, hidden):
    filled = imputer.fit_transform(np.where(hidden, np.nan, X))
    return ((filled - X)[hidden] ** 2).mean()


@pytest.mark.parametrize("hidden_layer_sizes", [(), (32,)])
def test_correlated_numbers_are_filled_better_than_by_means(hidden_layer_sizes):
    X = correlated(300)
    hidden = punch(X)
    imputer = DenoisingImputer(**THOROUGH | {"hidden_layer_sizes": hidden_layer_sizes})
    assert error_of(imputer, X, hidden) < 0.2 * error_of(SimpleImputer(), X, hidden)


def test_a_number_that_bends_with_another_is_filled_better_than_by_a_line():
    x = np.random.default_rng(0).uniform(-1, 1, 300)
    X = np.column_stack([x, np.abs(x)])
    hidden = np.zeros(X.shape, bool)
    hidden[::4, 1] = True
    imputer = DenoisingImputer(**THOROUGH)
    # The best line is the mean.
    assert error_of(imputer, X, hidden) < 0.2 * error_of(SimpleImputer(), X, hidden)
    assert imputer.blend_[1] > 0.5


def test_a_category_that_follows_a_number_is_filled_by_it():
    x = np.random.default_rng(0).normal(size=300)
    whole = pd.DataFrame({"x": x, "c": np.where(x > 0.3, "high", "low")})
    hidden = np.arange(300) % 5 == 0
    X = whole.assign(c=whole["c"].mask(hidden))
    filled = DenoisingImputer(**THOROUGH).fit_transform(X)
    assert (filled["c"] == whole["c"])[hidden].mean() > 0.9


def test_a_number_that_follows_a_category_is_filled_by_it():
    rng = np.random.default_rng(0)
    level = rng.choice(["a", "b", "c"], 300)
    x = pd.Series(level).map({"a": -3.0, "b": 5.0, "c": 0.0}) + rng.normal(size=300) / 5
    hidden = np.arange(300) % 5 == 0
    X = pd.DataFrame({"c": level, "x": x.mask(hidden)})
    filled = DenoisingImputer(**THOROUGH).fit_transform(X)
    assert np.abs(filled["x"] - x)[hidden].max() < 1.5


def test_holes_of_independent_columns_get_about_the_mean():
    X = np.random.default_rng(0).normal([0, 10, -5], size=(400, 3))
    hidden = punch(X)
    imputer = DenoisingImputer(**THOROUGH)
    filled = imputer.fit_transform(np.where(hidden, np.nan, X))
    means = np.broadcast_to(imputer.statistics_, X.shape)
    assert np.abs(filled - means)[hidden].mean() < 0.15
    assert error_of(imputer, X, hidden) < 1.05 * error_of(SimpleImputer(), X, hidden)


def test_weights_of_linear_columns_favour_the_gaussian_and_sum_to_about_1():
    imputer = make().fit(holes(300))
    assert (imputer.blend_ >= 0).all()
    assert imputer.blend_[0] > 0.5
    assert imputer.blend_.sum() == pytest.approx(1, abs=0.15)


# The attributes


def test_statistics_are_means_and_most_frequent_levels():
    X = holes()
    assert_allclose(make().fit(X).statistics_, np.nanmean(X, axis=0))
    frame = mixed_frame()
    statistics = make().fit(frame).statistics_
    assert statistics[0] == pytest.approx(frame["x"].mean())
    for k, name in ((1, "c"), (2, "s"), (3, "b")):
        assert statistics[k] == frame[name].mode()[0]


def test_there_is_a_loss_curve_of_each_network():
    imputer = make(n_estimators=3, max_steps=50).fit(holes())
    assert len(imputer.loss_curves_) == 3
    assert {len(curve) for curve in imputer.loss_curves_} == {imputer.n_iter_}
    assert np.isfinite(imputer.loss_curves_).all()


# Other rows


def test_rows_that_were_not_trained_on_are_filled():
    X = holes(120)
    imputer = make().fit(X[:60])
    filled = imputer.transform(X[60:])
    assert not np.isnan(filled).any()
    observed = ~np.isnan(X[60:])
    assert_array_equal(filled[observed], X[60:][observed])


def test_other_rows_in_the_call_do_not_change_the_filling_of_a_row():
    X = holes()
    imputer = make().fit(X)
    together = imputer.transform(X)
    for row in range(10):
        alone = imputer.transform(X[row : row + 1])
        assert_allclose(alone[0], together[row], rtol=1e-5, atol=1e-6)


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=15)
def test_rows_in_another_order_are_filled_in_that_order(seed):
    order = np.random.default_rng(seed).permutation(len(PERMUTED))
    filled = FITTED.transform(PERMUTED[order])
    assert_allclose(filled, FITTED.transform(PERMUTED)[order], rtol=1e-5, atol=1e-6)


PERMUTED = holes()
FITTED = make().fit(PERMUTED)


@given(
    st.lists(
        st.lists(st.one_of(st.none(), st.floats(-1e6, 1e6)), min_size=4, max_size=4),
        min_size=1,
        max_size=5,
    )
)
def test_whatever_rows_are_filled_with_is_finite_and_the_rest_stays(rows):
    X = np.array(rows, float)
    filled = FITTED.transform(X)
    assert np.isfinite(filled).all()
    assert_array_equal(filled[~np.isnan(X)], X[~np.isnan(X)])


def test_a_row_of_which_nothing_is_known_is_filled():
    X = holes()
    imputer = make().fit(X)
    filled = imputer.transform(np.full((2, 4), np.nan))
    assert np.isfinite(filled).all()
    assert_allclose(filled[0], filled[1], rtol=1e-6)


def test_a_row_of_which_nothing_is_known_among_those_of_training_is_filled():
    X = holes()
    X[5] = np.nan
    assert np.isfinite(fill(X)).all()


@pytest.mark.parametrize("seen", ["new level", 17])
def test_a_level_never_seen_is_filled_as_missing(seen):
    X = mixed_frame().astype({"c": object})
    imputer = make().fit(X)
    other = X.iloc[:2].copy()
    other.iloc[0, 1] = seen
    missing = other.copy()
    missing.iloc[0, 1] = None
    filled = imputer.transform(other)
    assert filled["c"].iloc[0] in ("up", "down")
    pd.testing.assert_frame_equal(filled, imputer.transform(missing))


def test_a_frame_with_other_columns_is_refused():
    X = pd.DataFrame(holes(), columns=list("abcd"))
    imputer = make().fit(X)
    for other in (X[["a", "b", "c"]], X.rename(columns={"d": "e"}), X[list("dcba")]):
        with pytest.raises(ValueError, match="feature names"):
            imputer.transform(other)
    with pytest.raises(ValueError, match="5 features, but DenoisingImputer"):
        make().fit(holes()).transform(holes(n_features=5))


# Empty columns


def with_empty(X):
    return np.column_stack([X[:, :1], np.full(len(X), np.nan), X[:, 1:]])


def test_a_column_never_observed_is_dropped_with_a_warning_that_names_it():
    X = with_empty(holes())
    imputer = make().fit(X)
    with pytest.warns(UserWarning, match=r"any observed values: \['x1'\]"):
        filled = imputer.transform(X)
    assert_array_equal(filled, fill(holes()))
    assert imputer.get_feature_names_out().tolist() == ["x0", "x2", "x3", "x4"]
    assert np.isnan(imputer.statistics_[1])


def test_a_column_never_observed_may_be_kept_and_is_0():
    X = with_empty(holes())
    imputer = make(keep_empty_features=True).fit(X)
    filled = imputer.transform(X)
    assert (filled[:, 1] == 0).all()
    assert_array_equal(np.delete(filled, 1, axis=1), fill(holes()))
    assert imputer.get_feature_names_out().tolist() == [f"x{k}" for k in range(5)]


def test_what_is_observed_later_of_a_kept_column_stays():
    X = with_empty(holes())
    imputer = make(keep_empty_features=True).fit(X)
    X[:, 1] = 5.0
    X[0, 1] = np.nan
    assert_array_equal(imputer.transform(X)[:3, 1], [0, 5, 5])


def test_an_empty_category_is_dropped_too():
    X = mixed_frame().assign(e=pd.Categorical([None] * 60))
    imputer = make().fit(X)
    with pytest.warns(UserWarning, match=r"\['e'\]"):
        filled = imputer.transform(X)
    pd.testing.assert_frame_equal(filled, fill(mixed_frame()))
    assert imputer.statistics_[-1] is None


@pytest.mark.parametrize("X", [np.full((5, 2), np.nan), [[None], [None]]])
def test_nothing_observed_at_all_is_refused(X):
    with pytest.raises(ValueError, match="Every entry of X is missing"):
        make().fit(X)


# The indicator


def test_the_indicator_is_that_of_scikit_learn():
    X = holes()
    X[:, 2] = 1.0  # without a hole
    filled = fill(X, add_indicator=True)
    assert_array_equal(filled[:, :4], fill(X))
    assert_array_equal(filled[:, 4:], MissingIndicator().fit_transform(X))
    assert filled.dtype == X.dtype


def test_holes_in_columns_that_had_none_do_not_add_to_the_indicator():
    X = holes()
    X[:, 2] = np.arange(60)
    imputer = make(add_indicator=True).fit(X)
    X[0, 2] = np.nan
    assert imputer.transform(X).shape == (60, 7)


@pytest.mark.parametrize("X", [mixed_frame(), mixed_polars()], ids=["pandas", "polars"])
def test_the_indicator_of_a_frame_is_columns_of_bools_with_names(X):
    imputer = make(add_indicator=True).fit(X)
    filled = imputer.transform(X)
    # scikit-learn 1.7 does not find the names of polars 2.
    known = getattr(imputer, "feature_names_in_", [f"x{k}" for k in range(6)])
    names = [*"xcsbif", *(f"missingindicator_{name}" for name in known)]
    assert list(filled.columns) == names
    assert imputer.get_feature_names_out().tolist() == [*known, *names[6:]]
    flags = filled[names[6:]].to_numpy()
    assert flags.dtype == bool
    assert_array_equal(flags, is_hole(X))


def test_an_indicator_of_an_array_without_holes_adds_nothing():
    X = correlated()
    assert_array_equal(fill(X, add_indicator=True), X)


def test_a_dropped_column_has_its_indicator_as_in_scikit_learn():
    X = with_empty(holes())
    ours, theirs = make(add_indicator=True), SimpleImputer(add_indicator=True)
    with pytest.warns(UserWarning, match="without any observed values"):
        filled = ours.fit_transform(X)
    with pytest.warns(UserWarning, match="without any observed values"):
        expected = theirs.fit_transform(X)
    assert filled.shape == expected.shape
    assert_array_equal(ours.get_feature_names_out(), theirs.get_feature_names_out())
