"""The closed form minimises what it says, however rows come in."""

import pickle

import numpy as np
import pytest
import scipy.sparse
from numpy.testing import assert_allclose, assert_array_equal
from oracles import expected_denoiser
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import estimator_checks_generator

from sk_autoenc import MarginalizedDenoisingAutoencoder
from sk_autoenc.parts.activations import ACTIVATIONS

FORMATS = {"dense": np.asarray, "sparse": scipy.sparse.csr_array}
every_format = pytest.mark.parametrize("convert", FORMATS.values(), ids=FORMATS)
every_width = pytest.mark.parametrize(
    "changes", [{}, {"block_size": 5}], ids=["one block", "three blocks"]
)


def make(**changes):
    return MarginalizedDenoisingAutoencoder(**{"random_state": 0} | changes)


@pytest.fixture
def rows(rng):
    """60 rows of 12 features, of which many are 0."""
    mixed = rng.random((60, 3)) @ rng.random((3, 12))
    return np.where(rng.random(mixed.shape) < 0.6, mixed, 0.0)


def w(model, layer=0):
    """W, with its last column."""
    return np.column_stack([model.coefs_[layer].T, model.intercepts_[layer]])


# What is learned


@pytest.mark.parametrize("level", [0.0, 0.3, 0.9])
def test_no_other_map_has_a_smaller_expected_error(level, rng):
    rows, weights = rng.normal(size=(9, 4)), rng.random(9)
    model = make(corruption_level=level, ridge=0.01).fit(rows, sample_weight=weights)
    expected = expected_denoiser(rows, weights, level, 0.01)
    assert_allclose(w(model), expected, rtol=1e-9, atol=1e-12)


def test_blocks_each_guess_the_same_features_and_are_averaged(rng):
    rows = rng.normal(size=(9, 7)) * np.array([1, 90, 2, 80, 3, 70, 4])
    model = make(block_size=3, ridge=0.01).fit(rows)
    assert_array_equal(model.reconstructed_features_, [1, 3, 5])
    blocks, outputs, _ = make(block_size=3).partial_fit(rows)._moments
    assert_array_equal(np.sort(np.concatenate(blocks)), np.arange(7))
    assert [len(block) for block in blocks] == [3, 2, 2]
    assert_array_equal(outputs, model.reconstructed_features_)
    guesses = np.zeros((9, 3))
    for block in blocks:
        ones = np.column_stack([rows[:, block], np.ones(9)])
        of_block = expected_denoiser(
            rows[:, block], np.ones(9), 0.5, 0.01, rows[:, outputs]
        )
        guesses += ones @ of_block.T / len(blocks)
    assert_allclose(model.transform(rows), np.tanh(guesses), rtol=1e-9)


@every_width
def test_each_layer_takes_the_codes_of_the_one_below(changes, rows):
    both = make(n_layers=2, layers="all", **changes).fit(rows)
    first = make(**changes).fit(rows)
    below = first.transform(rows)
    second = make().fit(below)
    expected = np.hstack([below, second.transform(below)])
    assert_allclose(both.transform(rows), expected, rtol=1e-9, atol=1e-12)
    deepest = make(n_layers=2, **changes).fit(rows).transform(rows)
    assert_allclose(deepest, expected[:, below.shape[1] :], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_activation_squashes_the_reconstruction(activation, rows):
    linear = make(activation="identity").fit(rows).transform(rows)
    codes = make(activation=activation).fit(rows).transform(rows)
    assert_allclose(codes, ACTIVATIONS[activation].value(linear), atol=1e-12)


# However rows come


@every_width
@every_format
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_sparse_rows_and_single_precision_learn_the_same(dtype, convert, changes, rows):
    rows = rows.astype(dtype)
    expected = make(**changes).fit(rows.astype(float)).transform(rows.astype(float))
    codes = make(**changes).fit(convert(rows)).transform(convert(rows))
    assert codes.dtype == dtype
    assert_allclose(
        codes, expected, rtol=0, atol=1e-12 if dtype is np.float64 else 1e-5
    )


@every_format
def test_parts_in_any_order_learn_what_all_rows_do(convert, rows, rng):
    whole, parts = make().fit(convert(rows)), make()
    for part in np.array_split(rng.permutation(rows), 7):
        parts.partial_fit(convert(part))
    assert_allclose(w(parts), w(whole), rtol=1e-9, atol=1e-12)
    assert_allclose(w(whole.partial_fit(rows)), w(make().fit(np.vstack([rows, rows]))))


def test_parts_of_wide_rows_keep_the_blocks_of_the_first(rows):
    half, changes = rows[:30], {"block_size": 5}
    parts = make(**changes).partial_fit(half)
    assert_allclose(w(parts), w(make(**changes).fit(half)), rtol=1e-9, atol=1e-12)
    chosen = parts.reconstructed_features_
    parts.partial_fit(rows[30:])
    assert_array_equal(parts.reconstructed_features_, chosen)
    twice = make(**changes).partial_fit(half).partial_fit(half)
    once = make(**changes).fit(half, sample_weight=np.full(30, 2))
    assert_allclose(w(twice), w(once), rtol=1e-9, atol=1e-12)


@every_width
@every_format
def test_a_weight_is_a_number_of_copies(convert, changes, rows, rng):
    changes = changes | {"n_layers": 2}
    weights = rng.integers(0, 3, len(rows))
    weighted = make(**changes).fit(convert(rows), sample_weight=weights)
    copied = make(**changes).fit(convert(np.repeat(rows, weights, axis=0)))
    for layer in range(2):
        assert_allclose(w(weighted, layer), w(copied, layer), rtol=1e-8, atol=1e-10)


def test_rows_in_blocks_of_memory_add_up(rows, monkeypatch):
    expected = w(make(n_layers=2).fit(rows), 1)
    monkeypatch.setattr("sk_autoenc.feeds.BLOCK_ENTRIES", 100)
    assert_allclose(w(make(n_layers=2).fit(rows), 1), expected, rtol=1e-9, atol=1e-12)


@every_format
def test_the_callers_rows_and_weights_are_not_changed(convert, rows):
    X, weights = convert(rows), np.ones(len(rows))
    model = make(activation="identity").fit(X, sample_weight=weights)
    model.inverse_transform(model.transform(X))
    assert_array_equal(X.toarray() if convert is not np.asarray else X, rows)
    assert_array_equal(weights, 1)


# Back


@pytest.mark.parametrize("activation", ["tanh", "identity", "logistic"])
def test_codes_become_the_reconstructions_that_they_were(activation, rows):
    linear = make(activation="identity").fit(rows).transform(rows)
    for changes in {}, {"n_layers": 2, "layers": "all"}:
        model = make(activation=activation, **changes).fit(rows)
        back = model.inverse_transform(model.transform(rows))
        assert_allclose(back, linear, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_codes_at_their_ends_come_back_finite(activation):
    rows = 1000 * np.eye(4)
    for dtype in np.float64, np.float32:
        model = make(activation=activation, n_layers=2).fit(rows.astype(dtype))
        back = model.inverse_transform(model.transform(rows.astype(dtype)))
        assert np.isfinite(back).all()
        assert back.dtype == dtype


def test_features_that_nothing_reconstructs_come_back_as_0(rows):
    model = make(block_size=5).fit(rows)
    back = model.inverse_transform(model.transform(rows))
    others = np.setdiff1d(np.arange(12), model.reconstructed_features_)
    assert back.shape == rows.shape
    assert not back[:, others].any()


# As an estimator


@pytest.mark.parametrize(
    ("estimator", "check"),
    [
        pytest.param(estimator, check, id=check.func.__name__)
        for estimator, check in estimator_checks_generator(
            MarginalizedDenoisingAutoencoder()
        )
    ],
)
def test_the_checks_of_scikit_learn(estimator, check):
    check(estimator)


def test_blocks_depend_on_random_state_alone(rows):
    def fit(seed):
        return make(block_size=5, random_state=seed).fit(rows)

    assert_array_equal(w(fit(1)), w(fit(1)))
    assert np.abs(w(fit(1)) - w(fit(2))).max() > 0
    assert_array_equal(
        w(make(random_state=1).fit(rows)), w(make(random_state=2).fit(rows))
    )


def test_what_is_saved_goes_on(rows):
    model = pickle.loads(pickle.dumps(make().fit(rows)))
    assert_array_equal(
        w(model.partial_fit(rows)), w(make().fit(rows).partial_fit(rows))
    )
    assert not hasattr(clone(model), "coefs_")


def test_features_out_have_names_for_each_code(rows):
    model = make(n_layers=2, layers="all").set_output(transform="pandas")
    frame = model.fit_transform(rows)
    assert frame.shape == (60, 24)
    assert list(frame) == list(model.get_feature_names_out())
    assert frame.columns[-1] == "marginalizeddenoisingautoencoder23"


def test_in_a_grid_search_of_a_pipeline():
    X, y = load_digits(return_X_y=True)
    pipeline = make_pipeline(
        MarginalizedDenoisingAutoencoder(layers="all"), LogisticRegression(max_iter=300)
    )
    grid = {
        "marginalizeddenoisingautoencoder__corruption_level": [0.2, 0.8],
        "marginalizeddenoisingautoencoder__n_layers": [1, 2],
    }
    search = GridSearchCV(pipeline, grid, cv=3).fit(X[:600] / 16, y[:600])
    assert search.best_score_ > 0.8


# What is refused


def test_a_ridge_that_rounding_eats_is_named():
    model = MarginalizedDenoisingAutoencoder(corruption_level=0.0)
    with pytest.raises(ValueError, match=r"ridge=1e-05 is lost"):
        model.fit(np.full((10, 3), 2.0**20))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n_layers": 0}, "'n_layers' parameter"),
        ({"corruption_level": 1.0}, "'corruption_level' parameter"),
        ({"corruption_level": -0.1}, "'corruption_level' parameter"),
        ({"ridge": 0.0}, "'ridge' parameter"),
        ({"activation": "sigmoid"}, "'activation' parameter"),
        ({"block_size": 0}, "'block_size' parameter"),
        ({"layers": "first"}, "'layers' parameter"),
    ],
)
def test_parameters_out_of_range_are_refused(changes, message, rows):
    model = make(**changes)
    with pytest.raises(ValueError, match=message):
        model.fit(rows)
    assert not hasattr(model, "coefs_")


def test_squares_that_overflow_are_refused(rows):
    with pytest.raises(ValueError, match=r"squares do not fit .* Scale X"):
        make().fit(rows * 1e200)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@every_format
def test_what_is_not_a_number_is_refused(convert, bad, rows):
    rows[0, 0] = bad
    with pytest.raises(ValueError, match="contains"):
        make().fit(convert(rows))


def test_several_layers_have_no_partial_fit():
    with pytest.raises(AttributeError) as error:
        make(n_layers=2).partial_fit([[1.0, 2.0]])
    assert "n_layers=2 each layer needs all rows anew" in str(error.value.__cause__)


@pytest.mark.parametrize("changes", [{"block_size": 5}, {"n_layers": 2}])
def test_what_kept_no_moments_does_not_go_on(changes, rows):
    model = make(**changes).fit(rows)
    model.n_layers = 1
    before = w(model)
    with pytest.raises(ValueError, match=r"keeps no moments .* Begin with partial_fit"):
        model.partial_fit(rows)
    assert_array_equal(w(model), before)


def test_codes_of_another_length_are_refused(rows):
    model = make().fit(rows)
    with pytest.raises(ValueError, match="is expecting 12 features as input: codes"):
        model.inverse_transform(np.ones((1, 3)))


def test_nothing_is_read_before_fit(rows):
    with pytest.raises(NotFittedError):
        make().transform(rows)
