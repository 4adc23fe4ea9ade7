"""Missing entries of rows: NaN is hidden from the encoder and weighs nothing."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from numpy.testing import assert_allclose, assert_array_equal
from oracles import Oracle
from row_models import dense_or_sparse, every_corruption, make, outputs
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.utils import get_tags

from sk_autoenc.feeds import RowFeed

EMPHASES = pytest.mark.parametrize("emphasis", [(1.0, 1.0), (2.0, 0.5)])


@pytest.fixture
def holes(X):
    """X with a third of the entries missing, and a row of nothing else."""
    X = X.copy()
    X[np.random.default_rng(3).random(X.shape) < 0.3] = np.nan
    X[7] = np.nan
    return X


def noise(X, level, rng):
    return X + level * rng.normal(size=X.shape)


@dense_or_sparse
@EMPHASES
@pytest.mark.parametrize("corruption", ["masking", "gaussian", "swap", None, noise])
def test_the_weight_of_a_missing_entry_is_0_and_nobody_sees_it(
    corruption, emphasis, container, holes
):
    if corruption is None:
        emphasis = (1.0, 1.0)
    model = make(corruption=corruption, emphasis=emphasis, loss="squared_error")
    feed = model._problem(container(holes), None, reset=True).objective.feed
    batch = feed(np.arange(20))
    missing = np.isnan(holes[:20])
    inputs = batch.inputs
    inputs = inputs.toarray() if scipy.sparse.issparse(inputs) else inputs
    for hidden in (inputs, batch.targets, batch.entry_weights):
        assert (hidden[missing] == 0).all()
    assert (batch.entry_weights[~missing] > 0).all()
    assert_array_equal(batch.targets[~missing], holes[:20][~missing])


@dense_or_sparse
def test_loss_and_gradient_are_those_of_the_observed_entries(container, holes):
    model = make(corruption=None, activation="tanh", alpha=0.1)
    objective, parameters = model._problem(container(holes), None, reset=True)[3:1:-1]
    rows = np.arange(len(holes))
    value, gradient = objective(parameters, rows)
    gradient = gradient.flat.copy()
    filled, observed = np.nan_to_num(holes), ~np.isnan(holes)

    def expected(flat):
        network = parameters.like(flat)
        oracle = Oracle(
            network.weights,
            network.intercept_hidden,
            network.intercept_visible,
            activation="tanh",
        )
        losses = [
            oracle.entry_losses(x, x)[seen].sum()
            for x, seen in zip(filled, observed, strict=True)
        ]
        return np.mean(losses) + 0.05 * (network.weights**2).sum()

    assert value == pytest.approx(expected(parameters.flat), rel=1e-12)
    direction = np.random.default_rng(0).normal(size=gradient.shape)
    above, below = (expected(parameters.flat + s * direction) for s in (1e-6, -1e-6))
    assert (above - below) / 2e-6 == pytest.approx(gradient @ direction, rel=1e-6)


@dense_or_sparse
def test_a_missing_entry_is_encoded_as_a_masked_one(container, holes):
    model = make().fit(container(holes))
    filled = np.nan_to_num(holes)
    for name in ("transform", "reconstruct"):
        method = getattr(model, name)
        assert_allclose(method(container(holes)), method(filled), rtol=1e-12)


@dense_or_sparse
def test_sparse_rows_with_missing_entries_are_learned_like_dense_ones(container, holes):
    settings = {"corruption": "swap"}  # the same draws for both
    dense, other = make(**settings).fit(holes), make(**settings).fit(container(holes))
    for name, values in outputs(dense, holes).items():
        assert_allclose(outputs(other, container(holes))[name], values, rtol=1e-10)


@every_corruption
def test_all_outputs_are_finite(corruption, holes):
    for value in outputs(make(corruption=corruption).fit(holes), holes).values():
        assert np.isfinite(value).all()


@dense_or_sparse
def test_errors_of_missing_entries_are_0_and_scores_are_scaled_up(container, holes):
    model = make().fit(container(holes))
    errors = model.reconstruction_error(container(holes))
    missing = np.isnan(holes)
    assert (errors[missing] == 0).all()
    expected = (model.reconstruct(holes) - holes) ** 2
    assert_allclose(errors[~missing], expected[~missing], rtol=1e-9)
    scores = model.score_samples(container(holes))
    n_observed = (~missing).sum(axis=1)
    some = n_observed > 0
    scaled = -errors.sum(axis=1)[some] / 2 * 8 / n_observed[some]
    assert_allclose(scores[some], scaled, rtol=1e-9)
    assert scores[~some] == 0
    assert model.score(container(holes)) == pytest.approx(scores.mean())


def test_statistics_are_of_the_observed_entries(holes):
    for container in (np.asarray, scipy.sparse.csr_array):
        model = make().fit(container(holes))
        assert_array_equal(model.data_min_, np.nanmin(holes, axis=0))
        assert_array_equal(model.data_max_, np.nanmax(holes, axis=0))
        assert model.loss_name_ == "cross_entropy"


@pytest.mark.parametrize("tied_weights", [True, False])
def test_of_a_feature_never_observed_nothing_is_said(tied_weights, X_real):
    X_real[:, 2] = np.nan
    model = make(tied_weights=tied_weights).fit(X_real)
    assert (model.reconstruct(X_real)[:, 2] == 0).all()
    assert np.isnan(model.data_min_[2])
    X_real[:, 2] = 5.0
    assert_array_equal(model.data_min_[:2], np.nanmin(X_real, axis=0)[:2])
    assert not model.components_[:, 2].any()


def test_a_feature_observed_later_is_learned_from_then_on(X_real):
    first = X_real.copy()
    first[:, 2] = np.nan
    model = make().partial_fit(first)
    for _ in range(30):
        model.partial_fit(X_real)
    assert_array_equal(model.data_min_, X_real.min(axis=0))
    assert model.reconstruct(X_real)[:, 2].std() > 0.1 * X_real[:, 2].std()


def test_holes_are_filled_better_than_by_means(X_real):
    X_real = np.tile(X_real, (5, 1))
    missing = np.random.default_rng(0).random(X_real.shape) < 0.2
    holes = np.where(missing, np.nan, X_real)
    model = make(n_components=16, max_iter=100, tied_weights=False).fit(holes)
    error = (model.reconstruct(holes) - X_real)[missing]
    by_means = (np.nanmean(holes, axis=0) - X_real)[missing]
    assert (error**2).mean() < 0.5 * (by_means**2).mean()


def test_rows_with_holes_go_through_pipelines_searches_and_frames(holes):
    frame = pd.DataFrame(holes, columns=list("abcdefgh"))
    search = GridSearchCV(
        make_pipeline(StandardScaler(), make()),
        {"denoisingautoencoder__corruption_level": [0.1, 0.4]},
        cv=2,
        error_score="raise",
    ).fit(frame)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert make_pipeline(MinMaxScaler(), make()).fit_transform(frame).shape == (60, 4)


def test_lbfgs_and_early_stopping_take_holes(holes):
    stopped = make(early_stopping=True).fit(holes)
    assert np.isfinite(stopped.validation_loss_curve_).all()
    at_once = make(solver="lbfgs", corruption=None, max_iter=5)
    with pytest.warns(match="Maximum iterations"):
        at_once.fit(holes)
    assert at_once.loss_curve_[-1] < at_once.loss_curve_[0]


def test_single_precision_stays(holes):
    model = make().fit(holes.astype(np.float32))
    assert model.components_.dtype == np.float32
    for value in outputs(model, holes.astype(np.float32)).values():
        assert value.dtype == np.float32


def test_what_was_passed_stays_as_it_was(holes):
    for X in (holes, scipy.sparse.csr_array(holes)):
        before = X.copy()
        outputs(make().fit(X), X)
        if scipy.sparse.issparse(X):
            X, before = X.toarray(), before.toarray()
        assert_array_equal(X, before)


def test_nothing_observed_at_all_is_refused():
    with pytest.raises(ValueError, match="Every entry of X is missing"):
        make().fit(np.full((20, 3), np.nan))


def test_a_chunk_without_an_observed_entry_changes_nothing(X):
    model = make().fit(X)
    before = model.components_.copy()
    with pytest.raises(ValueError, match="Every entry of X is missing"):
        model.partial_fit(X * np.nan)
    assert_array_equal(model.components_, before)


@dense_or_sparse
def test_single_precision_rows_are_scored_by_a_double_precision_model(container, holes):
    model = make().fit(holes)
    single = container(holes.astype(np.float32))
    scores = model.score_samples(single)
    assert scores.dtype == np.float64
    assert_allclose(scores, model.score_samples(holes), rtol=1e-5)
    assert (model.reconstruction_error(single)[np.isnan(holes)] == 0).all()
    assert not np.signbit(scores[7])  # nothing observed: 0, not -0


@pytest.mark.parametrize("value", [np.inf, -np.inf])
def test_infinity_beside_holes_is_refused(value, holes):
    holes[0, 0] = value
    with pytest.raises(ValueError, match="infinity"):
        make().fit(holes)


def test_a_sum_that_overflows_is_no_hole():
    X = np.array([[1e308, 1e308, -1e308, -1e308]] * 2)
    feed = RowFeed(X)
    assert_array_equal(feed(slice(0, 2)).targets, X)
    assert_array_equal(feed.observed_share(), 1.0)


def test_the_tag_says_that_holes_are_taken():
    assert get_tags(make()).input_tags.allow_nan


def test_a_missing_entry_counts_nothing_even_if_its_error_is_infinite():
    linear = {"loss": "squared_error", "activation": "identity", "corruption": None}
    model = make(n_components=2, batch_size=3, **linear).fit(np.eye(3))
    with np.errstate(over="ignore"):
        scores = model.score_samples([[1e200, np.nan, 0.0]])
    assert scores == -np.inf
