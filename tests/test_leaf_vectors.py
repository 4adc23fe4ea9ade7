"""The vectors of tokens that are picked by name."""

import subprocess
import sys
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from sk_autoenc.parts.leaf_vectors import (
    LEAF_VECTORS,
    NoBytes,
    bytes_of,
    hashes_of,
    hashing,
    one_hot,
    random,
)

TOKENS = [*map(str, range(2000)), b"0", 0, 1.5, None, ..., 2j, int]
every_kind = pytest.mark.parametrize("name", LEAF_VECTORS)
of_any_token = pytest.mark.parametrize("make", [hashing, random])


@every_kind
def test_a_kind_makes_a_float32_row_for_each_token(name):
    vectors = LEAF_VECTORS[name].make(["a", "b", "c"], 3, b"key")
    assert vectors.shape == (3, 3)
    assert vectors.dtype == np.float32


def test_one_hot_is_the_identity():
    assert_array_equal(one_hot(["a", "b"], 2), np.eye(2))


@of_any_token
def test_a_vector_follows_from_its_token_alone(make):
    vectors = make(TOKENS, 16)
    order = np.random.default_rng(0).permutation(len(TOKENS))[:50]
    assert_array_equal(make([TOKENS[i] for i in order], 16), vectors[order])


def test_hashing_gives_one_entry_of_one_or_minus_one():
    vectors = hashing(TOKENS, 16)
    assert_array_equal(np.abs(vectors).sum(axis=1), 1)
    assert_array_equal(np.unique(vectors), [-1, 0, 1])


def test_hashing_spreads_over_columns_and_signs():
    vectors = hashing(TOKENS, 16)
    per_column = np.abs(vectors).sum(axis=0)
    assert per_column.min() > 0.6 * len(TOKENS) / 16
    assert abs(vectors.sum()) < 4 * len(TOKENS) ** 0.5


def test_random_vectors_have_mean_0_and_variance_1_over_their_length():
    vectors = random(TOKENS, 100).astype(float)
    assert abs(vectors.mean()) < 4 / vectors.size**0.5 / 10
    assert vectors.var() == pytest.approx(1 / 100, rel=0.01)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=0.2)
    correlations = vectors @ vectors.T - np.diag(np.square(vectors).sum(axis=1))
    assert np.abs(correlations).max() < 0.6


def test_random_vectors_are_made_in_blocks_that_do_not_show(monkeypatch):
    vectors = random(TOKENS, 10)
    monkeypatch.setattr("sk_autoenc.parts.leaf_vectors.BLOCK", 70)
    assert_array_equal(random(TOKENS, 10), vectors)


def test_random_vectors_of_another_key_are_others():
    assert not (random(TOKENS, 5, b"a") == random(TOKENS, 5, b"b")).any()


@pytest.mark.parametrize("make", [hashing, random])
def test_another_process_with_other_hashes_makes_the_same_vectors(make):
    code = (
        "from sk_autoenc.parts.leaf_vectors import *;"
        f"print({make.__name__}(['the', 1, b'x', None, int], 4, b'k').tolist())"
    )
    run = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONHASHSEED": "7", "PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert eval(run.stdout) == make(["the", 1, b"x", None, int], 4, b"k").tolist()


def test_vectors_stay_what_they_were():
    """A saved model must know its tokens tomorrow."""
    hashes = [9548206928367514256, 18235861091803621825, 1140320585501896238]
    assert hashes_of(["the", 1, None], b"").tolist() == hashes
    assert_array_equal(np.flatnonzero(hashing(["the"], 256)[0]), [72])
    numbers = [0.91332835, -0.25423461, 0.79621881]
    assert random(["the"], 3)[0] == pytest.approx(numbers, rel=1e-6)


@pytest.mark.parametrize(
    "equal",
    [
        (1, 1.0, True, np.int8(1), np.float32(1), np.True_, 1 + 0j, Decimal(1)),
        (0.5, np.float64(0.5), Fraction(1, 2), np.complex64(0.5)),
        (10**400, 10**400),
        ("a", np.str_("a")),
        (b"a", np.bytes_(b"a")),
        (0, -0.0, False),
    ],
)
def test_equal_tokens_are_spelled_alike(equal):
    assert len({bytes_of(token) for token in equal}) == 1


def test_other_tokens_are_spelled_differently():
    tokens = ["1", 1, b"1", 1.5, 1j, None, "None", ..., int, float, "\ud800", np.inf]
    assert len({bytes_of(token) for token in tokens}) == len(tokens)


@pytest.mark.parametrize("token", [object(), frozenset("ab"), range(3), len])
def test_a_token_without_a_stable_spelling_is_refused(token):
    with pytest.raises(NoBytes, match=r"not spelled the same in every process; .*str"):
        bytes_of(token)
