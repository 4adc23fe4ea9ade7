import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.decomposition import PCA

from sk_autoenc import ReconstructionOutlierDetector
from sk_autoenc.neighbours import MOST_ROWS, Neighbours


def usual(n_rows=200, n_features=3, seed=0):
    return np.random.default_rng(seed).normal(size=(n_rows, n_features))


def learn(X):
    return Neighbours.learn(X, np.random.default_rng(0))


def test_it_is_the_logarithm_of_the_distance_from_the_fifth_nearest_row():
    X, new = usual(), usual(4, seed=1)
    near = learn(X)
    kept = near.scale(X)
    for row, logarithm in zip(near.scale(new), near(new), strict=True):
        fifth = np.sort(np.square(row - kept).sum(axis=1))[4]
        assert logarithm == pytest.approx(np.log1p(fifth / near.mean_square))


def test_the_mean_square_is_that_of_distances_from_other_rows():
    X = usual(50)
    near = learn(X)
    squares = np.square(near.kept[:, None] - near.kept).sum(axis=2)
    fifth = np.sort(squares, axis=1)[:, 5]  # the first is the row itself
    assert near.mean_square == pytest.approx(fifth.mean())


def test_a_row_of_training_is_not_its_own_neighbour():
    X = usual(50)
    near = learn(X)
    squares = np.square(near.kept[:, None] - near.kept).sum(axis=2)
    fifth = np.sort(squares, axis=1)[:, 5]
    expected = np.log1p(fifth / near.mean_square)
    order = np.random.default_rng(0).permutation(50)  # how `learn` drew them
    assert_allclose(near(X[order]), expected)


def test_the_unit_of_a_feature_does_not_matter():
    X, new = usual(), usual(4, seed=1)
    units = np.array([1.0, 1000.0, 0.001])
    assert_allclose(learn(X * units)(new * units), learn(X)(new), rtol=1e-8)


def test_few_rows_and_equal_rows_have_finite_logarithms():
    for X in (usual(2), np.ones((10, 3))):
        added = learn(X)(np.array([[1.0, 1.0, 1.0], [9.0, -9.0, 0.0]]))
        assert np.isfinite(added).all()
        assert added[1] > added[0]


def test_no_more_than_some_rows_are_kept():
    assert len(learn(usual(MOST_ROWS + 10, 1)).kept) == MOST_ROWS


def test_what_is_missing_adds_nothing():
    X = usual()
    X[::3, 1] = np.nan
    detector = ReconstructionOutlierDetector(random_state=0).fit(X)
    contributions = detector.feature_contributions([[0.1, np.nan, 8.0]])
    assert contributions[0, 1] == 0
    assert np.isfinite(contributions).all()


def test_features_share_the_distance_as_they_share_the_errors():
    X, new = usual(), usual(4, seed=1)
    by_name = {
        name: ReconstructionOutlierDetector(PCA(1), outlier_score=name, random_state=0)
        .fit(X)
        .feature_contributions(new)
        for name in ("hidden", "hidden_near")
    }
    shares = [part / part.sum(axis=1, keepdims=True) for part in by_name.values()]
    # Which features are hidden together is drawn before the rows that are kept.
    assert_allclose(*shares)
    assert (by_name["hidden_near"] > by_name["hidden"]).all()


def test_a_row_between_two_clusters_is_found_by_the_distance():
    rng = np.random.default_rng(0)
    center = rng.choice([-3.0, 3.0], (300, 2))
    X = center + 0.2 * rng.normal(size=(300, 2))
    scores = {}
    for name in ("hidden", "hidden_near"):
        detector = ReconstructionOutlierDetector(outlier_score=name, random_state=0)
        detector.fit(X)
        between, usual = detector.score_samples([[0.0, 0.0]]), detector.score_samples(X)
        scores[name] = (between < usual).mean()
    assert scores["hidden_near"] == 1.0
    assert scores["hidden"] < 1.0
