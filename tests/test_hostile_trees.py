"""Containers and leaves that lie, raise, or hold themselves."""

import ast
import collections
from unittest.mock import Mock

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from numpy.testing import assert_array_equal

from sk_autoenc.trees.forest import Forest, is_forest_like
from sk_autoenc.trees.guard import refuse_more_nodes_than_fit

A, B, C = np.array([1.0, 2.0]), np.array([3.0, 4.0]), np.array([5.0, 6.0])
EXPECTED = Forest.from_nested([((A, B), C), A])


def endless(self):
    while True:
        yield A


def flat(self):
    """The leaves below, as classes of trees have it."""
    for child in tuple.__iter__(self):
        yield from (child if isinstance(child, type(self)) else [child])


def failing(self):
    raise RuntimeError("no")


LIES = {
    "iterates over the leaves below": {"__iter__": flat},
    "iterates without end": {"__iter__": endless},
    "iterates over nothing": {"__iter__": lambda self: iter(())},
    "iterates over itself": {"__iter__": lambda self: iter((self, self))},
    "cannot be iterated": {"__iter__": failing},
    "says it is empty": {"__len__": lambda self: 0},
    "says it is longer": {"__len__": lambda self: 9},
    "says it is shorter": {"__len__": lambda self: 1},
    "has no length": {"__len__": failing},
    "is false": {"__bool__": lambda self: False},
    "has no truth": {"__bool__": failing},
    "is equal to all": {"__eq__": lambda self, other: True, "__hash__": tuple.__hash__},
    "cannot be hashed": {"__eq__": failing, "__hash__": failing},
    "gives other items": {"__getitem__": lambda self, key: A},
    "says it is a list": {"__class__": property(lambda self: list)},
    "is an array too": {"__array__": lambda self, **options: np.zeros((2, 2))},
    "lies about all": {
        "__iter__": endless,
        "__len__": lambda self: 9,
        "__bool__": failing,
        "__getitem__": failing,
    },
}
every_lie = pytest.mark.parametrize("lies", LIES.values(), ids=LIES)


@every_lie
def test_nodes_are_what_a_tuple_holds_whatever_its_class_says(lies):
    Node = type("Node", (tuple,), lies)
    trees = [Node((Node((A, B)), C)), A]
    assert is_forest_like(trees)
    assert Forest.from_nested(trees) == EXPECTED


@every_lie
def test_an_empty_node_is_refused_whatever_its_class_says(lies):
    Node = type("Node", (tuple,), lies)
    with pytest.raises(ValueError, match=r"^tree 0, at \[1\]: an empty tuple"):
        Forest.from_nested([(A, Node())])


@every_lie
@pytest.mark.parametrize("kind", [list, tuple])
def test_trees_are_what_a_list_holds_whatever_its_class_says(kind, lies):
    if "__class__" in lies or lies.get("__iter__") is flat:
        lies = {}
    Trees = type("Trees", (kind,), lies)
    trees = Trees([((A, B), C), A])
    assert is_forest_like(trees)
    assert Forest.from_nested(trees) == EXPECTED


@every_lie
def test_a_leaf_is_what_a_list_holds_whatever_its_class_says(lies):
    if "__class__" in lies or lies.get("__iter__") is flat:
        lies = {}
    Vector = type("Vector", (list,), lies)
    assert Forest.from_nested([((Vector([1, 2]), B), C), A]) == EXPECTED


def test_named_tuples_are_nodes():
    Pair = collections.namedtuple("Pair", "left right")
    assert Forest.from_nested([Pair(Pair(A, B), C), A]) == EXPECTED


def test_what_only_claims_to_be_a_tuple_is_a_leaf():
    with pytest.raises(ValueError, match=r"^tree 0, at \[1\]: "):
        Forest.from_nested([(A, Mock(spec=tuple))])


@every_lie
def test_the_guard_counts_what_a_tuple_holds(lies, monkeypatch):
    monkeypatch.setattr("sk_autoenc.trees.guard.available_memory", lambda: 100 * 400)
    Node = type("Node", (tuple,), lies)
    tree = A
    for _ in range(7):
        tree = Node((tree, tree))
    with pytest.raises(ValueError, match="unfolds to 255 nodes"):
        refuse_more_nodes_than_fit([tree])


class RaisingArray:
    def __init__(self, error):
        self.error = error

    def __array__(self, dtype=None, copy=None):
        raise self.error


class OutOfLuck(Exception):
    pass


@pytest.mark.parametrize(
    "error",
    [RuntimeError("requires grad"), OutOfLuck("luck"), KeyError("key"), MemoryError()],
)
def test_a_leaf_whose_array_raises_anything_is_refused_with_its_place(error):
    with pytest.raises(ValueError) as caught:  # noqa: PT011, the whole text is below
        Forest.from_nested([A, (B, RaisingArray(error))])
    assert str(caught.value) == (
        "tree 1, at [1]: leaf is of type RaisingArray, which numpy cannot read: "
        f"{type(error).__name__}: {error}"
    )
    assert caught.value.__cause__ is error


def test_an_interrupt_while_a_leaf_is_read_goes_through():
    with pytest.raises(KeyboardInterrupt):
        Forest.from_nested([(A, RaisingArray(KeyboardInterrupt()))])


def test_a_leaf_whose_attributes_raise_is_refused_with_its_place():
    class Raising:
        def __getattr__(self, name):
            raise RuntimeError(name)

    with pytest.raises(ValueError, match=r"^tree 0, at \[1\]: leaf is of type Raising"):
        Forest.from_nested([(A, Raising())])


def cyclic_list():
    items = [1.0]
    items += [items, items]
    return items


def cyclic_pair():
    first, second = [], []
    first += [second, second]
    second += [first, first]
    return first


def cyclic_array():
    array = np.empty(2, dtype=object)
    array[:] = [array, array]
    return array


class OwnItem:
    """A sequence of Python's that is its own items."""

    def __len__(self):
        return 2

    def __getitem__(self, index):
        if index < 2:
            return self
        raise IndexError


@pytest.mark.parametrize("make", [cyclic_list, cyclic_pair, cyclic_array, OwnItem])
def test_a_leaf_that_holds_itself_is_refused_at_once(make):
    with pytest.raises(ValueError, match=r"^tree 0, at \[1\]: nodes are tuples"):
        Forest.from_nested([(A, make())])


def test_rows_that_hold_themselves_are_refused_at_once():
    with pytest.raises(ValueError, match=r"^row 1: nodes are tuples"):
        Forest.from_rows([[1.0], cyclic_list()])


def test_a_huge_integer_in_a_list_is_refused_with_its_place():
    with pytest.raises(ValueError, match=r"at \[1\]: .* too large for float64$"):
        Forest.from_nested([(A, [10**400, 1])])


def masked(mask):
    return np.ma.array([3.0, 4.0], mask=mask)


def test_masked_entries_of_a_leaf_are_refused():
    with pytest.raises(ValueError, match=r"^tree 0, at \[1\]: leaf has masked entries"):
        Forest.from_nested([(A, masked([False, True]))])


def test_a_masked_leaf_without_masked_entries_is_read():
    forest = Forest.from_nested([(A, masked([False, False]))])
    assert_array_equal(forest.leaf_vectors(), [A, B])


SCALARS_AND_MORE = {
    "datetime": (np.array(["2020-01-01"] * 2, "M8[D]"), "than numbers: datetime64"),
    "timedelta": (np.array([1, 2], "m8[s]"), "than numbers: timedelta64"),
    "structured": (np.zeros(2, "f8,f8"), "than numbers: void"),
    "strings": (np.array(["1", "2"]), "than numbers: str_"),
    "bytes": (np.array([b"1", b"2"]), "than numbers: bytes_"),
    "NA": ([pd.NA, 1.0], "than numbers: NAType"),
    "nullable": (pd.array([1.0, pd.NA], dtype="Float64"), "contains NaN"),
    "NaT": ([pd.NaT, 1.0], "than numbers: NaTType"),
    "complex": (np.array([1j, 2.0]), "leaf is complex"),
    "long double": (np.array(["1e4000", "1"], np.longdouble), "too large for float64"),
    "sparse": (scipy.sparse.csr_array(np.eye(2)), "of type csr_array"),
    "bytearray": (bytearray(b"abc"), None),
    "dict items": ({1: 2}.items(), "of type dict_items"),
    "generator": ((x for x in [1.0, 2.0]), "of type generator"),
    "class": (int, "of type type"),
    "module": (ast, "of type module"),
}


@pytest.mark.parametrize(
    ("leaf", "text"), SCALARS_AND_MORE.values(), ids=SCALARS_AND_MORE
)
def test_a_leaf_of_another_kind_is_refused_with_its_place_or_read(leaf, text):
    if text is None:
        assert Forest.from_nested([(leaf,)]).leaf_table.tolist() == [list(leaf)]
        return
    with pytest.raises(ValueError, match=rf"^tree 0, at \[1\]: .*{text}"):
        Forest.from_nested([(A, leaf)])
