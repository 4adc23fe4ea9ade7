"""Estimators take trees of other libraries, if their leaves are vectors."""

import ast

import numpy as np
import pandas as pd
import pytest
from nltk_like import Tree
from numpy.testing import assert_array_equal
from scipy.cluster.hierarchy import linkage, to_tree
from tree_models import ESTIMATORS, make

from sk_autoenc import Forest, ReconstructionOutlierDetector
from sk_autoenc.trees.vector_trees import are_foreign, as_nested

A, B, C = np.random.default_rng(1).uniform(-1, 1, (3, 3))
NESTED = [((A, B), C), (A, (B, B, C))]
MADE = {
    "nltk": [
        Tree("S", [Tree("NP", [A, B]), C]),
        Tree("S", [A, Tree("NP", [B, B, C])]),
    ],
    "JSON": [
        {"left": {"x": A.tolist(), "y": B.tolist()}, "right": C.tolist()},
        {"a": A, "b": {"c": B.tolist(), "d": B, "e": C}},
    ],
    "JSON with lists": [
        {"left": [A.tolist(), B.tolist()], "right": C.tolist()},
        {"a": A.tolist(), "b": [B, B, C]},
    ],
    "beside tuples": [Tree("S", [Tree("NP", [A, B]), C]), NESTED[1]],
}
every_kind = pytest.mark.parametrize("X", MADE.values(), ids=MADE)
every_estimator = pytest.mark.parametrize("Estimator", ESTIMATORS)
CLUSTERS = to_tree(linkage(np.array([[0.0], [1.0], [5.0]])))


@every_kind
def test_what_stands_on_inner_nodes_is_left_out(X):
    assert are_foreign(X)
    assert Forest.from_nested(as_nested(X)) == Forest.from_nested(NESTED)


@every_kind
@every_estimator
def test_estimators_take_them_as_nested_tuples(X, Estimator):
    model, expected = make(Estimator).fit(X), make(Estimator).fit(NESTED)
    assert model.input_kind_ == "trees"
    codes = expected.transform(NESTED)
    assert_array_equal(model.transform(X), codes)
    assert_array_equal(model.partial_fit(X).t_, expected.partial_fit(NESTED).t_)
    assert_array_equal(model.reconstruction_error(X).shape, (7,))


@every_kind
def test_what_is_restored_is_nested_tuples(X):
    model = make().fit(X)
    for restored in (
        model.reconstruct(X),
        model.inverse_transform(model.transform(X), structures=X),
    ):
        assert isinstance(restored, list)
        assert restored[0][0][1].shape == (3,)


@every_kind
@pytest.mark.parametrize(
    "container",
    [tuple, lambda trees: np.fromiter(trees, object, len(trees)), pd.Series],
    ids=["tuple", "objects", "Series"],
)
def test_they_come_in_any_container(X, container):
    assert_array_equal(make().fit_transform(container(X)), make().fit_transform(NESTED))


def test_an_outlier_detector_takes_them():
    X = MADE["nltk"] * 3
    scores = ReconstructionOutlierDetector(make()).fit(X).score_samples(X)
    expected = ReconstructionOutlierDetector(make()).fit(NESTED * 3)
    assert_array_equal(scores, expected.score_samples(NESTED * 3))


def test_depth_does_not_matter():
    deep, node = A, A.tolist()
    for _ in range(20_000):
        deep, node = (deep, B), {"left": node, "right": B}
    assert Forest.from_nested(as_nested([node])) == Forest.from_nested([deep])


@pytest.mark.parametrize(
    "X",
    [
        [],
        NESTED,
        [A, B],
        [[1.0, 2.0], [3.0, 4.0]],
        [[[1.0, 2.0], [3.0, 4.0]]],
        np.eye(3),
        np.array([1, 2]),
        [1.0, 2.0],
        ["a", "b"],
        ["(a b)"],
        {"a": 1},
        None,
        3,
        "words",
        pd.DataFrame({"a": [1]}),
        pd.Series([1.0]),
        Forest.from_nested(NESTED),
        iter(MADE["nltk"]),
        [linkage(np.array([[0.0], [1.0], [5.0]]))],
    ],
    ids=lambda X: type(X).__name__,
)
def test_everything_else_stays_as_it_is(X):
    assert not are_foreign(X)
    assert as_nested(X) is X


@pytest.mark.parametrize(
    "X",
    [
        [ast.parse("x = 1")],
        [CLUSTERS],
        [Tree("S", ["the", Tree("VP", ["cat"])])],
        [{"op": "join"}],
        [{"op": 1.0}],
        [(("the", "cat"), "sat")],
        [(1, (2, 3))],
    ],
    ids=lambda X: type(X[0]).__name__,
)
@pytest.mark.parametrize("method", ["fit", "transform"])
def test_tokens_at_the_leaves_need_a_vectorizer(X, method):
    model = make().fit(NESTED)
    message = r"^tree 0, at .*: leaf is .* put a LeafVectorizer before$"
    with pytest.raises(ValueError, match=message):
        getattr(model, method)(X)


@pytest.mark.parametrize("X", [[("the", "cat")], ["the"], ["(the cat)"], [("a",), "b"]])
def test_flat_trees_of_words_need_a_vectorizer(X):
    with pytest.raises(ValueError, match=r"If X holds trees: .*LeafVectorizer makes"):
        make().fit(X)


@pytest.mark.parametrize(
    ("X", "message"),
    [
        ([Tree("S", [A]), Tree("S", [A, [1.0]])], r"tree 1, at \[1\]: .* length 1"),
        ([Tree("S", [A]), Tree("S", [A, {"a": B}])], r"tree 1, at \[1\]: leaf is of"),
        ([Tree("S", [A]), Tree("S", [A, {1}])], r"tree 1, at \[1\]: leaf gave a 'set'"),
        ([{"a": A}, {"a": np.eye(2)}], r"tree 1, at \[0\]: leaf has 2 dimensions"),
        ([{"a": A}, {}], r"tree 1, at the root: leaf is of type dict"),
        ([{"a": [A, []]}], r"tree 0, at \[0\]\[1\]: leaf gave an empty vector"),
        (
            [NESTED[0], Tree("S", [A])],
            r"tree 1, .*by read_tree or tree_from for a LeafVectorizer",
        ),
    ],
    ids=lambda value: str(value)[-12:],
)
def test_a_wrong_leaf_is_refused_with_its_place(X, message):
    with pytest.raises(ValueError, match=f"(?s){message}"):
        make().fit(X)


def test_a_tree_below_itself_is_refused():
    tree = Tree("S", [A])
    tree.append(tree)
    with pytest.raises(ValueError, match=r"tree 0, not a tree: the 'Tree' at \[1\]"):
        make().fit([tree])
