"""The export of filled and encoded tables to ONNX gives what the estimators give."""

import numpy as np
import pandas as pd
import pytest
import tabular_models
from numpy.testing import assert_array_equal
from onnx_models import (
    assert_exported,
    assert_near,
    export,
    opset_of,
    run,
    session,
)
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, OrdinalEncoder, StandardScaler
from sklearn.preprocessing import OneHotEncoder as OneHot
from table_models import correlated, make, punch

from sk_autoenc import DenoisingAutoencoder, TableDenoisingAutoencoder
from sk_autoenc.onnx import MINIMUM_OPSET
from sk_autoenc.parts.activations import ACTIVATIONS

IN_SINGLE = 1e-5
"""Tolerance of networks, and of trained features, which are float32 in Python."""


def holes(dtype=np.float64):
    """Numbers, whole numbers and a category of two numbers, a fifth missing."""
    X = correlated()
    X[:, 1] = np.round(3 * X[:, 1])
    X[:, 3] = np.where(X[:, 0] > 0, 7, 4)
    X[punch(X)] = np.nan
    return X.astype(dtype)


def frame():
    """Columns of numbers, integers, bools and strings; some are missing."""
    x = correlated()
    table = pd.DataFrame(
        {
            "a number": x[:, 0],
            "single": x[:, 1].astype(np.float32),
            "whole": np.round(5 * x[:, 2]).astype(np.int64),
            "sign": np.where(x[:, 0] > 0, "plus", "minus").astype(object),
            "letter": np.array(list("pqrstu"), object)[np.arange(60) % 6],
            "flag": x[:, 1] > 0,
        }
    )
    hidden = punch(x)
    table.loc[hidden[:, 0], "a number"] = np.nan
    table.loc[hidden[:, 1], "single"] = np.nan
    table.loc[hidden[:, 2], "sign"] = None
    return table


def arrays(table):
    """What ONNX is fed of a frame, in its order: no value is an empty string."""
    columns = [table[[name]].to_numpy() for name in table]
    return [np.where(pd.isna(c), "", c) if c.dtype == object else c for c in columns]


def run_frame(model, table, method=None):
    """What an exported model gives of a frame."""
    ready = session(export(model, table.iloc[[2]], method))
    feed = dict(zip([g.name for g in ready.get_inputs()], arrays(table), strict=True))
    return ready.run(None, feed)


def assert_columns_exported(exported, expected):
    for column, name in zip(exported, expected, strict=True):
        assert column.shape == (len(expected), 1)
        values = expected[name].to_numpy()
        if column.dtype.kind in "fi":
            assert_near(column[:, 0], values.astype(float), IN_SINGLE)
        else:
            assert_array_equal(column[:, 0], values)


SETTINGS = {
    "numbers": {},
    "a category": {"categorical_features": [3]},
    "categories alone": {"categorical_features": [0, 1, 2, 3]},
    "no bins": {"n_bins": 0},
    "a linear network": {"hidden_layer_sizes": ()},
    "bounds": {"min_value": -0.5, "max_value": [0.5, 1, 1, 9]},
    "whole numbers": {"keep_integers": True, "min_value": -1.5},
    "an indicator": {"add_indicator": True, "categorical_features": [3]},
    "one network": {"n_estimators": 1},
}


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_an_imputer_of_arrays_is_exported(settings, dtype):
    X = holes(dtype)
    model = make(**settings).fit(X)
    [filled] = run(model, X)
    assert filled.dtype == dtype
    assert_near(filled, model.transform(X).astype(dtype), IN_SINGLE)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_an_imputer_is_exported_with_every_activation(activation):
    X = holes()
    model = make(activation=activation).fit(X)
    assert_exported(model, X, "transform", IN_SINGLE)


@pytest.mark.parametrize("weights", [(1.0, 0.0), (0.0, 1.0), (0.6, 0.7)])
def test_the_gaussian_is_exported_whatever_its_weight(weights):
    X = correlated(200, 12)
    X[punch(X, 0.5)] = np.nan
    X[0], X[1] = np.nan, correlated(1, 12)
    model = make(categorical_features=None).fit(X)
    model._filler = model._filler._replace(blend=np.array(weights))
    assert model._filler.gaussian is not None
    assert_exported(model, X, "transform", 1e-6)


def test_observed_entries_stay_as_they_are(dtype):
    X = holes(dtype)
    [filled] = run(make().fit(X), X)
    seen = ~np.isnan(X)
    assert_array_equal(filled[seen], X[seen])


def test_levels_that_training_has_not_seen_are_filled():
    X = holes()
    model = make(categorical_features=[3], add_indicator=True).fit(X)
    X[:5, 3] = 1000
    [filled] = run(model, X)
    assert set(filled[:5, 3]) <= {4.0, 7.0}
    assert_near(filled, model.transform(X).astype(float), IN_SINGLE)


@pytest.mark.parametrize("mark", [-1, -1.5, 0])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
def test_another_mark_of_missing_entries_is_exported(mark, dtype):
    X = np.round(5 * correlated()).astype(dtype)
    X[punch(X)] = mark
    model = make(missing_values=mark).fit(X)
    [filled] = run(model, X)
    assert_near(filled, model.transform(X), IN_SINGLE)


@pytest.mark.parametrize("keep", [True, False])
@pytest.mark.filterwarnings("ignore:Skipping features")
def test_empty_columns_are_dropped_or_0_as_in_python(keep, dtype):
    X = holes(dtype)
    X[:, [0, 2]] = np.nan
    model = make(keep_empty_features=keep).fit(X)
    X[:3, 0] = 5
    [filled] = run(model, X)
    assert_near(filled, model.transform(X), IN_SINGLE)


def test_an_imputer_before_a_model_is_exported():
    X, y = holes(), correlated()[:, 0]
    pipeline = make_pipeline(StandardScaler(), make(), LinearRegression()).fit(X, y)
    [predicted] = run(pipeline, X)
    assert_near(predicted, pipeline.predict(X), IN_SINGLE)


@pytest.mark.parametrize("indicator", [True, False])
def test_an_imputer_of_frames_is_exported_column_by_column(indicator):
    table = frame()
    model = make(add_indicator=indicator).fit(table)
    table.loc[4:6, "letter"] = "never seen"
    assert_columns_exported(run_frame(model, table), model.transform(table))


def test_an_imputer_of_frames_of_numbers_is_exported_as_an_array():
    table = frame()[["a number", "whole", "single"]]
    model = make().fit(table)
    [filled] = run_frame(model, table)
    assert_near(filled, model.transform(table).to_numpy(), IN_SINGLE)


def test_an_imputer_of_strings_is_exported():
    X = frame()[["sign", "letter"]].to_numpy()
    model = make().fit(X)
    texts = np.where(pd.isna(X), "", X)
    [filled] = run(model, texts)
    assert_array_equal(filled, model.transform(X))


def test_draws_are_refused():
    X = holes()
    with pytest.raises(NotImplementedError, match="sample_posterior=True draws"):
        export(make(sample_posterior=True).fit(X), X)


def test_strings_for_numbers_and_numbers_for_strings_are_refused():
    table = frame()[["a number", "sign"]]
    model = make().fit(table)
    with pytest.raises(NotImplementedError, match="holds strings"):
        export(model, table.astype(str).iloc[:1])
    with pytest.raises(NotImplementedError, match="ONNX compares like with like"):
        export(model, np.zeros((1, 2)))


def test_the_empty_string_as_a_level_is_refused():
    table = frame().drop(columns="flag")
    table.loc[10:20, "letter"] = ""
    for model in (make().fit(table), tabular_models.make().fit(table)):
        with pytest.raises(NotImplementedError, match="the empty string as a level"):
            export(model, table.iloc[[2]])


def test_a_string_may_stand_for_missing_ones():
    table = frame().drop(columns=["a number", "single", "flag"]).fillna("?")
    model = make(missing_values="?").fit(table)
    assert_columns_exported(run_frame(model, table), model.transform(table))


def test_another_number_of_inputs_is_refused():
    model = make().fit(frame())
    with pytest.raises(ValueError, match="one for each; got 2"):
        export(model, frame().iloc[[2], :2])


METHODS = ["transform", "score_samples", "reconstruction_error"]
ENCODERS = {
    "the usual": {},
    "no indicator": {"add_indicator": False},
    "scaled": {"numeric_encoder": StandardScaler()},
    "stretched": {"numeric_encoder": MinMaxScaler()},
    "frequent levels": {
        "categorical_encoder": OneHot(
            handle_unknown="infrequent_if_exist", max_categories=4
        )
    },
    "unknown levels ignored": {"categorical_encoder": OneHot(handle_unknown="ignore")},
    "one level left out": {
        "categorical_encoder": OneHot(handle_unknown="ignore", drop="if_binary")
    },
}


@pytest.mark.parametrize("method", [*METHODS, "reconstruct"])
@pytest.mark.parametrize("indicator", [True, False])
def test_codes_of_arrays_are_exported(method, indicator, dtype):
    X = tabular_models.holes(300, dtype)
    model = tabular_models.make(add_indicator=indicator).fit(X)
    assert_exported(model, X, method, IN_SINGLE)


@pytest.mark.parametrize("settings", ENCODERS.values(), ids=ENCODERS)
@pytest.mark.filterwarnings("ignore:Found unknown categories")
def test_codes_of_frames_are_exported_with_the_usual_encoders(settings):
    table = frame()
    model = tabular_models.make(**settings).fit(table)
    table.loc[4:6, "letter"] = "never seen"
    for method in METHODS:
        [exported] = run_frame(model, table, method)
        assert_near(exported, getattr(model, method)(table), IN_SINGLE)
    exported = run_frame(model, table, "reconstruct")
    assert_columns_exported(exported, model.reconstruct(table))


@pytest.mark.parametrize(
    "settings", list(ENCODERS.values())[:2], ids=list(ENCODERS)[:2]
)
def test_categories_of_numbers_are_encoded_and_decoded(settings, dtype):
    X = holes(dtype)
    model = tabular_models.make(categorical_features=[1, 3], **settings).fit(X)
    X[:3, 3] = 1000
    for method in METHODS:
        assert_exported(model, X, method, IN_SINGLE)
    [rows] = run(model, X, "reconstruct")
    assert_near(rows, model.reconstruct(X).astype(dtype), IN_SINGLE)


def test_codes_are_decoded_to_columns_and_to_arrays():
    for X in (frame().drop(columns="flag"), tabular_models.holes()):
        model = tabular_models.make().fit(X)
        codes = model.transform(X)
        exported = run_decoder(model, codes)
        table = pd.DataFrame(model.inverse_transform(codes))
        if len(exported) == 1:
            exported = np.split(exported[0], 3, axis=1)
        assert_columns_exported(exported, table)


def run_decoder(model, codes):
    exported = export(model, codes, "inverse_transform")
    return session(exported).run(None, {"X": codes})


def test_columns_that_were_empty_in_training_are_decoded_as_missing():
    X = tabular_models.holes()
    X[:, 1] = np.nan
    model = tabular_models.make().fit(X)
    codes = model.transform(X)
    [exported] = run_decoder(model, codes)
    assert_near(exported, model.inverse_transform(codes))
    assert_exported(model, X, "score_samples", IN_SINGLE)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"categorical_encoder": OrdinalEncoder()}, "the encoder OrdinalEncoder"),
        ({"categorical_encoder": OneHot()}, "handle_unknown is not 'error'"),
        ({"numeric_encoder": OneHot()}, "the encoder OneHotEncoder"),
    ],
)
def test_other_encoders_are_refused(settings, message):
    table = frame()
    model = tabular_models.make(**settings).fit(table)
    with pytest.raises(NotImplementedError, match=message):
        export(model, table.iloc[[2]])


def test_another_autoencoder_in_a_table_is_refused():
    class Own(DenoisingAutoencoder):
        pass

    X = tabular_models.numbers()
    own = Own(4, max_iter=2)
    model = TableDenoisingAutoencoder(own, random_state=0).fit(X)
    with pytest.raises(NotImplementedError, match="autoencoder=Own is not exported"):
        export(model, X)


@pytest.mark.parametrize("make_model", [make, tabular_models.make])
def test_the_oldest_opset_is_enough_for_tables(make_model):
    table = frame().drop(columns="flag")
    model = make_model().fit(table)
    opsets = {"": MINIMUM_OPSET, "ai.onnx.ml": 2}
    exported = export(model, table.iloc[[2]], target_opset=opsets)
    assert opset_of(exported) == MINIMUM_OPSET
    session(exported)
