import copy
import pickle

import joblib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from sklearn.base import BaseEstimator
from sklearn.model_selection import KFold, cross_val_score, train_test_split
from sklearn.utils import _safe_indexing
from strategies import chain, tree_lists

from sk_autoenc.trees.forest import Forest

NODE_ARRAYS = ("parent", "child_rank", "n_children", "depth", "height", "size")
A, B, C = np.array([1.0, 2.0]), np.array([3.0, 4.0]), np.array([5.0, 6.0])
TREES = [((A, B), C), A, (C,), (B, (A, B, C), (C, A)), ((B,), C)]


@pytest.fixture
def forest():
    return Forest.from_nested(TREES)


def oracle(tree, parent=-1, child_rank=0, depth=0, place=0):
    """The nodes of a tree in preorder, one dict each, by plain recursion."""
    if not isinstance(tree, tuple):
        tree, leaf = (), tree
    else:
        leaf = None
    children = []
    for rank, child in enumerate(tree):
        next_place = place + 1 + sum(map(len, children))
        children.append(oracle(child, place, rank, depth + 1, next_place))
    node = {
        "parent": parent,
        "child_rank": child_rank,
        "n_children": len(tree),
        "depth": depth,
        "height": max((1 + child[0]["height"] for child in children), default=0),
        "size": 1 + sum(map(len, children)),
        "leaf": leaf,
    }
    return [node, *(below for child in children for below in child)]


def assert_equal_forests(left, right):
    """Equal in all but the order and sharing of the rows of the leaf table."""
    for name in (*NODE_ARRAYS, "tree_start", "n_nodes", "leaves"):
        assert_array_equal(getattr(left, name), getattr(right, name), err_msg=name)
    assert left.dtype == right.dtype
    assert_array_equal(left.leaf_vectors(), right.leaf_vectors())


# The arrays


@pytest.mark.parametrize("name", NODE_ARRAYS)
@given(trees=tree_lists(n_features=2))
def test_a_node_array_is_what_plain_recursion_finds(trees, name):
    expected = [node[name] for tree in trees for node in oracle(tree)]
    assert_array_equal(getattr(Forest.from_nested(trees), name), expected)


@given(tree_lists(n_features=2))
def test_leaf_row_leads_to_the_leaf_vector_and_is_minus_one_at_inner_nodes(trees):
    forest = Forest.from_nested(trees)
    leaves = [node["leaf"] for tree in trees for node in oracle(tree)]
    for row, leaf in zip(forest.leaf_row, leaves, strict=True):
        if leaf is None:
            assert row == -1
        else:
            assert_array_equal(forest.leaf_table[row], leaf)


@given(tree_lists(n_features=2))
def test_tree_start_bounds_the_nodes_of_each_tree(trees):
    lengths = [len(oracle(tree)) for tree in trees]
    assert_array_equal(Forest.from_nested(trees).tree_start, np.cumsum([0, *lengths]))


@given(tree_lists(n_features=2))
def test_counts_heights_and_arities_are_given_per_tree(trees):
    forest, nodes = Forest.from_nested(trees), [oracle(tree) for tree in trees]
    assert forest.n_nodes.tolist() == [len(tree) for tree in nodes]
    assert forest.n_leaves.tolist() == [
        sum(node["leaf"] is not None for node in tree) for tree in nodes
    ]
    assert forest.heights.tolist() == [tree[0]["height"] for tree in nodes]
    assert forest.arities.tolist() == [
        max(node["n_children"] for node in tree) for tree in nodes
    ]


@given(tree_lists(n_features=2))
def test_leaf_order_is_the_order_of_reading(trees):
    forest = Forest.from_nested(trees)
    nodes = [node["leaf"] for tree in trees for node in oracle(tree)]
    leaves = [i for i, leaf in enumerate(nodes) if leaf is not None]
    assert forest.leaves.tolist() == leaves
    assert_array_equal(forest.leaf_vectors(), [nodes[i] for i in leaves])


@pytest.mark.parametrize("name", ["leaf_row", *NODE_ARRAYS])
def test_node_arrays_are_contiguous_int32(forest, name):
    array = getattr(forest, name)
    assert array.dtype == np.int32
    assert array.shape == (21,)
    assert array.flags.c_contiguous


@pytest.mark.parametrize("name", ["tree_start", "n_nodes", "n_leaves"])
def test_counts_are_int64(forest, name):
    assert getattr(forest, name).dtype == np.int64


@pytest.mark.parametrize(
    "name", ["leaf_table", "leaf_row", "tree_start", "n_nodes", *NODE_ARRAYS]
)
def test_arrays_cannot_be_written(forest, name):
    with pytest.raises(ValueError, match="read-only"):
        getattr(forest, name)[0] = 1


def test_a_forest_has_a_length_a_shape_and_features(forest):
    assert len(forest) == forest.n_trees == 5
    assert forest.shape == (5,)
    assert forest.n_features == 2
    assert forest.dtype == np.float64


def test_a_forest_shows_its_sizes(forest):
    assert repr(forest) == (
        "Forest(n_trees=5, n_nodes=21, n_leaves=13, n_features=2, dtype=float64)"
    )


# Choosing trees

KEYS = {
    "permutation": np.array([4, 2, 0, 1, 3]),
    "repetition": np.array([3, 3, 0]),
    "negative indexes": np.array([-1, -5, -2]),
    "int32": np.array([1, 3], dtype=np.int32),
    "list": [2, 0],
    "list of booleans": [True, False, True, True, False],
    "mask": np.array([False, True, True, False, True]),
    "slice": slice(1, 4),
    "slice backwards": slice(None, None, -2),
    "slice of nothing": slice(3, 3),
    "empty list": [],
}


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
def test_indexing_gives_the_forest_of_the_chosen_trees(forest, key):
    chosen = [TREES[i] for i in np.arange(len(TREES))[key]]
    assert len(forest[key]) == len(chosen)
    if chosen:
        assert_equal_forests(forest[key], Forest.from_nested(chosen))


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
def test_indexing_with_an_ellipsis_is_plain_indexing(forest, key):
    assert_equal_forests(forest[key, ...], forest[key])


@pytest.mark.parametrize("key", [3, -2, np.int64(3)])
def test_an_int_gives_the_forest_of_one_tree(forest, key):
    assert_equal_forests(forest[key], Forest.from_nested([TREES[3]]))


@pytest.mark.parametrize("key", [5, -6, [0, 5], [True], 1.0, "a", None, [[0], [1]]])
def test_an_impossible_key_is_an_index_error(forest, key):
    with pytest.raises(IndexError):
        forest[key]


@pytest.mark.parametrize("rows", [[4, 2, 2], [-1, -3]])
def test_select_is_indexing_by_rows(forest, rows):
    assert_equal_forests(forest.select(rows), forest[rows])


def test_select_refuses_a_row_out_of_range(forest):
    with pytest.raises(IndexError):
        forest.select([5])


def test_a_selection_shares_the_leaf_table(forest):
    assert forest[[3, 1]].leaf_table is forest.leaf_table


@given(trees=tree_lists(n_features=2), data=st.data())
def test_a_selection_of_a_selection_is_the_forest_of_those_trees(trees, data):
    rows = st.lists(st.integers(0, len(trees) - 1), min_size=1, max_size=8)
    first = data.draw(rows)
    second = data.draw(st.lists(st.integers(0, len(first) - 1), min_size=1))
    chosen = Forest.from_nested(trees)[first][second]
    assert_equal_forests(chosen, Forest.from_nested([trees[first[i]] for i in second]))


def test_a_forest_of_no_trees_has_empty_answers(forest):
    nothing = forest[:0]
    assert nothing.shape == nothing.heights.shape == nothing.n_leaves.shape == (0,)
    assert nothing.arities.shape == (0,)
    assert nothing.leaf_vectors().shape == (0, 2)
    assert nothing.to_nested() == []


# Nested tuples again


def test_iteration_gives_the_nested_tuples(forest):
    assert_equal_forests(Forest.from_nested(list(forest)), forest)


def test_a_leaf_row_is_one_object_in_all_nested_tuples(forest):
    trees = forest.to_nested()
    assert trees[0][0][0] is trees[1]
    assert len(Forest.from_nested(trees).leaf_table) == 3


def test_nested_leaves_cannot_be_written(forest):
    with pytest.raises(ValueError, match="read-only"):
        forest.to_nested()[1][0] = 7.0


@pytest.mark.parametrize("convert", [np.asarray, np.array])
def test_a_forest_is_no_numeric_array(forest, convert):
    with pytest.raises(TypeError, match=r"^a Forest is not .* forest.leaf_vectors\(\)"):
        convert(forest)


def test_trees_in_the_place_of_arrays_are_told_the_way():
    with pytest.raises(TypeError, match=r"made by Forest\.from_nested\(trees\)"):
        Forest(TREES)


def test_reversed_gives_the_nested_tuples_from_the_last(forest):
    backwards = Forest.from_nested(list(reversed(forest)))
    assert_equal_forests(backwards, forest[::-1])


# Rows of an array as trees


def test_rows_are_trees_of_one_leaf():
    X = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    assert_equal_forests(Forest.from_rows(X), Forest.from_nested([(x,) for x in X]))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rows_are_not_copied(dtype):
    X = np.ones((3, 2), dtype=dtype)
    forest = Forest.from_rows(X)
    assert forest.leaf_table.shape == X.shape
    assert np.shares_memory(forest.leaf_table, X)


def test_the_array_of_rows_stays_writable():
    X = np.ones((3, 2))
    Forest.from_rows(X)
    assert X.flags.writeable


def test_rows_of_integers_become_float64():
    assert Forest.from_rows([[1, 2]]).dtype == np.float64


def test_rows_in_fortran_order_are_stored_row_by_row():
    forest = Forest.from_rows(np.asfortranarray(np.arange(6.0).reshape(3, 2)))
    assert forest.leaf_table.flags.c_contiguous
    assert_array_equal(forest.leaf_vectors(), np.arange(6.0).reshape(3, 2))


def test_rows_of_one_dimension_are_refused():
    with pytest.raises(ValueError, match="expected a 2-D array, got 1 dimension"):
        Forest.from_rows(A)


# Forests from forests


def test_parts_of_a_forest_join_to_the_whole_and_share_its_table(forest):
    whole = Forest.concatenate([forest[:2], forest[2:2], forest[2:]])
    assert whole.leaf_table is forest.leaf_table
    assert_equal_forests(whole, forest)


@given(tree_lists(n_features=2), tree_lists(n_features=2))
def test_forests_of_different_tables_join(left, right):
    first, second = Forest.from_nested(left), Forest.from_nested(right)
    joined = Forest.concatenate([first, second, first])
    assert_equal_forests(joined, Forest.from_nested(left + right + left))


def test_a_table_that_two_of_three_forests_share_is_stored_once(forest):
    other = Forest.from_nested([(A, B)])
    joined = Forest.concatenate([forest, other, forest[:1]])
    assert len(joined.leaf_table) == 3 + 2


def test_float32_and_float64_join_to_float64(forest):
    single = forest.astype(np.float32)
    assert Forest.concatenate([single, single[:1]]).dtype == np.float32
    assert Forest.concatenate([single, forest]).dtype == np.float64


def test_forests_of_other_leaf_lengths_do_not_join(forest):
    with pytest.raises(ValueError, match=r"one length, got lengths \[1, 2\]"):
        Forest.concatenate([forest, Forest.from_rows([[1.0]])])


def test_no_forests_do_not_join():
    with pytest.raises(ValueError, match=r"got lengths \[\]"):
        Forest.concatenate([])


def test_a_generator_of_forests_joins(forest):
    assert Forest.concatenate(forest[[i]] for i in range(5)) == forest


@pytest.mark.parametrize(
    ("forests", "text"),
    [
        (lambda F: None, "must be a list of Forest, not 'NoneType'"),
        (lambda F: 3, "must be a list of Forest, not 'int'"),
        (lambda F: F, "are several: pass a list of Forest"),
        (lambda F: [F, None], "forest 1 to concatenate is of type 'NoneType'"),
        (lambda F: [TREES], "forest 0 to concatenate is of type 'list'"),
        (lambda F: "ab", "forest 0 to concatenate is of type 'str'"),
    ],
)
def test_what_is_no_list_of_forests_does_not_join(forest, forests, text):
    with pytest.raises(TypeError, match=text):
        Forest.concatenate(forests(forest))


def test_other_leaves_keep_the_structure(forest):
    vectors = np.random.default_rng(0).normal(size=(13, 4)).astype(np.float32)
    other = forest.with_leaves(vectors)
    assert other.dtype == np.float32
    assert_array_equal(other.leaf_vectors(), vectors)
    assert_array_equal(other.parent, forest.parent)
    assert_array_equal(other.leaf_row < 0, forest.leaf_row < 0)


def test_a_wrong_number_of_leaves_is_refused(forest):
    with pytest.raises(ValueError, match=r"^got 12 vectors for 13 leaves$"):
        forest.with_leaves(np.ones((12, 2)))


def test_astype_converts_the_leaves(forest):
    single = forest.astype("float32")
    assert single.dtype == np.float32
    assert_array_equal(single.leaf_vectors(), forest.leaf_vectors())


def test_astype_of_the_same_dtype_is_the_same_forest(forest):
    assert forest.astype(np.float64) is forest


def test_astype_of_another_kind_is_refused(forest):
    with pytest.raises(ValueError, match="are float32 or float64, not int32"):
        forest.astype(np.int32)


# Pickles, copies, hashes

DUPLICATE = {"pickle": lambda f: pickle.loads(pickle.dumps(f)), "copy": copy.deepcopy}


@pytest.mark.parametrize("duplicate", DUPLICATE.values(), ids=DUPLICATE)
def test_a_duplicate_is_equal_and_cannot_be_written(forest, duplicate):
    twin = duplicate(forest)
    assert_equal_forests(twin, forest)
    assert not twin.leaf_table.flags.writeable
    assert not twin.parent.flags.writeable


@pytest.mark.parametrize("duplicate", DUPLICATE.values(), ids=DUPLICATE)
def test_a_chain_of_100_000_is_duplicated(duplicate):
    forest = Forest.from_nested([chain(100_000, A)])
    assert_equal_forests(duplicate(forest), forest)


def test_a_copy_is_the_forest_itself(forest):
    assert copy.copy(forest) is forest
    assert copy.deepcopy([forest, forest])[1] is forest


def test_a_deep_copy_does_not_change_with_an_array_that_became_the_table():
    X = np.ones((2, 2))
    forest = Forest.from_rows(X)
    twin = copy.deepcopy(forest)
    X[:] = 7
    assert twin == Forest.from_rows(np.ones((2, 2)))
    assert forest == Forest.from_rows(X)


def test_a_chain_of_100_000_is_hashed_by_joblib():
    tree = chain(100_000, A)
    first, second = Forest.from_nested([tree]), Forest.from_nested([tree])
    assert joblib.hash(first) == joblib.hash(second)


def test_a_duplicate_has_the_same_joblib_hash(forest):
    assert joblib.hash(pickle.loads(pickle.dumps(forest))) == joblib.hash(forest)


def test_another_structure_over_the_same_leaves_has_another_joblib_hash():
    left, right = Forest.from_nested([((A, B), C)]), Forest.from_nested([(A, (B, C))])
    assert joblib.hash(left) != joblib.hash(right)


def test_a_forest_loaded_as_a_memory_map_is_equal(forest, tmp_path):
    joblib.dump(forest, tmp_path / "forest")
    loaded = joblib.load(tmp_path / "forest", mmap_mode="r")
    assert_equal_forests(loaded[[1, 0]], forest[[1, 0]])


def test_a_few_trees_pickle_without_the_table_of_the_whole():
    rows = Forest.from_rows(np.random.default_rng(0).normal(size=(1000, 50)))
    few = rows[[7, 3, 7]]
    pickled = pickle.dumps(few)
    assert len(pickled) < 3000
    assert_equal_forests(pickle.loads(pickled), few)


# In the hands of scikit-learn


class ForestCounter(BaseEstimator):
    """Scores 1 if it sees forests of the sizes of two folds out of three."""

    def fit(self, X, y=None):
        self.n_trees_ = X.n_trees
        return self

    def score(self, X, y=None):
        return float(self.n_trees_ + X.n_trees == 5 and isinstance(X, Forest))


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
def test_scikit_learns_indexing_gives_a_forest(forest, key):
    assert_equal_forests(_safe_indexing(forest, key), forest[key])


def test_train_test_split_gives_forests(forest):
    train, test, train_rows, test_rows = train_test_split(
        forest, np.arange(5), random_state=0
    )
    assert_equal_forests(train, forest[train_rows])
    assert_equal_forests(test, forest[test_rows])


def test_cross_validation_gives_forests(forest):
    scores = cross_val_score(ForestCounter(), forest, cv=KFold(3))
    assert scores.tolist() == [1.0, 1.0, 1.0]
