import pickle

import numpy as np
import pytest
import scipy.sparse
from numpy.testing import assert_allclose, assert_array_equal

from sk_autoenc import feeds
from sk_autoenc.feeds import RowFeed, TreeFeed
from sk_autoenc.networks import layered
from sk_autoenc.parts.activations import ACTIVATIONS
from sk_autoenc.parts.corruptions import make_corruption
from sk_autoenc.parts.losses import mixed_columns
from sk_autoenc.table_feeds import Bins, HidingFeed, cut_into_bins
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


def test_leaves_enter_in_the_dtype_asked_for():
    trees = forest()
    corruption = masking(trees.leaf_vectors().astype(np.float32))
    feed = TreeFeed(trees, np.float32, corruption=corruption)
    assert feed(slice(None)).inputs.dtype == np.float32
    assert feed(slice(None)).targets is trees
    assert len(feed) == 3


@pytest.mark.parametrize("rows", [slice(None), np.arange(3)], ids=["slice", "array"])
def test_all_trees_in_their_order_are_not_copied(rows):
    trees = forest()
    assert TreeFeed(trees)(rows).targets is trees
    assert TreeFeed(trees)(np.array([0, 2, 1])).targets is not trees


def test_chosen_trees_come_in_blocks_of_bounded_size(monkeypatch):
    monkeypatch.setattr(feeds, "PART_NODES", 7)
    feed, rows = TreeFeed(forest()), np.array([2, 1, 0])
    assert [block.tolist() for block in feed.blocks(rows)] == [[2, 1], [0]]


# Bins


def numbers(n_rows=50, n_columns=2, missing=0.3):
    rng = np.random.default_rng(0)
    observed = rng.random((n_rows, n_columns)) >= missing
    values = rng.normal(size=observed.shape).astype(np.float32)
    return np.where(observed, values, np.float32(0)), observed


def pieces_of(bins, x, column):
    """Of one number, by the definition."""
    chosen = np.flatnonzero(bins.column == column)
    return [
        min(max((x - bins.start[t]) / bins.width[t], 0), 1) - bins.mean[t]
        for t in chosen
    ]


def test_pieces_of_a_number_equal_the_definition():
    values, observed = numbers()
    bins = cut_into_bins(values, observed, 4)
    expected = [[*pieces_of(bins, x, 0), *pieces_of(bins, y, 1)] for x, y in values]
    assert_allclose(bins(values), expected, rtol=1e-5, atol=1e-6)


def test_the_ends_of_bins_are_quantiles_of_what_is_observed():
    values, observed = numbers()
    values[~observed] = 1e6  # not looked at
    bins = cut_into_bins(values, observed, 4)
    for k in range(2):
        ends = np.quantile(values[observed[:, k], k], np.linspace(0, 1, 5))
        chosen = bins.column == k
        assert_allclose(bins.start[chosen], ends[:-1], rtol=1e-6)
        assert_allclose(bins.width[chosen], np.diff(ends), rtol=1e-4)


def test_the_mean_of_the_pieces_over_what_is_observed_is_0(monkeypatch):
    values, observed = numbers()
    for block_entries in (feeds.BLOCK_ENTRIES, 60):
        monkeypatch.setattr(feeds, "BLOCK_ENTRIES", block_entries)
        bins = cut_into_bins(values, observed, 5)
        pieces = np.ma.masked_array(bins(values), ~observed[:, bins.column])
        assert_allclose(pieces.mean(axis=0), 0, atol=1e-6)


def test_beyond_the_ends_pieces_stay():
    values, observed = numbers()
    bins = cut_into_bins(values, observed, 3)
    for end, beyond in ((values.max(axis=0), 1e30), (values.min(axis=0), -1e30)):
        far = bins(np.full((1, 2), beyond, np.float32))
        assert_allclose(far, bins(end[None]), atol=1e-6)


def test_equal_quantiles_make_fewer_bins():
    values = np.float32([[0], [0], [0], [0], [1], [2]])
    bins = cut_into_bins(values, np.ones(values.shape, bool), 4)
    assert_array_equal(bins.start, [0, 0.75])
    assert (bins.width > 0).all()


@pytest.mark.parametrize("n_bins", [0, 4])
def test_a_constant_column_and_a_column_without_bins_have_no_pieces(n_bins):
    values = np.ones((5, 2), np.float32)
    bins = cut_into_bins(values, np.ones(values.shape, bool), n_bins)
    assert len(bins.column) == 0
    assert bins(values).shape == (5, 0)


def test_a_table_without_numbers_has_no_bins():
    bins = cut_into_bins(np.empty((5, 0), np.float32), np.empty((5, 0), bool), 4)
    assert bins(np.empty((5, 3), np.float32)).shape == (5, 0)


def test_pieces_leave_the_values_as_they_are():
    values, observed = numbers()
    before = values.copy()
    cut_into_bins(values, observed, 4)(values)
    assert_array_equal(values, before)


# Hiding: two numbers, then a category of three levels

COLUMN_OF = np.array([0, 1, 2, 2, 2])


def hiding_feed(rng=None, missing=0.2, n_rows=50, share=(0.5, 0.5), n_bins=3):
    draws = np.random.default_rng(1)
    values, _ = numbers(n_rows, missing=0)
    levels = np.eye(3, dtype=np.float32)[draws.integers(3, size=n_rows)]
    observed = draws.random((n_rows, 3)) >= missing
    values = np.hstack([values, levels]) * observed[:, COLUMN_OF]
    bins = cut_into_bins(values[:, :2], observed[:, :2], n_bins)
    n_inputs = HidingFeed.n_inputs(5, 3, bins)
    architecture = layered.Architecture(
        (n_inputs, 5),
        ACTIVATIONS["tanh"],
        ACTIVATIONS["identity"],
        mixed_columns(2, [3]),
    )
    network = layered.Network(architecture, np.float32)
    return HidingFeed(
        values, observed, COLUMN_OF, bins, network, hidden_fraction=share, rng=rng
    )


def parts_of(feed, batch):
    """Values, visibility of entries, and pieces of the input."""
    values, visible, pieces = np.split(batch.inputs, [5, 8], axis=1)
    assert pieces.shape[1] == len(feed.bins.column)
    return values, visible, pieces


@pytest.mark.parametrize("seed", [None, 0])
def test_the_input_is_what_is_visible_which_it_is_and_its_pieces(seed):
    rng = None if seed is None else np.random.default_rng(seed)
    feed = hiding_feed(rng)
    values, visible, pieces = parts_of(feed, feed(ROWS))
    assert set(np.unique(visible)) <= {0, 1}
    assert not (visible > feed.observed[ROWS]).any()
    assert_array_equal(values, feed.values[ROWS] * visible[:, COLUMN_OF])
    expected = feed.bins(feed.values[ROWS]) * visible[:, feed.bins.column]
    assert_array_equal(pieces, expected)


def test_targets_are_all_values_with_weight_where_they_are_observed():
    feed = hiding_feed(np.random.default_rng(0))
    batch = feed(ROWS)
    assert_array_equal(batch.targets, feed.values[ROWS])
    assert_array_equal(batch.entry_weights, feed.observed[ROWS][:, COLUMN_OF])
    assert batch.entry_weights.dtype == np.float32


def test_complete_rows_need_no_weights():
    assert hiding_feed(missing=0)(ROWS).entry_weights is None


def test_without_a_generator_all_that_is_observed_is_visible():
    feed = hiding_feed()
    _, visible, _ = parts_of(feed, feed(slice(None)))
    assert_array_equal(visible, feed.observed)


def test_every_call_hides_other_entries():
    feed = hiding_feed(np.random.default_rng(0))
    first = feed(np.arange(50)).inputs.copy()
    assert (feed(np.arange(50)).inputs != first).any()


def test_the_same_generator_hides_the_same_entries():
    feed = hiding_feed()
    first, second = (
        feed.corrupting(np.random.default_rng(3))(np.arange(50)).inputs.copy()
        for _ in range(2)
    )
    assert_array_equal(first, second)
    assert feed.rng is None


@pytest.mark.parametrize("share", [(0.3, 0.3), (0.0, 1.0), (1.0, 1.0)])
def test_each_row_hides_an_own_share_drawn_between_the_bounds(share):
    low, high = share
    feed = hiding_feed(np.random.default_rng(0), missing=0, n_rows=4000, share=share)
    _, visible, _ = parts_of(feed, feed(np.arange(4000)))
    hidden = 1 - visible
    assert hidden.mean() == pytest.approx((low + high) / 2, abs=0.02)
    # Given its share u a row has 3 u (1 - u) as variance of its number of holes.
    second = (low**2 + low * high + high**2) / 3
    expected = 3 * (sum(share) / 2 - second) + 9 * (high - low) ** 2 / 12
    assert hidden.sum(axis=1).var() == pytest.approx(expected, rel=0.06, abs=1e-9)


def test_hiding_blocks_cover_all_rows_in_order_and_are_bounded(monkeypatch):
    feed = hiding_feed()
    monkeypatch.setattr(feeds, "BLOCK_ENTRIES", 7 * feed.network.row_entries)
    blocks = [feed(block).targets for block in feed.blocks()]
    assert max(map(len, blocks)) == 7
    assert_array_equal(np.concatenate(blocks), feed.values)
    chosen = np.concatenate([feed(block).targets for block in feed.blocks(ROWS)])
    assert_array_equal(chosen, feed.values[ROWS])


def test_hiding_leaves_the_table_as_it_is():
    feed = hiding_feed(np.random.default_rng(0))
    before = feed.values.copy(), feed.observed.copy()
    feed(slice(0, 20))
    assert_array_equal(feed.values, before[0])
    assert_array_equal(feed.observed, before[1])


def test_bins_are_of_a_kind_that_pickles():
    values, observed = numbers()
    bins = cut_into_bins(values, observed, 4)
    again = pickle.loads(pickle.dumps(bins))
    assert type(again) is Bins
    assert_array_equal(again(values), bins(values))
