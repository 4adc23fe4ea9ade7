"""LeafVectorizer as scikit-learn's tools see it; its input are trees, not rows."""

import copy
import pickle

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn import config_context
from sklearn.base import clone
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.pipeline import make_pipeline
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import (
    check_do_not_raise_errors_in_init_or_set_params,
    check_estimator_cloneable,
    check_estimator_repr,
    check_estimator_tags_renamed,
    check_get_params_invariance,
    check_mixin_order,
    check_no_attributes_set_in_init,
    check_parameters_default_constructible,
    check_set_params,
    check_valid_tag_types,
)

from sk_autoenc import Forest, LeafVectorizer, UnfoldingRAETransformer
from sk_autoenc.parts.leaf_vectors import LEAF_VECTORS

TREES = [(("the", "cat"), "sat"), (("the", "dog"), ("sat", "down")), ("the", "cat")]
MAPPING = {token: np.full(3, n) for n, token in enumerate(["the", "cat", "sat"])}
RECORDS = [({"op": "scan", "rows": 3}, {"op": "sort", "rows": 7}), ({"op": "scan"},)]
VECTORS = {name: (name, TREES) for name in LEAF_VECTORS} | {
    "mapping": (MAPPING, TREES),
    "frame": (pd.DataFrame(MAPPING).T, TREES),
    "records": ({"op": "one_hot", "rows": "number"}, RECORDS),
}
every_vectors = pytest.mark.parametrize(("vectors", "X"), VECTORS.values(), ids=VECTORS)


@pytest.mark.parametrize(
    "check",
    [
        check_do_not_raise_errors_in_init_or_set_params,
        check_estimator_cloneable,
        check_estimator_repr,
        check_estimator_tags_renamed,
        check_get_params_invariance,
        check_mixin_order,
        check_no_attributes_set_in_init,
        check_parameters_default_constructible,
        check_set_params,
        check_valid_tag_types,
    ],
)
def test_the_checks_of_scikit_learn_that_need_no_rows_pass(check):
    check("LeafVectorizer", LeafVectorizer())


def test_the_tags_of_input_are_those_of_count_vectorizer():
    tags = get_tags(LeafVectorizer())
    assert tags.input_tags == get_tags(CountVectorizer()).input_tags
    assert tags.requires_fit
    assert not tags.no_validation
    assert not tags.non_deterministic


def test_there_are_no_numbers_of_features():
    assert not hasattr(LeafVectorizer().fit(TREES), "n_features_in_")


@every_vectors
def test_fit_and_transform_are_fit_transform(vectors, X):
    forest = LeafVectorizer(vectors, random_state=0).fit_transform(X)
    assert LeafVectorizer(vectors, random_state=0).fit(X).transform(X) == forest


@every_vectors
@pytest.mark.parametrize(
    "copied", [copy.deepcopy, lambda v: pickle.loads(pickle.dumps(v))]
)
def test_a_copy_gives_the_same(vectors, X, copied):
    vectorizer = LeafVectorizer(vectors, random_state=0).fit(X)
    other = copied(vectorizer)
    assert other.transform(X) == vectorizer.transform(X)
    assert other.vocabulary_ == vectorizer.vocabulary_
    if hasattr(other, "table_"):
        assert other.transform(X).leaf_table is other.table_
    assert other.get_feature_names_out().tolist() == (
        vectorizer.get_feature_names_out().tolist()
    )


@every_vectors
def test_a_clone_has_the_same_parameters_and_is_not_fitted(vectors, X):
    vectorizer = LeafVectorizer(vectors, min_count=2, random_state=0).fit(X)
    other = clone(vectorizer)
    assert other.vectors is vectorizer.vectors
    assert other.get_params().keys() == vectorizer.get_params().keys()
    assert other.min_count == 2
    assert not hasattr(other, "vocabulary_")


def test_a_clone_has_a_random_state_of_its_own():
    vectorizer = LeafVectorizer("random", random_state=np.random.RandomState(0))
    other = clone(vectorizer)
    assert other.random_state is not vectorizer.random_state


def test_changed_parameters_take_effect_at_the_next_fit():
    vectorizer = LeafVectorizer().fit(TREES)
    before = vectorizer.transform(TREES)
    vectorizer.set_params(vectors="random", handle_unknown="error", lowercase=True)
    assert vectorizer.transform(TREES) == before
    assert vectorizer.fit(TREES).transform(TREES).n_features == 100


def test_word_vectors_that_are_shared_are_not_written_into():
    frozen = {token: vector.copy() for token, vector in MAPPING.items()}
    vectorizer = LeafVectorizer(MAPPING).fit(TREES)
    vectorizer.transform([("the", "new")])
    assert all((MAPPING[token] == vector).all() for token, vector in frozen.items())


@pytest.mark.parametrize("container", ["pandas", "polars", "default"])
def test_what_comes_out_is_a_forest_whatever_the_container(container):
    vectorizer = LeafVectorizer().set_output(transform=container)
    assert isinstance(vectorizer.fit_transform(TREES), Forest)
    with config_context(transform_output=container):
        assert isinstance(vectorizer.transform(TREES), Forest)


def test_a_pipeline_can_be_asked_for_data_frames():
    encoder = UnfoldingRAETransformer(2, max_iter=1, random_state=0)
    pipeline = make_pipeline(LeafVectorizer(), encoder).set_output(transform="pandas")
    codes = pipeline.fit_transform(TREES)
    assert isinstance(codes, pd.DataFrame)
    assert codes.shape == (3, 2)


def test_joblib_keeps_a_vectorizer(tmp_path):
    vectorizer = LeafVectorizer(MAPPING).fit(TREES)
    joblib.dump(vectorizer, tmp_path / "vectorizer")
    loaded = joblib.load(tmp_path / "vectorizer", mmap_mode="r")
    assert loaded.transform(TREES) == vectorizer.transform(TREES)
    assert loaded.transform(TREES).leaf_table is loaded.table_
