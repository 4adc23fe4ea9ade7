"""Codes unfold into trees: inverse_transform and reconstruct."""

import pickle

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from tree_models import (
    ROWS,
    TREES,
    A,
    B,
    C,
    as_objects,
    every_estimator,
    every_setting,
    leaves,
    make,
    make_trees,
    map_leaves,
    oracle_of,
    structure,
)

from sk_autoenc.trees.forest import Forest

pytestmark = pytest.mark.filterwarnings("ignore:Maximum iterations")


# Into trees


@every_setting
def test_unfolding_codes_into_their_trees_is_reconstructing_them(Estimator, changes):
    model = make(Estimator, **changes).fit(TREES)
    forest = Forest.from_nested(TREES)
    decoded = model.inverse_transform(model.transform(forest), structures=forest)
    expected = model.reconstruct(forest)
    assert_allclose(decoded.leaf_vectors(), expected.leaf_vectors(), rtol=1e-12)


def test_a_code_unfolds_into_any_shape():
    model = make().fit(TREES)
    code = model.transform(TREES[:1])
    shape = ((A, B, C), (A,), ((B,), C))
    (decoded,) = model.inverse_transform(code, structures=[shape])
    assert structure(decoded) == structure(shape)
    expected = oracle_of(model).reconstruct(shape, code[0])
    assert_allclose(leaves(decoded), expected, rtol=0, atol=1e-12)


def test_a_code_unfolds_into_a_bare_leaf_as_it_is():
    model = make().fit(TREES)
    codes = model.transform(TREES[:2])
    decoded = model.inverse_transform(codes, structures=[(A, B), C])
    assert_allclose(decoded[1], codes[1], rtol=1e-12)


def test_the_values_of_leaves_in_structures_do_not_matter():
    model = make().fit(TREES)
    codes = model.transform(TREES)
    others = [map_leaves(lambda x: 9 * x + 1, tree) for tree in TREES]
    for left, right in zip(
        model.inverse_transform(codes, structures=TREES),
        model.inverse_transform(codes, structures=others),
        strict=True,
    ):
        assert_array_equal(leaves(left), leaves(right))


@pytest.mark.parametrize(
    ("container", "kind"),
    [
        (list, list),
        (tuple, list),
        (as_objects, list),
        (pd.Series, list),
        (Forest.from_nested, Forest),
    ],
)
def test_a_forest_unfolds_to_a_forest_and_other_trees_to_a_list(container, kind):
    model = make().fit(TREES)
    X = container(TREES)
    for decoded in (
        model.reconstruct(X),
        model.inverse_transform(model.transform(X), structures=X),
        model.inverse_transform(model.transform(X), X),
    ):
        assert isinstance(decoded, kind)
        assert [structure(tree) for tree in decoded] == [structure(t) for t in TREES]


@every_estimator
def test_after_trees_codes_do_not_unfold_without_structures(Estimator):
    model = make(Estimator).fit(TREES)
    with pytest.raises(ValueError, match="the model was fitted on trees") as error:
        model.inverse_transform(model.transform(TREES))
    assert "Pass structures=<trees of the wanted shapes>" in str(error.value)


def test_trees_are_unfolded_after_fitting_on_rows_too():
    model = make().fit(ROWS)
    codes = model.transform(TREES)
    decoded = model.inverse_transform(codes, structures=TREES)
    assert [structure(tree) for tree in decoded] == [structure(tree) for tree in TREES]


def test_single_codes_unfold_into_double_structures_and_the_reverse():
    model = make().fit(make_trees(20, dtype=np.float32))
    codes = model.transform(TREES)
    wide = model.inverse_transform(codes, structures=make_trees(20, dtype=np.float32))
    narrow = model.inverse_transform(codes.astype(np.float32), structures=TREES)
    for left, right in zip(wide, narrow, strict=True):
        assert_allclose(leaves(left), leaves(right), atol=1e-5)


def test_reconstructing_does_not_change_a_forest():
    forest = Forest.from_nested(TREES)
    before = pickle.dumps(forest)
    model = make(corruption="masking", corruption_level=0.5).fit(forest)
    model.reconstruct(forest)
    model.transform(forest)
    assert pickle.dumps(forest) == before


# Into rows


@every_estimator
def test_after_rows_codes_unfold_to_a_two_dimensional_array(Estimator):
    model = make(Estimator, n_components=2).fit(ROWS)
    decoded = model.inverse_transform(model.transform(ROWS))
    assert isinstance(decoded, np.ndarray)
    assert decoded.shape == ROWS.shape
    assert_allclose(decoded, model.reconstruct(ROWS), rtol=1e-12)
    expected = [
        oracle_of(model).reconstruct((x,), code)[0]
        for x, code in zip(ROWS, model.transform(ROWS), strict=True)
    ]
    assert_allclose(decoded, expected, rtol=0, atol=1e-12)


def test_rows_as_structures_unfold_to_rows():
    model = make().fit(TREES)
    decoded = model.inverse_transform(model.transform(ROWS), structures=ROWS)
    assert isinstance(decoded, np.ndarray)
    assert_allclose(decoded, model.reconstruct(ROWS), rtol=1e-12)


def test_reconstructed_rows_may_be_written():
    model = make().fit(ROWS)
    model.reconstruct(ROWS)[:] = 0
    model.inverse_transform(model.transform(ROWS))[:] = 0


# Poolings


@pytest.mark.parametrize("pooling", ["mean", "max", ("max", "mean")])
@pytest.mark.parametrize("structures", [None, TREES])
def test_codes_without_the_root_do_not_unfold(structures, pooling):
    model = make(pooling=pooling).fit(TREES)
    codes = model.transform(TREES)
    with pytest.raises(ValueError, match="unfolds the code of the root") as error:
        model.inverse_transform(codes, structures=structures)
    assert f"pooling={pooling!r} has none" in str(error.value)


@pytest.mark.parametrize(
    "pooling", [("root", "mean"), ("mean", "root"), ("max", "root", "mean")]
)
def test_the_part_of_the_root_in_several_poolings_is_unfolded(pooling):
    model = make(pooling=pooling, n_components=2).fit(TREES)
    forest = Forest.from_nested(TREES)
    codes = model.transform(forest)
    decoded = model.inverse_transform(codes, structures=forest)
    expected = model.reconstruct(forest)
    assert_allclose(decoded.leaf_vectors(), expected.leaf_vectors(), rtol=1e-12)
    codes[:, [i for i in range(codes.shape[1]) if not is_of_root(i, pooling)]] = 99
    again = model.inverse_transform(codes, structures=forest)
    assert_array_equal(again.leaf_vectors(), decoded.leaf_vectors())


def is_of_root(column, pooling):
    return pooling[column // 2] == "root"


# Refusals


@pytest.mark.parametrize("kind", [list, Forest.from_nested])
@pytest.mark.parametrize("n_structures", [1, 19])
def test_another_number_of_structures_than_codes_is_refused(n_structures, kind):
    model = make().fit(TREES)
    with pytest.raises(ValueError, match=f"{n_structures} trees for 20 codes"):
        model.inverse_transform(
            model.transform(TREES), structures=kind(TREES[-n_structures:])
        )


@pytest.mark.parametrize("width", [2, 4, 6])
def test_codes_of_another_width_are_refused(width):
    model = make().fit(TREES)
    with pytest.raises(ValueError, match=f"X has {width} features, but") as error:
        model.inverse_transform(np.zeros((20, width)), structures=TREES)
    assert "is expecting 3 features as input" in str(error.value)


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_codes_that_are_not_finite_are_refused(wrong):
    with pytest.raises(ValueError, match=r"NaN|infinity"):
        make().fit(ROWS).inverse_transform(np.full((1, 3), wrong))


def test_structures_of_another_leaf_length_are_called_structures():
    model = make().fit(TREES)
    leaf = np.zeros(model.n_features_in_ + 1)
    with pytest.raises(ValueError, match=r"structures has \d+ features"):
        model.inverse_transform(model.transform(TREES)[:1], structures=[(leaf, leaf)])
