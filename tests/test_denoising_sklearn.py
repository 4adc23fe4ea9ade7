"""The denoising autoencoder among the parts of scikit-learn, on digits and on words."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from numpy.testing import assert_array_equal
from row_models import make
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_digits
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, StandardScaler

pytestmark = pytest.mark.filterwarnings("ignore:Maximum iterations")


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(n_class=3, return_X_y=True)
    return X[::2], y[::2]


# Digits


def test_codes_of_digits_serve_a_classifier_with_string_labels(digits):
    X, y = digits
    names = np.array(["nought", "one", "two"])[y]
    pipeline = make_pipeline(
        MinMaxScaler(), make(n_components=32, max_iter=10), LogisticRegression()
    )
    assert pipeline.fit(X, names).score(X, names) > 0.9
    assert set(pipeline.predict(X)) == set(names)


def test_scaled_folds_stay_with_cross_entropy(digits):
    """MinMaxScaler's rounding above 1 must not change the loss from fold to fold."""
    X, _ = digits
    for part in np.array_split(X / 3, 5):
        scaled = MinMaxScaler().fit_transform(part)
        assert make(max_iter=1).fit(scaled).loss_name_ == "cross_entropy"


def test_a_pipeline_decodes(digits):
    X, _ = digits
    pipeline = make_pipeline(MinMaxScaler(), make(n_components=32))
    codes = pipeline.fit_transform(X)
    decoded = pipeline.inverse_transform(codes)
    assert codes.shape == (len(X), 32)
    assert decoded.shape == X.shape
    assert decoded.max() <= 16


# Searches


def test_grid_search_tunes_weights_given_as_tuples(X):
    grid = {"n_components": [1, 6], "emphasis": [(1, 1), (1, 0.5)]}
    search = GridSearchCV(make(max_iter=40), grid, cv=2).fit(X)
    assert search.best_params_["emphasis"] in grid["emphasis"]
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_grid_search_tunes_a_step_of_a_pipeline(X):
    y = X[:, 0] > np.median(X[:, 0])
    pipeline = make_pipeline(MinMaxScaler(), make(), LogisticRegression())
    grid = {"denoisingautoencoder__corruption_level": [0.0, 0.3]}
    search = GridSearchCV(pipeline, grid, cv=2).fit(X, y)
    assert search.best_score_ > 0.5


# What goes in


def test_a_column_transformer_encodes_some_columns(X):
    frame = pd.DataFrame(X, columns=list("abcdefgh")).assign(word="x")
    transformer = ColumnTransformer([("codes", make(), list("abcd"))], remainder="drop")
    codes = transformer.fit_transform(frame)
    assert_array_equal(codes, make().fit_transform(frame[list("abcd")]))


def test_counts_of_words_go_in_sparse():
    texts = ["a rose is a rose", "a cat sat on a mat", "the rose sat"] * 4
    pipeline = make_pipeline(CountVectorizer(), MaxAbsScaler(), make(batch_size="auto"))
    codes = pipeline.fit_transform(texts)
    assert codes.shape == (12, 4)
    assert pipeline[-1].loss_name_ == "cross_entropy"


def test_real_features_go_in_standardised(X_real):
    pipeline = make_pipeline(StandardScaler(), make())
    assert np.isfinite(pipeline.fit(X_real).score(X_real))
    assert pipeline[-1].loss_name_ == "squared_error"


def test_set_output_works_on_sparse_data(X):
    model = make().set_output(transform="pandas")
    codes = model.fit_transform(scipy.sparse.csr_array(X))
    assert isinstance(codes, pd.DataFrame)
