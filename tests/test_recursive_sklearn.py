"""Trees through the pipelines, searches and ensembles of scikit-learn."""

import joblib
import numpy as np
import pytest
from labelled_trees import TREES, Y, every_container, make, make_classifier, make_trees
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.ensemble import StackingClassifier, VotingClassifier
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    RandomizedSearchCV,
    cross_val_predict,
    cross_val_score,
    learning_curve,
)
from sklearn.pipeline import Pipeline
from tree_models import every_estimator

from sk_autoenc import RAETransformer, UnfoldingRAETransformer
from sk_autoenc.trees.forest import Forest

pytestmark = pytest.mark.filterwarnings("ignore:Maximum iterations")


# Containers


@every_container
def test_a_model_fitted_on_one_container_transforms_another(container):
    model = make(UnfoldingRAETransformer).fit(TREES)
    assert_array_equal(model.transform(container(TREES)), model.transform(TREES))


def test_a_tuple_of_trees_is_a_list_of_trees():
    model = make(UnfoldingRAETransformer).fit(tuple(TREES))
    assert_array_equal(model.transform(tuple(TREES)), model.transform(TREES))


@every_container
def test_the_callers_container_is_not_changed(container):
    X = container(TREES)
    before = joblib.hash(X)
    make(UnfoldingRAETransformer, corruption="masking", corruption_level=0.5).fit(
        X
    ).transform(X)
    assert joblib.hash(X) == before


@pytest.mark.parametrize("container", [Forest.from_nested])
def test_a_bare_leaf_on_its_own_has_the_code_it_has_in_a_batch(container):
    """Not in a list: a list of vectors is a 2-D array, as everywhere."""
    trees = [np.array([0.3, -0.2]), *TREES]
    model = make(UnfoldingRAETransformer).fit(trees)
    assert_array_equal(model.transform(trees)[0], [0.3, -0.2])
    assert_array_equal(model.transform(container(trees[:1]))[0], [0.3, -0.2])


# Classifiers


@every_estimator
@every_container
def test_a_pipeline_ends_in_a_classifier_of_string_labels(container, Estimator):
    X = container(TREES)
    pipeline = make_classifier(Estimator).fit(X, Y)
    assert pipeline.score(X, Y) > 0.9
    assert set(pipeline.predict(X)) == {"rising", "falling"}


@pytest.fixture(scope="module")
def scores_of_a_list():
    return cross_val_score(make_classifier(), TREES, Y, cv=4)


@every_container
def test_cross_validation_of_a_classifier_is_that_of_a_list(
    container, scores_of_a_list
):
    scores = cross_val_score(make_classifier(), container(TREES), Y, cv=4)
    assert_allclose(scores, scores_of_a_list)
    assert scores.mean() > 0.7


@every_container
def test_cross_validation_predicts_a_label_for_each_tree(container):
    predicted = cross_val_predict(make_classifier(), container(TREES), Y, cv=3)
    assert (predicted == Y).mean() > 0.7


@every_container
def test_a_stack_and_a_vote_of_classifiers_of_trees_run(container):
    X = container(TREES)
    members = [
        ("unfolding", make_classifier()),
        ("plain", make_classifier(RAETransformer)),
    ]
    for ensemble in (
        StackingClassifier(members, cv=2),
        VotingClassifier(members, voting="soft"),
    ):
        assert ensemble.fit(X, Y).score(X, Y) > 0.8


class Counting(UnfoldingRAETransformer):
    """Counts fits; of the module, so that joblib finds it."""

    n_fits = 0

    def fit(self, X, y=None):
        Counting.n_fits += 1
        return super().fit(X, y)


@pytest.mark.filterwarnings("ignore:Persisting input")  # joblib's, on a busy machine
@every_container
def test_a_cached_pipeline_fits_once(container, tmp_path, monkeypatch):
    monkeypatch.setattr(Counting, "n_fits", 0)
    steps = make_classifier(Counting).steps
    pipeline = Pipeline(steps, memory=str(tmp_path))
    X = container(TREES)
    first = pipeline.fit(X, Y).predict_proba(X)
    assert Counting.n_fits == 1
    second = clone(pipeline).fit(container(TREES), Y).predict_proba(X)
    assert Counting.n_fits == 1
    assert_array_equal(first, second)
    pipeline.fit(container(make_trees(seed=1)), Y)
    assert Counting.n_fits == 2


# Searches


GRID = {
    "unfoldingraetransformer__n_components": [None, 3],
    "unfoldingraetransformer__pooling": ["root", ("root", "mean")],
}


@pytest.fixture(scope="module")
def search_of_a_list():
    return GridSearchCV(make_classifier(), GRID, cv=2).fit(TREES, Y)


@every_container
def test_grid_search_in_two_processes_is_that_of_a_list_in_one(
    container, search_of_a_list
):
    X = container(TREES)
    search = GridSearchCV(make_classifier(), GRID, n_jobs=2, cv=2).fit(X, Y)
    assert_allclose(
        search.cv_results_["mean_test_score"],
        search_of_a_list.cv_results_["mean_test_score"],
    )
    assert_array_equal(search.predict(X), search_of_a_list.predict(TREES))


def test_grid_search_tunes_the_loss_of_the_model_itself():
    grid = {"n_components": [1, None], "solver": ["adam", "lbfgs"]}
    search = GridSearchCV(make(UnfoldingRAETransformer), grid, cv=2).fit(TREES)
    assert search.best_params_["n_components"] is None


@every_container
def test_randomized_search_runs(container):
    grid = {"raetransformer__normalize": [True, False]}
    search = RandomizedSearchCV(
        make_classifier(RAETransformer), grid, n_iter=2, cv=2, random_state=0
    )
    assert search.fit(container(TREES), Y).best_score_ > 0.7


@every_container
def test_halving_search_runs(container):
    search = HalvingGridSearchCV(
        make_classifier(),
        {"unfoldingraetransformer__init": ["average", "glorot"]},
        min_resources=20,
        cv=2,
        random_state=0,
    )
    search.fit(container(TREES), Y)
    assert search.n_resources_ == [20]
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


@every_container
def test_a_learning_curve_is_drawn(container):
    sizes, train_scores, test_scores = learning_curve(
        make_classifier(),
        container(TREES),
        Y,
        cv=2,
        train_sizes=[0.5, 1.0],
        shuffle=True,
        random_state=0,
    )
    assert_array_equal(sizes, [10, 20])
    assert train_scores.mean() > 0.9
    assert test_scores.shape == (2, 2)
