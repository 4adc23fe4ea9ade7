"""What a leaf may be, its dtype, and which leaves are one row of the table."""

from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal

from sk_autoenc.trees.forest import Forest

A, B, C = np.array([1.0, 2.0]), np.array([3.0, 4.0]), np.array([5.0, 6.0])


def object_array(elements):
    return np.fromiter(elements, dtype=object, count=len(elements))


@pytest.mark.parametrize(
    "leaf",
    [
        [1, 2],
        [1.0, True],
        np.array([1, 2], dtype=np.uint8),
        np.array([1.0, 2.0], dtype=np.float16),
        np.array([1.0, 2.0], dtype=">f4"),
        np.array([True, False]),
        np.array([1.0, 7.0, 2.0])[::2],
        np.array([1.0, 2], dtype=object),
        [Fraction(1, 2), 10**30],
        pd.Series([1.0, 2.0]),
        range(2),
    ],
)
def test_any_vector_of_real_numbers_becomes_a_float64_leaf(leaf):
    forest = Forest.from_nested([(leaf, leaf)])
    assert forest.dtype == np.float64
    assert_array_equal(forest.leaf_table, [np.asarray(leaf, dtype=np.float64)])


def test_float32_is_kept_if_every_leaf_is_float32():
    a = A.astype(np.float32)
    assert Forest.from_nested([(a, a), (a,)]).dtype == np.float32


@pytest.mark.parametrize("kind", [np.float64, np.int64, np.longdouble])
def test_a_leaf_that_float32_cannot_hold_makes_the_forest_float64_with_a_warning(kind):
    tree = (A.astype(np.float32), [5.0, 6.0], B.astype(kind))
    message = rf"tree 1, at \[2\]: leaf is {np.dtype(kind)}, others are float32, so all"
    with pytest.warns(UserWarning, match=message):
        forest = Forest.from_nested([tree[:1], tree])
    assert forest.dtype == np.float64
    assert_array_equal(forest.leaf_vectors(), [A, A, C, B])


@pytest.mark.parametrize(
    "leaf",
    [
        [5.0, 6.0],
        range(5, 7),
        [Fraction(5), 6],
        object_array([5, 6.0]),
        np.array([5, 6], dtype=np.uint8),
        np.array([5.0, 6.0], dtype=np.float16),
        np.array([5.0, 6.0], dtype=">f4"),
    ],
)
def test_what_float32_holds_and_lists_of_numbers_follow_float32_leaves(leaf):
    forest = Forest.from_nested([(A.astype(np.float32), leaf)])
    assert forest.dtype == np.float32
    assert_array_equal(forest.leaf_vectors(), [A, C])


def test_a_dtype_asked_for_silences_the_warning_about_mixed_leaves():
    forest = Forest.from_nested([(A.astype(np.float32), B)], dtype=np.float32)
    assert forest.dtype == np.float32


def test_a_number_too_large_for_the_dtype_that_a_list_follows_is_refused():
    with pytest.raises(ValueError, match=r"at \[1\]: .* too large for float32"):
        Forest.from_nested([(A.astype(np.float32), [1e300, 0.0])])


def test_the_dtype_asked_for_is_the_dtype():
    assert Forest.from_nested([(A, [1, 2])], dtype="float32").dtype == np.float32


def test_an_impossible_dtype_is_refused():
    with pytest.raises(ValueError, match="are float32 or float64, not int64"):
        Forest.from_nested([(A, B)], dtype=np.int64)


def test_a_leaf_object_met_again_is_stored_once():
    forest = Forest.from_nested([((A, B), A), (B, A)])
    assert_array_equal(forest.leaf_table, [A, B])


MATRIX = np.arange(8.0).reshape(4, 2)
BORROWED = np.zeros((3, 2))
ALIKE = {
    "rows": ([MATRIX[2], MATRIX[0], MATRIX[2], MATRIX[0]], [0, 1, 0, 1]),
    "columns": ([MATRIX[:2, 1], MATRIX[:2, 0], MATRIX[:2, 1]], [0, 1, 0]),
    "rows of a part": ([MATRIX[1:][1], MATRIX[2]], [0, 0]),
    "equal rows": ([BORROWED[0], BORROWED[1], BORROWED[0], BORROWED[1]], [0, 1, 0, 1]),
    "row and column": ([BORROWED[0], BORROWED[:2, 0]], [0, 1]),
    "backwards": ([MATRIX[0], MATRIX[0, ::-1], MATRIX[0, ::-1]], [0, 1, 1]),
    "other dtype": ([BORROWED[0], BORROWED.view(np.int64)[0]], [0, 1]),
    "a copy": ([MATRIX[0], MATRIX[0].copy()], [0, 1]),
    "beside lists": ([MATRIX[0], [1.0, 2.0], MATRIX[0]], [0, 1, 0]),
    "two matrices": ([BORROWED[0], np.zeros((3, 2))[0], BORROWED[0]], [0, 1, 0]),
}


@pytest.mark.parametrize(("leaves", "rows"), ALIKE.values(), ids=ALIKE)
def test_views_on_the_same_numbers_are_one_row_of_the_table(leaves, rows):
    forest = Forest.from_nested([tuple(leaves)])
    assert forest.leaf_row.tolist() == [-1, *rows]
    assert_array_equal(forest.leaf_vectors(), [list(leaf) for leaf in leaves])
    assert len(forest.leaf_table) == len(set(rows))


def test_leaves_that_stand_in_buffers_are_read():
    buffer = bytearray(A.tobytes() + B.tobytes())
    leaves = [np.frombuffer(memoryview(buffer)[i : i + 16]) for i in (0, 16, 0)]
    assert_array_equal(Forest.from_nested([tuple(leaves)]).leaf_vectors(), [A, B, A])


def test_rows_of_a_memory_map_are_stored_once(tmp_path):
    np.save(tmp_path / "words.npy", MATRIX)
    words = np.load(tmp_path / "words.npy", mmap_mode="r")
    forest = Forest.from_nested([(words[1], (words[3], words[1]))])
    assert_array_equal(forest.leaf_table, MATRIX[[1, 3]])


def test_a_wrong_view_is_named_where_it_is_met_first():
    words = np.array([[1.0, np.nan], [1.0, 2.0]])
    with pytest.raises(ValueError, match=r"^tree 0, at \[1\]: leaf contains NaN$"):
        Forest.from_nested([(words[1], words[0], words[0])])


def test_leaves_are_stored_in_the_order_of_their_first_appearance():
    forest = Forest.from_nested([(C, (B, C)), (A,)])
    assert_array_equal(forest.leaf_table, [C, B, A])


def test_equal_leaves_that_are_not_one_object_keep_rows_of_their_own():
    assert len(Forest.from_nested([([1.0], [1.0])]).leaf_table) == 2


def test_a_corpus_of_few_words_takes_a_small_table():
    words = list(np.random.default_rng(0).normal(size=(200, 50)))
    forest = Forest.from_nested([tuple(words * 50)])
    assert forest.leaf_table.nbytes == 200 * 50 * 8
    assert sum(a.nbytes for a in (forest.leaf_row, forest.parent)) == 2 * 4 * 10_001
