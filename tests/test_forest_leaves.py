"""Leaf vectors that a forest is given as a table: rows, other leaves, another table."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from numpy.testing import assert_array_equal

from sk_autoenc.trees.forest import Forest

A, B, C = np.array([1.0, 2.0]), np.array([3.0, 4.0]), np.array([5.0, 6.0])
TREES = [((A, B), C), (B, (A, B))]
"""Six leaves, three of them distinct."""
N_ROWS = {"from_rows": 6, "with_leaves": 6, "with_table": 3}
WAYS = {
    "from_rows": Forest.from_rows,
    "with_leaves": Forest.from_nested(TREES).with_leaves,
    "with_table": Forest.from_nested(TREES).with_table,
}
PLACES = {
    "from_rows": ["row 0", "row 1", "row 2"],
    "with_leaves": [f"tree 0, at {at}" for at in ("[0][0]", "[0][1]", "[1]")],
    "with_table": [
        f"row {n} (tree 0, at {at})" for n, at in enumerate(("[0][0]", "[0][1]", "[1]"))
    ],
}
every_way = pytest.mark.parametrize("way", WAYS)


def rows(way, dtype=np.float64):
    return np.arange(2.0 * N_ROWS[way]).reshape(-1, 2).astype(dtype)


@every_way
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_an_array_is_the_table_and_stays_writable(way, kind):
    X = rows(way, kind)
    forest = WAYS[way](X)
    assert forest.dtype == kind
    assert np.shares_memory(forest.leaf_table, X)
    assert not forest.leaf_table.flags.writeable
    assert X.flags.writeable


@every_way
@pytest.mark.parametrize(
    "convert",
    [
        lambda X: X.tolist(),
        lambda X: [tuple(row) for row in X.tolist()],
        lambda X: tuple(map(tuple, X.tolist())),
        list,
        np.asfortranarray,
        lambda X: X.astype(np.int8),
        lambda X: X.astype(object),
        lambda X: X.astype(">f8"),
        lambda X: X.astype(np.longdouble),
        pd.DataFrame,
        lambda X: pd.DataFrame(X, dtype="Float64"),
        lambda X: [[Fraction(int(a)), int(b)] for a, b in X],
        np.ma.asarray,
        np.asmatrix,
    ],
)
@pytest.mark.filterwarnings("ignore:the matrix subclass:PendingDeprecationWarning")
def test_whatever_holds_real_numbers_becomes_a_table(way, convert):
    forest = WAYS[way](convert(rows(way)))
    assert forest.dtype == np.float64
    assert_array_equal(forest.leaf_table, rows(way))


def with_entry(way, value, kind=np.float64):
    X = rows(way).astype(kind)
    X[1, 1] = value
    return X


@every_way
@pytest.mark.parametrize(
    ("value", "what"), [(np.nan, "NaN"), (np.inf, "infinity"), (-np.inf, "infinity")]
)
def test_a_row_that_is_not_finite_is_refused_with_its_place(way, value, what):
    for X in (with_entry(way, value), with_entry(way, value).tolist()):
        with pytest.raises(ValueError) as caught:  # noqa: PT011
            WAYS[way](X)
        assert str(caught.value) == f"{PLACES[way][1]}: leaf contains {what}"


@every_way
@pytest.mark.parametrize(
    ("X", "text"),
    [
        (lambda X: X.astype(object), "something other than numbers: NoneType"),
        (lambda X: X.tolist(), "something other than numbers: NoneType"),
    ],
)
def test_none_in_a_row_is_refused_with_its_place(way, X, text):
    X = X(rows(way))
    X[1][1] = None
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        WAYS[way](X)
    assert str(caught.value).startswith(f"{PLACES[way][1]}: leaf holds {text}")


@every_way
@pytest.mark.parametrize(
    ("value", "text"),
    [
        (pd.NA, "something other than numbers: NAType"),
        (Decimal(1), "something other than numbers: Decimal"),
        ("1", "something other than numbers: str"),
        (1j, "something other than numbers: complex"),
        ([1.0], "nodes are tuples"),
        (10**400, "too large for float64"),
    ],
)
def test_another_object_in_a_row_is_refused_with_its_place(way, value, text):
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        WAYS[way](with_entry(way, value, object))
    assert str(caught.value).startswith(f"{PLACES[way][1]}: ")
    assert text in str(caught.value)


@every_way
@pytest.mark.parametrize(
    ("convert", "text"),
    [
        (lambda X: X.astype(str), "other than numbers: str_"),
        (lambda X: X.astype("S3"), "other than numbers: bytes_"),
        (lambda X: X.astype("M8[s]"), "other than numbers: datetime64"),
        (lambda X: X.astype("m8[s]"), "other than numbers: timedelta64"),
        (lambda X: X.astype(complex), "complex"),
        (lambda X: X.astype("f8,f8"), "other than numbers: void"),
    ],
)
def test_an_array_of_another_kind_is_refused_at_its_first_row(way, convert, text):
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        WAYS[way](convert(rows(way)))
    assert str(caught.value).startswith(f"{PLACES[way][0]}: leaf ")
    assert text in str(caught.value)


@every_way
def test_a_long_double_too_large_is_refused_with_its_place(way):
    X = with_entry(way, np.longdouble("1e4000"), np.longdouble)
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        WAYS[way](X)
    assert str(caught.value) == (
        f"{PLACES[way][1]}: leaf contains a value too large for float64"
    )


@every_way
def test_masked_entries_are_refused(way):
    X = np.ma.array(rows(way), mask=rows(way) == 3)
    with pytest.raises(ValueError, match=r"^the array has masked entries"):
        WAYS[way](X)


@every_way
@pytest.mark.parametrize(
    "X", [np.empty((6, 0)), [[]] * 6, pd.DataFrame(index=range(6))]
)
def test_vectors_of_no_features_are_refused(way, X):
    with pytest.raises(ValueError, match=r"0 features|an empty vector"):
        WAYS[way](X)


@every_way
@pytest.mark.parametrize(
    "X",
    [
        None,
        3.0,
        "rows",
        [],
        np.ones(6),
        np.ones((6, 2, 2)),
        scipy.sparse.csr_array(np.eye(6)),
        {"a": 1},
        Forest.from_rows([[1.0]]),
    ],
)
def test_what_is_no_2d_array_is_refused(way, X):
    with pytest.raises(ValueError, match=r"a 2-D array, got|the array is of type"):
        WAYS[way](X)


@every_way
def test_rows_of_different_lengths_are_refused_with_their_place(way):
    X = rows(way).tolist()
    X[2] = [1.0]
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        WAYS[way](X)
    assert str(caught.value) == f"{PLACES[way][2]}: leaf has length 1, expected 2"


def test_a_table_of_no_rows_makes_a_forest_of_no_trees():
    assert len(Forest.from_rows(np.empty((0, 3)))) == 0


def test_another_table_stands_under_the_same_leaf_ids():
    forest = Forest.from_nested(TREES)
    other = forest.with_table(np.array([[10.0], [20.0], [30.0]], np.float32))
    assert other.n_features == 1
    assert other.dtype == np.float32
    assert other.leaf_vectors().ravel().tolist() == [10, 20, 30, 20, 10, 20]
    assert np.shares_memory(other.parent, forest.parent)
    assert other == Forest.from_nested(
        [(([10.0], [20.0]), [30.0]), other[1].to_nested()[0]]
    )


def test_another_table_stands_under_a_selection():
    forest = Forest.from_nested(TREES)[[1]]
    assert forest.with_table(forest.leaf_table * 2) == Forest.from_nested(
        [(2 * B, (2 * A, 2 * B))]
    )


def test_a_row_without_a_leaf_is_named_by_its_number():
    forest = Forest.from_nested(TREES)[[1]]
    with pytest.raises(ValueError, match=r"^row 2 \(no leaf\): leaf contains NaN$"):
        forest.with_table([[1.0], [1.0], [np.nan]])


@pytest.mark.parametrize("n_rows", [2, 4])
def test_a_table_of_another_length_is_refused(n_rows):
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        Forest.from_nested(TREES).with_table(np.ones((n_rows, 2)))
    assert str(caught.value) == f"got a table of {n_rows} rows for 3 distinct leaves"


def test_more_vectors_than_leaves_are_refused_whatever_they_are():
    forest = Forest.from_nested(TREES)
    with pytest.raises(ValueError, match=r"^got 7 vectors for 6 leaves$"):
        forest.with_leaves(np.ones((7, 2)))
    with pytest.raises(ValueError, match=r"^vector 6: leaf contains NaN$"):
        forest.with_leaves([*np.ones((6, 2)), [np.nan, 1.0]])


def test_leaves_too_large_for_the_dtype_are_refused_with_their_place():
    forest = Forest.from_nested([(A, (B, [1e300, 1.0]))])
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        forest.astype(np.float32)
    assert str(caught.value) == (
        "tree 0, at [1][1]: leaf contains a value too large for float32"
    )


def test_rows_of_the_table_that_have_no_leaf_may_overflow():
    forest = Forest.from_nested([(A, B), ([1e300, 1.0],)])[:1]
    assert forest.astype(np.float32).dtype == np.float32


# Reconstructions may overflow


def overflowed():
    vectors = np.array([[1.0, 2.0]] * 5 + [[np.inf, 1.0]], np.float32)
    return Forest.from_nested(TREES)._with_trusted_leaves(vectors)


@pytest.mark.parametrize(
    "use",
    [
        lambda forest: forest,
        lambda forest: forest[[1, 0]],
        lambda forest: forest.astype(np.float64),
        lambda forest: Forest.concatenate([forest[1:], forest[:1]]),
    ],
)
def test_the_packages_own_vectors_may_overflow_but_are_no_input(use):
    forest = use(overflowed())
    assert np.isinf(forest.leaf_vectors()).any()
    with pytest.raises(ValueError, match=r"^tree [01], at \[1\]\[1\]: .*infinity$"):
        Forest.from_nested(forest)


def test_trees_without_the_overflow_are_input():
    forest = overflowed()
    assert Forest.from_nested(forest[:1]) == forest[:1]
