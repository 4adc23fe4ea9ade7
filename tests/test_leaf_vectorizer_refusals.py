"""What LeafVectorizer refuses, and that the message says where and what to do."""

import ast
import re
import sys
from collections import UserList
from types import SimpleNamespace

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse
from sklearn.exceptions import NotFittedError

from sk_autoenc import Forest, LeafVectorizer
from sk_autoenc.parts.leaf_vectors import LEAF_VECTORS

TREES = [(("the", "cat"), "sat"), ("the", "cat")]
METHODS = ["fit", "fit_transform", "transform"]


class Node:
    """Of one's own: hashable, and with children."""

    def __init__(self, *children):
        self.children = children


def call(method, X, **settings):
    vectorizer = LeafVectorizer(**settings)
    if method == "transform":
        vectorizer.fit(TREES)
    return getattr(vectorizer, method)(X)


# Parameters


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("n_features", 0),
        ("n_features", 2.5),
        ("n_features", "all"),
        ("handle_unknown", "ignore"),
        ("handle_unknown", None),
        ("lowercase", "yes"),
        ("min_count", 0),
        ("min_count", 0.5),
        ("random_state", "x"),
    ],
)
def test_a_parameter_out_of_range_is_refused_by_its_name(parameter, value):
    with pytest.raises(ValueError, match=f"'{parameter}' parameter of LeafVectorizer"):
        LeafVectorizer(**{parameter: value}).fit(TREES)


@pytest.mark.parametrize("value", ["int64", np.float16])
def test_a_dtype_is_one_of_two(value):
    with pytest.raises(ValueError, match=r"float32 or float64, not "):
        LeafVectorizer(dtype=value).fit(TREES)


@pytest.mark.parametrize("vectors", ["onehot", "number", "", "the"])
def test_an_unknown_name_is_refused_with_a_list_of_the_known_ones(vectors):
    with pytest.raises(ValueError, match=rf"^vectors is one of .*got {vectors!r}") as e:
        LeafVectorizer(vectors).fit(TREES)
    assert all(repr(name) in str(e.value) for name in LEAF_VECTORS)


@pytest.mark.parametrize(
    ("vectors", "message"),
    [
        (None, "of type 'NoneType'; expected a mapping"),
        (3, "of type 'int'; expected a mapping"),
        (("one_hot", "random"), "of type 'tuple'; expected a mapping"),
        ({"the", "cat"}, "of type 'set'; expected a mapping"),
        (scipy.sparse.csr_array(np.eye(3)), "of type 'csr_array'; expected a mapping"),
        (pl.DataFrame({"x": [1.0]}), "of type 'DataFrame'; expected a mapping"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_gives_no_vectors_is_refused(vectors, message):
    with pytest.raises(TypeError, match=f"^vectors is {message}"):
        LeafVectorizer(vectors).fit(TREES)


@pytest.mark.parametrize(
    ("vectors", "message"),
    [
        ({}, "vectors is an empty dict; expected token -> vector, or"),
        ([1.0, 2.0], r"an array of shape \(2,\) .* expected numbers of shape"),
        (np.zeros((2, 0)), r"an array of shape \(2, 0\)"),
        (np.array([["a", "b"]]), r"and dtype <U1; expected numbers"),
        (pd.DataFrame(np.eye(2), index=["a", "a"]), r"several rows for 'a'; keep one"),
        ({"op": "one_hot", "rows": "numbers"}, r"vectors\['rows'\] is one of .*'log_n"),
        ({"op": "one_hot", "rows": 3}, r"vectors\['rows'\] is of type 'int'"),
    ],
)
def test_wrong_vectors_are_refused(vectors, message):
    with pytest.raises((TypeError, ValueError), match=message):
        LeafVectorizer(vectors).fit(TREES)


@pytest.mark.parametrize(
    "vectors", [{"the": [1.0]}, np.eye(2), {"a": "number"}, {"a": {"b": [1.0]}}]
)
def test_a_length_is_not_for_vectors_that_have_one(vectors):
    with pytest.raises(ValueError, match=r"^n_features=5 is for vectors that are made"):
        LeafVectorizer(vectors, n_features=5).fit(TREES)


# Vectors


@pytest.mark.parametrize(
    ("cat", "message"),
    [
        ([1.0], "leaf has length 1, expected 2"),
        ([np.nan, 1.0], "leaf contains NaN"),
        ([np.inf, 1.0], "leaf contains infinity"),
        ([1e300, 1.0], "leaf contains a value too large for float32"),
        (["x", "y"], "leaf holds something other than numbers: str"),
        (np.eye(2), "leaf has 2 dimensions, expected 1"),
        ([], "leaf is an empty vector"),
        ("vector", r"leaf is of type str, .* \(a tuple is an inner node\)$"),
        ([1j, 2.0], "leaf is complex"),
    ],
    ids=lambda value: str(value)[:10],
)
@pytest.mark.parametrize("later", [False, True])
def test_a_wrong_vector_is_refused_with_its_token_and_place(cat, message, later):
    vectors = {"the": [1.0, 2.0], "sat": np.ones(2), "cat": cat}
    vectorizer = LeafVectorizer(vectors)
    method = vectorizer.fit
    if later:
        method = vectorizer.fit([("the", "sat")]).transform
    where = r"the vector of 'cat' \(tree 1, at \[0\]\[1\]\)"
    if later and "length" in message:
        where, message = r"tree 1, at \[0\]\[1\]", "vector has length 1, expected 2"
    with pytest.raises(ValueError, match=f"^{where}: .*{message}"):
        method([("sat", "sat"), (("the", "cat"), "the")])


def test_a_function_that_raises_says_of_which_token():
    def fails(token):
        raise KeyError(token)

    with pytest.raises(KeyError) as caught:
        LeafVectorizer(fails).fit(TREES)
    assert caught.value.__notes__ == ["vectors('the'), tree 0, at [0][0]"]


@pytest.mark.parametrize("leaf", ["the", True, 1.0, None])
def test_an_array_is_for_integers_only(leaf):
    with pytest.raises(ValueError, match=rf"^tree 0, at \[1\]: leaf is {leaf!r}, but"):
        LeafVectorizer(np.eye(3)).fit([(2, leaf)])


def test_a_mapping_that_knows_no_token_is_refused():
    with pytest.raises(ValueError, match=r"none of the 3 tokens .*'the'.* case"):
        LeafVectorizer({"The": [1.0]}).fit(TREES)
    with pytest.raises(ValueError, match=r"none of the 2 tokens"):
        LeafVectorizer(np.eye(3)).fit([(-1, 3)])


def test_a_count_that_no_token_reaches_is_refused():
    with pytest.raises(ValueError, match=r"^min_count=3, .* 'the', 2 times"):
        LeafVectorizer(min_count=3).fit(TREES)


@pytest.mark.parametrize("vectors", ["hashing", "random"])
def test_a_token_without_a_stable_spelling_is_refused_with_its_place(vectors):
    with pytest.raises(ValueError, match=r"^tree 0, at \[1\]: leaf is a token of type"):
        LeafVectorizer(vectors).fit([("a", frozenset("b"))])


# Unknown tokens


@pytest.mark.parametrize("method", METHODS)
def test_an_unknown_token_is_an_error_with_its_place(method):
    vectors = {"the": [1.0], "cat": [2.0], "sat": [2.0]}
    X = [("the", "sat"), ("the", ("cat", "new"))]
    with pytest.raises(ValueError, match=r"^tree 1, at \[1\]\[1\]: the token 'new' is"):
        call(method, X, vectors=vectors, handle_unknown="error")


@pytest.mark.parametrize("settings", [{"n_features": 1}, {"min_count": 2}])
def test_tokens_of_training_that_are_left_out_are_unknown_too(settings):
    with pytest.raises(
        ValueError, match=r"^tree 0, at \[1\]: the token 'b' is unknown"
    ):
        LeafVectorizer(handle_unknown="error", **settings).fit([("a", "b", "a")])


# Trees


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("X", "message"),
    [
        ("the cat", r"X is one tree, a 'str'; .*\[tree\] for one alone"),
        (("the", ("cat", "sat")), r"X is one tree, a 'tuple'; "),
        (ast.parse("x"), "X is one tree, a 'Module'; "),
        ({"a": "b"}, "X is one tree, a 'dict'; "),
        (Forest.from_rows(np.eye(2)), "X is a Forest, .* leave LeafVectorizer out"),
        (pd.DataFrame({"tree": TREES}), r"a data frame; .* X\['tree'\]"),
        (3, r"of type 'int'; expected a list of trees .* of them\)$"),
        ({"a", "b"}, r"of type 'set'; expected a list of trees .* of them\)$"),
        (None, "of type 'NoneType'; expected a list"),
        (iter(TREES), r"of type 'list_iterator'; expected .*; write list\(X\)$"),
        (UserList(TREES), r"of type 'UserList'; expected .*; write list\(X\)$"),
        (Node(Node()), "of type 'Node'; expected a list"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_no_list_of_trees_is_refused(method, X, message):
    with pytest.raises(TypeError, match=message):
        call(method, X)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("X", "message"),
    [
        ([], "X has no trees; at least one is needed"),
        (np.eye(3), "X has 2 dimensions, expected a sequence of trees"),
        ([("a", ["b"])], r"tree 0, at \[1\]: leaf is a 'list'; .*write \(a, b\)"),
        ([("a", [1.0])], r"tree 0, at \[1\]: leaf is a vector \(a 'list'\)"),
        ([(np.ones(2),)], r"tree 0, at \[0\]: leaf is a vector \(a 'ndarray'\)"),
        ([("a", ())], r"tree 0, at \[1\]: leaf is an empty tuple"),
        ([()], r"tree 0, at the root: leaf is an empty tuple"),
        ([("a", {})], r"tree 0, at \[1\]: leaf is a dict; .*'rows': 'number'"),
        ([("a", {1})], r"tree 0, at \[1\]: leaf is of type 'set'; a token is hashable"),
        ([("a", ast.Name("x"))], r"at \[1\]: leaf is a 'Name', a tree .*read_tree"),
        (
            [("a", Node())],
            r"at \[1\]: leaf is a 'Node', which has children; .*tree_from",
        ),
        ([Node(Node())], r"tree 0, at the root: leaf is a 'Node', which has children"),
        ([SimpleNamespace(children=[])], r"'SimpleNamespace', which has children"),
        ([("a", "b"), "(S (NP"], r"tree 1: line 1, column 7: expected"),
        ([("a", "b"), np.eye(4)], r"tree 1: no linkage matrix"),
    ],
    ids=lambda value: str(value)[:12],
)
def test_a_wrong_tree_is_refused_with_its_place(method, X, message):
    with pytest.raises(ValueError, match=message):
        call(method, X)


def test_texts_are_no_trees_to_learn_from():
    with pytest.raises(ValueError, match=r"X is 2 strings, such as 'the cat sat'"):
        LeafVectorizer().fit(["the cat sat", "it ran"])
    forest = LeafVectorizer().fit(TREES).transform(["cat"])
    assert forest.n_nodes.tolist() == [1]


def test_shared_tuples_that_unfold_beyond_memory_are_refused():
    tree = ("a", "b")
    for _ in range(60):
        tree = (tree, tree)
    with pytest.raises(ValueError, match=r"tree 0, at the root: unfolds to \d+ nodes"):
        LeafVectorizer().fit([tree])


# Back


@pytest.mark.parametrize(
    ("X", "message"),
    [
        ([([1.0, 2.0],)], "have length 2, but those of this LeafVectorizer 3"),
        (
            [(("a", "b"), "c")],
            r"at \[0\]\[0\]: leaf is of type str.* inner node\); inverse_transform "
            "takes what transform gives",
        ),
        ([([1.0, np.nan, 2.0],)], "leaf contains NaN"),
        ([], "X has no trees"),
        (np.eye(3), "X has 2 dimensions"),
    ],
    ids=["length", "tokens", "NaN", "empty", "array"],
)
def test_what_has_no_such_vectors_does_not_come_back(X, message):
    with pytest.raises(ValueError, match=message):
        LeafVectorizer().fit(TREES).inverse_transform(X)


@pytest.mark.parametrize(
    "method", ["transform", "inverse_transform", "get_feature_names_out"]
)
def test_nothing_comes_out_before_fit(method):
    arguments = [] if method == "get_feature_names_out" else [TREES]
    with pytest.raises(NotFittedError):
        getattr(LeafVectorizer(), method)(*arguments)


@pytest.mark.parametrize(
    ("settings", "X"),
    [({"min_count": 9}, TREES), ({}, [()]), ({"vectors": None}, TREES)],
)
def test_a_fit_that_fails_leaves_the_vectorizer_as_it_was(settings, X):
    vectorizer = LeafVectorizer().fit(TREES)
    before = vectorizer.transform(TREES)
    vectorizer.set_params(**settings)
    with pytest.raises((TypeError, ValueError)):
        vectorizer.fit(X)
    assert vectorizer.transform(TREES) == before
    assert vectorizer.table_ is before.leaf_table


def test_no_message_is_as_long_as_the_vectors():
    vectors = {str(i): [1.0, 2.0] for i in range(10_000)} | {"the": [1.0]}
    with pytest.raises(ValueError, match="length 1") as caught:
        LeafVectorizer(vectors | {"cat": [1.0, 2.0]}).fit([("cat", "the")])
    assert len(str(caught.value)) < 200


def test_recursion_is_not_limited_to_pythons(monkeypatch):
    monkeypatch.setattr(sys, "setrecursionlimit", None)
    deep = "a"
    for _ in range(5000):
        deep = (deep,)
    wrong = deep
    for _ in range(5000):
        wrong = (wrong, [1.0])
    with pytest.raises(ValueError, match=re.escape("...(4980 more)...")):
        LeafVectorizer().fit([wrong])
