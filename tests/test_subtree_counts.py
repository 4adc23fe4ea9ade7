"""Subtrees are counted as if they were compared whole, and hashed stably."""

import os
import pickle
import subprocess
import sys

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st
from labelled_trees import TREES, Y, every_container
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.utils.estimator_checks import estimator_checks_generator
from strategies import chain, tree_lists
from structure_oracles import count_subtrees, kernel
from tree_models import make

from sk_autoenc import Forest, SubtreeCounts
from sk_autoenc.trees.labels import mix, vector_labels

MANY = 2**31 - 1
"""Columns, so many that no two labels of a test meet in one."""
COLUMNS = [24, 277, 289, 322, 394, 405, 467, 497, 784, 905]
"""Of one tree, never to change: models that are saved depend on them."""
A, B, C = [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]


def counts_of(trees, **changes):
    return SubtreeCounts(**{"n_features": MANY} | changes).fit_transform(
        Forest.from_nested(trees)
    )


def products(counts):
    """Of all pairs of rows, without the columns that are empty."""
    used, columns = np.unique(counts.indices, return_inverse=True)
    shape = counts.shape[0], len(used)
    dense = scipy.sparse.csr_array((counts.data, columns, counts.indptr), shape)
    return (dense @ dense.T).toarray()


def overlap(counts, one=0, other=1):
    """Of two rows. (scipy 1.15 multiplies single rows as dense ones: 2**31 columns.)"""
    return products(counts)[one, other]


def same(left, right):
    return (left != right).nnz == 0


# What is counted


@given(
    trees=tree_lists(n_features=2),
    n_rounds=st.integers(0, 4),
    n_ancestors=st.integers(0, 3),
    inner_labels=st.sampled_from(["first_leaf", "arity", "one"]),
    ordered=st.booleans(),
)
def test_products_of_rows_are_those_of_subtrees_compared_whole(trees, **settings):
    expected = [count_subtrees(tree, **settings) for tree in trees]
    counts = counts_of(trees, **settings)
    assert_array_equal(products(counts), kernel(expected))
    assert_array_equal(counts.getnnz(axis=1), [len(row) for row in expected])
    assert counts.has_canonical_format


def test_without_rounds_leaves_are_counted():
    counts = counts_of([(A, (A, B)), (A, B)], n_rounds=0, n_ancestors=0)
    assert sorted(counts[0].data) == [1, 2, 2]  # B, A, inner nodes
    assert sorted(counts[1].data) == [1, 1, 1]


def test_order_matters_unless_it_is_not_to():
    trees = [((A, B), C), ((B, A), C)]
    left, right = counts_of(trees, n_ancestors=0, inner_labels="one")
    assert not same(left, right)
    left, right = counts_of(trees, n_ancestors=0, inner_labels="one", ordered=False)
    assert same(left, right)


def test_a_subtree_that_ends_above_the_cut_is_counted_once():
    shallow = counts_of([(A, B)], n_rounds=1)
    assert same(shallow, counts_of([(A, B)], n_rounds=50))


def test_a_cut_subtree_is_another_than_one_that_ends_there():
    counts = counts_of([((A, B),), (((A, C), B),)], n_ancestors=0)
    assert overlap(counts) < overlap(counts, 0, 0)


def test_inner_nodes_are_told_apart_by_their_first_leaf():
    trees = [(A, B), (C, B)]
    assert overlap(counts_of(trees, n_rounds=0, n_ancestors=0)) == 1  # B alone
    alike = counts_of(trees, n_rounds=0, n_ancestors=0, inner_labels="one")
    assert overlap(alike) == 2


def test_a_bare_leaf_is_one_count():
    counts = counts_of([A, (A, B)])
    assert counts[[0]].sum() == 1
    assert overlap(counts) == 1


def test_a_row_is_the_tree_of_one_leaf():
    X = np.array([[1.0, 0.0], [0.0, 1.0]])
    counts = SubtreeCounts().fit_transform(X)
    assert same(counts, SubtreeCounts().fit_transform([(A,), (B,)]))


# The hash


def test_zero_and_minus_zero_are_one_leaf():
    left, right = counts_of([([0.0, 1.0],), ([-0.0, 1.0],)])
    assert same(left, right)


def test_numbers_that_float32_holds_have_one_label_in_both_precisions():
    table = np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32)
    assert_array_equal(vector_labels(table), vector_labels(table.astype(float)))


def test_labels_do_not_depend_on_the_table_or_on_the_other_trees():
    forest = Forest.from_nested(TREES)
    expected = counts_of(TREES)
    assert same(SubtreeCounts(n_features=MANY).fit_transform(forest[7]), expected[7])
    apart = forest.with_leaves(forest.leaf_vectors())
    assert same(SubtreeCounts(n_features=MANY).fit_transform(apart), expected)


def test_columns_of_a_vector_are_not_exchangeable():
    labels = vector_labels(np.array([[1.0, 2.0], [2.0, 1.0], [1.0, 1.0], [2.0, 2.0]]))
    assert len(set(labels.tolist())) == 4


def test_wide_tables_are_labelled_in_parts_alike(monkeypatch):
    table = np.random.default_rng(0).normal(size=(50, 7))
    expected = vector_labels(table)
    monkeypatch.setattr("sk_autoenc.trees.labels.MIXED_ENTRIES", 20)
    assert_array_equal(vector_labels(table), expected)


def test_many_trees_are_counted_in_parts_alike(monkeypatch):
    expected = counts_of(TREES)
    monkeypatch.setattr("sk_autoenc.subtree_counts.COUNTED_NODES", 20)
    assert same(counts_of(TREES), expected)


def test_another_process_has_the_same_columns():
    code = (
        "from sk_autoenc import SubtreeCounts\n"
        "X = SubtreeCounts().fit_transform([([1.0, 0.0], ([0.0, 1.0],))])\n"
        "print(X.indices.tolist())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONHASHSEED": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    here = SubtreeCounts().fit_transform([(A, (B,))]).indices.tolist()
    assert done.stdout == f"{here}\n"


def test_the_hash_is_the_one_of_the_first_release():
    # As published for SplitMix64 with the seeds 0 and 1.
    assert mix(np.array([0, 1], np.uint64)).tolist() == [
        0xE220A8397B1DCDAF,
        0x910A2DEC89025CC1,
    ]
    counts = counts_of([(A, (B,))], n_features=1000, n_ancestors=1)
    assert counts.indices.tolist() == COLUMNS


# Output


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_dtype_of_the_leaves_is_kept(dtype):
    X = Forest.from_nested(TREES).astype(dtype)
    for norm in (None, "l1", "l2"):
        counts = SubtreeCounts(norm=norm).fit_transform(X)
        assert counts.dtype == dtype
        assert isinstance(counts, scipy.sparse.csr_matrix)
        assert counts.indices.dtype == np.int32


def test_rows_are_normalised():
    plain = SubtreeCounts().fit_transform(TREES)
    for norm, order in (("l1", 1), ("l2", 2)):
        counts = SubtreeCounts(norm=norm).fit_transform(TREES)
        lengths = scipy.sparse.linalg.norm(plain, ord=order, axis=1)
        assert abs(counts - plain.multiply(1 / lengths[:, None])).max() < 1e-15


def test_binary_says_what_is_there():
    plain, binary = (
        SubtreeCounts(binary=b).fit_transform(TREES) for b in (False, True)
    )
    assert same(binary, (plain > 0).astype(float))


@every_container
def test_every_container_has_the_counts_of_the_list(container):
    expected = SubtreeCounts().fit_transform(TREES)
    assert same(SubtreeCounts().fit_transform(container(TREES)), expected)


def test_columns_have_names():
    counts = SubtreeCounts(n_features=3).fit(TREES)
    expected = [f"subtreecounts{i}" for i in range(3)]
    assert counts.get_feature_names_out().tolist() == expected
    assert counts.get_feature_names_out(["x"]).tolist() == expected


# In scikit-learn


def test_a_classifier_in_a_pipeline_learns_from_counts():
    trees = [(A, (B, C)), (A, (C, B))] * 10
    y = ["ordered", "swapped"] * 10
    pipeline = make_pipeline(SubtreeCounts(), LogisticRegression())
    assert cross_val_score(pipeline, trees, y, cv=2).mean() == 1


@every_container
def test_a_search_over_its_settings_works_in_any_container(container):
    pipeline = make_pipeline(SubtreeCounts(n_features=2**10), LogisticRegression())
    grid = {"subtreecounts__n_rounds": [0, 2], "subtreecounts__binary": [False, True]}
    search = GridSearchCV(pipeline, grid, cv=2).fit(container(TREES), Y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_it_stands_beside_codes_in_a_feature_union():
    union = FeatureUnion(
        [("counts", SubtreeCounts(n_features=2**10)), ("codes", make(max_iter=1))]
    )
    X = union.fit_transform(TREES)
    assert scipy.sparse.issparse(X)
    assert X.shape == (len(TREES), 2**10 + 2)
    pipeline = make_pipeline(union, LogisticRegression())
    assert pipeline.fit(TREES, Y).predict(TREES).shape == (len(TREES),)


@pytest.mark.parametrize(
    ("estimator", "check"),
    [
        pytest.param(estimator, check, id=check.func.__name__)
        for estimator, check in estimator_checks_generator(SubtreeCounts())
    ],
)
def test_scikit_learns_checks_pass(estimator, check):
    check(estimator)


def test_clones_and_pickles_count_alike():
    fitted = SubtreeCounts(2, norm="l2").fit(TREES)
    expected = fitted.transform(TREES)
    assert same(pickle.loads(pickle.dumps(fitted)).transform(TREES), expected)
    assert same(clone(fitted).fit(TREES).transform(TREES), expected)


def test_settings_changed_after_fit_hold_at_once():
    counts = SubtreeCounts().fit(TREES).set_params(n_features=10)
    assert counts.transform(TREES).shape == (len(TREES), 10)


# Refused


def test_before_fit_it_is_not_fitted():
    for method in (SubtreeCounts().transform, SubtreeCounts().get_feature_names_out):
        with pytest.raises(NotFittedError):
            method(TREES)


WRONG = {
    "n_rounds": (-1, 1.5, "3", None),
    "n_features": (0, 2**31, 10.0),
    "inner_labels": ("type", None),
    "n_ancestors": (-1, 0.5),
    "ordered": ("yes", None),
    "binary": (2, "no"),
    "norm": ("max", 2),
}


@pytest.mark.parametrize(
    ("name", "value"), [(name, v) for name, values in WRONG.items() for v in values]
)
def test_a_wrong_setting_is_refused_by_name(name, value):
    counts = SubtreeCounts(**{name: value})
    with pytest.raises(ValueError, match=f"'{name}' parameter of SubtreeCounts"):
        counts.fit(TREES)
    assert not hasattr(counts, "n_features_in_")


def test_a_wrong_tree_is_refused_with_its_place():
    with pytest.raises(ValueError, match=r"tree 1, at \[1\]: an empty tuple"):
        SubtreeCounts().fit([(A, B), (A, ())])
    with pytest.raises(ValueError, match="X has 3 features, but SubtreeCounts is"):
        SubtreeCounts().fit([(A, B)]).transform([([1.0, 2.0, 3.0],)])
    with pytest.raises(ValueError, match="0 trees"):
        SubtreeCounts().fit(Forest.from_nested(TREES)[:0])


# Depth


def test_deep_and_wide_trees_need_no_recursion():
    deep = Forest.from_nested([chain(100_000, np.array(A)), tuple([A] * 100_000)])
    counts = SubtreeCounts(inner_labels="one", n_ancestors=2).fit_transform(deep)
    # Of the chain: leaves, inner nodes, three cuts and what stands at its bottom.
    assert counts[0].max() == 100_000
    assert counts[1].max() == 100_000
