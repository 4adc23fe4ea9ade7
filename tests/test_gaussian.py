"""The Gaussian of rows with holes, against the textbook by submatrices."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from oracles import conditional, log_likelihood

from sk_autoenc import gaussian
from sk_autoenc.gaussian import Gaussian

N_ROWS, N_FEATURES = 40, 5


def make_rows(n_rows=N_ROWS, missing=0.4, seed=0):
    """Correlated rows about standardised, 9 where nothing is observed."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(n_rows, 2)) @ rng.normal(size=(2, N_FEATURES))
    rows = (rows + 0.5 * rng.normal(size=rows.shape)) / 1.5
    observed = rng.random(rows.shape) >= missing
    return np.where(observed, rows, 9.0), observed


@pytest.fixture
def model(rng):
    """A Gaussian and its covariance."""
    root = rng.normal(size=(N_FEATURES, N_FEATURES))
    covariance = root @ root.T + 0.1 * np.eye(N_FEATURES)
    return Gaussian(rng.normal(size=N_FEATURES), np.linalg.inv(covariance)), covariance


def mean_and_covariance(model):
    return model.mean, np.linalg.inv(model.precision)


# Filling in


def test_holes_get_the_conditional_mean_of_the_textbook(model):
    model, covariance = model
    rows, observed = make_rows()
    filled, _ = gaussian.fill(model, rows, observed)
    for x, seen, result in zip(rows, observed, filled, strict=True):
        expected, _ = conditional(model.mean, covariance, x, seen)
        assert_allclose(result[~seen], expected, rtol=1e-9, atol=1e-10)


def test_what_is_visible_comes_back_as_it_is(model):
    rows, observed = make_rows()
    filled, _ = gaussian.fill(model[0], rows, observed)
    assert_array_equal(filled[observed], rows[observed])


def test_what_is_hidden_is_not_looked_at(model):
    rows, observed = make_rows()
    expected, _ = gaussian.fill(model[0], rows, observed)
    rows[~observed] = np.nan
    filled, _ = gaussian.fill(model[0], rows, observed)
    assert_array_equal(filled, expected)


def test_the_spread_is_the_sum_of_the_conditional_covariances(model):
    model, covariance = model
    rows, observed = make_rows()
    _, spread = gaussian.fill(model, rows, observed, with_covariance=True)
    expected = np.zeros_like(covariance)
    for x, seen in zip(rows, observed, strict=True):
        h = np.flatnonzero(~seen)
        expected[np.ix_(h, h)] += conditional(model.mean, covariance, x, seen)[1]
    assert_allclose(spread, expected, rtol=1e-9, atol=1e-9)


def test_the_spread_asked_for_or_not_the_holes_get_the_same(model):
    rows, observed = make_rows()
    plain, none = gaussian.fill(model[0], rows, observed)
    filled, _ = gaussian.fill(model[0], rows, observed, with_covariance=True)
    assert_allclose(filled, plain, rtol=1e-9, atol=1e-11)
    assert none == 0


@pytest.mark.parametrize("with_covariance", [True, False])
def test_complete_rows_come_back_without_spread(with_covariance, model):
    rows, observed = make_rows(missing=0)
    filled, spread = gaussian.fill(
        model[0], rows, observed, with_covariance=with_covariance
    )
    assert_array_equal(filled, rows)
    assert not np.any(spread)


def test_a_row_with_nothing_observed_gets_the_mean_and_all_of_the_covariance(model):
    model, covariance = model
    rows, observed = np.full((1, N_FEATURES), np.nan), np.zeros((1, N_FEATURES), bool)
    filled, spread = gaussian.fill(model, rows, observed, with_covariance=True)
    assert_allclose(filled[0], model.mean, rtol=1e-12)
    assert_allclose(spread, covariance, rtol=1e-8)


def test_rows_and_what_is_visible_stay_as_they_were(model):
    rows, observed = make_rows()
    before = rows.copy(), observed.copy()
    gaussian.fill(model[0], rows, observed, with_covariance=True)
    assert_array_equal(rows, before[0])
    assert_array_equal(observed, before[1])


@pytest.mark.parametrize("with_covariance", [True, False])
def test_small_blocks_change_nothing(with_covariance, model, monkeypatch):
    rows, observed = make_rows()
    expected, spread = gaussian.fill(
        model[0], rows, observed, with_covariance=with_covariance
    )
    monkeypatch.setattr(gaussian, "BLOCK_ENTRIES", 30)
    filled, same_spread = gaussian.fill(
        model[0], rows, observed, with_covariance=with_covariance
    )
    assert_allclose(filled, expected, rtol=1e-11, atol=1e-12)
    assert_allclose(same_spread, spread, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("block_entries", [1, 30, 10**6])
def test_blocks_hold_every_row_with_holes_once_and_all_of_its_holes(
    block_entries, monkeypatch
):
    monkeypatch.setattr(gaussian, "BLOCK_ENTRIES", block_entries)
    _, visible = make_rows()
    visible[3], visible[7] = True, False
    seen = []
    for rows, hidden, is_padding in gaussian.blocks_of_hidden(visible):
        assert hidden.shape == is_padding.shape
        for row, places, padding in zip(rows, hidden, is_padding, strict=True):
            assert_array_equal(places[~padding], np.flatnonzero(~visible[row]))
            assert (np.diff(padding.astype(int)) >= 0).all()  # at the end
        seen += rows.tolist()
    assert sorted(seen) == np.flatnonzero(~visible.all(axis=1)).tolist()


# Learning


def test_complete_rows_give_the_shrunk_covariance_exactly():
    rows, observed = make_rows(missing=0)
    mean, covariance = mean_and_covariance(
        gaussian.expectation_maximisation(rows, observed)
    )
    assert_allclose(mean, rows.mean(axis=0), rtol=1e-12, atol=1e-14)
    r = gaussian.PRIOR_ROWS * (N_FEATURES + 2)
    scatter = (rows - mean).T @ (rows - mean)
    expected = (scatter + r * np.eye(N_FEATURES)) / (N_ROWS + r)  # Eq. (61)
    assert_allclose(covariance, expected, rtol=1e-9, atol=1e-12)


def penalised_likelihood(model, rows, observed):
    """What Eqs. (60, 61) climb.

    A step of (61) maximises -(n + r)/2 log|S| - tr(S^-1 (scatter + r I))/2, so that the
    prior's part is -r/2 (log|S| + tr(S^-1)).
    """
    mean, covariance = mean_and_covariance(model)
    r = gaussian.PRIOR_ROWS * (len(mean) + 2)
    prior = r / 2 * (np.linalg.slogdet(covariance)[1] + np.trace(model.precision))
    return log_likelihood(mean, covariance, rows, observed) - prior


@pytest.mark.parametrize("missing", [0.1, 0.5, 0.8])
def test_the_penalised_likelihood_of_what_is_observed_never_falls(missing, monkeypatch):
    rows, observed = make_rows(missing=missing)
    monkeypatch.setattr(gaussian, "TOLERANCE", 0.0)
    values = []
    for n_steps in range(1, 16):
        monkeypatch.setattr(gaussian, "N_STEPS", n_steps)
        model = gaussian.expectation_maximisation(rows, observed)
        values.append(penalised_likelihood(model, rows, observed))
    assert (np.diff(values) > -1e-9).all()
    assert values[-1] > values[0] + 0.1


def test_the_limit_is_a_stationary_point_of_the_penalised_likelihood(monkeypatch):
    rows, observed = make_rows(missing=0.3)
    monkeypatch.setattr(gaussian, "TOLERANCE", 0.0)
    monkeypatch.setattr(gaussian, "N_STEPS", 300)
    model = gaussian.expectation_maximisation(rows, observed)
    mean, covariance = mean_and_covariance(model)
    rng = np.random.default_rng(0)
    for _ in range(5):
        move = rng.normal(size=covariance.shape)
        move = move + move.T
        shift = rng.normal(size=mean.shape)
        above, below = (
            penalised_likelihood(
                Gaussian(mean + step * shift, np.linalg.inv(covariance + step * move)),
                rows,
                observed,
            )
            for step in (1e-5, -1e-5)
        )
        assert (above - below) / 2e-5 == pytest.approx(0, abs=1e-4)


def test_many_rows_give_back_the_gaussian_that_they_are_of(rng):
    covariance = np.array([[1.0, 0.8, 0], [0.8, 1, 0], [0, 0, 1]])
    rows = rng.multivariate_normal([0.3, 0, -0.2], covariance, 4000)
    observed = rng.random(rows.shape) > 0.3
    mean, learned = mean_and_covariance(
        gaussian.learn(rows.astype(np.float32), observed, rng)
    )
    assert_allclose(mean, [0.3, 0, -0.2], atol=0.08)
    assert_allclose(learned, covariance, atol=0.08)


def test_what_is_not_observed_is_not_learned_from(rng):
    rows, observed = make_rows()
    model = gaussian.learn(rows, observed, rng)
    rows[~observed] = -1e3
    assert_array_equal(gaussian.learn(rows, observed, rng).precision, model.precision)


def test_more_columns_than_rows_have_a_covariance():
    rng = np.random.default_rng(0)
    rows, observed = rng.normal(size=(3, 10)), rng.random((3, 10)) > 0.2
    model = gaussian.learn(rows, observed, rng)
    assert (np.linalg.eigvalsh(model.precision) > 0).all()


@pytest.mark.parametrize("kind", ["nothing observed in a column", "constant", "twins"])
def test_odd_columns_leave_the_covariance_positive(kind, rng):
    rows, observed = make_rows()
    if kind == "constant":
        rows[:, 1] = 0
    elif kind == "twins":
        rows[:, 1], observed[:, 1] = rows[:, 0], observed[:, 0]
    else:
        observed[:, 1] = False
    model = gaussian.learn(rows, observed, rng)
    assert np.isfinite(model.mean).all()
    assert (np.linalg.eigvalsh(model.precision) > 0).all()


def test_a_column_never_observed_has_mean_0_and_variance_1(rng):
    rows, observed = make_rows()
    observed[:, 1] = False
    mean, covariance = mean_and_covariance(gaussian.learn(rows, observed, rng))
    assert mean[1] == pytest.approx(0, abs=1e-9)
    assert covariance[1, 1] == pytest.approx(1, abs=1e-6)


def test_too_wide_rows_are_left_alone(rng, monkeypatch):
    rows, observed = make_rows()
    monkeypatch.setattr(gaussian, "WORK", 1.0)
    assert gaussian.learn(rows, observed, rng) is None
    wide = np.zeros((2, 10_000), np.float32)
    monkeypatch.undo()
    assert gaussian.learn(wide, np.zeros(wide.shape, bool), rng) is None


def test_a_start_saves_steps_and_leads_to_the_same_limit(monkeypatch, rng):
    rows, observed = make_rows(200)
    expected = gaussian.learn(rows, observed, rng)
    monkeypatch.setattr(gaussian, "N_STEPS", 5)
    start = gaussian.learn(rows[:150], observed[:150], rng, expected)
    model = gaussian.learn(rows, observed, rng, start)
    for result, limit in zip(*map(mean_and_covariance, (model, expected)), strict=True):
        assert_allclose(result, limit, atol=0.02)
    assert np.abs(gaussian.learn(rows, observed, rng).mean - expected.mean).max() > 0.02


def test_of_too_many_rows_some_are_learned_from(monkeypatch):
    rows, observed = make_rows(200)
    per_row = gaussian.N_STEPS * (
        2 * (~observed).sum(axis=1).mean() ** 3 + 4 * N_FEATURES**2
    )
    monkeypatch.setattr(gaussian, "WORK", 50.5 * per_row)
    learned_from = []

    def note(rows, observed, start):
        learned_from.append((rows, observed))

    monkeypatch.setattr(gaussian, "expectation_maximisation", note)
    gaussian.learn(rows, observed, np.random.default_rng(0))
    ((some, seen),) = learned_from
    assert some.shape == seen.shape == (50, N_FEATURES)
    assert {tuple(row) for row in some} <= {tuple(row) for row in rows}
    assert len({tuple(row) for row in some}) == 50
