import functools
import subprocess
import sys

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array

from sk_autoenc.parts.corruptions import CORRUPTIONS, Coins, make_corruption

SHAPE = (300, 100)
N_ENTRIES = SHAPE[0] * SHAPE[1]

every_corruption = pytest.mark.parametrize("name", CORRUPTIONS, ids=str)
choosing = pytest.mark.parametrize("name", ["masking", "salt_and_pepper", "swap"])
"""The corruptions whose level is the probability that an entry is chosen."""


@pytest.fixture
def clean():
    """Entries that all differ: row + 1000 * column."""
    return np.add.outer(np.arange(300.0) + 1, 1000 * np.arange(100.0))


def corrupt(name, clean, level, seed=0):
    """Corrupted entries and a mask of the untouched ones."""
    feature_range = clean.min(axis=0), clean.max(axis=0)
    out = np.full_like(clean, np.nan)
    corruption = make_corruption(
        name, level, feature_range, np.random.default_rng(seed)
    )
    untouched = corruption.corrupt(clean, out=out)
    assert_array_equal(untouched, untouched.astype(bool))  # zeros and ones, if not bool
    return out, untouched.astype(bool)


def assert_binomial(count, n, probability):
    """Within five standard deviations."""
    spread = 5 * (n * probability * (1 - probability)) ** 0.5
    assert abs(count - n * probability) <= spread


# Every corruption


@every_corruption
def test_clean_entries_are_not_changed(name, clean, dtype):
    clean = clean.astype(dtype)
    before = clean.copy()
    clean.flags.writeable = False
    corrupt(name, clean, 0.5)
    assert_array_equal(clean, before)


@every_corruption
def test_all_of_out_is_written_with_finite_numbers(name, clean, dtype):
    corrupted, _ = corrupt(name, clean.astype(dtype), 0.5)
    assert np.isfinite(corrupted).all()


@every_corruption
def test_untouched_is_a_mask_of_entries_that_stayed(name, clean):
    corrupted, untouched = corrupt(name, clean, 0.4)
    assert untouched.shape == clean.shape
    assert_array_equal(corrupted[untouched], clean[untouched])


@every_corruption
def test_entries_that_changed_are_reported_as_touched(name, clean):
    corrupted, untouched = corrupt(name, clean, 0.4)
    assert not untouched[corrupted != clean].any()


@every_corruption
def test_level_0_leaves_everything_as_it_is(name, clean):
    corrupted, _ = corrupt(name, clean, 0.0)
    assert_array_equal(corrupted, clean)


@every_corruption
def test_the_generator_alone_decides(name, clean):
    first, second = corrupt(name, clean, 0.5, seed=3), corrupt(name, clean, 0.5, seed=3)
    assert_array_equal(first[0], second[0])
    assert_array_equal(first[1], second[1])


@every_corruption
def test_another_draw_is_another_corruption(name, clean):
    same = np.array_equal(
        corrupt(name, clean, 0.5, seed=3)[0], corrupt(name, clean, 0.5, seed=4)[0]
    )
    assert same == (name is None)


@every_corruption
def test_numpys_global_generator_is_not_used(name, clean):
    before = np.random.get_state()[1].copy()
    corrupt(name, clean, 0.5)
    assert_array_equal(np.random.get_state()[1], before)


@every_corruption
def test_single_row_single_feature_and_odd_sizes_work(name):
    for shape in ((1, 1), (1, 5), (5, 1), (3, 7)):
        corrupted, untouched = corrupt(name, np.ones(shape), 0.5)
        assert corrupted.shape == untouched.shape == shape


@every_corruption
def test_zeros_stay_zeros_where_a_corruption_says_so(name, rng):
    if not CORRUPTIONS[name].elementwise_on_nonzeros:
        return
    clean = rng.uniform(1, 2, SHAPE) * (rng.random(SHAPE) < 0.5)
    corrupted, _ = corrupt(name, clean, 0.5)
    assert not corrupted[clean == 0].any()


@every_corruption
def test_stored_values_of_a_sparse_batch_are_accepted_as_a_row(name, rng):
    if not CORRUPTIONS[name].elementwise_on_nonzeros:
        return
    stored = rng.uniform(1, 2, 1001)
    corruption = make_corruption(name, 0.5, (stored, stored), rng)
    out = np.empty_like(stored)
    untouched = corruption.corrupt(stored, out=out).astype(bool)
    assert_array_equal(out[untouched], stored[untouched])


@every_corruption
def test_highest_level_is_accepted_and_finite(name, clean):
    level = min(CORRUPTIONS[name].max_level, 1e6)
    corrupted, _ = corrupt(name, clean, level)
    assert np.isfinite(corrupted).all()


# Those that choose entries


@choosing
@pytest.mark.parametrize("level", [0.01, 0.3, 0.5, 0.97])
def test_level_is_the_rate_of_touched_entries(name, level, clean):
    _, untouched = corrupt(name, clean, level)
    assert_binomial((~untouched).sum(), N_ENTRIES, level)


@choosing
def test_rows_and_features_are_touched_alike(name, clean):
    _, untouched = corrupt(name, clean, 0.3)
    for axis in (0, 1):
        n = SHAPE[axis]
        counts = (~untouched).sum(axis=axis)
        assert counts.std() == pytest.approx((n * 0.3 * 0.7) ** 0.5, rel=0.25)
        assert np.abs(counts - n * 0.3).max() < 5 * (n * 0.3 * 0.7) ** 0.5


@choosing
def test_neighbouring_entries_are_chosen_independently(name, clean):
    touched = ~corrupt(name, clean, 0.5)[1]
    for shift, axis in ((1, 0), (1, 1), (2, 1), (4, 1)):
        both = (touched & np.roll(touched, shift, axis)).sum()
        assert_binomial(both, N_ENTRIES, 0.25)


@choosing
def test_level_1_touches_every_entry(name, clean):
    _, untouched = corrupt(name, clean, 1.0)
    assert not untouched.any()


def test_selection_with_probability_1_is_everything_and_with_0_nothing(rng):
    for size in (1, 3, 4, 5, 40001):
        assert Coins(1.0, rng, bool).toss((size,)).all()
        assert not Coins(0.0, rng, bool).toss((size,)).any()


@pytest.mark.parametrize("size", [1, 7, 9999, 16384, 40001])
def test_coins_of_many_tosses_are_fair_and_differ(size, rng):
    coins = Coins(0.25, rng, np.float32)
    tosses = [coins.toss((size,)).copy() for _ in range(max(3, 50000 // size))]
    assert tosses[0].dtype == np.float32
    assert_binomial(sum(toss.sum() for toss in tosses), size * len(tosses), 0.25)
    if size > 100:
        assert_binomial((tosses[0] * tosses[1]).sum(), size, 0.25**2)


def test_coins_of_changing_shapes_are_all_used(rng):
    """A last batch of fewer rows between full ones."""
    coins = Coins(0.5, rng, bool)
    shapes = [(20, 64), (7, 64), (300, 64), (1, 64)] * 10
    heads = sum(coins.toss(shape).sum() for shape in shapes)
    assert_binomial(heads, sum(rows * 64 for rows, _ in shapes), 0.5)


def test_a_function_may_keep_what_it_is_given(clean):
    kept = []

    def keep(X, level, rng):
        kept.append(X)
        return 0 * X

    batch = clean[:20].copy()
    corruption = make_corruption(keep, 0.5, None, np.random.default_rng(0))
    corruption.corrupt(batch, batch.copy())
    batch.fill(7)
    assert np.array_equal(kept[0], clean[:20])


@every_corruption
def test_every_batch_is_corrupted_anew(name, clean):
    corruption = make_corruption(
        name, 0.5, (clean.min(axis=0), clean.max(axis=0)), np.random.default_rng(0)
    )
    batch, first, second = clean[:20], np.empty((20, 100)), np.empty((20, 100))
    corruption.corrupt(batch, out=first)
    corruption.corrupt(batch, out=second)
    assert np.array_equal(first, second) == (name is None)


MANY_CERTAIN_TOSSES = """
import numpy as np
from sk_autoenc.parts.corruptions import Coins
for n_tosses in range(200):
    for size in (1, 7, 16384, 30000, 40001):
        for dtype in (np.float32, np.float64, bool):
            rng = np.random.Generator(np.random.SFC64(n_tosses))
            assert Coins(1.0, rng, dtype).toss((size,)).all()
print("alive")
"""


def test_certain_tosses_do_not_crash_the_interpreter():
    """In numpy 2.0 a uint16 array < 65536 into floats reads memory not its own."""
    done = subprocess.run(
        [sys.executable, "-c", MANY_CERTAIN_TOSSES],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == "alive", (done.returncode, done.stderr)


# One by one


def test_masking_sets_the_chosen_entries_to_zero_and_no_others(clean):
    corrupted, untouched = corrupt("masking", clean, 0.4)
    assert_array_equal(corrupted, np.where(untouched, clean, 0))


def test_masked_zeros_count_as_touched():
    _, untouched = corrupt("masking", np.zeros(SHAPE), 0.3)
    assert_binomial((~untouched).sum(), N_ENTRIES, 0.3)


@pytest.mark.parametrize("level", [0.1, 2.0])
def test_gaussian_noise_has_mean_0_and_standard_deviation_level(level, clean, dtype):
    clean = np.full_like(clean, 3, dtype)
    noise = corrupt("gaussian", clean, level)[0] - clean
    assert noise.mean() == pytest.approx(0, abs=5 * level / N_ENTRIES**0.5)
    assert noise.std() == pytest.approx(level, rel=5 / (2 * N_ENTRIES) ** 0.5)


def test_gaussian_noise_has_normal_tails():
    noise, _ = corrupt("gaussian", np.zeros(SHAPE), 1.0)
    assert_binomial((np.abs(noise) < 1).sum(), N_ENTRIES, 0.682689)
    assert_binomial((np.abs(noise) < 2).sum(), N_ENTRIES, 0.954500)


def test_gaussian_noise_touches_every_entry(clean):
    assert not corrupt("gaussian", clean, 0.1)[1].any()


def test_salt_and_pepper_is_the_minimum_or_maximum_of_the_feature(clean):
    corrupted, untouched = corrupt("salt_and_pepper", clean, 0.4)
    low, high = clean.min(axis=0), clean.max(axis=0)
    assert (untouched | (corrupted == low) | (corrupted == high)).all()


def test_salt_and_pepper_tosses_a_fair_coin(clean):
    corrupted, untouched = corrupt("salt_and_pepper", clean, 0.4)
    at_maximum = (corrupted == clean.max(axis=0)) & ~untouched
    assert_binomial(at_maximum.sum(), (~untouched).sum(), 0.5)


def test_salt_and_pepper_takes_the_range_it_was_made_with(clean):
    feature_range = np.full(100, -1.0), np.arange(100.0)
    out = np.empty_like(clean)
    rng = np.random.default_rng(0)
    corruption = make_corruption("salt_and_pepper", 1.0, feature_range, rng)
    corruption.corrupt(clean, out=out)
    assert ((out == -1) | (out == np.arange(100))).all()


def test_swap_takes_the_same_feature_of_another_row(clean):
    corrupted, untouched = corrupt("swap", clean, 0.4)
    source_row, column = (corrupted - 1) % 1000, (corrupted - 1) // 1000
    own_row, own_column = np.indices(SHAPE)
    assert_array_equal(column, own_column)
    assert (source_row < 300).all()
    assert_array_equal(source_row == own_row, untouched)


def test_swap_draws_the_other_row_uniformly_and_for_each_entry_alone(clean):
    clean = clean[:5]
    corrupted = np.concatenate(
        [corrupt("swap", clean, 1.0, seed)[0] for seed in range(40)]
    )
    shifts = ((corrupted - 1) % 1000 - np.arange(200)[:, None]) % 5
    for shift in (1, 2, 3, 4):
        assert_binomial((shifts == shift).sum(), shifts.size, 0.25)
    same_as_neighbour = shifts[:, 1:] == shifts[:, :-1]
    assert_binomial(same_as_neighbour.sum(), same_as_neighbour.size, 0.25)


def test_swap_of_two_rows_at_level_1_exchanges_them(clean):
    corrupted, _ = corrupt("swap", clean[:2], 1.0)
    assert_array_equal(corrupted, clean[1::-1])


def test_swap_leaves_a_batch_of_one_row_alone(clean):
    corrupted, untouched = corrupt("swap", clean[:1], 1.0)
    assert_array_equal(corrupted, clean[:1])
    assert untouched.all()


def test_none_touches_nothing(clean):
    corrupted, untouched = corrupt(None, clean, 0.9)
    assert_array_equal(corrupted, clean)
    assert untouched.all()


# A user's function


def halve(X, level, rng):
    return np.where(rng.random(X.shape) < level, X / 2, X)


def test_a_callable_gets_the_batch_the_level_and_the_generator(clean):
    seen = []

    def record(X, level, rng):
        seen.append((X.copy(), level, rng))
        return X.copy()

    corrupt(record, clean, 0.7)
    X, level, rng = seen[0]
    assert_array_equal(X, clean)
    assert level == 0.7
    assert isinstance(rng, np.random.Generator)


def test_entries_that_a_callable_changed_are_touched(clean):
    corrupted, untouched = corrupt(halve, clean, 0.3)
    assert_array_equal(untouched, corrupted == clean)
    assert_binomial((~untouched).sum(), N_ENTRIES, 0.3)


def test_a_callable_may_return_its_input_a_list_or_another_dtype(clean):
    for function in (
        lambda X, level, rng: X,
        lambda X, level, rng: X.tolist(),
        lambda X, level, rng: X.astype(np.float32),
    ):
        corrupted, _ = corrupt(function, clean, 0.3)
        assert corrupted.dtype == clean.dtype
        assert_allclose(corrupted, clean)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda X, level, rng: np.multiply(X, 0, out=X), "changed its input in place"),
        (lambda X, level, rng: X[:, 1:], r"shape \(300, 99\) for a batch of shape"),
        (lambda X, level, rng: X[0], r"shape \(100,\) for a batch"),
        (lambda X, level, rng: None, r"a NoneType of dtype object"),
        (lambda X, level, rng: csr_array(X), r"a csr_array of dtype object"),
        (lambda X, level, rng: X * np.nan, "returned NaN or infinity"),
        (lambda X, level, rng: X + np.inf, "returned NaN or infinity"),
    ],
    ids=["in place", "narrower", "one row", "nothing", "sparse", "nan", "infinity"],
)
def test_a_callable_that_breaks_its_contract_is_told_so(function, message, clean):
    with pytest.raises(ValueError, match=message):
        corrupt(function, clean, 0.3)


def test_messages_name_the_callable(clean):
    def drop_a_column(X, level, rng):
        return X[:, 1:]

    with pytest.raises(ValueError, match="drop_a_column"):
        corrupt(drop_a_column, clean, 0.3)
    with pytest.raises(ValueError, match="partial"):
        corrupt(functools.partial(drop_a_column), clean, 0.3)
