"""Neighbours are the nearest of all kept subtrees, but for what is excluded."""

import ast
import pickle

import joblib
import numpy as np
import pandas as pd
import pytest
from labelled_trees import TREES, every_container
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.utils.estimator_checks import estimator_checks_generator
from strategies import chain
from structure_oracles import nodes_of, overlap, size

from sk_autoenc import (
    Forest,
    NodeNeighbors,
    RAETransformer,
    SubtreeCounts,
    UnfoldingRAETransformer,
    node_labels,
)

A, B, C = np.eye(3)
FEW = TREES[:15]
MODEL = UnfoldingRAETransformer(max_iter=2, init="glorot", random_state=0)


def make(transformer=MODEL, **settings):
    return NodeNeighbors(transformer, **settings)


def by_hand(finder, queries, codes, excluded, n_neighbors):
    """Distances of the nearest, one at a time: queries are (tree, path)."""
    kept = [
        (number, path)
        for number, tree in enumerate(FEW)
        for part, path in nodes_of(tree)
        if size(part) >= finder.min_size
        and (finder.max_size is None or size(part) <= finder.max_size)
    ]
    names = [(i, path) for i, tree in enumerate(FEW) for _, path in nodes_of(tree)]
    code_of = dict(zip(names, finder.transformer_.transform_nodes(FEW)[0], strict=True))
    rows = []
    for query, code in zip(queries, codes, strict=True):
        distances = sorted(
            np.linalg.norm(code - code_of[one])
            for one in kept
            if not excluded(query, one)
        )
        rows.append([*distances, *[np.inf] * n_neighbors][:n_neighbors])
    return np.array(rows)


def names_of(neighbors):
    """(tree, path) of each, path as a tuple of ranks."""
    return [
        (int(one["tree"]), tuple(int(n) for n in one["path"][1:-1].split("][") if n))
        for one in neighbors.ravel()
    ]


# Which are found


@pytest.mark.parametrize("sizes", [(2, None), (1, None), (3, 6)])
@pytest.mark.parametrize("exclude_overlapping", [False, True])
def test_neighbours_are_the_nearest_of_all_others(exclude_overlapping, sizes):
    finder = make(
        n_neighbors=4,
        min_size=sizes[0],
        max_size=sizes[1],
        exclude_overlapping=exclude_overlapping,
    ).fit(FEW)
    distances, neighbors = finder.kneighbors()
    forest = finder.trees_
    codes = finder.transformer_.transform_nodes(forest)[0][finder.nodes_]
    names = [(i, path) for i, tree in enumerate(FEW) for _, path in nodes_of(tree)]
    queries = [names[node] for node in finder.nodes_]
    excluded = overlap if exclude_overlapping else (lambda one, other: one == other)
    expected = by_hand(finder, queries, codes, excluded, 4)
    assert_allclose(distances, expected, atol=1e-7)
    found = names_of(neighbors)
    for number, query in enumerate(queries):
        assert not any(excluded(query, one) for one in found[4 * number :][:4])


def test_distances_are_those_of_the_neighbours_that_are_named():
    finder = make(n_neighbors=3).fit(TREES)
    distances, neighbors = finder.kneighbors()
    codes, index = finder.transformer_.transform_nodes(TREES)
    code_of = {
        (tree, position): code
        for tree, position, code in zip(
            index["tree"], index["position"], codes, strict=True
        )
    }
    for row, near in zip(finder.nodes_, neighbors, strict=True):
        here = [code_of[one["tree"], one["position"]] for one in near]
        expected = np.linalg.norm(np.array(here) - codes[row], axis=1)
        number = np.flatnonzero(finder.nodes_ == row)[0]
        assert_allclose(distances[number], expected, atol=1e-7)
    assert (np.diff(distances) >= 0).all()


def test_whole_trees_find_themselves_among_the_training_trees():
    finder = make(n_neighbors=2).fit(TREES)
    distances, neighbors = finder.kneighbors(TREES)
    assert_allclose(distances[:, 0], 0, atol=1e-7)
    assert_array_equal(neighbors["tree"][:, 0], np.arange(len(TREES)))
    assert (neighbors["path"][:, 0] == "").all()


def test_parts_of_other_trees_find_their_likes():
    finder = make(n_neighbors=1).fit([((A, B), C), (C, (B, B), A)])
    others = [(A, (C, (B, B))), ((A, B),)]
    distances, neighbors = finder.kneighbors(others, nodes=[(0, 4), (1, 1)])
    assert_allclose(distances.ravel(), 0, atol=1e-7)
    assert neighbors["tree"].ravel().tolist() == [1, 0]
    assert neighbors["path"].ravel().tolist() == ["[1]", "[0]"]
    assert neighbors["position"].ravel().tolist() == [2, 1]
    assert neighbors["size"].ravel().tolist() == [3, 3]


def test_a_node_of_the_training_trees_is_not_its_own_neighbour():
    finder = make(n_neighbors=2).fit([((A, B), C), ((A, B), A)])
    _, neighbors = finder.kneighbors(nodes=[(0, 1)])
    assert (0, 1) not in neighbors[["tree", "position"]].ravel().tolist()
    assert neighbors[["tree", "position"]][0, 0].item() == (1, 1)


def test_a_node_that_is_not_kept_may_be_asked_for():
    finder = make(n_neighbors=1, min_size=4).fit([((A, B), C), ((A, B), A)])
    assert finder.nodes_.tolist() == [0, 5]
    distances, _ = finder.kneighbors(nodes=[(0, 1), (0, 4)])
    assert np.isfinite(distances).all()


def test_what_was_found_may_be_asked_for_again():
    finder = make(n_neighbors=1).fit(TREES)
    _, neighbors = finder.kneighbors(nodes=[(0, 0), (3, 0)])
    assert finder.kneighbors(nodes=neighbors)[0].shape == (2, 1)
    assert finder.kneighbors(nodes=neighbors[:, 0], n_neighbors=3)[0].shape == (2, 3)


def test_too_few_neighbours_are_filled_up_with_infinity():
    finder = make(n_neighbors=2, exclude_overlapping=True).fit([((A, B), C)])
    distances, neighbors = finder.kneighbors(n_neighbors=1)
    assert np.isinf(distances).all()
    assert (neighbors["tree"] == -1).all()
    assert (neighbors["position"] == -1).all()
    assert (neighbors["path"] == "").all()


def test_neighbours_do_not_depend_on_how_the_work_is_cut(monkeypatch):
    settings = {"n_neighbors": 3, "exclude_overlapping": True}
    expected = make(**settings).fit(TREES).kneighbors()
    monkeypatch.setattr("sk_autoenc.node_neighbors.FOUND", 10)
    monkeypatch.setattr("sk_autoenc.node_neighbors.ENCODED_NODES", 10)
    distances, neighbors = make(**settings).fit(TREES).kneighbors()
    assert_allclose(distances, expected[0], atol=1e-7)
    assert_array_equal(neighbors["position"], expected[1]["position"])


def test_the_metric_is_that_of_scikit_learn():
    finder = make(n_neighbors=1, metric="cosine").fit(TREES)
    distances, neighbors = finder.kneighbors()
    codes = finder.transformer_.transform_nodes(TREES)[0]
    start = finder.trees_.tree_start[neighbors["tree"][0, 0]]
    one, other = codes[finder.nodes_[0]], codes[start + neighbors["position"][0, 0]]
    cosine = one @ other / np.linalg.norm(one) / np.linalg.norm(other)
    assert distances[0, 0] == pytest.approx(1 - cosine, abs=1e-12)


def test_subtrees_are_trees_of_their_own():
    finder = make(n_neighbors=1).fit([((A, B), C), (C, (A, B))])
    _, neighbors = finder.kneighbors(nodes=[(0, 1)])
    assert finder.subtrees(neighbors) == Forest.from_nested([(A, B)])
    with pytest.raises(ValueError, match=r"nodes\[0\] is tree -1"):
        finder.subtrees([(-1, -1)])


def test_clones_of_code_are_found():
    code = """
def total(numbers):
    result = 0
    for number in numbers:
        result += number
    return result

def nothing():
    pass

def count_up(values):
    n = 0
    for value in values:
        n += value
    return n

class Box:
    def get(self):
        return self.content
"""
    module = ast.parse(code)
    kinds = sorted(set(filter(None, node_labels(module))))
    unit = dict(zip(kinds, np.eye(len(kinds)), strict=True))

    def nested(node):
        children = [nested(child) for child in ast.iter_child_nodes(node)]
        kind = unit[type(node).__name__]
        return (kind, *children) if children else kind

    functions = [node for node in ast.walk(module) if isinstance(node, ast.FunctionDef)]
    unit |= {name: np.ones(len(kinds)) for name in ("Load", "Store")}
    finder = make(n_neighbors=1, min_size=10).fit([nested(node) for node in functions])
    _, neighbors = finder.kneighbors(nodes=[(0, 0)])
    names = [function.name for function in functions]
    assert names[neighbors[0, 0]["tree"]] == "count_up"
    assert neighbors[0, 0]["path"] == ""


# The transformer


def test_the_transformer_that_is_given_is_cloned():
    model = clone(MODEL)
    finder = make(model).fit(TREES)
    assert not hasattr(model, "n_iter_")
    expected = clone(MODEL).fit(TREES)
    assert_array_equal(finder.transformer_.encoder_left_, expected.encoder_left_)


def test_a_frozen_transformer_is_taken_as_it_is():
    fitted = RAETransformer(max_iter=2, random_state=0).fit(TREES[:5])
    finder = make(FrozenEstimator(fitted)).fit(TREES)
    expected = fitted.transform_nodes(TREES)[0][finder.nodes_]
    assert_allclose(finder.neighbors_._fit_X, expected)


def test_without_a_transformer_it_is_an_unfolding_one():
    finder = NodeNeighbors().fit(TREES[:3])
    assert isinstance(finder.transformer_, UnfoldingRAETransformer)
    assert finder.transformer is None


# In scikit-learn


@pytest.mark.filterwarnings("ignore:Got `batch_size`")
@pytest.mark.parametrize(
    ("estimator", "check"),
    [
        pytest.param(estimator, check, id=check.func.__name__)
        for estimator, check in estimator_checks_generator(make(n_neighbors=1))
    ],
)
def test_scikit_learns_checks_pass(estimator, check):
    check(estimator)


@every_container
def test_every_container_has_the_neighbours_of_the_list(container):
    expected = make().fit(TREES).kneighbors(TREES)
    distances, neighbors = make().fit(container(TREES)).kneighbors(container(TREES))
    assert_array_equal(distances, expected[0])
    assert_array_equal(neighbors, expected[1])


def test_rows_with_names_are_trees_of_one_leaf():
    frame = pd.DataFrame(
        np.random.default_rng(0).normal(size=(9, 2)), columns=["a", "b"]
    )
    finder = make(n_neighbors=1).fit(frame)
    assert finder.feature_names_in_.tolist() == ["a", "b"]
    distances, neighbors = finder.kneighbors(frame)
    assert_allclose(distances, 0, atol=1e-7)
    assert_array_equal(neighbors["tree"].ravel(), np.arange(9))


def test_clones_pickles_and_searches_on_two_threads_find_the_same(tmp_path):
    finder = make().fit(TREES)
    expected = finder.kneighbors()
    joblib.dump(finder, tmp_path / "finder.joblib")
    for other in (
        pickle.loads(pickle.dumps(finder)),
        joblib.load(tmp_path / "finder.joblib"),
        clone(finder).set_params(n_jobs=2).fit(TREES),
    ):
        distances, neighbors = other.kneighbors()
        assert_allclose(distances, expected[0], atol=1e-7)
        assert_array_equal(neighbors, expected[1])


def test_n_neighbors_changed_after_fit_holds_at_once():
    finder = make().fit(TREES).set_params(n_neighbors=7)
    assert finder.kneighbors(TREES)[0].shape == (len(TREES), 7)


# Refused


def test_before_fit_it_is_not_fitted():
    with pytest.raises(NotFittedError):
        make().kneighbors(TREES)
    with pytest.raises(NotFittedError):
        make().subtrees([(0, 0)])


WRONG = {
    "n_neighbors": (0, 1.5, "5", None),
    "min_size": (0, 2.5, None),
    "max_size": (0, "3"),
    "exclude_overlapping": ("yes", None),
}


@pytest.mark.parametrize(
    ("name", "value"), [(name, v) for name, values in WRONG.items() for v in values]
)
def test_a_wrong_setting_is_refused_by_name(name, value):
    finder = make(**{name: value})
    with pytest.raises(ValueError, match=f"'{name}' parameter of NodeNeighbors"):
        finder.fit(TREES)
    assert not hasattr(finder, "nodes_")


@pytest.mark.parametrize(("name", "value"), [("metric", "near"), ("n_jobs", "all")])
def test_what_nearest_neighbors_refuses_leaves_nothing_half_fitted(name, value):
    finder = make(**{name: value})
    with pytest.raises((ValueError, TypeError), match=f"{name}|{value}"):
        finder.fit(TREES)
    assert not hasattr(finder, "nodes_")


@pytest.mark.parametrize(
    ("transformer", "remedy"),
    [
        (UnfoldingRAETransformer, "not the class"),
        (SubtreeCounts(), "no transform_nodes"),
        ("unfolding", "no fit"),
    ],
)
def test_what_does_not_encode_nodes_is_refused(transformer, remedy):
    with pytest.raises(ValueError, match=f"transformer must be None.*{remedy}"):
        make(transformer).fit(TREES)


def test_sizes_that_nothing_has_are_refused():
    with pytest.raises(ValueError, match="max_size=3 is less than min_size=4"):
        make(min_size=4, max_size=3).fit(TREES)
    with pytest.raises(ValueError, match=r"no subtree of X .* sizes are from 1 to 3"):
        make(min_size=4).fit([(A, B), (B, C)])


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        ([(0, 99)], r"nodes\[0\] is tree 0, position 99, which is not there"),
        ([(0, 0), (99, 0)], r"nodes\[1\] is tree 99"),
        ([(-1, 0)], r"nodes\[0\] is tree -1"),
        ([0, 1], "pairs of whole numbers"),
        ([(0, 1.5)], "pairs of whole numbers"),
        ([(0, 1, 2)], "pairs of whole numbers"),
        ([(0, 1), (2,)], "pairs of whole numbers"),
        ("all", "pairs of whole numbers"),
        ([], "pairs of whole numbers"),
    ],
)
def test_nodes_that_are_not_there_are_refused(nodes, message):
    finder = make().fit(TREES)
    with pytest.raises(ValueError, match=message):
        finder.kneighbors(nodes=nodes)
    with pytest.raises(ValueError, match=message):
        finder.kneighbors(TREES, nodes=nodes)


@pytest.mark.parametrize("n_neighbors", [0, 4, 1.5, True, "2"])
def test_more_neighbours_than_there_are_are_refused(n_neighbors):
    finder = make().fit([((A, B), C), (A, (B, C))])
    with pytest.raises(ValueError, match="n_neighbors must be a whole number from 1"):
        finder.kneighbors(n_neighbors=n_neighbors)


def test_other_trees_than_fitted_are_refused():
    finder = make(n_neighbors=1).fit(TREES)
    with pytest.raises(ValueError, match="X has 3 features, but NodeNeighbors is"):
        finder.kneighbors([(A, B)])
    with pytest.raises(ValueError, match=r"tree 0, at \[1\]: an empty tuple"):
        make().fit([(A, ())])


# Depth


def test_deep_trees_need_no_recursion():
    deep = [chain(100_000, A), (A, B), A]
    fitted = UnfoldingRAETransformer(max_iter=1, random_state=0).fit([(A, B)])
    finder = make(FrozenEstimator(fitted), min_size=99_990, max_size=100_010)
    finder.set_params(n_neighbors=2).fit(deep)
    _, neighbors = finder.kneighbors()
    assert neighbors["path"][0, 0].endswith("more)...[0]")
    assert finder.subtrees(neighbors[0]).n_trees == 2
