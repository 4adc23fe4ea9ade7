"""How columns of a table become features and come back, one encoder at a time."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.preprocessing import (
    FunctionTransformer,
    OneHotEncoder,
    OrdinalEncoder,
    StandardScaler,
)

from sk_autoenc import DenoisingAutoencoder, TableDenoisingAutoencoder
from sk_autoenc.tables.columns import are_categories
from sk_autoenc.tables.encoders import learn_encoding
from sk_autoenc.tables.numbers import LARGEST, BinnedNumbers
from sk_autoenc.tables.reading import read_table
from sk_autoenc.tables.writing import make_table
from sk_autoenc.tabular import by_level, by_size


def read(X):
    return read_table(BaseEstimator(), X, np.nan, reset=True)


def learn(X, own=(), add_indicator=True):
    """The encoding of a table."""
    table = read(X)
    categories = are_categories(table, "from_dtype")
    encoders = {
        place: by_level() if is_category else by_size(1)
        for place, is_category in enumerate(categories)
    }
    chosen = encoders | dict(own)
    return learn_encoding(table, categories, chosen, add_indicator=add_indicator)


def encode(encoding, X, dtype=np.float64):
    """Dense features, and what is missing."""
    features, missing = encoding.encode(read(X), dtype)
    if scipy.sparse.issparse(features):
        features = features.toarray()
    return features, missing


def column(*values):
    return np.array(values, float)[:, np.newaxis]


# Numbers

COLUMNS = {
    "normal": np.random.default_rng(0).normal(3, 2, 500),
    "whole": np.arange(500) % 7,
    "heavy tails": np.random.default_rng(0).standard_cauchy(500),
    "two values": np.arange(500) % 2,
    "one value": np.full(500, 7.3),
    "zeros": np.zeros(500),
    "one row": np.array([2.5]),
    "large": np.random.default_rng(0).normal(size=500) * 1e300,
    "small": np.random.default_rng(0).normal(size=500) * 1e-300,
    "large and small": np.repeat([1e300, 1e-300, -1e300, -1e-300, 0], 100),
}
every_column = pytest.mark.parametrize("values", COLUMNS.values(), ids=COLUMNS)


@every_column
def test_the_inverse_gives_the_numbers_within_rounding(values):
    X = column(*values)
    encoder = BinnedNumbers()
    encoded = encoder.fit_transform(X)
    assert_allclose(
        encoder.inverse_transform(encoded.toarray()),
        X,
        rtol=1e-12,
        atol=1e-12 * np.abs(X).max(),
    )


@every_column
def test_encoded_numbers_are_finite_and_small(values):
    encoded = BinnedNumbers().fit_transform(column(*values)).toarray()
    assert np.isfinite(encoded).all()
    assert np.abs(encoded).max() < 10


@every_column
@pytest.mark.parametrize("wild", [1e300, -1e300, 1e-300, LARGEST, 5e-324])
def test_wild_numbers_after_training_are_finite_there_and_back(values, wild):
    encoder = BinnedNumbers().fit(column(*values))
    encoded = encoder.transform(column(wild)).toarray()
    assert np.isfinite(encoded.astype(np.float32)).all()
    assert np.isfinite(encoder.inverse_transform(encoded)).all()


@pytest.mark.parametrize("z", [1e300, -1e300, 1000])
def test_wild_codes_of_a_number_decode_to_a_finite_number(z):
    numbers = column(*COLUMNS["normal"])
    encoder = BinnedNumbers().fit(numbers)
    code = encoder.transform(numbers[:1]).toarray()
    code[0, 0] = z
    assert np.isfinite(encoder.inverse_transform(code)).all()


def test_a_number_that_has_a_piece_of_its_own_comes_back_exactly():
    numbers = column(*np.repeat([1.1, 2.2, 5.7, 9.3], 100))
    encoder = BinnedNumbers().fit(numbers)
    codes = encoder.transform(numbers).toarray()
    codes[:, 0] += 0.3
    assert_array_equal(encoder.inverse_transform(codes), numbers)


def test_each_number_lies_in_one_piece():
    encoded = BinnedNumbers().fit_transform(column(*COLUMNS["normal"])).toarray()
    pieces = encoded[:, 1:]
    assert set(np.unique(pieces)) == {0, 1}
    assert_array_equal(pieces.sum(axis=1), 1)


def test_a_piece_has_as_many_rows_as_asked_for():
    encoder = BinnedNumbers(rows_of_bin=100)
    pieces = encoder.fit_transform(column(*COLUMNS["normal"])).toarray()[:, 1:]
    assert_array_equal(pieces.sum(axis=0), [100] * 5)


def test_there_are_no_more_pieces_than_allowed():
    encoder = BinnedNumbers(max_bins=3)
    assert encoder.fit_transform(column(*COLUMNS["normal"])).shape == (500, 4)


def test_equal_quantiles_make_fewer_pieces_and_none_is_empty():
    pieces = BinnedNumbers().fit_transform(column(*COLUMNS["whole"])).toarray()[:, 1:]
    assert pieces.shape[1] == 7
    assert pieces.any(axis=0).all()


def test_pieces_follow_the_order_of_numbers():
    encoder = BinnedNumbers().fit(column(*COLUMNS["normal"]))
    pieces = encoder.transform(column(-100, 3, 100)).toarray()[:, 1:].argmax(axis=1)
    assert pieces[0] == 0
    assert 0 < pieces[1] < 9
    assert pieces[2] == 9


@pytest.mark.parametrize("values", [[7.3] * 500, [1.0, 2.0, 4.0]])
def test_a_single_piece_says_nothing_and_takes_no_feature(values):
    """Else z and the piece of a constant were one-hot, and taken as a category."""
    assert BinnedNumbers().fit_transform(column(*values)).shape == (len(values), 1)


def test_far_outliers_do_not_stretch_the_others():
    X = column(*COLUMNS["normal"], 1e6)
    plain = StandardScaler().fit_transform(X)[:, 0]
    z = BinnedNumbers().fit_transform(X).toarray()[:, 0]
    assert abs(z[-1]) < abs(plain[-1]) / 4


# Categories


def test_a_level_is_one_feature():
    encoding = learn(np.array([["a"], ["b"], ["c"]] * 10, object))
    features, missing = encode(encoding, np.array([["c"], ["a"]], object))
    assert_array_equal(features, [[0, 0, 1], [1, 0, 0]])
    assert not missing.any()


def test_missing_is_one_more_level_where_training_has_holes():
    encoding = learn(np.array([["a"], ["b"], [None]] * 10, object))
    features, missing = encode(encoding, np.array([[None], ["b"]], object))
    assert_array_equal(features, [[0, 0, 1], [0, 1, 0]])
    assert_array_equal(missing, [[True], [False]])


def test_without_add_indicator_what_is_missing_is_nan():
    X = np.array([["a"], ["b"], [None]] * 10, object)
    features, _ = encode(learn(X, add_indicator=False), X[-1:])
    assert features.shape == (1, 2)
    assert np.isnan(features).all()


def test_an_unseen_level_is_missing():
    encoding = learn(np.array([["a"], ["b"]] * 10, object))
    features, missing = encode(encoding, np.array([["z"], ["b"]], object))
    assert np.isnan(features[0]).all()
    assert_array_equal(missing, [[True], [False]])


def test_an_unseen_level_counts_as_rare_where_there_are_rare_levels():
    rows = [["a"]] * 20 + [["b"]] * 20 + [["c"], ["d"]]
    encoding = learn(np.array(rows, object))
    features, missing = encode(encoding, np.array([["z"], ["c"], ["d"]], object))
    assert_array_equal(features, [[0, 0, 1]] * 3)
    assert not missing.any()


def test_the_most_frequent_rare_level_stands_for_all_of_them():
    rows = [["a"]] * 20 + [["c"]] + [["d"]] * 3
    encoding = learn(np.array(rows, object))
    (levels,) = encoding.decode(np.array([[0.1, 0.9], [0.9, 0.1]]))
    assert_array_equal(levels, ["d", "a"])


def test_the_level_of_the_highest_probability_comes_back():
    encoding = learn(np.array([["a"], ["b"], ["c"], [None]] * 10, object))
    (levels,) = encoding.decode(np.array([[0.1, 0.3, 0.2, 0.4], [0.5, 0.3, 0.1, 0.1]]))
    assert_array_equal(levels, ["b", "a"])


def test_a_number_where_levels_were_strings_is_an_unseen_level():
    encoding = learn(pd.DataFrame({"a": ["x", "y"] * 10}))
    _, missing = encode(encoding, pd.DataFrame({"a": [1.5, 2.0]}))
    assert missing.all()


def test_levels_of_another_code_than_one_hot_come_back_as_the_nearest():
    def code(X):
        return np.array([[len(x), x.count("a")] for x in X[:, 0]], float)

    X = np.array([["a"], ["baa"], ["abcde"]] * 10, object)
    encoding = learn(X, {0: FunctionTransformer(code)})
    near = encoding.groups[0].scaling(np.array([[1.2, 1.1], [3.1, 1.8], [6, 1.2]]))
    (levels,) = encoding.decode(near.toarray())
    assert_array_equal(levels, ["a", "baa", "abcde"])


def test_lists_are_left_to_the_encoder_of_their_column():
    def lengths(X):
        return np.array([[len(x)] for x in X[:, 0]], float)

    X = pd.DataFrame({"a": [[1], [1, 2]] * 10})
    features, _ = encode(learn(X, {0: FunctionTransformer(lengths)}), X)
    assert_allclose(features[:2], [[-1], [1]])


# Holes


def test_a_number_that_is_missing_is_nan_beside_its_indicator():
    encoding = learn(np.array([[1.0], [2.0], [4.0], [np.nan]]))
    features, missing = encode(encoding, np.array([[np.nan], [4.0]]))
    assert_array_equal(np.isnan(features), [[True, False], [False, False]])
    assert_array_equal(features[:, 1], [1, 0])
    assert_array_equal(missing, [[True], [False]])


def test_a_column_without_holes_has_no_indicator():
    encoding = learn(np.array([[1.0, 2.0], [np.nan, 3.0]]))
    assert_array_equal(encoding.feature_groups, [0, 0, 1])


def test_holes_after_training_are_nan_where_there_is_no_indicator():
    encoding = learn(np.array([[1.0], [2.0]]))
    features, missing = encode(encoding, np.array([[np.nan]]))
    assert np.isnan(features).all()
    assert missing.all()


def test_a_column_wholly_missing_takes_no_part():
    encoding = learn(np.array([[np.nan, 1.0], [np.nan, 2.0]]))
    assert [group.place for group in encoding.groups] == [1]
    nothing, values = encoding.decode(encode(encoding, np.array([[5.0, 1.5]]))[0])
    assert_array_equal(nothing, [None])
    assert_allclose(values, [1.5])


# Features


def test_rows_of_a_part_are_the_part_of_the_rows():
    X = np.array([["a", 1.0], ["b", None], [None, 3.0], ["z", 4.0]] * 5, object)
    encoding = learn(X[:15])
    features, missing = encode(encoding, X)
    part, missing_part = encode(encoding, X[2:9])
    assert_array_equal(part, features[2:9])
    assert_array_equal(missing_part, missing[2:9])


def test_features_stay_sparse_where_most_are_zeros():
    X = np.random.default_rng(0).normal(size=(5000, 4))
    encoding = learn(X)
    features, _ = encoding.encode(read(X), np.float32)
    assert scipy.sparse.issparse(features)
    assert features.shape == (5000, 4 * 101)
    assert features.nnz == 5000 * 4 * 2
    assert features.dtype == np.float32


def test_features_are_dense_where_few_are_zeros():
    X = np.random.default_rng(0).normal(size=(50, 4))
    features, _ = learn(X).encode(read(X), np.float32)
    assert isinstance(features, np.ndarray)
    assert features.dtype == np.float32


def test_few_values_are_stored_for_many_rows():
    X = np.random.default_rng(0).normal(size=(20_000, 1))
    encoding = learn(X)
    features, _ = encoding.encode(read(X), np.float32)
    dense = 4 * np.prod(features.shape)
    assert features.data.nbytes + features.indices.nbytes < dense / 10


# Scaling


def identity(convert=np.asarray):
    return FunctionTransformer(convert, check_inverse=False)


every_container = pytest.mark.parametrize(
    "convert", [np.asarray, scipy.sparse.csr_array], ids=["dense", "sparse"]
)


@pytest.mark.parametrize("size", [1e300, 1e9, 1, 1e-300])
def test_dense_features_are_standardised_whatever_their_size(size):
    X = size * np.random.default_rng(0).normal(3, 2, (200, 1))
    encoding = learn(X, {0: identity()})
    features, _ = encode(encoding, X)
    assert features.mean() == pytest.approx(0, abs=1e-12)
    assert features.std() == pytest.approx(1)
    assert_allclose(encoding.decode(features)[0], X[:, 0], rtol=1e-10)


@pytest.mark.parametrize("size", [1e300, 1e9, 1, 1e-300])
def test_sparse_features_keep_their_zeros(size):
    X = size * np.random.default_rng(0).normal(3, 2, (200, 1))
    X[::2] = 0
    features, _ = encode(learn(X, {0: identity(scipy.sparse.csr_array)}), X)
    assert not features[::2].any()
    assert (features**2).mean() == pytest.approx(1)


@every_container
def test_zeros_and_ones_stay(convert):
    X = (np.arange(30.0) % 3 == 0)[:, np.newaxis]
    features, _ = encode(learn(X.astype(float), {0: identity(convert)}), X)
    assert_array_equal(features, X)


@every_container
@pytest.mark.parametrize("value", [0, 1, 7.3, -1e300, 1e-300])
def test_a_feature_of_one_value_comes_back(convert, value):
    X = np.full((20, 1), float(value))
    encoding = learn(X, {0: identity(convert)})
    features, _ = encode(encoding, X)
    assert np.abs(features).max() <= 1
    assert_allclose(encoding.decode(features)[0], X[:, 0], rtol=1e-12)


@every_container
def test_what_is_far_beyond_training_is_taken_as_far_and_not_farther(convert):
    X = np.arange(20.0)[:, np.newaxis]
    encoding = learn(X, {0: identity(convert)})
    features, _ = encode(encoding, np.array([[1e300], [-1e300]]))
    assert_array_equal(features, [[1e6], [-1e6]])


def test_nan_of_an_encoder_after_training_is_missing_to_the_model():
    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan)
    encoding = learn(np.array([["a"], ["b"]] * 10, object), {0: encoder})
    features, _ = encode(encoding, np.array([["z"], ["b"]], object))
    assert_array_equal(np.isnan(features), [[True], [False]])


# What an encoder must give


class Wide(TransformerMixin, BaseEstimator):
    """As many features as rows: not the same number at each call."""

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return np.ones((len(X), len(X)))


WRONG = {
    "fewer rows": (lambda X: X[:2], r"shape \(2, 1\) for 20 values; it must give one"),
    "no features": (lambda X: X[:, :0], r"shape \(20, 0\) for 20 values"),
    "one dimension": (lambda X: X[:, 0], r"cannot encode it: it gave .*shape \(20,\)"),
    "no numbers": (lambda X: X.astype(str) + "a", "cannot encode it: could not conv"),
    "infinity": (lambda X: X + np.inf, "cannot encode it: it gave infinity"),
    "NaN": (lambda X: np.where(X > 5, np.nan, X), "cannot encode it: it gave NaN"),
    "sparse NaN": (
        lambda X: scipy.sparse.csr_array(np.where(X > 5, np.nan, X)),
        "cannot encode it: it gave NaN",
    ),
    "one number": (lambda X: 3, r"cannot encode it: it gave .*shape \(\)"),
}


@pytest.mark.parametrize(("function", "words"), WRONG.values(), ids=WRONG)
def test_an_encoder_that_gives_no_row_for_each_value_is_named(function, words):
    encoder = FunctionTransformer(function)
    with pytest.raises(ValueError, match="Column 'x0' of X: FunctionTr.*" + words):
        learn(np.arange(20.0)[:, np.newaxis], {0: encoder})


def test_an_encoder_that_gives_other_features_later_is_named():
    encoding = learn(np.arange(20.0)[:, np.newaxis], {0: Wide()})
    with pytest.raises(ValueError, match=r"Wide gave .*\(3, 3\).* row of 20 numbers"):
        encode(encoding, np.arange(3.0)[:, np.newaxis])


def test_an_error_of_an_encoder_after_training_names_the_column():
    X = np.array([[1.0, "a"], [2.0, "b"]], object)
    encoding = learn(X, {1: OneHotEncoder()})
    with pytest.raises(ValueError, match=r"Column 'x1' of X: OneHot.* unknown categ"):
        encode(encoding, np.array([[1.0, "z"]], object))


def test_an_inverse_of_another_length_is_named():
    encoder = FunctionTransformer(inverse_func=lambda X: X[:3], check_inverse=False)
    encoding = learn(np.arange(20.0)[:, np.newaxis], {0: encoder})
    with pytest.raises(ValueError, match=r"Column 'x0' of X: Func.* cannot decode it"):
        encoding.decode(np.zeros((4, 1)))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_an_inverse_that_is_no_number_is_missing_or_the_last_of_its_type(value):
    encoder = FunctionTransformer(
        inverse_func=lambda X: np.full_like(X, value), check_inverse=False
    )
    encoding = learn(pd.DataFrame({"a": np.arange(20, dtype=np.int8)}), {0: encoder})
    (values,) = encoding.decode(np.zeros((1, 1)))
    expected = {np.inf: 127, -np.inf: -128}.get(value)
    assert_array_equal(values, [expected])


def test_encoders_are_cloned():
    scaler = StandardScaler()
    encoding = learn(np.arange(20.0)[:, np.newaxis], {0: scaler})
    assert not hasattr(scaler, "mean_")
    assert encoding.groups[0].encoder.mean_ == 9.5


# Tables made anew

EMPTY = {
    "float64": (pd.Series([], dtype="float64"), "float64"),
    "int8": (pd.Series([], dtype="int8"), "float64"),
    "Int64": (pd.Series([], dtype="Int64"), "Int64"),
    "bool": (pd.Series([], dtype="bool"), "object"),
    "boolean": (pd.Series([], dtype="boolean"), "boolean"),
    "category": (pd.Series([], dtype="category"), "category"),
    "string": (pd.Series([], dtype="string"), "string"),
    "datetime64[ns]": (pd.Series([], dtype="datetime64[ns]"), "datetime64[ns]"),
}


@pytest.mark.parametrize(("series", "dtype"), EMPTY.values(), ids=EMPTY)
def test_a_column_of_nothing_keeps_its_type_where_that_has_a_mark_for_it(series, dtype):
    nothing = np.full(3, None)
    made = make_table(pd.DataFrame({"a": series}), [nothing])
    assert made["a"].isna().all()
    assert made["a"].dtype == dtype


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_column_of_nothing_is_nan_in_an_array_of_numbers(dtype):
    made = make_table(np.empty((0, 2), dtype), [np.array([1.0]), np.full(1, None)])
    assert made.dtype == dtype
    assert_array_equal(made, [[1, np.nan]])


def test_a_column_of_nothing_makes_objects_of_an_array_of_strings():
    made = make_table(
        np.empty((0, 2), "U1"), [np.array(["a"], object), np.full(1, None)]
    )
    assert_array_equal(made, [["a", None]])


@pytest.mark.parametrize("unit", ["s", "us", "ns"])
def test_times_keep_their_type(unit):
    times = np.array(["2020-01-01", "2021-05-06"], f"datetime64[{unit}]")
    old = pd.DataFrame({"a": pd.Series(times)})
    made = make_table(old[:0], [times])
    pd.testing.assert_frame_equal(made, old)


def test_encoders_of_skrub_take_times_and_texts_of_pandas_and_polars():
    skrub = pytest.importorskip("skrub")
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "when": pd.date_range("2024-01-01", periods=60, freq="D"),
            "note": [f"{word} {k}" for k, word in enumerate(["cat", "dog"] * 30)],
            "n": rng.normal(size=60),
        }
    )
    frame.loc[::7, "when"] = pd.NaT
    model = TableDenoisingAutoencoder(
        DenoisingAutoencoder(4, max_iter=2),
        column_encoders={
            "when": skrub.DatetimeEncoder(),
            "note": skrub.StringEncoder(n_components=3),
        },
        random_state=0,
    )
    columns = {name: frame[name].tolist() for name in ("note", "n")}
    when = [None if pd.isna(time) else time.to_pydatetime() for time in frame["when"]]
    for X in (frame, pl.DataFrame({"when": when, **columns})):
        codes = model.fit(X).transform(X)
        assert np.isfinite(codes).all()
        decoded = model.inverse_transform(codes)
        assert list(decoded.columns) == ["when", "note", "n"]
        assert list(decoded.dtypes) == list(X.dtypes)
