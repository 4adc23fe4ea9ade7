import numpy as np
import pytest
import scipy.sparse
from numpy.testing import assert_array_equal

from sk_autoenc import feeds
from sk_autoenc.feeds import RowFeed, TreeFeed
from sk_autoenc.parts.corruptions import make_corruption
from sk_autoenc.trees.forest import Forest

ROWS = np.array([4, 0, 2])
SPARSE = [scipy.sparse.csr_array, scipy.sparse.csr_matrix]


@pytest.fixture
def sparse_X(X):
    return np.where(X > 0.5, X, 0)


def masking(X, seed=0):
    feature_range = X.min(axis=0), X.max(axis=0)
    return make_corruption("masking", 0.5, feature_range, np.random.default_rng(seed))


def dense(rows):
    return rows.toarray() if scipy.sparse.issparse(rows) else rows


@pytest.mark.parametrize("kind", [np.asarray, *SPARSE])
def test_inputs_and_targets_are_the_rows_asked_for(kind, sparse_X):
    batch = RowFeed(kind(sparse_X))(ROWS)
    assert_array_equal(dense(batch.inputs), sparse_X[ROWS])
    assert_array_equal(batch.targets, sparse_X[ROWS])
    assert batch.entry_weights is None
    assert batch.y is None


@pytest.mark.parametrize("kind", [np.asarray, *SPARSE])
def test_batches_are_of_the_dtype_asked_for(kind, sparse_X):
    for rows in (ROWS, slice(1, 4)):
        batch = RowFeed(kind(sparse_X), np.float32)(rows)
        assert batch.inputs.dtype == batch.targets.dtype == np.float32


def test_a_slice_of_dense_rows_is_not_copied(X):
    batch = RowFeed(X)(slice(2, 5))
    assert np.shares_memory(batch.inputs, X)
    assert_array_equal(batch.targets, X[2:5])


@pytest.mark.parametrize("kind", [np.asarray, *SPARSE])
def test_targets_stay_clean_where_inputs_are_corrupted(kind, sparse_X):
    batch = RowFeed(kind(sparse_X), corruption=masking(sparse_X))(ROWS)
    inputs = dense(batch.inputs)
    assert_array_equal(batch.targets, sparse_X[ROWS])
    assert set(np.unique(inputs[inputs != batch.targets])) == {0}


@pytest.mark.parametrize("kind", SPARSE)
def test_sparse_inputs_stay_sparse_under_masking(kind, sparse_X):
    batch = RowFeed(kind(sparse_X), corruption=masking(sparse_X))(ROWS)
    assert scipy.sparse.issparse(batch.inputs)


@pytest.mark.parametrize("kind", [np.asarray, *SPARSE])
def test_emphasis_weighs_corrupted_and_untouched_entries(kind, sparse_X):
    sparse_X = sparse_X + 0.1  # so that a masked entry changes
    feed = RowFeed(kind(sparse_X), corruption=masking(sparse_X), emphasis=(3.0, 0.5))
    batch = feed(ROWS)
    corrupted = dense(batch.inputs) != batch.targets
    assert_array_equal(batch.entry_weights, np.where(corrupted, 3.0, 0.5))


def test_y_travels_along(X):
    y = np.arange(len(X))
    for corruption in (None, masking(X)):
        feed = RowFeed(X, corruption=corruption, y=y)
        assert_array_equal(feed(ROWS).y, ROWS)
        assert_array_equal(feed(slice(2, 4)).y, [2, 3])
        assert_array_equal(feed.part(slice(10, 20))(ROWS).y, 10 + ROWS)


@pytest.mark.parametrize("kind", [np.asarray, *SPARSE])
def test_a_part_is_a_feed_of_its_rows(kind, sparse_X):
    part = RowFeed(kind(sparse_X)).part(slice(10, 20))
    assert len(part) == 10
    assert_array_equal(part(ROWS).targets, sparse_X[10 + ROWS])


def test_blocks_cover_all_rows_in_order_and_are_bounded(X, monkeypatch):
    monkeypatch.setattr(feeds, "BLOCK_ENTRIES", 7 * X.shape[1])
    feed = RowFeed(X)
    blocks = [feed(block).targets for block in feed.blocks()]
    assert max(map(len, blocks)) == 7
    assert_array_equal(np.concatenate(blocks), X)
    chosen = np.concatenate([feed(block).targets for block in feed.blocks(ROWS)])
    assert_array_equal(chosen, X[ROWS])


def forest():
    leaves = np.random.default_rng(0).normal(size=(5, 2))
    a, b, c, d, e = leaves
    return Forest.from_nested([((a, b), c), d, (e, (a, c, d))])


def test_trees_bring_their_own_leaves():
    batch = TreeFeed(forest())(np.array([2, 0]))
    assert batch.inputs is None
    assert_array_equal(batch.targets.leaf_vectors(), forest()[[2, 0]].leaf_vectors())


def test_corrupted_leaves_come_beside_the_clean_trees():
    trees = forest()
    feed = TreeFeed(trees, corruption=masking(trees.leaf_vectors()), y=np.arange(3))
    batch = feed(np.array([2, 0]))
    clean = batch.targets.leaf_vectors()
    assert_array_equal(clean, trees[[2, 0]].leaf_vectors())
    assert batch.inputs.shape == clean.shape
    assert (batch.inputs != clean).any()
    assert_array_equal(batch.y, [2, 0])


def test_trees_are_read_in_the_dtype_asked_for():
    feed = TreeFeed(forest(), np.float32)
    assert feed(slice(None)).targets.dtype == np.float32
    assert len(feed) == 3
