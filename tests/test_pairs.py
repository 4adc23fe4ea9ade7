"""Rows of pairs are the pooled matrices of all distances."""

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from labelled_trees import every_container
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import estimator_checks_generator
from strategies import chain
from structure_oracles import pool, pooled_distances
from tree_models import leaves, make_trees

from sk_autoenc import (
    Forest,
    RAETransformer,
    SubtreeCounts,
    TreePairFeatures,
    UnfoldingRAETransformer,
)
from sk_autoenc.pairs import pooled_distances as fast_pooled_distances

A, B, C = np.eye(3)
MODEL = UnfoldingRAETransformer(max_iter=2, init="glorot", random_state=0)
PAIRS = list(zip(make_trees(30, seed=1), make_trees(30, seed=2), strict=True))


def make(transformer=MODEL, pool_size=4, **settings):
    return TreePairFeatures(transformer, pool_size, **settings)


# Against the oracle


@pytest.mark.parametrize("pool_size", [1, 4, 15])
def test_rows_are_pooled_distances_of_all_nodes(pool_size):
    features = make(pool_size=pool_size).fit(PAIRS)
    rows = features.transform(PAIRS)
    encode = features.transformer_.transform_nodes
    for pair, row in zip(PAIRS, rows, strict=True):
        # A list of one bare leaf would be rows of numbers.
        codes = [encode(Forest.from_nested([tree]))[0] for tree in pair]
        expected = pooled_distances(pair, codes, pool_size)
        assert_allclose(row.reshape(pool_size, pool_size), expected, atol=1e-12)


@given(
    n_left=st.integers(1, 40),
    n_right=st.integers(1, 40),
    pool_size=st.integers(1, 17),
    seed=st.integers(0, 1000),
)
def test_pooling_is_that_of_repeated_rows_and_columns(n_left, n_right, pool_size, seed):
    rng = np.random.default_rng(seed)
    left, right = rng.normal(size=(n_left, 2)), rng.normal(size=(n_right, 2))
    matrix = np.linalg.norm(left[:, None] - right, axis=2)
    pooled = fast_pooled_distances(left, right, pool_size)
    assert_allclose(pooled, pool(matrix, pool_size), atol=1e-12)


def test_the_last_windows_are_the_wider_ones():
    left, right = np.array([[0.0], [1.0], [4.0], [9.0], [16.0]]), np.zeros((1, 1))
    pooled = fast_pooled_distances(left, right, 3)
    assert pooled[:, 0].tolist() == [0.0, 1.0, 9.0]  # of 1, 2 and 2 rows


def test_the_matrix_of_two_bare_leaves_is_their_distance():
    pairs = [(A, B), (A, A)]
    rows = make().fit_transform(pairs)
    assert_allclose(rows, [[np.sqrt(2)] * 16, [0.0] * 16])


def test_pairs_that_are_swapped_have_transposed_matrices():
    features = make().fit(PAIRS)
    rows = features.transform(PAIRS).reshape(-1, 4, 4)
    swapped = features.transform([(right, left) for left, right in PAIRS])
    assert_allclose(swapped.reshape(-1, 4, 4), rows.swapaxes(1, 2), atol=1e-12)


@pytest.mark.parametrize("entries", [1, 17])
def test_rows_do_not_depend_on_how_the_work_is_cut(entries, monkeypatch):
    features = make(leaf_features=True).fit(PAIRS)
    expected = features.transform(PAIRS)
    monkeypatch.setattr("sk_autoenc.pairs.ENCODED_NODES", entries)
    monkeypatch.setattr("sk_autoenc.pairs.DISTANCES", entries)
    assert_allclose(features.transform(PAIRS), expected, atol=1e-12)


# What may be added


def test_leaf_features_compare_the_leaves():
    pairs = [
        ((A, (B, B)), (B, C)),
        (A, A),
        ((A, B, C), ((B, A), (C, C))),
        ((A, A), (-0.0 * A + [0.0, 1.0, 0.0], [0.0, 0.0, 1.0])),
    ]
    rows = make(leaf_features=True).fit_transform(pairs)
    expected = [[1, 2 / 3, 1 / 2], [0, 1, 1], [-1, 1, 1], [0, 0, 0]]
    assert_allclose(rows[:, -3:], expected)


def test_leaf_features_are_those_of_comparing_all_leaves():
    words = np.random.default_rng(0).normal(size=(6, 3))
    rng = np.random.default_rng(1)

    def grow(depth=3):
        if depth == 0 or rng.random() < 0.3:
            return words[rng.integers(6)]
        return tuple(grow(depth - 1) for _ in range(rng.integers(1, 4)))

    pairs = [(grow(), grow()) for _ in range(30)]
    rows = make(leaf_features=True).fit_transform(pairs)[:, -3:]
    for (left, right), row in zip(pairs, rows, strict=True):
        left, right = ([tuple(x) for x in leaves(tree)] for tree in (left, right))
        assert row[0] == len(left) - len(right)
        assert row[1] == pytest.approx(np.mean([x in right for x in left]))
        assert row[2] == pytest.approx(np.mean([x in left for x in right]))


def test_standardised_columns_are_those_of_a_scaler():
    half = PAIRS[:15]
    plain = make(leaf_features=True).fit(half)
    scaler = StandardScaler().fit(plain.transform(half))
    features = make(leaf_features=True, standardize=True).fit(half)
    expected = scaler.transform(plain.transform(PAIRS))
    assert_allclose(features.transform(PAIRS), expected, atol=1e-9)
    assert not hasattr(plain, "mean_")


def test_columns_that_never_change_are_only_shifted():
    rows = make(standardize=True).fit_transform([(A, B), (B, A)])
    assert_allclose(rows, 0, atol=1e-12)


# The transformer


def test_the_transformer_is_cloned_and_fitted_to_the_trees_of_all_pairs():
    model = clone(MODEL)
    features = make(model).fit(PAIRS)
    assert not hasattr(model, "n_iter_")
    trees = [tree for pair in PAIRS for tree in pair]
    expected = clone(MODEL).fit(trees)
    assert_array_equal(features.transformer_.encoder_left_, expected.encoder_left_)


def test_a_frozen_transformer_is_taken_as_it_is():
    fitted = RAETransformer(max_iter=2, random_state=0).fit(make_trees(9))
    features = make(FrozenEstimator(fitted)).fit(PAIRS)
    assert features.transformer_.estimator is fitted


def test_without_a_transformer_it_is_an_unfolding_one():
    features = TreePairFeatures().fit(PAIRS[:3])
    assert isinstance(features.transformer_, UnfoldingRAETransformer)
    assert features.transformer is None


# Output


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_dtype_of_the_leaves_is_kept(dtype):
    X = Forest.from_nested(PAIRS).astype(dtype)
    for standardize in (False, True):
        features = make(leaf_features=True, standardize=standardize)
        assert features.fit_transform(X).dtype == dtype


@pytest.mark.parametrize(
    ("library", "kind"), [("pandas", pd.DataFrame), ("polars", pl.DataFrame)]
)
def test_set_output_gives_named_columns(library, kind):
    features = make(pool_size=2, leaf_features=True).set_output(transform=library)
    frame = features.fit_transform(PAIRS)
    assert isinstance(frame, kind)
    assert list(frame.columns) == [
        "distance_0_0",
        "distance_0_1",
        "distance_1_0",
        "distance_1_1",
        "size_difference",
        "left_in_right",
        "right_in_left",
    ]


# In scikit-learn


@every_container
def test_every_container_has_the_rows_of_the_list(container):
    expected = make().fit_transform(PAIRS)
    assert_array_equal(make().fit_transform(container(PAIRS)), expected)


@every_container
def test_pairs_go_through_splitters_pipelines_and_searches(container):
    rng = np.random.default_rng(0)
    trees = [tree for tree in make_trees(60, seed=3) if isinstance(tree, tuple)]
    y = rng.random(len(trees)) < 0.5
    others = trees[1:] + trees[:1]
    pairs = [
        (tree, tree if same else other)
        for tree, other, same in zip(trees, others, y, strict=True)
    ]
    pipeline = make_pipeline(make(), StandardScaler(), LogisticRegression())
    assert cross_val_score(pipeline, container(pairs), y, cv=3).mean() > 0.9
    grid = {
        "treepairfeatures__pool_size": [2, 5],
        "treepairfeatures__transformer__n_components": [2, None],
    }
    search = GridSearchCV(pipeline, grid, cv=2).fit(container(pairs), y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_settings_changed_after_fit_hold_from_the_next_fit():
    features = make(standardize=True).fit(PAIRS)
    expected = features.transform(PAIRS)
    features.set_params(pool_size=2, standardize=False, leaf_features=True)
    assert_array_equal(features.transform(PAIRS), expected)
    assert len(features.get_feature_names_out()) == 16
    assert features.fit_transform(PAIRS).shape == (len(PAIRS), 7)


def test_clones_and_pickles_make_the_same_rows():
    features = make(standardize=True).fit(PAIRS)
    expected = features.transform(PAIRS)
    assert_array_equal(pickle.loads(pickle.dumps(features)).transform(PAIRS), expected)
    assert_array_equal(clone(features).fit_transform(PAIRS), expected)


@pytest.mark.filterwarnings("ignore:Can't test estimator")
def test_scikit_learns_checks_of_what_is_no_table_pass():
    for estimator, check in estimator_checks_generator(make()):
        check(estimator)


# Refused


WRONG = {
    "pair 1 has 3 parts; a pair is a tuple": [(A, B), (A, B, C)],
    "pair 0 has 1 parts; a pair is": [((A, B),)],
    "pair 1 is a leaf; a pair is": [(A, B), A],
    "not a pair of lists": ([(A, B), (A, B), (A, B)], [(B, A)] * 3),
    r"tree 1, at \[1\]\[0\]: an empty tuple": [(A, B), (A, ((), B))],
    r"tree 0, at \[1\]: leaf has length 2": [(A, B[:2])],
    "X holds no pairs of trees": np.eye(4),
    "holds no pairs of trees. Pass a list": [[A, B], [B, C]],
    "holds no pairs of trees.": [(1.0, 2.0), (3.0, 4.0)],
    "holds no pairs": [],
    "Forest of 0 pairs": Forest.from_nested([(A, B)])[:0],
    "numpy took their tuples apart": np.array([(A, B), (B, C)]),
    "holds no pairs of trees. Pass": None,
}


@pytest.mark.parametrize(("message", "X"), WRONG.items())
def test_what_are_no_pairs_is_refused(message, X):
    features = make()
    with pytest.raises(ValueError, match=message):
        features.fit(X)
    assert not hasattr(features, "transformer_")
    features.fit(PAIRS)
    with pytest.raises(ValueError, match=message):
        features.transform(X)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("pool_size", 0),
        ("pool_size", 2.5),
        ("pool_size", "15"),
        ("standardize", "yes"),
        ("leaf_features", None),
    ],
)
def test_a_wrong_setting_is_refused_by_name(name, value):
    features = make().set_params(**{name: value})
    with pytest.raises(ValueError, match=f"'{name}' parameter of TreePairFeatures"):
        features.fit(PAIRS)


@pytest.mark.parametrize("transformer", [RAETransformer, SubtreeCounts(), "rae"])
def test_what_does_not_encode_nodes_is_refused(transformer):
    with pytest.raises(ValueError, match="transformer must be None"):
        make(transformer).fit(PAIRS)


def test_before_fit_it_is_not_fitted():
    for method in (make().transform, make().get_feature_names_out):
        with pytest.raises(NotFittedError):
            method(PAIRS)


def test_leaves_of_another_length_are_refused_in_scikit_learns_words():
    features = make().fit(PAIRS)
    message = "X has 2 features, but TreePairFeatures is expecting 3 features as input"
    with pytest.raises(ValueError, match=message):
        features.transform([(A[:2], B[:2])])


# Size


def test_deep_trees_need_no_recursion_and_no_matrix_as_a_whole():
    fitted = UnfoldingRAETransformer(max_iter=1, random_state=0).fit([(A, B)])
    deep, other = chain(100_000, A), ((B, C), A)
    rows = make(FrozenEstimator(fitted), 2).fit_transform([(deep, other)])
    # The leaves of the one are all A, and an A is in the other's second window.
    assert (rows[0] == 0).tolist() == [False, True, False, False]
