"""Codes of all nodes, and poolings of them."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from tree_models import (
    ROWS,
    TREES,
    A,
    B,
    C,
    assert_same_model,
    every_estimator,
    every_setting,
    is_leaf,
    make,
    oracle_of,
)

from sk_autoenc.parts.poolings import POOLINGS

pytestmark = pytest.mark.filterwarnings("ignore:Maximum iterations")


# Nodes


def describe(tree, depth=0):
    """Yield (height, depth, size) of every node, in preorder."""
    below = [] if is_leaf(tree) else [list(describe(c, depth + 1)) for c in tree]
    height = max((1 + child[0][0] for child in below), default=0)
    yield height, depth, 1 + sum(map(len, below))
    for child in below:
        yield from child


@every_estimator
def test_the_index_of_nodes_is_what_plain_recursion_finds(Estimator):
    _, index = make(Estimator).fit(TREES).transform_nodes(TREES)
    expected = [
        (number, position, *facts)
        for number, tree in enumerate(TREES)
        for position, facts in enumerate(describe(tree))
    ]
    assert index.dtype.names == ("tree", "position", "height", "depth", "size")
    assert index.tolist() == expected


def test_the_nodes_of_one_tree_are_found_by_the_index():
    model = make().fit(TREES)
    codes, index = model.transform_nodes(TREES)
    is_root = index["position"] == 0
    assert_array_equal(index["tree"][is_root], range(len(TREES)))
    assert_allclose(codes[is_root], model.transform(TREES), rtol=1e-12)


# Poolings


def inner_codes(model, tree):
    """The codes of inner nodes, or that of a bare leaf."""
    codes = oracle_of(model).codes(tree)
    heights = [height for height, *_ in describe(tree)]
    inner = [code for code, height in zip(codes, heights, strict=True) if height]
    return np.array(inner or codes)


@every_setting
def test_pooling_is_over_the_codes_of_inner_nodes(Estimator, changes):
    model = make(Estimator, pooling=("mean", "max", "root"), **changes).fit(TREES)
    expected = [
        np.hstack([codes.mean(axis=0), codes.max(axis=0), codes[0]])
        for codes in (inner_codes(model, tree) for tree in TREES)
    ]
    assert_allclose(model.transform(TREES), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("pooling", POOLINGS)
def test_a_bare_leaf_is_its_own_code_in_every_pooling(pooling):
    model = make(pooling=pooling).fit([A, (B, C), ((A, B), C)])
    assert_array_equal(model.transform([A, (B, C)])[0], A)


@pytest.mark.parametrize("pooling", POOLINGS)
def test_a_projected_bare_leaf_has_its_projection_in_every_pooling(pooling):
    model = make(pooling=pooling, n_components=2).fit([A, (B, C), ((A, B), C)])
    expected = model.leaf_encoder_ @ A + model.leaf_encoder_intercept_
    assert_allclose(model.transform([A, (B, C)])[0], expected, rtol=1e-12)


@pytest.mark.parametrize("pooling", POOLINGS)
def test_all_poolings_of_a_tree_with_one_inner_node_are_its_code(pooling):
    model = make(pooling=pooling).fit(TREES)
    expected = inner_codes(model, (A, B, C))
    assert_allclose(model.transform([(A, B, C)]), expected, rtol=1e-12)


@pytest.mark.parametrize("pooling", POOLINGS)
def test_a_pooling_and_a_tuple_or_list_of_it_alone_are_the_same(pooling):
    expected = make(pooling=pooling).fit(TREES).transform(TREES)
    for several in ((pooling,), [pooling]):
        assert_array_equal(make(pooling=several).fit(TREES).transform(TREES), expected)


@pytest.mark.parametrize("pooling", POOLINGS)
def test_rows_have_one_inner_node_so_that_poolings_agree(pooling):
    expected = make().fit(ROWS).transform(ROWS)
    pooled = make(pooling=pooling).fit(ROWS).transform(ROWS)
    assert_allclose(pooled, expected, rtol=1e-12)


def test_pooling_does_not_change_what_is_learned():
    assert_same_model(make(pooling=("mean", "max")).fit(TREES), make().fit(TREES))


@pytest.mark.parametrize(
    "pooling", ["median", (), ("root", "median"), ("root", "root"), None, 3, [["root"]]]
)
def test_an_unknown_pooling_is_refused_with_a_list_of_the_known_ones(pooling):
    with pytest.raises(ValueError, match="pooling must be one of") as error:
        make(pooling=pooling).fit(TREES)
    assert all(repr(name) in str(error.value) for name in POOLINGS)
    assert repr(pooling) in str(error.value)
