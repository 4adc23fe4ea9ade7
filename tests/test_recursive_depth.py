"""Depth and width: nothing here may recurse, or take memory beyond linear in nodes."""

import pickle
import sys
import tracemalloc
from collections import Counter

import joblib
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from strategies import chain

from sk_autoenc import RAETransformer, UnfoldingRAETransformer
from sk_autoenc.trees.forest import Forest

pytestmark = pytest.mark.filterwarnings("ignore:Maximum iterations")

N = 100_000
"""Depth of the chains that are fitted, transformed and unfolded again."""
N_LESS = 10_000
"""Depth of others, still ten times what Python's recursion limit allows."""
ESTIMATORS = (UnfoldingRAETransformer, RAETransformer)
every_estimator = pytest.mark.parametrize("Estimator", ESTIMATORS)
LEAF = np.array([0.3, -0.2])


def make(Estimator, **changes):
    # A small step: decoders' weights are taken to the power of the depth.
    settings = {"learning_rate_init": 1e-8, "max_iter": 1, "random_state": 0}
    return Estimator(**settings | changes)


def depth_of(tree):
    depth = 0
    while isinstance(tree, tuple):
        tree, depth = tree[0], depth + 1
    return depth


@pytest.fixture(scope="module")
def nested():
    return [chain(N, LEAF), (LEAF, (LEAF,))]


@pytest.fixture(scope="module")
def forest(nested):
    return Forest.from_nested(nested)


@pytest.fixture(scope="module")
def shorter():
    return Forest.from_nested([chain(N_LESS, LEAF), (LEAF, (LEAF,))])


@pytest.fixture(scope="module", params=ESTIMATORS, ids=lambda e: e.__name__)
def model(request, nested):
    """Fitted on nested tuples, not on a Forest."""
    return make(request.param).fit(nested)


@pytest.fixture(scope="module")
def codes(model, forest):
    return model.transform(forest)


@pytest.fixture(scope="module")
def unfolding(shorter):
    return make(UnfoldingRAETransformer).fit(shorter[1])


def test_a_chain_as_nested_tuples_is_fitted(model):
    assert model.n_iter_ == 1
    assert np.isfinite(model.loss_)
    assert np.isfinite(model.decoder_left_).all()


def test_a_chain_is_transformed_by_its_recurrence(model, codes):
    left, right = model.encoder_left_, model.encoder_right_
    code = np.tanh((left + right) / 2 @ LEAF + model.encoder_intercept_)
    from_leaf = right @ LEAF + model.encoder_intercept_
    for _ in range(N - 1):
        code = np.tanh(left @ code + from_leaf)
    assert_allclose(codes[0], code, rtol=0, atol=1e-12)


def test_a_chain_is_unfolded_and_becomes_a_forest_again(model, codes, nested, forest):
    decoded = model.inverse_transform(codes, structures=nested)
    assert isinstance(decoded[0], tuple)
    assert depth_of(decoded[0]) == N
    # The root's last child is one step from its code.
    last = model.decoder_right_ @ codes[0] + model.decoder_intercept_
    assert_allclose(decoded[0][1], last, rtol=1e-12)
    again = Forest.from_nested(decoded)
    assert_array_equal(again.size, forest.size)
    assert np.isfinite(again.leaf_vectors()).all()


def test_a_chain_has_a_score(model, shorter):
    assert np.isfinite(model.score_samples(shorter)).all()


def test_every_node_of_a_chain_has_a_code(unfolding, shorter):
    by_node, index = unfolding.transform_nodes(shorter)
    assert by_node.shape == (2 * N_LESS + 4, 2)
    assert index["height"][0] == index["depth"].max() == N_LESS
    assert index["size"][0] == 2 * N_LESS
    roots = unfolding.transform(shorter)
    assert_allclose(by_node[index["position"] == 0], roots, rtol=0, atol=1e-14)


def test_an_unfolded_forest_of_a_chain_is_pickled_and_hashed(unfolding, shorter):
    decoded = unfolding.inverse_transform(np.ones((2, 2)), structures=shorter)
    twin = pickle.loads(pickle.dumps(decoded))
    assert_array_equal(twin.leaf_vectors(), decoded.leaf_vectors())
    assert joblib.hash(twin) == joblib.hash(decoded) != joblib.hash(shorter)


def test_a_model_of_a_chain_is_pickled(model):
    twin = pickle.loads(pickle.dumps(model))
    assert_array_equal(twin.encoder_left_, model.encoder_left_)


def test_a_chain_is_pooled(shorter):
    model = make(UnfoldingRAETransformer, pooling=("mean", "max")).fit(shorter[1])
    assert np.isfinite(model.transform(shorter)).all()


def test_a_chain_is_fitted_by_lbfgs(shorter):
    # So large a tolerance is met at the start, after one gradient.
    model = make(UnfoldingRAETransformer, solver="lbfgs", tol=1e12).fit(shorter)
    assert np.isfinite(model.loss_)


def test_chains_are_searched_in_two_processes_as_a_forest(shorter):
    """Two of leaves that point one way, two of leaves that point the other way."""
    leaves = ([0.1, 0.1], [-0.1, 0.1], [0.2, 0.2], [-0.2, 0.2])
    chains = Forest.concatenate(
        [shorter[0].with_leaves(np.tile(leaf, (N_LESS, 1))) for leaf in leaves]
    )
    pipeline = make_pipeline(make(UnfoldingRAETransformer), LogisticRegression(C=1e3))
    search = GridSearchCV(
        pipeline,
        {"unfoldingraetransformer__init": ["average"]},
        cv=2,
        n_jobs=2,
        refit=False,
        error_score="raise",
    )
    search.fit(chains, ["right", "left"] * 2)
    assert search.best_score_ == 1


@every_estimator
def test_a_node_with_100_000_children_is_fitted_transformed_and_unfolded(Estimator):
    wide = ((LEAF,) * N, LEAF)
    model = make(Estimator, max_iter=2).fit([wide])
    both = model.encoder_left_ + model.encoder_right_
    below = np.tanh(both @ LEAF * N / 2 + model.encoder_intercept_)
    expected = np.tanh(
        model.encoder_left_ @ below
        + model.encoder_right_ @ LEAF
        + model.encoder_intercept_
    )
    codes = model.transform([wide])
    assert_allclose(codes[0], expected, rtol=0, atol=1e-12)
    (decoded,) = model.inverse_transform(codes, structures=[wide])
    assert len(decoded[0]) == N
    assert np.isfinite(model.score([wide]))
    assert model.reconstruction_error([wide]).shape == (N + 1,)


def test_a_node_with_100_000_children_is_one_of_all_that_unfold():
    wide = ((LEAF / 10,) * N, LEAF)
    model = make(UnfoldingRAETransformer, unfold_from="all").fit([wide])
    root = make(UnfoldingRAETransformer).fit([wide])
    assert model.loss_ > root.loss_


def test_ever_deeper_chains_unfold_from_every_node():
    """Quadratic in the depth, by its definition, so not as deep."""
    tree = chain(500, LEAF)
    model = make(UnfoldingRAETransformer, unfold_from="all").fit([tree])
    roots = [tree]
    while isinstance(roots[-1][0], tuple):
        roots.append(roots[-1][0])
    twin = make(UnfoldingRAETransformer).fit([tree])
    for name in ("encoder_left_", "encoder_right_", "encoder_intercept_"):
        setattr(twin, name, getattr(model, name))
    for name in ("decoder_left_", "decoder_right_", "decoder_intercept_"):
        setattr(twin, name, getattr(model, name))
    expected = twin.score_samples(roots).sum()
    assert model.score_samples([tree])[0] == pytest.approx(expected, rel=1e-9)


# Memory


def peak(function):
    tracemalloc.start()
    try:
        function()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def wide(n):
    return ((LEAF,) * n, LEAF)


def bushy(n):
    """About n nodes, of arity 10."""
    tree = LEAF
    while n > 1:
        tree, n = (tree,) * 10, n / 10
    return tree


def deep(n):
    return chain(n, LEAF)


@every_estimator
@pytest.mark.parametrize("shape", [deep, wide])
@pytest.mark.parametrize("use", ["fit", "reconstruct"])
def test_memory_is_linear_in_the_nodes(use, shape, Estimator):
    small, large = (Forest.from_nested([shape(n)]) for n in (1_500, 6_000))
    model = make(Estimator).fit(small)
    method = getattr(model, use)
    method(small)  # what is imported or cached at first is not of interest
    assert peak(lambda: method(large)) < 6 * peak(lambda: method(small))


def test_memory_of_many_trees_is_that_of_a_block_and_of_the_results():
    tree = bushy(1_000)
    few, many = (Forest.from_nested([tree] * n) for n in (10, 1000))
    model = make(UnfoldingRAETransformer, n_components=20).fit(few)
    codes_of_all_nodes = len(many.size) * 20 * 8
    assert peak(lambda: model.transform(many)) < 0.7 * codes_of_all_nodes


def test_unfolding_every_subtree_takes_memory_for_blocks_of_them():
    short, long = (Forest.from_nested([chain(n, LEAF)]) for n in (250, 500))
    model = make(UnfoldingRAETransformer, unfold_from="all", n_components=40).fit(short)
    # Their nodes are four times as many: the square of the depth, in blocks of 37 500.
    assert peak(lambda: model.score(long)) < 2 * peak(lambda: model.score(short))


def n_calls(function):
    """Calls of Python and C functions, a measure of work without a clock."""
    calls = Counter()
    sys.setprofile(lambda frame, event, argument: calls.update([event]))
    try:
        function()
    finally:
        sys.setprofile(None)
    return calls["call"] + calls["c_call"]


def test_calls_are_linear_in_the_depth():
    short, long = (Forest.from_nested([deep(n)]) for n in (500, 2_000))
    model = make(UnfoldingRAETransformer).fit(short)
    assert n_calls(lambda: model.fit(long)) < 5 * n_calls(lambda: model.fit(short))
