"""Outlier scores: by their definitions, from residuals."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from sk_autoenc.parts.outlier_scores import OUTLIER_SCORES, SHRINKAGE


@pytest.fixture
def residuals(rng):
    return rng.normal(size=(50, 4)) @ rng.normal(size=(4, 4)) * [1, 1e3, 1e-3, 2]


def contributions(name, training, residuals):
    score = OUTLIER_SCORES[name]
    n_values = np.full(training.shape[1], len(training))
    return score.contributions(residuals, score.learn(training, n_values))


every_score = pytest.mark.parametrize("name", OUTLIER_SCORES)


@every_score
def test_no_residual_contributes_nothing(name, residuals):
    assert not contributions(name, residuals, np.zeros((3, 4))).any()


@every_score
def test_a_row_is_scored_by_itself(name, residuals):
    all_at_once = contributions(name, residuals, residuals)
    assert_allclose(contributions(name, residuals, residuals[7:8])[0], all_at_once[7])


@pytest.mark.parametrize("name", [n for n in OUTLIER_SCORES if n != "mahalanobis"])
def test_a_larger_residual_contributes_more_and_others_as_before(name, residuals):
    larger = residuals.copy()
    larger[:, 2] *= 3
    before = contributions(name, residuals, residuals)
    after = contributions(name, residuals, larger)
    assert (after[:, 2] > before[:, 2]).all()
    assert_allclose(np.delete(after, 2, axis=1), np.delete(before, 2, axis=1))


@pytest.mark.parametrize("name", [n for n in OUTLIER_SCORES if n != "squared_error"])
def test_the_unit_of_a_feature_does_not_count(name, residuals):
    factors = np.array([1e5, 1e-4, 3.0, 0.5])
    assert_allclose(
        contributions(name, residuals * factors, residuals * factors),
        contributions(name, residuals, residuals),
        rtol=1e-6,
        atol=1e-9,
    )


def test_ratios_have_the_mean_one_in_training(residuals):
    assert_allclose(contributions("ratio", residuals, residuals).mean(axis=0), 1)


def test_missing_values_do_not_lower_the_mean_in_training(residuals):
    score = OUTLIER_SCORES["ratio"]
    with_holes = np.vstack([residuals, np.zeros((50, 4))])
    assert_allclose(
        score.learn(with_holes, np.full(4, 50)), score.learn(residuals, np.full(4, 50))
    )


def test_the_log_of_a_residual_of_usual_size_is_that_of_two(residuals):
    usual = np.sqrt((residuals**2).mean(axis=0))[None]
    assert_allclose(contributions("log", residuals, usual), np.log(2))


def test_mahalanobis_is_the_distance_by_the_shrunken_correlation(residuals):
    moments = residuals.T @ residuals / len(residuals)
    spread = np.sqrt(np.diag(moments))
    shrunken = moments * (1 - SHRINKAGE) + np.diag(spread**2) * SHRINKAGE
    expected = np.einsum("ij,jk,ik->i", residuals, np.linalg.inv(shrunken), residuals)
    found = contributions("mahalanobis", residuals, residuals).sum(axis=1)
    assert_allclose(found, expected)


@every_score
def test_a_feature_that_never_had_an_error_gives_finite_contributions(name, residuals):
    residuals[:, 1] = 0
    changed = np.array([[0.0, 3.0, 0.0, 0.0]])
    found = contributions(name, residuals, changed)
    assert np.isfinite(found).all()
    assert found.argmax() == 1
