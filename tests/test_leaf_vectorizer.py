"""LeafVectorizer: from trees of tokens to a Forest over one table, and back."""

import ast
import json
import warnings
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from oracles import nearest_tokens
from scipy.cluster.hierarchy import linkage, to_tree
from strategies import chain, trees
from tree_models import leaves, map_leaves

from sk_autoenc import Forest, LeafVectorizer, read_tree
from sk_autoenc.parts.leaf_vectors import LEAF_VECTORS

TREES = [(("the", "cat"), "sat"), (("the", "dog"), ("sat", "down")), ("the",), "cat"]
TOKENS = ["the", "cat", "sat", "dog", "down"]
MATRIX = np.random.default_rng(0).normal(size=(5, 3))
MAPPING = dict(zip(TOKENS, MATRIX, strict=True))


class KeyedVectors:
    """As gensim has it: `in` and `[]`, and no more of a mapping."""

    def __init__(self, vectors):
        self._vectors = vectors

    def __contains__(self, key):
        return key in self._vectors

    def __getitem__(self, key):
        return self._vectors[key]


GIVEN = {
    "dict": MAPPING,
    "dict of lists": {token: vector.tolist() for token, vector in MAPPING.items()},
    "KeyedVectors": KeyedVectors(MAPPING),
    "DataFrame": pd.DataFrame(MATRIX, index=TOKENS),
    "Series": pd.Series(list(MATRIX), index=TOKENS),
    "function": MAPPING.get,
}
VECTORS = {name: name for name in LEAF_VECTORS} | GIVEN
UNKNOWN = ["zeros", "mean", "learn"]
every_given = pytest.mark.parametrize("vectors", GIVEN.values(), ids=GIVEN)
every_vectors = pytest.mark.parametrize("vectors", VECTORS.values(), ids=VECTORS)
every_unknown = pytest.mark.parametrize("handle_unknown", UNKNOWN)
of_any_token = pytest.mark.parametrize("vectors", ["hashing", "random"])


def vectors_of(forest):
    """The leaf vectors of each tree, as nested lists."""
    return [map_leaves(np.ndarray.tolist, tree) for tree in forest.to_nested()]


# The table


@every_vectors
def test_each_leaf_has_the_row_of_its_token(vectors):
    vectorizer = LeafVectorizer(vectors, random_state=0)
    forest = vectorizer.fit_transform(TREES)
    expected = [
        map_leaves(lambda t: vectorizer.table_[vectorizer.vocabulary_[t]].tolist(), x)
        for x in TREES
    ]
    assert vectors_of(forest) == expected
    rows = [vectorizer.vocabulary_[token] for tree in TREES for token in leaves(tree)]
    assert forest.leaf_row[forest.leaves].tolist() == rows


@every_vectors
@every_unknown
def test_all_forests_share_the_table_of_the_vectorizer(vectors, handle_unknown):
    vectorizer = LeafVectorizer(vectors, handle_unknown=handle_unknown, random_state=0)
    assert vectorizer.fit_transform(TREES).leaf_table is vectorizer.table_
    assert vectorizer.transform(TREES[:1]).leaf_table is vectorizer.table_
    joined = Forest.concatenate([vectorizer.transform([tree]) for tree in TREES])
    assert joined.leaf_table is vectorizer.table_
    assert not vectorizer.table_.flags.writeable


def test_tokens_are_ordered_by_how_often_they_stand():
    vectorizer = LeafVectorizer().fit(TREES)
    assert list(vectorizer.vocabulary_) == ["the", "cat", "sat", "dog", "down"]
    assert list(vectorizer.vocabulary_.values()) == [0, 1, 2, 3, 4]
    assert vectorizer.token_counts_.tolist() == [3, 2, 2, 1, 1]


@every_given
@pytest.mark.parametrize("kind", ["float32", "float64", np.float32])
def test_given_vectors_are_the_table(vectors, kind):
    vectorizer = LeafVectorizer(vectors, dtype=kind).fit(TREES)
    assert vectorizer.table_.dtype == kind
    assert_array_equal(vectorizer.table_[:5], MATRIX.astype(kind))
    assert_array_equal(vectorizer.table_[5], 0)


@every_vectors
def test_vectors_are_float32_unless_float64_is_asked_for(vectors):
    forest = LeafVectorizer(vectors).fit_transform(TREES)
    assert forest.dtype == np.float32
    forest = LeafVectorizer(vectors, dtype="float64").fit_transform(TREES)
    assert forest.dtype == np.float64


def test_an_array_is_for_leaves_that_are_numbers_of_rows():
    rows = np.array([[0.0], [1.0], [5.0], [7.0]])
    merged = linkage(rows)
    expected = Forest.from_nested([((rows[0], rows[1]), (rows[2], rows[3]))])
    for X in ([merged], [to_tree(merged)], [((0, 1), (np.int32(2), 3))]):
        forest = LeafVectorizer(rows, dtype="float64").fit_transform(X)
        assert forest == expected
    lists = LeafVectorizer(rows.tolist(), dtype="float64").fit_transform([(2, 3)])
    assert lists.to_nested()[0] == (5.0, 7.0)


def test_a_callable_gives_none_of_what_it_does_not_know():
    known = {"a": [1.0], "b": [2.0]}
    forest = LeafVectorizer(known.get).fit_transform([("a", ("b", "c"))])
    assert vectors_of(forest) == [([1.0], ([2.0], [0.0]))]


def test_one_hot_takes_the_most_frequent_tokens():
    vectorizer = LeafVectorizer(n_features=2)
    forest = vectorizer.fit_transform(TREES)
    assert vectorizer.vocabulary_ == {"the": 0, "cat": 1}
    assert vectors_of(forest)[0] == (([1.0, 0.0], [0.0, 1.0]), [0.0, 0.0])


def test_more_tokens_than_one_hot_takes_by_itself_give_a_warning(monkeypatch):
    kind = LEAF_VECTORS["one_hot"]._replace(n_features=3)
    monkeypatch.setitem(LEAF_VECTORS, "one_hot", kind)
    message = r"5 tokens, .* 3 most frequent: .* n_features .* min_count .*'random'"
    with pytest.warns(UserWarning, match=message) as caught:
        vectorizer = LeafVectorizer().fit(TREES)
    assert caught[0].filename == __file__
    assert len(vectorizer.vocabulary_) == 3
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        LeafVectorizer(n_features=2).fit(TREES)
        LeafVectorizer(min_count=2).fit(TREES)


@of_any_token
def test_n_features_is_the_length_of_vectors_that_are_made(vectors):
    assert LeafVectorizer(vectors, n_features=7).fit(TREES).table_.shape == (6, 7)
    n_features = LEAF_VECTORS[vectors].n_features
    assert LeafVectorizer(vectors).fit(TREES).table_.shape == (6, n_features)


# Random


def test_a_token_has_its_random_vector_in_every_fit():
    left = LeafVectorizer("random", random_state=3).fit(TREES)
    right = LeafVectorizer("random", random_state=3).fit([("x", ("sat", "y", "y"))])
    rows = left.vocabulary_["sat"], right.vocabulary_["sat"]
    assert_array_equal(left.table_[rows[0]], right.table_[rows[1]])


def test_another_random_state_gives_other_vectors():
    tables = [
        LeafVectorizer("random", random_state=seed).fit(TREES).table_[:5]
        for seed in (0, 1, np.random.RandomState(0), None, None)
    ]
    assert_array_equal(tables[0], tables[2])
    assert not np.array_equal(tables[0], tables[1])
    assert not np.array_equal(tables[3], tables[4])


@of_any_token
def test_a_token_that_fit_has_not_seen_has_its_vector_too(vectors):
    vectorizer = LeafVectorizer(vectors, random_state=0).fit(TREES)
    forest = vectorizer.transform([("new", ("sat", "new"))])
    assert_array_equal(forest.leaf_table[: len(vectorizer.table_)], vectorizer.table_)
    seen = LeafVectorizer(vectors, random_state=0).fit([("new", "a")])
    expected = seen.table_[seen.vocabulary_["new"]]
    assert_array_equal(forest.leaf_vectors()[[0, 2]], [expected, expected])
    assert len(forest.leaf_table) == len(vectorizer.table_) + 1
    assert "new" not in vectorizer.vocabulary_


# Unknown tokens


def test_unknown_tokens_are_zeros():
    forest = LeafVectorizer().fit(TREES).transform([("sat", "new")])
    assert_array_equal(forest.leaf_vectors()[1], np.zeros(5))


@pytest.mark.parametrize("vectors", ["one_hot", MAPPING], ids=["one_hot", "dict"])
def test_unknown_tokens_have_the_mean_of_the_known_ones(vectors):
    vectorizer = LeafVectorizer(vectors, handle_unknown="mean").fit(TREES)
    forest = vectorizer.transform([("sat", "new")])
    mean = vectorizer.table_[:5].mean(axis=0)
    assert_allclose(forest.leaf_vectors()[1], mean, rtol=1e-6)


@every_vectors
def test_unknown_tokens_share_one_row_to_be_learned(vectors):
    vectorizer = LeafVectorizer(vectors, handle_unknown="learn", random_state=0)
    forest = vectorizer.fit(TREES).transform([("new", ("sat", 17))])
    row = vectorizer.unknown_row_
    assert row == 5
    assert forest.leaf_row[forest.leaves].tolist() == [row, 2, row]
    known = np.delete(vectorizer.table_, row, axis=0)
    assert not (known == vectorizer.table_[row]).all(axis=1).any()


def test_the_row_to_be_learned_has_a_column_of_its_own_with_one_hot():
    vectorizer = LeafVectorizer(handle_unknown="learn", n_features=2).fit(TREES)
    assert_array_equal(vectorizer.table_, np.eye(3))
    names = vectorizer.get_feature_names_out().tolist()
    assert names == ["the", "cat", "<unknown>"]


@pytest.mark.parametrize("vectors", list(LEAF_VECTORS))
@pytest.mark.parametrize("handle_unknown", UNKNOWN)
def test_tokens_that_are_too_rare_are_unknown(vectors, handle_unknown):
    vectorizer = LeafVectorizer(
        vectors, min_count=2, handle_unknown=handle_unknown, random_state=0
    )
    forest = vectorizer.fit_transform(TREES)
    assert list(vectorizer.vocabulary_) == ["the", "cat", "sat"]
    rows = forest[1].leaf_row[forest[1].leaves]
    assert rows.tolist() == [0, 3, 2, 3]
    new = vectorizer.transform([("new",)])
    assert new.leaf_row.tolist() == [-1, 3]


@every_given
def test_given_vectors_are_there_for_rare_tokens_and_for_new_ones(vectors):
    vectorizer = LeafVectorizer(
        vectors, min_count=9, handle_unknown="learn", dtype="float64"
    )
    vectorizer.fit([("the", "cat")])
    forest = vectorizer.transform([("down", ("the", "new"))])
    expected = [MAPPING["down"], MAPPING["the"], MATRIX[:2].mean(axis=0)]
    assert_array_equal(forest.leaf_vectors(), expected)
    assert_array_equal(forest.leaf_table[:3], vectorizer.table_)


def test_only_the_unknown_may_be_left():
    vectorizer = LeafVectorizer(handle_unknown="learn", min_count=9)
    forest = vectorizer.fit_transform(TREES)
    assert vectorizer.vocabulary_ == {}
    assert_array_equal(forest.leaf_vectors(), np.ones((9, 1)))
    assert vectorizer.inverse_transform(forest)[0] == ((None, None), None)


# Tokens


def test_lower_case_makes_one_token_of_several():
    X = [("The", ("the", "THE", 1))]
    vectorizer = LeafVectorizer(lowercase=True).fit(X)
    assert vectorizer.vocabulary_ == {"the": 0, 1: 1}
    assert vectorizer.token_counts_.tolist() == [3, 1]
    forest = vectorizer.transform([("tHE", 1)])
    assert forest.leaf_row.tolist() == [-1, 0, 1]


@every_vectors
def test_tokens_may_be_anything_that_is_hashable(vectors):
    tree = ("the", (1, 2.5), (None, ..., b"x", int, ("cat",)))
    forest = LeafVectorizer(vectors, random_state=0).fit_transform([tree])
    assert forest.n_leaves.tolist() == [8]


def test_equal_tokens_are_one():
    vectorizer = LeafVectorizer().fit([(1, 1.0, True, "1")])
    assert vectorizer.vocabulary_ == {1: 0, "1": 1}


def test_all_nan_are_one_token():
    vectorizer = LeafVectorizer().fit([(float("nan"), (np.nan, np.float64("nan")))])
    assert vectorizer.vocabulary_ == {"nan": 0}
    other = json.loads("[NaN, 1]")
    assert vectorizer.transform([other]).leaf_row.tolist() == [-1, 0, 1]


# Trees of any kind


def test_trees_of_other_libraries_are_read():
    module, root = ast.parse("x = 1"), ElementTree.fromstring("<a>b<c/></a>")
    objects = [module, root, {"k": [1, 2]}, "(S (NP a b) c)", [["a"], "b"], ("x", "y")]
    nested = [read_tree(obj) for obj in objects]
    expected = LeafVectorizer().fit_transform(nested)
    assert LeafVectorizer().fit_transform(objects) == expected


@pytest.mark.parametrize(
    "container",
    [
        list,
        tuple,
        lambda trees: np.fromiter(trees, object, len(trees)),
        lambda trees: pd.Series(trees, index=range(5, 5 + len(trees))),
    ],
)
def test_trees_come_in_any_container(container):
    X = TREES[:3]
    expected = LeafVectorizer().fit_transform(X)
    assert LeafVectorizer().fit_transform(container(X)) == expected


def test_a_very_deep_tree_goes_there_and_back():
    depth = 100_000
    deep = "a"
    for _ in range(depth):
        deep = (deep, "b")
    vectorizer = LeafVectorizer()
    forest = vectorizer.fit_transform([deep])
    assert forest.heights.tolist() == [depth]
    back = vectorizer.inverse_transform(forest)[0]
    for _ in range(depth):
        back, right = back
        assert right == "b"
    assert back == "a"


def test_a_very_deep_node_of_another_library_is_read():
    node = {"k": 1}
    for _ in range(50_000):
        node = {"k": node}
    assert LeafVectorizer().fit_transform([node]).heights.max() > 50_000


def test_a_leaf_table_does_not_grow_with_the_leaves():
    forest = LeafVectorizer("random").fit_transform([chain(5000, "a"), chain(9, "b")])
    assert forest.leaf_table.shape == (3, 100)


# Back


@every_vectors
@every_unknown
def test_tokens_come_back(vectors, handle_unknown):
    vectorizer = LeafVectorizer(vectors, handle_unknown=handle_unknown, random_state=0)
    forest = vectorizer.fit_transform(TREES)
    assert vectorizer.inverse_transform(forest) == TREES
    assert vectorizer.inverse_transform(forest.to_nested()) == TREES


@given(st.lists(trees(st.one_of(st.text(max_size=2), st.integers())), min_size=1))
def test_any_trees_of_tokens_come_back(X):
    vectorizer = LeafVectorizer("random", random_state=0)
    if all(isinstance(tree, str) for tree in X):
        X = [(tree,) for tree in X]
    forest = vectorizer.fit_transform([(tree,) for tree in X])
    assert vectorizer.inverse_transform(forest) == [(tree,) for tree in X]


def test_a_vector_gives_the_nearest_token(rng, monkeypatch):
    vectorizer = LeafVectorizer(MAPPING, dtype="float64").fit(TREES)
    monkeypatch.setattr("sk_autoenc.trees.token_table.BLOCK", 13)
    vectors = rng.normal(size=(50, 3))
    [tree] = vectorizer.inverse_transform([tuple(vectors)])
    assert list(tree) == nearest_tokens(vectors, MAPPING)


def test_nearest_is_told_far_from_the_origin(rng):
    far = {token: vector + 1e7 for token, vector in MAPPING.items()}
    vectorizer = LeafVectorizer(far, dtype="float64").fit(TREES)
    vectors = rng.normal(size=(20, 3)) + 1e7
    [tree] = vectorizer.inverse_transform([tuple(vectors)])
    assert list(tree) == nearest_tokens(vectors, far)


@pytest.mark.parametrize("handle_unknown", UNKNOWN)
def test_exactly_the_vector_of_unknown_tokens_gives_none(handle_unknown):
    vectorizer = LeafVectorizer(handle_unknown=handle_unknown).fit(TREES)
    forest = vectorizer.transform([("sat", ("new", "cat"))])
    assert vectorizer.inverse_transform(forest) == [("sat", (None, "cat"))]


def test_a_known_token_whose_vector_is_that_of_unknown_ones_comes_back():
    vectors = {"pad": [0.0, 0.0], "cat": [1.0, 0.0]}
    vectorizer = LeafVectorizer(vectors).fit([("pad", "cat")])
    forest = vectorizer.transform([("cat", ("pad", "pad"))])
    assert vectorizer.inverse_transform(forest) == [("cat", ("pad", "pad"))]


# Names


def test_names_of_features_are_tokens_columns_or_numbers():
    frame = pd.DataFrame(MATRIX, index=TOKENS, columns=["x", "y", "z"])
    for vectors, names in [
        ("one_hot", TOKENS),
        (frame, ["x", "y", "z"]),
        (MAPPING, ["leafvectorizer0", "leafvectorizer1", "leafvectorizer2"]),
    ]:
        found = LeafVectorizer(vectors).fit(TREES).get_feature_names_out()
        assert found.tolist() == names
        assert found.dtype == object
