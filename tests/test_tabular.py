"""TableDenoisingAutoencoder: codes of tables, and tables of codes."""

import copy
import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import config_context
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    KBinsDiscretizer,
    OneHotEncoder,
    OrdinalEncoder,
    QuantileTransformer,
    StandardScaler,
)
from tabular_models import (
    THOROUGH,
    frame,
    holes,
    make,
    numbers,
    outputs,
    polars_frame,
    small,
)

from sk_autoenc import DenoisingAutoencoder, TableDenoisingAutoencoder

pytestmark = pytest.mark.filterwarnings("ignore:Maximum iterations")

KINDS = {
    "array": numbers(),
    "holes": holes(),
    "pandas": frame(),
    "polars": polars_frame(),
    "objects": np.array([["a", 1.5], ["b", None], [None, 2.0]] * 20, object),
    "strings": np.array([["a", "b"], ["b", "c"]] * 30),
}
every_kind = pytest.mark.parametrize("X", KINDS.values(), ids=KINDS)


def part_of(X, rows):
    return X.iloc[rows] if hasattr(X, "iloc") else X[rows]


def assert_same_outputs(left, right, X):
    expected = outputs(right, X)
    for name, values in outputs(left, X).items():
        assert_array_equal(values, expected[name], err_msg=name)


# Codes


@every_kind
def test_codes_are_finite_numbers_of_each_row(X):
    model = make()
    codes = model.fit_transform(X)
    assert codes.shape == (60, 4)
    assert codes.dtype == np.float64
    assert np.isfinite(codes).all()
    assert_array_equal(model.transform(X), codes)


@every_kind
def test_codes_of_some_rows_are_some_rows_of_the_codes(X):
    model = make().fit(X)
    codes = model.transform(X)
    rows = slice(20, 33)
    assert_allclose(model.transform(part_of(X, rows)), codes[rows], rtol=1e-12)
    assert_allclose(model.transform(part_of(X, slice(7, 8))), codes[7:8], rtol=1e-12)


def test_codes_of_an_array_of_float32_are_float32():
    X = holes()
    model = make().fit(X)
    codes = model.transform(X.astype(np.float32))
    assert codes.dtype == np.float32
    assert_allclose(codes, model.transform(X), atol=1e-5)


def test_a_model_of_float32_takes_float64():
    model = make().fit(holes(dtype=np.float32))
    assert model.transform(holes()).dtype == np.float64


def test_codes_differ_where_rows_do():
    model = make().fit(frame())
    assert len(np.unique(model.transform(frame()), axis=0)) == 60


def test_the_model_is_that_of_the_encoded_rows():
    X = numbers()
    model = make().fit(X)
    z = np.arcsinh((X - X.mean(axis=0)) / X.std(axis=0))
    z /= np.sqrt((z**2).mean(axis=0))
    expected = clone(model.autoencoder_).fit(z.astype(np.float32))
    assert_allclose(model.transform(X), expected.transform(z), atol=1e-5)


def test_feature_groups_are_the_columns():
    X = np.array([["a", 1.0, "x"], ["b", 2.0, "y"], ["c", None, "y"]] * 10, object)
    model = make().fit(X)
    assert_array_equal(model.feature_groups_, [0, 0, 0, 1, 1, 2, 2])
    assert_array_equal(model.autoencoder_.feature_groups, model.feature_groups_)
    assert model.autoencoder_.loss_name_ == "mixed"
    assert list(model.encoders_) == ["x0", "x1", "x2"]


def test_without_an_autoencoder_there_is_a_default_one():
    model = TableDenoisingAutoencoder(random_state=0).fit(numbers(20))
    assert model.autoencoder_.corruption == "swap"
    assert model.transform(numbers(3)).shape == (3, model.autoencoder_.n_components)


def test_features_of_many_pieces_are_trained_on_sparse():
    seen = []

    class Spy(DenoisingAutoencoder):
        def fit(self, X, y=None):
            seen.append(X)
            return super().fit(X)

    spy = Spy(n_components=2, max_iter=1, batch_size=200, corruption="swap")
    X = np.random.default_rng(0).normal(size=(2000, 2))
    model = make(autoencoder=spy).fit(X)
    assert scipy.sparse.issparse(seen[0])
    assert seen[0].shape == (2000, 2 * 41)
    assert np.isfinite(model.score(X))


# Tables of codes


@pytest.mark.parametrize("n_rows", [60, 1])
def test_a_pandas_frame_comes_back_with_its_types(n_rows):
    X = frame()
    model = make().fit(X)
    table = model.reconstruct(X[:n_rows])
    assert isinstance(table, pd.DataFrame)
    assert list(table.columns) == list(X.columns)
    assert table.dtypes.tolist() == X.dtypes.tolist()
    assert len(table) == n_rows
    assert not table.isna().any(axis=None)


def test_a_reconstruction_has_the_index_of_the_frame():
    X = frame()
    table = make().fit(X).reconstruct(X[10:20])
    assert_array_equal(table.index, X.index[10:20])


def test_a_polars_frame_comes_back_with_its_types():
    X = polars_frame()
    table = make().fit(X).reconstruct(X[:7])
    assert isinstance(table, pl.DataFrame)
    assert table.schema == X.schema
    assert table.shape == (7, X.shape[1])
    assert sum(table.null_count().row(0)) == 0


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_an_array_of_numbers_comes_back_in_its_precision(dtype):
    X = holes(dtype=dtype)
    table = make().fit(X).reconstruct(X)
    assert table.dtype == dtype
    assert table.shape == X.shape
    assert np.isfinite(table).all()


@pytest.mark.parametrize("dtype", ["U1", "S1", bool, object])
def test_an_array_of_levels_comes_back_in_its_type(dtype):
    X = (np.arange(120).reshape(60, 2) % 3).astype("U1" if dtype is object else dtype)
    X = X.astype(dtype)
    table = make().fit(X).reconstruct(X)
    assert table.dtype == X.dtype
    assert set(table.ravel().tolist()) <= set(X.ravel().tolist())


@every_kind
def test_categories_are_always_levels_of_training(X):
    model = make().fit(X)
    wild = np.random.default_rng(0).normal(size=(50, 4)) * 100
    decoded = np.asarray(model.inverse_transform(wild), object)
    given = np.asarray(X, object)
    for group, _ in model._encoding.blocks():
        if group.levels is not None:
            assert set(decoded[:, group.place]) <= set(given[:, group.place])


def test_whole_numbers_stay_within_their_type():
    X = pd.DataFrame({"a": np.array([127, -128] * 30, np.int8)})
    table = make().fit(X).inverse_transform(np.array([[1e6], [-1e6]]) * np.ones(4))
    assert table["a"].dtype == np.int8
    assert set(table["a"]) <= set(range(-128, 128))


def test_a_small_table_is_learned_by_heart():
    X = pd.DataFrame(
        {
            "a": ["x", "y", "z"] * 20,
            "b": [1.0, 2.0, 5.0] * 20,
            "c": [True, False, True] * 20,
        }
    )
    table = make(autoencoder=small(**THOROUGH)).fit(X).reconstruct(X)
    assert table["a"].tolist() == X["a"].tolist()
    assert table["c"].tolist() == X["c"].tolist()
    assert_allclose(table["b"], X["b"], atol=0.5)


def test_columns_of_one_value_come_back_as_they_were():
    X = pd.DataFrame(
        {"a": [3] * 60, "b": ["q"] * 60, "c": [2.5] * 60, "d": np.arange(60) / 7}
    )
    table = make(autoencoder=small(**THOROUGH)).fit(X).reconstruct(X)
    assert (table["a"] == 3).all()
    assert (table["b"] == "q").all()
    assert_allclose(table["c"], 2.5, atol=0.3)


def test_a_column_wholly_missing_comes_back_missing():
    X = frame().assign(nothing=np.nan)
    model = make().fit(X)
    table = model.reconstruct(X)
    assert table["nothing"].isna().all()
    assert table.dtypes.tolist() == X.dtypes.tolist()
    assert "nothing" not in model.encoders_
    assert not table.drop(columns="nothing").isna().any(axis=None)


@pytest.mark.parametrize("dtype", ["Int64", "string", "category", "boolean", "float32"])
def test_a_column_wholly_missing_keeps_its_type(dtype):
    X = frame()[["float64"]].assign(nothing=pd.array([None] * 60, dtype=dtype))
    table = make().fit(X).reconstruct(X)
    assert table["nothing"].dtype == dtype
    assert table["nothing"].isna().all()


def test_a_column_of_polars_wholly_missing_keeps_its_type():
    nothing = pl.Series("nothing", [None] * 60, dtype=pl.Enum(["a"]))
    X = polars_frame().with_columns(nothing)
    table = make().fit(X).reconstruct(X)
    assert table.schema == X.schema
    assert table["nothing"].null_count() == 60


def test_a_column_of_an_array_wholly_missing_is_nan():
    X = np.column_stack([numbers(), np.full(60, np.nan)])
    table = make().fit(X).reconstruct(X)
    assert table.dtype == np.float64
    assert_array_equal(np.isnan(table).all(axis=0), [False, False, False, True])


def test_another_mark_stands_for_missing():
    X = pd.DataFrame({"a": ["x", "?", "y"] * 20, "b": np.arange(60.0), "c": ["?"] * 60})
    model = make(missing_values="?").fit(X)
    table = model.reconstruct(X)
    assert set(table["a"]) <= {"x", "y"}
    assert table["c"].isna().all()
    assert_array_equal(model.reconstruction_error(X)[:, 2], 0)


def test_wild_numbers_and_codes_are_finite_there_and_back():
    X = np.tile([[1e300, 1e-300], [-1e300, 3e-300], [0, -1e-300]], (20, 1))
    model = make().fit(X)
    wild = np.array([[1.7e308, 1e300], [-1e300, 5e-324]])
    for values in outputs(model, wild).values():
        assert np.isfinite(np.asarray(values, float)).all()
    assert np.isfinite(model.inverse_transform([[1e300] * 4])).all()


@pytest.mark.parametrize("convert", [np.asarray, pd.DataFrame, pl.DataFrame])
def test_wild_codes_decode_to_finite_numbers_of_a_narrow_type(convert):
    X = convert(numbers(dtype=np.float32))
    table = make().fit(X).inverse_transform([[1e9] * 4])
    assert np.asarray(table).dtype == np.float32
    assert np.isfinite(np.asarray(table)).all()


@pytest.mark.parametrize("dtype", ["double", "float"])
def test_wild_codes_decode_to_finite_numbers_of_a_type_of_pyarrow(dtype):
    pytest.importorskip("pyarrow")
    X = pd.DataFrame(numbers()).astype(f"{dtype}[pyarrow]")
    table = make().fit(X).inverse_transform([[1e9] * 4])
    pd.testing.assert_series_equal(table.dtypes, X.dtypes)
    assert np.isfinite(table.to_numpy(float)).all()


def test_more_than_a_thousand_levels_share_a_feature_of_the_rare():
    X = pd.DataFrame({"a": [f"level {k}" for k in range(1200)] + ["often"] * 50})
    model = make(autoencoder=small(batch_size=200)).fit(X)
    assert model.feature_groups_.tolist() == [0, 0]
    assert set(model.reconstruct(X)["a"]) <= set(X["a"])


def test_more_than_a_thousand_levels_each_with_a_feature_come_back_by_their_encoder():
    X = pd.DataFrame({"a": [f"level {k}" for k in range(1200)]})
    model = make(
        autoencoder=small(batch_size=200), categorical_encoder=OneHotEncoder()
    ).fit(X)
    assert len(model.feature_groups_) == 1200
    assert set(model.reconstruct(X[:9])["a"]) <= set(X["a"])


def test_names_of_columns_need_not_be_strings():
    X = pd.DataFrame(numbers(), columns=[5, 7, 9])
    table = make().fit(X).reconstruct(X)
    assert table.columns.tolist() == [5, 7, 9]


def test_one_row_is_enough():
    X = frame()[:1]
    model = make(autoencoder=small(batch_size=1)).fit(X)
    assert np.isfinite(model.transform(X)).all()
    assert model.reconstruct(X)["category"].tolist() == X["category"].tolist()


# Holes and levels that are new


@pytest.mark.parametrize("add_indicator", [True, False])
def test_holes_are_taken_with_and_without_indicator(add_indicator):
    X = holes()
    model = make(add_indicator=add_indicator).fit(X)
    assert len(model.feature_groups_) == (6 if add_indicator else 3)
    assert np.isfinite(model.reconstruct(np.full((2, 3), np.nan))).all()


def test_holes_where_training_had_none_are_taken():
    model = make().fit(numbers())
    for values in outputs(model, holes()).values():
        assert np.isfinite(np.asarray(values, float)).all()


def test_an_unseen_level_is_taken_as_missing():
    X = pd.DataFrame({"a": ["x", "y"] * 30, "b": np.arange(60.0)})
    model = make().fit(X)
    strange = pd.DataFrame({"a": ["z", 3.5, None], "b": [1.0, 1.0, 1.0]})
    codes = model.transform(strange)
    assert_array_equal(codes[0], codes[1])
    assert_array_equal(codes[0], codes[2])
    assert_array_equal(model.reconstruction_error(strange)[:, 0], 0)


def test_none_nan_and_na_are_the_same_hole():
    X = np.array([["a", 1.5], ["b", None], [None, 2.0]] * 20, object)
    model = make().fit(X)
    codes = [
        model.transform(np.array([[nothing, nothing]], object))
        for nothing in (None, np.nan, pd.NA)
    ]
    assert_array_equal(codes[0], codes[1])
    assert_array_equal(codes[0], codes[2])


# Scores


@every_kind
def test_scores_are_minus_half_the_errors_of_what_is_observed(X):
    model = make().fit(X)
    errors = model.reconstruction_error(X)
    missing = pd.isna(np.asarray(X, object)) if X is not KINDS["strings"] else X == ""
    n_columns = errors.shape[1]
    share = (~missing).sum(axis=1) / n_columns
    assert errors.shape == missing.shape
    assert_array_equal(errors[missing], 0)
    assert (errors[~missing] > 0).all()
    expected = -errors.sum(axis=1) / 2 / share
    assert_allclose(model.score_samples(X), expected, rtol=1e-10)
    assert model.score(X) == pytest.approx(expected.mean())


def test_the_error_of_a_category_is_at_most_2():
    X = frame()[["category", "ordered", "bool"]]
    errors = make().fit(X).reconstruction_error(X)
    assert errors.max() <= 2


def test_the_error_of_a_number_is_in_units_of_its_spread():
    X = numbers()
    errors = [
        make().fit(scale * X).reconstruction_error(scale * X) for scale in (1, 64)
    ]
    assert_allclose(errors[1], errors[0], rtol=1e-3, atol=1e-4)


def test_a_row_of_holes_has_the_score_0():
    model = make().fit(holes())
    score = model.score_samples(np.full((1, 3), np.nan))
    assert_array_equal(score, [0])
    assert not np.signbit(score[0])


# Encoders of the user's


def test_numeric_and_categorical_encoders_are_used():
    model = make(
        numeric_encoder=StandardScaler(), categorical_encoder=OrdinalEncoder()
    ).fit(pd.DataFrame({"a": [1.0, 2.0] * 30, "b": ["x", "y"] * 30}))
    assert isinstance(model.encoders_["a"], StandardScaler)
    assert isinstance(model.encoders_["b"], OrdinalEncoder)
    assert_array_equal(model.feature_groups_, [0, 1])


@pytest.mark.parametrize("key", ["int8", 2, np.int64(2)])
def test_a_column_is_given_its_encoder_by_name_or_number(key):
    X = frame()
    model = make(column_encoders={key: StandardScaler()}).fit(X)
    assert isinstance(model.encoders_["int8"], StandardScaler)
    assert not isinstance(model.encoders_["float64"], StandardScaler)
    assert model.reconstruct(X)["int8"].dtype == np.int8


def test_a_column_of_an_array_is_named_by_its_number():
    model = make(column_encoders={"x1": StandardScaler()}).fit(numbers())
    assert isinstance(model.encoders_["x1"], StandardScaler)


@pytest.mark.parametrize(
    "encoder",
    [
        StandardScaler(),
        QuantileTransformer(n_quantiles=10, output_distribution="normal"),
        KBinsDiscretizer(4, quantile_method="averaged_inverted_cdf"),
        make_pipeline(StandardScaler(), QuantileTransformer(n_quantiles=10)),
        StandardScaler().set_output(transform="pandas"),
    ],
    ids=["scaler", "quantiles", "pieces", "pipeline", "pandas"],
)
def test_transformers_of_scikit_learn_encode_numbers(encoder):
    X = holes()
    model = make(numeric_encoder=encoder).fit(X)
    assert np.isfinite(model.reconstruct(X)).all()
    assert np.isfinite(model.score(X))


def test_a_column_whose_encoder_has_no_inverse_comes_back_missing():
    class OneWay(StandardScaler):
        inverse_transform = property()

    X = numbers()
    table = make(column_encoders={0: OneWay()}).fit(X).reconstruct(X)
    assert_array_equal(np.isnan(table).all(axis=0), [True, False, False])


def days(X):
    return X.astype("datetime64[D]").astype(float)


def to_days(X):
    return np.round(X).astype("datetime64[D]").astype("datetime64[us]")


DAYS = pd.date_range("2020-01-01", periods=60, unit="us")
TIMES = {
    "pandas": pd.DataFrame({"when": DAYS, "x": np.arange(60.0)}),
    "polars": pl.DataFrame({"when": DAYS.to_numpy(), "x": np.arange(60.0)}),
}


def dates(**changes):
    return FunctionTransformer(days, to_days, check_inverse=False, **changes)


@pytest.mark.parametrize("X", TIMES.values(), ids=TIMES)
def test_times_with_an_encoder_come_back_as_times(X):
    steps = make_pipeline(dates(), StandardScaler())
    table = make(column_encoders={"when": steps}).fit(X).reconstruct(X)
    assert table["when"].dtype == X["when"].dtype
    year = np.asarray(table["when"]).astype("datetime64[Y]")
    assert set(year.astype(str)) <= {"2019", "2020", "2021"}


def test_times_may_be_missing():
    X = TIMES["pandas"].copy()
    X.loc[3:9, "when"] = pd.NaT
    model = make(column_encoders={"when": make_pipeline(dates(), StandardScaler())})
    assert np.isfinite(model.fit(X).transform(X)).all()
    assert len(model.feature_groups_) == 3
    assert not model.reconstruct(X)["when"].isna().any()


def test_times_whose_encoder_has_no_inverse_come_back_missing_in_their_type():
    class Day(StandardScaler):
        inverse_transform = property()

        def fit(self, X, y=None, sample_weight=None):
            return super().fit(days(X))

        def transform(self, X):
            return super().transform(days(X))

    X = TIMES["pandas"]
    table = make(column_encoders={"when": Day()}).fit(X).reconstruct(X)
    assert table["when"].isna().all()
    assert table["when"].dtype == X["when"].dtype


def test_an_encoder_of_single_columns_gets_the_column_as_it_is():
    seen = []

    class OfSeries(StandardScaler):
        __single_column_transformer__ = True

        def fit(self, X, y=None, sample_weight=None):
            seen.append(X)
            return super().fit(np.asarray(X)[:, np.newaxis])

        def transform(self, X):
            seen.append(X)
            return super().transform(np.asarray(X)[:, np.newaxis])

    X = frame()
    make(column_encoders={"float64": OfSeries()}).fit(X)
    assert isinstance(seen[0], pd.Series)
    pd.testing.assert_series_equal(seen[0], X["float64"].dropna())
    seen.clear()
    make(column_encoders={"float64": OfSeries()}).fit(polars_frame())
    assert seen[0].to_list() == X["float64"].dropna().tolist()


def test_what_is_given_is_cloned_and_not_changed():
    given = {
        "autoencoder": small(),
        "numeric_encoder": StandardScaler(),
        "categorical_encoder": OneHotEncoder(),
        "column_encoders": {"int8": StandardScaler()},
    }
    before = copy.deepcopy(given)
    model = make(**given).fit(frame())
    assert all(getattr(model, name) is value for name, value in given.items())
    for name in ("autoencoder", "numeric_encoder", "categorical_encoder"):
        assert vars(given[name]) == vars(before[name])
    assert vars(given["column_encoders"]["int8"]) == vars(StandardScaler())


# Which columns are categories


def test_columns_of_numbers_may_be_named_as_categories():
    X = np.column_stack([np.arange(60) % 3, np.arange(60)]).astype(float)
    model = make(categorical_features=[0]).fit(X)
    assert_array_equal(model.feature_groups_, [0, 0, 0, 1])
    assert set(model.reconstruct(X)[:, 0]) <= {0, 1, 2}


# Randomness


@every_kind
def test_a_seed_decides_everything(X):
    assert_same_outputs(make().fit(X), make().fit(X), X)


def test_fits_without_a_seed_differ():
    X = numbers()
    first, second = (make(random_state=None).fit_transform(X) for _ in range(2))
    assert not np.array_equal(first, second)


def test_a_random_state_of_the_autoencoders_own_stays():
    model = make(autoencoder=small(random_state=7)).fit(numbers())
    assert model.autoencoder_.random_state == 7


def test_an_encoder_without_a_seed_is_given_one():
    encoder = QuantileTransformer(n_quantiles=10, subsample=30)
    models = [make(numeric_encoder=encoder).fit(numbers()) for _ in range(2)]
    assert isinstance(models[0].encoders_["x0"].random_state, int)
    assert_same_outputs(*models, numbers())


# Copies and searches


@every_kind
@pytest.mark.parametrize(
    "duplicate",
    [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))],
    ids=["deepcopy", "pickle"],
)
def test_a_copy_of_a_fitted_model_gives_the_same(X, duplicate):
    model = make().fit(X)
    assert_same_outputs(duplicate(model), model, X)


def test_a_clone_is_not_fitted_and_learns_the_same():
    model = make(column_encoders={"int8": StandardScaler()}).fit(frame())
    cloned = clone(model)
    assert not hasattr(cloned, "autoencoder_")
    assert_same_outputs(cloned.fit(frame()), model, frame())


def test_parameters_of_the_autoencoder_are_set_through_the_model():
    model = make().set_params(autoencoder__n_components=2, add_indicator=False)
    assert model.get_params()["autoencoder__n_components"] == 2
    assert model.fit_transform(numbers()).shape == (60, 2)


def test_settings_after_a_fit_do_not_change_what_was_fitted():
    X = holes()
    model = make().fit(X)
    expected = outputs(model, X)
    model.set_params(
        missing_values=-1,
        add_indicator=False,
        autoencoder=None,
        column_encoders={0: StandardScaler()},
        categorical_features=[0],
    )
    for name, values in outputs(model, X).items():
        assert_array_equal(values, expected[name])


def test_a_search_in_a_pipeline_tunes_the_autoencoder():
    X = frame()
    y = np.arange(60) % 2
    search = GridSearchCV(
        make_pipeline(make(), LogisticRegression()),
        {"tabledenoisingautoencoder__autoencoder__n_components": [2, 3]},
        cv=2,
        error_score="raise",
    ).fit(X, y)
    fitted = search.best_estimator_[0]
    expected = search.best_params_.popitem()[1]
    assert fitted.transform(X).shape == (60, expected)
    assert search.predict(X).shape == (60,)


def test_a_search_tunes_by_the_models_own_score():
    search = GridSearchCV(
        make(), {"autoencoder__corruption_level": [0.0, 0.3]}, cv=2, error_score="raise"
    ).fit(frame())
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_early_stopping_is_the_autoencoders():
    model = make(autoencoder=small(early_stopping=True)).fit(frame())
    assert len(model.autoencoder_.validation_loss_curve_) == 2


# Frames out


@pytest.mark.parametrize(
    ("name", "kind"), [("pandas", pd.DataFrame), ("polars", pl.DataFrame)]
)
@every_kind
def test_set_output_makes_a_frame_of_codes(X, name, kind):
    model = make().set_output(transform=name)
    codes = model.fit_transform(X)
    assert isinstance(codes, kind)
    names = [f"tabledenoisingautoencoder{k}" for k in range(4)]
    assert list(codes.columns) == names
    assert model.get_feature_names_out().tolist() == names
    assert_array_equal(codes.to_numpy(), make().fit_transform(X))


def test_the_index_of_a_pandas_frame_stays_with_the_codes():
    codes = make().set_output(transform="pandas").fit_transform(frame())
    assert_array_equal(codes.index, frame().index)


@pytest.mark.parametrize("name", ["pandas", "polars"])
def test_a_configuration_of_scikit_learn_for_all_outputs_is_no_hindrance(name):
    expected = outputs(make().fit(frame()), frame())
    with config_context(transform_output=name):
        found = outputs(make().fit(frame()), frame())
    for key, values in found.items():
        assert_array_equal(values, expected[key])


def test_codes_may_come_back_as_a_frame():
    model = make().set_output(transform="pandas").fit(frame())
    table = model.inverse_transform(model.transform(frame()))
    expected = model.reconstruct(frame()).reset_index(drop=True)
    pd.testing.assert_frame_equal(table, expected)
