import tracemalloc
from collections import UserList, deque

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from hypothesis import given
from strategies import chain, tree_lists

from sk_autoenc.trees import guard
from sk_autoenc.trees.forest import Forest, is_forest_like

A, B, C = np.array([1.0, 2.0]), np.array([3.0, 4.0]), np.array([5.0, 6.0])


def same(left, right):
    """Whether trees are equal in structure and in the bits of their leaves."""
    if isinstance(left, tuple) and isinstance(right, tuple):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, tuple) or isinstance(right, tuple):
        return False
    return left.dtype == right.dtype and left.tobytes() == right.tobytes()


def comes_back(trees):
    return same(tuple(Forest.from_nested(trees).to_nested()), tuple(trees))


def object_array(elements):
    return np.fromiter(elements, dtype=object, count=len(elements))


def doubled(times, leaf=A):
    """A tuple of 2 children, both the same, which unfolds to 2**(times + 1) - 1."""
    tree = leaf
    for _ in range(times):
        tree = (tree, tree)
    return tree


# Trees come back


@given(tree_lists(n_features=3))
def test_trees_come_back_equal_in_structure_and_bits(trees):
    assert comes_back(trees)


@given(tree_lists(n_features=1, dtype=np.float32))
def test_float32_trees_come_back_equal_in_structure_and_bits(trees):
    assert comes_back(trees)


def test_negative_zero_and_subnormal_numbers_keep_their_bits():
    assert comes_back([(np.array([-0.0, 5e-324, np.nextafter(1.0, 2.0)]),)])


def test_shared_subtuples_are_read_as_if_copied():
    shared = (A, B)
    assert comes_back([(shared, (shared, C)), shared])


def test_a_chain_of_100_000_becomes_a_forest_and_comes_back():
    tree = chain(100_000, A)
    forest = Forest.from_nested([tree])
    (back,) = forest.to_nested()
    assert forest.heights.tolist() == [100_000]
    assert same(tuple(Forest.from_nested([back]).height), tuple(forest.height))


def test_a_node_of_100_000_children_becomes_a_forest_and_comes_back():
    assert comes_back([tuple(np.array([float(i)]) for i in range(100_000))])


def test_memory_is_linear_in_the_nodes_of_a_chain():
    def peak(depth):
        tree = chain(depth, A)
        tracemalloc.start()
        Forest.from_nested([tree])
        size = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return size

    assert peak(16_000) < 2.2 * peak(8_000)


# What X may be


@pytest.mark.parametrize("container", [list, tuple, object_array, pd.Series])
def test_every_container_of_trees_is_read_alike(container):
    trees = [((A, B), C), (C,), A]
    assert same(tuple(Forest.from_nested(container(trees)).to_nested()), tuple(trees))


def test_an_object_array_of_trees_of_one_shape_is_read():
    assert comes_back(object_array([(A, B), (B, C)]))


def test_a_forest_is_taken_as_it_is():
    forest = Forest.from_nested([(A, B)])
    assert Forest.from_nested(forest) is forest


def test_a_forest_is_converted_to_the_dtype_asked_for():
    forest = Forest.from_nested([(A, B)])
    assert Forest.from_nested(forest, dtype=np.float32).dtype == np.float32


@pytest.mark.parametrize(
    "X",
    [
        Forest.from_rows([[1.0]]),
        [(A, B)],
        ((A, B), C),
        [A, (B, C)],
        [([1.0, 2.0], [3.0, 4.0])],
        [(1.0, [2.0])],
        [((1.0, 2.0),)],
        [()],
        object_array([(A,), (B,)]),
        object_array([A, B]),
        object_array([(1.0, 2.0)]),
        pd.Series([(A, B), C]),
        pd.Series([A, B]),
    ],
)
def test_trees_are_told_from_rows(X):
    assert is_forest_like(X)


@pytest.mark.parametrize(
    "X",
    [
        [],
        [[1.0, 2.0], [3.0, 4.0]],
        [(1.0, 2.0), (3.0, 4.0)],
        [(1, np.float32(2), True), (None, "word", b"word")],
        [A, B],
        [[A, B], [B, C]],
        [1.0, 2.0],
        ["word"],
        "word",
        None,
        3,
        {"a": (A, B)},
        A,
        np.ones((2, 2)),
        np.ones((2, 2), dtype=object),
        pd.DataFrame({"a": [1.0]}),
        pd.Series([1.0, 2.0]),
        pd.Series(["a", "b"]),
        object_array([1.0, "word"]),
        scipy.sparse.csr_array(np.eye(2)),
        scipy.sparse.csr_matrix(np.eye(2)),
    ],
)
def test_what_scikit_learn_takes_as_rows_or_refuses_is_not_trees(X):
    assert not is_forest_like(X)


# What is refused

WRONG_TREES = {
    "tree 1, at [0][2]: leaf has length 3, expected 2": [
        A,
        ((A, B, [1.0, 2.0, 3.0]), C),
    ],
    "tree 0, at [1]: leaf has length 1, expected 2": [(A, [1.0])],
    "tree 1, at the root: leaf has length 3, expected 2": [(A,), [1, 2, 3]],
    "tree 0, at the root: an empty tuple; an inner node has at least one child": [()],
    "tree 1, at [0][1]: an empty tuple; an inner node has at least one child": [
        (A,),
        ((A, ()), B),
    ],
    "tree 2, at [0][1]: leaf contains NaN": [A, B, ((A, [0.0, np.nan]),)],
    "tree 0, at [1]: leaf contains infinity": [(A, [-np.inf, np.inf]), (B,)],
    "tree 0, at the root: leaf contains infinity": [[np.inf, 1.0], (B,)],
    "tree 0, at [1]: nodes are tuples: write (a, b), not [a, b]": [(A, [A, B])],
    "tree 1, at the root: nodes are tuples: write (a, b), not [a, b]": [(A,), [(A, B)]],
    "tree 0, at [0]: nodes are tuples: write (a, b), not [a, b]": [([[1.0], [2.0]],)],
    "tree 0, at [2]: nodes are tuples: write (a, b), not [a, b]": [
        (A, B, object_array([A, (B, C)])),
    ],
    "tree 0, at [1]: nodes are tuples: write (a, b), not [a, b] ": [(A, [A, 1.0])],
    "tree 0, at [0]: leaf has 2 dimensions, expected 1": [(np.ones((1, 2)),)],
    "tree 0, at [1]: leaf is an empty vector": [(A, [])],
    "tree 0, at [0]: leaf is an empty vector": [(np.empty(0),)],
    "tree 0, at [1]: leaf is complex, expected real numbers": [(A, A + 1j)],
    "tree 0, at [0]: leaf holds something other than numbers: str_": [(["1", "2"],)],
    "tree 0, at [1]: leaf holds something other than numbers: NoneType": [
        (A, [1.0, None])
    ],
}


@pytest.mark.parametrize(("text", "X"), WRONG_TREES.items())
def test_a_wrong_tree_is_refused_with_its_place(text, X):
    with pytest.raises(ValueError) as caught:  # noqa: PT011, the whole text is below
        Forest.from_nested(X)
    assert str(caught.value) == text.strip()


@pytest.mark.parametrize(
    ("leaf", "what"),
    [
        (3.0, "a scalar of type float"),
        (np.float32(3), "a scalar of type float32"),
        (np.array(3), "a scalar of type ndarray"),
        (1j, "a scalar of type complex"),
        ("word", "of type str"),
        (b"word", "of type bytes"),
        (None, "of type NoneType"),
        ({1.0}, "of type set"),
        (object(), "of type object"),
        (scipy.sparse.csr_array(np.eye(2)), "of type csr_array"),
    ],
)
def test_a_leaf_that_is_no_vector_is_refused_with_its_type(leaf, what):
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        Forest.from_nested([A, (B, (A, leaf))])
    assert str(caught.value) == (
        f"tree 1, at [1][1]: leaf is {what}, "
        "expected a vector of numbers (a tuple is an inner node); for tokens put a "
        "LeafVectorizer before"
    )


def test_the_first_wrong_leaf_in_preorder_is_named_though_another_is_less_deep():
    with pytest.raises(ValueError, match=r"^tree 1, at \[0\]\[0\]\[1\]: leaf has len"):
        Forest.from_nested([A, (((A, [1.0]), B), [2.0]), [3.0]])


def test_a_repeated_wrong_leaf_is_named_where_it_is_met_first():
    bad = np.array([1.0, np.nan])
    with pytest.raises(ValueError, match=r"^tree 1, at \[1\]: leaf contains NaN$"):
        Forest.from_nested([(A, B), (A, bad), (bad, bad)])


def test_a_value_too_large_for_the_dtype_asked_for_is_refused():
    with pytest.raises(ValueError, match=r"at \[1\]: leaf contains a value too large"):
        Forest.from_nested([(A, [1e300, 0.0])], dtype=np.float32)


def test_finite_leaves_with_an_infinite_sum_are_taken():
    assert comes_back([(np.array([1e308, 1e308, -1e308]),)])


def test_the_path_to_a_deep_place_is_shortened():
    tree = ([1.0],)
    for _ in range(40):
        tree = (tree, A)
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        Forest.from_nested([A, tree])
    path = "[0]" * 19 + "...(21 more)...[0]"
    assert str(caught.value) == f"tree 1, at {path}: leaf has length 1, expected 2"


@pytest.mark.parametrize("X", [iter([A]), UserList([A]), deque([(A, A)])])
def test_what_a_list_can_be_made_of_is_refused_with_that_remedy(X):
    with pytest.raises(TypeError, match=r"expected .*; write list\(X\)$"):
        Forest.from_nested(X)


@pytest.mark.parametrize("X", ["word", None, {1}, 3])
def test_what_is_no_sequence_of_trees_is_refused(X):
    with pytest.raises(TypeError) as caught:
        Forest.from_nested(X)
    assert str(caught.value) == (
        f"X is of type {type(X).__name__!r}; expected a list, tuple, 1-D object array "
        "or Series of trees (nested tuples), or a Forest"
    )


@pytest.mark.parametrize("X", [[], (), object_array([]), pd.Series([], dtype=object)])
def test_an_empty_x_is_refused(X):
    with pytest.raises(ValueError, match=r"^X has no trees; at least one is needed$"):
        Forest.from_nested(X)


def test_a_two_dimensional_array_is_sent_to_from_rows():
    with pytest.raises(ValueError, match=r"^X has 2 dimensions, .*Forest\.from_rows"):
        Forest.from_nested(np.ones((2, 2)))


# Trees that share their parts


def test_a_tree_doubled_sixty_times_is_refused_with_its_exact_count():
    tracemalloc.start()
    with pytest.raises(ValueError, match=f"^tree 1, at the root: .* {2**61 - 1} nodes"):
        Forest.from_nested([(A, B), doubled(60)])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**26


def test_a_long_chain_below_every_node_of_a_long_chain_is_refused(monkeypatch):
    monkeypatch.setattr(guard, "available_memory", lambda: 2**34)
    below = chain(30_000, A)
    tree = (below,)
    for _ in range(30_000):
        tree = (tree, below)
    n_nodes = 30_001 * (1 + 60_000)
    with pytest.raises(ValueError, match=f"unfolds to {n_nodes} nodes"):
        Forest.from_nested([tree])


def test_a_count_of_more_than_a_hundred_digits_is_not_spelt():
    with pytest.raises(ValueError, match=r"unfolds to more than 10\*\*100 nodes"):
        Forest.from_nested([doubled(20_000)])


def test_trees_that_fit_one_by_one_but_not_together_are_refused(monkeypatch):
    monkeypatch.setattr(guard, "FIRST_CHECK", 100)
    monkeypatch.setattr(guard, "available_memory", lambda: 600 * guard.BYTES_PER_NODE)
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        Forest.from_nested([doubled(7), A, doubled(7), doubled(7)])
    assert str(caught.value) == (
        "the 4 trees unfold to 766 nodes together, more than memory holds (about 600)"
    )


def test_a_tree_of_more_nodes_than_int32_numbers_is_refused(monkeypatch):
    monkeypatch.setattr(guard, "available_memory", lambda: 2**60)
    with pytest.raises(ValueError, match=f"{2**32 - 1} nodes, .*about {2**31 - 1}"):
        Forest.from_nested([doubled(31)])


def test_a_tree_of_long_leaves_is_counted_with_its_codes(monkeypatch):
    monkeypatch.setattr(guard, "FIRST_CHECK", 100)
    monkeypatch.setattr(guard, "available_memory", lambda: 800_000)
    for leaf in (np.ones(2), [1.0, 1.0]):
        assert len(Forest.from_nested([doubled(9, leaf)]).size) == 1023
    for leaf in (np.ones(20), [1.0] * 20):
        with pytest.raises(
            ValueError, match=r"^tree 0, .* 1023 nodes, .*\(about 400\)$"
        ):
            Forest.from_nested([doubled(9, leaf)])


@pytest.mark.parametrize("tree", [doubled(9), chain(600, A)], ids=["shared", "honest"])
def test_a_tree_that_fits_is_unfolded_beyond_the_first_check(tree, monkeypatch):
    monkeypatch.setattr(guard, "FIRST_CHECK", 100)
    assert Forest.from_nested([tree, tree]).n_nodes.min() > 1000
