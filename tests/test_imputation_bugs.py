"""Each fails with the package as it was when the test was written."""

import datetime
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_array_equal
from sklearn.utils.estimator_checks import estimator_checks_generator
from table_models import (
    THOROUGH,
    correlated,
    fill,
    holes,
    learn_columns,
    make,
    mixed_polars,
    punch,
)

from sk_autoenc import DenoisingImputer
from sk_autoenc.tables.reading import read_table

NUMBERS = np.arange(12.0)


# Wrong values, silently


def test_nan_in_a_list_beside_strings_is_missing():
    X = [["a", 1.0], [np.nan, 2.0], ["b", np.nan], ["a", 3.0]] * 3
    filled = fill(X)
    assert filled[1][0] in ("a", "b")
    assert not pd.isna(filled[2][1])
    assert filled[2][1] != "nan"


@pytest.mark.parametrize(
    "changes", [{"n_estimators": 10}, {"validation_fraction": 0.4}], ids=str
)
def test_the_gaussian_is_used_when_networks_hold_out_all_rows_between_them(changes):
    X = holes(300)
    settings = THOROUGH | {"n_estimators": 3, "max_steps": 50} | changes
    assert DenoisingImputer(**settings).fit(X).blend_[0] > 0.2


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
@pytest.mark.parametrize("missing_values", [np.nan, -1], ids=str)
def test_whole_numbers_above_2_to_53_come_back_as_they_were(frame, missing_values):
    large = 2**53 + 1
    mark = None if frame is pl.DataFrame else pd.NA
    mark = missing_values if missing_values == -1 else mark
    values = [large, mark, large + 2] * 4
    dtype = "int64" if missing_values == -1 else "Int64"
    column = values if frame is pl.DataFrame else pd.array(values, dtype=dtype)
    filled = fill(frame({"i": column, "x": NUMBERS}), missing_values=missing_values)
    assert [filled["i"][0], filled["i"][2]] == [large, large + 2]


def test_a_null_column_of_polars_is_filled_with_numbers():
    imputer = make().fit(pl.DataFrame({"x": NUMBERS, "y": NUMBERS}))
    filled = imputer.transform(pl.DataFrame({"x": [1.0], "y": [None]}))
    assert filled["y"].null_count() == 0


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize(
    "rows",
    [
        pd.DataFrame({"c": pd.Categorical(["w"]), "x": [1.0]}),
        pd.DataFrame({"c": pd.Categorical([None], ["w"]), "x": [1.0]}),
        pd.DataFrame({"c": pd.Categorical([None]), "x": [1.0]}),
        pl.DataFrame({"c": pl.Series(["w"], dtype=pl.Enum(["w"])), "x": [1.0]}),
    ],
    ids=["unseen", "missing", "no categories", "enum"],
)
def test_a_category_whose_type_lacks_the_level_of_training_is_filled(rows):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        X = {"c": ["u", "v"] * 6, "x": NUMBERS}
        X = pd.DataFrame(X) if hasattr(rows, "iloc") else pl.DataFrame(X)
        filled = make().fit(X).transform(rows)
    assert next(iter(filled["c"])) in ("u", "v")


@pytest.mark.parametrize("value", [7.0, 0.0, 2.0**-14])
def test_a_constant_is_filled_with_itself_exactly(value):
    X = np.column_stack([np.full(60, value), holes()])
    X[::3, 0] = np.nan
    assert (fill(X)[:, 0] == value).all()


def test_whole_numbers_stay_within_bounds_that_are_not_whole():
    X = pd.DataFrame({"i": pd.array([3, None, 2] * 4, dtype="Int64"), "x": NUMBERS})
    assert fill(X, min_value=3.5)["i"][1] == 4


@pytest.mark.parametrize("scale", [1e200, 1e-200])
def test_numbers_of_any_size_are_filled(scale):
    X = holes()
    filled = fill(np.where(np.arange(4) == 1, scale, 1) * X)
    assert np.isfinite(filled).all()
    assert np.abs(filled[:, 1]).max() < 10 * scale


def test_a_number_far_beyond_those_of_training_leaves_the_row_finite():
    filled = make().fit(holes()).transform([[1e300, np.nan, 0, 1]])
    assert np.isfinite(filled).all()


def test_dates_are_refused_whatever_type_they_come_in():
    for values in (
        pd.date_range("2020", periods=12, tz="UTC"),
        pd.period_range("2020", periods=12),
        pd.Series([datetime.date(2020, 1, 1), None] * 6, dtype=object),
    ):
        with pytest.raises((TypeError, ValueError), match="Column 'd' of X"):
            make().fit(pd.DataFrame({"d": values, "x": NUMBERS}))


@pytest.mark.parametrize("dtype", ["M8[D]", "m8[s]", "V4"])
def test_an_array_of_times_or_bytes_is_refused_like_a_frame(dtype):
    with pytest.raises(ValueError, match="Column 'x0' of X has the type"):
        make().fit(np.zeros((12, 2), dtype))


# Errors where there should be none


@pytest.mark.parametrize("X", [np.array([[1.0, 2.0, 3.0]]), np.array([[1.0, np.nan]])])
@pytest.mark.parametrize("early_stopping", [False, True])
def test_one_row_is_learned_from_without_a_warning_or_refused_in_words(
    early_stopping, X
):
    try:
        assert np.isfinite(fill(X, early_stopping=early_stopping)[:, 0]).all()
    except ValueError as error:
        assert "1 sample" in str(error)  # noqa: PT017


def test_scikit_learns_checks_pass_with_early_stopping():
    settings = {"early_stopping": True, "validation_fraction": 0.3, "n_estimators": 1}
    for estimator, check in estimator_checks_generator(make(max_steps=5, **settings)):
        if check.func.__name__ == "check_fit2d_1sample":
            check(estimator)


def test_a_category_of_more_than_100_levels_may_be_all_there_is():
    levels = [f"level {k % 120}" for k in range(240)]
    levels[7] = None
    filled = fill(pd.DataFrame({"c": levels}))
    assert filled["c"].notna().all()


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
def test_an_indicator_of_a_frame_without_holes_adds_nothing(frame):
    X = frame({"a": NUMBERS, "b": NUMBERS**2})
    assert fill(X, add_indicator=True).equals(X)


def unsigned(frame):
    """A column of bytes whose line leads below 0 and above 255."""
    x = np.array([0.0, -300, 255, 250, 400, 3] * 4)
    i = [0, None, 255, 250, None, 3] * 4
    column = (
        pd.array(i, dtype="UInt8")
        if frame is pd.DataFrame
        else pl.Series(i, dtype=pl.UInt8)
    )
    return frame({"i": column, "x": x})


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
def test_whole_numbers_stay_within_their_type(frame):
    filled = fill(unsigned(frame), hidden_layer_sizes=(), max_steps=200)
    assert filled["i"].dtype == unsigned(frame)["i"].dtype
    assert (filled["i"][1], filled["i"][4]) == (0, 255)


@pytest.mark.parametrize(
    "rows",
    [
        pd.DataFrame({"c": [np.nan], "x": [1.0]}),
        pd.DataFrame({"c": [3], "x": [np.nan]}),
        pl.DataFrame({"c": [None], "x": [1.0]}),
    ],
    ids=["float", "int", "null"],
)
def test_a_category_that_comes_in_a_type_of_numbers_is_filled(rows):
    X = {"c": ["u", "v"] * 6, "x": NUMBERS}
    X = pd.DataFrame(X) if hasattr(rows, "iloc") else pl.DataFrame(X)
    filled = make().fit(X).transform(rows)
    assert next(iter(filled["c"])) in ("u", "v")


def test_an_array_of_floats_is_filled_with_levels_learned_from_objects():
    imputer = make().fit(np.array([["u", 1.0], ["v", 2.0]] * 4, object))
    assert imputer.transform(np.array([[np.nan, 1.0]]))[0, 0] in ("u", "v")


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize(
    "column",
    [
        pd.Categorical([None] * 12),
        pl.Series([None] * 12, dtype=pl.String),
        pl.Series([None] * 12, dtype=pl.Enum(["u"])),
    ],
    ids=["category", "polars String", "polars Enum"],
)
def test_an_empty_category_that_is_kept_is_filled_or_refused_in_words(column):
    frame = pl.DataFrame if isinstance(column, pl.Series) else pd.DataFrame
    X = frame({"e": column, "x": NUMBERS})
    try:
        filled = fill(X, keep_empty_features=True)
    except ValueError as error:
        assert "'e'" in str(error)  # noqa: PT017
    else:
        assert not any(value is None or value != value for value in filled["e"])


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize(
    "column",
    [
        pd.array([True, None, False] * 4, dtype="boolean"),
        pd.Categorical([1, None, 4] * 4),
        pd.Series(["1.5", None, "2"] * 4, dtype="str"),
    ],
    ids=["boolean", "category", "str"],
)
def test_numbers_by_choice_in_a_type_of_levels_are_filled_or_refused_in_words(column):
    X = pd.DataFrame({"a": column, "x": NUMBERS})
    try:
        filled = fill(X, categorical_features=None)
    except (TypeError, ValueError) as error:
        assert "'a'" in str(error)  # noqa: PT017
    else:
        assert pd.api.types.is_numeric_dtype(filled["a"])
        assert filled["a"].notna().all()


def test_intervals_are_levels_and_no_integers():
    intervals = pd.interval_range(0, 6).insert(6, np.nan)
    filled = fill(pd.DataFrame({"a": intervals, "x": np.arange(7.0)}))
    assert filled["a"].notna().all()


# Words


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("hidden_layer_sizes", np.array(8.5)),
        ("hidden_fraction", np.array("a")),
        ("categorical_features", {"a": 1}),
        ("categorical_features", np.array([["x0"]])),
        ("categorical_features", [["x0"], ["x1", "x2"]]),
        ("missing_values", [-1, -2]),
        ("missing_values", {"a": 1}),
    ],
    ids=str,
)
def test_values_of_an_odd_shape_are_refused_by_their_name(name, value):
    with pytest.raises((TypeError, ValueError), match=f"{name} must"):
        make(**{name: value}).fit(np.array([[1, 2, 3], [4, 5, 6]] * 4, object))


@pytest.mark.parametrize(
    "values",
    [[(1, "a"), ("a", 1)], [1 + 1j, 2j]],
    ids=["tuples", "complex"],
)
def test_levels_that_cannot_be_sorted_are_refused_by_their_column(values):
    X = pd.DataFrame({"bad": pd.Series(values, dtype=object)})
    with pytest.raises((TypeError, ValueError), match="Column 'bad' of X"):
        learn_columns(
            read_table(DenoisingImputer(), X, np.nan, reset=True), "from_dtype"
        )


@pytest.mark.parametrize("method", ["transform", "fit_transform", "sample_imputations"])
def test_the_warning_of_dropped_columns_names_the_line_of_the_caller(method):
    X = np.column_stack([holes(), np.full(60, np.nan)])
    imputer = make().fit(X)
    with pytest.warns(UserWarning, match="without any observed") as caught:
        getattr(imputer, method)(X)
    assert {warning.filename for warning in caught} == {__file__}


def test_set_output_holds_for_sample_imputations_too():
    X = holes()
    imputer = make(sample_posterior=True).set_output(transform="pandas").fit(X)
    (first,) = imputer.sample_imputations(X)
    pd.testing.assert_frame_equal(first, imputer.transform(X))


def test_an_indicator_does_not_overwrite_a_column_of_its_name():
    X = pd.DataFrame(holes(), columns=["a", "missingindicator_a", "b", "c"])
    try:
        filled = fill(X, add_indicator=True)
    except ValueError as error:
        assert "missingindicator_a" in str(error)  # noqa: PT017
    else:
        assert filled.shape[1] == 8


def test_the_indicator_of_an_array_of_strings_is_whole_words():
    X = np.array([["a", "?"], ["b", "c"]] * 4)
    flags = fill(X, missing_values="?", add_indicator=True)[:, 2]
    assert [str(flag) for flag in flags[:2]] == ["True", "False"]


def test_names_of_polars_are_kept_with_every_version_of_scikit_learn():
    imputer = make().fit(mixed_polars())
    assert imputer.get_feature_names_out().tolist() == list("xcsbif")
    filled = imputer.set_output(transform="polars").transform(mixed_polars())
    assert filled.columns == list("xcsbif")


def test_a_masked_array_is_read_with_its_mask_or_refused():
    X = correlated()
    hidden = punch(X)
    try:
        filled = fill(np.ma.masked_array(X, hidden))
    except (TypeError, ValueError) as error:
        assert "mask" in str(error)  # noqa: PT017
    else:
        assert_array_equal(filled[~hidden], X[~hidden])
        assert (filled != X)[hidden].all()
