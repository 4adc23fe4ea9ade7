"""Tables: what is read, what is missing, what is refused, and what comes back."""

import datetime

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator
from table_models import learn_columns

from sk_autoenc.tables.encoding import Encoding
from sk_autoenc.tables.reading import read_table
from sk_autoenc.tables.writing import complete

NA = {"nan": np.nan, "None": None, "pandas.NA": pd.NA}
every_nothing = pytest.mark.parametrize("nothing", NA.values(), ids=NA)
FRAMES = pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])


def read(X, missing_values=np.nan):
    return read_table(BaseEstimator(), X, missing_values, reset=True)


def learn(X, categorical_features="from_dtype", missing_values=np.nan):
    return learn_columns(read(X, missing_values), categorical_features)


def encode(X):
    """Encoding, values, observed."""
    table = read(X)
    encoding = Encoding(learn_columns(table, "from_dtype"))
    return encoding, *encoding.encode(table)


def kinds(X, **settings):
    """Of each column: "number", "category" or "empty"."""
    return [
        "empty" if one.is_empty else "number" if one.levels is None else "category"
        for one in learn(X, **settings)
    ]


# Reading

ARRAYS = {
    "float64": (np.array([[1.5, np.nan], [2, 3]]), "number"),
    "float32": (np.array([[1.5, np.nan], [2, 3]], np.float32), "number"),
    "int": (np.array([[1, 2], [3, 4]]), "number"),
    "int8": (np.array([[1, 2], [3, 4]], np.int8), "number"),
    "bool": (np.array([[True, False], [True, True]]), "category"),
    "str": (np.array([["a", "b"], ["c", "d"]]), "category"),
    "bytes": (np.array([["a", "b"], ["c", "d"]], "S1"), "category"),
    "object strings": (np.array([["a", None], ["c", "d"]], object), "category"),
    "object numbers": (np.array([[1, None], [2.5, 3]], object), "number"),
    "object bools": (np.array([[True, None], [False, True]], object), "category"),
    "object, mixed": (np.array([[1, None], ["c", 2.0]], object), None),
    "list of numbers": ([[1.0, 2.0], [3.0, np.nan]], "number"),
    "list of ints": ([[1, 2], [3, 4]], "number"),
    "list of strings": ([["a", "b"], ["c", "d"]], "category"),
    "list with None": ([["a", None], ["c", "d"]], "category"),
}


@pytest.mark.parametrize(("X", "kind"), ARRAYS.values(), ids=ARRAYS)
def test_arrays_and_lists_are_taken_apart_into_columns(X, kind):
    table = read(X)
    assert not table.is_frame
    assert table.n_rows == 2
    assert table.names == ["x0", "x1"]
    assert [len(column) for column in table.columns] == [2, 2]
    if kind is not None:
        assert kinds(X) == [kind, kind]


def test_one_string_makes_a_category_of_a_column_of_objects():
    assert kinds(ARRAYS["object, mixed"][0]) == ["category", "number"]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_float_type_of_an_array_stays(dtype):
    table = read(np.ones((2, 2), dtype))
    assert [column.dtype for column in table.columns] == [dtype, dtype]


PANDAS = {
    "category": (pd.Categorical(["u", "v", None]), "category", [0, 0, 1]),
    "category of numbers": (pd.Categorical([2, 5, None]), "category", [0, 0, 1]),
    "str": (pd.array(["u", "v", None], dtype="str"), "category", [0, 0, 1]),
    "string": (pd.array(["u", "v", pd.NA], dtype="string"), "category", [0, 0, 1]),
    "object": (pd.Series(["u", None, np.nan], dtype=object), "category", [0, 1, 1]),
    "object numbers": (pd.Series([1, None, 2.5], dtype=object), "number", [0, 1, 0]),
    "mixed": (pd.Series(["u", 2, pd.NA], dtype=object), "category", [0, 0, 1]),
    "bool": (np.array([True, False, True]), "category", [0, 0, 0]),
    "boolean": (pd.array([True, None, False], dtype="boolean"), "category", [0, 1, 0]),
    "int64": (np.array([1, 2, 3]), "number", [0, 0, 0]),
    "Int64": (pd.array([1, None, 3], dtype="Int64"), "number", [0, 1, 0]),
    "UInt8": (pd.array([1, None, 3], dtype="UInt8"), "number", [0, 1, 0]),
    "Float64": (pd.array([1.5, None, 3], dtype="Float64"), "number", [0, 1, 0]),
    "float32": (np.array([1.5, np.nan, 3], np.float32), "number", [0, 1, 0]),
    "float64": (np.array([1.5, np.nan, 3]), "number", [0, 1, 0]),
}
POLARS = {
    "Categorical": (pl.Categorical(), ["u", None, "v"], "category"),
    "Enum": (pl.Enum(["v", "u"]), ["u", None, "v"], "category"),
    "String": (pl.String(), ["u", None, "v"], "category"),
    "Boolean": (pl.Boolean(), [True, None, False], "category"),
    "Int64": (pl.Int64(), [1, None, 3], "number"),
    "UInt8": (pl.UInt8(), [1, None, 3], "number"),
    "Float32": (pl.Float32(), [1.5, None, 3.0], "number"),
    "Float64, NaN": (pl.Float64(), [1.5, float("nan"), 3.0], "number"),
}


@pytest.mark.parametrize(("values", "kind", "missing"), PANDAS.values(), ids=PANDAS)
def test_columns_of_pandas_are_read_by_their_types_and_values(values, kind, missing):
    X = pd.DataFrame({"a": values, "b": [1.0, 2.0, 3.0]})
    table = read(X)
    assert table.is_frame
    assert table.names == ["a", "b"]
    assert_array_equal(table.missing[:, 0], np.array(missing, bool))
    assert not table.missing[:, 1].any()
    assert kinds(X) == [kind, "number"]


@pytest.mark.parametrize(("dtype", "values", "kind"), POLARS.values(), ids=POLARS)
def test_columns_of_polars_are_read_by_their_types_and_values(dtype, values, kind):
    X = pl.DataFrame({"a": pl.Series(values, dtype=dtype), "b": [1.0, 2.0, 3.0]})
    table = read(X)
    assert table.is_frame
    assert table.names == ["a", "b"]
    assert_array_equal(table.missing[:, 0], [False, True, False])
    assert kinds(X) == [kind, "number"]


def test_a_frame_with_names_that_are_no_strings_has_columns_too():
    X = pd.DataFrame([[1.0, 2.0]], columns=[7, 8])
    assert read(X).names == ["7", "8"]


# What is missing


@every_nothing
def test_nan_none_and_na_stand_for_each_other(nothing):
    X = np.array([["a", 1.0], [np.nan, None], [None, pd.NA], [pd.NA, 2.0]], object)
    expected = [[0, 0], [1, 1], [1, 1], [1, 0]]
    assert_array_equal(read(X, nothing).missing, np.array(expected, bool))


@pytest.mark.parametrize("dtype", [np.int64, np.float64, np.float32])
def test_minus_one_may_stand_for_a_missing_entry(dtype):
    X = np.array([[1, -1], [-1, 2]], dtype)
    assert_array_equal(read(X, -1).missing, [[False, True], [True, False]])


def test_a_string_may_stand_for_a_missing_entry_and_is_no_number():
    X = pd.DataFrame({"s": ["a", "?", "b"], "x": [1.0, 2.0, 3.0], "i": [1, 2, 3]})
    missing = read(X, "?").missing
    assert_array_equal(missing, [[0, 0, 0], [1, 0, 0], [0, 0, 0]])
    assert_array_equal(read(X.to_numpy(), "?").missing, missing)


def test_a_missing_entry_is_neither_level_nor_in_the_mean():
    X = pd.DataFrame({"s": ["a", "?", "b"], "x": [1.0, 3.0, -1.0]})
    assert list(learn(X, missing_values="?")[0].levels) == ["a", "b"]
    assert learn(X, missing_values=-1)[1].mean == 2


def test_the_string_nan_is_a_level():
    X = np.array([["nan"], ["a"]], object)
    assert not read(X).missing.any()


# What is learned


def test_numbers_have_mean_and_standard_deviation_of_what_is_observed():
    one, other = learn(np.array([[1.0, 5], [3, 5], [np.nan, 5]]))
    assert (one.mean, one.scale) == (2, 1)
    assert (other.mean, other.scale) == (5, 0)  # constant


def test_a_column_says_whether_its_numbers_are_whole():
    X = pd.DataFrame({"a": [1.0, np.nan, 3.0], "b": [1.0, 2.5, np.nan], "c": [1, 2, 3]})
    assert [column.is_whole for column in learn(X)] == [True, False, True]


def test_levels_are_sorted_by_type_first():
    X = np.array([["b"], [2], ["a"], [1.5], [None], ["b"]], object)
    (column,) = learn(X)
    assert list(column.levels) == [1.5, 2, "a", "b"]
    assert column.most_frequent == "b"


def test_levels_do_not_depend_on_the_order_of_rows():
    X = np.array([["b"], [2], ["a"], ["b"], ["a"], [True]], object)
    assert list(learn(X)[0].levels) == list(learn(X[::-1])[0].levels)


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        (None, "nnn"),
        ("from_dtype", "nnn"),
        ([], "nnn"),
        ([0, 2], "cnc"),
        ((1,), "ncn"),
        (np.array([1]), "ncn"),
        (["a"], "cnn"),
        ("b", "ncn"),
        (np.array(["c", "a"]), "cnc"),
        (pd.Index(["b"]), "ncn"),
        ([True, False, False], "cnn"),
        (np.array([False, False, True]), "nnc"),
    ],
)
def test_categorical_features_are_chosen_by_number_name_or_mask(chosen, expected):
    X = pd.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0], "c": [5.0, 5.0]})
    got = kinds(X, categorical_features=chosen)
    assert "".join(kind[0] for kind in got) == expected


@pytest.mark.parametrize("chosen", [["x1"], [1], [False, True]])
def test_columns_of_an_array_are_called_x0_x1(chosen):
    X = np.ones((2, 2))
    assert kinds(X, categorical_features=chosen) == ["number", "category"]


EMPTY = {
    "float": ([np.nan] * 2, "from_dtype"),
    "object": (pd.Series([None] * 2, dtype=object), "from_dtype"),
    "category": (pd.Categorical([None] * 2), "from_dtype"),
    "category by choice": ([np.nan] * 2, [0]),
    "Int64": (pd.array([None] * 2, dtype="Int64"), "from_dtype"),
}


@pytest.mark.parametrize(("values", "chosen"), EMPTY.values(), ids=EMPTY)
def test_a_column_without_an_observed_entry_is_empty_and_not_encoded(values, chosen):
    X = pd.DataFrame({"a": values, "b": [1.0, 2.0]})
    table = read(X)
    columns = learn_columns(table, chosen)
    assert [column.is_empty for column in columns] == [True, False]
    encoding = Encoding(columns)
    assert encoding.places == [1]
    values, observed = encoding.encode(table)
    assert values.shape == observed.shape == (2, 1)


# What is refused


@pytest.mark.parametrize(
    ("values", "error", "words"),
    [
        (pd.date_range("2020", periods=2), ValueError, "datetime64"),
        (pd.to_timedelta([1, 2], "s"), ValueError, "timedelta64"),
        ([1 + 1j, 2], ValueError, "complex128"),
        ([1.0, np.inf], ValueError, "infinity"),
        ([1.0, -np.inf], ValueError, "infinity"),
        (pd.Series([1, np.inf], dtype=object), ValueError, "infinity"),
        ([{}, {"b": 1}], TypeError, "unhashable type: 'dict'"),
        ([["u"], ["v"]], TypeError, "unhashable type: 'list'"),
    ],
)
def test_what_is_neither_number_nor_category_is_refused_by_its_name(
    values, error, words
):
    X = pd.DataFrame({"good": [1.0, 2.0], "bad": values})
    with pytest.raises(error, match=f"Column 'bad' of X.*{words}"):
        learn(X)


def test_dates_of_polars_are_refused_by_their_name():
    X = pl.DataFrame({"good": [1.0, 2.0], "bad": [datetime.date(2020, 1, 1), None]})
    with pytest.raises(ValueError, match="Column 'bad' of X has the type datetime64"):
        learn(X)


@pytest.mark.parametrize("nothing", [np.nan, None, pd.NA], ids=str)
@pytest.mark.parametrize("missing_values", [-1, "?"])
def test_nothing_beside_another_mark_of_missing_entries_is_refused(
    nothing, missing_values
):
    X = pd.DataFrame({"good": [1.0, 2.0], "bad": pd.Series([1, nothing], dtype=object)})
    words = f"Column 'bad' of X contains NaN or None.*={missing_values!r}.*Let one mark"
    with pytest.raises(ValueError, match=words.replace("?", r"\?")):
        read(X, missing_values)


@pytest.mark.parametrize("values", [["p", "q"], pd.Categorical(["p", "q"])], ids=str)
def test_strings_that_are_to_be_numbers_are_refused_by_their_name(values):
    X = pd.DataFrame({"good": [1.0, 2.0], "bad": values})
    with pytest.raises(ValueError, match=r"'bad' of X is taken as numbers.*'p'"):
        learn(X, None)


@pytest.mark.parametrize(
    "chosen",
    [
        ["a", "zz"],
        "zz",
        [True],
        [True] * 3,
        [2],
        [-1],
        [0.5],
        7,
        [None],
        [[True, True]],
    ],
    ids=str,
)
def test_wrong_categorical_features_are_refused_with_what_is_allowed(chosen):
    X = pd.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0]})
    with pytest.raises(ValueError, match="categorical_features must be 'from_d") as no:
        learn(X, chosen)
    no.match(r"The columns are \['a', 'b'\]\.$")


def test_a_lazy_frame_is_refused_with_the_remedy():
    with pytest.raises(TypeError, match=r"LazyFrame, .* Pass X.collect\(\)"):
        read(pl.DataFrame({"a": [1.0, 2.0]}).lazy())


@FRAMES
def test_a_frame_without_rows_or_columns_is_refused(frame):
    with pytest.raises(ValueError, match=r"0 sample\(s\)"):
        read(frame({"a": []}))
    with pytest.raises(ValueError, match=r"0 feature\(s\)|0 sample\(s\)"):
        read(frame({}))


# Encoding


def mixed_frame():
    return pd.DataFrame(
        {
            "c": ["u", "v", None, "u"],
            "x": [1.0, np.nan, 3.0, 5.0],
            "b": pd.array([True, False, True, None], dtype="boolean"),
            "i": [1, 2, 3, 4],
        },
        index=[7, 3, 9, 1],
    )


def test_numbers_come_first_and_then_a_column_for_each_level():
    encoding, values, observed = encode(mixed_frame())
    assert encoding.places == [1, 3, 0, 2]
    assert encoding.n_levels == [2, 2]
    assert_array_equal(encoding.column_of, [0, 1, 2, 2, 3, 3])
    assert_array_equal(observed, ~mixed_frame().isna().to_numpy()[:, [1, 3, 0, 2]])
    scale = np.std([1, 3, 5])
    assert_allclose(values[:, 0], [-2 / scale, 0, 0, 2 / scale], rtol=1e-6)
    assert_array_equal(values[:, 2:4], [[1, 0], [0, 1], [0, 0], [1, 0]])
    assert_array_equal(values[:, 4:], [[0, 1], [1, 0], [0, 1], [0, 0]])
    assert values.dtype == np.float32


def test_a_level_never_seen_is_missing():
    encoding, *_ = encode(mixed_frame())
    other = mixed_frame().assign(c=["u", "w", "v", None])
    values, observed = encoding.encode(read(other))
    assert_array_equal(observed[:, 2], [True, False, True, False])
    assert_array_equal(values[:, 2:4], [[1, 0], [0, 0], [0, 1], [0, 0]])


def test_standardised_numbers_come_back_in_their_own_units():
    encoding, values, observed = encode(mixed_frame())
    seen = observed[:, 0]
    back = encoding.numbers_of(1, values[seen, 0])
    assert_allclose(back, mixed_frame()["x"].dropna(), rtol=1e-6)


def test_numbers_far_from_0_keep_their_differences():
    X = np.array([[1e9], [1e9 + 1], [1e9 + 2]])
    _, values, _ = encode(X)
    assert_allclose(values.ravel(), [-1.224745, 0, 1.224745], atol=1e-5)


def test_blocks_are_the_encoded_columns_of_each_category():
    encoding, values, _ = encode(mixed_frame())
    places, blocks = zip(*encoding.blocks(values), strict=True)
    assert places == (0, 2)
    assert_array_equal(blocks[0], values[:, 2:4])
    assert_array_equal(blocks[1], values[:, 4:6])


# The way back

TRUE = {
    "category": (["u", "v", "u"], pd.CategoricalDtype(["v", "u", "w"], ordered=True)),
    "category of ints": ([2, 5, 2], pd.CategoricalDtype([5, 2])),
    "str": (["u", "v", "u"], "str"),
    "string": (["u", "v", "u"], "string"),
    "object": (["u", 2, "u"], object),
    "boolean": ([True, False, True], "boolean"),
    "Int64": ([1, 2, 3], "Int64"),
    "UInt8": ([1, 2, 255], "UInt8"),
    "Float64": ([1.5, 2.0, 3.0], "Float64"),
    "float32": ([1.5, 2.0, 3.0], "float32"),
    "float64": ([1.1, 2.2, 3.3], "float64"),
}
TRUE_OF_POLARS = {
    "Categorical": (["u", "v", "u"], pl.Categorical()),
    "Enum": (["u", "v", "u"], pl.Enum(["v", "u", "w"])),
    "String": (["u", "v", "u"], pl.String()),
    "Boolean": ([True, False, True], pl.Boolean()),
    "Int64": ([1, 2, 3], pl.Int64()),
    "UInt8": ([1, 2, 255], pl.UInt8()),
    "Float32": ([1.5, 2.0, 3.0], pl.Float32()),
    "Float64": ([1.1, 2.2, 3.3], pl.Float64()),
}


def truths(table, whole):
    """Of each column the true values of its holes."""
    values = read(whole).columns
    return [values[k][missing] for k, missing in enumerate(table.missing.T)]


@pytest.mark.parametrize(("values", "dtype"), TRUE.values(), ids=TRUE)
def test_a_pandas_frame_filled_with_the_truth_is_the_frame_it_was(values, dtype):
    whole = pd.DataFrame(
        {"a": pd.Series(values, dtype=dtype), "b": [1.0, 2.0, 3.0]}
    ).set_axis([5, 3, 3])
    holes = whole.copy()
    holes.iloc[1, 0] = None
    before = holes.copy(deep=True)
    table = read(holes)
    assert table.missing.sum() == 1
    filled = complete(table, truths(table, whole), [0, 1])
    pd.testing.assert_frame_equal(filled, whole)
    pd.testing.assert_frame_equal(holes, before)


@pytest.mark.parametrize(
    ("values", "dtype"), TRUE_OF_POLARS.values(), ids=TRUE_OF_POLARS
)
def test_a_polars_frame_filled_with_the_truth_is_the_frame_it_was(values, dtype):
    whole = pl.DataFrame({"a": pl.Series(values, dtype=dtype), "b": [1.0, 2.0, 3.0]})
    holes = whole.with_columns(
        pl.Series("a", [values[0], None, values[2]], dtype=dtype)
    )
    before = holes.clone()
    table = read(holes)
    assert table.missing.sum() == 1
    filled = complete(table, truths(table, whole), [0, 1])
    assert filled.equals(whole)
    assert filled.schema == whole.schema
    assert holes.equals(before)


@pytest.mark.parametrize(
    "whole",
    [
        np.array([[1.1, 2.0], [3.0, 4.0]]),
        np.array([[1.1, 2.0], [3.0, 4.0]], np.float32),
        np.array([["a", 2], [3.5, "b"]], object),
    ],
    ids=["float64", "float32", "object"],
)
def test_an_array_filled_with_the_truth_is_the_array_it_was(whole):
    holes = whole.copy()
    holes[1, 0] = np.nan
    before = holes.copy()
    table = read(holes)
    filled = complete(table, truths(table, whole), [0, 1])
    assert filled.dtype == whole.dtype
    assert_array_equal(filled, whole)
    assert holes.tolist()[0] == before.tolist()[0]
    assert np.isnan(holes[1, 0])


def test_a_long_level_fits_into_an_array_of_short_strings():
    X = np.array([["a", "?"], ["b", "c"]])
    table = read(X, "?")
    levels = np.array(["much longer"], object)
    filled = complete(table, [np.empty(0), levels], [0, 1])
    assert_array_equal(filled, [["a", "much longer"], ["b", "c"]])


@FRAMES
def test_columns_that_are_not_kept_are_left_out(frame):
    X = frame({"a": [1.0, 2.0], "b": [3.0, 4.0], "c": [5.0, None]})
    table = read(X)
    filled = complete(table, [None, None, np.array([7.0])], [0, 2])
    assert list(filled.columns) == ["a", "c"]
    assert_array_equal(filled.to_numpy(), [[1, 5], [2, 7]])


@FRAMES
def test_a_frame_without_holes_comes_back_equal_and_is_another(frame):
    X = frame({"a": [1, 2], "b": ["u", "v"]})
    table = read(X)
    filled = complete(table, [np.empty(0)] * 2, [0, 1])
    assert filled.equals(X)
    assert filled is not X


def test_changing_the_filled_frame_leaves_the_users_alone():
    X = pd.DataFrame({"a": [1.0, np.nan], "b": [1.0, 2.0]})
    table = read(X)
    filled = complete(table, [np.array([3.0]), np.empty(0)], [0, 1])
    filled.iloc[0] = 99.0
    assert X.iloc[0].tolist() == [1.0, 1.0]
