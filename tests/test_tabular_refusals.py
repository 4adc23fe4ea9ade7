"""TableDenoisingAutoencoder: what it refuses, in which words, and what is left then."""

import datetime
import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse
from numpy.testing import assert_array_equal
from sklearn.exceptions import NotFittedError
from sklearn.preprocessing import (
    FunctionTransformer,
    OneHotEncoder,
    OrdinalEncoder,
    StandardScaler,
)
from tabular_models import frame, make, numbers, outputs, polars_frame, small
from test_interrupts import Injection

from sk_autoenc import DenoisingAutoencoder

pytestmark = pytest.mark.filterwarnings("ignore:Maximum iterations")

X = numbers()


def column(values, dtype=None):
    return pd.DataFrame({"when": pd.Series(values, dtype=dtype)})


def with_infinity():
    return np.where(np.arange(3) == 2, np.inf, X)


# Tables

DAY = datetime.date(2020, 5, 1)
NOON = datetime.datetime(2020, 5, 1, 12)
TIMES = {
    "dates": column(pd.date_range("2020", periods=30)),
    "with zone": column(pd.date_range("2020", periods=30, tz="UTC")),
    "durations": column(pd.to_timedelta(range(30), "D")),
    "periods": column(pd.period_range("2020", periods=30)),
    "objects": column([DAY] * 30, object),
    "polars dates": pl.DataFrame({"when": [DAY] * 30}),
    "polars times": pl.DataFrame({"when": [NOON] * 30}),
    "polars hours": pl.DataFrame({"when": [NOON.time()] * 30}),
}


@pytest.mark.parametrize("X", TIMES.values(), ids=TIMES)
def test_times_are_refused_with_the_remedy(X):
    with pytest.raises(ValueError, match=r"Column 'when' of X .*column_encoders"):
        make().fit(X)


TABLES = {
    "infinity": (with_infinity(), "Column 'x2' of X contains infinity"),
    "infinity in a frame": (column([1, np.inf]), "Column 'when' of X contains infin"),
    "nothing observed": (np.full((9, 3), np.nan), "Every entry of X is missing"),
    "no rows": (X[:0], "0 sample"),
    "no rows in a frame": (frame()[:0], "0 sample"),
    "no rows in polars": (polars_frame()[:0], "0 sample"),
    "no columns": (pd.DataFrame(index=range(5)), "0 feature"),
    "one dimension": (X[0], "1D array"),
    "three dimensions": (np.ones((2, 2, 2)), "dim 3"),
    "no table": ("abc", "scalar array"),
    "two columns of one name": (
        pd.DataFrame(X[:, :2], columns=["a", "a"]),
        "several columns named 'a'",
    ),
    "a huge integer": (column([10**400, 1], object), "Column 'when' of X is taken as"),
    "structs": (pl.DataFrame({"a": [{"b": 1}] * 9}), "Column 'a' of X holds several"),
    "complex": (np.ones((5, 2), complex), "[Cc]omplex"),
    "an array of days": (np.ones((5, 2), "M8[D]"), "Column 'x0' of X has the type"),
}


@pytest.mark.parametrize(("table", "words"), TABLES.values(), ids=TABLES)
def test_what_is_no_table_of_numbers_and_levels_is_refused(table, words):
    with pytest.raises(ValueError, match=words):
        make().fit(table)


def test_a_sparse_matrix_is_refused():
    with pytest.raises(TypeError, match="dense data is required"):
        make().fit(scipy.sparse.csr_array(X))


def test_a_masked_array_is_refused():
    with pytest.raises(TypeError, match="masked array"):
        make().fit(np.ma.masked_array(X))


@pytest.mark.parametrize("values", [[[1], [2]], [{}, {}], ["a", 1]], ids=str)
def test_levels_that_cannot_be_encoded_name_their_column(values):
    with pytest.raises(TypeError, match="Column 'when' of X: OneHotEncoder cannot"):
        make().fit(column(values * 10, object))


# Parameters


class Steps:
    def fit_transform(self, X):
        return X

    def transform(self, X):
        return X


PARAMETERS = {
    "autoencoder, a class": (
        {"autoencoder": DenoisingAutoencoder},
        "autoencoder must .* Pass an instance",
    ),
    "autoencoder, a string": ({"autoencoder": "auto"}, "It is no estimator"),
    "autoencoder, another": (
        {"autoencoder": StandardScaler()},
        "It has no parameter feature_groups",
    ),
    "autoencoder, its own parameter": (
        {"autoencoder": small(n_components=0)},
        "'n_components' parameter of DenoisingAutoencoder",
    ),
    "autoencoder, loss": (
        {"autoencoder": small(loss="cross_entropy")},
        "loss='cross_entropy' needs",
    ),
    "numeric_encoder": ({"numeric_encoder": 3}, "numeric_encoder must be a transf"),
    "numeric_encoder, a class": (
        {"numeric_encoder": StandardScaler},
        "numeric_encoder must be a transformer",
    ),
    "numeric_encoder, no clone": (
        {"numeric_encoder": Steps()},
        "numeric_encoder must be a transformer",
    ),
    "categorical_encoder": (
        {"categorical_encoder": "drop"},
        "categorical_encoder must be a transformer",
    ),
    "column_encoders": ({"column_encoders": [1]}, "column_encoders must be a dict"),
    "column_encoders, a wrong name": (
        {"column_encoders": {"size": StandardScaler()}},
        r"key 'size'.*from 0 to 2. The columns are \['x0', 'x1', 'x2'\]",
    ),
    "column_encoders, a wrong number": (
        {"column_encoders": {3: StandardScaler()}},
        "key 3",
    ),
    "column_encoders, a negative number": (
        {"column_encoders": {-1: StandardScaler()}},
        "key -1",
    ),
    "column_encoders, a bool": (
        {"column_encoders": {True: StandardScaler()}},
        "key True",
    ),
    "column_encoders, one column twice": (
        {"column_encoders": {"x0": StandardScaler(), 0: StandardScaler()}},
        "two keys for the column 'x0'",
    ),
    "column_encoders, nothing": (
        {"column_encoders": {0: None}},
        r"column_encoders\[0\] must be a transformer",
    ),
    "column_encoders, a wrong shape": (
        {"column_encoders": {0: FunctionTransformer(lambda X: X[:4])}},
        r"Column 'x0' of X: FunctionTransformer gave an array of shape \(4, 1\)",
    ),
    "categorical_features": ({"categorical_features": ["a"]}, "categorical_features"),
    "missing_values": ({"missing_values": [1]}, "missing_values must be one"),
    "add_indicator": ({"add_indicator": 1}, "'add_indicator' parameter"),
    "random_state": ({"random_state": "a"}, "'random_state' parameter"),
    "divergence": ({"autoencoder": small(learning_rate_init=1e300)}, "diverged"),
}
every_parameter = pytest.mark.parametrize(
    ("changes", "words"), PARAMETERS.values(), ids=PARAMETERS
)


@every_parameter
def test_a_wrong_parameter_is_named_and_nothing_is_left(changes, words):
    model = make(**changes)
    with pytest.raises(ValueError, match=words):
        model.fit(X)
    assert set(vars(model)) == set(model.get_params(deep=False))


def test_nan_beside_another_mark_is_refused():
    with pytest.raises(ValueError, match="contains NaN or None, while missing_values"):
        make(missing_values=-1).fit(np.where(X > 2, np.nan, X))


# What a failing fit leaves


def state_of(model):
    """All that it holds beside its parameters, frozen."""
    parameters = model.get_params(deep=False)
    return pickle.dumps(
        {name: value for name, value in vars(model).items() if name not in parameters}
    )


@every_parameter
def test_a_fit_that_fails_leaves_the_model_as_it_was(changes, words):
    model = make().fit(frame())
    before, expected = state_of(model), outputs(model, frame())
    model.set_params(**changes)
    with pytest.raises(ValueError, match=words):
        model.fit(X)
    assert state_of(model) == before
    for name, values in outputs(model, frame()).items():
        assert_array_equal(values, expected[name])


@pytest.mark.parametrize(("table", "words"), TABLES.values(), ids=TABLES)
def test_a_table_that_is_refused_leaves_the_model_as_it_was(table, words):
    model = make().fit(frame())
    before = state_of(model)
    with pytest.raises(ValueError, match=words):
        model.fit(table)
    assert state_of(model) == before


@pytest.mark.filterwarnings("ignore:Training interrupted")
@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
def test_an_interrupt_at_any_line_leaves_a_whole_model(error):
    with Injection(error) as seen:
        make().fit(frame(30))
    places = sorted(seen.lines)
    outcomes = set()
    for i in np.random.default_rng(0).choice(len(places), 15, replace=False):
        model = make().fit(X)
        before = model.autoencoder_, model.n_features_in_, model._encoding
        with Injection(error, (places[i], 1)):
            try:
                model.fit(frame(30))
            except error:
                pass
        after = model.autoencoder_, model.n_features_in_, model._encoding
        changed = [one is not other for one, other in zip(before, after, strict=True)]
        assert len(set(changed)) == 1
        outcomes.add(changed[0])
    assert False in outcomes


def test_a_fit_forgets_all_of_the_fit_before():
    model = make().fit(frame()).fit(X)
    assert state_of(model) == state_of(make().fit(X))
    assert not hasattr(model, "feature_names_in_")


# After a fit


@pytest.mark.parametrize(
    "method",
    [
        "transform",
        "inverse_transform",
        "reconstruct",
        "reconstruction_error",
        "score_samples",
        "score",
    ],
)
def test_before_fit_nothing_is_given(method):
    with pytest.raises(NotFittedError):
        getattr(make(), method)(X)


LATER = {
    "no rows": (frame()[:0], "0 sample"),
    "another order": (frame().iloc[:, ::-1], "same order"),
    "fewer columns": (frame()[["int8"]], "feature names should match"),
    "a string for a number": (
        frame().assign(int8="many"),
        "Column 'int8' of X is taken as numbers",
    ),
    "infinity": (frame().assign(float64=np.inf), "Column 'float64' of X contains inf"),
    "dates": (
        frame().assign(int8=pd.Timestamp("2020-01-01")),
        "Column 'int8' of X has the type datetime64",
    ),
}


@pytest.mark.parametrize(("table", "words"), LATER.values(), ids=LATER)
@pytest.mark.parametrize("method", ["transform", "score_samples"])
def test_a_table_of_another_kind_is_refused_and_changes_nothing(method, table, words):
    model = make().fit(frame())
    before = state_of(model)
    with pytest.raises(ValueError, match=words):
        getattr(model, method)(table)
    assert state_of(model) == before


def test_arrays_of_another_width_are_refused():
    with pytest.raises(ValueError, match="4 features, but TableDenoisingAutoencoder"):
        make().fit(X).transform(np.ones((2, 4)))


CODES = {
    "another width": (np.ones((2, 3)), "expecting 4 features .* codes as transform"),
    "NaN": (np.full((2, 4), np.nan), "NaN"),
    "no rows": (np.ones((0, 4)), "0 sample"),
    "one dimension": (np.ones(4), "1D array"),
}


@pytest.mark.parametrize(("codes", "words"), CODES.values(), ids=CODES)
def test_what_are_no_codes_is_refused(codes, words):
    model = make().fit(frame())
    with pytest.raises(ValueError, match=words):
        model.inverse_transform(codes)


def test_an_encoder_that_knows_no_other_levels_names_its_column():
    table = pd.DataFrame({"a": [1.0, 2.0] * 10, "b": ["x", "y"] * 10})
    model = make(categorical_encoder=OneHotEncoder()).fit(table)
    with pytest.raises(ValueError, match="Column 'b' of X: OneHotEncoder cannot enc"):
        model.transform(table.assign(b="z"))


def test_an_encoder_that_cannot_decode_is_named():
    model = make(numeric_encoder=OrdinalEncoder()).fit(X)
    with pytest.raises(
        ValueError, match=r"Column 'x0' .* OrdinalEncoder cannot decode"
    ):
        model.inverse_transform(np.full((1, 4), 1e9))
