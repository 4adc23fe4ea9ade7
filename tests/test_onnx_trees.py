"""The encoder of trees in ONNX gives the codes that `transform` gives."""

import numpy as np
import onnx_models
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from onnx_models import TOLERANCE, opset_of, session

from sk_autoenc import Forest, RAETransformer, RecursiveClassifier
from sk_autoenc import UnfoldingRAETransformer as Unfolding
from sk_autoenc.onnx import (
    MINIMUM_TREE_OPSET,
    forest_inputs,
    tree_encoder,
)
from sk_autoenc.parts.activations import ACTIVATIONS
from sk_autoenc.parts.compositions import COMPOSITIONS
from sk_autoenc.parts.poolings import POOLINGS


def make_tree(rng, depth):
    if depth == 0 or rng.random() < 0.2:
        return tuple(rng.normal(size=3))
    return [make_tree(rng, depth - 1) for _ in range(rng.integers(1, 5))]


def nested(tree):
    return np.array(tree) if isinstance(tree, tuple) else tuple(map(nested, tree))


def make_forest(dtype=np.float64):
    """Trees of one to four children, deep ones, chains, equal leaves, a bare leaf."""
    rng = np.random.default_rng(0)
    trees = [nested(make_tree(rng, 4)) for _ in range(20)]
    leaf = np.ones(3)
    return Forest.from_nested(
        [*trees, leaf, ((((leaf,),),),), (leaf,) * 9], dtype=dtype
    )


def quick(kind=Unfolding, **settings):
    return kind(**{"max_iter": 2, "random_state": 0} | settings)


def assert_codes_exported(model, forest):
    exported = tree_encoder(model)
    onnx_models.onnx.checker.check_model(exported, full_check=True)
    codes, of_nodes = session(exported).run(None, forest_inputs(model, forest))
    tolerance = TOLERANCE[forest.dtype]
    assert codes.dtype == forest.dtype
    assert_allclose(codes, model.transform(forest), atol=tolerance)
    assert_allclose(of_nodes, model.transform_nodes(forest)[0], atol=tolerance)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("n_components", [None, 5])
def test_codes_are_exported_with_every_activation(activation, n_components, dtype):
    forest = make_forest(dtype)
    model = quick(encoder_activation=activation, n_components=n_components)
    assert_codes_exported(model.fit(forest), forest)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("child_weights", ["equal", "leaves"])
def test_normalised_codes_are_exported(activation, child_weights, dtype):
    forest = make_forest(dtype)
    model = quick(
        RAETransformer,
        normalize=True,
        encoder_activation=activation,
        child_weights=child_weights,
    )
    assert_codes_exported(model.fit(forest), forest)


def test_tiny_codes_are_normalised_alike(dtype):
    """A logistic function right to rounding of 1 only would lose their direction."""
    forest = make_forest(dtype)
    model = quick(RAETransformer, normalize=True, encoder_activation="logistic")
    model.fit(forest)
    model.encoder_intercept_ = model.encoder_intercept_ - dtype(60)
    assert_codes_exported(model, forest)


def test_learned_leaves_are_exported_beside_others(dtype):
    forest = make_forest(dtype)
    model = quick(learn_leaves=True).fit(forest)
    assert_codes_exported(model, forest)
    others = forest.with_table(forest.leaf_table + dtype(1))
    assert_codes_exported(model, Forest.concatenate([forest, others]))


@pytest.mark.parametrize("trees", [[np.ones(3)], [(np.ones(3),)], np.eye(3)])
def test_bare_leaves_and_rows_are_trees(trees):
    model = quick().fit(make_forest())
    codes, _ = session(tree_encoder(model)).run(None, forest_inputs(model, trees))
    assert_allclose(codes, model.transform(trees), atol=1e-12)


def test_one_model_takes_any_forest():
    model = quick().fit(make_forest())
    ready = session(tree_encoder(model))
    for forest in (make_forest()[:3], make_forest()[7:], make_forest()[20:21]):
        codes, _ = ready.run(None, forest_inputs(model, forest))
        assert_allclose(codes, model.transform(forest), atol=1e-12)


def test_inputs_do_not_depend_on_codes():
    first, second = (quick(n_components=n).fit(make_forest()) for n in (3, 4))
    ours, theirs = (forest_inputs(model, make_forest()) for model in (first, second))
    for name, array in ours.items():
        assert_array_equal(array, theirs[name])


@pytest.mark.parametrize("version", [MINIMUM_TREE_OPSET, MINIMUM_TREE_OPSET + 4])
def test_the_oldest_opset_of_trees_and_newer_ones_are_enough(version):
    model = quick(RAETransformer, normalize=True).fit(make_forest())
    exported = tree_encoder(model, target_opset=version)
    assert opset_of(exported) == version
    codes, _ = session(exported).run(None, forest_inputs(model, make_forest()))
    assert_allclose(codes, model.transform(make_forest()), atol=1e-12)


def test_an_older_opset_is_refused_for_trees():
    model = quick().fit(make_forest())
    with pytest.raises(ValueError, match="target_opset=16 or newer"):
        tree_encoder(model, target_opset=15)


@pytest.mark.parametrize("composition", sorted(set(COMPOSITIONS) - {"blend"}))
def test_other_compositions_are_refused(composition):
    model = quick(composition=composition).fit(make_forest())
    with pytest.raises(NotImplementedError, match=f"composition='{composition}'"):
        tree_encoder(model)


@pytest.mark.parametrize("pooling", sorted(set(POOLINGS) - {"root"}))
def test_other_poolings_are_refused(pooling):
    model = quick(pooling=pooling).fit(make_forest())
    with pytest.raises(NotImplementedError, match=f"pooling='{pooling}'"):
        tree_encoder(model)


def test_other_estimators_of_trees_are_refused():
    forest = make_forest()
    model = quick(RecursiveClassifier).fit(forest, np.arange(len(forest)) % 2)
    with pytest.raises(
        NotImplementedError, match="RecursiveClassifier is not exported"
    ):
        tree_encoder(model)
