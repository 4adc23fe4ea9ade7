"""DenoisingImputer among scikit-learn's tools: checks, searches, copies, output."""

import copy
import io
import pickle

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import estimator_checks_generator
from table_models import QUICK, holes, make, mixed_frame, mixed_polars, outputs

from sk_autoenc import DenoisingImputer
from sk_autoenc.parts.activations import ACTIVATIONS

KINDS = {"numbers": holes(), "mixed": mixed_frame()}
every_kind = pytest.mark.parametrize("X", KINDS.values(), ids=KINDS)

# scikit-learn's checks

FAST = QUICK | {"max_steps": 5, "n_estimators": 1}
SETTINGS = [
    {},
    {"n_estimators": 2, "n_bins": 0},
    {"hidden_layer_sizes": ()},
    *({"activation": name} for name in ACTIVATIONS),
    {"sample_posterior": True, "n_imputations": 2},
    {"add_indicator": True, "keep_empty_features": True},
    {"keep_integers": True, "min_value": -10.0, "max_value": 10.0},
    {"categorical_features": None, "batch_size": 3},
]
CHECKS = [
    pytest.param(check, estimator, id=f"{changes}-{check.func.__name__}")
    for changes in SETTINGS
    for estimator, check in estimator_checks_generator(
        DenoisingImputer(**FAST | changes)
    )
]


@pytest.mark.parametrize(("check", "estimator"), CHECKS)
def test_scikit_learns_checks_pass(check, estimator):
    check(estimator)


def test_every_setting_is_really_checked():
    assert len(CHECKS) > 40 * len(SETTINGS)


def test_the_default_constructor_passes_the_checks_of_parameters():
    for estimator, check in estimator_checks_generator(DenoisingImputer()):
        name = check.func.__name__
        if ("param" in name or "init" in name) and "overwrite" not in name:  # slow
            check(estimator)


def test_the_tags_say_what_is_taken_and_switch_no_check_off():
    tags = get_tags(DenoisingImputer())
    assert tags.input_tags.allow_nan
    assert tags.input_tags.categorical
    assert not tags.input_tags.sparse
    assert tags.input_tags.two_d_array
    assert tags.transformer_tags.preserves_dtype == ["float64", "float32"]
    assert not tags.no_validation
    assert not tags.non_deterministic
    assert not tags._skip_test


# Searches and pipelines


def test_a_search_tunes_by_the_imputers_own_score():
    search = GridSearchCV(
        make(), {"n_bins": [0, 4], "hidden_layer_sizes": [(), (8,)]}, cv=2
    ).fit(holes())
    scores = search.cv_results_["mean_test_score"]
    assert np.isfinite(scores).all()
    assert search.best_score_ == scores.max()
    assert search.transform(holes()).shape == (60, 4)


def test_a_search_takes_frames():
    search = GridSearchCV(make(), {"n_bins": [0, 4]}, cv=2, error_score="raise")
    assert np.isfinite(search.fit(mixed_frame()).best_score_)
    assert np.isfinite(cross_val_score(make(), mixed_frame(), cv=2)).all()


def test_a_pipeline_fills_before_a_classifier():
    X = holes()
    y = np.nan_to_num(X[:, 0]) > 0
    model = make_pipeline(StandardScaler(), make(), LogisticRegression()).fit(X, y)
    assert model.score(X, y) > 0.7
    assert_array_equal(model.predict(X), clone(model).fit(X, y).predict(X))


def test_a_pipeline_encodes_what_was_filled():
    encoder = make_column_transformer(
        (OneHotEncoder(sparse_output=False), ["c", "s", "b"]), remainder="passthrough"
    )
    encoded = make_pipeline(make(), encoder).fit_transform(mixed_frame())
    assert encoded.shape == (60, 9)
    assert np.isfinite(encoded.astype(float)).all()


def test_the_step_is_tuned_inside_a_pipeline():
    X = holes()
    y = np.nan_to_num(X[:, 0]) > 0
    search = GridSearchCV(
        make_pipeline(make(), LogisticRegression()),
        {"denoisingimputer__weight_decay": [0.0, 0.3]},
        cv=2,
        error_score="raise",
    )
    assert search.fit(X, y).score(X, y) > 0.7


def test_y_is_ignored():
    X = holes()
    assert_array_equal(make().fit_transform(X, np.arange(60)), make().fit_transform(X))


# Copies

COPIES = {
    "pickle": lambda imputer: pickle.loads(pickle.dumps(imputer)),
    "deepcopy": copy.deepcopy,
}


def through_joblib(imputer):
    file = io.BytesIO()
    joblib.dump(imputer, file)
    file.seek(0)
    return joblib.load(file)


@every_kind
@pytest.mark.parametrize(
    "duplicate", [*COPIES.values(), through_joblib], ids=[*COPIES, "joblib"]
)
def test_a_copy_of_a_fitted_imputer_gives_the_same(duplicate, X):
    imputer = make(n_imputations=2, add_indicator=True).fit(X)
    expected = outputs(imputer, X)
    for name, values in outputs(duplicate(imputer), X).items():
        assert_array_equal(values, expected[name])


def test_a_pickle_does_not_grow_with_what_was_filled():
    X = holes()
    imputer = make().fit(X)
    before = len(pickle.dumps(imputer))
    imputer.transform(np.tile(X, (50, 1)))
    assert len(pickle.dumps(imputer)) == before


def test_a_clone_has_the_parameters_and_is_not_fitted():
    imputer = make(missing_values=-1, min_value=[0, 0, 0, 0]).fit(
        np.arange(40.0).reshape(10, 4)
    )
    cloned = clone(imputer)
    assert cloned.get_params() == imputer.get_params()
    with pytest.raises(NotFittedError):
        cloned.transform(holes())


@pytest.mark.parametrize(
    "method", ["transform", "sample_imputations", "score", "get_feature_names_out"]
)
def test_before_fit_nothing_is_given(method):
    arguments = () if method == "get_feature_names_out" else (holes(),)
    with pytest.raises(NotFittedError):
        getattr(make(), method)(*arguments)


def test_the_representation_shows_what_was_set():
    assert repr(DenoisingImputer(n_bins=4)) == "DenoisingImputer(n_bins=4)"
    assert repr(DenoisingImputer()) == "DenoisingImputer()"


# What comes out


@pytest.mark.parametrize(
    ("name", "frame"), [("pandas", pd.DataFrame), ("polars", pl.DataFrame)]
)
def test_set_output_makes_a_frame_of_an_array(name, frame):
    X = holes()
    imputer = make(add_indicator=True).set_output(transform=name)
    filled = imputer.fit_transform(X)
    assert isinstance(filled, frame)
    assert list(filled.columns) == imputer.get_feature_names_out().tolist()
    assert_array_equal(filled.to_numpy(), make(add_indicator=True).fit_transform(X))


def test_set_output_pandas_leaves_a_pandas_frame_as_it_is():
    X = mixed_frame()
    filled = make().set_output(transform="pandas").fit_transform(X)
    pd.testing.assert_frame_equal(filled, make().fit_transform(X))


def test_set_output_polars_leaves_a_polars_frame_as_it_is():
    X = mixed_polars()
    filled = make().set_output(transform="polars").fit_transform(X)
    expected = make().fit_transform(X)
    assert filled.dtypes == expected.dtypes
    assert filled.rows() == expected.rows()


def test_set_output_stays_through_a_fit():
    imputer = make().set_output(transform="pandas").fit(holes())
    assert isinstance(imputer.fit(holes()).transform(holes()), pd.DataFrame)


def test_names_out_are_those_of_the_columns():
    array, frame = make().fit(holes()), make().fit(mixed_frame())
    assert array.get_feature_names_out().tolist() == ["x0", "x1", "x2", "x3"]
    assert array.get_feature_names_out(list("abcd")).tolist() == list("abcd")
    assert frame.get_feature_names_out().tolist() == list("xcsbif")
    assert frame.feature_names_in_.tolist() == list("xcsbif")
    assert frame.n_features_in_ == 6
    with pytest.raises(ValueError, match="input_features"):
        array.get_feature_names_out(["a"])


def test_settings_after_a_fit_do_not_change_what_was_fitted():
    X = holes()
    imputer = make().fit(X)
    expected = imputer.transform(X)
    imputer.set_params(
        min_value=100,
        keep_integers=True,
        missing_values=-1,
        hidden_layer_sizes=(3,),
        add_indicator=True,
        keep_empty_features=True,
        random_state=7,
    )
    assert_array_equal(imputer.transform(X), expected)
