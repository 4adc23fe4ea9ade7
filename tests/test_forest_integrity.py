"""Damaged and hostile files: a ValueError, or a forest that is equal and valid."""

import io
import pickle

import joblib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from strategies import chain, tree_lists

from sk_autoenc.trees.forest import Forest
from sk_autoenc.trees.nodes import Columns

A, B, C = np.array([1.0, 2.0]), np.array([3.0, 4.0]), np.array([5.0, 6.0])
TREES = [((A, B), C), A, (C,), (B, (A, B, C), (C, A)), ((B,), C)]
EXTREMES = [-(2**31), -2, -1, 0, 1, 2, 3, 20, 21, 22, 2**31 - 1]


def arrays_of(forest):
    """Writable copies of what makes a forest, by the names of its pickle."""
    return {name: np.array(arrays) for name, arrays in forest.__getstate__().items()}


def from_constructor(state):
    return Forest(**state)


def from_state(state):
    forest = Forest.__new__(Forest)
    forest.__setstate__(state)
    return forest


def without_arrays():
    return Forest.__new__(Forest)


def from_pickle(state):
    """What a file says that a pickle, or a loader that calls no code, hands over."""

    class Damaged:
        def __reduce__(self):
            return without_arrays, (), state

    return pickle.loads(pickle.dumps(Damaged()))


def from_joblib(state):
    class Damaged:
        def __reduce__(self):
            return Forest, tuple(state.values())

    file = io.BytesIO()
    joblib.dump(Damaged(), file)
    file.seek(0)
    return joblib.load(file)


MAKERS = (from_constructor, from_state, from_pickle, from_joblib)


def is_valid(forest):
    """Whether reading its trees anew gives the same nodes."""
    again = Forest.from_nested(forest.to_nested())
    return np.array_equal(again.tree_start, forest.tree_start) and all(
        np.array_equal(getattr(again, name), getattr(forest, name))
        for name in Columns._fields[1:]
    )


def is_refused_or_valid(state):
    try:
        forest = Forest(**state)
    except ValueError as error:
        return str(error).startswith("no forest: ")
    return is_valid(forest)


@pytest.mark.parametrize("make", MAKERS)
def test_undamaged_arrays_make_an_equal_forest(make):
    forest = Forest.from_nested(TREES)
    twin = make(arrays_of(forest))
    assert twin == forest
    for name in Columns._fields:
        assert_array_equal(getattr(twin, name), getattr(forest, name))
        assert not getattr(twin, name).flags.writeable


@given(tree_lists(n_features=2))
def test_the_arrays_of_any_trees_pass(trees):
    forest = Forest.from_nested(trees)
    assert Forest(**arrays_of(forest)) == forest
    assert Forest(**arrays_of(forest[:0])) == forest[:0]


def test_the_arrays_of_a_deep_chain_pass():
    forest = Forest.from_nested([chain(20_000, A)])
    assert Forest(**arrays_of(forest)) == forest


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("column", range(len(Columns._fields)), ids=Columns._fields)
def test_every_single_wrong_entry_of_a_column_is_refused(make, column):
    forest = Forest.from_nested(TREES)
    right = arrays_of(forest)["nodes"][column]
    for node in range(len(right)) if make is from_constructor else (4, 20):
        for value in {*EXTREMES, int(right[node]) + 1} - {int(right[node])}:
            is_other_leaf = column == 0 and right[node] >= 0 and 0 <= value < 3
            if is_other_leaf:
                continue
            state = arrays_of(forest)
            state["nodes"][column, node] = value
            with pytest.raises(ValueError, match=r"^no forest: "):
                make(state)


def test_every_single_wrong_start_of_a_tree_is_refused():
    forest = Forest.from_nested(TREES)
    for tree, right in enumerate(forest.tree_start.tolist()):
        for value in {*EXTREMES, 2**63 - 1, -(2**63), right + 1} - {right}:
            state = arrays_of(forest)
            state["tree_start"][tree] = value
            with pytest.raises(ValueError, match=r"^no forest: "):
                Forest(**state)


@given(
    trees=tree_lists(n_features=2),
    damages=st.lists(
        st.tuples(
            st.integers(0, 6),
            st.integers(0, 10**6),
            st.one_of(st.integers(-3, 12), st.sampled_from(EXTREMES)),
        ),
        min_size=1,
        max_size=6,
    ),
)
def test_random_damage_is_refused_or_leaves_a_valid_forest(trees, damages):
    state = arrays_of(Forest.from_nested(trees))
    for row, place, value in damages:
        state["nodes"][row, place % state["nodes"].shape[1]] = value
    assert is_refused_or_valid(state)


@given(trees=tree_lists(n_features=2), data=st.data())
def test_columns_of_another_forest_are_refused_or_valid(trees, data):
    """Damage that is itself in order: whole columns, trees or parts of them moved."""
    state = arrays_of(Forest.from_nested(trees))
    nodes = state["nodes"]
    row, n_nodes = data.draw(st.integers(0, 6)), nodes.shape[1]
    start, stop, shift = (data.draw(st.integers(0, n_nodes)) for _ in range(3))
    part = slice(*sorted((start, stop)))
    nodes[row, part] = np.roll(nodes[row, part], shift)
    assert is_refused_or_valid(state)


WRONG_ARRAYS = {
    "table of one dimension": {"leaf_table": A},
    "table of three": {"leaf_table": np.ones((3, 2, 2))},
    "table of integers": {"leaf_table": np.ones((3, 2), np.int64)},
    "table of objects": {"leaf_table": np.ones((3, 2), object)},
    "table of half precision": {"leaf_table": np.ones((3, 2), np.float16)},
    "table without features": {"leaf_table": np.ones((3, 0))},
    "table too short": {"leaf_table": np.ones((2, 2))},
    "masked table": {"leaf_table": np.ma.ones((3, 2))},
    "no table": {"leaf_table": None},
    "list for a table": {"leaf_table": [[1.0, 2.0]] * 3},
    "starts of int32": {"tree_start": np.array([0, 5, 6, 8, 17, 21], np.int32)},
    "starts of floats": {"tree_start": np.array([0, 5, 6, 8, 17, 21.0])},
    "no starts": {"tree_start": np.empty(0, np.int64)},
    "one start": {"tree_start": np.zeros(1, np.int64)},
    "starts in two dimensions": {"tree_start": np.zeros((1, 6), np.int64)},
    "a tree of no nodes": {"tree_start": np.array([0, 5, 6, 6, 8, 17, 21])},
    "starts going back": {"tree_start": np.array([0, 5, 6, 2, 17, 21])},
    "starts of other trees": {"tree_start": np.array([0, 5, 21])},
    "six rows": {"nodes": np.zeros((6, 21), np.int32)},
    "eight rows": {"nodes": np.zeros((8, 21), np.int32)},
    "no rows": {"nodes": np.zeros((0, 21), np.int32)},
    "rows of int64": {"nodes": np.zeros((7, 21), np.int64)},
    "rows of uint32": {"nodes": np.zeros((7, 21), np.uint32)},
    "one dimension": {"nodes": np.zeros(21, np.int32)},
    "no nodes": {"nodes": np.zeros((7, 0), np.int32)},
    "all zero": {"nodes": np.zeros((7, 21), np.int32)},
    "all -1": {"nodes": np.full((7, 21), -1, np.int32)},
    "a word": {"nodes": "nodes"},
}


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("wrong", WRONG_ARRAYS.values(), ids=WRONG_ARRAYS)
def test_arrays_of_another_shape_or_dtype_are_refused(wrong, make):
    state = arrays_of(Forest.from_nested(TREES))
    assert Forest(**state).tree_start.tolist() == [0, 5, 6, 8, 17, 21]
    with pytest.raises(ValueError, match=r"^no forest: "):
        make(state | wrong)


@pytest.mark.parametrize("state", [None, (), {}, {"leaf_table": np.ones((1, 1))}, 3])
def test_another_state_is_refused(state):
    with pytest.raises(ValueError, match=r"^no forest: "):
        from_state(state)


def test_arrays_of_the_other_byte_order_are_read():
    forest = Forest.from_nested(TREES)
    state = {
        name: array.astype(array.dtype.newbyteorder())
        for name, array in arrays_of(forest).items()
    }
    twin = Forest(**state)
    assert twin == forest
    assert twin.parent.dtype == np.int32
    assert twin.dtype == np.float64


def test_arrays_in_fortran_order_are_read():
    state = arrays_of(Forest.from_nested(TREES))
    twin = Forest(**{name: np.asfortranarray(array) for name, array in state.items()})
    assert twin.parent.flags.c_contiguous
    assert twin == Forest.from_nested(TREES)


def test_writing_into_the_arrays_afterwards_does_not_undo_the_check():
    state = arrays_of(Forest.from_nested(TREES))
    forest = Forest(**state)
    state["nodes"][:] = 10**6
    state["tree_start"][:] = 10**6
    assert forest == Forest.from_nested(TREES)


def test_the_message_names_column_and_node():
    state = arrays_of(Forest.from_nested(TREES))
    state["nodes"][Columns._fields.index("depth"), 7] = 4
    with pytest.raises(ValueError) as caught:  # noqa: PT011, the whole text is below
        Forest(**state)
    assert str(caught.value) == (
        "no forest: depth[7] is 4, but it is one more than its parent's, 0 for a root"
    )


def test_a_truncated_pickle_is_not_half_a_forest():
    data = pickle.dumps(Forest.from_nested(TREES))
    for stop in range(0, len(data), 7):
        with pytest.raises((EOFError, pickle.UnpicklingError, ValueError)):
            pickle.loads(data[:stop])
