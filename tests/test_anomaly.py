"""ReconstructionOutlierDetector: outliers by what a model cannot give back."""

import pickle

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.impute import KNNImputer
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import estimator_checks_generator
from tree_models import make_trees

from sk_autoenc import (
    DenoisingAutoencoder,
    Forest,
    ReconstructionOutlierDetector,
    UnfoldingRAETransformer,
)
from sk_autoenc.parts.outlier_scores import OUTLIER_SCORES

AUTOENCODER = DenoisingAutoencoder(8, max_iter=5, random_state=0)
PIPELINE = make_pipeline(StandardScaler(), AUTOENCODER)
TREE_MODEL = UnfoldingRAETransformer(max_iter=3)
CHECKED = {
    "default": ReconstructionOutlierDetector(),
    "PCA": ReconstructionOutlierDetector(PCA(1)),
    "autoencoder": ReconstructionOutlierDetector(PIPELINE),
    "trees": ReconstructionOutlierDetector(TREE_MODEL),
    **{
        name: ReconstructionOutlierDetector(PIPELINE, outlier_score=name)
        for name in OUTLIER_SCORES
    },
}
CHECKS = [
    pytest.param(check, estimator, id=f"{name}-{check.func.__name__}")
    for name, detector in CHECKED.items()
    for estimator, check in estimator_checks_generator(detector)
]

every_score = pytest.mark.parametrize("name", OUTLIER_SCORES)


@pytest.mark.filterwarnings("ignore:The loss rose")
@pytest.mark.parametrize(("check", "estimator"), CHECKS)
def test_scikit_learns_checks_pass(check, estimator):
    check(estimator)


def test_no_check_is_switched_off_by_a_tag():
    tags = get_tags(ReconstructionOutlierDetector())
    assert tags.estimator_type == "outlier_detector"
    assert not tags.no_validation
    assert not tags.non_deterministic
    assert not tags._skip_test
    assert tags.input_tags.two_d_array


def make_usual(n_rows=200, seed=0):
    """Five columns, of which two numbers decide all, in very different units."""
    rng = np.random.default_rng(seed)
    hidden = rng.normal(size=(n_rows, 2))
    mixed = hidden @ np.array([[1.0, 1.0, 0.0, 0.5, -1.0], [0.0, 1.0, 1.0, -0.5, 1.0]])
    noise = 0.1 * rng.normal(size=mixed.shape)
    return (mixed + noise) * [1, 1000, 1e-3, 1, 1] + [0, 5e4, 0, 0, -7]


def make_unusual(n_rows=60, seed=1):
    """Rows in which one column, whose number comes along, is that of another row."""
    X = make_usual(n_rows, seed)
    rng = np.random.default_rng(seed)
    guilty = rng.integers(5, size=n_rows)
    rows = np.arange(n_rows)
    wrong = X.mean(axis=0) - 2.5 * np.sign(X - X.mean(axis=0)) * X.std(axis=0)
    X[rows, guilty] = wrong[rows, guilty]
    return X, guilty


def area(detector, n_rows=60):
    X = np.vstack([make_usual(n_rows, 2), make_unusual(n_rows)[0]])
    return roc_auc_score(np.repeat([1, 0], n_rows), detector.score_samples(X))


@pytest.fixture(scope="module")
def fitted():
    return ReconstructionOutlierDetector(random_state=0).fit(make_usual())


def test_rows_that_break_the_pattern_score_lower_than_those_that_keep_it(fitted):
    assert area(fitted) > 0.95


@every_score
def test_every_score_finds_what_breaks_the_pattern(name):
    detector = ReconstructionOutlierDetector(
        make_pipeline(StandardScaler(), PCA(2)), outlier_score=name, random_state=0
    )
    # Features count by their unit in a plain squared error: all have the same here.
    width = make_usual().std(axis=0)
    detector.fit(make_usual() / width)
    X = np.vstack([make_usual(60, 2), make_unusual()[0]]) / width
    assert roc_auc_score(np.repeat([1, 0], 60), detector.score_samples(X)) > 0.9


def test_tumours_are_told_apart_in_their_own_units():
    tumours = load_breast_cancer()
    benign, malignant = (tumours.data[tumours.target == kind] for kind in (1, 0))
    detector = ReconstructionOutlierDetector(random_state=0).fit(benign[::2])
    X = np.vstack([benign[1::2], malignant])
    is_benign = np.repeat([1, 0], [len(benign[1::2]), len(malignant)])
    assert roc_auc_score(is_benign, detector.score_samples(X)) > 0.93


def test_outliers_in_the_training_data_do_little_harm(fitted):
    rows = np.vstack([make_usual(), make_unusual(20, seed=5)[0]])
    contaminated = clone(fitted).fit(rows)
    assert area(contaminated) > area(fitted) - 0.05


def test_a_gross_outlier_in_training_does_not_hide_the_others(fitted):
    X = make_usual()
    X[3] = 1e12
    detector = clone(fitted).fit(X)
    assert area(detector) > area(fitted) - 0.05
    assert detector.predict(X)[3] == -1


@every_score
def test_contributions_add_up_to_minus_the_score(name):
    X = make_usual()
    detector = ReconstructionOutlierDetector(
        PIPELINE, outlier_score=name, random_state=0
    ).fit(X)
    contributions = detector.feature_contributions(X)
    assert contributions.shape == X.shape
    assert_allclose(contributions.sum(axis=1), -detector.score_samples(X))


def test_contributions_name_the_guilty_column(fitted):
    X, guilty = make_unusual()
    named = fitted.feature_contributions(X).argmax(axis=1)
    assert (named == guilty).mean() > 0.7


def test_the_unit_of_a_column_does_not_matter(fitted):
    factors = np.array([1e6, 1e-3, 7.0, 0.1, 1e3])
    scaled = clone(fitted).fit(make_usual() * factors)
    scores = scaled.score_samples(make_unusual()[0] * factors)
    assert np.corrcoef(scores, fitted.score_samples(make_unusual()[0]))[0, 1] > 0.99


@pytest.mark.parametrize("contamination", [0.05, 0.2, 0.5])
def test_contamination_is_the_share_of_training_rows_below_the_threshold(
    contamination, fitted
):
    detector = clone(fitted).set_params(contamination=contamination)
    labels = detector.fit_predict(make_usual())
    assert (labels == -1).mean() == pytest.approx(contamination, abs=0.01)


def test_the_automatic_threshold_lets_most_usual_rows_pass(fitted):
    assert 0.005 < (fitted.predict(make_usual()) == -1).mean() < 0.1
    assert (fitted.predict(make_usual(seed=9)) == 1).mean() > 0.85
    assert (fitted.predict(make_unusual()[0]) == -1).mean() > 0.3


def test_the_decision_is_the_score_less_the_threshold(fitted):
    X = make_unusual()[0]
    decisions = fitted.decision_function(X)
    assert_array_equal(decisions, fitted.score_samples(X) - fitted.offset_)
    assert_array_equal(fitted.predict(X) == -1, decisions < 0)


def test_the_estimator_is_cloned_and_never_changed():
    before = pickle.dumps(PIPELINE)
    detector = ReconstructionOutlierDetector(PIPELINE, random_state=0)
    detector.fit(make_usual())
    assert pickle.dumps(PIPELINE) == before
    assert detector.estimator_ is not PIPELINE
    assert detector.estimator_[-1].components_.shape == (8, 5)


def test_random_state_reaches_what_has_none_and_leaves_what_has_one():
    free = make_pipeline(StandardScaler(), DenoisingAutoencoder(4, max_iter=2))
    detector = ReconstructionOutlierDetector(free, random_state=3).fit(make_usual())
    again = clone(detector).fit(make_usual())
    X = make_unusual()[0]
    assert_array_equal(detector.score_samples(X), again.score_samples(X))
    assert detector.estimator_[-1].random_state is not None
    fixed = ReconstructionOutlierDetector(PIPELINE, random_state=3).fit(make_usual())
    assert fixed.estimator_[-1].random_state == 0


def test_numpys_global_generator_is_left_alone():
    before = np.random.get_state()[1].copy()
    ReconstructionOutlierDetector(PIPELINE).fit(make_usual())
    assert_array_equal(np.random.get_state()[1], before)


def test_hidden_entries_are_not_copied_into_their_reconstruction():
    """A model that gives back what it sees has no error, unless it cannot see."""
    X, identity = make_unusual()[0], PCA(5)
    seen, hidden = (
        ReconstructionOutlierDetector(
            make_pipeline(StandardScaler(), identity), outlier_score=name
        ).fit(make_usual())
        for name in ("log", "hidden")
    )
    assert_array_equal(seen.score_samples(X), 0)
    assert hidden.score_samples(X).max() < 0


def test_missing_entries_count_for_nothing(fitted):
    X = make_unusual()[0]
    X[0, 1] = X[1, :4] = X[2, :] = np.nan
    contributions = fitted.feature_contributions(X)
    assert_array_equal(contributions[np.isnan(X)], 0)
    assert np.isfinite(contributions).all()
    assert fitted.score_samples(X)[2] == 0
    assert (fitted.score_samples(X)[[0, 1]] < 0).all()


def test_a_detector_trained_on_holes_still_finds_outliers():
    X = make_usual()
    X[np.random.default_rng(0).random(X.shape) < 0.2] = np.nan
    assert area(ReconstructionOutlierDetector(random_state=0).fit(X)) > 0.9


def test_a_column_that_training_never_saw_never_counts(fitted):
    X = make_usual()
    X[:, 3] = np.nan
    detector = clone(fitted).fit(X)
    assert_array_equal(detector.feature_contributions(make_usual())[:, 3], 0)


def test_missing_entries_are_refused_for_an_estimator_that_refuses_them():
    X = make_usual()
    X[0, 0] = np.nan
    with pytest.raises(ValueError, match=r"NaN, which PCA does not .* estimator=None"):
        ReconstructionOutlierDetector(PCA(2)).fit(X)


def test_constant_columns_are_usual_until_they_change(fitted):
    X = np.hstack([make_usual(), np.full((200, 1), 3.7)])
    detector = clone(fitted).fit(X)
    assert np.isfinite(detector.score_samples(X)).all()
    changed = X[:1].copy()
    changed[0, 5] = 9.0
    assert detector.feature_contributions(changed).argmax() == 5


def test_rows_that_are_all_alike_have_finite_scores(fitted):
    detector = clone(fitted).fit(np.ones((10, 3)))
    assert np.isfinite(detector.score_samples(np.eye(3))).all()


def test_named_columns_are_remembered(fitted):
    frame = pd.DataFrame(make_usual()).add_prefix("column")
    detector = clone(fitted).fit(frame)
    assert list(detector.feature_names_in_) == list(frame.columns)
    assert_array_equal(
        detector.score_samples(frame), fitted.score_samples(make_usual())
    )
    assert not hasattr(detector.fit(make_usual()), "feature_names_in_")


def test_pandas_output_of_a_step_does_not_matter():
    model = make_pipeline(StandardScaler(), PCA(2))
    plain = ReconstructionOutlierDetector(model, random_state=0).fit(make_usual())
    model = clone(model).set_output(transform="pandas")
    framed = ReconstructionOutlierDetector(model, random_state=0).fit(make_usual())
    assert_array_equal(
        plain.score_samples(make_usual()), framed.score_samples(make_usual())
    )


@pytest.mark.parametrize("as_given", [list, Forest.from_nested])
@every_score
def test_trees_are_scored_by_the_mean_over_their_leaves(as_given, name):
    trees = as_given(make_trees(30, seed=0))
    detector = ReconstructionOutlierDetector(
        TREE_MODEL, outlier_score=name, random_state=0
    ).fit(trees)
    assert detector.score_samples(trees).shape == (30,)
    contributions = detector.feature_contributions(trees)
    assert contributions.shape == (30, detector.n_features_in_)
    if name == "squared_error":
        forest = Forest.from_nested(trees)
        errors = detector.estimator_.reconstruction_error(trees)
        means = [e.mean() for e in np.split(errors, np.cumsum(forest.n_leaves)[:-1])]
        assert_allclose(contributions.sum(axis=1) * 3, means, rtol=1e-5)


def test_the_score_of_trees_is_that_of_what_is_seen():
    detector = ReconstructionOutlierDetector(TREE_MODEL, random_state=0)
    assert detector.fit(make_trees(9, seed=0)).outlier_score_ == "log"
    assert detector.fit(make_usual()).outlier_score_ == "hidden_near"


def test_trees_without_an_estimator_of_trees_are_refused_with_a_remedy():
    with pytest.raises(ValueError, match=r"Pass an estimator of trees, such as Unf"):
        ReconstructionOutlierDetector().fit(make_trees(9, seed=0))


@pytest.mark.parametrize(
    ("estimator", "remedy"),
    [
        (RandomForestClassifier(), "no reconstruct, no transform, no inverse_tr"),
        (StandardScaler, r"Pass an instance, StandardScaler\(...\), not the class"),
        ("pca", "It has no fit"),
        (
            make_pipeline(KNNImputer(), "passthrough", PCA(1)),
            r"Steps without inverse_transform: \['knnimputer'\]",
        ),
    ],
)
def test_an_estimator_that_cannot_reconstruct_is_refused_with_a_remedy(
    estimator, remedy
):
    with pytest.raises(ValueError, match=r"either reconstruct, as Denois") as caught:
        ReconstructionOutlierDetector(estimator).fit(make_usual())
    caught.match(remedy)


@pytest.mark.parametrize("contamination", [0, 0.6, -0.1, "some", None])
def test_a_wrong_contamination_lists_what_is_allowed(contamination):
    detector = ReconstructionOutlierDetector(contamination=contamination)
    with pytest.raises(ValueError, match=r"'contamination' parameter .*\(0.0, 0.5\]"):
        detector.fit(make_usual())


def test_a_wrong_score_lists_the_names_there_are():
    with pytest.raises(ValueError, match="'mahalanobis'"):
        ReconstructionOutlierDetector(outlier_score="auc").fit(make_usual())


def test_one_row_is_refused():
    with pytest.raises(ValueError, match=r"n_samples=1: .* pass at least 2"):
        ReconstructionOutlierDetector().fit(make_usual()[:1])


def test_nothing_but_holes_is_refused():
    with pytest.raises(ValueError, match="Every entry of X is missing"):
        ReconstructionOutlierDetector().fit(np.full((5, 2), np.nan))


class Halving(PCA):
    """Gives back half of the columns."""

    def inverse_transform(self, X):
        return super().inverse_transform(X)[:, ::2]


def test_a_reconstruction_of_another_shape_is_refused():
    with pytest.raises(ValueError, match="Halving made an array of shape"):
        ReconstructionOutlierDetector(Halving(2)).fit(make_usual())


def test_a_fit_that_fails_leaves_the_detector_as_it_was(fitted):
    detector = clone(fitted).fit(make_usual())
    scores = detector.score_samples(make_usual())
    with pytest.raises(ValueError, match="Every entry"):
        detector.fit(np.full((5, 2), np.nan))
    assert_array_equal(detector.score_samples(make_usual()), scores)


@pytest.mark.parametrize(
    "method",
    ["score_samples", "decision_function", "predict", "feature_contributions"],
)
def test_a_detector_that_is_not_fitted_says_so(method):
    with pytest.raises(NotFittedError):
        getattr(ReconstructionOutlierDetector(), method)(make_usual())


def test_a_detector_is_the_same_after_a_pickle(fitted):
    X = make_unusual()[0]
    copy = pickle.loads(pickle.dumps(fitted))
    assert_array_equal(copy.score_samples(X), fitted.score_samples(X))


def test_a_few_outliers_in_training_that_lie_together_are_found():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(300, 5))
    X[:6] += 6
    scores = ReconstructionOutlierDetector(random_state=0).fit(X).score_samples(X)
    assert roc_auc_score(np.arange(300) >= 6, scores) > 0.95


def test_two_rows_are_enough():
    detector = ReconstructionOutlierDetector(random_state=0).fit([[0.0, 1], [1, 0]])
    assert np.isfinite(detector.score_samples([[0.0, 0.0]])).all()
