"""Leaves that are records: tokens and numbers by their keys."""

import math

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sk_autoenc import LeafVectorizer, tree_from
from sk_autoenc.parts.leaf_vectors import LEAF_VECTORS

A = {"op": "scan", "rows": 10, "cost": 1.0}
B = {"op": "sort", "rows": 1000, "cost": 3.0}
C = {"op": "scan", "rows": 10}
TREES = [((A, B), A), (B, C), A]
COLUMNS = {"op": "one_hot", "rows": "log_number", "cost": "number"}


def fitted(columns=COLUMNS, X=TREES, **settings):
    settings = {"dtype": "float64"} | settings
    return LeafVectorizer(columns, **settings).fit(X)


def columns_by_hand(records):
    """What `COLUMNS` make of each leaf."""
    rows = np.array([math.log1p(record["rows"]) for record in records])
    costs = np.array([record.get("cost", np.nan) for record in records])
    scaled = (costs - np.nanmean(costs)) / np.nanstd(costs)
    return np.column_stack(
        [
            [record["op"] == "scan" for record in records],
            [record["op"] == "sort" for record in records],
            (rows - rows.mean()) / rows.std(),
            np.nan_to_num(scaled),
        ]
    )


def test_a_record_is_its_columns_one_after_the_other():
    forest = fitted().transform(TREES)
    assert_allclose(forest.leaf_vectors(), columns_by_hand([A, B, A, B, C, A]))
    assert forest.n_leaves.tolist() == [3, 2, 1]


def test_equal_records_are_one_row():
    forest = fitted().transform([(A, dict(A), A | {"other": [1, 2]})])
    assert forest.leaf_table.shape == (1, 4)
    assert len(fitted().transform([(A, B)]).leaf_table) == 2


def test_a_vectorizer_of_records_has_a_vocabulary_for_each_key_with_tokens():
    vectorizer = fitted()
    assert vectorizer.vocabulary_ == {"op": {"scan": 0, "sort": 1}}
    names = ["op_scan", "op_sort", "rows", "cost"]
    assert vectorizer.get_feature_names_out().tolist() == names
    assert not hasattr(vectorizer, "table_")


@pytest.mark.parametrize("value", [None, np.nan, "missing"])
def test_what_a_record_lacks_is_zeros(value):
    keys = ["op", "rows", "cost"]
    lacking = {} if value == "missing" else dict.fromkeys(keys, value)
    forest = fitted().transform([(A, lacking)])
    assert_array_equal(forest.leaf_vectors()[1], np.zeros(4))


def test_lacking_numbers_do_not_move_the_mean():
    vectorizer = fitted({"cost": "number"}, [(A, C, C, {}, B)])
    assert_allclose(vectorizer.transform([(A, B)]).leaf_vectors().ravel(), [-1, 1])


@pytest.mark.parametrize("kind", [*LEAF_VECTORS, "dict", "frame", "function"])
def test_tokens_of_a_key_may_have_any_vectors(kind):
    mapping = {"scan": [1.0, 2.0], "sort": [3.0, 4.0]}
    kinds = {"dict": mapping, "function": mapping.get}
    kinds["frame"] = pd.DataFrame(mapping, index=["x", "y"]).T
    vectorizer = fitted({"op": kinds.get(kind, kind), "rows": "number"}, random_state=0)
    forest = vectorizer.transform(TREES)
    alone = LeafVectorizer(kinds.get(kind, kind), random_state=0, dtype="float64")
    tokens = [(("scan", "sort"), "scan"), ("sort", "scan"), "scan"]
    expected = alone.fit_transform(tokens).leaf_vectors()
    assert_array_equal(forest.leaf_vectors()[:, :-1], expected)
    if kind == "frame":
        assert vectorizer.get_feature_names_out().tolist() == ["op_x", "op_y", "rows"]


def test_integers_of_a_key_may_be_rows_of_an_array():
    vectorizer = fitted({"id": np.eye(3)}, [({"id": 2}, {"id": 0}, {})])
    expected = [[0, 0, 1], [1, 0, 0], [0, 0, 0]]
    forest = vectorizer.transform([({"id": 2}, {"id": 0}, {})])
    assert_array_equal(forest.leaf_vectors(), expected)


def test_n_features_is_for_keys_whose_vectors_are_made():
    columns = {"op": "random", "rows": "number"}
    assert fitted(columns, n_features=5).transform(TREES).n_features == 6


@pytest.mark.parametrize("handle_unknown", ["zeros", "mean", "learn"])
def test_unknown_tokens_of_a_key_are_handled(handle_unknown):
    vectorizer = fitted({"op": "one_hot"}, handle_unknown=handle_unknown)
    [vector] = vectorizer.transform([({"op": "new"},)]).leaf_vectors()
    expected = {"zeros": [0, 0], "mean": [0.5, 0.5], "learn": [0, 0, 1]}
    assert vector.tolist() == expected[handle_unknown]


def test_tokens_are_counted_over_leaves_not_over_distinct_records():
    X = [({"op": "a"},) * 3 + ({"op": "b", "i": 1}, {"op": "b", "i": 2})]
    assert fitted({"op": "one_hot"}, X).vocabulary_ == {"op": {"a": 0, "b": 1}}


def test_lower_case_is_for_keys_with_tokens():
    vectorizer = fitted({"op": "one_hot"}, [({"op": "A"}, {"op": "a"})], lowercase=True)
    assert vectorizer.vocabulary_ == {"op": {"a": 0}}


@pytest.mark.parametrize("kind", ["number", "log_number"])
@pytest.mark.parametrize("size", [1e-300, 1.0, 1e300])
def test_numbers_of_any_size_are_standardised(kind, size):
    X = [({"x": -size}, {"x": 3 * size}, {"x": np.float32(0)}, {"x": True})]
    forest = fitted({"x": kind}, X).transform(X)
    assert forest.leaf_vectors().mean() == pytest.approx(0, abs=1e-12)
    assert forest.leaf_vectors().std() == pytest.approx(1)


@pytest.mark.parametrize("value", [0, 7, 0.1, -1e300])
def test_numbers_that_are_all_the_same_are_0(value):
    forest = fitted({"x": "number"}, [({"x": value},) * 7]).transform([({"x": value},)])
    assert_array_equal(forest.leaf_vectors(), [[0]])


def test_records_come_back():
    vectorizer = fitted()
    [((a, b), again), (_, c), _] = vectorizer.inverse_transform(
        vectorizer.transform(TREES)
    )
    assert (a["op"], b["op"], c["op"]) == ("scan", "sort", "scan")
    assert [a["rows"], b["rows"], c["rows"]] == pytest.approx([10, 1000, 10])
    assert [a["cost"], b["cost"]] == pytest.approx([1, 3])
    assert again == a


def test_a_key_without_a_token_does_not_come_back():
    vectorizer = fitted({"op": "one_hot"}, handle_unknown="zeros")
    forest = vectorizer.transform([(A, {}, {"op": "new"})])
    assert vectorizer.inverse_transform(forest) == [({"op": "scan"}, {}, {})]


def test_records_that_hold_others_are_trees():
    scan, gather = {"op": "scan", "rows": 10}, {"op": "gather"}
    plan = {"op": "sort", "rows": 5, "of": [scan, {"op": "join", "of": [gather, scan]}]}
    sort, join = plan, plan["of"][1]
    expected = (sort, scan, (join, gather, scan))
    wrapped = [{"plan": plan, "seconds": 1.5, "settings": {"jit": [1, 2]}}]
    vectorizer = fitted({"op": "one_hot", "rows": "number"}, [expected])
    forest = vectorizer.transform([expected])
    assert forest.n_leaves.tolist() == [5]
    for X in ([plan], [wrapped], [{"a": {"b": [plan]}}]):
        assert vectorizer.transform(X) == forest
    both = vectorizer.transform([{"first": scan, "second": [gather]}])
    assert both == vectorizer.transform([(scan, gather)])


def test_a_record_in_a_tuple_is_a_leaf_whatever_it_holds():
    holder = {"op": "sort", "of": [A]}
    forest = fitted({"op": "one_hot"}).transform([(holder, A)])
    assert forest.n_leaves.tolist() == [2]


@pytest.mark.parametrize("X", [{}, {"other": 1}, [], [[], {}]])
def test_a_tree_without_records_is_zeros_or_refused(X):
    vectorizer = fitted({"op": "one_hot"})
    if isinstance(X, dict):
        forest = vectorizer.transform([X])
        assert_array_equal(forest.leaf_vectors(), [[0, 0]])
    else:
        with pytest.raises(ValueError, match=r"tree 0, at the root: leaf is of type"):
            vectorizer.transform([X])


def test_records_may_be_nested_very_deep_but_not_in_themselves():
    plan = {"op": "scan"}
    for _ in range(50_000):
        plan = {"op": "sort", "of": [plan]}
    forest = fitted({"op": "one_hot"}).transform([plan])
    assert forest.heights.tolist() == [50_000]
    cycle = {"op": "scan", "of": []}
    cycle["of"].append(cycle)
    with pytest.raises(ValueError, match=r"tree 0: not a tree: .* its own ancestor"):
        fitted({"op": "one_hot"}).transform([cycle])


def test_query_plans_have_records_inside():
    plan = {
        "Node Type": "Hash Join",
        "Plan Rows": 50,
        "Plans": [
            {"Node Type": "Seq Scan", "Plan Rows": 1000},
            {"Node Type": "Hash", "Plan Rows": 20, "Plans": [{"Node Type": "Result"}]},
        ],
    }
    tree = tree_from(
        plan,
        children=lambda node: node.get("Plans"),
        leaf=lambda node: node,
        label=lambda node: node,
        place_label="first_leaf",
    )
    columns = {"Node Type": "one_hot", "Plan Rows": "log_number"}
    forest = LeafVectorizer(columns).fit_transform([tree])
    assert forest.n_leaves.tolist() == [4]
    assert forest.depth.tolist() == [0, 1, 1, 1, 2, 2]
    assert LeafVectorizer(columns).fit_transform([plan]) == forest
    assert LeafVectorizer(columns).fit_transform([[{"Plan": plan}]]) == forest


# Refusals


@pytest.mark.parametrize(
    ("X", "message"),
    [
        ([("scan", A)], r"tree 0, at \[0\]: leaf is of type 'str', but vectors is a"),
        (
            [(A, A | {"rows": "10"})],
            r"tree 0, at \[1\], key 'rows': .*'10', expected a",
        ),
        ([(A, A | {"rows": math.inf})], r"at \[1\], key 'rows': .* too large"),
        ([(A, A | {"rows": 10**400})], r"at \[1\], key 'rows': .* too large"),
        ([(A, A | {"op": ["x"]})], r"at \[1\], key 'op': the value is a 'list'"),
        ([(A, A | {"rows": {}})], r"at \[1\], key 'rows': the value is a 'dict'"),
        ([(A, A | {"op": ()})], r"at \[1\], key 'op': leaf is an empty tuple"),
        ([()], r"tree 0, at the root: leaf is of type 'tuple'"),
    ],
    ids=lambda value: str(value)[:8],
)
@pytest.mark.parametrize("later", [False, True])
def test_a_wrong_record_is_refused_with_its_place(X, message, later):
    method = fitted().transform if later else LeafVectorizer(COLUMNS).fit
    with pytest.raises(ValueError, match=message):
        method(X)


def test_a_number_far_from_all_of_training_is_refused_not_made_infinite():
    vectorizer = LeafVectorizer({"x": "number"}).fit([({"x": 0.0}, {"x": 1e-9})])
    with pytest.raises(ValueError, match=r"tree 0, at \[0\]: leaf contains infinity"):
        vectorizer.transform([({"x": 1e300},)])


def test_a_key_that_no_leaf_has_is_refused_with_those_that_there_are():
    with pytest.raises(ValueError, match=r"no leaf has a value for 'row'.*'rows'"):
        fitted({"op": "one_hot", "row": "number"})


def test_an_unknown_token_is_an_error_with_its_key():
    vectorizer = fitted({"op": "one_hot"}, handle_unknown="error")
    with pytest.raises(ValueError, match=r"tree 0, at \[1\], key 'op': .*'new' is unk"):
        vectorizer.transform([(A, {"op": "new"})])


def test_more_tokens_than_one_hot_takes_by_itself_give_a_warning_with_the_key(
    monkeypatch,
):
    kind = LEAF_VECTORS["one_hot"]._replace(n_features=1)
    monkeypatch.setitem(LEAF_VECTORS, "one_hot", kind)
    with pytest.warns(UserWarning, match=r"There are 2 tokens at the key 'op'"):
        fitted({"op": "one_hot"})
