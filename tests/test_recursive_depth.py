"""Depth and width: nothing here may recurse, or take memory beyond linear in nodes."""

import pickle
import tracemalloc
from time import perf_counter

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
ESTIMATORS = (UnfoldingRAETransformer, RAETransformer)
every_estimator = pytest.mark.parametrize("Estimator", ESTIMATORS)
LEAF = np.array([0.3, -0.2])


def make(Estimator, **changes):
    # A small step: decoders' weights are taken to the power of the depth.
    settings = {"learning_rate_init": 1e-8, "max_iter": 1, "random_state": 0}
    return Estimator(**settings | changes)


def make_chains(n_trees):
    """Chains whose leaves differ: 0.1, -0.1, 0.2, -0.2 and so on."""
    signs = np.array([1, -1] * n_trees)[:n_trees]
    steps = np.arange(n_trees) // 2 + 1
    leaves = np.transpose([signs * steps / 10, steps / 10])
    return Forest.concatenate([Forest.from_nested([chain(N, x)]) for x in leaves])


def depth_of(tree):
    depth = 0
    while isinstance(tree, tuple):
        tree, depth = tree[0], depth + 1
    return depth


@pytest.fixture(scope="module")
def nested():
    return [chain(N, LEAF), (LEAF, (LEAF,))]


@pytest.fixture(scope="module", params=ESTIMATORS, ids=lambda e: e.__name__)
def model(request, nested):
    """Fitted on nested tuples, not on a Forest."""
    return make(request.param).fit(nested)


def test_a_chain_as_nested_tuples_is_fitted(model):
    assert model.n_iter_ == 1
    assert np.isfinite(model.loss_)
    assert np.isfinite(model.decoder_left_).all()


def test_a_chain_is_transformed_by_its_recurrence(model, nested):
    code = LEAF
    left, right = model.encoder_left_, model.encoder_right_
    code = np.tanh((left + right) / 2 @ code + model.encoder_intercept_)
    for _ in range(N - 1):
        code = np.tanh(left @ code + right @ LEAF + model.encoder_intercept_)
    assert_allclose(model.transform(nested)[0], code, rtol=0, atol=1e-12)


def test_a_chain_is_unfolded_and_becomes_a_forest_again(model, nested):
    codes = model.transform(nested)
    decoded = model.inverse_transform(codes, structures=nested)
    assert isinstance(decoded[0], tuple)
    assert depth_of(decoded[0]) == N
    forest = Forest.from_nested(decoded)
    assert_array_equal(forest.size, Forest.from_nested(nested).size)
    assert np.isfinite(forest.leaf_vectors()).all()
    # The root's two children, one a leaf, are each one step from its code.
    last = model.decoder_right_ @ codes[0] + model.decoder_intercept_
    assert_allclose(decoded[0][1], last, rtol=1e-12)


def test_every_node_of_a_chain_has_a_code(model, nested):
    codes, index = model.transform_nodes(nested)
    assert codes.shape == (2 * N + 4, 2)
    assert index["height"][0] == index["depth"].max() == N
    assert index["size"][0] == 2 * N


def test_a_chain_has_a_score_and_errors(model, nested):
    assert np.isfinite(model.score_samples(nested)).all()
    assert model.reconstruction_error(nested).shape == (N + 2,)


def test_a_model_of_a_chain_is_pickled(model, nested):
    twin = pickle.loads(pickle.dumps(model))
    assert_array_equal(twin.encoder_left_, model.encoder_left_)


def test_an_unfolded_forest_of_a_chain_is_pickled_and_hashed(model, nested):
    forest = Forest.from_nested(nested)
    decoded = model.inverse_transform(np.ones((2, 2)), structures=forest)
    twin = pickle.loads(pickle.dumps(decoded))
    assert_array_equal(twin.leaf_vectors(), decoded.leaf_vectors())
    assert joblib.hash(twin) == joblib.hash(decoded) != joblib.hash(forest)


@pytest.mark.parametrize("settings", [{"solver": "lbfgs"}, {"pooling": "mean"}])
def test_a_chain_is_fitted_by_lbfgs_and_pooled(settings):
    forest = Forest.from_nested([chain(N, LEAF[:1])])
    # So large a tolerance is met at the start, after one gradient.
    model = make(UnfoldingRAETransformer, **settings, tol=1e12).fit(forest)
    assert np.isfinite(model.transform(forest)).all()


def test_chains_are_searched_in_two_processes_as_a_forest():
    forest = make_chains(8)
    labels = ["rising", "falling"] * 4
    pipeline = make_pipeline(make(UnfoldingRAETransformer), LogisticRegression(C=1e3))
    search = GridSearchCV(
        pipeline,
        {"unfoldingraetransformer__init": ["average"]},
        cv=2,
        n_jobs=2,
        error_score="raise",
    )
    search.fit(forest, labels)
    assert search.best_score_ == 1
    assert list(search.predict(forest[:2])) == labels[:2]


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


@every_estimator
@pytest.mark.parametrize("shape", [lambda n: chain(n, LEAF), wide])
@pytest.mark.parametrize("use", ["fit", "transform", "reconstruct"])
def test_memory_is_linear_in_the_nodes(use, shape, Estimator):
    small, large = (Forest.from_nested([shape(n)]) for n in (3_000, 12_000))
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


def test_unfolding_every_subtree_takes_blocks_of_memory():
    forest = Forest.from_nested([chain(2_000, LEAF)])
    model = make(UnfoldingRAETransformer, unfold_from="all").fit(forest[:1])
    n_unfolded = 2_000**2  # nodes of all subtrees together
    assert peak(lambda: model.score(forest)) < 0.7 * n_unfolded * 7 * 4


@every_estimator
def test_time_is_linear_in_the_depth(Estimator):
    short, long = (Forest.from_nested([chain(n, LEAF)]) for n in (3_000, 24_000))
    model = make(Estimator).fit(short)
    began = perf_counter()
    model.fit(short)
    middle = perf_counter()
    model.fit(long)
    assert perf_counter() - middle < 8 * 5 * (middle - began)
