"""Trees beside rows: columns of data frames, names, refits, metadata routing."""

import numpy as np
import pandas as pd
import pytest
from labelled_trees import TREES, Y, every_container, make, make_classifier
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import config_context
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from tree_models import every_estimator

from sk_autoenc import RAETransformer, UnfoldingRAETransformer
from sk_autoenc.trees.forest import Forest

pytestmark = pytest.mark.filterwarnings("ignore:Maximum iterations")


# A column of trees in a data frame


@pytest.fixture
def frame():
    return pd.DataFrame({"tree": TREES, "length": range(len(TREES))})


def make_columns(**changes):
    return ColumnTransformer(
        [
            ("codes", make(UnfoldingRAETransformer, **changes), "tree"),
            ("rest", MinMaxScaler(), ["length"]),
        ]
    )


def test_a_column_transformer_encodes_a_column_of_trees(frame):
    columns = make_columns()
    codes = columns.fit_transform(frame)
    expected = make(UnfoldingRAETransformer).fit_transform(TREES)
    assert_array_equal(codes[:, :2], expected)
    some = columns.transform(frame.iloc[3:5])
    assert_allclose(some[:, :2], expected[3:5], rtol=1e-12)
    assert list(columns.get_feature_names_out()) == [
        "codes__unfoldingraetransformer0",
        "codes__unfoldingraetransformer1",
        "rest__length",
    ]


def test_a_column_transformer_gives_a_data_frame_of_codes(frame):
    codes = make_columns().set_output(transform="pandas").fit_transform(frame)
    assert list(codes.columns) == [
        "codes__unfoldingraetransformer0",
        "codes__unfoldingraetransformer1",
        "rest__length",
    ]
    assert_array_equal(codes.to_numpy(), make_columns().fit_transform(frame))


def test_a_classifier_of_data_frames_with_trees_is_cross_validated(frame):
    pipeline = make_pipeline(
        make_columns(pooling="mean"), StandardScaler(), LogisticRegression(C=10)
    )
    assert cross_val_score(pipeline, frame, Y, cv=2).mean() > 0.7


# Names


@every_container
def test_input_names_are_ignored_after_trees(container):
    model = make(UnfoldingRAETransformer).fit(container(TREES))
    names = model.get_feature_names_out()
    assert_array_equal(model.get_feature_names_out(["tree"]), names)
    assert_array_equal(model.get_feature_names_out(["a", "b", "c"]), names)


def test_wrong_input_names_are_refused_after_rows():
    rows = pd.DataFrame(np.eye(3), columns=list("abc"))
    model = make(UnfoldingRAETransformer).fit(rows)
    assert len(model.get_feature_names_out(list("abc"))) == 3
    with pytest.raises(ValueError, match="input_features"):
        model.get_feature_names_out(["tree"])


class Arity(TransformerMixin, BaseEstimator):
    """What scikit-learn does for the simplest of transformers."""

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return np.array([[len(tree)] for tree in X])

    def get_feature_names_out(self, input_features=None):
        return ["arity"]


def test_set_output_treats_the_index_of_a_series_as_scikit_learn_does():
    """Newer versions keep it, 1.7 does not."""
    X = pd.Series(TREES, index=[f"tree {i}" for i in range(len(TREES))])
    model, lengths = make(UnfoldingRAETransformer), Arity()
    expected = lengths.set_output(transform="pandas").fit_transform(X)
    codes = model.set_output(transform="pandas").fit_transform(X)
    assert list(codes.index) == list(expected.index)


# Refits on the other kind of data


@every_container
def test_a_refit_on_trees_forgets_the_names_of_columns(container):
    rows = pd.DataFrame(np.eye(3), columns=list("abc"))
    model = make(UnfoldingRAETransformer).fit(rows)
    assert list(model.feature_names_in_) == list("abc")
    assert model.input_kind_ == "rows"
    model.fit(container(TREES))
    assert not hasattr(model, "feature_names_in_")
    assert model.n_features_in_ == 2
    assert model.input_kind_ == "trees"
    assert model.transform(container(TREES)).shape == (40, 2)


def test_a_refit_on_rows_has_names_again():
    rows = pd.DataFrame(np.eye(3), columns=list("abc"))
    model = make(UnfoldingRAETransformer).fit(TREES).fit(rows)
    assert list(model.feature_names_in_) == list("abc")
    assert model.inverse_transform(model.transform(rows)).shape == (3, 3)


# Metadata routing


def leaves_of(trees):
    return Forest.from_nested(trees).leaf_vectors()


@every_estimator
@every_container
def test_a_pipeline_hands_structures_to_the_step_that_unfolds(container, Estimator):
    X = container(TREES)
    with config_context(enable_metadata_routing=True):
        pipeline = make_pipeline(make(Estimator), StandardScaler())
        codes = pipeline.fit_transform(X)
        decoded = pipeline.inverse_transform(codes, structures=X)
    assert isinstance(decoded, Forest if isinstance(X, Forest) else list)
    expected = make(Estimator).fit(TREES).reconstruct(TREES)
    assert_allclose(leaves_of(decoded), leaves_of(expected), rtol=1e-9)


def test_a_pipeline_with_two_unfolding_steps_hands_structures_to_both():
    """Of codes of trees, which are rows again, made by another such step."""
    X = np.random.default_rng(0).uniform(-1, 1, (20, 3))
    with config_context(enable_metadata_routing=True):
        pipeline = make_pipeline(
            make(UnfoldingRAETransformer), make(RAETransformer)
        ).fit(X)
        decoded = pipeline.inverse_transform(pipeline.transform(X))
    assert decoded.shape == X.shape


def test_a_pipeline_of_rows_decodes_without_structures():
    X = np.random.default_rng(0).uniform(-1, 1, (20, 3))
    pipeline = make_pipeline(StandardScaler(), make(UnfoldingRAETransformer)).fit(X)
    assert pipeline.inverse_transform(pipeline.transform(X)).shape == X.shape


def test_a_pipeline_works_whether_or_not_metadata_are_routed():
    with config_context(enable_metadata_routing=True):
        routed = make_classifier().fit(TREES, Y).predict_proba(TREES)
    assert_array_equal(routed, make_classifier().fit(TREES, Y).predict_proba(TREES))
